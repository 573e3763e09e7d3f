package executor_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
	"github.com/dmoctl/dmoctl/providers"
)

// target breaks a real target at its commits and writes.
type target struct {
	providers.Target
	commits atomic.Int64
	commit  func(n int64, do func() error) error // nil commits
	write   func(t *catalog.Table) error         // nil writes
	reload  func(t *catalog.Table) error         // nil empties
}

func (t *target) Lock(ctx context.Context, run ledger.Run, wait func(string)) (providers.Session, error) {
	s, err := t.Target.Lock(ctx, run, wait)
	if err != nil {
		return nil, err
	}
	return &session{s, t}, nil
}

type session struct {
	providers.Session
	target *target
}

func (s *session) Begin(ctx context.Context) (providers.Tx, error) {
	tx, err := s.Session.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return &transaction{tx, s.target}, nil
}

func (s *session) Reload(ctx context.Context, tables []providers.ReloadTable) error {
	for _, t := range tables {
		if s.target.reload == nil {
			break
		}
		if err := s.target.reload(t.Target); err != nil {
			return err
		}
	}
	return s.Session.Reload(ctx, tables)
}

type transaction struct {
	providers.Tx
	target *target
}

func (x *transaction) Writer(ctx context.Context, t *catalog.Table, r catalog.Range) (providers.Writer, error) {
	w, err := x.Tx.Writer(ctx, t, r)
	if err != nil {
		return nil, err
	}
	return &writer{w, x.target, t}, nil
}

func (x *transaction) Commit(ctx context.Context, p []ledger.Loaded) error {
	do := func() error { return x.Tx.Commit(ctx, p) }
	if x.target.commit == nil {
		return do()
	}
	return x.target.commit(x.target.commits.Add(1), do)
}

type writer struct {
	providers.Writer
	target *target
	table  *catalog.Table
}

func (w *writer) Write(ctx context.Context, b arrow.RecordBatch) error {
	if w.target.write != nil {
		if err := w.target.write(w.table); err != nil {
			return err
		}
	}
	return w.Writer.Write(ctx, b)
}

func disconnected() error {
	return &providers.Error{Kind: providers.Disconnected, Op: "commit", Err: errors.New("connection reset")}
}

func TestLostCommitAcknowledgement(t *testing.T) {
	// Invariant 7: a lost acknowledgement is resolved by the ledger: every row is in once
	b := newEnvironment(t, numbered(3_000))
	p := b.plan()
	b.target = &target{Target: b.target, commit: func(n int64, do func() error) error {
		switch n % 3 {
		case 1: // committed, and nobody hears of it
			if err := do(); err != nil {
				return err
			}
			return disconnected()
		case 2: // never committed
			return disconnected()
		}
		return do()
	}}
	rep, exit := b.apply(p, b.deps())
	if exit != report.OK {
		t.Fatalf("exit %d\n%s", exit, b.events)
	}
	b.same("orders", "loose", "hollow")
	if len(b.events.of(report.Retry)) == 0 || rep.Totals.Rows != 6_100 || rep.Totals.Packages != rep.Totals.PackagesPlanned {
		t.Errorf("totals %+v", rep.Totals)
	}
}

func TestRootCauseReported(t *testing.T) {
	// Failure scenario: a column that cannot be migrated; a value that does not fit: the side that failed first is reported, the other packages continue
	b := newEnvironment(t, numbered(20_000))
	p := b.plan()
	b.target = &target{Target: b.target, write: func(t *catalog.Table) error {
		if t.Name.Name == "orders" {
			return &providers.Error{Kind: providers.Value, Op: "write", Table: t.Name, Column: "price", Key: "17", Err: errors.New("does not fit")}
		}
		return nil
	}}
	rep, exit := b.apply(p, b.deps())
	if exit != report.Error || len(rep.Failures) != 3 {
		t.Fatalf("exit %d, %+v", exit, rep.Failures)
	}
	for _, f := range rep.Failures {
		if f.Kind != string(providers.Value) || !strings.Contains(f.Message, "(17)") {
			t.Errorf("failure: %+v", f)
		}
	}
	b.same("loose", "hollow")
	if rep.Totals.Failures != 3 {
		t.Errorf("%d failures counted", rep.Totals.Failures)
	}
}

