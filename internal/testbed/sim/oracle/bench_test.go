package oracle_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"testing"

	go_ora "github.com/sijms/go-ora/v2"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle"
)

// readAll reads a query below database/sql and throws its values away.
func readAll(tb testing.TB, srv *oracle.Server, q string) int {
	tb.Helper()
	c, err := go_ora.NewConnection(dsn(srv, "DMO", "secret", "&PREFETCH_ROWS=5000"), nil)
	if err != nil {
		tb.Fatal(err)
	}
	if err := c.OpenWithContext(context.Background()); err != nil {
		tb.Fatal(err)
	}
	defer c.Close()
	rows, err := c.QueryContext(context.Background(), q, nil)
	if err != nil {
		tb.Fatal(err)
	}
	n := 0
	for dest := make([]driver.Value, len(rows.Columns())); ; n++ {
		if err := rows.Next(dest); errors.Is(err, io.EOF) {
			return n
		} else if err != nil {
			tb.Fatal(err)
		}
	}
}

// BenchmarkRows reads rows of the table, and canned pages: what the client can take at most.
func BenchmarkRows(b *testing.B) {
	for _, canned := range []bool{false, true} {
		name := map[bool]string{false: "table", true: "canned"}[canned]
		b.Run(name, func(b *testing.B) {
			srv := start(b, oracle.Options{})
			db := open(b, srv, "")
			run(b, db, "CREATE TABLE t (id NUMBER(10), v VARCHAR2(100))")
			const n = 200_000
			if _, err := srv.Load("DMO", "T", numbers(n)); err != nil {
				b.Fatal(err)
			}
			if canned {
				srv.Canned("DMO.T", n)
			}
			for b.Loop() {
				if got := readAll(b, srv, "SELECT id, v FROM t"); got != n {
					b.Fatalf("%d rows", got)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
