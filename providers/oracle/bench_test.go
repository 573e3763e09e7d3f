package oracle_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	ora "github.com/sijms/go-ora/v2"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

const benchRows = 300_000

// canned makes a table of eight columns as SAP has them and lets queries of it send pages that are made once.
func canned(b *testing.B) (*environment, *catalog.Table, providers.Database) {
	bd := newBed(b, nil)
	bd.exec(b, "CREATE TABLE VBAP (MANDT VARCHAR2(3) NOT NULL, VBELN VARCHAR2(10) NOT NULL, POSNR NUMBER(6) NOT NULL, NETWR NUMBER(15,2), KURSK NUMBER(9,5), "+
		"ERDAT DATE, WAERK VARCHAR2(5), GUID RAW(16), CONSTRAINT VBAP_PK PRIMARY KEY (MANDT, VBELN, POSNR))")
	n := 4000
	numbers := make([]int64, n)
	for i := range numbers {
		numbers[i] = int64(i)
	}
	if _, err := bd.db.Exec("INSERT INTO VBAP VALUES ('100', '008000' || TO_CHAR(1000 + :1), :2, :3 / 7 - 100, 1.23457 + :4 / 1000, DATE '2024-02-29' - :5 / 24, 'E' || TO_CHAR(:6), "+
		"HEXTORAW('303132333435363738396162' || TO_CHAR(10000000 + :7)))", numbers, numbers, numbers, numbers, numbers, numbers, numbers); err != nil {
		b.Fatal(err)
	}
	bd.srv.Canned(testUser+".VBAP", benchRows)
	db := bd.source(b, schema.Values{"fetch_rows": int64(2000)})
	return bd, bd.table(b, db, "VBAP"), db
}

// cpu is what this process has used; the simulator runs in it, and costs next to nothing for
// canned pages.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func perRow(b *testing.B, rows int64, used time.Duration) {
	b.ReportMetric(float64(used.Nanoseconds())/float64(rows), "cpu-ns/row")
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkDriverDiscard is the ceiling: the driver's own rows, which nobody looks at.
func BenchmarkDriverDiscard(b *testing.B) {
	bd, _, _ := canned(b)
	conn, err := ora.NewConnector(printedURL(bd.srv.Addr(), testUser, "secret", "ORCL") + "&PREFETCH_ROWS=2000").Connect(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	q, ok := conn.(driver.QueryerContext)
	if !ok {
		b.Fatal("the driver runs no queries")
	}
	rows, before := int64(0), cpu(b)
	for b.Loop() {
		rs, err := q.QueryContext(context.Background(), `SELECT MANDT, VBELN, POSNR, NETWR, KURSK, ERDAT, WAERK, GUID FROM VBAP`, nil)
		if err != nil {
			b.Fatal(err)
		}
		row := make([]driver.Value, 8)
		for {
			if err = rs.Next(row); err != nil {
				break
			}
			rows++
		}
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
		if err := rs.Close(); err != nil {
			b.Fatal(err)
		}
	}
	perRow(b, rows, cpu(b)-before)
}

// BenchmarkReader is the provider's reader on the same rows.
func BenchmarkReader(b *testing.B) {
	_, tb, db := canned(b)
	s, err := db.Snapshot(context.Background(), providers.SnapshotOptions{Readers: 1})
	if err != nil {
		b.Fatal(err)
	}
	v, err := s.Begin(context.Background(), []*catalog.Table{tb})
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	rows, before := int64(0), cpu(b)
	for b.Loop() {
		rd, err := v.Read(context.Background(), tb, catalog.WholeTable(), providers.ReadOptions{})
		if err != nil {
			b.Fatal(err)
		}
		for {
			rec, err := rd.Next(context.Background())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			rows += rec.NumRows()
			rec.Release()
		}
		if err := rd.Close(); err != nil {
			b.Fatal(err)
		}
	}
	perRow(b, rows, cpu(b)-before)
}
