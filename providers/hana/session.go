package hana

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"strconv"
	"time"

	hdb "github.com/SAP/go-hdb/driver"

	"github.com/dmoctl/dmoctl/providers"
)

const (
	bufferSize   = 1 << 20 // of the connection, each way
	lobChunk     = 1 << 20 // bytes of a large object a message
	maxStatement = 64      // prepared statements that a session keeps
	controlTime  = time.Minute
)

// session is one connection. One goroutine at a time. Nothing is ever sent twice: database/sql,
// which does that, is not between it and the driver.
type session struct {
	conn    driver.Conn
	wire    *wire
	tx      driver.Tx // open transaction
	stmts   map[string]driver.Stmt
	ddlHeld bool // DDL is part of transactions
	dead    bool // in the middle of something, or cut off: never used again
	how     settings
}

// settings are what sessions differ in.
type settings struct {
	application string
	migration   string // whose packages it loads, so that another run can see it
	fetch       int    // rows a fetch
}

// dial opens a session. Errors hold no password.
func dial(ctx context.Context, a *access, how settings) (*session, error) {
	dials := &dialer{ctx: ctx}
	c := hdb.NewBasicAuthConnector(a.address, a.user, a.password)
	c.SetDialer(dials)
	c.SetTimeout(0) // see wire
	c.SetBufferSize(bufferSize)
	c.SetBulkSize(maxBulk) // a call is a message: rows are counted by the writer
	c.SetLobChunkSize(lobChunk)
	c.SetFetchSize(how.fetch)
	c.SetApplicationName(how.application)
	c.SetLogger(slog.New(slog.DiscardHandler)) // errors come back; they need not stand on stderr, too
	variables := hdb.SessionVariables{"APPLICATION": how.application}
	if how.migration != "" {
		variables[migrationKey] = how.migration
	}
	c.SetSessionVariables(variables)
	if a.tls != nil {
		c.SetTLSConfig(a.tls)
	}
	if a.database != "" {
		c = c.WithDatabase(a.database)
	}
	conn, err := c.Connect(ctx)
	if err != nil {
		if dials.last != nil {
			dials.last.abort()
		}
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, connectError(a, err)
	}
	dials.last.within(0)
	return &session{conn: conn, wire: dials.last, stmts: make(map[string]driver.Stmt), how: how}, nil
}

// close ends the session; the server rolls back what is open.
func (s *session) close() {
	if s.dead {
		s.wire.abort()
	}
	s.wire.within(5 * time.Second)
	_ = s.conn.Close() // nothing is left to lose
	s.wire.abort()
}

// idle says whether the session is outside any transaction and can be used again.
func (s *session) idle() bool {
	if v, ok := s.conn.(driver.Validator); ok && !v.IsValid() {
		return false
	}
	return !s.dead && s.tx == nil
}

// run calls f, which talks to the server, and ends the connection with ctx.
func (s *session) run(ctx context.Context, op string, f func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return wrap(op, err)
	}
	if s.dead {
		return wrap(op, io.ErrClosedPipe)
	}
	stop := s.wire.watch(ctx)
	err := f(context.WithoutCancel(ctx))
	if stop() {
		s.dead = true
		if err != nil {
			err = ctx.Err()
		}
	}
	return s.failed(op, err)
}

// failed wraps an error and notes when the session cannot be used again.
func (s *session) failed(op string, err error) error {
	if err == nil {
		return nil
	}
	var server hdb.Error
	if !errors.As(err, &server) && providers.Broken(err) {
		s.dead = true
	}
	wrapped := wrap(op, err)
	if providers.KindOf(wrapped) == providers.Disconnected {
		s.dead = true
	}
	return wrapped
}

// exec runs one statement without parameters and returns how many rows it changed.
func (s *session) exec(ctx context.Context, op, sql string) (n int64, err error) {
	err = s.run(ctx, op, func(ctx context.Context) error {
		r, err := s.conn.(driver.ExecerContext).ExecContext(ctx, sql, nil)
		if err == nil {
			n, _ = r.RowsAffected() // DDL has no rows, and says so as an error
		}
		return err
	})
	return n, err
}

// prepared returns a statement that the session keeps.
func (s *session) prepared(ctx context.Context, sql string) (driver.Stmt, error) {
	if st := s.stmts[sql]; st != nil {
		return st, nil
	}
	if len(s.stmts) >= maxStatement {
		for text, st := range s.stmts {
			delete(s.stmts, text)
			if err := st.Close(); err != nil {
				return nil, err
			}
		}
	}
	st, err := s.conn.(driver.ConnPrepareContext).PrepareContext(ctx, sql)
	if err != nil {
		return nil, err
	}
	s.stmts[sql] = st
	return st, nil
}

// bulk runs one statement with any number of rows of parameters, in one message. No row is not a message.
func (s *session) bulk(ctx context.Context, op, sql string, rows [][]any) (n int64, err error) {
	if len(rows) == 0 {
		return 0, nil
	}
	err = s.run(ctx, op, func(ctx context.Context) error {
		st, err := s.prepared(ctx, sql)
		if err != nil {
			return err
		}
		for start := 0; start < len(rows) && err == nil; start += maxRows {
			var r driver.Result
			if r, err = st.(driver.StmtExecContext).ExecContext(ctx, named(rows[start:min(start+maxRows, len(rows))])); err == nil {
				done, _ := r.RowsAffected()
				n += done
			}
		}
		return err
	})
	return n, err
}

