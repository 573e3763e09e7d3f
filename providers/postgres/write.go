package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/readers"
)

const (
	opWrite    = "load"
	sendBuffer = 256 << 10 // bytes of COPY data sent at once
	wideValue  = 64 << 10  // a longer value is sent from where it lies in the batch
	wideChunk  = 1 << 20   // bytes of one message of such a value
)

// copyIn is the sending side of a binary COPY. Query, data and end go out
// without waiting for the server in between, so a tiny table costs one round trip.
type copyIn struct {
	s       *session
	buf     []byte // s.out: messages not sent yet
	start   int    // where the current message of data begins, or -1
	answer  chan error
	waiting bool // a goroutine waits for the server's answer
	tag     pgconn.CommandTag
}

var copySignature = []byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")

func newCopyIn(s *session, sql string) (*copyIn, error) {
	c := &copyIn{s: s, buf: s.out[:0], start: -1}
	if c.buf == nil {
		c.buf = make([]byte, 0, sendBuffer+sendBuffer/4)
	}
	var err error
	if c.buf, err = (&pgproto3.Query{String: sql}).Encode(c.buf); err != nil {
		return nil, err
	}
	c.open()
	c.buf = append(c.buf, copySignature...)
	return c, nil
}

// open begins a message of data; its length is filled in by seal.
func (c *copyIn) open() {
	c.start = len(c.buf)
	c.buf = append(c.buf, 'd', 0, 0, 0, 0)
}

func (c *copyIn) seal() {
	binary.BigEndian.PutUint32(c.buf[c.start+1:], uint32(len(c.buf)-c.start-1))
	c.start = -1
}

// flush sends what there is. The first time it also starts to listen, so that
// an error ends the load long before its end.
func (c *copyIn) flush() error {
	if c.start >= 0 {
		c.seal()
	}
	if !c.waiting {
		c.waiting = true
		c.answer = make(chan error, 1)
		go func() { c.answer <- c.receive() }()
	}
	select {
	case err := <-c.answer:
		c.answer <- err // for finish
		if err == nil {
			err = errors.New("the server ended the load before its end")
		}
		return err
	default:
	}
	_, err := c.s.pg.Conn().Write(c.buf)
	c.buf = c.buf[:0]
	if err == nil {
		c.open()
	}
	return err
}

// wide sends a value of the current message without copying it.
func (c *copyIn) wide(v []byte) error {
	if err := c.flush(); err != nil {
		return err
	}
	c.buf = c.buf[:0]
	for len(v) > 0 {
		n := min(len(v), wideChunk)
		header := binary.BigEndian.AppendUint32([]byte{'d'}, uint32(n+4))
		if _, err := c.s.pg.Conn().Write(header); err != nil {
			return err
		}
		if _, err := c.s.pg.Conn().Write(v[:n]); err != nil {
			return err
		}
		v = v[n:]
	}
	c.open()
	return nil
}

// receive reads the server's answers up to where it is ready again.
func (c *copyIn) receive() error {
	var failed error
	for {
		m, err := c.s.pg.Frontend().Receive()
		if err != nil {
			if failed != nil {
				return failed
			}
			c.s.dead = true
			return err
		}
		switch m := m.(type) {
		case *pgproto3.ErrorResponse:
			if failed == nil {
				failed = pgconn.ErrorResponseToPgError(m)
			}
			if fatal(m) {
				c.s.dead = true
				return failed
			}
		case *pgproto3.CommandComplete:
			c.tag = pgconn.NewCommandTag(string(m.CommandTag))
		case *pgproto3.ReadyForQuery:
			return failed
		}
	}
}

// end sends the last message and returns the server's answer.
func (c *copyIn) end(last pgproto3.FrontendMessage) error {
	if c.start >= 0 {
		c.seal()
	}
	var err error
	if c.buf, err = last.Encode(c.buf); err != nil {
		return err
	}
	_, sent := c.s.pg.Conn().Write(c.buf)
	c.s.out = c.buf[:0]
	if c.waiting {
		err = <-c.answer
	} else {
		err = c.receive()
	}
	if err == nil && sent != nil {
		err = sent
	}
	if sent != nil {
		c.s.dead = true
	}
	return err
}

// writer loads one package.
type writer struct {
	out      *copyIn
	table    *catalog.Table
	encoders []encoder
	header   []byte // count of columns, before each row
	rows     int64
	previous window // the batch before, for the key of a row that the server refuses late
	current  window
	done     bool
	failed   error
}

// window is a batch and the number of its first row.
type window struct {
	first int64
	batch arrow.RecordBatch
}

func (w *window) drop() {
	if w.batch != nil {
		w.batch.Release()
		w.batch = nil
	}
}

// Write implements providers.Writer.
func (w *writer) Write(ctx context.Context, b arrow.RecordBatch) error {
	if w.failed != nil {
		return w.failed
	}
	stop := w.out.s.watch(ctx)
	err := w.write(b)
	if stop() {
		err = ctx.Err()
	}
	return w.fail(err)
}

