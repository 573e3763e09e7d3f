package digest

import (
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
)

// orders is a table of 16 columns such as order systems have: integers, amounts,
// dates, short texts.
func orders() []catalog.Column {
	var cols []catalog.Column
	add := func(n int, t catalog.Type) {
		for range n {
			cols = append(cols, catalog.Column{Name: fmt.Sprintf("c%d", len(cols)), Type: t})
		}
	}
	add(4, catalog.Type{Kind: catalog.Int64})
	add(4, catalog.Type{Kind: catalog.Decimal, Precision: 15, Scale: 2})
	add(3, catalog.Type{Kind: catalog.Date})
	add(5, catalog.Type{Kind: catalog.String, Length: 25})
	return cols
}

func ordersBatch(tb testing.TB, rows int) arrow.RecordBatch {
	tb.Helper()
	schema, err := batch.Schema(orders())
	if err != nil {
		tb.Fatal(err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := range rows {
		for c, f := range b.Fields() {
			switch f := f.(type) {
			case *array.Int64Builder:
				f.Append(int64(i * (c + 3)))
			case *array.Decimal128Builder:
				f.Append(decimal128.FromI64(int64(i*c) - 5000))
			case *array.Date32Builder:
				f.Append(arrow.Date32(i % 9999))
			case *array.StringBuilder:
				f.Append(fmt.Sprintf("text %05d of %03d", i, c)[:8+c%8])
			}
		}
	}
	return b.NewRecordBatch()
}

func BenchmarkOrders(b *testing.B) {
	rec := ordersBatch(b, batch.Rows)
	defer rec.Release()
	h, err := New(orders(), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Sum(rec); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch.Rows, "ns/row")
}
