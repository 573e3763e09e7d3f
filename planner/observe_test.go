package planner_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/planner"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/sqlite"
)

// execute runs statements on a database file, which it makes where it is missing.
func execute(t *testing.T, path, sql string) {
	t.Helper()
	c, err := zombiezen.OpenConn(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := sqlitex.ExecuteScript(c, sql, nil); err != nil {
		t.Fatal(err)
	}
}

// files are two SQLite databases between which the tests plan.
type files struct {
	source, target string
	spec           *desired.Spec
}

func newFiles(t *testing.T, sql string) *files {
	t.Helper()
	dir := t.TempDir()
	f := &files{source: filepath.Join(dir, "a.db"), target: filepath.Join(dir, "b.db")}
	execute(t, f.source, sql)
	f.spec = &desired.Spec{
		Migration: "erp", Digest: "spec-1", Policies: catalog.DefaultPolicies(),
		Source:   desired.Endpoint{Role: "source", Type: "sqlite", Name: "a", Config: schema.Values{"path": f.source}},
		Target:   desired.Endpoint{Role: "target", Type: "sqlite", Name: "b", Config: schema.Values{"path": f.target, "existing": "require-empty"}},
		Transfer: desired.Transfer{Mode: "pipe"}, Verify: desired.Verify{Default: "count"},
	}
	return f
}

func (f *files) sides(t *testing.T) planner.Sides {
	t.Helper()
	d := sqlite.Driver()
	env := providers.Env{Log: hclog.NewNullLogger(), Readers: 2, Writers: 1}
	source, err := d.OpenSource(t.Context(), f.spec.Source.Config, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { source.Close() })
	target, err := d.OpenTarget(t.Context(), f.spec.Target.Config, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { target.Close() })
	return planner.Sides{TargetDriver: d, Source: source, Target: target}
}

func options() planner.Options {
	return planner.Options{Machine: planner.Machine{Memory: 8 << 30, CPUs: 2}, Version: "0.1.0"}
}

func (f *files) observe(t *testing.T, sides planner.Sides) *planner.Observation {
	t.Helper()
	o, ds, err := planner.Observe(t.Context(), f.spec, sides, options())
	if err != nil || ds.HasErrors() {
		t.Fatalf("observe: %v %v", err, ds)
	}
	return o
}

const orders = `CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
	CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INT REFERENCES customer (id), note TEXT);
	WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO orders SELECT i, NULL, 'x' FROM n;
	CREATE VIEW recent AS SELECT * FROM orders;`

func TestObserveAndDiff(t *testing.T) {
	f := newFiles(t, orders)
	f.spec.Groups = []desired.Group{
		{Name: "big", Tables: []desired.Pattern{{Text: "orders", Name: "orders", Exact: true}}, Split: catalog.SplitSpec{By: "auto", Parts: 4}},
		{Name: "rest", Tables: []desired.Pattern{{Text: "*", Name: "*"}}},
	}
	o := f.observe(t, f.sides(t))
	p, ds := planner.Diff(f.spec, o, nil, options())
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	if got := len(p.Table(catalog.Name{Name: "orders"}).Packages); got != 4 {
		t.Errorf("orders has %d packages, want 4", got)
	}
	if len(p.NotMigrated) != 1 || p.NotMigrated[0].Name != "recent" {
		t.Errorf("not migrated: %v", p.NotMigrated)
	}
	if p.Source.Identity == "" || p.Target.Identity == "" {
		t.Errorf("identities %q, %q", p.Source.Identity, p.Target.Identity)
	}
	// An observation is data: as JSON and back it gives the same plan.
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var back planner.Observation
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	again, _ := planner.Diff(f.spec, &back, nil, options())
	var a, b bytes.Buffer
	if plan.Encode(&a, p) != nil || plan.Encode(&b, again) != nil || a.String() != b.String() {
		t.Error("the plan of an observation that went through JSON is another")
	}
}

func TestOfflinePlanWithoutTarget(t *testing.T) {
	f := newFiles(t, orders)
	online := f.observe(t, f.sides(t))
	d := sqlite.Driver()
	o, ds, err := planner.Observe(t.Context(), f.spec, planner.Sides{TargetDriver: d, Catalog: online.Source}, options())
	if err != nil || ds.HasErrors() {
		t.Fatal(err, ds)
	}
	p, ds := planner.Diff(f.spec, o, nil, options())
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	if len(p.Tables) != 2 || len(p.Warnings) != 2 || p.Warnings[1].ID != "target-not-seen" || p.Processes.Downtime != 1 {
		t.Errorf("%d tables, warnings %v, %d processes", len(p.Tables), p.Warnings, p.Processes.Downtime)
	}
}

func TestObserveCountsExistingTables(t *testing.T) {
	f := newFiles(t, orders)
	f.spec.Target.Config["existing"] = "load"
	execute(t, f.target, `CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL); INSERT INTO customer VALUES (1, 'x');
		CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INT REFERENCES customer (id), note TEXT);`)
	o := f.observe(t, f.sides(t))
	_, ds := planner.Diff(f.spec, o, nil, options())
	if !ds.HasErrors() || ds[0].ID != "target-holds-rows" || !strings.Contains(ds[0].Detail, "customer") || strings.Contains(ds[0].Detail, "orders") {
		t.Errorf("%v", ds)
	}
}

func TestObserveRefusesNonemptyTarget(t *testing.T) {
	// Failure scenario: target not empty with existing = "require-empty": refused in plan, from what a real target says.
	f := newFiles(t, orders)
	execute(t, f.target, "CREATE TABLE ORDERS (x INT); CREATE TABLE mine (x INT)")
	_, ds := planner.Diff(f.spec, f.observe(t, f.sides(t)), nil, options())
	if !ds.HasErrors() || ds[0].ID != "target-not-empty" || strings.Contains(ds[0].Detail, "mine") {
		t.Errorf("%v", ds)
	}
}

func TestObserveChangesNothing(t *testing.T) {
	f := newFiles(t, orders)
	f.observe(t, f.sides(t))
	if matches, err := filepath.Glob(f.target + "*"); err != nil || len(matches) != 0 {
		t.Errorf("a plan made %v", matches)
	}
}

func TestManySmallTablesShareSteps(t *testing.T) {
	var sql strings.Builder
	for i := range 250 {
		fmt.Fprintf(&sql, "CREATE TABLE t%03d (id INTEGER PRIMARY KEY, v TEXT);", i)
	}
	f := newFiles(t, sql.String())
	p, ds := planner.Diff(f.spec, f.observe(t, f.sides(t)), nil, options())
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	if got := len(p.Steps); got > 3*3+2 {
		t.Errorf("%d steps for 250 tiny tables", got)
	}
}
