package executor

import (
	"context"
	"slices"

	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// Rows count together within one epoch. Each preparation of a group opens an epoch of its own,
// and tables that begin after it begin in it, so that nothing that was read for them before can be
// taken for theirs: neither by another run, nor after a rollback, nor for another target.
// A table that was begun in an earlier quiet period continues in that one's epoch where its
// count and change counters prove that the period still lasts for it. A snapshot does not
// outlast its run; what it showed does where all of a table was exported.

// prove compares the tables of a quiet source that were begun before this round with what
// they were then. One that differs stops where rows of it are in, and begins again otherwise.
func (r *preparation) prove(ctx context.Context, tables []*work.Table) error {
	if !r.p.Quiet {
		return nil
	}
	var begun []*work.Table
	r.set.Lock()
	for _, t := range tables {
		open := !t.Stopped && !t.Row.State.Complete() && ledger.IsQuiet(t.Row.Snapshot)
		if open && (len(t.In) > 0 || r.transport.Covers(t) > 0) {
			begun = append(begun, t)
		}
	}
	r.set.Unlock()
	for part := range slices.Chunk(begun, work.BundleTables) {
		err := r.provePart(ctx, part)
		if providers.KindOf(err) != providers.Changed {
			if err != nil {
				return err
			}
			continue
		}
		for _, t := range part { // the view names one that is gone or was rewritten; the others continue
			if err := r.provePart(ctx, []*work.Table{t}); providers.KindOf(err) == providers.Changed && len(t.In) > 0 {
				r.fails.stopTable(t, "", err)
			} else if err != nil && providers.KindOf(err) != providers.Changed {
				return err
			}
		}
	}
	return nil
}

func (r *preparation) provePart(ctx context.Context, tables []*work.Table) error {
	differs := make(map[*work.Table]error)
	var counted []*work.Table
	for _, t := range tables {
		if t.Row.Count < 0 {
			differs[t] = work.NotQuiet(t, "it was not counted before its first package")
			continue
		}
		counted = append(counted, t)
	}
	err := r.ctl.Retry(ctx, "compare counts", func(ctx context.Context) error {
		view, end, err := beginIn(ctx, counted)
		if err != nil {
			return err
		}
		defer end()
		return r.set.StillQuiet(ctx, view, counted, func(t *work.Table, err error) error {
			differs[t] = err
			return nil
		})
	})
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := differs[t]; err != nil {
			if len(t.In) > 0 {
				r.fails.stopTable(t, "", err)
			}
			continue
		}
		r.set.Lock()
		t.Proven, t.Counting = true, work.Counted()
		r.set.Unlock()
	}
	return nil
}

// continues says whether a table of which nothing is loaded continues with what was exported. The
// caller holds the set's lock.
func (r *preparation) continues(t *work.Table) bool {
	if r.p.Quiet {
		return t.Proven
	}
	return r.covered(t)
}

// covered says whether every package of the table that is not in was exported from the snapshot
// that the ledger names: then the table needs the source no more. The caller holds the set's lock.
func (r *preparation) covered(t *work.Table) bool {
	n := r.transport.Covers(t)
	return n > 0 && n == t.Left() && !ledger.IsQuiet(t.Row.Snapshot)
}
