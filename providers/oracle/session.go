package oracle

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	ora "github.com/sijms/go-ora/v2"

	"github.com/dmoctl/dmoctl/providers"
)

// interruptGrace is how long a cancelled statement has to end on the server before its
// connection is closed.
const interruptGrace = 3 * time.Second

var errCut = errors.New("the connection was lost")

// link is the socket of a session. The driver clears every deadline before it reads, so the
// only way to end a read is to close the socket.
type link struct {
	net.Conn
	secure bool
	once   sync.Once
}

// cut ends whatever waits on the socket.
func (l *link) cut() { l.once.Do(func() { _ = l.Conn.Close() }) }

// Close implements net.Conn.
func (l *link) Close() error {
	l.cut()
	return nil
}

// interrupt asks the server to stop the statement that runs (marker 3 of the protocol, as the
// driver's BreakConnection sends it). The driver's own way races with its reads. Inside TLS
// nothing can be sent beside it.
func (l *link) interrupt() {
	if l.secure {
		l.cut()
		return
	}
	_ = l.SetWriteDeadline(time.Now().Add(time.Second)) // the driver sets its own before it writes
	if _, err := l.Write([]byte{0, 0, 0, 11, 12, 0, 0, 0, 1, 0, 3}); err != nil {
		l.cut()
	}
}

// session is one connection. One goroutine at a time.
type session struct {
	conn  *ora.Connection
	link  *link
	fetch int  // rows of a round trip, fixed when it was opened
	dead  bool // in the middle of something, or cut off: never used again
}

// dialer opens the sockets that the driver asks for, and closes them where the logon's context ends.
type dialer struct {
	ctx    context.Context
	secure bool
	opened *link // the last one: the listener may send the driver elsewhere
	stop   func() bool
}

// DialContext implements the driver's DialerContext.
func (d *dialer) DialContext(_ context.Context, network, address string) (net.Conn, error) {
	inner := &net.Dialer{Timeout: dialTimeout, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}} // reads have no other end
	c, err := inner.DialContext(d.ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.opened = &link{Conn: c, secure: d.secure}
	d.stop = context.AfterFunc(d.ctx, d.opened.cut)
	return d.opened, nil
}

// dial opens a session that fetches so many rows at a time. Errors hold no password.
func dial(ctx context.Context, cfg *config, text *serverText, fetch int) (*session, error) {
	logon, cancel := context.WithTimeout(ctx, logonTimeout)
	defer cancel()
	d := &dialer{ctx: logon, secure: cfg.secure}
	connector, ok := ora.NewConnector(cfg.url(fetch)).(*ora.OracleConnector)
	if !ok {
		return nil, &providers.Error{Kind: providers.Internal, Op: "open a session", Err: errForm}
	}
	connector.Dialer(d)
	if cfg.tls != nil {
		connector.WithTLSConfig(cfg.tls.Clone()) // the driver writes the host into it
	}
	ora.SetStringConverter(connector, text, newNationalText())
	conn, err := connect(connector)
	if err == nil && !d.stop() {
		err = logon.Err()
	}
	if err != nil {
		if d.opened != nil {
			d.opened.cut()
		}
		return nil, connectError(cfg, errors.Join(err, logon.Err()))
	}
	s := &session{conn: conn, link: d.opened, fetch: fetch}
	if err := s.setUp(ctx); err != nil {
		s.dead = true
		s.close()
		return nil, err
	}
	return s, nil
}

// connect logs on. The driver's own cancelling races with its reads, so it gets no context.
func connect(connector driver.Connector) (_ *ora.Connection, err error) {
	defer recovered(&err)
	conn, err := connector.Connect(context.Background())
	if err != nil {
		return nil, err
	}
	out, ok := conn.(*ora.Connection)
	if !ok {
		return nil, errForm
	}
	return out, nil
}

// recovered turns a panic of the driver's into an error: it indexes what the server sends unchecked.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", errForm, p)
	}
}

// close ends the session. One that is dead is not spoken to any more.
func (s *session) close() {
	if s.dead {
		s.link.cut()
	}
	off := time.AfterFunc(interruptGrace, s.link.cut)
	defer off.Stop()
	var err error
	func() {
		defer recovered(&err)
		err = s.conn.Close() // logs off; nothing is left to lose where that fails
	}()
	s.link.cut()
}