func TestPanicReportedWithoutRowValues(t *testing.T) {
	b := newEnvironment(t, numbered(2_000))
	p := b.plan()
	b.target = &target{Target: b.target, write: func(t *catalog.Table) error {
		if t.Name.Name == "loose" {
			panic("row of somebody: secret value")
		}
		return nil
	}}
	rep, exit := b.apply(p, b.deps())
	if exit != report.Error || len(rep.Failures) == 0 || rep.Failures[0].Kind != string(providers.Internal) {
		t.Fatalf("exit %d, %+v", exit, rep.Failures)
	}
	if strings.Contains(b.events.String(), "secret value") {
		t.Error("a row's value is in the events")
	}
	b.same("orders", "hollow")
}

func TestFencedRunStopsImmediately(t *testing.T) {
	// Invariant 2: a run that was fenced stops at once with exit 4
	b := newEnvironment(t, numbered(3_000))
	p := b.plan()
	whole := b.target
	b.target = &target{Target: whole, commit: func(n int64, do func() error) error {
		if n < 3 {
			return do()
		}
		return &providers.Error{Kind: providers.Fenced, Op: "commit", Owner: &ledger.Owner{ID: "x", User: "eve"}, Err: errors.New("token")}
	}}
	_, exit := b.apply(p, b.deps())
	if exit != report.Locked || len(b.contents().Loaded) != 2 {
		t.Fatalf("exit %d, %d packages", exit, len(b.contents().Loaded))
	}
	b.open()
	if _, exit := b.apply(p, b.deps()); exit != report.OK {
		t.Fatalf("resumed: exit %d", exit)
	}
	b.same("orders", "loose", "hollow")
}

func TestTargetDiskFullThenResume(t *testing.T) {
	b := newEnvironment(t, numbered(3_000))
	p := b.plan()
	whole := b.target
	b.target = &target{Target: whole, commit: func(n int64, do func() error) error {
		if n < 3 {
			return do()
		}
		return &providers.Error{Kind: providers.Full, Op: "commit", Err: errors.New("disk full"), Fix: "Make room."}
	}}
	rep, exit := b.apply(p, b.deps())
	if exit != report.Error || len(rep.Failures) != 1 || rep.Failures[0].Fix == "" {
		t.Fatalf("exit %d, %+v", exit, rep.Failures)
	}
	b.open()
	if _, exit := b.apply(p, b.deps()); exit != report.OK {
		t.Fatalf("resumed: exit %d", exit)
	}
	b.same("orders", "loose", "hollow")
}

// source loses its snapshot once.
type source struct {
	providers.Database
	taken int
	begun int
}

func (s *source) Snapshot(ctx context.Context, how providers.SnapshotOptions) (providers.Snapshot, error) {
	s.taken++
	snap, err := s.Database.Snapshot(ctx, how)
	return &losing{snap, s}, err
}

type losing struct {
	providers.Snapshot
	source *source
}

func (l *losing) Begin(ctx context.Context, tables []*catalog.Table) (providers.View, error) {
	if l.source.begun++; l.source.begun == 6 { // orders is half in
		return nil, &providers.Error{Kind: providers.SnapshotLost, Op: "begin", Err: errors.New("gone")}
	}
	return l.Snapshot.Begin(ctx, tables)
}

func TestSnapshotLostRestartsIncompleteTables(t *testing.T) {
	// Invariant 7: a snapshot that is lost during the run restarts the incomplete tables under a new one; complete ones stay
	b := newEnvironment(t, numbered(3_000))
	p := b.plan()
	lost := &source{Database: b.source}
	b.source = lost
	if _, exit := b.apply(p, b.deps()); exit != report.OK {
		t.Fatalf("exit %d\n%s", exit, b.events)
	}
	b.same("orders", "loose", "hollow")
	for _, row := range b.contents().Tables {
		if row.State != ledger.Compared {
			t.Errorf("%s is %s", row.Source, row.State)
		}
	}
	copied := map[string]int{}
	for _, e := range b.events.of(report.PackageDone) {
		copied[e.Package]++
	}
	if lost.taken != 2 || copied["orders/0001"] != 2 || copied["loose/0001"] != 1 {
		t.Errorf("%d snapshots, copied %v", lost.taken, copied)
	}
}

