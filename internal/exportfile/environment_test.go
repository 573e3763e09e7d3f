package exportfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
)

// columns has one column of each storage type that files hold.
func columns() []catalog.Column {
	types := []catalog.Type{
		{Kind: catalog.Int64}, {Kind: catalog.Bool}, {Kind: catalog.Float64}, {Kind: catalog.Decimal, Precision: 15, Scale: 2},
		{Kind: catalog.Decimal, Precision: 50, Scale: 2}, {Kind: catalog.String, Length: 40}, {Kind: catalog.Text},
		{Kind: catalog.Binary}, {Kind: catalog.Blob}, {Kind: catalog.Date}, {Kind: catalog.TimestampTZ, Precision: 6},
		{Kind: catalog.Timestamp9, Precision: 9}, {Kind: catalog.UUID}, {Kind: catalog.Number}, {Kind: catalog.Time, Precision: 6},
	}
	cols := make([]catalog.Column, len(types))
	for i, t := range types {
		cols[i] = catalog.Column{Name: fmt.Sprintf("c%d", i), Type: t, Nullable: true}
	}
	return cols
}

func schema(tb testing.TB) *arrow.Schema {
	tb.Helper()
	s, err := batch.Schema(columns())
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// content is the file that write makes.
func content(tb testing.TB) Content {
	return Content{Schema: schema(tb), Package: "S.T/0001", Generation: "9f", Owner: 7, Attempt: "0123456789ab", Part: 1}
}

// rows makes a batch of n rows that depends on the seed alone.
func rows(tb testing.TB, n int, seed uint64) arrow.RecordBatch {
	tb.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema(tb))
	defer b.Release()
	for i := range n {
		for _, f := range b.Fields() {
			if r.IntN(8) == 0 {
				f.AppendNull()
				continue
			}
			text := fmt.Sprintf("row %d of %d", i, r.IntN(1000))
			switch f := f.(type) {
			case *array.BooleanBuilder:
				f.Append(r.IntN(2) == 0)
			case *array.FixedSizeBinaryBuilder:
				f.Append([]byte(text + "0123456789abcdef")[:16])
			case *array.StringBuilder:
				f.Append(text)
			case *array.LargeStringBuilder:
				f.Append(text + "\U0001f600")
			case *array.BinaryBuilder:
				f.Append([]byte(text))
			case *array.TimestampBuilder:
				f.Append(arrow.Timestamp(r.Int64N(1e15)))
			case *array.Date32Builder:
				f.Append(arrow.Date32(r.IntN(50000)))
			case *array.Time64Builder:
				f.Append(arrow.Time64(r.Int64N(86400e6)))
			default:
				if err := f.AppendValueFromString(fmt.Sprint(r.IntN(100000))); err != nil {
					tb.Fatal(err)
				}
			}
		}
	}
	return b.NewRecordBatch()
}

func codec(tb testing.TB, o Options) *Codec {
	tb.Helper()
	c, err := NewCodec(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}

// write makes a file of batches.
func write(tb testing.TB, c *Codec, recs ...arrow.RecordBatch) ([]byte, File) {
	tb.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, content(tb), c)
	if err != nil {
		tb.Fatal(err)
	}
	defer w.Abort()
	for _, rec := range recs {
		if err := w.Write(rec); err != nil {
			tb.Fatal(err)
		}
	}
	f, err := w.Close()
	if err != nil {
		tb.Fatal(err)
	}
	f.Object = "data/x/1-0123456789ab/1"
	return out.Bytes(), f
}

// read returns what a Reader hands out before its end or error.
func read(r io.Reader, f File, want Content, c *Codec) (recs []arrow.RecordBatch, err error) {
	in, err := NewReader(r, f, want, c)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	for {
		rec, err := in.Next()
		if errors.Is(err, io.EOF) {
			return recs, nil
		}
		if err != nil {
			return recs, err
		}
		recs = append(recs, rec)
	}
}

// three is the content of most tests: batches of different sizes.
func three(tb testing.TB) []arrow.RecordBatch {
	return []arrow.RecordBatch{rows(tb, 100, 1), rows(tb, 1, 2), rows(tb, 1000, 3)}
}
