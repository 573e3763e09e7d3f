package executor_test

import (
	"testing"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/report"
)

func TestApplyEndToEnd(t *testing.T) {
	// Invariant 10: an apply that exits 0 has every package in the ledger and every table verified
	b := newBed(t, numbered(20_000))
	p := b.plan()
	rep, exit := b.apply(p, b.deps())
	if exit != report.OK {
		t.Fatalf("exit %d\n%s", exit, b.events)
	}
	b.same("orders", "loose", "hollow")
	c := b.contents()
	if !c.Run.Closed || c.Run.Serial != 1 {
		t.Errorf("run is %+v", c.Run)
	}
	for _, row := range c.Tables {
		if row.State != ledger.Compared {
			t.Errorf("%s is %s", row.Source, row.State)
		}
	}
	if len(c.Loaded) != len(c.Packages) || rep.Totals.Rows != 40_100 {
		t.Errorf("%d of %d packages, %d rows", len(c.Loaded), len(c.Packages), rep.Totals.Rows)
	}
	if len(b.events.of(report.SnapshotTaken)) != 1 {
		t.Error("one snapshot serves all tables of a run")
	}
	b.events.list = nil
	if _, exit := b.apply(p, b.deps()); exit != report.OK || len(b.events.of(report.PackageStarted)) != 0 {
		t.Errorf("applied twice: exit %d\n%s", exit, b.events)
	}
}
