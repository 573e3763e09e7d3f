package hana_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// benchTable is a table of six columns of the usual types.
func benchTable() *catalog.Table {
	return &catalog.Table{Name: catalog.Name{Schema: testSchema, Name: "t"}, Columns: []catalog.Column{
		{Name: "id", Type: catalog.Type{Kind: catalog.Int64}, Declared: "BIGINT"},
		{Name: "a", Type: catalog.Type{Kind: catalog.String, Length: 40}, Declared: "NVARCHAR(40)", Nullable: true},
		{Name: "d", Type: catalog.Type{Kind: catalog.Decimal, Precision: 15, Scale: 2}, Declared: "DECIMAL(15,2)", Nullable: true},
		{Name: "at", Type: catalog.Type{Kind: catalog.Timestamp}, Declared: "SECONDDATE", Nullable: true},
		{Name: "n", Type: catalog.Type{Kind: catalog.Int32}, Declared: "INTEGER", Nullable: true},
		{Name: "b", Type: catalog.Type{Kind: catalog.String, Length: 10}, Declared: "NVARCHAR(10)", Nullable: true},
	}, Key: &catalog.Key{Columns: []string{"id"}, Primary: true}}
}

func benchBatch(b *testing.B, tb *catalog.Table, rows int) arrow.RecordBatch {
	schema, err := batch.Schema(tb.Columns)
	if err != nil {
		b.Fatal(err)
	}
	rb := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer rb.Release()
	for i := range rows {
		rb.Field(0).(*array.Int64Builder).Append(int64(i))
		rb.Field(1).(*array.StringBuilder).Append(fmt.Sprintf("customer number %d", i))
		rb.Field(2).(*array.Decimal128Builder).Append(decimal128.FromI64(int64(i*12345 - 999)))
		rb.Field(3).(*array.TimestampBuilder).Append(arrow.Timestamp(1_700_000_000_000_000 + int64(i)*1_000_000))
		rb.Field(4).(*array.Int32Builder).Append(int32(i * 7))
		rb.Field(5).(*array.StringBuilder).Append("EUR")
	}
	rec := rb.NewRecordBatch()
	b.Cleanup(rec.Release)
	return rec
}

func benchBed(b *testing.B) (*environment, providers.Target, providers.Session, *catalog.Table) {
	s := newBed(b)
	db := s.target(b)
	session := s.lock(b, db, "a")
	tb := benchTable()
	made(b, session, tb)
	return s, db, session, tb
}

// BenchmarkWrite compares the writer with what the driver does alone, values being boxed already.
func BenchmarkWrite(b *testing.B) {
	b.Run("provider", func(b *testing.B) {
		s, _, session, tb := benchBed(b)
		s.sim.Swallow(testSchema, "t")
		rec := benchBatch(b, tb, batch.Rows)
		tx, err := session.Begin(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		defer tx.Rollback(context.Background())
		if _, err := tx.Claim(b.Context(), []ledger.Loaded{pack("t/0001", 0)}); err != nil {
			b.Fatal(err)
		}
		w, err := tx.Writer(b.Context(), tb, catalog.WholeTable())
		if err != nil {
			b.Fatal(err)
		}
		defer w.Close()
		b.ResetTimer()
		for b.Loop() {
			if err := w.Write(b.Context(), rec); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)*batch.Rows/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("driver", func(b *testing.B) {
		s, _, _, tb := benchBed(b)
		s.sim.Swallow(testSchema, "t")
		rec := benchBatch(b, tb, batch.Rows)
		conn := rawConn(b, s)
		defer conn.Close()
		st, err := conn.(driver.ConnPrepareContext).PrepareContext(b.Context(), insertT+` ("id", "a", "d", "at", "n", "b") VALUES (?, ?, ?, ?, ?, ?)`)
		if err != nil {
			b.Fatal(err)
		}
		boxed := boxedRows(rec)
		args := make([]driver.NamedValue, len(boxed))
		b.ResetTimer()
		for b.Loop() {
			for i, v := range boxed {
				args[i].Value = v
			}
			if _, err := st.(driver.StmtExecContext).ExecContext(b.Context(), args); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)*batch.Rows/b.Elapsed().Seconds(), "rows/s")
	})
}

func rawConn(b *testing.B, s *environment) driver.Conn {
	c := s.connector()
	c.SetBufferSize(1 << 20)
	c.SetBulkSize(1 << 20)
	c.SetFetchSize(4096)
	conn, err := c.Connect(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return conn
}

func boxedRows(rec arrow.RecordBatch) (out []any) {
	for i := range int(rec.NumRows()) {
		out = append(out, rec.Column(0).(*array.Int64).Value(i), strings.Clone(rec.Column(1).(*array.String).Value(i)),
			big.NewRat(int64(rec.Column(2).(*array.Decimal128).Value(i).LowBits()), 100), time.UnixMicro(int64(rec.Column(3).(*array.Timestamp).Value(i))).UTC(),
			int64(rec.Column(4).(*array.Int32).Value(i)), strings.Clone(rec.Column(5).(*array.String).Value(i)))
	}
	return out
}

// BenchmarkRead compares the reader with what the driver does alone, values being dropped.
func BenchmarkRead(b *testing.B) {
	const rows = 200_000
	filled := func(b *testing.B) (*environment, providers.Target, *catalog.Table) {
		s, db, session, tb := benchBed(b)
		if err := loaded(b.Context(), session, tb, "t/0001", benchBatch(b, tb, 2000)); err != nil {
			b.Fatal(err)
		}
		s.sim.Stream(testSchema, "t", rows)
		return s, db, tb
	}
	b.Run("provider", func(b *testing.B) {
		_, db, tb := filled(b)
		b.ResetTimer()
		for b.Loop() {
			n := int64(0)
			back(b, db, tb, providers.ReadOptions{}, func(r arrow.RecordBatch) { n += r.NumRows() })
			if n != rows {
				b.Fatalf("%d rows", n)
			}
		}
		b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("driver", func(b *testing.B) {
		s, _, _ := filled(b)
		conn := rawConn(b, s)
		defer conn.Close()
		dest := make([]driver.Value, 6)
		b.ResetTimer()
		for b.Loop() {
			r, err := conn.(driver.QueryerContext).QueryContext(b.Context(), `SELECT "id", "a", "d", "at", "n", "b" FROM "`+testSchema+`"."t"`, nil)
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for ; ; n++ {
				if err := r.Next(dest); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
			if err := r.Close(); err != nil || n != rows {
				b.Fatalf("%d rows, %v", n, err)
			}
		}
		b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
	})
}
