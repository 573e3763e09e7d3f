package executor_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/internal/report"
)

// occupy opens a transaction on the target that writes, as one of a run that
// does not end, and returns what ends it.
func (b *environment) occupy() (release func()) {
	b.t.Helper()
	execute(b.t, b.path("target.db"), "")
	conn, err := sqlite.OpenConn(b.path("target.db"), sqlite.OpenReadWrite)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := sqlitex.ExecuteTransient(conn, "BEGIN IMMEDIATE", nil); err != nil {
		b.t.Fatal(err)
	}
	release = sync.OnceFunc(func() { conn.Close() })
	b.t.Cleanup(release)
	return release
}

// atWaiting calls do once, when the run says that it waits.
type atWaiting struct {
	*events
	do func()
}

func (e *atWaiting) Emit(v report.Event) {
	e.events.Emit(v)
	if v.Event == report.Waiting {
		e.do()
	}
}

func TestWaitForOlderTransactions(t *testing.T) {
	// Invariant 2: every run waits until older package transactions have ended: no longer than it is told to, and it can be stopped while it waits
	for name, c := range map[string]struct {
		timeout time.Duration
		at      func(stop, release func()) // at the first word of waiting
		exit    int
	}{
		"it ends":              {0, func(_, release func()) { release() }, report.OK},
		"it ends in time":      {time.Minute, func(_, release func()) { release() }, report.OK},
		"it does not end":      {300 * time.Millisecond, func(_, _ func()) {}, report.Locked},
		"Ctrl-C while waiting": {0, func(stop, _ func()) { stop() }, report.Interrupted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newEnvironment(t, numbered(500))
			release := b.occupy()
			p := b.plan()
			stop := make(chan struct{})
			d := b.deps()
			d.Stop, d.LockTimeout = stop, c.timeout
			var once sync.Once
			d.Events = &atWaiting{b.events, func() { once.Do(func() { c.at(func() { close(stop) }, release) }) }}
			var touched atomic.Bool
			d.Hooks.Before = func(point string) {
				if point == control.PointCreate {
					touched.Store(true)
				}
			}
			if _, exit := b.apply(p, d); exit != c.exit {
				t.Fatalf("exit %d, want %d\n%s", exit, c.exit, b.events)
			}
			if len(b.events.of(report.Waiting)) == 0 {
				t.Error("the run did not say that it waits")
			}
			if touched.Load() != (c.exit == report.OK) {
				t.Errorf("exit %d, and tables were made: %v", c.exit, touched.Load())
			}
			release()
			b.open()
			if _, exit := b.apply(p, b.deps()); exit != report.OK {
				t.Fatalf("the next apply: exit %d\n%s", exit, b.events)
			}
			b.same("orders", "loose", "hollow")
		})
	}
}
