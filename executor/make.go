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

// dropStep drops tables that are made anew, and predecessors of those that have another name
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
	return r.together(ctx, s, r.sound(s), func(some []*table) error {
		if len(some) == 0 {
			return nil
		}
		again := false
		return r.retry(ctx, "make tables", func(ctx context.Context) error {
			left := some
			if again { // a COMMIT without an answer may have made them
				var err error
				if left, err = r.unmade(ctx, some); err != nil {
					return err
				}
			}
			again = true
			return r.write(ctx, func(ctx context.Context) error {
				return r.alterWith(ctx, nil, left, func(t *table) ([]providers.DDL, ledger.Table) {
					return []providers.DDL{providers.CreateTable{Table: t.target, New: !t.row.Created}}, t.made()
				})
			})
		})
	})
}

// alterWith carries out DDL, and then that of each table in one transaction with the table's
// ledger row that is true after it: what somebody else has made is never taken for ours. The
// func is called under run.mu. Rows are copied while rowMu is held, as in putTables.
func (r *run) alterWith(ctx context.Context, first []providers.DDL, tables []*table, do func(*table) ([]providers.DDL, ledger.Table)) error {
	r.rowMu.Lock()
	defer r.rowMu.Unlock()
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

// unmade returns the tables that the ledger does not call made yet.
func (r *run) unmade(ctx context.Context, tables []*table) ([]*table, error) {
	c, err := r.d.Target.Ledger(ctx, r.p.Migration)
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	now := make(map[catalog.Name]ledger.Table, len(c.Tables))
	for _, row := range c.Tables {
		now[row.Source] = row
	}
	var out []*table
	for _, t := range tables {
		if row := now[t.plan.Source.Name]; row.Created && row.Target == t.target.Name {
			r.took(t, row)
			continue
		}
		out = append(out, t)
	}
	return out, nil
}
