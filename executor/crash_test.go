package executor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

// child is what a test asks a process of its own to do.
type child struct {
	Dir, Point string
	Nth        int // kill itself before the n-th time at Point
	Quiet      bool
	File       bool
}

// TestCrashChild is the process that a crash test kills; alone it does nothing.
func TestCrashChild(t *testing.T) {
	if flag.NArg() == 0 {
		return
	}
	var c child
	if err := json.Unmarshal([]byte(flag.Arg(0)), &c); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(c.Dir + "/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	b := &environment{t: t, dir: c.Dir, quiet: c.Quiet, file: c.File}
	b.open()
	d := b.deps()
	seen := 0
	d.Hooks.Before = func(point string) {
		if point != c.Point {
			return
		}
		if seen++; seen == c.Nth {
			if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
				t.Error(err)
			}
			select {}
		}
	}
	_, exit := b.apply(p, d)
	fmt.Println("exit " + strconv.Itoa(exit))
}

// crash applies the plan in a process that dies at the point. It returns false
// where the run ended before it came there.
func (b *environment) crash(p *plan.Plan, point string, nth int) bool {
	b.t.Helper()
	var text bytes.Buffer
	if err := plan.Encode(&text, p); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(b.path("plan.json"), text.Bytes(), 0o600); err != nil {
		b.t.Fatal(err)
	}
	args, _ := json.Marshal(child{Dir: b.dir, Point: point, Nth: nth, Quiet: b.quiet, File: b.file})
	out, err := exec.Command(os.Args[0], "-test.run=^TestCrashChild$", "-test.count=1", "--", string(args)).CombinedOutput()
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		b.t.Fatalf("child: %v\n%s", err, out)
	}
	return false
}

// points are those of pipe mode.
func points() []string {
	return []string{
		control.PointLock, control.PointRegister, control.PointCreate, control.PointSnapshot,
		control.PointBegin, control.PointClaim, control.PointLoad, control.PointCommit, control.PointLanded,
		control.PointComplete, control.PointFinalize, control.PointVerify, control.PointClose,
	}
}

func TestCrashAtEveryPoint(t *testing.T) {
	// Invariant 7: after a crash anywhere apply continues: every row is in once
	for _, point := range points() {
		for _, nth := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s-%d", point, nth), func(t *testing.T) {
				t.Parallel()
				b := newEnvironment(t, numbered(2_000))
				p := b.plan()
				if !b.crash(p, point, nth) && nth == 1 {
					t.Fatalf("the run never came to %s", point)
				}
				b.open()
				if _, exit := b.apply(p, b.deps()); exit != report.OK {
					t.Fatalf("exit %d\n%s", exit, b.events)
				}
				b.same("orders", "loose", "hollow")
				if c := b.contents(); !c.Run.Closed || c.Run.Serial != 1 || len(c.Loaded) != len(c.Packages) {
					t.Errorf("run %+v, %d of %d packages", c.Run, len(c.Loaded), len(c.Packages))
				}
			})
		}
	}
}

func TestCrashTwiceThenNewPlan(t *testing.T) {
	// Invariant 7: a plan made again after crashes continues where the ledger stands
	b := newEnvironment(t, numbered(2_000))
	for _, nth := range []int{2, 3} {
		if !b.crash(b.continued(), control.PointCommit, nth) {
			t.Fatal("the run ended before it was killed")
		}
	}
	p := b.continued()
	if _, exit := b.apply(p, b.deps()); exit != report.OK {
		t.Fatalf("exit %d\n%s", exit, b.events)
	}
	b.same("orders", "loose", "hollow")
	if serial := b.contents().Run.Serial; serial != 1 {
		t.Errorf("a resume made serial %d", serial)
	}
}

// continued is a plan made again after a crash.
func (b *environment) continued() *plan.Plan {
	b.t.Helper()
	p := b.plan()
	if c := b.contents(); c != nil && c.Run != nil && !c.Run.Closed {
		p.Continues = c.Run.Plan
		p.ID = plan.Identify(p)
	}
	return p
}

func TestQuietResumeCopiesMissingPackages(t *testing.T) {
	// Failure scenario: SIGKILL of dmoctl at any moment: with a quiet source packages in the ledger are not copied again
	b := newEnvironment(t, numbered(3_000))
	b.quiet = true
	b.open()
	p := b.plan()
	if !b.crash(p, control.PointCommit, 5) {
		t.Fatal("the run ended before it was killed")
	}
	in := len(b.contents().Loaded)
	b.open()
	rep, exit := b.apply(p, b.deps())
	if exit != report.OK {
		t.Fatalf("exit %d\n%s", exit, b.events)
	}
	done := len(b.events.of(report.PackageDone))
	if in != 4 || done != rep.Totals.PackagesPlanned-in || rep.Totals.PackagesIn != in {
		t.Errorf("%d were in, %d copied of %d, %d counted as in", in, done, rep.Totals.PackagesPlanned, rep.Totals.PackagesIn)
	}
	b.same("orders", "loose", "hollow")
}

