package work

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/providers"
)

// Group is tables that are read together: of one snapshot of the source, or in one quiet period
// of it. It is prepared before its first package is read, and where its snapshot is lost, once
// more: only its tables start again. It is safe for concurrent use.
type Group struct {
	Tables []*Table

	lost     atomic.Bool
	lock     *semaphore.Weighted // held while the group is prepared or closed
	prepared bool
	err      error // of the preparation
	snapshot providers.Snapshot
	epoch    string
}

// NewGroup makes a group of tables that are in none.
func NewGroup(tables []*Table) *Group {
	g := &Group{Tables: tables, lock: semaphore.NewWeighted(1)}
	for _, t := range tables {
		t.Group = g
	}
	return g
}

// Prepare calls do for the first who asks; the others get its error.
func (g *Group) Prepare(ctx context.Context, do func(context.Context) error) error {
	if err := control.Hold(ctx, g.lock); err != nil {
		return err
	}
	defer g.lock.Release(1)
	if !g.prepared {
		g.prepared, g.err = true, do(ctx)
	}
	return g.err
}

// Prepared says whether it is. Nobody prepares or closes it meanwhile.
func (g *Group) Prepared() bool { return g.prepared }

// Open takes over the snapshot that the group's tables are read in. Prepare's func calls it.
func (g *Group) Open(s providers.Snapshot) { g.snapshot = s }

// Enter names the epoch that the group's tables are read in. Prepare's func calls it.
func (g *Group) Enter(epoch string) { g.epoch = epoch }

// Epoch names what tables that begin are read in, once the group is prepared.
func (g *Group) Epoch() string { return g.epoch }

// SnapshotID is the source's name of the snapshot.
func (g *Group) SnapshotID() string { return g.snapshot.ID() }

// Time is the moment that the snapshot shows, by the source's clock; zero without one.
func (g *Group) Time() time.Time {
	if g.snapshot == nil {
		return time.Time{}
	}
	return g.snapshot.Time()
}

// Begin opens a view of tables of the group. The caller closes it.
func (g *Group) Begin(ctx context.Context, tables []*Table) (providers.View, error) {
	return g.snapshot.Begin(ctx, Asked(tables))
}

// Lose says that the snapshot is gone.
func (g *Group) Lose() { g.lost.Store(true) }

// Lost says whether it is.
func (g *Group) Lost() bool { return g.lost.Load() }

// Close ends the snapshot. The group can be prepared once more. Nobody uses a view of it any more.
func (g *Group) Close() {
	if control.Hold(context.Background(), g.lock) != nil {
		return // never: that context has no end
	}
	defer g.lock.Release(1)
	if g.snapshot != nil {
		g.snapshot.Close()
	}
	g.snapshot, g.prepared, g.err = nil, false, nil
	g.lost.Store(false)
}

// ByGroup cuts a list into parts that are read together, in order.
func ByGroup[T any](list []T, of func(T) *Group) [][]T {
	var out [][]T
	at := make(map[*Group]int)
	for _, x := range list {
		i, known := at[of(x)]
		if !known {
			i = len(out)
			at[of(x)] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], x)
	}
	return out
}
