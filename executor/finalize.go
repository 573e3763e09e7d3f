package executor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// finalizeStep makes keys, indexes or foreign keys of tables that are complete.
func (r *run) finalizeStep(ctx context.Context, s *plan.Step) error {
	r.d.before(PointFinalize)
	start := time.Now()
	tables, failed := r.sound(s), r.failed()
	err := r.each(ctx, s, tables, func(t *table) []providers.DDL {
		// What refers to a table that failed waits for it, and is no failure of its own.
		return slices.DeleteFunc(ddlOf(s, t), func(d providers.DDL) bool {
			f, ok := d.(providers.AddForeignKey)
			return ok && failed[f.ForeignKey.Table]
		})
	})
	took := seconds(start)
	r.mu.Lock()
	for _, t := range tables {
		t.indexSecs += took / float64(len(tables))
	}
	r.mu.Unlock()
	return err
}

// failed are the target's names of the tables that something has failed of.
func (r *run) failed() map[catalog.Name]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[catalog.Name]bool)
	for _, t := range r.order {
		if t.stopped || t.broken != nil {
			out[t.target.Name] = true
		}
	}
	return out
}

// ddlOf returns what a finalize step makes of one table.
func ddlOf(s *plan.Step, of *table) []providers.DDL {
	var out []providers.DDL
	t := of.target
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
		for _, k := range of.plan.Unrefer {
			out = append(out, providers.AddForeignKey{Table: t, ForeignKey: k})
		}
		for _, k := range t.ForeignKeys {
			if !of.unrefers(k.Name) {
				out = append(out, providers.AddForeignKey{Table: t, ForeignKey: k})
			}
		}
	}
	return out
}

// sequenceStep raises identities and sequences to where the source's are now. They
// are never lowered.
func (r *run) sequenceStep(ctx context.Context, s *plan.Step) error {
	tables := r.sound(s)
	now, err := r.inspect(ctx, r.d.Source, sources(tables))
	if err != nil {
		return fmt.Errorf("read sequences: %w", err)
	}
	err = r.each(ctx, s, tables, func(t *table) []providers.DDL {
		return raises(t, now[t.plan.Source.Name])
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
func (r *run) raiseFree(ctx context.Context) error {
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
	return r.alter(ctx, ddl)
}

// sequencesNow reads the source's sequences that no column owns.
func (r *run) sequencesNow(ctx context.Context) (*catalog.Catalog, error) {
	names := sources(r.order[:min(1, len(r.order))]) // no name at all would mean every table
	schemas := schemasOf(names)
	for _, s := range r.p.Wanted.Sequences {
		schemas = append(schemas, schemasOf([]catalog.Name{s.Name})...)
	}
	var c *catalog.Catalog
	err := r.retry(ctx, "read sequences", func(ctx context.Context) (err error) {
		c, err = r.d.Source.Catalog(ctx, providers.Selector{Schemas: schemas, Tables: names, StructureOnly: true, Free: true})
		return err
	})
	return c, err
}

// raises returns what raises the identities of a table to the source's position.
func raises(t *table, now *catalog.Table) []providers.DDL {
	if now == nil {
		return nil
	}
	var out []providers.DDL
	for i, c := range now.Columns {
		if c.Sequence == nil || i >= len(t.target.Columns) {
			continue
		}
		to := t.target.Columns[i]
		if to.Identity == "" && to.Sequence == nil {
			continue
		}
		out = append(out, providers.RaiseSequence{Table: t.target, Column: to.Name, Sequence: *c.Sequence})
	}
	return out
}
