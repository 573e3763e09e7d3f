package oracle

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// repeated yields the same rows again and again, as the driver would.
type repeated struct {
	rows [][]driver.Value
	left int
}

func (r *repeated) Columns() []string { return make([]string, len(r.rows[0])) }
func (r *repeated) Close() error      { return nil }
func (r *repeated) Next(dest []driver.Value) error {
	if r.left == 0 {
		return io.EOF
	}
	r.left--
	copy(dest, r.rows[r.left%len(r.rows)])
	return nil
}

func sapTable() *catalog.Table {
	text := func(name string, n int) catalog.Column {
		return catalog.Column{Name: name, Declared: "VARCHAR2(10 CHAR)", Type: catalog.Type{Kind: catalog.String, Length: n}}
	}
	number := func(name string, p, s int) catalog.Column {
		return catalog.Column{Name: name, Declared: "NUMBER", Type: catalog.Type{Kind: catalog.Decimal, Precision: p, Scale: s}}
	}
	return &catalog.Table{Name: catalog.Name{Schema: "S", Name: "T"}, Key: &catalog.Key{Columns: []string{"MANDT", "VBELN"}}, Columns: []catalog.Column{
		text("MANDT", 3), text("VBELN", 10), number("POSNR", 6, 0), number("NETWR", 15, 2), number("KURSK", 9, 5),
		{Name: "ERDAT", Declared: "DATE", Type: catalog.Type{Kind: catalog.Timestamp}}, text("WAERK", 5),
		{Name: "GUID", Declared: "RAW(16)", Type: catalog.Type{Kind: catalog.Binary, Length: 16}},
	}}
}

func sapRows() [][]driver.Value {
	day := time.Date(2024, 2, 29, 13, 14, 15, 0, time.UTC)
	return [][]driver.Value{
		{"100", "0080000001", "10", "1234.5", "1.00000", day, "EUR", []byte("0123456789abcdef"), nil},
		{"100", "0080000001", "20", "-0.07", "0.91234", day, "EUR", []byte("0123456789abcdef"), nil},
		{"100", "0080000002", "999999", "9999999999999.99", "12", day, nil, []byte("0123456789abcdef"), nil},
	}
}

// fakeReader reads rows that no server has sent.
func fakeReader(tb testing.TB, t *catalog.Table, rows driver.Rows, how providers.ReadOptions) *reader {
	tb.Helper()
	s := &session{link: &link{Conn: nowhere{}}}
	rd, err := newReader(&view{sn: &snapshot{scn: "1"}, s: s}, t, how)
	if err != nil {
		tb.Fatal(err)
	}
	if rd.st, err = newStatement(t, catalog.WholeTable(), ""); err != nil {
		tb.Fatal(err)
	}
	rd.cur = &cursor{s: s, rows: rows, row: make([]driver.Value, len(rows.Columns()))}
	rd.prepare()
	return rd
}

func TestOldDatesReadAsText(t *testing.T) {
	// Trap: dates before 1582, and what invalid_date makes of days that only the Julian calendar has.
	table := sapTable()
	wrong := time.Date(1500, 3, 1, 0, 0, 0, 0, time.UTC) // what the driver makes of 1500-02-29
	row := append([]driver.Value{}, sapRows()[0]...)
	row[5], row[8] = wrong, " 15000229000000"
	read := func(policy catalog.Policy) (arrow.RecordBatch, error) {
		rd := fakeReader(t, table, &repeated{rows: [][]driver.Value{row}, left: 1}, providers.ReadOptions{BatchRows: 10, BatchBytes: 1 << 20, InvalidDate: policy})
		defer rd.Close()
		return rd.Next(context.Background())
	}
	for policy, want := range map[catalog.Policy]string{catalog.Null: "NULL", catalog.Clamp: "1500-02-28T00:00:00"} {
		b, err := read(policy)
		if err != nil {
			t.Fatal(err)
		}
		if got := batch.Format(b.Column(5), 0); got != want {
			t.Errorf("invalid_date = %q: %s, want %s", policy, got, want)
		}
		b.Release()
	}
	_, err := read(catalog.Fail)
	var e *providers.Error
	if !errors.As(err, &e) || e.Kind != providers.Value || e.Column != "ERDAT" || e.Key != "100, 0080000001" || !strings.Contains(e.Error(), "1500-02-29") {
		t.Errorf("refused with %v", err)
	}
	row[5], row[8] = time.Date(1234, 5, 6, 7, 8, 9, 0, time.UTC), " 12340506070809"
	b, err := read(catalog.Fail)
	if err != nil {
		t.Fatal(err)
	}
	if got := batch.Format(b.Column(5), 0); got != "1234-05-06T07:08:09" {
		t.Errorf("an old date is %s", got)
	}
	b.Release()
}

