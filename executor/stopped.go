package executor

import (
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// leftNow says what is left of the plan's tables, as the ledger has it, and what the steps
// of later phases would make.
func (r *run) leftNow() []left.Item {
	r.set.Lock()
	defer r.set.Unlock()
	var out []left.Item
	for _, t := range r.set.Order {
		if t.Plan.Action == plan.Forget || t.Plan.Target == nil {
			continue
		}
		out = append(out, left.Of(t.Want(), t.Ledger(r.p.Migration))...)
	}
	kinds := map[string]left.Kind{plan.StepKey: left.Key, plan.StepIndex: left.Index, plan.StepForeignKey: left.ForeignKey, plan.StepUnrefer: left.ForeignKey, plan.StepSequence: left.Sequence}
	type part struct {
		table catalog.Name
		kind  left.Kind
	}
	seen := make(map[part]bool)
	for _, s := range r.p.Steps {
		kind, known := kinds[s.Kind]
		if !known || r.done[s.ID] {
			continue
		}
		if len(s.Tables) == 0 { // of sequences that no column owns
			out = append(out, left.Item{Kind: kind, What: "of a later phase"})
		}
		for _, n := range s.Tables {
			if !seen[part{n, kind}] {
				seen[part{n, kind}] = true
				out = append(out, left.Item{Table: n, Kind: kind, What: "of a later phase"})
			}
		}
	}
	return out
}
