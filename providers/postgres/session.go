package postgres

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/dmoctl/dmoctl/providers"
)

// session is one connection. One goroutine at a time.
type session struct {
	pg      *pgconn.PgConn
	wire    *wire
	buffers buffers       // of batches that were read here
	out     []byte        // COPY data to be sent; kept, because a buffer a table costs more than a tiny table
	known   map[used]bool // what is plain in expressions; nil until it is asked for
	role    role
	dead    bool   // in the middle of something, or cut off: never used again
	closed  func() // told when the session ends; may be nil
}

// dial opens a session. Errors hold neither password nor connection string.
func dial(ctx context.Context, template *pgconn.Config) (*session, error) {
	cfg := template.Copy()
	wires := make(map[*pgproto3.Frontend]*wire) // an attempt that fails leaves one behind
	cfg.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		in := newWire(r)
		f := pgproto3.NewFrontend(in, w)
		wires[f] = in
		return f
	}
	pg, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, connectError(cfg, err)
	}
	return &session{pg: pg, wire: wires[pg.Frontend()]}, nil
}

// close ends the session; a statement that still runs on the server is cancelled.
func (s *session) close() {
	if s.closed != nil {
		s.closed()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if s.dead {
		_ = s.pg.CancelRequest(ctx) // the server notices the closed socket later anyway
		_ = s.pg.Conn().Close()
	}
	_ = s.pg.Close(ctx) // nothing is left to lose
}

// row is one row of a result in text form; nil is NULL.
type row [][]byte

func (r row) text(i int) string { return string(r[i]) }
func (r row) null(i int) bool   { return r[i] == nil }
func (r row) bool(i int) bool   { return len(r[i]) == 1 && r[i][0] == 't' }

// int returns a number, or 0 for NULL.
func (r row) int(i int) int64 {
	n, err := strconv.ParseInt(string(r[i]), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }

// query runs one statement with text parameters and calls each for every row.
// The row is valid during the call only.
func (s *session) query(ctx context.Context, op, sql string, params []string, each func(row) error) error {
	values := make([][]byte, len(params))
	for i, p := range params {
		values[i] = []byte(p)
	}
	rr := s.pg.ExecParams(ctx, sql, values, nil, nil, nil)
	var failed error
	for rr.NextRow() {
		if failed == nil && each != nil {
			failed = each(rr.Values())
		}
	}
	if _, err := rr.Close(); err != nil {
		return s.failed(op, err)
	}
	return failed
}

// one runs a statement that yields one row at most; nil is none.
func (s *session) one(ctx context.Context, op, sql string, params ...string) (row, error) {
	var out row
	err := s.query(ctx, op, sql, params, func(r row) error {
		if out == nil {
			out = cloneRow(r)
		}
		return nil
	})
	return out, err
}

func cloneRow(r row) row {
	out := make(row, len(r))
	for i, v := range r {
		if v != nil {
			out[i] = append([]byte{}, v...)
		}
	}
	return out
}

// exec runs one or more statements in the simple protocol and returns their results.
func (s *session) exec(ctx context.Context, op, sql string) ([]*pgconn.Result, error) {
	out, err := s.pg.Exec(ctx, sql).ReadAll()
	return out, s.failed(op, err)
}

// failed wraps an error and notes when the session cannot be used again.
func (s *session) failed(op string, err error) error {
	if err == nil {
		return nil
	}
	if s.pg.IsClosed() {
		s.dead = true
	}
	wrapped := wrap(op, err)
	if providers.KindOf(wrapped) == providers.Disconnected {
		s.dead = true
	}
	return wrapped
}

// idle says whether the session is outside any transaction.
func (s *session) idle() bool { return !s.dead && !s.pg.IsClosed() && s.pg.TxStatus() == 'I' }

// rollback ends the transaction; a session that cannot do that is not used again.
func (s *session) rollback() error {
	if s.dead || s.idle() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := s.exec(ctx, "roll back", "ROLLBACK")
	if err != nil {
		s.dead = true
	}
	return err
}

// watch cuts the session off once ctx ends, for traffic that does not go through
// the driver. The func it returns stops that, and says whether it came too late.
func (s *session) watch(ctx context.Context) (stop func() bool) {
	off := context.AfterFunc(ctx, func() { _ = s.pg.Conn().SetDeadline(time.Unix(1, 0)) })
	return func() bool {
		if off() || ctx.Err() == nil {
			return false
		}
		s.dead = true
		return true
	}
}
