package executor

import (
	"context"
	"fmt"
	"slices"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// dropStep drops tables that are made again, and predecessors of those that have another name
// now. That nothing of the table is there any more is recorded with it.
func (r *run) dropStep(ctx context.Context, s *plan.Step) error {
	var tables []*work.Table
	for _, t := range r.sound(s) {
		r.set.Lock()
		if t.ToDrop() {
			tables = append(tables, t)
		}
		r.set.Unlock()
	}
	return r.dropTables(ctx, s, tables)
}

// createStep makes tables, and records with each that dmoctl has made it.
func (r *run) createStep(ctx context.Context, s *plan.Step) error {
	r.ctl.Before(control.PointCreate)
	all := r.sound(s)
	// A COMMIT without an answer may have made them, and where DDL commits by itself, so may
	// a call that failed at one of several.
	doubt, made := false, make(map[*work.Table]bool)
	return r.together(ctx, s, all, func(some []*work.Table) error {
		return r.ctl.Retry(ctx, "make tables", func(ctx context.Context) error {
			if doubt {
				if err := r.noteMade(ctx, all, made); err != nil {
					return err
				}
			}
			left := slices.DeleteFunc(slices.Clone(some), func(t *work.Table) bool { return made[t] })
			err := r.create(ctx, left)
			doubt = err != nil && (len(left) > 1 || providers.KindOf(err) == providers.Disconnected)
			return err
		})
	})
}

func (r *run) create(ctx context.Context, tables []*work.Table) error {
	return r.target.Write(ctx, func(ctx context.Context) error {
		return r.target.AlterWith(ctx, nil, tables, func(t *work.Table) ([]providers.DDL, ledger.Table) {
			return []providers.DDL{providers.CreateTable{Table: t.Target, New: !t.Row.Created}}, t.Made()
		})
	})
}

// noteMade adds the tables that the ledger calls made by now.
func (r *run) noteMade(ctx context.Context, tables []*work.Table, made map[*work.Table]bool) error {
	c, err := r.d.Target.Ledger(ctx, r.p.Migration)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	now := make(map[catalog.Name]ledger.Table, len(c.Tables))
	for _, row := range c.Tables {
		now[row.Source] = row
	}
	for _, t := range tables {
		if row := now[t.Plan.Source.Name]; row.Created && row.Target == t.Target.Name && !t.Row.Created {
			r.set.Lock()
			t.Take(row)
			r.set.Unlock()
			made[t] = true
		}
	}
	return nil
}
