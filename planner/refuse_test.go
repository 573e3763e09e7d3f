package planner

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// occupy puts a table onto the target that no run made.
func (w *world) occupy(names ...string) {
	for _, n := range names {
		t := table(n, 100)
		t.Schema = "S4"
		w.target.Tables = append(w.target.Tables, t)
	}
}

func TestNonemptyTargetRefused(t *testing.T) {
	// Failure scenario: target not empty with existing = "require-empty": one refusal that names all tables.
	w := newWorld(table("MARA", 100), table("MAKT", 100), table("VBAK", 100))
	w.occupy("MAKT", "MARA", "ZOTHER")
	got := w.refused(t)
	for _, want := range []string{"target-not-empty", "2 tables of the plan exist on target.postgres.s4 already, and no run of this migration created them:", "S4.MAKT, S4.MARA", `existing = "load"`, "target.postgres.s4"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %s", want, got)
		}
	}
	if strings.Contains(got, "ZOTHER") || strings.Contains(got, "VBAK") {
		t.Errorf("names a table that is not in the way: %s", got)
	}
}

func TestRequireEmptyListsOtherTables(t *testing.T) {
	// Invariant 6: other tables are listed, never touched; those that the ledger names are ours.
	w := newWorld(table("MARA", 100))
	w.occupy("ZOTHER")
	p := w.plan(t)
	if len(p.Others) != 1 || p.Others[0].Name != "ZOTHER" {
		t.Errorf("others %v", p.Others)
	}
	for _, s := range p.Steps {
		for _, n := range s.Tables {
			if n.Name == "ZOTHER" {
				t.Errorf("step %s touches it", s.ID)
			}
		}
	}
	w.apply(p)
	if p = w.plan(t); p.Changes() {
		t.Error("our own table is in the way of the second plan")
	}
}

func TestNonemptyTargetListBounded(t *testing.T) {
	w := newWorld()
	for i := range 50 {
		name := fmt.Sprintf("T%02d", i)
		w.add(table(name, 100))
		w.occupy(name)
	}
	if got := w.refused(t); !strings.Contains(got, "and 30 more") {
		t.Errorf("%s", got)
	}
}

func TestLoadIntoExistingTables(t *testing.T) {
	w := newWorld(table("MARA", 100))
	w.spec.Target.Config["existing"] = "load"
	w.occupy("MARA")
	p := w.plan(t)
	if got := p.Table(erp("MARA")); got.Action != plan.Copy || got.Create || got.TargetStructure == "" {
		t.Errorf("%+v", got)
	}
	w.filled = []Filled{{Table: catalog.Name{Schema: "S4", Name: "MARA"}, Rows: 3}}
	if got := w.refused(t); !strings.Contains(got, "target-holds-rows") || !strings.Contains(got, "S4.MARA") {
		t.Errorf("%s", got)
	}
	w.filled = nil
	w.target.Tables[0].Columns = w.target.Tables[0].Columns[:1]
	if got := w.refused(t); !strings.Contains(got, "column NAME is missing") {
		t.Errorf("%s", got)
	}
}

func TestExistingTablesNotAltered(t *testing.T) {
	w := newWorld(table("MARA", 100))
	w.spec.Target.Config["existing"] = "load"
	w.occupy("MARA")
	w.apply(w.plan(t))
	w.find("MARA").Columns = append(w.find("MARA").Columns, catalog.Column{Name: "NEW", Type: catalog.Type{Kind: catalog.Int32}})
	if got := w.refused(t); !strings.Contains(got, "column NEW is missing") || !strings.Contains(got, "S4.MARA") {
		t.Errorf("%s", got)
	}
}

func TestRecreate(t *testing.T) {
	w := newWorld(table("MARA", 100))
	w.spec.Target.Config["existing"] = "recreate"
	w.occupy("MARA", "ZOTHER")
	p := w.plan(t)
	got := p.Table(erp("MARA"))
	if !got.Drop || !got.Foreign || !got.Create || kinds(p, "MARA") != "drop create copy key index verify" {
		t.Errorf("drop %v foreign %v create %v: %s", got.Drop, got.Foreign, got.Create, kinds(p, "MARA"))
	}
	w.apply(p)
	if p = w.plan(t); p.Changes() {
		t.Error("a recreated table is recreated again")
	}
}