func TestTableStatement(t *testing.T) {
	table := sapTable()
	table.Columns = append(table.Columns,
		catalog.Column{Name: "TEXT", Declared: "CLOB", Type: catalog.Type{Kind: catalog.Text}},
		catalog.Column{Name: "SINCE", Declared: "TIMESTAMP(6) WITH TIME ZONE", Type: catalog.Type{Kind: catalog.TimestampTZ, Precision: 6}},
		catalog.Column{Name: "SPAN", Declared: "INTERVAL DAY(2) TO SECOND(6)", Type: catalog.Type{Kind: catalog.String, Length: 40}},
		catalog.Column{Name: "TWICE", Declared: "NUMBER", Type: catalog.Type{Kind: catalog.Number}, Generated: `"POSNR"*2`, Virtual: true},
		catalog.Column{Name: "OLD", Declared: "LONG RAW", Type: catalog.Type{Kind: catalog.Blob}})
	st, err := newStatement(table, catalog.Range{By: catalog.ByRowID, Partition: &catalog.Name{Schema: "S", Name: "P1"}, Lower: []string{"AAAR3sAAEAAAACXAAA"}}, " AS OF SCN 42")
	if err != nil {
		t.Fatal(err)
	}
	want := `SELECT /*+ ROWID(t) */ t."MANDT", t."VBELN", t."POSNR", t."NETWR", t."KURSK", t."ERDAT", t."WAERK", t."GUID", ` +
		`DBMS_LOB.GETLENGTH(t."TEXT"), CASE WHEN DBMS_LOB.GETLENGTH(t."TEXT") <= 1000 THEN DBMS_LOB.SUBSTR(t."TEXT", 1000, 1) END, ` +
		`SYS_EXTRACT_UTC(t."SINCE"), TO_CHAR(t."SPAN"), ROWIDTOCHAR(t.ROWID), ` +
		`CASE WHEN t."ERDAT" < DATE '1582-10-15' OR SYS_EXTRACT_UTC(t."SINCE") < TIMESTAMP '1582-10-15 00:00:00' ` +
		`THEN TO_CHAR(t."ERDAT", 'SYYYYMMDDHH24MISS') || '/' || TO_CHAR(SYS_EXTRACT_UTC(t."SINCE"), 'SYYYYMMDDHH24MISSFF9') END ` +
		`FROM "S"."T" SUBPARTITION ("P1") AS OF SCN 42 t WHERE t.ROWID >= CHARTOROWID('AAAR3sAAEAAAACXAAA')`
	if st.sql != want {
		t.Errorf("got\n%s\nwant\n%s", st.sql, want)
	}
}

// nowhere is a socket that leads nowhere.
type nowhere struct{ net.Conn }

func (nowhere) Close() error { return nil }

func BenchmarkAppendRows(b *testing.B) {
	table := sapTable()
	rd := fakeReader(b, table, &repeated{rows: sapRows(), left: 1 << 60}, providers.ReadOptions{})
	b.ReportAllocs()
	rows := int64(0)
	for b.Loop() {
		rec, err := rd.Next(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		rows += rec.NumRows()
		rec.Release()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/row")
}
