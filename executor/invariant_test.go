package executor_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/providers"
)

func TestPlanRecordedBeforeFirstCopy(t *testing.T) {
	// Invariant 1: every package and table is in the ledger before a table is made and before the first package is copied
	b := newEnvironment(t, numbered(500))
	p := b.plan()
	d := b.deps()
	looked := map[string]bool{}
	d.Hooks.Before = func(point string) {
		if point != control.PointCreate && point != control.PointBegin || looked[point] {
			return
		}
		looked[point] = true
		c := b.contents()
		if len(c.Packages) != 7 || len(c.Tables) != 3 || len(c.Loaded) != 0 {
			t.Errorf("before %s: %d packages, %d tables, %d in", point, len(c.Packages), len(c.Tables), len(c.Loaded))
		}
	}
	if _, exit := b.apply(p, d); exit != report.OK || len(looked) != 2 {
		t.Fatalf("exit %d, looked at %v", exit, looked)
	}
}

func TestRowsAndLedgerAtomic(t *testing.T) {
	// Invariant 3: rows and ledger rows of a package become visible together or not at all, wherever the run is killed
	for _, point := range []string{control.PointClaim, control.PointLoad, control.PointCommit, control.PointLanded} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			b := newEnvironment(t, numbered(2_000))
			if !b.crash(b.plan(), point, 6) {
				t.Fatal("the run ended before it was killed")
			}
			b.open()
			rows := map[string]int64{"orders": 0, "loose": 0, "hollow": 0}
			for _, l := range b.contents().Loaded {
				rows[l.Source.Name] += l.Rows
			}
			for name, want := range rows {
				if got := query(t, b.path("target.db"), "SELECT count(*) FROM "+name); got != fmt.Sprint(want) {
					t.Errorf("%s holds %s rows, the ledger says %d", name, got, want)
				}
			}
		})
	}
}

// views counts the views of a source that are open at once.
type views struct {
	providers.Database
	open, most atomic.Int64
}

func (v *views) Snapshot(ctx context.Context, how providers.SnapshotOptions) (providers.Snapshot, error) {
	s, err := v.Database.Snapshot(ctx, how)
	return &counted{s, v}, err
}

type counted struct {
	providers.Snapshot
	views *views
}

func (c *counted) Begin(ctx context.Context, tables []*catalog.Table) (providers.View, error) {
	view, err := c.Snapshot.Begin(ctx, tables)
	if err == nil {
		n := c.views.open.Add(1)
		c.views.most.Store(max(n, c.views.most.Load()))
		view = &closing{view, c.views}
	}
	return view, err
}

type closing struct {
	providers.View
	views *views
}

func (c *closing) Close() error {
	c.views.open.Add(-1)
	return c.View.Close()
}

func TestWriterSlotBeforeReader(t *testing.T) {
	// Invariant 13: a target that takes one writer has one reader at work: the writer's slot comes first
	b := newEnvironment(t, numbered(5_000))
	b.tweak = func(p *plan.Plan) { p.Processes.Downtime = 8 }
	p := b.plan()
	v := &views{Database: b.source}
	b.source = v
	if _, exit := b.apply(p, b.deps()); exit != report.OK {
		t.Fatalf("exit %d", exit)
	}
	if v.most.Load() != 1 || v.open.Load() != 0 {
		t.Errorf("%d views were open at once, %d are left", v.most.Load(), v.open.Load())
	}
	b.same("orders", "loose")
}

func TestReadTimesRecorded(t *testing.T) {
	// Invariant 4: a loaded row says how old its rows are: the snapshot's time and name
	b := newEnvironment(t, numbered(500))
	rep, exit := b.apply(b.plan(), b.deps())
	if exit != report.OK {
		t.Fatalf("exit %d", exit)
	}
	for _, l := range b.contents().Loaded {
		if l.ReadAt.IsZero() || l.Snapshot == "" || l.ReadAt.Before(rep.Started.Add(-1e9)) || l.ReadAt.After(rep.Ended) {
			t.Errorf("%s was read at %v under %q", l.ID, l.ReadAt, l.Snapshot)
		}
	}
	for _, row := range rep.Tables {
		if row.ReadAt.IsZero() {
			t.Errorf("the report does not say when %s was read", row.Table)
		}
	}
}
