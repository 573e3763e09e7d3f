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
)

// step carries out one step of the plan. An error concerns the step as a whole;
// failures of single tables and packages are listed where they happen.
func (r *run) step(ctx context.Context, s *plan.Step) error {
	switch s.Kind {
	case plan.StepSchemas:
		return r.building.schemasStep(ctx)
	case plan.StepDrop:
		return r.building.dropStep(ctx, s)
	case plan.StepCreate:
		return r.building.createStep(ctx, s)
	case plan.StepDropForeignKey:
		return r.building.dropForeignKeyStep(ctx, s)
	case plan.StepEmpty:
		return r.emptying.emptyStep(ctx, s)
	case plan.StepCopy:
		return r.copying.copyStep(ctx, s)
	case plan.StepKey, plan.StepIndex, plan.StepForeignKey:
		return r.building.finalizeStep(ctx, s)
	case plan.StepSequence:
		return r.building.sequenceStep(ctx, s)
	case plan.StepForget:
		return r.target.Record(ctx, ledger.Change{RemoveTables: s.Tables})
	case plan.StepVerify:
		return r.verifying.verifyStep(ctx, s)
	case plan.StepClose:
		return r.closing.closeStep(ctx)
	}
	return fmt.Errorf("the plan has a step of kind %q, which this version of dmoctl does not know", s.Kind)
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

// together does something to tables at once; where that fails for good, one by one.
func (r *frame) together(ctx context.Context, s *plan.Step, tables []*work.Table, do func([]*work.Table) error) error {
	err := do(tables)
	if err == nil || ctx.Err() != nil || errors.Is(err, control.ErrStopped) || hopeless(err) {
		return err
	}
	return r.oneByOne(ctx, s.ID, tables, err, func(t *work.Table) error { return do([]*work.Table{t}) })
}

// oneByOne tries again for single tables what failed for all of them together with err.
// A culprit is listed once, and nothing more is done with it.
func (r *frame) oneByOne(
	ctx context.Context, step string, tables []*work.Table, err error, do func(*work.Table) error,
) error {
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
