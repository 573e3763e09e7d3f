package executor_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/dmoctl/dmoctl/executor"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/local"
	sqlitedriver "github.com/dmoctl/dmoctl/providers/sqlite"
)

// environment is a migration between two SQLite files in one directory.
type environment struct {
	t      *testing.T
	dir    string
	source providers.Database
	target providers.Target
	store  providers.Staging
	events *events
	quiet  bool
	file   bool  // file mode, through the directory staging
	quota  int64 // of the staging; 0 is none
	parts  int   // packages a table with a key
	tweak  func(*plan.Plan)
	// outcome is how the last apply ended, where it did not end well.
	outcome *executor.Outcome
}

// newEnvironment makes the source with the given SQL, and opens both sides.
func newEnvironment(t *testing.T, script string) *environment {
	t.Helper()
	b := &environment{t: t, dir: t.TempDir(), parts: 3}
	execute(t, b.path("source.db"), script)
	b.open()
	return b
}

func (b *environment) path(name string) string { return filepath.Join(b.dir, name) }

// open opens both sides again, as a process of its own would.
func (b *environment) open() {
	b.t.Helper()
	b.events = &events{}
	env := b.env()
	consistency := "snapshot"
	if b.quiet {
		consistency = "quiet"
	}
	d := sqlitedriver.Driver()
	var err error
	b.source, err = d.OpenSource(b.t.Context(), schema.Values{"path": "source.db", "consistency": consistency}, env)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { b.source.Close() })
	b.target, err = d.OpenTarget(b.t.Context(), schema.Values{"path": "target.db", "existing": "require-empty"}, env)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { b.target.Close() })
	if !b.file {
		return
	}
	b.store, err = local.Driver().OpenStaging(b.t.Context(), schema.Values{"path": "staging", "quota": b.quota}, env)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { b.store.Close() })
}

func (b *environment) env() providers.Env {
	return providers.Env{Log: hclog.NewNullLogger(), Dir: b.dir, Application: "test", Readers: 3, Writers: 1}
}

func execute(t *testing.T, path, script string) {
	t.Helper()
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetBusyTimeout(10 * time.Second)
	if err := sqlitex.ExecuteTransient(conn, "PRAGMA journal_mode=WAL", nil); err != nil {
		t.Fatal(err)
	}
	if err := sqlitex.ExecScript(conn, script); err != nil {
		t.Fatalf("%s: %v", script, err)
	}
}

// query returns the rows of a query, one line each.
func query(t *testing.T, path, text string) string {
	t.Helper()
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetBusyTimeout(10 * time.Second)
	var out []string
	err = sqlitex.ExecuteTransient(conn, text, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
		var row []string
		for i := range s.ColumnCount() {
			row = append(row, s.ColumnText(i))
		}
		out = append(out, strings.Join(row, "|"))
		return nil
	}})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return strings.Join(out, "\n")
}

// same fails unless both files hold the same rows of the tables.
func (b *environment) same(tables ...string) {
	b.t.Helper()
	for _, name := range tables {
		text := "SELECT * FROM " + name + " ORDER BY 1, 2"
		want, got := query(b.t, b.path("source.db"), text), query(b.t, b.path("target.db"), text)
		if want != got {
			b.t.Errorf("%s differs: %d lines in the source, %d in the target", name, strings.Count(want, "\n"), strings.Count(got, "\n"))
		}
	}
}

func (b *environment) deps() executor.Deps {
	return executor.Deps{
		Source: b.source, Target: b.target, Staging: b.store, Events: b.events,
		Owner: ledger.Owner{ID: fmt.Sprintf("r%d", time.Now().UnixNano()), User: "ana", Host: "db1", PID: os.Getpid(), Started: time.Now()},
	}
}

// apply applies p and returns the exit code.
func (b *environment) apply(p *plan.Plan, d executor.Deps) (*report.Report, int) {
	b.t.Helper()
	rep, err := executor.Apply(b.t.Context(), p, d)
	var o *executor.Outcome
	if err != nil && !errors.As(err, &o) {
		b.t.Fatalf("the error is not an outcome: %v", err)
	}
	b.outcome = o
	if o == nil {
		return rep, report.OK
	}
	b.t.Logf("outcome: %v (exit %d)", o, o.Exit)
	return rep, o.Exit
}

