package providertest

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// Source runs the suite of a source. Each test has a database of its own.
func Source(t *testing.T, h Harness) {
	run(t, h, []test{
		{"Catalog", sourceCatalog},
		{"Types", sourceTypes},
		{"RejectedValues", sourceRejectedValues},
		{"Names", sourceNames},
		{"RangesPartition", sourceRangesPartition},
		{"RangesOfSkewedKeys", sourceRangesOfSkewedKeys},
		{"SnapshotConsistent", sourceSnapshotConsistent},
		{"SnapshotIdentity", sourceSnapshotIdentity},
		{"QuietChecked", sourceQuietChecked},
		{"StructureChange", sourceStructureChange},
		{"BatchBounds", sourceBatchBounds},
		{"LargeValues", sourceLargeValues},
		{"Budget", sourceBudget},
		{"Cancel", sourceCancel},
		{"EmptyTable", sourceEmptyTable},
	})
}

// ReadBack runs those tests of a source that verification needs of a target that is none: catalog,
// types, names, bounds. Nobody writes while it reads, so it has no snapshot to keep.
func ReadBack(t *testing.T, h Harness) {
	run(t, h, []test{
		{"Catalog", sourceCatalog},
		{"Types", sourceTypes},
		{"RejectedValues", sourceRejectedValues},
		{"Names", sourceNames},
		{"RangesOfSkewedKeys", sourceRangesOfSkewedKeys},
		{"BatchBounds", sourceBatchBounds},
		{"LargeValues", sourceLargeValues},
		{"Cancel", sourceCancel},
		{"EmptyTable", sourceEmptyTable},
	})
}

type test struct {
	name string
	run  func(*testing.T, Harness)
}

func run(t *testing.T, h Harness, tests []test) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantNoLeak(t)
			test.run(t, h)
		})
	}
}

// snapshot takes a snapshot that is closed with the test.
func snapshot(t testing.TB, db providers.Database, how providers.SnapshotOptions) providers.Snapshot {
	t.Helper()
	s, err := db.Snapshot(t.Context(), how)
	if err != nil {
		t.Fatalf("snapshot: %v", err)
	}
	t.Cleanup(func() { closed(t, s) })
	return s
}

// inView runs f in a view of the tables.
func inView(t testing.TB, s providers.Snapshot, tables []*catalog.Table, f func(providers.View)) {
	t.Helper()
	v, err := s.Begin(t.Context(), tables)
	if err != nil {
		t.Fatalf("begin view: %v", err)
	}
	defer closed(t, v)
	f(v)
}

// cells reads a range and prints every row as the texts of its cells.
func cells(ctx context.Context, v providers.View, tb *catalog.Table, r catalog.Range, how providers.ReadOptions) (out [][]string, err error) {
	rd, err := v.Read(ctx, tb, r, how)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rd.Close()) }()
	columns := tb.CopiedColumns()
	for {
		b, err := rd.Next(ctx)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		for i := range int(b.NumRows()) {
			row := make([]string, len(columns))
			for j, c := range columns {
				row[j] = Text(b.Column(j), i, c.Type)
			}
			out = append(out, row)
		}
		b.Release()
	}
}

// readAll reads a whole table under a snapshot of its own.
func readAll(t testing.TB, db providers.Database, tb *catalog.Table) [][]string {
	t.Helper()
	var out [][]string
	inView(t, snapshot(t, db, providers.SnapshotOptions{Readers: 1}), []*catalog.Table{tb}, func(v providers.View) {
		var err error
		if out, err = cells(t.Context(), v, tb, catalog.WholeTable(), providers.ReadOptions{}); err != nil {
			t.Errorf("read %s: %v", tb.Name, err)
		}
	})
	return out
}

