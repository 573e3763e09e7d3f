package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/providers"
)

const ordersTable = `CREATE TABLE orders (
  l_orderkey bigint NOT NULL, l_partkey int NOT NULL, l_suppkey int NOT NULL, l_linenumber int NOT NULL, l_quantity numeric(15,2) NOT NULL,
  l_extendedprice numeric(15,2) NOT NULL, l_discount numeric(15,2) NOT NULL, l_tax numeric(15,2) NOT NULL, l_returnflag char(1) NOT NULL,
  l_linestatus char(1) NOT NULL, l_shipdate date NOT NULL, l_commitdate date NOT NULL, l_receiptdate date NOT NULL,
  l_shipinstruct char(25) NOT NULL, l_shipmode char(10) NOT NULL, l_comment varchar(44) NOT NULL);
INSERT INTO orders SELECT i / 4 + 1, i % 800000, i % 40000, i % 7 + 1, i % 50 + 1, (i * 7919 % 9000000) / 100.0, i % 11 / 100.0, i % 9 / 100.0,
  substr('RAN', i % 3 + 1, 1), substr('OF', i % 2 + 1, 1), date '1992-01-01' + i % 2500, date '1992-01-20' + i % 2500, date '1992-01-30' + i % 2500,
  'DELIVER IN PERSON', 'REG AIR', substr('carefully final deposits sleep furiously above the bold requests', i % 20 + 1, 10 + i % 34)
FROM generate_series(1, %d) i`

// orders returns the table and its rows as messages of a binary COPY.
func orders(tb testing.TB) (*catalog.Table, []byte) {
	tb.Helper()
	s := pgtest.Shared(tb)
	url := s.NewDatabase(tb)
	s.Exec(tb, url, string(bytes.Replace([]byte(ordersTable), []byte("%d"), []byte("50000"), 1)))
	db, err := open(context.Background(), schema.Values{"url": url}, providers.Env{Log: hclog.NewNullLogger()}, source)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	c, err := db.Catalog(context.Background(), providers.Selector{})
	if err != nil {
		tb.Fatal(err)
	}
	pg, err := pgconn.Connect(context.Background(), url)
	if err != nil {
		tb.Fatal(err)
	}
	defer pg.Close(context.Background())
	var framed frames
	if _, err := pg.CopyTo(context.Background(), &framed, "COPY orders TO STDOUT (FORMAT binary)"); err != nil {
		tb.Fatal(err)
	}
	return c.Tables[0], framed.Bytes()
}

// frames keeps each row as the message that it came in.
type frames struct{ bytes.Buffer }

func (f *frames) Write(p []byte) (int, error) {
	f.Buffer.WriteByte('d')
	_ = binary.Write(&f.Buffer, binary.BigEndian, uint32(len(p)+4))
	return f.Buffer.Write(p)
}

// endless repeats messages, leaving out the file's header after the first time.
type endless struct {
	all, rest []byte
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		e.rest = e.all
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func benchReader(tb testing.TB, t *catalog.Table, in io.Reader) *reader {
	tb.Helper()
	s := &session{wire: newWire(in)}
	rd, err := newReader(s, t, providers.ReadOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	rd.header = true
	return rd
}

// rowsOnly strips the header of the first message and the end marker of the last.
func rowsOnly(data []byte) []byte {
	first := headerSize + int(binary.BigEndian.Uint32(data[1:])) - 4
	row := data[headerSize+copyHeader : first]
	out := append([]byte{'d'}, binary.BigEndian.AppendUint32(nil, uint32(len(row)+4))...)
	out = append(append(out, row...), data[first:]...)
	return out[:len(out)-headerSize-2]
}

// rowsPerSecond reports the cost of one row.
func perRow(b *testing.B, rows int64) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/row")
}

func BenchmarkDecodeOrders(b *testing.B) {
	t, data := orders(b)
	rd := benchReader(b, t, &endless{all: rowsOnly(data)})
	b.ReportAllocs()
	var rows int64
	for b.Loop() {
		rec, err := rd.next(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		rows += rec.NumRows()
		rec.Release()
	}
	perRow(b, rows)
}

func BenchmarkEncodeOrders(b *testing.B) {
	t, data := orders(b)
	rd := benchReader(b, t, &endless{all: rowsOnly(data)})
	rec, err := rd.next(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	defer rec.Release()
	b.ReportAllocs()
	var rows int64
	w := benchWriter(t)
	for b.Loop() {
		w.out.buf, w.out.start = w.out.buf[:0], -1
		w.out.open()
		if err := encodeBatch(w, rec); err != nil {
			b.Fatal(err)
		}
		rows += rec.NumRows()
	}
	perRow(b, rows)
}

func benchWriter(t *catalog.Table) *writer {
	w := &writer{table: t, out: &copyIn{start: -1}, header: []byte{0, byte(len(t.Columns))}}
	for _, c := range t.CopiedColumns() {
		w.encoders = append(w.encoders, newEncoder(c.Type, c.Declared, 0))
	}
	return w
}

// encodeBatch is writer.write without a connection: the buffer is emptied where it would be sent.
func encodeBatch(w *writer, rec arrow.RecordBatch) error {
	for i, e := range w.encoders {
		e.bind(rec.Column(i).Data())
	}
	buf := w.out.buf
	for i := range int(rec.NumRows()) {
		buf = append(buf, w.header...)
		for _, e := range w.encoders {
			var err error
			if buf, err = e.encode(buf, i); err != nil {
				return err
			}
		}
		if len(buf) >= sendBuffer {
			buf = buf[:0]
		}
	}
	w.out.buf = buf
	return nil
}
