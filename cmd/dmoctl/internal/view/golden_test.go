package view

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
)

var update = flag.Bool("update", false, "write the golden files again")

// secretBoundary is a key boundary: it may stand in JSON only.
const secretBoundary = "customer-4711"

// moment is when the golden plans are looked at.
func moment() time.Time { return time.Date(2030, 5, 20, 12, 0, 0, 0, time.UTC) }

func TestGoldenViews(t *testing.T) {
	p := everyStep()
	views := []struct {
		name  string
		write func(io.Writer) error
	}{
		{"every-step.txt", func(w io.Writer) error { return Text(w, p, moment(), Style{}) }},
		{"every-step.md", func(w io.Writer) error { return Markdown(w, p, moment(), false) }},
		{"every-step.json", func(w io.Writer) error { return plan.Encode(w, p) }},
		{"every-step.dot", func(w io.Writer) error { return DOT(w, p) }},
		{"every-step.mmd", func(w io.Writer) error { return Mermaid(w, p) }},
		{"no-changes.txt", func(w io.Writer) error { return Text(w, nothingLeft(), moment(), Style{}) }},
		{"no-changes.md", func(w io.Writer) error { return Markdown(w, nothingLeft(), moment(), false) }},
	}
	for _, v := range views {
		t.Run(v.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := v.write(&b); err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(v.name, ".json") && strings.Contains(b.String(), secretBoundary) {
				t.Error("a key boundary is shown")
			}
			path := filepath.Join("testdata", "golden", v.name)
			if *update {
				if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("%s (-want +got), \"go test ./cmd/dmoctl/internal/view -run Views -update\" writes it again:\n%s", path, diff)
			}
		})
	}
}

// everyStep is a plan with every action of a table and every kind of step.
func everyStep() *plan.Plan {
	var blanks []plan.Column
	for i := range plan.ReachListed {
		blanks = append(blanks, plan.Column{Table: catalog.Name{Name: "MARA"}, Name: fmt.Sprintf("FELD_%d", i)})
	}
	p := &plan.Plan{
		Format: plan.Format, Version: "0.1.0", Migration: "erp", Mode: "file",
		Lineage: "5f1c", Serial: 12, SpecDigest: "aa", Structures: "bb",
		Source:    plan.Endpoint{Type: "sqlite", Name: "erp", Identity: "/data/erp.db"},
		Target:    plan.Endpoint{Type: "postgres", Name: "s4", Identity: "7301/erp/public", Version: "15.4"},
		Staging:   &plan.Endpoint{Type: "local", Name: "move", Identity: "/data/staging"},
		Transfer:  plan.Transfer{FileSize: 256 << 20, Compression: "fastest"},
		Processes: plan.Processes{Downtime: 4, Verify: 4, Memory: 1 << 30, BatchBytes: 4 << 20, Explain: "1GiB, a quarter of the machine's 4GiB; 4 processes of 48MiB, the rest for wide rows"},
		Policies:  catalog.DefaultPolicies(), Existing: "recreate",
		Reach: []plan.PolicyReach{
			{Policy: "lob_max", Value: "1GiB"},
			{Policy: "blank", Value: "abap", Tables: 2, Columns: 3210, Listed: blanks},
			{Policy: "number", Value: "decimal(38,10)", Tables: 1, Columns: 1, Listed: []plan.Column{{Table: catalog.Name{Name: "/BIC/AFOO"}, Name: "/BIC/ZQTY"}}},
		},
		Schemas:     []string{"public"},
		Sequences:   []catalog.Sequence{{Name: catalog.Name{Schema: "public", Name: "numbers"}, Increment: 1, Start: 1, Min: 1, Max: 99}},
		NotMigrated: []catalog.Object{{Kind: "view", Name: "open_orders"}, {Kind: "trigger", Name: "stamp on MARA", Reason: "triggers run code of one engine"}},
		Others:      []catalog.Name{{Schema: "public", Name: "audit_log"}},
		LeftOut: []plan.LeftOut{
			{Table: catalog.Name{Name: "TMP_A"}, Reason: "exclude \"scratch\": made again by every run"},
			{Table: catalog.Name{Name: "TMP_B"}, Reason: "exclude \"scratch\": made again by every run"},
			{Table: catalog.Name{Name: "ZUSER"}, Reason: plan.NotAskedFor},
		},
		Warnings: []plan.Warning{{ID: "wal-grows", Summary: "The source's WAL grows until the copy ends",
			Detail: "Readers hold one view of the data; SQLite cannot checkpoint behind it."}},
	}
	p.Policies.LOBMax, p.Policies.Blank, p.Policies.Number = 1<<30, "abap", "decimal(38,10)"
	p.Tables = everyAction()
	p.Steps = everyKind()
	p.Totals = plan.Totals{
		Tables: 9, Create: 3, Packages: 7, Reload: 1, Unchanged: 2, Rows: 1_512_000_000, Bytes: 612 << 30, Seconds: 20400,
		LongestPath: []string{"copy/BSEG/0002", "key/BSEG", "index/BSEG~1", "verify/BSEG"}, EstimateFrom: "durations of the last run",
	}
	p.ID = plan.Identify(p)
	return p
}

