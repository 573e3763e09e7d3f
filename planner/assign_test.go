package planner

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

func TestFirstMatchingGroupWins(t *testing.T) {
	w := newWorld(table("MARA", 100), table("MAKT", 100), table("DBATL", 100), table("VBAK", 100))
	w.spec.Groups = []desired.Group{
		{Name: "exact", Tables: []desired.Pattern{pattern(t, "MAKT"), pattern(t, "DBATL")}},
		{Name: "globs", Tables: []desired.Pattern{pattern(t, "M*")}},
		{Name: "late", Tables: []desired.Pattern{pattern(t, "MARA")}},
		{Name: "rest", Tables: []desired.Pattern{pattern(t, "*")}},
	}
	w.spec.Excludes = []desired.Exclude{{Name: "x", Content: "none", Tables: []desired.Pattern{pattern(t, "DB*")}}}
	got := make(map[string]string)
	for _, x := range w.plan(t).Tables {
		got[x.Source.Name.Name] = x.Group
	}
	want := map[string]string{"MARA": "globs", "MAKT": "exact", "VBAK": "rest"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestNamesDifferingInCase(t *testing.T) {
	w := newWorld(table("Orders", 100), table("ORDERS", 100))
	if p := w.plan(t); len(p.Tables) != 2 {
		t.Errorf("%d tables", len(p.Tables))
	}
	w.limits.IgnoreCase = true
	if got := w.refused(t); !strings.Contains(got, "target-collision") {
		t.Errorf("%s", got)
	}
	w.source.Tables = w.source.Tables[:1]
	w.occupy("oRDERS")
	if got := w.refused(t); !strings.Contains(got, "target-not-empty") {
		t.Errorf("%s", got)
	}
}

func TestPackageIDsUnique(t *testing.T) {
	a := tableID(catalog.Name{Schema: "A", Name: "B.C"})
	b := tableID(catalog.Name{Schema: "A.B", Name: "C"})
	if a == b {
		t.Errorf("two tables share %s", a)
	}
	if got := packageID(erp("/BIC/AFOO"), 0); got != "ERP./BIC/AFOO/0001" {
		t.Errorf("%s", got)
	}
}

func TestSplitPolicy(t *testing.T) {
	const gib = 1 << 30
	cases := []struct {
		name  string
		split catalog.SplitSpec
		bytes int64
		ask   bool
		size  int64
	}{
		{"small", catalog.SplitSpec{}, 10 << 20, false, 256 << 20},
		{"larger than its share", catalog.SplitSpec{}, 300 << 20, true, 256 << 20},
		{"own size", catalog.SplitSpec{By: "key", TargetSize: 5 << 20}, 10 << 20, true, 5 << 20},
		{"parts", catalog.SplitSpec{By: "auto", Parts: 4}, 100, true, 0},
		{"one part", catalog.SplitSpec{By: "auto", Parts: 1}, 10 * gib, false, 0},
		{"none", catalog.SplitSpec{By: "none"}, 10 * gib, false, 0},
		{"unknown size", catalog.SplitSpec{}, -1, true, 256 << 20},
		{"no more packages than ids", catalog.SplitSpec{TargetSize: 1 << 20}, 100_000 * gib, true, 100_000*gib/mostPackages + 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x := table("T", c.bytes)
			x.Rows = -1
			how, ask := howToSplit(&decision{source: x, assigned: &assigned{split: c.split}}, 256<<20)
			if ask != c.ask || ask && how.TargetSize != c.size {
				t.Errorf("ask %v, %+v", ask, how)
			}
		})
	}
}

func TestEstimatesUseEarlierRuns(t *testing.T) {
	w := newWorld(table("FAST", 300<<20), table("SLOW", 10<<20), table("NEW", 60<<20))
	history := past(
		&report.Report{Tables: []report.Table{{Table: "ERP.SLOW", Packages: 1, In: 1, Rows: 104857, Bytes: 10 << 20, Seconds: 5}}},
		&report.Report{Tables: []report.Table{{Table: "ERP.SLOW", Packages: 1, In: 1, Rows: 104857, Bytes: 10 << 20, Seconds: 500},
			{Table: "ERP.FAST", Packages: 1, In: 1, Rows: 3145728, Bytes: 300 << 20, Seconds: 100},
			{Table: "ERP.NEW", Packages: 2, In: 1, Seconds: 9000}}},
	)
	p, ds := Diff(w.spec, w.observe(), history, w.opts)
	if p == nil {
		t.Fatal(text(ds))
	}
	seconds := func(name string) float64 { return p.Table(erp(name)).Packages[0].Seconds }
	if got := seconds("SLOW"); got < 499 || got > 501 {
		t.Errorf("SLOW takes %g s, the last run took 500", got)
	}
	if got := seconds("NEW"); got < 60 || got > 200 {
		t.Errorf("NEW takes %g s, want the rate of the other tables", got)
	}
	var order []string
	for _, s := range p.Steps {
		if s.Kind == plan.StepCopy {
			order = append(order, s.ID)
		}
	}
	if order[0] != "copy/ERP.SLOW/0001" {
		t.Errorf("longest first: %v", order)
	}
	if !strings.Contains(p.Totals.EstimateFrom, "2 earlier runs") || p.Totals.LongestPath[len(p.Totals.LongestPath)-1] != plan.StepClose.ID("") {
		t.Errorf("%+v", p.Totals)
	}
}
