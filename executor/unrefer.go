package executor

import (
	"context"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// unrefer drops the foreign keys from and to tables that are about to be emptied,
// as far as the plan makes them again. With them a child could not be loaded before
// its parent, and emptying a parent would be refused or, by ON DELETE CASCADE, take
// rows along that the ledger counts as in.
func (r *run) unrefer(ctx context.Context, emptied []*table) error {
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
	for _, t := range emptied {
		gone[t.target.Name] = true
	}
	var ddl []providers.DDL
	for _, t := range r.order {
		for _, f := range t.target.ForeignKeys {
			if again[t.plan.Source.Name] && (gone[t.target.Name] || gone[f.Table]) {
				ddl = append(ddl, providers.DropForeignKey{Table: t.target.Name, Name: f.Name})
			}
		}
	}
	return r.alter(ctx, ddl)
}
