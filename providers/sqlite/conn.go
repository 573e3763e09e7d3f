package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// busyWait is how long one attempt waits for a lock before the caller looks at its context.
const busyWait = 200 * time.Millisecond

// conn is one connection. One goroutine at a time.
type conn struct {
	*sqlite.Conn
	waits *waits
}

// connect opens the file. Statements wait for locks until their context ends.
func (d *database) connect(flags sqlite.OpenFlags, pragmas ...string) (*conn, error) {
	var c *conn
	err := d.waits.during(func() (err error) {
		c, err = connect(d.path, flags, pragmas...)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.waits = d.waits
	return c, nil
}

func connect(path string, flags sqlite.OpenFlags, pragmas ...string) (*conn, error) {
	c, err := sqlite.OpenConn(path, flags)
	if err != nil {
		return nil, err
	}
	var set []string
	for _, p := range pinnedPragmas() {
		set = append(set, "PRAGMA "+p.name+"="+p.value)
	}
	for _, p := range append(set, pragmas...) {
		if err := sqlitex.ExecuteTransient(c, p, nil); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return &conn{Conn: c}, nil
}

// during runs f with statements interrupted once ctx ends.
func (c *conn) during(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if ctx.Done() != nil {
		c.SetInterrupt(ctx.Done())
		defer c.SetInterrupt(nil)
	}
	return c.waits.during(f)
}

// exec runs one statement.
func (c *conn) exec(ctx context.Context, sql string, args ...any) error {
	return c.rows(ctx, nil, sql, args...)
}

// rows runs one statement and hands every row to row.
func (c *conn) rows(ctx context.Context, row func(*sqlite.Stmt) error, sql string, args ...any) error {
	return c.during(ctx, func() error {
		return sqlitex.ExecuteTransient(c.Conn, sql, &sqlitex.ExecOptions{Args: args, ResultFunc: row})
	})
}

// prepared is rows for a text without names of tables: the statement is kept as long
// as the connection. Every call looks at all kept statements, so they must stay few.
func (c *conn) prepared(ctx context.Context, row func(*sqlite.Stmt) error, sql string, args ...any) error {
	return c.during(ctx, func() error {
		return sqlitex.Execute(c.Conn, sql, &sqlitex.ExecOptions{Args: args, ResultFunc: row})
	})
}

// int64 runs a statement that yields one number; found is false without a row or with NULL.
func (c *conn) int64(ctx context.Context, sql string, args ...any) (n int64, found bool, err error) {
	err = c.rows(ctx, func(s *sqlite.Stmt) error {
		n, found = s.ColumnInt64(0), !s.ColumnIsNull(0)
		return nil
	}, sql, args...)
	return n, found, err
}

// try runs a statement, and waits no longer than busyWait for a lock. The statement is never
// interrupted, so that a COMMIT is done or not.
func (c *conn) try(ctx context.Context, sql string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.SetBusyTimeout(busyWait)
	defer c.SetBlockOnBusy()
	return sqlitex.ExecuteTransient(c.Conn, sql, nil)
}

// retry tries a statement until it is not refused with BUSY.
func (c *conn) retry(ctx context.Context, sql string) error {
	for began := time.Now(); ; {
		err := c.try(ctx, sql)
		if sqlite.ErrCode(err) != sqlite.ResultBusy {
			return err
		}
		c.waits.busy(began)
	}
}

// rollback ends a transaction where one is open.
func (c *conn) rollback() error {
	if c.AutocommitEnabled() {
		return nil
	}
	if err := sqlitex.ExecuteTransient(c.Conn, "ROLLBACK", nil); err != nil {
		return fmt.Errorf("roll back: %w", err)
	}
	return nil
}

// reading runs f in a read transaction.
func (c *conn) reading(ctx context.Context, f func() error) (err error) {
	if err := c.exec(ctx, "BEGIN"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.rollback()) }()
	return f()
}
