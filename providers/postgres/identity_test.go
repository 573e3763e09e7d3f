package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/providers"
)

// frozen is a source with a snapshot, whose catalog changes under it.
type frozen struct {
	t      *testing.T
	server *pgtest.Server
	url    string
	tables map[string]*catalog.Table
	sn     providers.Snapshot
}

// freeze takes the snapshot first and reads the catalog then, as a run does.
func freeze(t *testing.T, sql string, how providers.SnapshotOptions) *frozen {
	t.Helper()
	s := pgtest.Shared(t)
	f := &frozen{t: t, server: s, url: s.NewDatabase(t), tables: make(map[string]*catalog.Table)}
	f.exec(sql)
	db := openSource(t, f.url)
	var err error
	if f.sn, err = db.Snapshot(t.Context(), how); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.sn.Close() })
	c, err := db.Catalog(t.Context(), providers.Selector{Schemas: []string{"public", "s1", "s2"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range c.Tables {
		f.tables[x.Name.String()] = x
	}
	return f
}

func (f *frozen) exec(sql string) {
	f.t.Helper()
	f.server.Exec(f.t, f.url, "SET lock_timeout = '20s'; "+sql)
}

// read counts and reads a table in a view of its own. Between runs after the view has begun,
// after what was read.
func (f *frozen) read(name string, between, after string) (counted, rows int64, err error) {
	f.t.Helper()
	ctx, table := context.Background(), f.tables[name]
	v, err := f.sn.Begin(ctx, []*catalog.Table{table})
	if err != nil {
		return 0, 0, err
	}
	defer v.Close()
	if between != "" {
		f.exec(between)
	}
	n, err := v.Count(ctx, []*catalog.Table{table})
	if err != nil {
		return 0, 0, err
	}
	rd, err := v.Read(ctx, table, catalog.WholeTable(), providers.ReadOptions{})
	if err != nil {
		return 0, 0, err
	}
	defer rd.Close()
	for {
		b, err := rd.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, 0, err
		}
		rows += b.NumRows()
		b.Release()
	}
	if after != "" {
		f.exec(after)
	}
	return n[0].Rows, rows, v.Confirm(ctx)
}

func (f *frozen) want(name, between, after string, rows int64) {
	f.t.Helper()
	n, got, err := f.read(name, between, after)
	if err != nil || n != rows || got != rows {
		f.t.Errorf("counted %d, read %d, %v; want %d", n, got, err, rows)
	}
}

func (f *frozen) wantChanged(name, between, after string) {
	f.t.Helper()
	n, got, err := f.read(name, between, after)
	wantKind(f.t, fmt.Sprintf("counted %d, read %d", n, got), err, providers.Changed)
	var e *providers.Error
	if errors.As(err, &e) && e.Table.String() != name {
		f.t.Errorf("the error names %q: %v", e.Table, err)
	}
}

const partitioned = `CREATE TABLE p (a int, b int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2) PARTITION BY LIST (b);
CREATE TABLE p20 PARTITION OF p2 FOR VALUES IN (0, 1, 2, 3); CREATE TABLE p21 PARTITION OF p2 DEFAULT; INSERT INTO p SELECT i % 2 + 1, i % 10 FROM generate_series(1, 1000) i;`

func TestPartitionsDetachedAndAttached(t *testing.T) {
	// Done: view: a partition that is detached before a package and attached again in it is neither missing nor twice in the copy
	detach, attach := "ALTER TABLE p DETACH PARTITION p1", "ALTER TABLE p ATTACH PARTITION p1 FOR VALUES IN (1)"
	for _, how := range []providers.SnapshotOptions{{Readers: 1}, {Readers: 1, Quiet: true}} {
		t.Run(fmt.Sprint("quiet ", how.Quiet), func(t *testing.T) {
			f := freeze(t, partitioned, how)
			f.want("public.p", "", "", 1000)
			f.exec(detach)
			f.want("public.p", attach, "", 1000)
			f.exec(detach)
			f.want("public.p", "", "", 1000)
			f.exec(attach)
			f.want("public.p", "ALTER TABLE p2 DETACH PARTITION p21", "", 1000)
			f.exec("ALTER TABLE p2 ATTACH PARTITION p21 DEFAULT")
			f.want("public.p", "CREATE TABLE p3 (LIKE p); INSERT INTO p3 VALUES (3, 3); ALTER TABLE p ATTACH PARTITION p3 FOR VALUES IN (3)", "", 1000)
			f.exec("DROP TABLE p3; ALTER TABLE p DETACH PARTITION p1; ALTER TABLE p1 RENAME a TO x; ALTER TABLE p1 RENAME b TO a; ALTER TABLE p1 RENAME x TO b; DELETE FROM p1; " + attach)
			f.wantChanged("public.p", "", "") // the partition's columns have exchanged their names
		})
	}
	t.Run("partition attached after snapshot", func(t *testing.T) {
		s := pgtest.Shared(t)
		f := &frozen{t: t, server: s, url: s.NewDatabase(t), tables: make(map[string]*catalog.Table)}
		f.exec(partitioned + detach)
		db := openSource(t, f.url)
		var err error
		if f.sn, err = db.Snapshot(t.Context(), providers.SnapshotOptions{Readers: 1}); err != nil {
			t.Fatal(err)
		}
		defer f.sn.Close()
		f.exec(attach)
		c, err := db.Catalog(t.Context(), providers.Selector{})
		if err != nil {
			t.Fatal(err)
		}
		f.tables["public.p"] = c.Find(catalog.Name{Schema: "public", Name: "p"})
		f.wantChanged("public.p", "", "")
	})
}

func TestTablesSwapNames(t *testing.T) {
	// Done: view: tables that exchange their names, and back, between two packages do not exchange their rows
	const swap = "BEGIN; ALTER TABLE a RENAME TO tmp; ALTER TABLE a2 RENAME TO a; ALTER TABLE tmp RENAME TO a2; COMMIT;"
	for _, how := range []providers.SnapshotOptions{{Readers: 1}, {Readers: 1, Quiet: true}} {
		t.Run(fmt.Sprint("quiet ", how.Quiet), func(t *testing.T) {
			f := freeze(t, "CREATE TABLE a (id int, v int); CREATE TABLE a2 (id int, v int); INSERT INTO a SELECT i, 1 FROM generate_series(1, 10) i; INSERT INTO a2 SELECT i, 2 FROM generate_series(1, 10) i", how)
			f.exec(swap)
			f.wantChanged("public.a", "", "")
			f.wantChanged("public.a2", "", "")
			f.exec(swap)
			f.want("public.a", "", "", 10)
			f.exec("ALTER TABLE a RENAME TO gone")
			f.wantChanged("public.a", "", "")
			f.exec("CREATE TABLE a (id int, v int)")
			f.wantChanged("public.a", "", "")
		})
	}
}

func TestColumnsSwapNames(t *testing.T) {
	// Done: view: two columns exchange their names, or one is dropped and added again: the table stops by name
	for _, sql := range []string{
		"ALTER TABLE a RENAME v TO x; ALTER TABLE a RENAME w TO v; ALTER TABLE a RENAME x TO w",
		"ALTER TABLE a DROP v; ALTER TABLE a ADD v int",
		"ALTER TABLE a DROP v; ALTER TABLE a ADD v int DEFAULT 7",
		"ALTER TABLE a ALTER v TYPE bigint",
		"ALTER TABLE a ALTER t TYPE text", // which rewrites nothing
	} {
		for _, quiet := range []bool{false, true} {
			f := freeze(t, "CREATE TABLE a (id int, v int, w int, t varchar(10)); INSERT INTO a SELECT i, 1, 2, 'x' FROM generate_series(1, 10) i", providers.SnapshotOptions{Readers: 1, Quiet: quiet})
			f.want("public.a", "", "", 10)
			f.exec(sql)
			f.wantChanged("public.a", "", "")
		}
	}
}

func TestSchemasSwapNames(t *testing.T) {
	// Done: view: a schema is renamed while a view is open, in spite of its locks: what was read instead is found
	const swap = "BEGIN; ALTER SCHEMA s1 RENAME TO tmp; ALTER SCHEMA s2 RENAME TO s1; ALTER SCHEMA tmp RENAME TO s2; COMMIT;"
	const tables = `CREATE SCHEMA s1; CREATE SCHEMA s2; CREATE TABLE s1.a (id int); CREATE TABLE s2.a (id int); INSERT INTO s1.a SELECT generate_series(1, 10); INSERT INTO s2.a SELECT generate_series(11, 20);`
	for _, how := range []providers.SnapshotOptions{{Readers: 1}, {Readers: 1, Quiet: true}} {
		f := freeze(t, tables, how)
		f.want("s1.a", "", swap, 10) // after the rows
		f.exec(swap)
		f.want("s1.a", "", "", 10)
		f.wantChanged("s1.a", swap, swap) // and back before the view ends
		f.exec(swap)
		f.wantChanged("s1.a", "", "")
	}
}

func TestInheritanceAddedDuringCopy(t *testing.T) {
	f := freeze(t, "CREATE TABLE a (id int); CREATE TABLE kid (id int); INSERT INTO a SELECT generate_series(1, 10); INSERT INTO kid VALUES (1)", providers.SnapshotOptions{Readers: 1})
	f.exec("ALTER TABLE kid INHERIT a")
	f.want("public.a", "", "", 10)
	f.want("public.kid", "", "", 1)
	f.exec("ALTER TABLE kid NO INHERIT a")
	f.want("public.a", "", "", 10)
	db := openSource(t, f.url)
	before := f.tables["public.a"].StructureDigest()
	f.exec("ALTER TABLE kid INHERIT a")
	c, err := db.Catalog(t.Context(), providers.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	if a := c.Find(catalog.Name{Schema: "public", Name: "a"}); a.StructureDigest() == before || len(a.Children) != 1 || !strings.HasSuffix(a.Children[0].String(), "kid") {
		t.Errorf("a child leaves the structure as it was: %v", a.Children)
	}
}
