package executor_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/dmoctl/dmoctl/executor"
	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

func TestStalePlans(t *testing.T) {
	// Failure scenario: the saved plan is stale; applied twice; from another lineage: exit 5 or no changes, never a second copy
	b := newEnvironment(t, numbered(500))
	first, second := b.plan(), b.plan()
	second.SpecDigest = "another spec"
	second.ID = plan.Identify(second)
	if _, exit := b.apply(first, b.deps()); exit != report.OK {
		t.Fatalf("exit %d", exit)
	}
	before := b.contents()
	b.events.list = nil
	for _, c := range []struct {
		what  string
		tweak func(*plan.Plan)
		exit  int
	}{
		{"made before another was applied", func(*plan.Plan) {}, report.Stale},
		{"of another lineage", func(p *plan.Plan) { p.Lineage, p.Serial = "other", 1 }, report.Stale},
		{"of another serial", func(p *plan.Plan) { p.Lineage, p.Serial = before.Run.Lineage, 7 }, report.Stale},
		{"for another source", func(p *plan.Plan) { p.Source.Identity = "elsewhere" }, report.Stale},
		{"for another target", func(p *plan.Plan) { p.Target.Identity = "elsewhere" }, report.Stale},
	} {
		p := *second
		c.tweak(&p)
		p.ID = plan.Identify(&p)
		if _, exit := b.apply(&p, b.deps()); exit != c.exit {
			t.Errorf("a plan %s: exit %d", c.what, exit)
		}
	}
	if _, exit := b.apply(first, b.deps()); exit != report.OK {
		t.Errorf("applied twice: exit %d", exit)
	}
	after := b.contents()
	if len(b.events.of(report.PackageDone)) > 0 || after.Run.Serial != before.Run.Serial || len(after.Loaded) != len(before.Loaded) {
		t.Error("something was copied a second time")
	}
}

func TestConcurrentApplies(t *testing.T) {
	// Failure scenario: two applies at once on one target: the second stops with exit 4 and the owner's name
	b := newEnvironment(t, numbered(5_000))
	p := b.plan()
	d := b.deps()
	other := &environment{t: t, dir: b.dir}
	other.open()
	var once sync.Once
	d.Hooks.Before = func(point string) {
		if point != control.PointCommit {
			return
		}
		once.Do(func() {
			_, err := executor.Apply(t.Context(), p, other.deps())
			var o *executor.Outcome
			if !errors.As(err, &o) || o.Exit != report.Locked || o.Owner == nil || o.Owner.User != "ana" || o.Owner.ID != d.Owner.ID {
				t.Errorf("the second apply: %v", err)
			}
		})
	}
	if _, exit := b.apply(p, d); exit != report.OK {
		t.Fatalf("exit %d", exit)
	}
	b.same("orders", "loose", "hollow")
}

func TestInterruptOnceAndTwice(t *testing.T) {
	// Failure scenario: Ctrl-C once, twice: exit 130, resumable
	for _, twice := range []bool{false, true} {
		b := newEnvironment(t, numbered(5_000))
		p := b.plan()
		d := b.deps()
		stop := make(chan struct{})
		d.Stop = stop
		ctx, cancel := context.WithCancel(t.Context())
		seen := 0
		d.Hooks.Before = func(point string) {
			if point != control.PointCommit {
				return
			}
			if seen++; seen == 3 {
				close(stop)
				if twice {
					cancel()
				}
			}
		}
		_, err := executor.Apply(ctx, p, d)
		cancel()
		var o *executor.Outcome
		if !errors.As(err, &o) || o.Exit != report.Interrupted {
			t.Fatalf("twice=%v: %v", twice, err)
		}
		want := 3 // the running one finishes
		if twice {
			want = 2 // the running one is rolled back
		}
		if in := len(b.contents().Loaded); in != want {
			t.Errorf("twice=%v: %d packages are loaded, want %d", twice, in, want)
		}
		b.open()
		if _, exit := b.apply(p, b.deps()); exit != report.OK {
			t.Fatalf("resumed: exit %d\n%s", exit, b.events)
		}
		b.same("orders", "loose", "hollow")
	}
}

func TestStructureChangeStopsTable(t *testing.T) {
	// Failure scenario: a structure changed between plan and apply, and between kill and resume: that table stops by name, exit 5; the others continue
	b := newEnvironment(t, numbered(2_000))
	p := b.plan()
	execute(t, b.path("source.db"), "ALTER TABLE loose ADD COLUMN c TEXT")
	rep, exit := b.apply(p, b.deps())
	if exit != report.Stale {
		t.Fatalf("exit %d\n%s", exit, b.events)
	}
	if len(rep.Failures) != 1 || rep.Failures[0].Table != "loose" {
		t.Errorf("failures: %+v", rep.Failures)
	}
	b.same("orders", "hollow")
	if n := query(t, b.path("target.db"), "SELECT count(*) FROM loose"); n != "0" {
		t.Errorf("%s rows of the changed table", n)
	}

	b = newEnvironment(t, numbered(2_000))
	p = b.plan()
	if !b.crash(p, control.PointCommit, 2) {
		t.Fatal("the run ended before it was killed")
	}
	execute(t, b.path("source.db"), "ALTER TABLE orders ADD COLUMN c TEXT")
	b.open()
	if rep, exit = b.apply(p, b.deps()); exit != report.Stale || rep.Failures[0].Table != "orders" {
		t.Fatalf("resumed: exit %d\n%s", exit, b.events)
	}
	b.same("loose", "hollow")
}