func TestSnapshotResumeKeepsCompleteTables(t *testing.T) {
	// Failure scenario: SIGKILL of dmoctl at any moment: with a snapshot complete tables stay, incomplete ones start again
	b := newEnvironment(t, numbered(3_000))
	p := b.plan()
	if !b.crash(p, control.PointCommit, 6) { // hollow, loose 1-3 and orders 1 are in
		t.Fatal("the run ended before it was killed")
	}
	execute(t, b.path("source.db"), "UPDATE orders SET name = 'later' WHERE id = 7; DELETE FROM orders WHERE id = 8")
	b.open()
	if _, exit := b.apply(p, b.deps()); exit != report.OK {
		t.Fatalf("exit %d\n%s", exit, b.events)
	}
	for _, e := range b.events.of(report.PackageDone) {
		if e.Table != "orders" {
			t.Errorf("%s was copied again", e.Package)
		}
	}
	b.same("orders", "loose", "hollow")
	views := map[string]bool{}
	for _, l := range b.contents().Loaded {
		if l.Source.Name == "orders" {
			views[l.Snapshot] = true
		}
	}
	if len(views) != 1 {
		t.Errorf("orders was read under %d snapshots", len(views))
	}
}

func TestCrashDuringReload(t *testing.T) {
	// Invariant 5: a reload that was killed empties again or not at all, and copies once
	for _, point := range []string{control.PointEmpty, control.PointSnapshot, control.PointCommit} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			b := newEnvironment(t, numbered(2_000))
			if _, exit := b.apply(b.plan(), b.deps()); exit != report.OK {
				t.Fatalf("first run: exit %d", exit)
			}
			execute(t, b.path("source.db"), "UPDATE orders SET note = 'second'")
			b.tweak = reload("orders")
			p := b.plan()
			b.tweak = nil
			if !b.crash(p, point, 1) {
				t.Fatal("the run ended before it was killed")
			}
			b.open()
			if _, exit := b.apply(p, b.deps()); exit != report.OK {
				t.Fatalf("exit %d\n%s", exit, b.events)
			}
			b.same("orders", "loose")
			if c := b.contents(); c.Run.Serial != 2 || len(c.Loaded) != len(c.Packages) {
				t.Errorf("serial %d, %d of %d packages", c.Run.Serial, len(c.Loaded), len(c.Packages))
			}
			for _, e := range b.events.of(report.PackageDone) {
				if e.Table != "orders" {
					t.Errorf("%s was copied again", e.Package)
				}
			}
		})
	}
}

// reload makes one table of the plan a reload and keeps the others.
func reload(name string) func(*plan.Plan) {
	return func(p *plan.Plan) {
		for _, t := range p.Tables {
			t.Action, t.Create = plan.Keep, false
			if t.Source.Name.Name == name {
				copyAgain(t)
			}
		}
	}
}

// copyAgain asks for another copy of a table, as the planner does.
func copyAgain(t *plan.Table) {
	t.Action = plan.Reload
	t.Edition++
	for _, k := range t.Packages {
		k.Generation += fmt.Sprintf("+%d", t.Edition)
	}
}

func TestFencedRunCannotWrite(t *testing.T) {
	// Invariant 2: a run that another one has taken over from can neither commit nor empty anything
	b := newEnvironment(t, numbered(500))
	old := ledger.Run{Migration: "m", Lineage: "l", Token: "old", Owner: ledger.Owner{ID: "old"}}
	first, err := b.target.Lock(t.Context(), old, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	if _, exit := b.apply(b.plan(), b.deps()); exit != report.OK {
		t.Fatalf("exit %d\n%s", exit, b.events)
	}
	if err := first.Record(context.Background(), ledger.Change{Run: &old}); err == nil {
		t.Error("the older run wrote into the ledger")
	}
	tx, err := first.Begin(t.Context())
	if err == nil {
		if _, err = tx.Claim(t.Context(), []ledger.Loaded{{Migration: "m", ID: "x/1", Generation: "g"}}); err == nil {
			t.Error("the older run claimed a package")
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
