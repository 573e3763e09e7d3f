package planner

import (
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// applied is a world whose migration is done: one table in three packages, one in one.
func applied(t *testing.T, quiet bool, stop ...string) *world {
	t.Helper()
	w := newWorld(table("BIG", 300<<20), table("SMALL", 1000))
	w.splits[erp("BIG")] = 3
	if quiet {
		w.spec.Source.Config["consistency"] = "quiet"
	}
	w.apply(w.plan(t), stop...)
	return w
}

// TestActions holds every action of a table, with its reason and steps.
func TestActions(t *testing.T) {
	const second, third = "ERP.BIG/0002", "ERP.BIG/0003"
	cases := []struct {
		name          string
		quiet         bool
		stop          []string
		change        func(w *world)
		action        plan.Action
		reason, steps string
	}{
		{name: "nothing loaded", stop: []string{"ERP.BIG/0001", second, third}, action: plan.Copy, steps: "copy copy copy key index verify"},
		{name: "all loaded", action: plan.Keep},
		{name: "partly loaded, quiet", quiet: true, stop: []string{second}, action: plan.Resume, reason: "2 of 3 packages loaded", steps: "copy key index verify"},
		{name: "partly loaded, snapshot gone", stop: []string{second}, action: plan.Restart,
			reason: "2 of 3 packages were read from a snapshot that no longer exists", steps: "empty copy copy copy key index verify"},
		{name: "all loaded, structure not rechecked", stop: []string{"none"}, change: func(w *world) { row(w.ledger, erp("BIG")).State = ledger.Made },
			action: plan.Resume, reason: "all packages are loaded; its structure is compared again", steps: "copy verify"},
		{name: "declared quiet later", stop: []string{second}, change: func(w *world) { w.spec.Source.Config["consistency"] = "quiet" },
			action: plan.Restart, reason: "its packages were read before the source was declared quiet", steps: "empty copy copy copy key index verify"},
		{name: "column added on the source", change: func(w *world) {
			w.find("BIG").Columns = append(w.find("BIG").Columns, catalog.Column{Name: "LVORM", Type: catalog.Type{Kind: catalog.Bool}, Nullable: true})
		}, action: plan.Reload, reason: "column LVORM added on the source since serial 1", steps: "empty drop create copy copy copy key index verify"},
		{name: "column changed on the source", change: func(w *world) {
			w.find("BIG").Columns[1].Declared, w.find("BIG").Columns[1].Type.Length = "character varying(80)", 80
		}, action: plan.Reload, reason: "column NAME changed from character varying(40) to character varying(80) on the source since serial 1",
			steps: "empty drop create copy copy copy key index verify"},
		{name: "index added on the source", change: func(w *world) {
			w.find("BIG").Indexes = append(w.find("BIG").Indexes, catalog.Index{Name: "BIG_2", Columns: []catalog.IndexColumn{{Name: "ID"}, {Name: "NAME"}}})
		}, action: plan.Reload, reason: "its keys, indexes, defaults or constraints changed on the source since serial 1"},
		{name: "another source", change: func(w *world) { w.source.Identity = "source-2" }, action: plan.Reload,
			reason: "its packages were read from a different source database", steps: "empty copy copy copy verify"},
		{name: "a policy changed", change: func(w *world) { w.spec.Policies.NUL = "strip" }, action: plan.Reload,
			reason: "the types block of the spec changed since serial 1"},
		{name: "asked for", change: func(w *world) {
			w.opts.Reload = []desired.Pattern{{Text: "B*", Name: "B*"}}
		}, action: plan.Reload, reason: "requested with --reload"},
		{name: "gone from the target", change: func(w *world) { w.drop(catalog.Name{Schema: "S4", Name: "BIG"}) },
			action: plan.Reload, reason: "the table no longer exists on the target", steps: "empty create copy copy copy key index verify"},
		{name: "altered on the target", change: func(w *world) {
			to := *w.target.Find(catalog.Name{Schema: "S4", Name: "BIG"})
			w.drop(to.Name)
			to.Columns = to.Columns[:1]
			w.target.Tables = append(w.target.Tables, &to)
		}, action: plan.Reload, reason: "altered on the target since it was made: column NAME is missing", steps: "empty drop create copy copy copy key index verify"},
		{name: "emptying was interrupted", change: func(w *world) { row(w.ledger, erp("BIG")).State = ledger.Emptying },
			action: plan.Reload, reason: "emptying was requested and has not finished"},
		{name: "excluded", change: func(w *world) {
			w.spec.Excludes = []desired.Exclude{{Name: "x", Content: "none", Tables: []desired.Pattern{{Text: "BIG", Name: "BIG", Exact: true}}}}
		}, action: plan.Forget, reason: "the spec no longer includes it; the target's table is kept", steps: "forget"},
		{name: "excluded but for the structure", change: func(w *world) {
			w.spec.Excludes = []desired.Exclude{{Name: "x", Content: "structure", Reason: "logs", Tables: []desired.Pattern{{Text: "BIG", Name: "BIG", Exact: true}}}}
		}, action: plan.Structure, reason: "its rows are no longer part of the migration: logs", steps: "empty"},
		{name: "vanished from the source", change: func(w *world) { w.source.Tables = w.source.Tables[1:] },
			action: plan.Forget, reason: "it no longer exists on the source; the target's table is kept", steps: "forget"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := applied(t, c.quiet, c.stop...)
			if c.change != nil {
				c.change(w)
			}
			p := w.plan(t)
			got := p.Table(erp("BIG"))
			if got == nil {
				t.Fatalf("the plan has no table BIG")
			}
			if got.Action != c.action || got.Reason != c.reason {
				t.Errorf("action %q (%s), want %q (%s)", got.Action, got.Reason, c.action, c.reason)
			}
			if steps := kinds(p, "BIG"); c.steps != "" && steps != c.steps {
				t.Errorf("steps %q, want %q", steps, c.steps)
			}
			w.apply(p)
			w.opts.Reload = nil
			if p = w.plan(t); p.Changes() {
				t.Errorf("planned again after it was applied: %v", p.Steps[0])
			}
		})
	}
}

