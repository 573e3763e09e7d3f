package executor

import (
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// leftNow says what is left of the plan's tables, as the ledger has it, and what the steps
// of later phases would make.
func (r *run) leftNow() []left.Item {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []left.Item
	for _, t := range r.order {
		if t.plan.Action == plan.Forget || t.plan.Target == nil {
			continue
		}
		out = append(out, left.Of(t.want(), t.ledger(r.p.Migration))...)
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

// want is what shall become of the table.
func (t *table) want() left.Want {
	return left.Want{Source: t.plan.Source.Name, Target: t.target.Name, Rows: t.copied(), Create: t.plan.Create, Level: t.plan.Verify, Excepted: t.plan.Exception != nil}
}

// ledger is what the ledger says of the table, as the run has it. The caller holds run.mu.
func (t *table) ledger(migration string) left.Table {
	out := left.Table{}
	if t.known {
		out.Entry = &t.row
	}
	for _, p := range t.plan.Packages {
		out.Planned = append(out.Planned, &ledger.Package{Migration: migration, ID: p.ID, Source: t.plan.Source.Name, Range: p.Range, Generation: p.Generation})
	}
	for _, l := range t.in {
		out.Loaded = append(out.Loaded, &l)
	}
	return out
}
