package planner

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

// TestGoldenPlan holds the saved form of a small plan that has most kinds of steps.
// To accept a change: DMO_UPDATE_GOLDEN=1 go test ./planner -run Golden
func TestGoldenPlan(t *testing.T) {
	w := newWorld(table("MARA", 200<<20), table("MAKT", 1000), table("DBATL", 10))
	w.splits[erp("MARA")] = 2
	w.find("MAKT").ForeignKeys = []catalog.ForeignKey{{Name: "MAKT_MARA", Columns: []string{"ID"}, Table: erp("MARA"), References: []string{"ID"}}}
	w.find("MARA").Columns[0].Sequence = &catalog.Sequence{Name: erp("MARA_SEQ"), Increment: 1, Start: 1, Min: 1, Max: 1 << 40}
	w.source.NotMigrated = []catalog.Object{{Kind: "view", Name: "ERP.V_MARA"}}
	w.spec.Excludes = []desired.Exclude{{Name: "logs", Tables: []desired.Pattern{pattern(t, "DBATL")}, Content: "structure", Reason: "monitoring"}}
	history := past(&report.Report{Tables: []report.Table{{Table: "ERP.MAKT", Packages: 1, In: 1, Rows: 10, Bytes: 1000, Seconds: 4}}})
	p, ds := Diff(w.spec, w.observe(), history, w.opts)
	if ds.HasErrors() {
		t.Fatal(text(ds))
	}
	var got bytes.Buffer
	if err := plan.Encode(&got, p); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "plan.golden.json")
	if os.Getenv("DMO_UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("the plan's saved form changed:\n%s", diff)
	}
}
