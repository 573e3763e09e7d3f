package work

import (
	"context"
	"slices"

	"golang.org/x/sync/semaphore"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// Target is what a run writes to. It is safe for concurrent use.
type Target struct {
	// Session holds the right to write; nil before the run has it.
	Session providers.Session
	Limits  providers.Limits

	ctl *control.Control
	set *Set
	// gate is held for every transaction on a target that takes one writer only.
	gate *semaphore.Weighted
	rows *semaphore.Weighted // held while tables' ledger rows are written
}

// NewTarget returns a target without a session.
func NewTarget(ctl *control.Control, set *Set) *Target {
	return &Target{ctl: ctl, set: set, gate: semaphore.NewWeighted(1), rows: semaphore.NewWeighted(1)}
}

// Write runs do as the target's only writer where it takes just one.
func (w *Target) Write(ctx context.Context, do func(context.Context) error) error {
	if w.Limits.Writers == 1 {
		if err := control.Hold(ctx, w.gate); err != nil {
			return err
		}
		defer w.gate.Release(1)
	}
	return do(ctx)
}

// RecordTables writes the tables' ledger rows as they are now.
func (w *Target) RecordTables(ctx context.Context, tables []*Table) error {
	if len(tables) == 0 {
		return nil
	}
	return w.tried(ctx, "record in the ledger", func(ctx context.Context) error { return w.PutTables(ctx, tables) })
}

// PutTables is RecordTables for who is in Write already. Rows are copied while rows is
// held, so that an older copy never overwrites a newer one.
func (w *Target) PutTables(ctx context.Context, tables []*Table) error {
	if err := control.Hold(ctx, w.rows); err != nil {
		return err
	}
	defer w.rows.Release(1)
	rows := make([]ledger.Table, len(tables))
	w.set.Lock()
	for i, t := range tables {
		rows[i] = t.Row
	}
	w.set.Unlock()
	return w.Session.Record(ctx, ledger.Change{Tables: rows})
}

// Record writes ledger rows that are not tables'.
func (w *Target) Record(ctx context.Context, c ledger.Change) error {
	return w.tried(ctx, "record in the ledger", func(ctx context.Context) error { return w.Session.Record(ctx, c) })
}

// Alter carries out structure changes.
func (w *Target) Alter(ctx context.Context, ddl []providers.DDL) error {
	if len(ddl) == 0 {
		return nil
	}
	return w.tried(ctx, "alter the target", func(ctx context.Context) error { return w.Session.Alter(ctx, ddl) })
}

// Reload empties tables, together with their rows in the ledger.
func (w *Target) Reload(ctx context.Context, tables []providers.ReloadTable) error {
	return w.tried(ctx, "empty tables", func(ctx context.Context) error { return w.Session.Reload(ctx, tables) })
}

func (w *Target) tried(ctx context.Context, what string, do func(context.Context) error) error {
	return w.ctl.Retry(ctx, what, func(ctx context.Context) error { return w.Write(ctx, do) })
}

// AlterWith carries out DDL, and then that of each table in one transaction with the table's
// ledger row that is true after it: what somebody else has made is never taken for ours. The
// func is called under the set's lock, AlterWith in Write. Rows are copied while rows is held,
// as in PutTables.
func (w *Target) AlterWith(
	ctx context.Context, first []providers.DDL, tables []*Table, do func(*Table) ([]providers.DDL, ledger.Table),
) error {
	if err := control.Hold(ctx, w.rows); err != nil {
		return err
	}
	defer w.rows.Release(1)
	ddl := slices.Clone(first)
	rows := make([]ledger.Table, len(tables))
	w.set.Lock()
	for i, t := range tables {
		var own []providers.DDL
		own, rows[i] = do(t)
		ddl = append(append(ddl, own...), providers.Record{Change: ledger.Change{Tables: rows[i : i+1]}})
	}
	w.set.Unlock()
	if len(ddl) == 0 {
		return nil
	}
	if err := w.Session.Alter(ctx, ddl); err != nil {
		return err
	}
	w.set.Lock()
	defer w.set.Unlock()
	for i, t := range tables {
		t.Take(rows[i])
	}
	return nil
}
