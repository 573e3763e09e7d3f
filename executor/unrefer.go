package executor

import (
	"context"
	"fmt"

	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// unrefer drops the foreign keys from and to tables that are about to be emptied,
// as far as the plan makes them again. With them a child could not be loaded before
// its parent, and emptying a parent would be refused or, by ON DELETE CASCADE, take
// rows along that the ledger counts as in.
func (r *run) unrefer(ctx context.Context, emptied []*work.Table) error {
	if r.d.Target.Limits().InlineKeys {
		return nil
	}
	again := make(map[catalog.Name]bool)
	for _, s := range r.p.Steps {
		if s.Kind == plan.StepForeignKey {
			for _, n := range s.Tables {
				again[n] = true
			}
		}
	}
	gone := make(map[catalog.Name]bool, len(emptied))
	r.set.Lock()
	for _, t := range emptied {
		gone[t.Target.Name], gone[t.Row.Target] = true, true
	}
	r.set.Unlock()
	ddl, err := r.unreferFormer(ctx, gone)
	if err != nil {
		return err
	}
	for _, t := range r.set.Order {
		for _, f := range t.Plan.Unrefer {
			if gone[t.Target.Name] || gone[f.Table] {
				ddl = append(ddl, providers.DropForeignKey{Table: t.Target.Name, Name: f.Name, Keep: &f})
			}
		}
		for _, f := range t.Plan.Unwanted {
			if gone[f.Table] {
				ddl = append(ddl, providers.DropForeignKey{Table: t.Target.Name, Name: f.Name})
			}
		}
		for _, f := range t.Target.ForeignKeys {
			if again[t.Plan.Source.Name] && !t.Unrefers(f.Name) && (gone[t.Target.Name] || gone[f.Table]) {
				drop := providers.DropForeignKey{Table: t.Target.Name, Name: f.Name}
				if !t.Row.Created {
					drop.Keep = &f // a rollback makes it again, too
				}
				ddl = append(ddl, drop)
			}
		}
	}
	return r.target.Alter(ctx, ddl)
}

// unreferFormer returns what drops the foreign keys of tables that have another name by now,
// and stand under the former one until they are dropped.
func (r *run) unreferFormer(ctx context.Context, gone map[catalog.Name]bool) ([]providers.DDL, error) {
	var former []catalog.Name
	r.set.Lock()
	for _, t := range r.set.Order {
		if t.Known && t.Row.Created && t.Plan.Predecessor != nil && t.Row.Target == *t.Plan.Predecessor {
			former = append(former, t.Row.Target)
		}
	}
	r.set.Unlock()
	there, err := r.inspect(ctx, r.d.Target, former)
	if err != nil {
		return nil, fmt.Errorf("read tables under their former names: %w", err)
	}
	var ddl []providers.DDL
	for _, n := range former {
		if there[n] == nil {
			continue
		}
		for _, f := range there[n].ForeignKeys {
			if gone[n] || gone[f.Table] {
				ddl = append(ddl, providers.DropForeignKey{Table: n, Name: f.Name})
			}
		}
	}
	return ddl, nil
}

// unreferStep drops foreign keys that the target's tables had before, so that their rows
// can go in in any order. The target remembers them until the step that makes them again.
// Those that are no longer carried go for good.
func (r *run) unreferStep(ctx context.Context, s *plan.Step) error {
	r.set.Lock()
	filled := make(map[catalog.Name]bool)
	for _, t := range r.set.Order {
		filled[t.Target.Name] = t.Copied() && (!left.Complete(t.Row.State) || t.Voided())
	}
	r.set.Unlock()
	return r.each(ctx, s, r.sound(s), func(t *work.Table) []providers.DDL {
		var ddl []providers.DDL
		for _, f := range t.Plan.Unrefer {
			// A run that goes on may find the rows in and the key made again.
			if filled[t.Target.Name] || filled[f.Table] {
				ddl = append(ddl, providers.DropForeignKey{Table: t.Target.Name, Name: f.Name, Keep: &f})
			}
		}
		for _, f := range t.Plan.Unwanted {
			ddl = append(ddl, providers.DropForeignKey{Table: t.Target.Name, Name: f.Name})
		}
		return ddl
	})
}
