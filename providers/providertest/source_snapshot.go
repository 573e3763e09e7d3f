package providertest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// sourceSnapshotIsOne writes between and during views of one snapshot.
func sourceSnapshotIsOne(t *testing.T, h Harness) {
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
					rows, err := cells(t.Context(), x, tb, catalog.Range{}, providers.ReadOptions{})
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
	if first.ID() == second.ID() || first.ID() == "" || quiet.ID() != "quiet" {
		t.Errorf("ids %q, %q and %q", first.ID(), second.ID(), quiet.ID())
	}
	if d := time.Since(first.Time()); d < -time.Minute || d > time.Minute {
		t.Errorf("taken %s ago", d)
	}
}

// sourceQuietIsChecked holds that equal change counters mean that nobody wrote.
func sourceQuietIsChecked(t *testing.T, h Harness) {
	b := newBench(t, h)
	b.exec(t, "CREATE TABLE t (id "+h.BigInt+" NOT NULL PRIMARY KEY, v "+h.Varchar+"); INSERT INTO t VALUES (1, 'a')")
	db := b.source(t)
	tb := b.table(t, db, "t")
	s := snapshot(t, db, providers.SnapshotOptions{Readers: 1, Quiet: true})
	count := func() (c providers.Counted) {
		inView(t, s, []*catalog.Table{tb}, func(v providers.View) {
			n, err := v.Count(t.Context(), []*catalog.Table{tb})
			if err != nil {
				t.Fatal(err)
			}
			c = n[0]
		})
		return c
	}
	before := count()
	if again := count(); again != before || before.Rows != 1 {
		t.Errorf("counted %+v, then %+v of an unchanged table", before, again)
	}
	b.exec(t, "UPDATE t SET v = 'b'")
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if after := count(); before.Changes == "" || after.Changes != before.Changes {
			return // engines without counters leave it to COUNT
		}
		if time.Now().After(end) {
			t.Fatalf("an update left the change counters at %q", before.Changes)
		}
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
	inView(t, s, []*catalog.Table{other}, func(providers.View) {}) // the others go on
}
