package exportfile

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
)

func BenchmarkWrite(b *testing.B) {
	c := codec(b, Options{Workers: 2})
	rec := rows(b, batch.Rows, 1)
	b.SetBytes(batch.Bytes(rec))
	w, err := NewWriter(io.Discard, content(b), c)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(rec); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := w.Close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkRead(b *testing.B) {
	c := codec(b, Options{})
	data, f := write(b, c, rows(b, batch.Rows, 1))
	b.SetBytes(f.Bytes)
	b.ReportAllocs()
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(data), f, Content{}, c)
		if err != nil {
			b.Fatal(err)
		}
		for {
			rec, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			rec.Release()
		}
		r.Close()
	}
}

// incompressible is a batch of one column of random bytes.
func incompressible(tb testing.TB) (arrow.RecordBatch, *arrow.Schema) {
	tb.Helper()
	s, err := batch.Schema([]catalog.Column{{Name: "b", Type: catalog.Type{Kind: catalog.Blob}}})
	if err != nil {
		tb.Fatal(err)
	}
	build := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer build.Release()
	for range 40 {
		v := make([]byte, 100_000)
		if _, err := rand.Read(v); err != nil {
			tb.Fatal(err)
		}
		build.Field(0).(*array.BinaryBuilder).Append(v)
	}
	return build.NewRecordBatch(), s
}

func BenchmarkWriteIncompressible(b *testing.B) {
	rec, s := incompressible(b)
	w, err := NewWriter(io.Discard, Content{Schema: s}, codec(b, Options{Workers: 2}))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(batch.Bytes(rec))
	for b.Loop() {
		if err := w.Write(rec); err != nil {
			b.Fatal(err)
		}
	}
	w.Abort()
}

// What does not compress is stored, at a cost of a few bytes a block.
func TestIncompressibleStored(t *testing.T) {
	rec, s := incompressible(t)
	w, err := NewWriter(io.Discard, Content{Schema: s}, codec(t, Options{}))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(rec); err != nil {
		t.Fatal(err)
	}
	f, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if f.Length > f.Bytes+f.Bytes/1000 {
		t.Errorf("%d bytes became %d", f.Bytes, f.Length)
	}
}
