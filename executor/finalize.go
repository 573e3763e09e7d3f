package executor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// finalizeStep makes keys, indexes or foreign keys of tables that are complete.
func (r *building) finalizeStep(ctx context.Context, s *plan.Step) error {
	r.ctl.Before(control.PointFinalize)
	start := time.Now()
	tables, failed := r.sound(s), r.failed()
	err := r.each(ctx, s, tables, func(t *work.Table) []providers.DDL {
		// What refers to a table that failed waits for it, and is not a failure of its own.
		return slices.DeleteFunc(ddlOf(s, t), func(d providers.DDL) bool {
			f, ok := d.(providers.AddForeignKey)
			return ok && failed[f.ForeignKey.Table]
		})
	})
	took := seconds(start)
	r.set.Lock()
	for _, t := range tables {
		t.IndexSeconds += took / float64(len(tables))
	}
	r.set.Unlock()
	return err
}

// failed are the target's names of the tables that something has failed of.
func (r *building) failed() map[catalog.Name]bool {
	r.set.Lock()
	defer r.set.Unlock()
	out := make(map[catalog.Name]bool)
	for _, t := range r.set.Order {
		if t.Stopped || t.Broken != nil {
			out[t.Target.Name] = true
		}
	}
	return out
}

// ddlOf returns what a finalize step makes of one table.
func ddlOf(s *plan.Step, of *work.Table) []providers.DDL {
	var out []providers.DDL
	t := of.Target
	switch s.Kind {
	case plan.StepKey:
		if t.Key != nil {
			out = append(out, providers.AddKey{Table: t, Key: *t.Key})
		}
		for _, k := range t.Uniques {
			out = append(out, providers.AddKey{Table: t, Key: k})
		}
	case plan.StepIndex:
		for _, x := range t.Indexes {
			if s.Index == "" || s.Index == x.Name {
				out = append(out, providers.CreateIndex{Table: t, Index: x})
			}
		}
	case plan.StepForeignKey:
		for _, k := range of.Plan.DropForeignKeys {
			out = append(out, providers.AddForeignKey{Table: t, ForeignKey: k})
		}
		for _, k := range t.ForeignKeys {
			if !of.DropsForeignKey(k.Name) {
				out = append(out, providers.AddForeignKey{Table: t, ForeignKey: k})
			}
		}
	}
	return out
}

// sequenceStep raises identities and sequences to where the source's are now. They
// are never lowered.
func (r *building) sequenceStep(ctx context.Context, s *plan.Step) error {
	tables := r.sound(s)
	now, err := r.inspect(ctx, r.d.Source, work.Sources(tables))
	if err != nil {
		return fmt.Errorf("read sequences: %w", err)
	}
	err = r.each(ctx, s, tables, func(t *work.Table) []providers.DDL {
		return raises(t, now[t.Plan.Source.Name])
	})
	if err != nil || len(r.p.Sequences) == 0 {
		return err
	}
	if !r.sequence.CompareAndSwap(false, true) {
		return nil
	}
	err = r.raiseFree(ctx)
	if err != nil {
		r.sequence.Store(false)
	}
	return err
}

// raiseFree raises the sequences that no column owns.
func (r *building) raiseFree(ctx context.Context) error {
	now, err := r.sequencesNow(ctx)
	if err != nil {
		return fmt.Errorf("read sequences: %w", err)
	}
	var ddl []providers.DDL
	for _, want := range r.p.Sequences {
		if have := now.Becomes(want.Name); have != nil {
			want.Last, want.Called = have.Last, have.Called
		}
		ddl = append(ddl, providers.RaiseSequence{Sequence: want})
	}
	return r.target.Alter(ctx, ddl)
}

// raises returns what raises the identities of a table to the source's position.
func raises(t *work.Table, now *catalog.Table) []providers.DDL {
	if now == nil {
		return nil
	}
	var out []providers.DDL
	for i, c := range now.Columns {
		if c.Sequence == nil || i >= len(t.Target.Columns) {
			continue
		}
		to := t.Target.Columns[i]
		if to.Identity == "" && to.Sequence == nil {
			continue
		}
		out = append(out, providers.RaiseSequence{Table: t.Target, Column: to.Name, Sequence: *c.Sequence})
	}
	return out
}