func TestStructureChangeDuringCopy(t *testing.T) {
	// Invariant 9: structure is read again after a table's last package: what changed in between stops, by name
	b := newEnvironment(t, numbered(2_000))
	p := b.plan()
	d := b.deps()
	seen := 0
	d.Hooks.Before = func(point string) {
		if point == control.PointCommit {
			if seen++; seen == 6 { // orders is half in
				execute(t, b.path("source.db"), "ALTER TABLE orders ADD COLUMN c TEXT")
			}
		}
	}
	rep, exit := b.apply(p, d)
	if exit != report.Stale || len(rep.Failures) != 1 || rep.Failures[0].Table != "orders" {
		t.Fatalf("exit %d, %+v", exit, rep.Failures)
	}
	b.same("loose", "hollow")
}

func TestSourceWritesDuringCopy(t *testing.T) {
	// Failure scenario: rows updated, moved, deleted, re-inserted, inserted on the source during the copy: the target equals the snapshot
	b := newEnvironment(t, numbered(3_000))
	p := b.plan()
	d := b.deps()
	want := query(t, b.path("source.db"), "SELECT * FROM orders ORDER BY id")
	loose := query(t, b.path("source.db"), "SELECT * FROM loose ORDER BY 1, 2")
	d.Hooks.Before = func(point string) {
		if point == control.PointLoad {
			execute(t, b.path("source.db"), `UPDATE orders SET id = id + 100000 WHERE id % 97 = 1 AND id < 100000; DELETE FROM orders WHERE id % 89 = 2;
				INSERT INTO orders (name) VALUES ('new'); UPDATE loose SET rowid = rowid + 50000 WHERE rowid % 13 = 1 AND rowid < 50000; DELETE FROM loose WHERE rowid % 11 = 3;`)
		}
	}
	if _, exit := b.apply(p, d); exit != report.OK {
		t.Fatalf("exit %d\n%s", exit, b.events)
	}
	if got := query(t, b.path("target.db"), "SELECT * FROM orders ORDER BY id"); got != want {
		t.Error("orders is not what the snapshot showed")
	}
	if got := query(t, b.path("target.db"), "SELECT * FROM loose ORDER BY 1, 2"); got != loose {
		t.Error("loose is not what the snapshot showed")
	}
}

func TestQuietSourceWritten(t *testing.T) {
	// Invariant 9: a source that was declared quiet and is written to stops its table, by name
	b := newEnvironment(t, numbered(2_000))
	b.quiet = true
	b.open()
	p := b.plan()
	d := b.deps()
	seen := 0
	d.Hooks.Before = func(point string) {
		if point == control.PointCommit {
			if seen++; seen == 6 {
				execute(t, b.path("source.db"), "INSERT INTO orders (name) VALUES ('late')")
			}
		}
	}
	rep, exit := b.apply(p, d)
	if exit != report.Stale || !strings.Contains(rep.Failures[0].Message, "quiet") {
		t.Fatalf("exit %d, %+v", exit, rep.Failures)
	}
}

func TestBundleFailureIsolatesPackage(t *testing.T) {
	// Invariant 12: of a bundle that fails for good only the culprit fails
	b := newEnvironment(t, `
CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO a VALUES (1, 'x');
CREATE TABLE b (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO b VALUES (1, 'y'), (2, printf('%.*c', 5000, 'x'));
CREATE TABLE c (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO c VALUES (1, 'z');`)
	b.parts = 1
	b.tweak = func(p *plan.Plan) {
		p.Policies.LOBMax = 1000
		bundle(p)
	}
	rep, exit := b.apply(b.plan(), b.deps())
	if len(rep.Failures) == 1 && !strings.Contains(rep.Failures[0].Message, "(2)") {
		t.Errorf("no key in %q", rep.Failures[0].Message)
	}
	if exit != report.Error || len(rep.Failures) != 1 || rep.Failures[0].Package != "b/0001" {
		t.Fatalf("exit %d, %+v", exit, rep.Failures)
	}
	b.same("a", "c")
}

