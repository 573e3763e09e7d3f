package hana_test

import (
	"context"
	"math/big"
	"runtime"
	"testing"
	"time"

	"github.com/SAP/go-hdb/driver"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
)

const benchTable = `CREATE COLUMN TABLE "T" ("ID" BIGINT PRIMARY KEY, "A" NVARCHAR(40), "B" NVARCHAR(40), "C" DECIMAL(15,2), "D" TIMESTAMP, "E" INTEGER)`

// BenchmarkInsert measures the driver's bulk insert: into a table, and into nothing.
func BenchmarkInsert(b *testing.B) {
	for _, mode := range []string{"stored", "swallowed"} {
		b.Run(mode, func(b *testing.B) {
			environment := bench(b)
			environment.exec(environment.db, benchTable)
			if mode == "swallowed" {
				environment.Swallow("SYSTEM", "T")
			}
			load(b, environment, b.N)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.HeapInuse)/float64(b.N), "heap-B/row")
		})
	}
}

// BenchmarkSelect measures reading: rows that are stored, and pages that are encoded once.
func BenchmarkSelect(b *testing.B) {
	for _, mode := range []string{"stored", "streamed"} {
		b.Run(mode, func(b *testing.B) {
			environment := bench(b)
			environment.exec(environment.db, benchTable)
			if mode == "streamed" {
				load(b, environment, 1000)
				environment.Stream("SYSTEM", "T", int64(b.N))
			} else {
				load(b, environment, b.N)
			}
			b.ResetTimer()
			rows, err := environment.db.Query(`SELECT "ID", "A", "B", "C", "D", "E" FROM "T"`)
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for ; rows.Next(); n++ {
			}
			if rows.Err() != nil || n != b.N {
				b.Fatal(n, rows.Err())
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func bench(b *testing.B) *environment {
	b.Helper()
	srv, err := hana.Start(hana.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { srv.Close() })
	t := &environment{Server: srv, t: b}
	t.db = t.connect("SYSTEM", "Manager1", func(c *driver.Connector) {
		c.SetFetchSize(5000)
		c.SetBulkSize(5000)
		c.SetBufferSize(1 << 20)
	})
	return t
}

func load(b *testing.B, environment *environment, rows int) {
	b.Helper()
	tx, err := environment.conn().BeginTx(context.Background(), nil)
	if err != nil {
		b.Fatal(err)
	}
	at := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	amount := big.NewRat(12345, 100)
	i := 0
	if _, err := tx.Exec(`INSERT INTO "T" VALUES (?, ?, ?, ?, ?, ?)`, func(args []any) error {
		if i == rows {
			return driver.ErrEndOfRows
		}
		args[0], args[1], args[2], args[3], args[4], args[5] = i, "some text of a row", "more text of a row", amount, at, i%100
		i++
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}
