package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/sqlite"
)

func wantKind(t testing.TB, err error, want providers.Kind) {
	t.Helper()
	if err == nil || providers.KindOf(err) != want {
		t.Errorf("error of kind %q, want %q: %v", providers.KindOf(err), want, err)
	}
}

func TestOpenErrors(t *testing.T) {
	// Failure scenario: source or target unreachable: the error says what is wrong and nothing is created.
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	utf16 := &file{path: filepath.Join(dir, "utf16.db")}
	utf16.exec(t, "PRAGMA encoding='UTF-16'; CREATE TABLE t (a)")
	for _, test := range []struct {
		path           string
		source, target providers.Kind
	}{
		{filepath.Join(dir, "missing.db"), providers.NotFound, ""},
		{filepath.Join(dir, "no", "directory.db"), providers.NotFound, providers.NotFound},
		{write("text.db", strings.Repeat("this is not a database ", 100)), providers.Config, providers.Config},
		{utf16.path, providers.Unsupported, providers.Unsupported},
		{dir, providers.Config, providers.Config},
	} {
		t.Run(filepath.Base(test.path), func(t *testing.T) {
			v := schema.Values{"path": test.path}
			src, err := sqlite.Driver().OpenSource(t.Context(), v, env())
			wantKind(t, err, test.source)
			if src != nil {
				_ = src.Close()
			}
			dst, err := sqlite.Driver().OpenTarget(t.Context(), v, env())
			if test.target != "" {
				wantKind(t, err, test.target)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer dst.Close()
			if c, err := dst.Catalog(t.Context(), providers.Selector{}); err != nil || len(c.Tables) != 0 {
				t.Errorf("catalog of a file that is not there: %+v, %v", c, err)
			}
			if _, err := os.Stat(test.path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("looking at it made the file: %v", err)
			}
		})
	}
}

// TestSnapshotsInRollbackJournalMode: readers share one view, and writers wait.
func TestSnapshotsInRollbackJournalMode(t *testing.T) {
	f := newFile(t)
	f.exec(t, "PRAGMA journal_mode=DELETE; CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)")
	db := openSource(t, f)
	s, err := db.Snapshot(t.Context(), providers.SnapshotOptions{Readers: 3})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- f.TryExec("INSERT INTO t VALUES (2)") }()
	time.Sleep(100 * time.Millisecond)
	v, err := s.Begin(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := v.Count(t.Context(), []*catalog.Table{{Name: catalog.Name{Name: "t"}}})
	if err != nil || n[0].Rows != 1 {
		t.Errorf("counted %v, %v", n, err)
	}
	if err := errors.Join(v.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("the writer that waited: %v", err)
	}
	found, err := db.Preflight(t.Context(), nil)
	if err != nil || len(found) != 1 || found[0].Stop {
		t.Errorf("preflight says %+v, %v", found, err)
	}
}

// TestSplitByCollatedKey splits a key whose collation is not the bytes' order.
func TestSplitByCollatedKey(t *testing.T) {
	f := newFile(t)
	f.exec(t, `CREATE TABLE t (k TEXT NOT NULL COLLATE NOCASE, b BLOB NOT NULL, n NUMERIC NOT NULL, PRIMARY KEY (k, n, b)) WITHOUT ROWID;
WITH RECURSIVE s (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM s WHERE value < 100)
INSERT INTO t SELECT CASE value % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'A' ELSE char(65 + value % 60) END, zeroblob(value), CASE value % 2 WHEN 0 THEN value ELSE 'x' || value END FROM s`)
	db := openSource(t, f)
	c, err := db.Catalog(t.Context(), providers.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	tb := c.Tables[0]
	ranges, reason, err := db.Split(t.Context(), tb, catalog.SplitSpec{By: "auto", Parts: 7})
	if err != nil || len(ranges) != 7 || !strings.HasPrefix(reason, "by key: 7 ranges") {
		t.Fatalf("%d ranges, %q, %v", len(ranges), reason, err)
	}
	s, err := db.Snapshot(t.Context(), providers.SnapshotOptions{Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	v, err := s.Begin(t.Context(), c.Tables)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	asked := *tb
	asked.Columns = slices.Clone(tb.Columns)
	asked.Columns[2].Type = catalog.Type{Kind: catalog.Native, Engine: "sqlite"}
	total := int64(0)
	for _, r := range ranges {
		rd, err := v.Read(t.Context(), &asked, r, providers.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := rd.Next(t.Context())
		if err != nil {
			t.Fatalf("%+v: %v", r, err)
		}
		total += b.NumRows()
		b.Release()
		_ = rd.Close()
	}
	if total != 100 {
		t.Errorf("%d rows in all ranges, want 100", total)
	}
}

func TestUserTableWithLedgerNameRefused(t *testing.T) {
	// Invariant 1: a user's table of a ledger's name is an error, and stays as it is.
	f := newFile(t)
	f.exec(t, "CREATE TABLE DMO_Loaded (a); INSERT INTO DMO_Loaded VALUES (1)")
	db := openTarget(t, f)
	_, err := db.Ledger(t.Context(), "m")
	wantKind(t, err, providers.Exists)
	_, err = db.Lock(t.Context(), ledger.Run{Migration: "m"}, nil)
	wantKind(t, err, providers.Exists)
	if got := f.query(t, "SELECT count(*) FROM sqlite_schema; SELECT a FROM dmo_loaded"); got != "1\n1" {
		t.Errorf("the database holds %q", got)
	}
	if _, err := os.Stat(f.path + ".dmo-lock"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the lock's file stays: %v", err)
	}
}

func TestPreflightStopsOnTriggers(t *testing.T) {
	f := newFile(t)
	f.exec(t, "CREATE TABLE t (a); CREATE TABLE log (a); CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log VALUES (1); END")
	db := openTarget(t, f)
	found, err := db.Preflight(t.Context(), []*catalog.Table{{Name: catalog.Name{Name: "t"}}})
	if err != nil || len(found) != 1 || !found[0].Stop || !strings.Contains(found[0].Detail, "tr") {
		t.Errorf("preflight says %+v, %v", found, err)
	}
	if found, err = db.Preflight(t.Context(), []*catalog.Table{{Name: catalog.Name{Name: "log"}}}); err != nil || len(found) != 0 {
		t.Errorf("preflight of another table says %+v, %v", found, err)
	}
}

func TestUnmigratedObjectsListed(t *testing.T) {
	f := newFile(t)
	f.exec(t, `CREATE TABLE t (a INTEGER); CREATE VIEW v AS SELECT 1; CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END;
CREATE VIRTUAL TABLE search USING fts5(body)`)
	c, err := openSource(t, f).Catalog(t.Context(), providers.Selector{})
	if err != nil || len(c.Tables) != 1 {
		t.Fatalf("catalog: %+v, %v", c, err)
	}
	var names []string
	for _, o := range append(c.NotMigrated, c.Tables[0].NotMigrated...) {
		if o.Kind != "shadow table" {
			names = append(names, o.Kind+" "+o.Name)
		}
	}
	if got := strings.Join(names, ", "); got != "virtual table search, view v, trigger tr" {
		t.Errorf("not migrated: %s", got)
	}
}

// TestConflictClausesLoseNoRows loads into a table that would drop rows in silence.
func TestConflictClausesLoseNoRows(t *testing.T) {
	from, onto := newFile(t), newFile(t)
	from.exec(t, "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (1)")
	onto.exec(t, "CREATE TABLE t (a INTEGER UNIQUE ON CONFLICT IGNORE)")
	src, dst := openSource(t, from), openTarget(t, onto)
	c, err := src.Catalog(t.Context(), providers.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := dst.Lock(t.Context(), ledger.Run{Migration: "m"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	snap, err := src.Snapshot(t.Context(), providers.SnapshotOptions{Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	v, err := snap.Begin(t.Context(), c.Tables)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	err = copyRange(t.Context(), v, s, pair{source: c.Tables[0], target: c.Tables[0]}, catalog.WholeTable())
	wantKind(t, err, providers.Constraint)
	if got := onto.query(t, "SELECT count(*) FROM t"); got != "0" {
		t.Errorf("%s rows are in", got)
	}
}

// TestSingleTableCatalogMatchesFull: a structure is compared with the plan's while only
// some tables are read, and a foreign key may mean another table's primary key.
func TestSingleTableCatalogMatchesFull(t *testing.T) {
	f := newFile(t)
	f.exec(t, `CREATE TABLE Parent (b TEXT, a INTEGER, PRIMARY KEY (a, b)); CREATE TABLE child (x, y, FOREIGN KEY (x, y) REFERENCES PARENT);
CREATE TRIGGER tr AFTER INSERT ON CHILD BEGIN SELECT 1; END`)
	db := openSource(t, f)
	all, err := db.Catalog(t.Context(), providers.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	name := catalog.Name{Name: "child"}
	some, err := db.Catalog(t.Context(), providers.Selector{Tables: []catalog.Name{name}, StructureOnly: true})
	if err != nil || len(some.Tables) != 1 {
		t.Fatalf("%+v, %v", some, err)
	}
	one, want := some.Tables[0], all.Find(name)
	if one.StructureDigest() != want.StructureDigest() || len(one.NotMigrated) != 1 {
		t.Errorf("alone %+v, among all %+v", one, want)
	}
	if f := one.ForeignKeys[0]; f.Table.Name != "Parent" || !slices.Equal(f.References, []string{"a", "b"}) {
		t.Errorf("the foreign key is %+v", f)
	}
}
