package executor

import (
	"context"
	"errors"
	"slices"

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
	r.epoch = ledger.Epoch(r.snapshot.ID(), r.p.Quiet, random(8))
	if r.files == nil {
		return nil
	}
	return r.files.append(ctx, journal.Record{Epoch: &journal.Epoch{
		ID: r.epoch, Quiet: r.p.Quiet, Snapshot: r.snapshot.ID(), At: r.snapshot.Time(),
	}})
}

// goesOn says whether a table of which nothing is in goes on with what was exported. The
// caller holds mu.
func (r *run) goesOn(t *table) bool {
	if r.p.Quiet {
		return t.proven
	}
	return r.files.covers(t)
}

// inEpoch makes sure that what is read now belongs to the epoch of each table. One that goes on
// with what an earlier snapshot showed has nothing left to read: where its files are damaged,
// its epoch cannot be read again, and it starts again under another snapshot.
func (r *run) inEpoch(work []*unit) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range tablesOf(work) {
		if t.row.Snapshot != r.epoch && !t.proven {
			return &providers.Error{Kind: providers.SnapshotLost, Op: "read", Table: t.plan.Source.Name,
				Err: errors.New("what was exported of it cannot be used, and the snapshot that it was exported from is gone")}
		}
	}
	return nil
}

// prove compares the tables of a quiet source that were begun before this round with what
// they were then. One that differs stops where rows of it are in, and begins again otherwise.
func (r *run) prove(ctx context.Context, tables []*table) error {
	if !r.p.Quiet {
		return nil
	}
	var begun []*table
	r.mu.Lock()
	for _, t := range tables {
		if !t.stopped && !left.Complete(t.row.State) && ledger.IsQuiet(t.row.Snapshot) && (len(t.in) > 0 || r.files.holds(t)) {
			begun = append(begun, t)
		}
	}
	r.mu.Unlock()
	for part := range slices.Chunk(begun, bundleTables) {
		err := r.provePart(ctx, part)
		if providers.KindOf(err) != providers.Changed {
			if err != nil {
				return err
			}
			continue
		}
		for _, t := range part { // the view names one that is gone or was rewritten; the others go on
			if err := r.provePart(ctx, []*table{t}); providers.KindOf(err) == providers.Changed && len(t.in) > 0 {
				r.stopTable(t, "", err)
			} else if err != nil && providers.KindOf(err) != providers.Changed {
				return err
			}
		}
	}
	return nil
}

func (r *run) provePart(ctx context.Context, tables []*table) error {
	differs := make(map[*table]error)
	var counted []*table
	for _, t := range tables {
		if t.row.Count < 0 {
			differs[t] = notQuiet(t, "it was not counted before its first package")
			continue
		}
		counted = append(counted, t)
	}
	err := r.retry(ctx, "compare counts", func(ctx context.Context) error {
		view, end, err := r.beginRound(ctx, counted)
		if err != nil {
			return err
		}
		defer end()
		return r.stillQuiet(ctx, view, counted, func(t *table, err error) error {
			differs[t] = err
			return nil
		})
	})
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := differs[t]; err != nil {
			if len(t.in) > 0 {
				r.stopTable(t, "", err)
			}
			continue
		}
		r.mu.Lock()
		t.proven, t.counting = true, ended()
		r.mu.Unlock()
	}
	return nil
}

// ended is a counting that needs not be done.
func ended() *counting {
	c := &counting{done: make(chan struct{})}
	c.end(nil)
	return c
}

// beginnings are the records of tables that the journal does not have begun in their epoch.
func (f *fileMode) beginnings(work []*unit) []journal.Record {
	f.run.mu.Lock()
	defer f.run.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []journal.Record
	for _, t := range tablesOf(work) {
		if f.begun[t.plan.Source.Name] != t.row.Snapshot {
			out = append(out, journal.Record{Begun: f.entry(t)})
		}
	}
	return out
}

// entry is what the journal says of a table. The caller holds run.mu.
func (f *fileMode) entry(t *table) *journal.Table {
	return &journal.Table{
		Table: t.plan.Source.Name, Epoch: t.row.Snapshot, Structure: t.row.Structure, File: t.row.File,
		Count: t.row.Count, Changes: t.row.Changes,
	}
}