func TestNewTableCopied(t *testing.T) {
	w := applied(t, false)
	w.add(table("LATE", 500))
	p := w.plan(t)
	if got := p.Table(erp("LATE")); got.Action != plan.Copy || !got.Create {
		t.Errorf("action %q, create %v", got.Action, got.Create)
	}
	if p.Totals.Unchanged != 2 || p.Totals.Packages != 1 || p.Continues != "" {
		t.Errorf("totals %+v, continues %q", p.Totals, p.Continues)
	}
}

func TestReloadEmptiesBeforeDrop(t *testing.T) {
	// Invariant 5: the ledger's rows of a table go before its rows on the target do.
	w := applied(t, false)
	w.drop(catalog.Name{Schema: "S4", Name: "BIG"})
	at := make(map[plan.Kind]int)
	p := w.plan(t)
	for i, s := range p.Steps {
		if strings.HasSuffix(s.ID, "ERP.BIG") {
			at[s.Kind] = i + 1
		}
	}
	if at[plan.StepEmpty] == 0 || at[plan.StepEmpty] > at[plan.StepCreate] {
		t.Errorf("empty is step %d, create step %d", at[plan.StepEmpty], at[plan.StepCreate])
	}
}

func TestChangedSplitIgnored(t *testing.T) {
	// Invariant 5: a changed split of a table that has packages in is ignored, and the plan says so.
	w := applied(t, true, "ERP.BIG/0002")
	w.spec.Groups = []desired.Group{{Name: "g", Tables: []desired.Pattern{{Text: "*", Name: "*"}}, Split: catalog.SplitSpec{By: "rowid", Parts: 9}}}
	w.splits[erp("BIG")] = 9
	p := w.plan(t)
	got := p.Table(erp("BIG"))
	if got.Action != plan.Resume || len(got.Packages) != 3 {
		t.Errorf("%s with %d packages, want the three of the ledger", got.Action, len(got.Packages))
	}
	if len(p.Warnings) == 0 || p.Warnings[0].ID != "split-ignored" || !strings.Contains(p.Warnings[0].Detail, "ERP.BIG") {
		t.Errorf("warnings %+v", p.Warnings)
	}
}

func TestPlannedPackagesReused(t *testing.T) {
	// Invariant 1: what was planned is reused by a new plan, so that new samples do not invent new packages.
	w := applied(t, true, "ERP.BIG/0001", "ERP.BIG/0002", "ERP.BIG/0003")
	first := w.plan(t)
	w.splits[erp("BIG")] = 7 // other quantiles today
	again := w.plan(t)
	if got := len(again.Table(erp("BIG")).Packages); got != 3 {
		t.Errorf("%d packages, want the 3 of the ledger", got)
	}
	if again.ID != first.ID || again.Continues != w.ledger.Run.Plan {
		t.Errorf("plan %s continues %q, first %s", again.ID, again.Continues, first.ID)
	}
}

func TestReloadStartsNewPlan(t *testing.T) {
	w := applied(t, true, "ERP.BIG/0001")
	if p := w.plan(t); p.Continues == "" {
		t.Fatal("a resume continues the plan of the ledger")
	}
	w.opts.Reload = []desired.Pattern{{Text: "SMALL", Name: "SMALL", Exact: true}}
	if p := w.plan(t); p.Continues != "" {
		t.Error("a reload was planned as a resume: its rows would not be emptied")
	}
}

func TestRowReadTimes(t *testing.T) {
	// Invariant 4: the plan says when the rows of unchanged tables were read.
	w := applied(t, false)
	w.add(table("LATE", 500))
	p := w.plan(t)
	if got := p.Table(erp("SMALL")).ReadAt; !got.Equal(w.reads) {
		t.Errorf("read at %v, want %v", got, w.reads)
	}
	if len(p.Warnings) != 1 || p.Warnings[0].ID != "read-at-different-times" || !strings.Contains(p.Warnings[0].Detail, "2026-03-01T08:00:00Z") {
		t.Errorf("warnings %+v", p.Warnings)
	}
}

func TestMovedTable(t *testing.T) {
	w := applied(t, false)
	w.spec.Renames = []desired.Rename{{Table: pattern(t, "BIG"), To: pattern(t, "LARGE")}}
	p := w.plan(t)
	if got := p.Table(erp("BIG")); got.Action != plan.Reload || got.Target.Name.Name != "LARGE" || !got.Create {
		t.Errorf("%s of %s, create %v", got.Action, got.Target.Name, got.Create)
	}
	if len(p.Warnings) == 0 || p.Warnings[len(p.Warnings)-1].ID != "table-moved" {
		t.Errorf("warnings %+v", p.Warnings)
	}
}
