package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/providers"
)

// step carries out one step of the plan. An error concerns the step as a whole;
// failures of single tables and packages are listed where they happen.
func (r *run) step(ctx context.Context, s *plan.Step) error {
	switch s.Kind {
	case plan.StepSchemas:
		return r.schemasStep(ctx)
	case plan.StepDrop:
		return r.dropStep(ctx, s)
	case plan.StepCreate:
		return r.createStep(ctx, s)
	case plan.StepUnrefer:
		return r.unreferStep(ctx, s)
	case plan.StepEmpty:
		return r.emptyStep(ctx, s)
	case plan.StepCopy:
		return r.copyStep(ctx, s)
	case plan.StepKey, plan.StepIndex, plan.StepForeignKey:
		return r.finalizeStep(ctx, s)
	case plan.StepSequence:
		return r.sequenceStep(ctx, s)
	case plan.StepForget:
		return r.target.Record(ctx, ledger.Change{RemoveTables: s.Tables})
	case plan.StepVerify:
		return r.verifyStep(ctx, s)
	case plan.StepClose:
		return r.closeStep(ctx)
	}
	return fmt.Errorf("the plan has a step of kind %q, which this dmoctl does not know", s.Kind)
}

// did says whether all of a step that ended without an error is done: failures of single
// tables and packages are listed where they happen.
func (r *run) did(s *plan.Step) bool {
	r.set.Lock()
	defer r.set.Unlock()
	switch s.Kind {
	case plan.StepCopy:
		return !slices.ContainsFunc(s.Packages, func(id string) bool {
			u := r.set.Packages[id]
			return u == nil || u.Table.Stopped || !u.Table.Has(u.Package)
		})
	case plan.StepClose:
		return r.led.Closed
	}
	return !slices.ContainsFunc(s.Tables, func(n catalog.Name) bool {
		t := r.set.ByName[n]
		return t != nil && (t.Stopped || t.Broken != nil)
	})
}

// sound returns the step's tables that nothing has failed of.
func (r *run) sound(s *plan.Step) []*work.Table {
	r.set.Lock()
	defer r.set.Unlock()
	var out []*work.Table
	for _, name := range s.Tables {
		if t := r.set.ByName[name]; t != nil && !t.Stopped && t.Broken == nil {
			out = append(out, t)
		}
	}
	return out
}

// schemasStep makes schemas, types and free sequences. Without them nothing else works.
func (r *run) schemasStep(ctx context.Context) error {
	var ddl []providers.DDL
	for _, s := range r.p.Schemas {
		ddl = append(ddl, providers.CreateSchema{Schema: s})
	}
	for _, t := range r.p.Types {
		ddl = append(ddl, providers.CreateType{Type: t})
	}
	for _, s := range r.p.Sequences {
		ddl = append(ddl, providers.CreateSequence{Sequence: s})
	}
	err := r.target.Alter(ctx, ddl)
	if err != nil {
		r.fails.halt(err)
	}
	return err
}

// each carries out the DDL of tables together; where that fails for good, one by
// one, so that only the culprit fails.
func (r *run) each(ctx context.Context, s *plan.Step, tables []*work.Table, ddl func(*work.Table) []providers.DDL) error {
	return r.together(ctx, s, tables, func(some []*work.Table) error {
		var all []providers.DDL
		for _, t := range some {
			all = append(all, ddl(t)...)
		}
		return r.target.Alter(ctx, all)
	})
}

// together does something to tables at once; where that fails for good, one by one.
func (r *run) together(ctx context.Context, s *plan.Step, tables []*work.Table, do func([]*work.Table) error) error {
	err := do(tables)
	if err == nil || ctx.Err() != nil || errors.Is(err, control.ErrStopped) || hopeless(err) {
		return err
	}
	return r.oneByOne(ctx, s.ID, tables, err, func(t *work.Table) error { return do([]*work.Table{t}) })
}

// oneByOne tries again for single tables what failed for all of them together with err.
// A culprit is listed once, and nothing more is done with it.
func (r *run) oneByOne(ctx context.Context, step string, tables []*work.Table, err error, do func(*work.Table) error) error {
	for _, t := range tables {
		if len(tables) > 1 {
			err = do(t)
		}
		if err != nil && hopeless(err) {
			return err
		}
		if err != nil {
			r.fails.stopTable(t, step, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// emptyStep empties what the ledger says does not count. What was read under a snapshot that
// is gone is emptied once the next one is there, see mustEmpty.
func (r *run) emptyStep(ctx context.Context, s *plan.Step) error {
	var tables []*work.Table
	for _, t := range r.sound(s) {
		r.set.Lock()
		if t.Voided() {
			tables = append(tables, t)
		}
		r.set.Unlock()
	}
	return r.emptyAll(ctx, s.ID, tables)
}

// closeStep records that every step is done, and removes what served only the run.
func (r *run) closeStep(ctx context.Context) error {
	if !r.fails.clean() || r.d.Until != "" && phaseRank(r.d.Until) < phaseRank(plan.Postprocess) {
		return nil
	}
	if err := r.audit(ctx); err != nil {
		return err
	}
	if !r.fails.clean() {
		return nil
	}
	if same, err := r.compareTogether(ctx); err != nil || !same {
		return err
	}
	r.ctl.Before(control.PointClose)
	if err := r.analyze(ctx); err != nil {
		return err
	}
	if r.files != nil {
		if err := r.files.finish(ctx); err != nil {
			return err
		}
	}
	r.led.Closed = true
	led := r.led
	return r.target.Record(ctx, ledger.Change{Run: &led})
}

// analyzeRows is from how many rows on statistics are worth a statement of their own;
// servers look after small tables by themselves.
const analyzeRows = 10_000

func (r *run) analyze(ctx context.Context) error {
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
		r.ctl.Emit(report.Event{Event: report.Notice, Phase: plan.Postprocess, Message: "statistics were not refreshed: " + err.Error()})
	}
	return nil
}