func everyAction() []*plan.Table {
	table := func(name string, action plan.Action, reason string) *plan.Table {
		n := catalog.Name{Name: name}
		return &plan.Table{
			Source: &catalog.Table{Name: n, Rows: -1, Bytes: -1},
			Target: &catalog.Table{Name: catalog.Name{Schema: "public", Name: name}, Rows: -1, Bytes: -1},
			Group:  "all", Action: action, Reason: reason, Verify: "content", SourceStructure: "s" + name,
		}
	}
	pack := func(t *plan.Table, id string, rows, size int64, seconds float64) {
		t.Packages = append(t.Packages, &plan.Package{
			ID: t.Source.Name.Name + "/" + id, Generation: "g" + id, Rows: rows, Bytes: size, Seconds: seconds,
			Range: catalog.Range{By: "key", Columns: []string{"id"}, Lower: []string{secretBoundary}, Rows: rows, Bytes: size},
		})
	}
	cdpos, bseg, mara := table("CDPOS", plan.Copy, ""), table("BSEG", plan.Resume, "1 of 3 packages loaded"), table("MARA", plan.Reload, "column LVORM was added on the source since serial 12")
	cdpos.Create, cdpos.SplitReason = true, "by rowid: it has no key"
	pack(cdpos, "0001", 600_000_000, 205<<30, 1710)
	pack(cdpos, "0002", 600_000_000, 205<<30, 1710)
	bseg.SplitReason = "by key MANDT, BELNR"
	bseg.Conversions = []plan.Conversion{{Column: "TSTMP", What: "has 9 fractional digits, the target keeps 6.", Fix: "Accept it with types { overflow = \"null\" }."}}
	pack(bseg, "0001", 100_000_000, 60<<30, 600)
	pack(bseg, "0002", 105_000_000, 65<<30, 640)
	pack(bseg, "0003", 105_000_000, 65<<30, 640)
	bseg.Packages[0].In = true
	pack(mara, "0001", 1_900_000, 9<<30, 60)
	makt := table("MAKT", plan.Restart, "incomplete, and the snapshot that its packages were read under is lost")
	pack(makt, "0001", 5000, 3<<30, 12)
	bic := table("/BIC/AFOO", plan.Copy, "")
	bic.Drop, bic.Create, bic.Foreign = true, true, true
	pack(bic, "0001", 120, 8192, 0)
	logs := table("LOGS|`x`", plan.Structure, "excluded with content = \"structure\": logs stay behind")
	logs.Create = true
	t000 := table("T000", plan.Keep, "")
	t000.ReadAt = moment().Add(-14 * 24 * time.Hour)
	reposrc := table("REPOSRC", plan.Keep, "")
	reposrc.ReadAt = moment().Add(-3 * time.Hour)
	reposrc.Exception = &plan.Exception{Rule: "ignlargercount", Reason: "may change while it is cloned"}
	bseg.DropForeignKeys = []catalog.ForeignKey{{Name: "bseg_mara", Columns: []string{"MATNR"}, Table: catalog.Name{Schema: "public", Name: "MARA"}, References: []string{"MATNR"}}}
	bseg.Unwanted = []catalog.ForeignKey{{Name: "bseg_logs", Columns: []string{"LOG"}, Table: logs.Target.Name, References: []string{"ID"}}}
	old := table("ZOLD", plan.Forget, "it is no longer in the source")
	return []*plan.Table{bic, bseg, cdpos, logs, makt, mara, reposrc, t000, old}
}