func (b *environment) contents() *ledger.Contents {
	b.t.Helper()
	c, err := b.target.Ledger(b.t.Context(), "m")
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// plan makes a plan for what the ledger says is left, the way the planner does.
func (b *environment) plan() *plan.Plan {
	b.t.Helper()
	ctx := b.t.Context()
	src := must(b.source.Catalog(ctx, providers.Selector{}))(b.t)
	dst := must(b.target.Catalog(ctx, providers.Selector{}))(b.t)
	p := &plan.Plan{
		Format: plan.Format, Migration: "m", Mode: "pipe", SpecDigest: "spec", Quiet: b.quiet,
		Source:    plan.Endpoint{Type: "sqlite", Name: "s", Identity: must(b.source.Identity(ctx))(b.t)},
		Target:    plan.Endpoint{Type: "sqlite", Name: "t", Identity: must(b.target.Identity(ctx))(b.t)},
		Processes: plan.Processes{Downtime: 2, Verify: 2, Memory: 256 << 20, BatchBytes: 1 << 20},
		Policies:  catalog.DefaultPolicies(),
	}
	if b.file {
		p.Mode, p.Transfer = "file", plan.Transfer{FileSize: 64 << 10, Compression: "fastest"}
	}
	if c := b.contents(); c != nil && c.Run != nil {
		p.Lineage, p.Serial = c.Run.Lineage, c.Run.Serial
	}
	for _, t := range src.Tables {
		b.planTable(p, t, dst.Find(t.Name))
	}
	if b.tweak != nil {
		b.tweak(p)
	}
	var last []string
	for _, s := range p.Steps {
		last = append(last, s.ID)
	}
	p.Steps = append(p.Steps, &plan.Step{ID: "close", Phase: plan.Postprocess, Kind: plan.StepClose, Needs: last})
	p.ID = plan.Identify(p)
	return p
}

func (b *environment) planTable(p *plan.Plan, t, found *catalog.Table) {
	b.t.Helper()
	names := map[catalog.Name]catalog.Name{}
	m := sqlitedriver.Driver().MapTable(t, providers.MapOptions{Engine: "sqlite", To: t.Name, Policies: p.Policies, Names: names})
	for _, l := range m.Refusals {
		b.t.Fatalf("refused: %+v", l)
	}
	asked := *t
	asked.Columns = slices.Clone(t.Columns)
	for i, c := range m.Table.Columns {
		if c.Type.Kind == catalog.Native {
			asked.Columns[i].Type = c.Type
		}
	}
	pt := &plan.Table{Source: &asked, Target: m.Table, Action: plan.Copy, Create: found == nil, Verify: "content", SourceStructure: t.StructureDigest()}
	ranges, _, err := b.source.Split(b.t.Context(), t, catalog.SplitSpec{By: "auto", Parts: b.parts})
	if err != nil {
		b.t.Fatal(err)
	}
	if c := b.contents(); c != nil {
		for _, row := range c.Tables {
			if row.Source == t.Name {
				pt.Edition = row.Edition
			}
		}
	}
	id := t.String()
	create := &plan.Step{ID: "create/" + id, Phase: plan.Structures, Kind: plan.StepCreate, Tables: []catalog.Name{t.Name}}
	verify := &plan.Step{ID: "verify/" + id, Phase: plan.Verify, Kind: plan.StepVerify, Tables: []catalog.Name{t.Name}}
	index := &plan.Step{ID: "index/" + id, Phase: plan.Finalize, Kind: plan.StepIndex, Tables: []catalog.Name{t.Name}}
	p.Steps = append(p.Steps, create)
	for i, r := range ranges {
		k := &plan.Package{ID: fmt.Sprintf("%s/%04d", id, i+1), Range: r, Generation: fmt.Sprintf("g%d", pt.Edition) + pt.SourceStructure[:8] + r.ID(), Rows: -1, Bytes: -1}
		pt.Packages = append(pt.Packages, k)
		s := &plan.Step{ID: "copy/" + k.ID, Phase: plan.Downtime, Kind: plan.StepCopy, Tables: []catalog.Name{t.Name}, Packages: []string{k.ID}, Needs: []string{create.ID}}
		p.Steps = append(p.Steps, s)
		index.Needs = append(index.Needs, s.ID)
	}
	verify.Needs = []string{index.ID}
	p.Steps = append(p.Steps, index, verify)
	p.Tables = append(p.Tables, pt)
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// events keeps what a run says.
type events struct {
	mu   sync.Mutex
	list []report.Event
}

func (e *events) Emit(v report.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, v)
}

// of returns the events of that name.
func (e *events) of(name string) []report.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(func(yield func(report.Event) bool) {
		for _, v := range e.list {
			if v.Event == name && !yield(v) {
				return
			}
		}
	})
}

func (e *events) String() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var b strings.Builder
	for _, v := range e.list {
		line, _ := json.Marshal(v)
		b.Write(append(line, '\n'))
	}
	return b.String()
}

// numbered is SQL for a table of n rows with a key, and one without.
func numbered(n int) string {
	return fmt.Sprintf(`
CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price DECIMAL(12,2), note TEXT, raw BLOB);
CREATE INDEX orders_name ON orders (name);
CREATE TABLE loose (a INTEGER, b TEXT);
CREATE TABLE hollow (a INTEGER PRIMARY KEY, b TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < %d)
INSERT INTO orders SELECT i, 'name '||i, i %% 1000, CASE i %% 7 WHEN 0 THEN NULL ELSE 'note ü '||i END, x'00ff' FROM n;
INSERT INTO loose SELECT id %% 10, name FROM orders;
INSERT INTO loose SELECT id %% 10, name FROM orders LIMIT 100;`, n)
}
