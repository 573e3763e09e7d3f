package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
		return r.record(ctx, ledger.Change{RemoveTables: s.Tables})
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
	r.mu.Lock()
	defer r.mu.Unlock()
	switch s.Kind {
	case plan.StepCopy:
		return !slices.ContainsFunc(s.Packages, func(id string) bool {
			u := r.packages[id]
			return u == nil || u.table.stopped || !u.table.has(u.pkg)
		})
	case plan.StepClose:
		return r.led.Closed
	}
	return !slices.ContainsFunc(s.Tables, func(n catalog.Name) bool {
		t := r.tables[n]
		return t != nil && (t.stopped || t.broken != nil)
	})
}

// sound returns the step's tables that nothing has failed of.
func (r *run) sound(s *plan.Step) []*table {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*table
	for _, name := range s.Tables {
		if t := r.tables[name]; t != nil && !t.stopped && t.broken == nil {
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
	err := r.alter(ctx, ddl)
	if err != nil {
		r.halt(err)
	}
	return err
}

// each carries out the DDL of tables together; where that fails for good, one by
// one, so that only the culprit fails.
func (r *run) each(ctx context.Context, s *plan.Step, tables []*table, ddl func(*table) []providers.DDL) error {
	return r.together(ctx, s, tables, func(some []*table) error {
		var all []providers.DDL
		for _, t := range some {
			all = append(all, ddl(t)...)
		}
		return r.alter(ctx, all)
	})
}

// together does something to tables at once; where that fails for good, one by one.
func (r *run) together(ctx context.Context, s *plan.Step, tables []*table, do func([]*table) error) error {
	err := do(tables)
	if err == nil || ctx.Err() != nil || errors.Is(err, errStopped) || hopeless(err) {
		return err
	}
	return r.oneByOne(ctx, s.ID, tables, err, func(t *table) error { return do([]*table{t}) })
}

// oneByOne tries again for single tables what failed for all of them together with err.
// A culprit is listed once, and nothing more is done with it.
func (r *run) oneByOne(ctx context.Context, step string, tables []*table, err error, do func(*table) error) error {
	for _, t := range tables {
		if len(tables) > 1 {
			err = do(t)
		}
		if err != nil && hopeless(err) {
			return err
		}
		if err != nil {
			r.stopTable(t, step, err)
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
	var tables []*table
	for _, t := range r.sound(s) {
		r.mu.Lock()
		if t.voided() {
			tables = append(tables, t)
		}
		r.mu.Unlock()
	}
	return r.emptyAll(ctx, s.ID, tables)
}

// closeStep records that every step is done, and removes what served only the run.
func (r *run) closeStep(ctx context.Context) error {
	if !r.clean() || r.d.Until != "" && phaseRank(r.d.Until) < phaseRank(plan.Postprocess) {
		return nil
	}
	if err := r.audit(ctx); err != nil {
		return err
	}
	if !r.clean() {
		return nil
	}
	if same, err := r.compareTogether(ctx); err != nil || !same {
		return err
	}
	r.d.before(PointClose)
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
	return r.record(ctx, ledger.Change{Run: &led})
}

// clean says whether nothing has failed so far.
func (r *run) clean() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.codes) == 0 && r.cause == nil
}

// analyzeRows is from how many rows on statistics are worth a statement of their own;
// servers look after small tables by themselves.
const analyzeRows = 10_000

func (r *run) analyze(ctx context.Context) error {
	var ddl []providers.DDL
	r.mu.Lock()
	for _, t := range r.order {
		if t.copiedHere && t.loadedRows() >= analyzeRows {
			ddl = append(ddl, providers.Analyze{Table: t.target.Name})
		}
	}
	r.mu.Unlock()
	if err := r.alter(ctx, ddl); err != nil {
		if r.fatal(err) {
			return err
		}
		// Missing statistics make queries slow and nothing wrong.
		r.emit(report.Event{Event: report.Notice, Phase: plan.Postprocess, Message: "statistics were not refreshed: " + err.Error()})
	}
	return nil
}
