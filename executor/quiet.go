package executor

import (
	"context"
	"errors"
	"slices"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/providers"
)

// A quiet source is read without a common snapshot, by the user's word that nobody writes.
// Each table is counted before its first row is read, and compared with that when its last
// package is in, and once more, all tables together, when the rows of all are in: every
// first count comes before every last comparison, so between them lies a moment at which
// all tables were what was copied.

// stillQuiet compares tables in a view with what was counted when they were begun, and hands
// those that differ to found; its error ends the comparison.
func (r *run) stillQuiet(ctx context.Context, view providers.View, tables []*table, found func(*table, error) error) error {
	if len(tables) == 0 {
		return nil
	}
	before := make([]providers.Counted, len(tables))
	r.mu.Lock()
	for i, t := range tables {
		before[i] = providers.Counted{Rows: t.row.Count, Changes: t.row.Changes}
	}
	r.mu.Unlock()
	what, err := view.Compare(ctx, asked(tables), before)
	if err != nil {
		return err
	}
	for i, t := range tables {
		if what[i] == "" {
			continue
		}
		if err := found(t, notQuiet(t, what[i])); err != nil {
			return err
		}
	}
	return nil
}

// compareAgain holds tables of a quiet source to the word that nobody writes. Those that
// differ stop, by name.
func (r *run) compareAgain(ctx context.Context, from beginner, tables []*table) error {
	for start := 0; start < len(tables); start += bundleTables {
		part := tables[start:min(start+bundleTables, len(tables))]
		err := r.compareBundle(ctx, from, part)
		if providers.KindOf(err) != providers.Changed {
			if err != nil {
				return err
			}
			continue
		}
		for _, t := range part { // the view names one that is gone or was rewritten; the others go on
			if err := r.compareBundle(ctx, from, []*table{t}); providers.KindOf(err) == providers.Changed {
				r.stopTable(t, "", err)
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

// beginner opens views of the source.
type beginner func(ctx context.Context, tables []*table) (view providers.View, end func(), err error)

func (r *run) compareBundle(ctx context.Context, from beginner, tables []*table) error {
	return r.retry(ctx, "compare counts", func(ctx context.Context) error {
		view, end, err := from(ctx, tables)
		if err != nil {
			return err
		}
		defer end()
		return r.stillQuiet(ctx, view, tables, func(t *table, err error) error {
			r.stopTable(t, "", err)
			return nil
		})
	})
}

// compareTogether compares every table that was read from the quiet source, in this run or in
// an earlier one, once all are in. It says whether none differs.
func (r *run) compareTogether(ctx context.Context) (same bool, err error) {
	if !r.p.Quiet {
		return true, nil
	}
	var tables []*table
	r.mu.Lock()
	for _, t := range r.order {
		if !t.stopped && left.Complete(t.row.State) && ledger.IsQuiet(t.row.Snapshot) && t.row.Count >= 0 {
			tables = append(tables, t)
		}
	}
	failed := len(r.failures)
	r.mu.Unlock()
	source := newShared(r.d.Source, providers.SnapshotOptions{Readers: 1, Quiet: true})
	defer source.close()
	err = r.compareAgain(ctx, func(ctx context.Context, tables []*table) (providers.View, func(), error) {
		return source.begin(ctx, asked(tables))
	}, tables)
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) == failed, err
}

// compareUnclosed is compareTogether for a run that copied and was to end before the migration
// is closed: after a phase, or with some tables only.
func (r *run) compareUnclosed(ctx context.Context) error {
	if ctx.Err() != nil || r.halted.Load() || r.d.stopped() || !r.clean() || r.led.Closed {
		return nil
	}
	r.mu.Lock()
	copied := slices.ContainsFunc(r.order, func(t *table) bool { return t.copiedHere })
	r.mu.Unlock()
	if !copied {
		return nil
	}
	_, err := r.compareTogether(ctx)
	return err
}

func notQuiet(t *table, what string) error {
	return &providers.Error{
		Kind: providers.Changed, Op: "compare", Table: t.plan.Source.Name,
		Err: errors.New("the source is not quiet: " + what),
		Fix: "Stop whoever writes, or set consistency = \"snapshot\" in the source; then plan with --reload for the table.",
	}
}