func (w *writer) write(b arrow.RecordBatch) error {
	if int(b.NumCols()) != len(w.encoders) {
		return errors.New("the batch and the table have different numbers of columns")
	}
	w.previous.drop()
	w.previous = w.current
	b.Retain()
	w.current = window{w.rows, b}
	for i, e := range w.encoders {
		e.bind(b.Column(i).Data())
	}
	if err := w.encode(b); err != nil {
		return err
	}
	w.rows += b.NumRows()
	if batch.Bytes(b) > readers.BatchBytes { // a wide row's share of the budget ends with this call
		w.drop()
		for _, e := range w.encoders {
			e.release()
		}
	}
	return nil
}

// encode writes the batch's rows into the buffer, and sends it whenever it is full.
// The buffer stays in a variable of its own: through w.out each append would write it back.
func (w *writer) encode(b arrow.RecordBatch) (err error) {
	out := w.out
	buf := out.buf
	for i := range int(b.NumRows()) {
		buf = append(buf, w.header...)
		for j, e := range w.encoders {
			if buf, err = e.encode(buf, i); err == nil {
				continue
			}
			out.buf = buf
			if !errors.Is(err, errWide) {
				return w.valueError(err, j, b, i)
			}
			wide := e.(*bytesEncoder)
			err := out.wide(wide.rest)
			wide.rest = nil
			if err != nil {
				return err
			}
			buf = out.buf
		}
		if len(buf) >= sendBuffer {
			out.buf = buf
			if err := out.flush(); err != nil {
				return err
			}
			buf = out.buf
		}
	}
	out.buf = buf
	return nil
}

// valueError is about a cell, or about the connection where the cell was sent at once.
func (w *writer) valueError(err error, column int, b arrow.RecordBatch, row int) error {
	if !errors.Is(err, errRange) && !errors.Is(err, errNumberText) {
		return err
	}
	return &providers.Error{Kind: providers.Value, Op: opWrite, Table: w.table.Name, Column: b.ColumnName(column),
		Key: batch.FormatKey(b, row, w.table.KeyColumns()), Err: err}
}

// Finish implements providers.Writer.
func (w *writer) Finish(ctx context.Context) (int64, error) {
	if w.failed != nil {
		return 0, w.failed
	}
	w.done = true
	stop := w.out.s.watch(ctx)
	w.out.buf = append(w.out.buf, 0xff, 0xff)
	err := w.out.end(&pgproto3.CopyDone{})
	if stop() {
		err = ctx.Err()
	}
	err = w.fail(err)
	w.drop()
	return w.out.tag.RowsAffected(), err
}

// Done implements fenced.Writer.
func (w *writer) Done() bool { return w.done && w.failed == nil }

// Close implements providers.Writer. A load that was not finished leaves a
// transaction that can only be rolled back.
func (w *writer) Close() error {
	w.drop()
	if w.done {
		return nil
	}
	w.done = true
	if w.failed == nil {
		w.failed = &providers.Error{Kind: providers.Internal, Op: opWrite, Table: w.table.Name, Err: errors.New("the load was aborted")}
	}
	if w.out.s.dead {
		return nil
	}
	_ = w.out.s.pg.Conn().SetDeadline(time.Now().Add(10 * time.Second))
	if err := w.out.end(&pgproto3.CopyFail{Message: "given up"}); err != nil && !isState(err, "57014") {
		var pg *pgconn.PgError
		if !errors.As(err, &pg) {
			w.out.s.dead = true
		}
	}
	_ = w.out.s.pg.Conn().SetDeadline(time.Time{})
	return nil
}

func (w *writer) drop() {
	w.previous.drop()
	w.current.drop()
}

// copyPlace is how the server says where in a COPY it was.
var copyPlace = regexp.MustCompile(`^COPY .*, line (\d+)(?:, column (.*))?$`)

func (w *writer) fail(err error) error {
	if err == nil {
		return nil
	}
	var pg *pgconn.PgError
	isServer := errors.As(err, &pg)
	if !isServer {
		// What broke the connection may stand in the server's last words.
		if w.out.waiting && broken(err) {
			if answer := w.lastWords(); answer != nil {
				err, isServer = answer, errors.As(answer, &pg)
			}
		}
		if broken(err) || errors.Is(err, context.Canceled) {
			w.out.s.dead = true
		}
	}
	wrapped := providers.Gone(wrapTable(opWrite, w.table.Name, err))
	var e *providers.Error
	if isServer && errors.As(wrapped, &e) {
		w.place(e, pg)
	}
	w.failed = wrapped
	return wrapped
}

func (w *writer) lastWords() error {
	select {
	case err := <-w.out.answer:
		w.out.answer <- err
		return err
	case <-time.After(time.Second):
		return nil
	}
}

// place fills in column and key of the row that the server refused, where its batch is still held.
func (w *writer) place(e *providers.Error, pg *pgconn.PgError) {
	if pg.ColumnName != "" {
		e.Column = pg.ColumnName
	}
	m := copyPlace.FindStringSubmatch(strings.SplitN(pg.Where, "\n", 2)[0])
	if m == nil {
		return
	}
	if e.Column == "" {
		e.Column, _, _ = strings.Cut(m[2], ":")
	}
	line, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return
	}
	for _, at := range []window{w.previous, w.current} {
		if at.batch != nil && line > at.first && line <= at.first+at.batch.NumRows() {
			e.Key = batch.FormatKey(at.batch, int(line-1-at.first), w.table.KeyColumns())
		}
	}
}