func everyKind() []*plan.Step {
	n := func(names ...string) []catalog.Name {
		var out []catalog.Name
		for _, name := range names {
			out = append(out, catalog.Name{Name: name})
		}
		return out
	}
	return []*plan.Step{
		{ID: "schemas", Phase: plan.Structures, Kind: plan.StepSchemas},
		{ID: "drop", Phase: plan.Structures, Kind: plan.StepDrop, Tables: n("/BIC/AFOO"), Reason: "existing = \"recreate\""},
		{ID: "create", Phase: plan.Structures, Kind: plan.StepCreate, Tables: n("/BIC/AFOO", "CDPOS", "LOGS|`x`"), Needs: []string{"schemas", "drop"}},
		{ID: "drop-foreign-key", Phase: plan.Structures, Kind: plan.StepDropForeignKey, Tables: n("BSEG"), Reason: "they would block rows from being loaded before the rows that they refer to, or refer to rows that are no longer migrated"},
		{ID: "empty", Phase: plan.Structures, Kind: plan.StepEmpty, Tables: n("MAKT", "MARA"), Needs: []string{"create"}},
		{ID: "copy/CDPOS/0001", Phase: plan.Downtime, Kind: plan.StepCopy, Tables: n("CDPOS"), Packages: []string{"CDPOS/0001"}, Needs: []string{"create"}, Rows: 600_000_000, Bytes: 205 << 30, Seconds: 1710},
		{ID: "copy/CDPOS/0002", Phase: plan.Downtime, Kind: plan.StepCopy, Tables: n("CDPOS"), Packages: []string{"CDPOS/0002"}, Needs: []string{"create"}, Rows: 600_000_000, Bytes: 205 << 30, Seconds: 1710},
		{ID: "copy/BSEG/0002", Phase: plan.Downtime, Kind: plan.StepCopy, Tables: n("BSEG"), Packages: []string{"BSEG/0002"}, Needs: []string{"drop-foreign-key"}, Rows: 105_000_000, Bytes: 65 << 30, Seconds: 640},
		{ID: "copy/BSEG/0003", Phase: plan.Downtime, Kind: plan.StepCopy, Tables: n("BSEG"), Packages: []string{"BSEG/0003"}, Needs: []string{"drop-foreign-key"}, Rows: 105_000_000, Bytes: 65 << 30, Seconds: 640},
		{ID: "copy/bundle/1", Phase: plan.Downtime, Kind: plan.StepCopy, Tables: n("/BIC/AFOO", "MAKT", "MARA"), Packages: []string{"/BIC/AFOO/0001", "MAKT/0001", "MARA/0001"}, Needs: []string{"empty"}, Seconds: 72},
		{ID: "key/BSEG", Phase: plan.Finalize, Kind: plan.StepKey, Tables: n("BSEG"), Needs: []string{"copy/BSEG/0002", "copy/BSEG/0003"}, Seconds: 700},
		{ID: "index/BSEG~1", Phase: plan.Finalize, Kind: plan.StepIndex, Tables: n("BSEG"), Index: "BSEG~1", Needs: []string{"key/BSEG"}, Seconds: 720},
		{ID: "fk/BSEG", Phase: plan.Finalize, Kind: plan.StepForeignKey, Tables: n("BSEG"), Needs: []string{"key/BSEG"}},
		{ID: "sequence", Phase: plan.Finalize, Kind: plan.StepSequence, Tables: n("BSEG", "MARA"), Needs: []string{"copy/bundle/1"}},
		{ID: "verify/BSEG", Phase: plan.Verify, Kind: plan.StepVerify, Tables: n("BSEG"), Needs: []string{"index/BSEG~1", "fk/BSEG"}, Seconds: 300},
		{ID: "verify/bundle", Phase: plan.Verify, Kind: plan.StepVerify, Tables: n("/BIC/AFOO", "CDPOS", "MAKT", "MARA", "REPOSRC"), Needs: []string{"copy/bundle/1"}},
		{ID: "forget", Phase: plan.Postprocess, Kind: plan.StepForget, Tables: n("ZOLD"), Reason: "it is no longer in the source"},
		{ID: "close", Phase: plan.Postprocess, Kind: plan.StepClose, Needs: []string{"verify/BSEG", "verify/bundle", "forget"}},
	}
}

// nothingLeft is a plan after its migration.
func nothingLeft() *plan.Plan {
	p := everyStep()
	p.Steps, p.Warnings, p.NotMigrated, p.Others = nil, nil, nil, nil
	var kept []*plan.Table
	for _, t := range p.Tables {
		if t.Action == plan.Keep {
			kept = append(kept, t)
		}
	}
	p.Tables, p.Totals = kept, plan.Totals{Tables: 2, Unchanged: 2}
	p.ID = plan.Identify(p)
	return p
}
