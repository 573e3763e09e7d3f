package executor

import (
	"context"
	"errors"
	"slices"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/journal"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/providers"
)

// Rows count together within one epoch. Every round opens an epoch of its own, and tables
// that begin in the round begin in it, so that nothing that was read for them before can be
// taken for theirs: neither by another run, nor after a rollback, nor for another target.
// A table that was begun in an earlier quiet period goes on in that one's epoch where its
// count and change counters prove that the period still lasts for it. A snapshot does not
// outlast its run; what it showed does where all of a table was exported.

// openEpoch names the round's epoch, in file mode in the journal as well.
func (r *run) openEpoch(ctx context.Context) error {
	r.epoch = ledger.Epoch(r.snapshot.ID(), r.p.Quiet, control.Random(8))
	if r.files == nil {
		return nil
	}
	return r.files.append(ctx, journal.Record{Epoch: &journal.Epoch{
		ID: r.epoch, Quiet: r.p.Quiet, Snapshot: r.snapshot.ID(), At: r.snapshot.Time(),
	}})
}

// goesOn says whether a table of which nothing is in goes on with what was exported. The
// caller holds the set's lock.
func (r *run) goesOn(t *work.Table) bool {
	if r.p.Quiet {
		return t.Proven
	}
	return r.files.covers(t)
}

// inEpoch makes sure that what is read now belongs to the epoch of each table. One that goes on
// with what an earlier snapshot showed has nothing left to read: where its files are damaged,
// its epoch cannot be read again, and it starts again under another snapshot.
func (r *run) inEpoch(units []*work.Unit) error {
	r.set.Lock()
	defer r.set.Unlock()
	for _, t := range work.TablesOf(units) {
		if t.Row.Snapshot != r.epoch && !t.Proven {
			return &providers.Error{Kind: providers.SnapshotLost, Op: "read", Table: t.Plan.Source.Name,
				Err: errors.New("what was exported of it cannot be used, and the snapshot that it was exported from is gone")}
		}
	}
	return nil
}

// prove compares the tables of a quiet source that were begun before this round with what
// they were then. One that differs stops where rows of it are in, and begins again otherwise.
func (r *run) prove(ctx context.Context, tables []*work.Table) error {
	if !r.p.Quiet {
		return nil
	}
	var begun []*work.Table
	r.set.Lock()
	for _, t := range tables {
		if !t.Stopped && !left.Complete(t.Row.State) && ledger.IsQuiet(t.Row.Snapshot) && (len(t.In) > 0 || r.files.holds(t)) {
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
		for _, t := range part { // the view names one that is gone or was rewritten; the others go on
			if err := r.provePart(ctx, []*work.Table{t}); providers.KindOf(err) == providers.Changed && len(t.In) > 0 {
				r.fails.stopTable(t, "", err)
			} else if err != nil && providers.KindOf(err) != providers.Changed {
				return err
			}
		}
	}
	return nil
}

func (r *run) provePart(ctx context.Context, tables []*work.Table) error {
	differs := make(map[*work.Table]error)
	var counted []*work.Table
	for _, t := range tables {
		if t.Row.Count < 0 {
			differs[t] = notQuiet(t, "it was not counted before its first package")
			continue
		}
		counted = append(counted, t)
	}
	err := r.ctl.Retry(ctx, "compare counts", func(ctx context.Context) error {
		view, end, err := r.beginRound(ctx, counted)
		if err != nil {
			return err
		}
		defer end()
		return r.stillQuiet(ctx, view, counted, func(t *work.Table, err error) error {
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

// beginnings are the records of tables that the journal does not have begun in their epoch.
func (f *fileMode) beginnings(units []*work.Unit) []journal.Record {
	f.run.set.Lock()
	defer f.run.set.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []journal.Record
	for _, t := range work.TablesOf(units) {
		if f.begun[t.Plan.Source.Name] != t.Row.Snapshot {
			out = append(out, journal.Record{Begun: f.entry(t)})
		}
	}
	return out
}

// entry is what the journal says of a table. The caller holds run.set.
func (f *fileMode) entry(t *work.Table) *journal.Table {
	return &journal.Table{
		Table: t.Plan.Source.Name, Epoch: t.Row.Snapshot, Structure: t.Row.Structure, File: t.Row.File,
		Count: t.Row.Count, Changes: t.Row.Changes,
	}
}