// TestSpecMistakes holds what only the catalogs show.
func TestSpecMistakes(t *testing.T) {
	cases := []struct {
		name   string
		change func(t *testing.T, w *world)
		want   []string
	}{
		{"unassigned tables", func(t *testing.T, w *world) {
			w.spec.Groups = []desired.Group{{Name: "g", Tables: []desired.Pattern{pattern(t, "MA*")}}}
		}, []string{"unassigned-table", "ERP.VBAK"}},
		{"unknown exact name", func(t *testing.T, w *world) {
			p := pattern(t, "mara")
			p.At = desired.Position{File: "a.dmo.hcl", Line: 7, Column: 3}
			w.spec.Groups = []desired.Group{{Name: "g", Tables: []desired.Pattern{p, pattern(t, "*")}}}
		}, []string{"unknown-table", "ERP.mara", "a.dmo.hcl:7:3"}},
		{"rename of unknown table", func(t *testing.T, w *world) {
			w.spec.Renames = []desired.Rename{{Table: pattern(t, "NOPE"), To: pattern(t, "X")}}
		}, []string{"unknown-table", "ERP.NOPE"}},
		{"two tables of one name", func(t *testing.T, w *world) {
			w.spec.Renames = []desired.Rename{{Table: pattern(t, "MARA"), To: pattern(t, "MAKT")}}
		}, []string{"target-collision", "ERP.MAKT", "ERP.MARA", "S4.MAKT"}},
		{"wildcard in a schema", func(t *testing.T, w *world) {
			w.spec.Groups = []desired.Group{{Name: "g", Tables: []desired.Pattern{pattern(t, "S*.T"), pattern(t, "*")}}}
		}, []string{"schema-wildcard", "S*.T"}},
		{"long name", func(t *testing.T, w *world) { w.limits.Identifier = 3 }, []string{"name-too-long", `"MARA"`, "4 bytes"}},
		{"lob_max above the budget", func(t *testing.T, w *world) {
			w.spec.Processes.Memory = 128 << 20
			w.find("MARA").Columns[1].Type = catalog.Type{Kind: catalog.Text}
		}, []string{"lob-max-too-large", "ERP.MARA", "lob_max = "}},
		{"memory too small", func(t *testing.T, w *world) { w.spec.Processes.Memory = 1 << 20 }, []string{"memory-too-small"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(table("MARA", 100), table("MAKT", 100), table("VBAK", 100))
			c.change(t, w)
			ds := checkSchemas(w.spec)
			if !ds.HasErrors() {
				_, ds = Diff(w.spec, w.observe(), nil, w.opts)
			}
			if !ds.HasErrors() {
				t.Fatalf("planned: %s", text(ds))
			}
			for _, want := range c.want {
				if !strings.Contains(text(ds), want) {
					t.Errorf("%q is not in %s", want, text(ds))
				}
			}
		})
	}
}

func TestSpecWarnings(t *testing.T) {
	w := newWorld(table("MARA", 100))
	w.spec.Groups = []desired.Group{{Name: "g", Tables: []desired.Pattern{pattern(t, "Z*"), pattern(t, "*")}}}
	w.spec.Verify.Exceptions = []desired.Exception{{Table: pattern(t, "NOPE"), Rule: "igncount", Reason: "r"}}
	p, ds := Diff(w.spec, w.observe(), nil, w.opts)
	if p == nil || ds.Count(diag.SeverityWarning) != 2 {
		t.Errorf("%s", text(ds))
	}
}

func TestUnmatchedSelectionRefused(t *testing.T) {
	// Done: left: a misspelled --table, --reload or schema ends with an error, not with "No changes".
	w := newWorld(table("MARA", 100))
	w.apply(w.plan(t))
	for _, opts := range []Options{{Tables: []desired.Pattern{pattern(t, "NARA")}}, {Tables: []desired.Pattern{pattern(t, "N*")}},
		{Tables: []desired.Pattern{pattern(t, "MARA"), pattern(t, "NARA")}}, {Reload: []desired.Pattern{pattern(t, "Q*")}}} {
		opts.Machine = w.opts.Machine
		w.opts = opts
		if got := w.refused(t); !strings.Contains(got, "unknown-table") {
			t.Errorf("%s", got)
		}
	}
	w.opts = Options{Machine: w.opts.Machine}
	w.source.Tables = nil
	if got := w.refused(t); !strings.Contains(got, "empty-source") || !strings.Contains(got, "schema ERP") {
		t.Errorf("%s", got)
	}
}

func TestRefusalsReportedTogether(t *testing.T) {
	// Failure scenario: a column that cannot be migrated: refused in plan, table, column, type and fix named, all together.
	w := newWorld(table("MARA", 100), table("MAKT", 100))
	o := w.observe()
	for i := range o.Mappings {
		o.Mappings[i].Refusals = []plan.Conversion{{Column: "NAME", What: "The target has no such type.", Fix: "Exclude the table."}}
	}
	_, ds := Diff(w.spec, o, nil, w.opts)
	got := text(ds)
	for _, want := range []string{"ERP.MARA.NAME (character varying(40))", "ERP.MAKT.NAME", "Exclude the table."} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %s", want, got)
		}
	}
}

func TestOtherSchemas(t *testing.T) {
	other := table("T1", 100)
	other.Schema = "SALES"
	unnamed := table("T2", 100)
	unnamed.Schema = "SALES"
	w := newWorld(table("MARA", 100), other, unnamed)
	w.spec.Groups = []desired.Group{{Name: "g", Tables: []desired.Pattern{pattern(t, "SALES.T1"), pattern(t, "*")}}}
	p := w.plan(t)
	if len(p.Tables) != 2 || p.Tables[1].Target.Name != (catalog.Name{Schema: "SALES", Name: "T1"}) {
		t.Errorf("%d tables, the second %v", len(p.Tables), p.Tables[len(p.Tables)-1].Target.Name)
	}
	w.limits = providers.Limits{}
	w.target.Schema = "main"
	if p = w.plan(t); p.Tables[1].Target.Name != (catalog.Name{Schema: "main", Name: "T1"}) {
		t.Errorf("on a target without schemas: %v", p.Tables[1].Target.Name)
	}
}