func sourceCatalog(t *testing.T, h Harness) {
	b := newBench(t, h)
	b.exec(t, "CREATE TABLE parent (a "+h.BigInt+" NOT NULL, b "+h.Varchar+" NOT NULL, PRIMARY KEY (b, a))")
	b.exec(t, "CREATE TABLE child (id "+h.BigInt+" NOT NULL PRIMARY KEY, a "+h.BigInt+", b "+h.Varchar+" DEFAULT 'x', code "+h.Varchar+
		" NOT NULL UNIQUE, FOREIGN KEY (b, a) REFERENCES parent (b, a) ON DELETE CASCADE, CHECK (a > 0))")
	b.exec(t, "CREATE INDEX child_ab ON child (a, b DESC)")
	b.exec(t, "CREATE TABLE nokey (code "+h.Varchar+" NOT NULL, note "+h.Varchar+")")
	b.exec(t, "CREATE UNIQUE INDEX nokey_code ON nokey (code)")
	b.exec(t, "CREATE VIEW v AS SELECT a FROM parent")
	db := b.source(t)
	c, err := db.Catalog(t.Context(), providers.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	identity, err := db.Identity(t.Context())
	if err != nil || identity == "" || c.Identity != identity || c.Engine != h.Driver.Type || c.Version == "" {
		t.Errorf("catalog of %q, %q, version %q; identity %q, %v", c.Engine, c.Identity, c.Version, identity, err)
	}
	if len(c.Tables) != 3 {
		t.Fatalf("%d tables, want 3", len(c.Tables))
	}
	child, nokey, parent := c.Tables[0], c.Tables[1], c.Tables[2]
	wantKey(t, parent.Key, true, "b", "a")
	wantKey(t, child.Key, true, "id")
	wantKey(t, nokey.Key, false, "code")
	if len(child.Uniques) != 1 || len(child.Uniques[0].Columns) != 1 || child.Uniques[0].Columns[0] != "code" {
		t.Errorf("uniques of child: %+v", child.Uniques)
	}
	if len(child.Indexes) != 1 || len(child.Indexes[0].Columns) != 2 || !child.Indexes[0].Columns[1].Desc || child.Indexes[0].Special {
		t.Errorf("indexes of child: %+v", child.Indexes)
	}
	if len(child.ForeignKeys) != 1 {
		t.Fatalf("foreign keys of child: %+v", child.ForeignKeys)
	}
	f := child.ForeignKeys[0]
	if f.Table != parent.Name || f.OnDelete != "CASCADE" || f.OnUpdate != "" || len(f.Columns) != 2 || len(f.References) != 2 || f.References[0] != "b" {
		t.Errorf("foreign key of child: %+v", f)
	}
	if len(child.Checks) != 1 || child.Column("id").Nullable || !child.Column("a").Nullable || child.Column("b").Default == "" {
		t.Errorf("child: %+v", child)
	}
	if len(c.NotMigrated) == 0 {
		t.Error("the view is not listed as not migrated")
	}
	again, err := db.Catalog(t.Context(), providers.Selector{Tables: []catalog.Name{child.Name, {Schema: h.Schema, Name: "absent"}}})
	if err != nil || len(again.Tables) != 1 || again.Tables[0].StructureDigest() != child.StructureDigest() {
		t.Errorf("catalog of two names: %v, %v", again, err)
	}
}

func wantKey(t *testing.T, k *catalog.Key, primary bool, columns ...string) {
	t.Helper()
	if k == nil || k.Primary != primary || len(k.Columns) != len(columns) {
		t.Errorf("key %+v, want primary %v over %q", k, primary, columns)
		return
	}
	for i := range columns {
		if k.Columns[i] != columns[i] {
			t.Errorf("key %+v, want columns %q", k, columns)
		}
	}
}

func sourceEmptyTable(t *testing.T, h Harness) {
	b := newBench(t, h)
	b.exec(t, "CREATE TABLE t (id "+h.BigInt+" NOT NULL PRIMARY KEY, note "+h.Varchar+")")
	db := b.source(t)
	tb := b.table(t, db, "t")
	for _, by := range []catalog.By{catalog.ByAuto, catalog.ByKey, catalog.ByRowID, catalog.ByNone} {
		ranges, reason, err := db.Split(t.Context(), tb, catalog.SplitSpec{By: by, Parts: 4})
		if err != nil || len(ranges) == 0 || reason == "" {
			t.Errorf("split by %s: %v, %q, %v", by, ranges, reason, err)
		}
	}
	if rows := readAll(t, db, tb); len(rows) != 0 {
		t.Errorf("an empty table has rows %v", rows)
	}
}
