package executor

import (
	"context"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/providers"
)

// closeStep records that every step is done, and removes what served only the run.
func (r *closing) closeStep(ctx context.Context) error {
	if !r.fails.clean() || !plan.Postprocess.Within(r.d.Until) {
		return nil
	}
	if err := r.auditing.audit(ctx); err != nil {
		return err
	}
	if !r.fails.clean() {
		return nil
	}
	if same, err := r.settling.compareTogether(ctx); err != nil || !same {
		return err
	}
	r.ctl.Before(control.PointClose)
	if err := r.analyze(ctx); err != nil {
		return err
	}
	if err := r.transport.Finish(ctx); err != nil {
		return err
	}
	r.led.Closed = true
	led := r.led
	return r.target.Record(ctx, ledger.Change{Run: &led})
}

// analyzeRows is from how many rows on statistics are worth a statement of their own;
// servers look after small tables by themselves.
const analyzeRows = 10_000

func (r *closing) analyze(ctx context.Context) error {
	var ddl []providers.DDL
	r.set.Lock()
	for _, t := range r.set.Order {
		if t.CopiedHere && t.LoadedRows() >= analyzeRows {
			ddl = append(ddl, providers.Analyze{Table: t.Target.Name})
		}
	}
	r.set.Unlock()
	if err := r.target.Alter(ctx, ddl); err != nil {
		if r.fails.fatal(err) {
			return err
		}
		// Missing statistics make queries slow and nothing wrong.
		r.ctl.Emit(report.Event{
			Event: report.Notice, Phase: plan.Postprocess, Message: "statistics were not refreshed: " + err.Error(),
		})
	}
	return nil
}

// leftNow says what is left of the plan's tables, as the ledger has it, and what the steps
// of later phases would make.
func (r *closing) leftNow() []left.Item {
	r.set.Lock()
	defer r.set.Unlock()
	var out []left.Item
	for _, t := range r.set.Order {
		if t.Plan.Action == plan.Forget || t.Plan.Target == nil {
			continue
		}
		out = append(out, left.Of(t.Want(), t.Ledger(r.p.Migration))...)
	}
	kinds := map[plan.Kind]left.Kind{
		plan.StepKey: left.Key, plan.StepIndex: left.Index, plan.StepForeignKey: left.ForeignKey,
		plan.StepDropForeignKey: left.ForeignKey, plan.StepSequence: left.Sequence,
	}
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
