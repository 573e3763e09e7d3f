package executor

import (
	"context"
	"slices"

	"github.com/dmoctl/dmoctl/executor/reading"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// A quiet source is read without a common snapshot, by the user's word that nobody writes.
// Each table is counted before its first row is read, and compared with that when its last
// package is loaded, and once more, all tables together, when the rows of all are in: every
// first count comes before every last comparison, so between them lies a moment at which
// all tables were what was copied.

// compareAgain holds tables of a quiet source to the word that nobody writes. Those that
// differ stop, by name.
func (r settling) compareAgain(ctx context.Context, from beginner, tables []*work.Table) error {
	for start := 0; start < len(tables); start += work.BundleTables {
		part := tables[start:min(start+work.BundleTables, len(tables))]
		err := r.compareBundle(ctx, from, part)
		if providers.KindOf(err) != providers.Changed {
			if err != nil {
				return err
			}
			continue
		}
		for _, t := range part { // the view names one that is gone or was rewritten; the others continue
			if err := r.compareBundle(ctx, from, []*work.Table{t}); providers.KindOf(err) == providers.Changed {
				r.fails.stopTable(t, "", err)
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

// beginner opens views of the source.
type beginner func(ctx context.Context, tables []*work.Table) (view providers.View, end func(), err error)

func (r settling) compareBundle(ctx context.Context, from beginner, tables []*work.Table) error {
	return r.ctl.Retry(ctx, "compare counts", func(ctx context.Context) error {
		view, end, err := from(ctx, tables)
		if err != nil {
			return err
		}
		defer end()
		return r.set.StillQuiet(ctx, view, tables, func(t *work.Table, err error) error {
			r.fails.stopTable(t, "", err)
			return nil
		})
	})
}

// compareTogether compares every table that was read from the quiet source, in this run or in
// an earlier one, once all are in. It says whether none differs.
func (r settling) compareTogether(ctx context.Context) (same bool, err error) {
	if !r.p.Quiet {
		return true, nil
	}
	var tables []*work.Table
	r.set.Lock()
	for _, t := range r.set.Order {
		if !t.Stopped && t.Row.State.Complete() && ledger.IsQuiet(t.Row.Snapshot) && t.Row.Count >= 0 {
			tables = append(tables, t)
		}
	}
	r.set.Unlock()
	failed := r.fails.count()
	source := reading.NewShared(r.d.Source, providers.SnapshotOptions{Readers: 1, Quiet: true})
	defer source.Close()
	err = r.compareAgain(ctx, func(ctx context.Context, tables []*work.Table) (providers.View, func(), error) {
		return source.Begin(ctx, work.Asked(tables))
	}, tables)
	return r.fails.count() == failed, err
}

// compareUnclosed is compareTogether for a run that copied and was to end before the migration
// is closed: after a phase, or with some tables only.
func (r settling) compareUnclosed(ctx context.Context) error {
	if ctx.Err() != nil || r.fails.halted.Load() || r.ctl.Stopped() || !r.fails.clean() || r.led.Closed {
		return nil
	}
	r.set.Lock()
	copied := slices.ContainsFunc(r.set.Order, func(t *work.Table) bool { return t.CopiedHere })
	r.set.Unlock()
	if !copied {
		return nil
	}
	_, err := r.compareTogether(ctx)
	return err
}
