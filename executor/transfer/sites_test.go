package transfer

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/reading"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/local"
	sqlitedriver "github.com/dmoctl/dmoctl/providers/sqlite"
)

// landed counts what is in.
type landed struct{ rows int64 }

func (l *landed) Moved(*plan.Package, int64, int64) {}
func (l *landed) Dropped(*plan.Package)             {}

func (l *landed) Landed(_ context.Context, _ []*work.Unit, loaded []ledger.Loaded) error {
	for _, p := range loaded {
		l.rows += p.Rows
	}
	return nil
}

// site is one of two places that share a staging.
type site struct {
	Room
	watch *landed
	store *store
	unit  *work.Unit
}

func newSite(t *testing.T, dir string, p *plan.Plan, r *reading.Reading) *site {
	t.Helper()
	ctl, set, watch := &control.Control{}, work.NewSet(p), &landed{}
	s := &site{watch: watch, Room: Room{
		Control: ctl, Plan: p, Owner: ledger.Owner{ID: t.Name(), Host: "db"}, Set: set, Reading: r,
		Target: work.NewTarget(ctl, set), Watch: watch, Beside: func(do func()) { go do() },
	}}
	s.unit = set.Packages["t/1"]
	s.unit.Table.Row.Snapshot = "e"
	staging := must(local.Driver().OpenStaging(t.Context(), schema.Values{"path": "staging", "quota": int64(0)}, env(dir)))(t)
	t.Cleanup(func() { staging.Close() })
	s.store = must(openStore(t.Context(), s.Room, staging, "lineage"))(t)
	t.Cleanup(func() { s.store.codec.Close() })
	return s
}

func env(dir string) providers.Env {
	return providers.Env{Log: hclog.NewNullLogger(), Dir: dir, Application: "test", Readers: 2, Writers: 1}
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

func TestSeparateExporterAndImporter(t *testing.T) {
	// Packages are exported without the target and imported without the source; the other site takes over what the staging holds
	dir, d := t.TempDir(), sqlitedriver.Driver()
	conn := must(sqlite.OpenConn(filepath.Join(dir, "s.db"), sqlite.OpenReadWrite|sqlite.OpenCreate))(t)
	err := sqlitex.ExecScript(conn, "CREATE TABLE t (id INTEGER PRIMARY KEY, b TEXT); INSERT INTO t VALUES (1, 'a'), (2, NULL);")
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	source := must(d.OpenSource(t.Context(), schema.Values{"path": "s.db", "consistency": "snapshot"}, env(dir)))(t)
	defer source.Close()
	from := must(source.Catalog(t.Context(), providers.Selector{}))(t).Tables[0]
	to := d.MapTable(from, providers.MapOptions{Engine: "sqlite", To: from.Name, Policies: catalog.DefaultPolicies(), Names: map[catalog.Name]catalog.Name{}}).Table
	p := &plan.Plan{
		ID: "p", Migration: "m", Mode: "file", Policies: catalog.DefaultPolicies(),
		Transfer:  plan.Transfer{Compression: "fastest"},
		Processes: plan.Processes{Downtime: 1, BatchBytes: 1 << 20},
		Tables: []*plan.Table{{Source: from, Target: to, SourceStructure: from.StructureDigest(), Verify: plan.LevelNone,
			Packages: []*plan.Package{{ID: "t/1", Range: catalog.WholeTable(), Generation: "g"}}}},
	}
	exportAlone(t, newSite(t, dir, p, reading.New(p, source, nil)))
	source.Close()
	target := must(d.OpenTarget(t.Context(), schema.Values{"path": "t.db", "existing": "require-empty"}, env(dir)))(t)
	defer target.Close()
	if rows := loadAlone(t, newSite(t, dir, p, reading.New(p, nil, target)), to); rows != 2 {
		t.Errorf("%d rows are in, want 2", rows)
	}
}

// exportAlone brings the package into the staging.
func exportAlone(t *testing.T, s *site) {
	t.Helper()
	group := s.unit.Table.Group
	err := group.Prepare(t.Context(), func(ctx context.Context) error {
		snapshot, err := s.Reading.Source.Snapshot(ctx, providers.SnapshotOptions{Readers: 1})
		if err == nil {
			group.Open(snapshot)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer group.Close()
	group.Enter("e")
	if err := s.store.Enter(t.Context(), group); err != nil {
		t.Fatal(err)
	}
	nothing := func(context.Context, []*work.Table) error { return nil }
	x := &exporter{store: s.store, reading: s.Reading, counts: newCounter(s.Room, nothing)}
	if err := x.export(t.Context(), []*work.Unit{s.unit}); err != nil {
		t.Fatal(err)
	}
}

// loadAlone brings the package from the staging into the target, and returns how many rows are in.
func loadAlone(t *testing.T, s *site, to *catalog.Table) int64 {
	t.Helper()
	s.Set.Lock()
	if held := s.store.Covers(s.unit.Table); held != 1 {
		t.Fatalf("the staging holds %d packages, want 1", held)
	}
	s.Set.Unlock()
	run := ledger.Run{Migration: "m", Lineage: "lineage", Token: "token", Owner: s.Owner}
	session := must(s.Reading.Target.Lock(t.Context(), run, func(string) {}))(t)
	defer session.Close()
	s.Target.Session, s.Target.Limits = session, s.Reading.Target.Limits()
	if err := s.Target.Alter(t.Context(), []providers.DDL{providers.CreateTable{Table: to, New: true}}); err != nil {
		t.Fatal(err)
	}
	m := &importer{store: s.store, in: newIntake(s.Room), budget: s.Reading.Options.Budget}
	if err := m.load(t.Context(), []*work.Unit{s.unit}); err != nil {
		t.Fatal(err)
	}
	c := must(s.Reading.Target.Ledger(t.Context(), "m"))(t)
	if len(c.Loaded) != 1 || c.Loaded[0].Rows != s.watch.rows || c.Loaded[0].Snapshot != "e" {
		t.Errorf("the ledger has %+v", c.Loaded)
	}
	return s.watch.rows
}
