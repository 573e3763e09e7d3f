package e2e

import (
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

func TestServerStopDuringLoad(t *testing.T) {
	// Failure scenario: SIGKILL of dmoctl at any moment; pg_ctl stop -m immediate of target or source in mid-load: apply again completes.
	for _, side := range []string{"source", "target"} {
		for _, consistency := range []string{"snapshot", "quiet"} {
			t.Run(side+" "+consistency, func(t *testing.T) { stopServer(t, side, consistency) })
		}
	}
}

func stopServer(t *testing.T, side, consistency string) {
	durable := []pgtest.Option{pgtest.Setting("fsync", "on"), pgtest.Setting("synchronous_commit", "on")}
	source, target := pgtest.Start(t, durable...), pgtest.Start(t, durable...)
	b := newBed(t, source, target, specOptions{consistency: consistency, parts: 4})
	direct := b.targetURL
	p, url := newProxy(t, direct)
	b.targetURL = url
	b.writeSpec(t)
	b.fill(t, 4, 20000)
	source.Exec(t, b.sourceDB, "CHECKPOINT")
	want := contents(t, source, b.sourceDB)
	p.slow(20 * time.Millisecond)
	run := b.startApply(t)
	run.waitFor(t, "package.done", 2)
	for b.inTransaction(t) == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	server := target
	if side == "source" {
		server = source
	}
	if err := server.Stop(pgtest.Immediate); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	p.slow(0)
	first := run.wait(t, 4*time.Minute)
	second := b.apply(t, 0)
	b.equal(t, want)
	if consistency == "quiet" {
		if got := len(first.events(t, "package.done")) + len(second.events(t, "package.done")); got != 16 {
			t.Errorf("both runs copied %d packages of 16: those in the ledger are not copied again", got)
		}
	}
}
