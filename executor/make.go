package executor

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// building makes, alters and drops what the target's tables are made of.
type building struct {
	*frame
	sequence atomic.Bool // sequences that no column owns are raised, or being raised
}

// dropStep drops tables that are made again, and predecessors of those that have another name
// now. That nothing of the table is there any more is recorded with it.
func (r *building) dropStep(ctx context.Context, s *plan.Step) error {
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
func (r *building) createStep(ctx context.Context, s *plan.Step) error {
	r.ctl.Before(control.PointCreate)
	all := r.sound(s)
	// A COMMIT without an answer may have made them, and where DDL commits by itself, so may
	// a call that failed at one of several.
	doubt, made := false, make(map[*work.Table]bool)
	return r.together(ctx, s, all, func(some []*work.Table) error {
		return r.ctl.Retry(ctx, "create tables", func(ctx context.Context) error {
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

func (r *building) create(ctx context.Context, tables []*work.Table) error {
	return r.target.Write(ctx, func(ctx context.Context) error {
		return r.target.AlterWith(ctx, nil, tables, func(t *work.Table) ([]providers.DDL, ledger.Table) {
			return []providers.DDL{providers.CreateTable{Table: t.Target, New: !t.Row.Created}}, t.Made()
		})
	})
}

// noteMade adds the tables that the ledger calls made by now.
func (r *building) noteMade(ctx context.Context, tables []*work.Table, made map[*work.Table]bool) error {
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

// schemasStep makes schemas, types and free sequences. Without them nothing else works.
func (r *building) schemasStep(ctx context.Context) error {
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
func (r *building) each(
	ctx context.Context, s *plan.Step, tables []*work.Table, ddl func(*work.Table) []providers.DDL,
) error {
	return r.together(ctx, s, tables, func(some []*work.Table) error {
		var all []providers.DDL
		for _, t := range some {
			all = append(all, ddl(t)...)
		}
		return r.target.Alter(ctx, all)
	})
}

// dropForeignKeyStep drops foreign keys that the target's tables had before, so that their rows
// can go in in any order. The target remembers them until the step that makes them again.
// Those that are no longer migrated go for good.
func (r *building) dropForeignKeyStep(ctx context.Context, s *plan.Step) error {
	r.set.Lock()
	filled := make(map[catalog.Name]bool)
	for _, t := range r.set.Order {
		filled[t.Target.Name] = t.Copied() && (!t.Row.State.Complete() || t.Voided())
	}
	r.set.Unlock()
	return r.each(ctx, s, r.sound(s), func(t *work.Table) []providers.DDL {
		var ddl []providers.DDL
		for _, f := range t.Plan.DropForeignKeys {
			// A run that continues may find the rows in and the key made again.
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
