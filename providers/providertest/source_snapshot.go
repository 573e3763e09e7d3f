package providertest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// sourceSnapshotConsistent writes between and during views of one snapshot.
func sourceSnapshotConsistent(t *testing.T, h Harness) {
	b := newBench(t, h)
	b.exec(t, "CREATE TABLE t (id "+h.BigInt+" NOT NULL PRIMARY KEY, v "+h.Varchar+"); INSERT INTO t VALUES (1, 'old'), (2, 'old')")
	db := b.source(t)
	tb := b.table(t, db, "t")
	s := snapshot(t, db, providers.SnapshotOptions{Readers: 3})
	if b.writable() {
		b.exec(t, "UPDATE t SET v = 'new'; INSERT INTO t VALUES (3, 'new'); DELETE FROM t WHERE id = 1")
	}
	for range 3 {
		inView(t, s, []*catalog.Table{tb}, func(v providers.View) {
			inView(t, s, []*catalog.Table{tb}, func(other providers.View) {
				for _, x := range []providers.View{v, other} {
					rows, err := cells(t.Context(), x, tb, catalog.WholeTable(), providers.ReadOptions{})
					if err != nil || fmt.Sprint(rows) != "[[1 6f6c64] [2 6f6c64]]" {
						t.Errorf("read %v, %v", rows, err)
					}
					n, err := x.Count(t.Context(), []*catalog.Table{tb, tb})
					if err != nil || len(n) != 2 || n[0].Rows != 2 || n[1].Rows != 2 {
						t.Errorf("count %v, %v", n, err)
					}
				}
			})
		})
	}
}

func sourceSnapshotIdentity(t *testing.T, h Harness) {
	b := newBench(t, h)
	b.exec(t, "CREATE TABLE t (id "+h.BigInt+" NOT NULL PRIMARY KEY)")
	db := b.source(t)
	first := snapshot(t, db, providers.SnapshotOptions{Readers: 1})
	second := snapshot(t, db, providers.SnapshotOptions{Readers: 1})
	quiet := snapshot(t, db, providers.SnapshotOptions{Readers: 1, Quiet: true})
	if first.ID() == second.ID() || first.ID() == "" || quiet.ID() != providers.QuietID {
		t.Errorf("ids %q, %q and %q", first.ID(), second.ID(), quiet.ID())
	}
	if d := time.Since(first.Time()); d < -time.Minute || d > time.Minute {
		t.Errorf("taken %s ago", d)
	}
}

// sourceQuietChecked holds that what is proven unchanged is, and that nothing else is said to be.
func sourceQuietChecked(t *testing.T, h Harness) {
	for _, c := range []struct{ name, sql string }{
		{"update", "UPDATE t SET v = 'b' WHERE id = 1"},
		{"insert", "INSERT INTO t VALUES (3, 'c')"},
		{"delete", "DELETE FROM t WHERE id = 2"},
		{"a row for another one", "DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (4, 'b')"},
		{"the first row of an empty table", "INSERT INTO e VALUES (1)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, h)
			b.exec(
				t,
				"CREATE TABLE t (id "+h.BigInt+" NOT NULL PRIMARY KEY, v "+h.Varchar+"); INSERT INTO t VALUES (1, "+
					"'a'), (2, 'a'); CREATE TABLE e (id "+h.BigInt+")",
			)
			db := b.source(t)
			tables := []*catalog.Table{b.table(t, db, "t"), b.table(t, db, "e")}
			var before []providers.Counted
			view := func(f func(providers.View) error) {
				s := snapshot(t, db, providers.SnapshotOptions{Readers: 1, Quiet: true})
				inView(t, s, tables, func(v providers.View) {
					if err := f(v); err != nil {
						t.Fatal(err)
					}
				})
			}
			compare := func() (out []string) {
				view(func(v providers.View) (err error) {
					out, err = v.Compare(t.Context(), tables, before)
					return err
				})
				return out
			}
			view(func(v providers.View) (err error) {
				before, err = v.Count(t.Context(), tables)
				return err
			})
			if len(before) != 2 || before[0].Rows != 2 || before[1].Rows != 0 {
				t.Fatalf("counted %+v", before)
			}
			for range 2 {
				if out := compare(); len(out) != 2 || out[0] != "" || out[1] != "" {
					t.Fatalf("nothing was written: %q", out)
				}
			}
			b.exec(t, c.sql)
			if out := compare(); len(out) != 2 || out[0] == "" && out[1] == "" {
				t.Errorf("%s went unseen: %q", c.sql, out)
			}
			before[0].Changes, before[1].Changes = "", ""
			if out := compare(); out[0] == "" {
				t.Errorf("without a note of what was there nothing is proven, and it is said to be")
			}
		})
	}
}

func sourceStructureChange(t *testing.T, h Harness) {
	b := newBench(t, h)
	b.exec(t, "CREATE TABLE t (id "+h.BigInt+" NOT NULL PRIMARY KEY); CREATE TABLE u (id "+h.BigInt+")")
	db := b.source(t)
	tb, other := b.table(t, db, "t"), b.table(t, db, "u")
	before := tb.StructureDigest()
	b.exec(t, "ALTER TABLE t ADD COLUMN extra "+h.Varchar)
	if b.table(t, db, "t").StructureDigest() == before {
		t.Error("another column leaves the structure's digest")
	}
	b.exec(t, "DROP TABLE t; CREATE TABLE t (id "+h.Varchar+")")
	s := snapshot(t, db, providers.SnapshotOptions{Readers: 1})
	v, err := s.Begin(t.Context(), []*catalog.Table{other, tb})
	if err == nil {
		closed(t, v)
	}
	wantKind(t, err, providers.Changed)
	var e *providers.Error
	if errors.As(err, &e) && e.Table != tb.Name {
		t.Errorf("the error names %s", e.Table)
	}
	inView(t, s, []*catalog.Table{other}, func(v providers.View) { // the others continue
		if err := v.Confirm(t.Context()); err != nil {
			t.Errorf("nothing happened to %s: %v", other.Name, err)
		}
	})
}