// bundle puts all copies of a plan into one step.
func bundle(p *plan.Plan) {
	all := &plan.Step{ID: "copy/bundle", Phase: plan.Downtime, Kind: plan.StepCopy}
	var before, after []*plan.Step
	for _, s := range p.Steps {
		switch s.Kind {
		case plan.StepCopy:
			all.Packages = append(all.Packages, s.Packages...)
			all.Tables = append(all.Tables, s.Tables...)
		case plan.StepCreate:
			before = append(before, s)
			all.Needs = append(all.Needs, s.ID)
		default:
			if s.Kind == plan.StepIndex {
				s.Needs = []string{all.ID}
			}
			after = append(after, s)
		}
	}
	p.Steps = append(append(before, all), after...)
}

func TestUntilStopsBeforeLaterPhases(t *testing.T) {
	b := newEnvironment(t, numbered(500))
	p := b.plan()
	d := b.deps()
	d.Until = plan.Downtime
	if _, exit := b.apply(p, d); exit != report.OK {
		t.Fatalf("exit %d", exit)
	}
	if c := b.contents(); c.Run.Closed || len(c.Loaded) != len(c.Packages) {
		t.Errorf("closed %v, %d of %d", c.Run.Closed, len(c.Loaded), len(c.Packages))
	}
	if _, exit := b.apply(p, b.deps()); exit != report.OK || !b.contents().Run.Closed {
		t.Error("the rest was not done")
	}
}

func TestVerifyFindsOneChangedValue(t *testing.T) {
	b := newEnvironment(t, numbered(5_000))
	p := b.plan()
	if _, exit := b.apply(p, b.deps()); exit != report.OK {
		t.Fatalf("exit %d", exit)
	}
	if _, err := executor.Verify(t.Context(), p, executor.VerifyOptions{}, b.deps()); err != nil {
		t.Fatalf("verify: %v", err)
	}
	execute(t, b.path("target.db"), `UPDATE orders SET note = 'x' WHERE id = 4242; DELETE FROM orders WHERE id = 17;
		INSERT INTO orders (id, name) VALUES (99999, 'extra'); INSERT INTO loose VALUES (1, 'twice'), (1, 'twice')`)
	for _, content := range []bool{false, true} {
		rep, err := executor.Verify(t.Context(), p, executor.VerifyOptions{Content: content}, b.deps())
		var o *executor.Outcome
		if !errors.As(err, &o) || o.Exit != report.Different {
			t.Fatalf("content=%v: %v", content, err)
		}
		for _, tab := range rep.Tables {
			if want := tab.Table == "hollow"; (tab.Result == report.Equal) != want {
				t.Errorf("%s is %q", tab.Table, tab.Result)
			}
		}
	}
	x, _ := executor.Explain(t.Context(), p, catalog.Name{Name: "orders"}, b.deps())
	if x == nil || x.Missing != 1 || x.Extra != 1 || x.Changed != 1 || len(x.Rows) != 3 || x.Rows[0] != (report.RowDifference{Kind: report.RowChanged, Key: "4242", Source: 1, Target: 1}) {
		t.Errorf("explanation: %+v", x)
	}
	x, _ = executor.Explain(t.Context(), p, catalog.Name{Name: "loose"}, b.deps())
	if x == nil || x.Keyed || x.Extra != 2 || len(x.Rows) != 1 || x.Rows[0].Target != 2 || x.Rows[0].Source != 0 {
		t.Errorf("explanation without a key: %+v", x)
	}
}

func TestRollback(t *testing.T) {
	b := newEnvironment(t, numbered(500))
	execute(t, b.path("target.db"), "CREATE TABLE mine (a); INSERT INTO mine VALUES (1)")
	p := b.plan()
	if _, exit := b.apply(p, b.deps()); exit != report.OK {
		t.Fatalf("exit %d", exit)
	}
	later := b.plan()
	d := b.deps()
	d.Source = nil // the source may be dead
	undone, err := executor.Rollback(t.Context(), "m", true, d)
	if err != nil || len(undone.Dropped) != 3 {
		t.Fatalf("%v, %+v", err, undone)
	}
	if n := query(t, b.path("target.db"), "SELECT count(*) FROM sqlite_master WHERE name IN ('orders', 'loose', 'hollow')"); n != "0" {
		t.Errorf("%s tables are left", n)
	}
	if n := query(t, b.path("target.db"), "SELECT count(*) FROM mine"); n != "1" {
		t.Error("a table that is not the migration's was touched")
	}
	if n := query(t, b.path("target.db"), "SELECT group_concat(name) FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"); n != "mine" {
		t.Errorf("the target holds %s", n)
	}
	if _, exit := b.apply(later, b.deps()); exit != report.Stale {
		t.Errorf("the plan from before: exit %d", exit)
	}
	if _, exit := b.apply(b.plan(), b.deps()); exit != report.OK {
		t.Errorf("a new plan: exit %d", exit)
	}
	b.same("orders", "loose")
	if state := b.contents().Tables[0].State; state != ledger.Compared {
		t.Errorf("state %s", state)
	}
}