func named(rows [][]any) []driver.NamedValue {
	var out []driver.NamedValue
	for _, r := range rows {
		for i, v := range r {
			out = append(out, driver.NamedValue{Ordinal: i + 1, Value: v})
		}
	}
	return out
}

// row is one row of a result. Values are what the driver decodes: int64, float64, bool,
// []byte of text and binary, time.Time, *big.Rat, and its own descriptor of a large object.
type row []driver.Value

func (r row) null(i int) bool { return r[i] == nil }

func (r row) text(i int) string {
	switch v := r[i].(type) {
	case []byte:
		return string(v)
	case string:
		return v
	case nil:
		return ""
	case time.Time:
		return v.Format("2006-01-02 15:04:05.0000000")
	case *big.Rat:
		return v.RatString()
	}
	return fmt.Sprint(r[i])
}

func (r row) is(i int, word string) bool { return r.text(i) == word }

// int returns a number, or 0 for NULL and for what is none.
func (r row) int(i int) int64 {
	switch v := r[i].(type) {
	case int64:
		return v
	case *big.Rat:
		if v.IsInt() && v.Num().IsInt64() {
			return v.Num().Int64()
		}
	case []byte:
		n, err := strconv.ParseInt(string(v), 10, 64)
		if err == nil {
			return n
		}
	}
	return 0
}

func (r row) float(i int) float64 { f, _ := r[i].(float64); return f }
func (r row) bool(i int) bool     { b, _ := r[i].(bool); return b }

// query runs one statement and calls each for every row, which is valid during the call only.
// Statements with arguments are prepared and kept.
func (s *session) query(ctx context.Context, op, sql string, args []any, each func(row) error) error {
	return s.run(ctx, op, func(ctx context.Context) error {
		rows, err := s.open(ctx, sql, args)
		if err != nil {
			return err
		}
		dest := make([]driver.Value, len(rows.Columns()))
		var failed error
		for {
			if err = rows.Next(dest); err != nil {
				break
			}
			if failed == nil && each != nil {
				failed = each(dest)
			}
		}
		if !errors.Is(err, io.EOF) {
			return err
		}
		if err := rows.Close(); err != nil {
			return err
		}
		return failed
	})
}

func (s *session) open(ctx context.Context, sql string, args []any) (driver.Rows, error) {
	if len(args) == 0 {
		return s.conn.(driver.QueryerContext).QueryContext(ctx, sql, nil)
	}
	st, err := s.prepared(ctx, sql)
	if err != nil {
		return nil, err
	}
	return st.(driver.StmtQueryContext).QueryContext(ctx, named([][]any{args}))
}

// one runs a statement that yields one row at most; nil is none.
func (s *session) one(ctx context.Context, op, sql string, args ...any) (row, error) {
	var out row
	err := s.query(ctx, op, sql, args, func(r row) error {
		if out == nil {
			out = append(row{}, r...)
		}
		return nil
	})
	return out, err
}

// begin starts a transaction. Snapshot makes all its statements see one state.
func (s *session) begin(ctx context.Context, op string, snapshot bool) error {
	var how driver.TxOptions
	if snapshot {
		how.Isolation = driver.IsolationLevel(sql.LevelRepeatableRead)
	}
	return s.run(ctx, op, func(ctx context.Context) error {
		tx, err := s.conn.(driver.ConnBeginTx).BeginTx(ctx, how)
		s.tx = tx
		return err
	})
}

// holdDDL makes DDL and TRUNCATE part of the open transaction, so that they are rolled back
// with it and its locks are kept (SQL reference, SET TRANSACTION AUTOCOMMIT DDL, TRUNCATE TABLE).
// The statement commits what is open, so it comes first.
func (s *session) holdDDL(ctx context.Context, op string) error {
	if s.ddlHeld {
		return nil
	}
	_, err := s.exec(ctx, op, "SET TRANSACTION AUTOCOMMIT DDL OFF")
	s.ddlHeld = err == nil
	return err
}

// commit ends the transaction. After an error whether it happened is for the ledger to say.
func (s *session) commit(ctx context.Context, op string) error {
	tx := s.tx
	s.tx = nil
	err := s.run(ctx, op, func(context.Context) error { return tx.Commit() })
	if err != nil {
		s.dead = true // nobody knows in what state it is
	}
	return err
}

// rollback ends the transaction; a session that cannot do that is not used again.
func (s *session) rollback() error {
	if s.tx == nil {
		return nil
	}
	tx := s.tx
	s.tx = nil
	if s.dead {
		return nil // the server rolls back what a closed connection leaves
	}
	s.wire.within(controlTime)
	err := tx.Rollback()
	s.wire.within(0)
	if err != nil {
		s.dead = true
	}
	return wrap("roll back", err)
}
