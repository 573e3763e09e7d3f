package providertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// sourceRangesPartition cuts tables in every way and reads their ranges, while
// rows are updated, moved, deleted and inserted again between the ranges.
func sourceRangesPartition(t *testing.T, h Harness) {
	b := newBench(t, h)
	db := b.source(t)
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		name := fmt.Sprintf("p%d", n)
		keyed := rapid.Bool().Draw(r, "keyed")
		key := ""
		if keyed {
			key = ", PRIMARY KEY (k, id)"
		}
		b.exec(t, fmt.Sprintf("CREATE TABLE %s (k %s NOT NULL, id %s NOT NULL, v %s%s)", name, h.Varchar, h.BigInt, h.Varchar, key))
		ids := rapid.SliceOfNDistinct(rapid.Int64(), 0, 40, rapid.ID).Draw(r, "ids")
		alphabet := []string{"a", "A", "b", "ä", " ", "Z", "z", "aa", "😀"}
		if !h.EmptyIsNull { // the column is NOT NULL
			alphabet = append(alphabet, "")
		}
		texts := rapid.SampledFrom(alphabet)
		var sql strings.Builder
		for _, id := range ids {
			fmt.Fprintf(&sql, "INSERT INTO %s VALUES ('%s', %d, 'v');\n", name, texts.Draw(r, "k"), id)
		}
		b.exec(t, "BEGIN;\n"+sql.String()+"COMMIT")
		tb := b.table(t, db, name)
		how := catalog.SplitSpec{
			By:    rapid.SampledFrom([]catalog.By{catalog.ByAuto, catalog.ByKey, catalog.ByRowID, catalog.ByNone}).Draw(r, "by"),
			Parts: rapid.IntRange(1, 9).Draw(r, "parts"),
		}
		ranges, reason, err := db.Split(t.Context(), tb, how)
		if err != nil || reason == "" {
			t.Fatalf("split: %q, %v", reason, err)
		}
		checkContiguous(t, ranges)
		s, err := db.Snapshot(t.Context(), providers.SnapshotOptions{Readers: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer closed(t, s)
		want, got := b.pieces(t, s, tb, ranges)
		if !slices.Equal(want, got) {
			t.Fatalf("%d ranges by %s (%s) hold\n%q, the table held\n%q", len(ranges), how.By, reason, got, want)
		}
	})
}

// pieces reads a table whole and by its ranges under one snapshot, and writes to it in between.
func (b *bench) pieces(t testing.TB, s providers.Snapshot, tb *catalog.Table, ranges []catalog.Range) (want, got []string) {
	t.Helper()
	read := func(r catalog.Range) (out []string) {
		inView(t, s, []*catalog.Table{tb}, func(v providers.View) {
			rows, err := cells(t.Context(), v, tb, r, providers.ReadOptions{BatchRows: 7})
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				out = append(out, strings.Join(row, " "))
			}
		})
		return out
	}
	want = read(catalog.WholeTable())
	writable := b.writable()
	for i, r := range ranges {
		if writable {
			b.disturb(t, tb.Name.Name, i)
		}
		got = append(got, read(r)...)
	}
	slices.Sort(want)
	slices.Sort(got)
	return want, got
}

// writable says whether others may write while a snapshot is open.
func (b *bench) writable() bool { return !b.SnapshotLocksWriters }

func (b *bench) disturb(t testing.TB, table string, i int) {
	t.Helper()
	q := b.Quote(table)
	b.exec(t, fmt.Sprintf(`UPDATE %[1]s SET v = 'u%[2]d' WHERE id > %[2]d;
		UPDATE %[1]s SET k = 'moved%[2]d' WHERE id < %[2]d;
		DELETE FROM %[1]s WHERE v = 'u%[2]d' AND k = 'b';
		INSERT INTO %[1]s VALUES ('again', %[3]d, 'new')`, q, i, 7_000_000_000+i))
}

// checkContiguous holds what every list of ranges must be.
func checkContiguous(t testing.TB, ranges []catalog.Range) {
	t.Helper()
	for i, r := range ranges {
		if len(ranges) > 1 && r.By == "" {
			t.Fatalf("range %d of %d says not by what: %+v", i, len(ranges), r)
		}
	}
	if err := catalog.Contiguous(ranges); err != nil {
		t.Fatalf("%v: %+v", err, ranges)
	}
}

// sourceRangesOfSkewedKeys splits keys with one outlier: sizes stay balanced, nothing is lost.
func sourceRangesOfSkewedKeys(t *testing.T, h Harness) {
	b := newBench(t, h)
	b.exec(t, "CREATE TABLE s (k "+h.Varchar+" NOT NULL, id "+h.BigInt+" NOT NULL PRIMARY KEY, v "+h.Varchar+")")
	var sql strings.Builder
	const rows = 2000
	for i := range rows {
		fmt.Fprintf(&sql, "INSERT INTO s VALUES ('k', %d, 'v');\n", i)
	}
	sql.WriteString("INSERT INTO s VALUES ('k', 9000000000000000000, 'v');\nINSERT INTO s VALUES ('k', -9000000000000000000, 'v');\n")
	b.exec(t, "BEGIN;\n"+sql.String()+"COMMIT")
	db := b.source(t)
	tb := b.table(t, db, "s")
	ranges, reason, err := db.Split(t.Context(), tb, catalog.SplitSpec{By: catalog.ByKey, Parts: 4})
	if err != nil {
		t.Fatal(err)
	}
	checkContiguous(t, ranges)
	if len(ranges) < 3 || len(ranges) > 8 {
		t.Errorf("%d ranges (%s), want about 4", len(ranges), reason)
	}
	total := 0
	inView(t, snapshot(t, db, providers.SnapshotOptions{Readers: 1}), []*catalog.Table{tb}, func(v providers.View) {
		for _, r := range ranges {
			part, err := cells(t.Context(), v, tb, r, providers.ReadOptions{})
			if err != nil {
				t.Error(err)
			}
			if len(part) > rows*3/4 {
				t.Errorf("one of %d ranges holds %d of %d rows", len(ranges), len(part), rows)
			}
			total += len(part)
		}
	})
	if total != rows+2 {
		t.Errorf("%d rows, want %d", total, rows+2)
	}
}
