package work

import (
	"context"
	"errors"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// StillQuiet compares tables in a view with what was counted when they were begun, and hands
// those that differ to found; its error ends the comparison.
func (s *Set) StillQuiet(
	ctx context.Context, view providers.View, tables []*Table, found func(*Table, error) error,
) error {
	if len(tables) == 0 {
		return nil
	}
	before := make([]providers.Counted, len(tables))
	s.Lock()
	for i, t := range tables {
		before[i] = providers.Counted{Rows: t.Row.Count, Changes: t.Row.Changes}
	}
	s.Unlock()
	what, err := view.Compare(ctx, Asked(tables), before)
	if err != nil {
		return err
	}
	for i, t := range tables {
		if what[i] == "" {
			continue
		}
		if err := found(t, NotQuiet(t, what[i])); err != nil {
			return err
		}
	}
	return nil
}

// NotQuiet is the error of a table that somebody wrote to.
func NotQuiet(t *Table, what string) error {
	return &providers.Error{
		Kind: providers.Changed, Op: "compare", Table: t.Plan.Source.Name,
		Err: errors.New("the source is not quiet: " + what),
		Fix: "Stop whatever writes to it, or set consistency = \"snapshot\" in the source; then plan with --reload for the table.",
	}
}

// AwaitCounts waits until the counts of the units' tables are recorded.
func (s *Set) AwaitCounts(ctx context.Context, units []*Unit) error {
	for _, t := range TablesOf(units) {
		s.Lock()
		c := t.Counting
		s.Unlock()
		if err := c.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Entry is a package's ledger row before its rows are known.
func (s *Set) Entry(u *Unit) ledger.Loaded {
	s.Lock()
	defer s.Unlock()
	return ledger.Loaded{
		ID: u.Package.ID, Source: u.Table.Plan.Source.Name, Generation: u.Package.Generation,
		ReadAt: u.Table.Group.Time(), Snapshot: u.Table.Row.Snapshot,
	}
}

// InEpoch makes sure that what is read now belongs to the epoch of each table. One that continues
// with what an earlier snapshot showed has nothing left to read: where its files are damaged,
// its epoch cannot be read again, and it starts again under another snapshot.
func (s *Set) InEpoch(units []*Unit) error {
	s.Lock()
	defer s.Unlock()
	for _, t := range TablesOf(units) {
		if t.Row.Snapshot != t.Group.Epoch() && !t.Proven {
			return &providers.Error{Kind: providers.SnapshotLost, Op: "read", Table: t.Plan.Source.Name,
				Err: errors.New("its exported files cannot be used, and the snapshot that they were exported from no longer exists")}
		}
	}
	return nil
}
