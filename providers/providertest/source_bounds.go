package providertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// many makes a table of n rows whose column v holds width characters.
func (b *bench) many(t testing.TB, n, width int) {
	t.Helper()
	b.exec(t, "CREATE TABLE t (id "+b.BigInt+" NOT NULL PRIMARY KEY, v "+b.Text+")")
	var sql strings.Builder
	value := strings.Repeat("x", width)
	for i := range n {
		fmt.Fprintf(&sql, "INSERT INTO t VALUES (%d, '%s');\n", i, value)
	}
	b.exec(t, "BEGIN;\n"+sql.String()+"COMMIT")
}

func sourceBatchBounds(t *testing.T, h Harness) {
	b := newBench(t, h)
	b.many(t, 1000, 100)
	db := b.source(t)
	tb := b.table(t, db, "t")
	s := snapshot(t, db, providers.SnapshotOptions{Readers: 1})
	sizes := func(how providers.ReadOptions) (out []int64) {
		inView(t, s, []*catalog.Table{tb}, func(v providers.View) {
			rd, err := v.Read(t.Context(), tb, catalog.WholeTable(), how)
			if err != nil {
				t.Fatal(err)
			}
			defer closed(t, rd)
			for {
				rec, err := rd.Next(t.Context())
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, rec.NumRows())
				rec.Release()
			}
			if _, err := rd.Next(t.Context()); !errors.Is(err, io.EOF) {
				t.Errorf("after the end: %v", err)
			}
		})
		return out
	}
	if got := sizes(providers.ReadOptions{}); fmt.Sprint(got) != "[1000]" {
		t.Errorf("by default batches of %v rows", got)
	}
	if got := sizes(providers.ReadOptions{BatchRows: 300}); fmt.Sprint(got) != "[300 300 300 100]" {
		t.Errorf("with 300 rows at most: batches of %v rows", got)
	}
	total := int64(0)
	for i, n := range sizes(providers.ReadOptions{BatchBytes: 10_000}) {
		if total += n; n > 120 {
			t.Errorf("batch %d holds %d rows of 100 bytes, more than 10,000 bytes", i, n)
		}
	}
	if total != 1000 {
		t.Errorf("%d rows in small batches", total)
	}
}

// countedBudget counts what a reader asks of the budget, and refuses more than most where that is set.
type countedBudget struct{ asked, out, most int64 }

func (p *countedBudget) Acquire(_ context.Context, n int64) (func(), error) {
	if p.most > 0 && n > p.most {
		return nil, &providers.Error{Kind: providers.Value, Op: "hold row", Err: errors.New("it is too wide"), Fix: "Widen it."}
	}
	p.asked, p.out = p.asked+n, p.out+n
	return func() { p.out -= n }, nil
}

func sourceLargeValues(t *testing.T, h Harness) {
	b := newBench(t, h)
	const wide = 200_000
	b.many(t, 3, wide)
	b.exec(t, "UPDATE t SET v = 'small' WHERE id = 0")
	db := b.source(t)
	tb := b.table(t, db, "t")
	s := snapshot(t, db, providers.SnapshotOptions{Readers: 1})
	inView(t, s, []*catalog.Table{tb}, func(v providers.View) {
		p := &countedBudget{}
		rd, err := v.Read(t.Context(), tb, catalog.WholeTable(), providers.ReadOptions{BatchBytes: 10_000, Budget: p})
		if err != nil {
			t.Fatal(err)
		}
		rows := int64(0)
		for {
			rec, err := rd.Next(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if p.out > 0 && rec.NumRows() != 1 {
				t.Errorf("a wide row travels with %d others", rec.NumRows()-1)
			}
			rows += rec.NumRows()
			rec.Release()
		}
		closed(t, rd)
		if rows != 3 || p.asked < 2*wide || p.out != 0 {
			t.Errorf("%d rows; %d bytes asked of the budget, %d not released", rows, p.asked, p.out)
		}
	})
	inView(t, s, []*catalog.Table{tb}, func(v providers.View) {
		_, err := cells(t.Context(), v, tb, catalog.WholeTable(), providers.ReadOptions{LOBMax: wide - 1})
		wantKind(t, err, providers.Value)
		var e *providers.Error
		if errors.As(err, &e) && (e.Column != "v" || e.Key != "1" && e.Key != "2") {
			t.Errorf("the error names column %q, key %q", e.Column, e.Key)
		}
		said := fmt.Sprintf("larger than lob_max (%d)", wide-1)
		if e != nil && (!strings.HasSuffix(e.Err.Error(), said) || !strings.Contains(e.Fix, "lob_max")) {
			t.Errorf("the error says %q, %q", e.Err, e.Fix)
		}
		rows, err := cells(t.Context(), v, tb, catalog.WholeTable(), providers.ReadOptions{LOBMax: wide})
		longest := 0
		for _, row := range rows { // in any order
			longest = max(longest, len(row[1]))
		}
		if err != nil || len(rows) != 3 || longest != 2*wide {
			t.Errorf("%d rows, %v", len(rows), err)
		}
	})
}

// sourceBudget reads rows that the budget has no room for, ever.
func sourceBudget(t *testing.T, h Harness) {
	for _, wide := range []int{20_000, 200_000} {
		b := newBench(t, h)
		b.many(t, 3, 10)
		b.exec(t, "UPDATE t SET v = '"+strings.Repeat("w", wide)+"' WHERE id = 2")
		db := b.source(t)
		tb := b.table(t, db, "t")
		s := snapshot(t, db, providers.SnapshotOptions{Readers: 1})
		inView(t, s, []*catalog.Table{tb}, func(v providers.View) {
			p := &countedBudget{most: int64(wide) - 1}
			_, err := cells(t.Context(), v, tb, catalog.WholeTable(), providers.ReadOptions{BatchBytes: 10_000, Budget: p})
			wantKind(t, err, providers.Value)
			var e *providers.Error
			if errors.As(err, &e) && (e.Table != tb.Name || e.Key != "2" || e.Fix != "Widen it.") {
				t.Errorf("a row of %d bytes is refused as one of %s with key %q: %s", wide, e.Table, e.Key, e.Fix)
			}
			if p.out != 0 {
				t.Errorf("%d bytes are not released", p.out)
			}
		})
	}
}

// sourceCancel ends a scan after its first batch, and a statement that takes long.
func sourceCancel(t *testing.T, h Harness) {
	b := newBench(t, h)
	b.many(t, 5000, 10)
	db := b.source(t)
	tb := b.table(t, db, "t")
	s := snapshot(t, db, providers.SnapshotOptions{Readers: 1})
	ctx, cancel := context.WithCancel(t.Context())
	inView(t, s, []*catalog.Table{tb}, func(v providers.View) {
		rd, err := v.Read(ctx, tb, catalog.WholeTable(), providers.ReadOptions{BatchRows: 10})
		if err != nil {
			t.Fatal(err)
		}
		defer closed(t, rd)
		rec, err := rd.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		rec.Release()
		cancel()
		for range 1000 { // what is buffered may still come
			if rec, err = rd.Next(ctx); err != nil {
				break
			}
			rec.Release()
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("after cancelling: %v", err)
		}
	})
	again := snapshot(t, db, providers.SnapshotOptions{Readers: 1})
	inView(t, again, []*catalog.Table{tb}, func(v providers.View) {
		if n, err := v.Count(t.Context(), []*catalog.Table{tb}); err != nil || n[0].Rows != 5000 {
			t.Errorf("afterwards: %v, %v", n, err)
		}
	})
}
