package e2e

import (
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

// throughProxy is a environment whose way to the target leads through a proxy.
func throughProxy(t *testing.T, o specOptions) (*environment, *proxy, string) {
	t.Helper()
	b := newBed(t, pgtest.Shared(t), pgtest.Shared(t), o)
	direct := b.targetURL
	p, url := newProxy(t, direct)
	b.targetURL = url
	b.writeSpec(t)
	return b, p, direct
}

func wait(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(time.Minute):
		t.Fatalf("%s did not happen within a minute", what)
	}
}

func TestTakeoverWaitsForDelayedCommit(t *testing.T) {
	// Failure scenario: a killed run's COMMIT: the next run waits for it, says for whom, and finds the package in.
	b, p, direct := throughProxy(t, specOptions{consistency: "quiet", parts: 2, processes: 1})
	b.fill(t, 2, 2000)
	want := contents(t, b.source, b.sourceDB)
	first := b.startApply(t)
	first.waitFor(t, "package.started", 1)
	p.holdNext("commit\x00")
	wait(t, p.held, "holding a COMMIT back")
	first.signal(t, syscall.SIGKILL)
	<-first.done
	before := len(b.loaded(t))

	second := b.other(t, direct).startApply(t)
	e := second.waitFor(t, "waiting", 1)
	if !strings.Contains(e.Message, "pid") {
		t.Errorf("the wait does not say for whom: %q", e.Message)
	}
	close(p.release)
	r := second.wait(t, time.Minute)
	if r.exit != 0 {
		t.Fatalf("exit %d\n%s", r.exit, tail(r.stderr))
	}
	if got, want := len(r.events(t, "package.done")), 4-before-1; got != want {
		t.Errorf("the second run copied %d packages, want %d: the held one was in", got, want)
	}
	b.equal(t, want)
}

var unlockCommand = regexp.MustCompile(`dmoctl state unlock (\S+)`)

// takeOver ends the stopped run's hold as its message tells, and applies from another directory.
func takeOver(t *testing.T, b *environment, args ...string) {
	t.Helper()
	refused := b.apply(t, 4)
	m := unlockCommand.FindStringSubmatch(refused.stderr)
	if m == nil {
		t.Fatalf("no unlock command in:\n%s", refused.stderr)
	}
	b.ok(t, 0, b.dir, "state", "unlock", m[1])
	b.apply(t, 0, args...)
}

// goOn lets a fenced run continue and fails unless it ends with an error.
func goOn(t *testing.T, p *process) {
	t.Helper()
	p.signal(t, syscall.SIGCONT)
	r := p.wait(t, 2*time.Minute)
	if r.exit != 4 {
		t.Errorf("the fenced run ended with exit %d, want 4\n%s", r.exit, tail(r.stderr))
	}
}

func TestRunStoppedBeforeClaimFenced(t *testing.T) {
	// Failure scenario: a killed run's COMMIT: a run stopped before its claim continues after a takeover and writes nothing.
	b, p, direct := throughProxy(t, specOptions{consistency: "quiet", parts: 2})
	b.fill(t, 2, 2000)
	want := contents(t, b.source, b.sourceDB)
	p.holdNext("pg_advisory_xact_lock_shared")
	first := b.startApply(t)
	wait(t, p.held, "holding a claim back")
	first.signal(t, syscall.SIGSTOP)
	takeOver(t, b.other(t, direct))
	close(p.release)
	goOn(t, first)
	b.equal(t, want)
}

func TestRunStoppedDuringLoadFenced(t *testing.T) {
	// Failure scenario: a killed run's COMMIT: a run stopped in mid-load continues after a takeover and can not commit.
	b, p, direct := throughProxy(t, specOptions{consistency: "quiet", parts: 2})
	b.fill(t, 2, 60000)
	want := contents(t, b.source, b.sourceDB)
	p.slow(100 * time.Millisecond)
	first := b.startApply(t)
	first.waitFor(t, "package.started", 1)
	for b.inTransaction(t) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	first.signal(t, syscall.SIGSTOP)
	takeOver(t, b.other(t, direct))
	p.slow(0)
	goOn(t, first)
	b.equal(t, want)
}

func TestRunStoppedDuringReloadFenced(t *testing.T) {
	// Failure scenario: a killed run's COMMIT: a run stopped in a reload continues after a takeover and empties nothing.
	b, p, direct := throughProxy(t, specOptions{consistency: "quiet", parts: 2})
	b.fill(t, 2, 2000)
	want := contents(t, b.source, b.sourceDB)
	b.apply(t, 0)
	p.holdNext("truncate only") // a setting has "truncate" in its name
	first := b.startApply(t, "--reload", "*")
	wait(t, p.held, "holding a TRUNCATE back")
	first.signal(t, syscall.SIGSTOP)
	takeOver(t, b.other(t, direct), "--reload", "*")
	close(p.release)
	goOn(t, first)
	b.equal(t, want)
}

func TestConcurrentApplies(t *testing.T) {
	// Failure scenario: two applies at once: the second stops with exit 4 and the owner's name, from one state or from two.
	b, p, direct := throughProxy(t, specOptions{parts: 2})
	b.fill(t, 2, 60000)
	want := contents(t, b.source, b.sourceDB)
	p.slow(50 * time.Millisecond)
	first := b.startApply(t)
	first.waitFor(t, "package.started", 1)
	for name, dir := range map[string]*environment{"from one state": b, "from two": b.other(t, direct)} {
		r := dir.apply(t, 4)
		if !strings.Contains(r.stderr, "pid") || !strings.Contains(r.stderr, "state unlock") {
			t.Errorf("%s: the refusal does not name the owner:\n%s", name, r.stderr)
		}
	}
	p.slow(0)
	if r := first.wait(t, time.Minute); r.exit != 0 {
		t.Fatalf("the first run: exit %d\n%s", r.exit, tail(r.stderr))
	}
	b.equal(t, want)
}