func TestStateWrittenAfterTarget(t *testing.T) {
	// Invariant 8: the state can be rebuilt from the ledger; losing it loses history and no data
	b := newEnvironment(t, numbered(2_000))
	st := must(state.Open(filepath.Join(b.dir, ".dmo/state.db"), state.ReadWrite))(t)
	d := b.deps()
	d.State = st
	p := b.plan()
	rep, exit := b.apply(p, d)
	if exit != report.OK {
		t.Fatalf("exit %d", exit)
	}
	last := must(st.Last(t.Context(), "m"))(t)
	packages := must(st.Packages(t.Context(), rep.Run))(t)
	if last.Run != rep.Run || len(packages) != rep.Totals.Packages {
		t.Errorf("run %s, %d packages", last.Run, len(packages))
	}
	if now := must(st.Progress(t.Context(), "m"))(t); now == nil || now.Totals.Packages != rep.Totals.Packages {
		t.Errorf("progress %+v", now)
	}
	st.Close()
	st = must(state.Open(filepath.Join(b.dir, "new/state.db"), state.ReadWrite))(t)
	defer st.Close()
	rebuilt := must(st.Rebuild(t.Context(), b.contents()))(t)
	if rebuilt.Totals.Rows != rep.Totals.Rows || rebuilt.Serial != rep.Serial || len(rebuilt.Tables) != len(rep.Tables) {
		t.Errorf("rebuilt %+v", rebuilt.Totals)
	}
	b.open()
	b.events.list = nil
	d = b.deps()
	d.State = st
	if _, exit := b.apply(p, d); exit != report.OK || len(b.events.of(report.PackageDone)) > 0 {
		t.Errorf("without the state: exit %d, %d packages were copied again", exit, len(b.events.of(report.PackageDone)))
	}
}

func TestProgressNeverExceedsPlan(t *testing.T) {
	b := newEnvironment(t, numbered(20_000))
	b.target = &target{Target: b.target, write: func(*catalog.Table) error {
		time.Sleep(400 * time.Millisecond)
		return nil
	}}
	p := b.plan()
	for _, pt := range p.Tables {
		for _, k := range pt.Packages {
			k.Rows, k.Bytes = 10, 10 // far too low
		}
	}
	if _, exit := b.apply(p, b.deps()); exit != report.OK {
		t.Fatalf("exit %d", exit)
	}
	list := b.events.of(report.Progress)
	for _, e := range list {
		if g := e.Progress; g.Rows > g.RowsPlanned || g.Bytes > g.BytesPlanned || g.Packages > g.PackagesPlanned {
			t.Errorf("more than all: %+v", g)
		}
	}
	if len(list) < 2 {
		t.Errorf("%d progress events", len(list))
	}
}

// hasty loses every snapshot at once.
type hasty struct {
	providers.Database
	taken []time.Time
}

func (h *hasty) Snapshot(ctx context.Context, how providers.SnapshotOptions) (providers.Snapshot, error) {
	h.taken = append(h.taken, time.Now())
	snap, err := h.Database.Snapshot(ctx, how)
	return &lostAtOnce{snap}, err
}

type lostAtOnce struct{ providers.Snapshot }

func (l *lostAtOnce) Begin(context.Context, []*catalog.Table) (providers.View, error) {
	return nil, &providers.Error{Kind: providers.SnapshotLost, Op: "begin", Err: errors.New("gone")}
}

func TestLostSnapshotBackoff(t *testing.T) {
	// Done: settings: lost snapshots: a run waits before it takes the next one, longer each time.
	b := newEnvironment(t, numbered(10))
	p := b.plan()
	lost := &hasty{Database: b.source}
	b.source = lost
	if _, exit := b.apply(p, b.deps()); exit == report.OK {
		t.Fatal("exit 0 without a snapshot")
	}
	if len(lost.taken) != 4 {
		t.Fatalf("%d snapshots", len(lost.taken))
	}
	for i, least := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second} {
		if got := lost.taken[i+1].Sub(lost.taken[i]); got < least {
			t.Errorf("%s between snapshots %d and %d, want %s at least", got, i+1, i+2, least)
		}
	}
}
