package e2e

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

func TestCtrlC(t *testing.T) {
	// Failure scenario: Ctrl-C once, twice: exit 130, resumable.
	// A child does not inherit a SIGHUP that is ignored, as nohup has it, from a process that takes it.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for name, signals := range map[string][]syscall.Signal{
		"once":    {syscall.SIGINT},
		"twice":   {syscall.SIGINT, syscall.SIGINT},
		"SIGTERM": {syscall.SIGTERM},
		"SIGHUP":  {syscall.SIGHUP},
	} {
		t.Run(name, func(t *testing.T) {
			b, p, _ := throughProxy(t, specOptions{consistency: "quiet", parts: 4})
			b.fill(t, 4, 20000)
			want := contents(t, b.source, b.sourceDB)
			p.slow(30 * time.Millisecond)
			run := b.startApply(t)
			run.waitFor(t, "package.done", 1)
			for _, s := range signals {
				run.signal(t, s)
				time.Sleep(100 * time.Millisecond)
			}
			if r := run.wait(t, time.Minute); r.exit != 130 {
				t.Errorf("exit %d, want 130\n%s", r.exit, tail(r.stderr))
			}
			before := len(b.loaded(t))
			if before == 0 || before == 16 {
				t.Fatalf("%d of 16 packages are loaded: nothing was interrupted", before)
			}
			p.slow(0)
			second := b.apply(t, 0)
			if got := len(second.events(t, "package.done")); got != 16-before {
				t.Errorf("the second run copied %d packages, want %d", got, 16-before)
			}
			b.equal(t, want)
		})
	}
}
