package postgres

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/readers"
)

const (
	opRead     = readers.Op
	copyHeader = 19 // bytes before the first row of a binary COPY
)

var errCopyForm = errors.New("the server sent a row that is not in binary COPY format")

// reader streams one range by binary COPY. Rows shorter than the session's
// buffer are decoded where they lie in it; a longer one is read field by field
// straight into its column, once the budget has room for it.
type reader struct {
	s     *session
	table *catalog.Table
	acc   *readers.Accumulator
	apps  []appender

	before, after string   // of the statement, around the name of a part
	from          []string // parts that are still to be read

	header bool // seen
	ended  bool
	failed error
	closed bool
}

// selectColumn spells a column so that the server sends it in the form that its appender takes.
func selectColumn(c catalog.Column) string {
	name := quoteIdent(c.Name)
	switch c.Type.Kind {
	case catalog.Text, catalog.JSON: // jsonb has a version byte and xml an encoding of its own
		return name + "::text"
	case catalog.Int64: // oid has four bytes
		return name + "::int8"
	}
	return name
}

// from names the rows' table. ONLY leaves out tables that inherit, which travel on their own.
func from(t *catalog.Table, r catalog.Range) string {
	switch {
	case r.Partition != nil:
		return "ONLY " + quoteName(*r.Partition)
	case t.PartitionBy != "":
		return quoteName(t.Name)
	}
	return "ONLY " + quoteName(t.Name)
}

// from names what is read of a part. A target is read as queries of it are answered, so that
// rows of a child which nobody loaded are found.
func (v *view) from(p part) string {
	if v.sn.db.role == targetRole && p.name == p.table.Name {
		return quoteName(p.name)
	}
	return "ONLY " + quoteName(p.name)
}

// newReader makes a column of each that is copied.
func newReader(s *session, t *catalog.Table, how providers.ReadOptions) (*reader, error) {
	acc, err := readers.New(t, how)
	if err != nil {
		return nil, err
	}
	rd := &reader{s: s, table: t, acc: acc}
	for i, c := range acc.Columns {
		a, err := newAppender(c.Type, &s.buffers)
		if err != nil {
			return nil, acc.Unreadable(i, err)
		}
		rd.apps = append(rd.apps, a)
	}
	acc.Take = func(i int) arrow.Array {
		d := rd.apps[i].finish()
		defer d.Release()
		return array.MakeFromData(d)
	}
	return rd, nil
}

func openReader(ctx context.Context, v *view, t *catalog.Table, r catalog.Range, how providers.ReadOptions) (*reader, error) {
	rd, err := newReader(v.s, t, how)
	if err != nil {
		return nil, err
	}
	list := make([]string, len(rd.apps))
	for i, c := range rd.acc.Columns {
		list[i] = selectColumn(c)
	}
	where, err := predicate(t, r)
	if err != nil {
		return nil, &providers.Error{Kind: providers.Internal, Op: opRead, Table: t.Name, Err: err}
	}
	rd.before, rd.after = "COPY (SELECT "+strings.Join(list, ", ")+" FROM ", where+") TO STDOUT (FORMAT binary)"
	for _, p := range v.parts(t, r) {
		rd.from = append(rd.from, v.from(p))
	}
	if len(rd.from) == 0 { // a partitioned table without leaves
		rd.ended = true
		return rd, nil
	}
	if err := rd.send(); err != nil {
		return nil, wrapTable(opRead, t.Name, err)
	}
	return rd, nil
}

// send asks for the rows of the next part.
func (rd *reader) send() error {
	sql := rd.before + rd.from[0] + rd.after
	rd.from, rd.header = rd.from[1:], false
	rd.s.pg.Frontend().Send(&pgproto3.Query{String: sql})
	if err := rd.s.pg.Frontend().Flush(); err != nil {
		rd.s.dead = true
		return err
	}
	return nil
}

// Next implements providers.Reader.
func (rd *reader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	rd.acc.Release()
	if rd.failed != nil {
		return nil, rd.failed
	}
	if rd.ended {
		return nil, io.EOF
	}
	stop := context.AfterFunc(ctx, func() { _ = rd.s.pg.Conn().SetDeadline(time.Unix(1, 0)) })
	b, err := rd.next(ctx)
	if !stop() && ctx.Err() != nil { // the deadline stays: the session is lost
		rd.s.dead = true
		if b != nil {
			b.Release()
		}
		b, err = nil, ctx.Err()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = wrapTable(opRead, rd.table.Name, err)
		// After a refused value the messages continue; after anything else nobody knows where they stand.
		rd.s.dead = rd.s.dead || !rd.ended && providers.KindOf(err) != providers.Value
		rd.failed = err
	}
	return b, err
}

func (rd *reader) next(ctx context.Context) (arrow.RecordBatch, error) {
	for {
		kind, n, err := rd.s.wire.peekHeader()
		if err != nil {
			return nil, err
		}
		if kind != 'd' {
			done, err := rd.control()
			switch {
			case err != nil:
				return nil, err
			case done && rd.acc.Rows() > 0:
				return rd.acc.Batch(), nil
			case done:
				return nil, io.EOF
			}
			continue
		}
		if rd.acc.Full(int64(n)) {
			return rd.acc.Batch(), nil
		}
		if err := rd.acc.Acquire(ctx, int64(n)); err != nil {
			return nil, rd.acc.TooWide(err, func() error { return rd.message(n) })
		}
		if err := rd.message(n); err != nil {
			return nil, err
		}
	}
}

