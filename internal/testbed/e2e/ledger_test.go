package e2e

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestRehearsalRowsInTarget(t *testing.T) {
	// Failure scenario: a rehearsal's rows: the plan names their age, nothing is copied twice, --reload copies again.
	b, _, _ := throughProxy(t, specOptions{parts: 2})
	b.fill(t, 2, 1000)
	b.apply(t, 0)
	b.source.Exec(t, b.sourceDB, "DELETE FROM bare01 WHERE id < 100; INSERT INTO keyed00 VALUES (5000, 1, NULL, NULL)")
	again := b.ok(t, 0, b.dir, "plan")
	if !strings.Contains(again.stdout, "No changes") || !strings.Contains(again.stdout, "read ") {
		t.Errorf("the plan does not say how old the rows are:\n%s", again.stdout)
	}
	if r := b.apply(t, 0); len(r.events(t, "package.done")) != 0 {
		t.Error("packages that are loaded were copied again")
	}
	b.apply(t, 0, "--reload", "*")
	b.equal(t, contents(t, b.source, b.sourceDB))
}

func TestChangedSplitIgnored(t *testing.T) {
	// Failure scenario: a rehearsal's rows are still in the target; the split in the spec changes: it is ignored, and the plan says so.
	b, p, _ := throughProxy(t, specOptions{consistency: "quiet", parts: 4})
	b.fill(t, 2, 20000)
	want := contents(t, b.source, b.sourceDB)
	p.slow(20 * time.Millisecond)
	run := b.startApply(t)
	run.waitFor(t, "package.done", 2)
	_ = run.cmd.Process.Kill()
	<-run.done
	p.slow(0)
	b.sessionsGone(t)
	in := map[string]int{}
	for _, id := range b.loaded(t) {
		in[tableOf(id)]++
	}
	b.options.parts = 7
	b.writeSpec(t)
	if r := b.ok(t, 0, b.dir, "plan"); !strings.Contains(r.stdout+r.stderr, "split") {
		t.Errorf("the plan does not say that the changed split is ignored:\n%s%s", r.stdout, r.stderr)
	}
	left := 7 * (2 - len(in)) // a table without any package in may be split otherwise
	for _, n := range in {
		left += 4 - n
	}
	if got := len(b.apply(t, 0).events(t, "package.done")); got != left {
		t.Errorf("%d packages were copied, want %d of the recorded ones; in before: %v", got, left, in)
	}
	b.equal(t, want)
}

func TestStateFileLostDuringRun(t *testing.T) {
	// Failure scenario: a rehearsal's rows are still in the target; the state file is lost in mid-run: the ledger decides.
	b, p, _ := throughProxy(t, specOptions{consistency: "quiet", parts: 4})
	b.fill(t, 4, 20000)
	want := contents(t, b.source, b.sourceDB)
	p.slow(20 * time.Millisecond)
	run := b.startApply(t)
	run.waitFor(t, "package.done", 3)
	_ = run.cmd.Process.Kill()
	<-run.done
	p.slow(0)
	b.sessionsGone(t)
	if err := os.RemoveAll(b.dir + "/.dmo"); err != nil {
		t.Fatal(err)
	}
	before := len(b.loaded(t))
	if got := len(b.apply(t, 0).events(t, "package.done")); got != 16-before {
		t.Errorf("%d packages were copied, want %d", got, 16-before)
	}
	b.equal(t, want)
	if err := os.RemoveAll(b.dir + "/.dmo"); err != nil {
		t.Fatal(err)
	}
	b.ok(t, 0, b.dir, "state", "rebuild")
	if r := b.ok(t, 0, b.dir, "state", "show"); !strings.Contains(r.stdout, "keyed00") {
		t.Errorf("the rebuilt state does not list the tables:\n%s", r.stdout)
	}
}
