package executor_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

func TestApplyEndToEnd(t *testing.T) {
	// Invariant 10: an apply that exits 0 has every package in the ledger and every table verified
	b := newEnvironment(t, numbered(20_000))
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

func TestApplySucceedsIfVerifiedOrExcepted(t *testing.T) {
	// Invariant 10: apply exits 0 only where every table is verified, or excepted by name; an exception covers what its rule says and no more
	const more, fewer, other = "INSERT INTO loose VALUES (1, 'extra')", "DELETE FROM loose WHERE rowid = 1", "UPDATE loose SET b = 'other' WHERE rowid = 1"
	for name, c := range map[string]struct {
		change, rule string
		exit         int
		result       string
	}{
		"more rows":                      {more, "", report.Different, report.Unequal},
		"more rows, igncount":            {more, "igncount", report.OK, report.Excepted},
		"more rows, ignlargercount":      {more, "ignlargercount", report.OK, report.Excepted},
		"fewer rows, igncount":           {fewer, "igncount", report.OK, report.Excepted},
		"fewer rows, ignlargercount":     {fewer, "ignlargercount", report.Different, report.Unequal},
		"another value":                  {other, "", report.Different, report.Unequal},
		"another value, ignlargercount":  {other, "ignlargercount", report.Different, report.Unequal},
		"another value, igncount":        {other, "igncount", report.Different, report.Unequal},
		"nothing, with an exception":     {"", "igncount", report.OK, report.Equal},
		"more rows, another's exception": {more, "of orders", report.Different, report.Unequal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newEnvironment(t, numbered(500))
			b.tweak = func(p *plan.Plan) {
				excepted, rule := "loose", c.rule
				if rule == "of orders" {
					excepted, rule = "orders", "igncount"
				}
				for _, pt := range p.Tables {
					if pt.Source.Name.Name == excepted && rule != "" {
						pt.Exception = &plan.Exception{Rule: plan.Rule(rule), Reason: "known"}
					}
				}
			}
			d := b.deps()
			var once sync.Once
			d.Hooks.Before = func(point string) {
				isLoose := func(l ledger.Loaded) bool { return l.Source.Name == "loose" }
				// At the latest before loose is compared, and not before it is in.
				if point == control.PointVerify && slices.ContainsFunc(b.contents().Loaded, isLoose) {
					once.Do(func() { execute(t, b.path("target.db"), c.change) })
				}
			}
			rep, exit := b.apply(b.plan(), d)
			if exit != c.exit {
				t.Errorf("exit %d, want %d", exit, c.exit)
			}
			i := slices.IndexFunc(rep.Tables, func(r report.Table) bool { return r.Table == "loose" })
			if got := rep.Tables[i]; got.Result != c.result {
				t.Errorf("loose is %q (%s), want %q", got.Result, got.Detail, c.result)
			}
			if b.contents().Run.Closed != (c.exit == report.OK) {
				t.Errorf("exit %d, and the run is closed: %v", exit, b.contents().Run.Closed)
			}
		})
	}
}