// control takes a message that is no data. Done is true once the server is ready again.
func (rd *reader) control() (done bool, err error) {
	m, err := rd.s.pg.Frontend().Receive()
	if err != nil {
		return false, err
	}
	switch m := m.(type) {
	case *pgproto3.ErrorResponse:
		rd.failed = providers.Gone(wrapTable(opRead, rd.table.Name, pgconn.ErrorResponseToPgError(m)))
		if isState(rd.failed, "40001") {
			rd.failed = snapshotError(rd.failed)
		}
		if fatal(m) {
			rd.s.dead = true
			return false, rd.failed
		}
	case *pgproto3.ReadyForQuery:
		if rd.failed == nil && len(rd.from) > 0 && !rd.closed {
			return false, rd.send()
		}
		rd.ended = true
		return true, rd.failed
	}
	return false, nil
}

// fatal says whether the server ends the session with this error.
func fatal(m *pgproto3.ErrorResponse) bool {
	s := cmp.Or(m.SeverityUnlocalized, m.Severity)
	return s == "FATAL" || s == "PANIC"
}

// message decodes one message of COPY data, which holds one row; the first also the header.
func (rd *reader) message(n int) error {
	if _, err := rd.s.wire.take(headerSize); err != nil {
		return err
	}
	if !rd.header {
		if n < copyHeader {
			return errCopyForm
		}
		if _, err := rd.s.wire.take(copyHeader); err != nil {
			return err
		}
		rd.header = true
		n -= copyHeader
	}
	if n == 0 {
		return nil
	}
	if n > wireBuffer {
		return rd.wideRow(n)
	}
	b, err := rd.s.wire.take(n)
	if err != nil {
		return err
	}
	return rd.row(b)
}

// row decodes a row that lies in the buffer as a whole.
func (rd *reader) row(b []byte) error {
	if len(b) < 2 {
		return errCopyForm
	}
	if count := int16(binary.BigEndian.Uint16(b)); count == -1 {
		return nil // the end marker; CopyDone follows
	} else if int(count) != len(rd.apps) {
		return errCopyForm
	}
	width := int64(len(b))
	b = b[2:]
	var bad *readers.Refusal
	for i, a := range rd.apps {
		if len(b) < 4 {
			return errCopyForm
		}
		n := int(int32(binary.BigEndian.Uint32(b)))
		b = b[4:]
		if n < 0 {
			a.appendNull()
			continue
		}
		if n > len(b) {
			return errCopyForm
		}
		if rd.acc.Large(int64(n)) {
			bad = rd.acc.TooLarge(i, int64(n), "bytes")
			a.appendNull()
		} else if err := a.append(b[:n]); err != nil {
			bad = &readers.Refusal{Column: i, Err: err}
			a.appendNull()
		}
		b = b[n:]
	}
	rd.acc.Add(width)
	if bad != nil {
		return rd.acc.Refuse(bad)
	}
	return nil
}

// wideRow decodes a row that is longer than the buffer.
func (rd *reader) wideRow(n int) error {
	w := rd.s.wire
	b, err := w.take(2)
	if err != nil {
		return err
	}
	if int(binary.BigEndian.Uint16(b)) != len(rd.apps) {
		return errCopyForm
	}
	var bad *readers.Refusal
	for i, a := range rd.apps {
		if b, err = w.take(4); err != nil {
			return err
		}
		size := int(int32(binary.BigEndian.Uint32(b)))
		if size < 0 {
			a.appendNull()
			continue
		}
		if rd.acc.Large(int64(size)) {
			bad = rd.acc.TooLarge(i, int64(size), "bytes")
			a.appendNull()
			if err := w.discard(size); err != nil {
				return err
			}
			continue
		}
		refused, err := rd.wideField(a, size)
		if err != nil {
			return err
		}
		if refused != nil {
			bad = &readers.Refusal{Column: i, Err: refused}
			a.appendNull()
		}
	}
	rd.acc.Add(int64(n))
	if bad != nil {
		return rd.acc.Refuse(bad)
	}
	return nil
}

// wideField moves one value from the connection into its column. Refused is
// about the value, err about the connection.
func (rd *reader) wideField(a appender, size int) (refused, err error) {
	if c, ok := a.(*bytesColumn); ok {
		c.reserve(size)
		start := len(c.buf)
		c.buf = c.buf[:start+size]
		if err := rd.s.wire.readFull(c.buf[start:]); err != nil {
			return nil, err
		}
		return c.appended(size), nil
	}
	if size > wireBuffer {
		return nil, errCopyForm
	}
	b, err := rd.s.wire.take(size)
	if err != nil {
		return nil, err
	}
	return a.append(b), nil
}

// Close implements providers.Reader. What is left of a range is skipped where
// that is little; else the session is given up.
func (rd *reader) Close() error {
	if rd.closed {
		return nil
	}
	rd.closed = true
	rd.acc.Release()
	if !rd.ended && !rd.s.dead {
		_ = rd.s.pg.Conn().SetDeadline(time.Now().Add(2 * time.Second))
		rd.s.dead = !rd.skip()
		if !rd.s.dead {
			_ = rd.s.pg.Conn().SetDeadline(time.Time{})
		}
	}
	return nil
}

// skip reads up to the end of the range, and false where that is too far or fails.
func (rd *reader) skip() bool {
	const most = 32 << 20
	for skipped := 0; skipped < most; {
		kind, n, err := rd.s.wire.peekHeader()
		if err != nil {
			return false
		}
		if kind != 'd' {
			if done, err := rd.control(); done {
				return true
			} else if err != nil {
				return false
			}
			continue
		}
		if rd.s.wire.discard(headerSize+n) != nil {
			return false
		}
		skipped += n
	}
	return false
}
