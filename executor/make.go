package executor

import (
	"context"
	"fmt"
	"slices"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// dropStep drops tables that are made again, and predecessors of those that have another name
// now. That nothing of the table is there any more is recorded with it.
func (r *run) dropStep(ctx context.Context, s *plan.Step) error {
	var tables []*table
	for _, t := range r.sound(s) {
		r.mu.Lock()
		if t.toDrop() {
			tables = append(tables, t)
		}
		r.mu.Unlock()
	}
	return r.dropTables(ctx, s, tables)
}

// toDrop says whether the plan's drop of the table is still to be done. The caller holds run.mu.
func (t *table) toDrop() bool {
	moves := t.row.Target != t.target.Name
	own := t.row.Created && t.row.State == ledger.Empty
	return moves || t.plan.Drop && (own || t.nothing())
}

// drops returns the tables that go for the plan's sake. The caller holds run.mu.
func (t *table) drops() []catalog.Name {
	var names []catalog.Name
	if t.row.Target != t.target.Name && t.row.Created {
		names = append(names, t.row.Target)
	}
	if t.plan.Drop {
		names = append(names, t.target.Name)
	}
	return names
}

// dropped is the table's ledger row once nothing of it is there. The caller holds run.mu.
func (t *table) dropped() ledger.Table {
	after := t.row
	after.Target, after.State, after.Created = t.target.Name, ledger.Planned, false
	return after
}

// made is the table's ledger row once dmoctl has made it. The caller holds run.mu.
func (t *table) made() ledger.Table {
	after := t.row
	after.Created = true
	if after.State == ledger.Planned {
		after.State = ledger.Made
	}
	return after
}

// createStep makes tables, and records with each that dmoctl has made it.
func (r *run) createStep(ctx context.Context, s *plan.Step) error {
	r.d.before(PointCreate)
	all := r.sound(s)
	// A COMMIT without an answer may have made them, and where DDL commits by itself, so may
	// a call that failed at one of several.
	doubt, made := false, make(map[*table]bool)
	return r.together(ctx, s, all, func(some []*table) error {
		return r.retry(ctx, "make tables", func(ctx context.Context) error {
			if doubt {
				if err := r.noteMade(ctx, all, made); err != nil {
					return err
				}
			}
			left := slices.DeleteFunc(slices.Clone(some), func(t *table) bool { return made[t] })
			err := r.create(ctx, left)
			doubt = err != nil && (len(left) > 1 || providers.KindOf(err) == providers.Disconnected)
			return err
		})
	})
}

func (r *run) create(ctx context.Context, tables []*table) error {
	return r.write(ctx, func(ctx context.Context) error {
		return r.alterWith(ctx, nil, tables, func(t *table) ([]providers.DDL, ledger.Table) {
			return []providers.DDL{providers.CreateTable{Table: t.target, New: !t.row.Created}}, t.made()
		})
	})
}

// alterWith carries out DDL, and then that of each table in one transaction with the table's
// ledger row that is true after it: what somebody else has made is never taken for ours. The
// func is called under run.mu. Rows are copied while rowLock is held, as in putTables.
func (r *run) alterWith(ctx context.Context, first []providers.DDL, tables []*table, do func(*table) ([]providers.DDL, ledger.Table)) error {
	if err := hold(ctx, r.rowLock); err != nil {
		return err
	}
	defer r.rowLock.Release(1)
	ddl := slices.Clone(first)
	rows := make([]ledger.Table, len(tables))
	r.mu.Lock()
	for i, t := range tables {
		var own []providers.DDL
		own, rows[i] = do(t)
		ddl = append(append(ddl, own...), providers.Record{Change: ledger.Change{Tables: rows[i : i+1]}})
	}
	r.mu.Unlock()
	if len(ddl) == 0 {
		return nil
	}
	if err := r.session.Alter(ctx, ddl); err != nil {
		return err
	}
	for i, t := range tables {
		r.took(t, rows[i])
	}
	return nil
}

// took takes over what the ledger says now of where a table is and whose it is. What else
// stands in its row may have changed meanwhile.
func (r *run) took(t *table, row ledger.Table) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t.row.Target, t.row.State, t.row.Created = row.Target, row.State, row.Created
}

// noteMade adds the tables that the ledger calls made by now.
func (r *run) noteMade(ctx context.Context, tables []*table, made map[*table]bool) error {
	c, err := r.d.Target.Ledger(ctx, r.p.Migration)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	now := make(map[catalog.Name]ledger.Table, len(c.Tables))
	for _, row := range c.Tables {
		now[row.Source] = row
	}
	for _, t := range tables {
		if row := now[t.plan.Source.Name]; row.Created && row.Target == t.target.Name && !t.row.Created {
			r.took(t, row)
			made[t] = true
		}
	}
	return nil
}
