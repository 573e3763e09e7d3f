package sqlite_test

import (
	"context"
	"errors"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/sqlite"
)

func env() providers.Env { return providers.Env{Log: hclog.NewNullLogger()} }

func openSource(t testing.TB, f *file) providers.Database {
	t.Helper()
	db, err := sqlite.Driver().OpenSource(t.Context(), f.Values(), env())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func openTarget(t testing.TB, f *file) providers.Target {
	t.Helper()
	db, err := sqlite.Driver().OpenTarget(t.Context(), f.Values(), env())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func (f *file) exec(t testing.TB, sql string) {
	t.Helper()
	if err := f.TryExec(sql); err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
}

func (f *file) query(t testing.TB, sql string) string {
	t.Helper()
	out, err := f.TryQuery(sql)
	if err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
	return out
}

// copyAll copies every table as a run does, each in parts ranges.
func copyAll(t testing.TB, from providers.Database, onto providers.Target, parts int) {
	t.Helper()
	ctx := t.Context()
	c, err := from.Catalog(ctx, providers.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[catalog.Name]catalog.Name)
	for _, x := range c.Tables {
		names[x.Name] = x.Name
	}
	s, err := onto.Lock(ctx, ledger.Run{Migration: "m", Owner: ledger.Owner{ID: "a"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	snap, err := from.Snapshot(ctx, providers.SnapshotOptions{Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	for _, x := range c.Tables {
		m := sqlite.Driver().MapTable(x, providers.MapOptions{Engine: "sqlite", To: x.Name, Names: names})
		if len(m.Conversions)+len(m.Refusals) > 0 {
			t.Errorf("%s: %+v %+v", x.Name, m.Conversions, m.Refusals)
		}
		if err := s.Alter(ctx, []providers.DDL{providers.CreateTable{Table: m.Table}}); err != nil {
			t.Fatal(err)
		}
		copyTable(t, pair{x, m.Table, parts}, from, snap, s)
		if err := s.Alter(ctx, finish(m.Table)); err != nil {
			t.Fatal(err)
		}
	}
}

func finish(tb *catalog.Table) (ddl []providers.DDL) {
	if tb.Key != nil {
		ddl = append(ddl, providers.AddKey{Table: tb, Key: *tb.Key})
	}
	for _, x := range tb.Indexes {
		ddl = append(ddl, providers.CreateIndex{Table: tb, Index: x})
	}
	for _, c := range tb.Columns {
		if c.Sequence != nil {
			ddl = append(ddl, providers.RaiseSequence{Table: tb, Column: c.Name, Sequence: *c.Sequence})
		}
	}
	return ddl
}

// pair is a table on both sides of a copy.
type pair struct {
	source, target *catalog.Table
	parts          int
}

func copyTable(t testing.TB, p pair, db providers.Database, snap providers.Snapshot, s providers.Session) {
	t.Helper()
	ctx := t.Context()
	ranges, _, err := db.Split(ctx, p.source, catalog.SplitSpec{By: "auto", Parts: p.parts})
	if err != nil {
		t.Fatal(err)
	}
	asked := *p.source
	asked.Columns = p.target.Columns
	for _, r := range ranges {
		v, err := snap.Begin(ctx, []*catalog.Table{p.source})
		if err != nil {
			t.Fatal(err)
		}
		p.source = &asked
		if err := copyRange(ctx, v, s, p, r); err != nil {
			t.Fatal(err)
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func copyRange(ctx context.Context, v providers.View, s providers.Session, p pair, r catalog.Range) error {
	l := ledger.Loaded{Migration: "m", ID: p.source.Name.String() + "/" + r.ID(), Source: p.source.Name}
	tx, err := s.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if _, err := tx.Claim(ctx, []ledger.Loaded{l}); err != nil {
		return err
	}
	w, err := tx.Writer(ctx, p.target, r)
	if err != nil {
		return err
	}
	defer w.Close()
	rd, err := v.Read(ctx, p.source, r, providers.ReadOptions{})
	if err != nil {
		return err
	}
	defer rd.Close()
	for {
		b, err := rd.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		err = w.Write(ctx, b)
		b.Release()
		if err != nil {
			return err
		}
	}
	if l.Rows, err = w.Finish(ctx); err != nil {
		return err
	}
	return tx.Commit(ctx, []ledger.Loaded{l})
}

// dump prints a database by the sqlite3 program, without dmoctl's ledger.
func dump(t testing.TB, f *file) string {
	t.Helper()
	if f.program == "" {
		if os.Getenv("DMO_TEST_REQUIRE") == "all" {
			t.Fatal("the sqlite3 program is missing")
		}
		t.Skip("the sqlite3 program is missing")
	}
	out := f.query(t, ".dump")
	out = regexp.MustCompile(`(?s)CREATE TABLE dmo_\w+ \(.*?/\* dmoctl ledger 2 \*/;\n`).ReplaceAllString(out, "")
	out = regexp.MustCompile(`(?m)^INSERT INTO dmo_\w+ VALUES.*\n`).ReplaceAllString(out, "")
	return strings.ReplaceAll(out, "CREATE TABLE IF NOT EXISTS", "CREATE TABLE")
}

// TestCopyPreservesObjects copies one of each kind and compares the dumps.
func TestCopyPreservesObjects(t *testing.T) {
	from, onto := newFile(t), newFile(t)
	from.exec(t, `
CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT, v DEFAULT 'x', w INTEGER DEFAULT (1 + 2), CHECK (v <> ')' /* ) */), CONSTRAINT "w ok" CHECK(w>0));
INSERT INTO auto (id, v) VALUES (7, 'seven'), (900, NULL); DELETE FROM auto WHERE id = 900;
CREATE TABLE [with] (a TEXT COLLATE NOCASE NOT NULL, b BLOB, c, PRIMARY KEY (a DESC, b)) WITHOUT ROWID;
INSERT INTO [with] VALUES ('B', x'00', 1.5), ('a', x'', 'text'), ('C', x'ff', NULL), ('d', x'01', 12);
CREATE TABLE strict_one (id INTEGER PRIMARY KEY, any ANY, i INT NOT NULL ON CONFLICT REPLACE DEFAULT 5, UNIQUE (i) ON CONFLICT IGNORE) STRICT;
INSERT INTO strict_one VALUES (1, x'00', 1), (2, '2', 2), (3, 3, 3), (4, 0.5, 4);
CREATE TABLE gen (a INTEGER, b INTEGER AS (a * 2) STORED, "c d" TEXT GENERATED ALWAYS AS ('x' || a), e NUMERIC(10,2));
INSERT INTO gen (a, e) VALUES (1, 1.5), (NULL, 'not a number'), (3, 12345678.901);
CREATE UNIQUE INDEX "gen one" ON gen (a, b) WHERE a > 0;
CREATE INDEX gen_x ON gen (abs(a), "c d" COLLATE NOCASE DESC);
CREATE TABLE child (id INTEGER, p TEXT REFERENCES [with] (a) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED, q INTEGER REFERENCES auto, d DATETIME, b BOOLEAN, u UUID);
INSERT INTO child VALUES (1, 'a', 7, '2009-01-01', 'yes', 'not a uuid'), (NULL, NULL, NULL, 1234567890, 1, x'00');
CREATE TABLE "quo""ted" ("a""b" VARCHAR(3), rowid TEXT, oid TEXT, _rowid_ TEXT);
INSERT INTO "quo""ted" VALUES ('longer than three', 'r', 'o', '_'), (NULL, '', ' ', 'ä');`)
	copyAll(t, openSource(t, from), openTarget(t, onto), 3)
	if got, want := sorted(dump(t, onto)), sorted(dump(t, from)); got != want {
		t.Errorf("the target's dump is\n%s\n\nthe source's\n%s", got, want)
	}
	if got := onto.query(t, "PRAGMA integrity_check"); got != "ok" {
		t.Errorf("integrity check: %s", got)
	}
}

// sorted orders lines: rows of a table without a key have no order of their own.
func sorted(s string) string {
	lines := strings.Split(s, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