// guard runs a call of the driver's that talks to the server, and ends it once ctx ends.
func (s *session) guard(ctx context.Context, patience time.Duration, call func() error) (err error) {
	if s.dead {
		return errCut
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	stop := context.AfterFunc(ctx, func() {
		if patience > 0 {
			s.link.interrupt()
			time.AfterFunc(patience, s.link.cut)
			return
		}
		s.link.cut()
	})
	func() {
		defer recovered(&err)
		err = call()
	}()
	if !stop() { // whatever the call has returned: an interrupt may still be on its way
		s.dead = true
		return ctx.Err()
	}
	if err != nil && !errors.Is(err, io.EOF) && !fromServer(err) {
		s.dead = true
	}
	return err
}

// exec runs a statement without a result.
func (s *session) exec(ctx context.Context, op, sql string) error {
	return wrap(op, s.guard(ctx, interruptGrace, func() error {
		_, err := s.conn.ExecContext(context.Background(), sql, nil)
		return err
	}))
}

// cursor is an open result. One goroutine.
type cursor struct {
	s    *session
	rows driver.Rows
	row  []driver.Value // of the last next; the values stay valid, the slice is used again
}

// open runs a query with text parameters, which stand for :1, :2, ... by position.
func (s *session) open(ctx context.Context, sql string, params []string) (*cursor, error) {
	c := &cursor{s: s}
	args := make([]driver.NamedValue, len(params))
	for i, p := range params {
		args[i] = driver.NamedValue{Ordinal: i + 1, Value: p}
	}
	err := s.guard(ctx, interruptGrace, func() (err error) {
		if c.rows, err = s.conn.QueryContext(context.Background(), sql, args); err != nil {
			return err
		}
		c.row = make([]driver.Value, len(c.rows.Columns()))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// next moves to the next row; io.EOF after the last. It talks to the server once a page only,
// but whoever cancels must be heard then.
func (c *cursor) next() error {
	if c.s.dead {
		return errCut
	}
	err := c.step()
	if err != nil && !errors.Is(err, io.EOF) && !fromServer(err) { // a connection's EOF comes as ErrBadConn
		c.s.dead = true
	}
	return err
}

func (c *cursor) step() (err error) {
	defer recovered(&err)
	return c.rows.Next(c.row)
}

// close gives the cursor back to the server.
func (c *cursor) close(ctx context.Context) error {
	if c.s.dead {
		return nil
	}
	return c.s.guard(ctx, 0, c.rows.Close)
}

// row is one row of a small result.
type row []driver.Value

func (r row) null(i int) bool { return r[i] == nil }

// text returns a value as the server spelled it, "" for NULL. What is not text stays as it came.
func (r row) text(i int) string {
	switch v := r[i].(type) {
	case string:
		if s, err := unicodeText(v); err == nil {
			return s
		}
		return v
	case []byte:
		return string(v)
	}
	return ""
}

// int returns a number, or 0 for NULL; what does not fit is the nearest number that does.
func (r row) int(i int) int64 {
	n, err := strconv.ParseInt(r.text(i), 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0
	}
	return n // ParseInt returns the nearest one beside ErrRange
}

// time returns a point in time, civil fields in UTC.
func (r row) time(i int) time.Time {
	t, _ := r[i].(time.Time)
	return t
}

// query runs one statement and calls each for every row, which is valid during the call only.
func (s *session) query(ctx context.Context, op, sql string, params []string, each func(row) error) error {
	c, err := s.open(ctx, sql, params)
	if err != nil {
		return wrap(op, err)
	}
	stop := context.AfterFunc(ctx, s.link.cut)
	for err == nil {
		if err = c.next(); err == nil {
			err = each(row(c.row))
		}
	}
	if !stop() {
		s.dead = true
		return wrap(op, ctx.Err())
	}
	ended := errors.Is(err, io.EOF)
	if closing := c.close(ctx); ended {
		return wrap(op, closing)
	}
	return wrap(op, err)
}

// one runs a statement that yields one row at most; nil is none.
func (s *session) one(ctx context.Context, op, sql string) (row, error) {
	var out row
	err := s.query(ctx, op, sql, nil, func(r row) error {
		if out == nil {
			out = append(row{}, r...)
		}
		return nil
	})
	return out, err
}
