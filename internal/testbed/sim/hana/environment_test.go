package hana_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/SAP/go-hdb/driver"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
)

// environment is a running server and a connection pool that logs in to it.
type environment struct {
	*hana.Server
	t  testing.TB
	db *sql.DB
}

func start(t testing.TB, o hana.Options, settings ...func(*driver.Connector)) *environment {
	t.Helper()
	srv, err := hana.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	b := &environment{Server: srv, t: t}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	b.db = b.connect("SYSTEM", "Manager1", settings...)
	return b
}

func (b *environment) connect(user, password string, settings ...func(*driver.Connector)) *sql.DB {
	b.t.Helper()
	c := driver.NewBasicAuthConnector(b.Addr(), user, password)
	c.SetLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
	c.SetTimeout(20 * time.Second)
	for _, set := range settings {
		set(c)
	}
	db := sql.OpenDB(c)
	b.t.Cleanup(func() { db.Close() })
	return db
}

// conn pins one connection.
func (b *environment) conn() *sql.Conn {
	b.t.Helper()
	c, err := b.db.Conn(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	return c
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// exec runs statements that have to succeed.
func (b *environment) exec(on execer, statements ...string) {
	b.t.Helper()
	for _, s := range statements {
		if _, err := on.ExecContext(context.Background(), s); err != nil {
			b.t.Fatalf("%s: %v", s, err)
		}
	}
}

// refused runs a statement that has to fail with a code.
func (b *environment) refused(on execer, code int, statement string, args ...any) {
	b.t.Helper()
	_, err := on.ExecContext(context.Background(), statement, args...)
	if got := codeOf(err); got != code {
		b.t.Errorf("%.200s: code %d (%v), want %d", statement, got, err, code)
	}
}

func asDriverError(err error, e *driver.Error) bool { return errors.As(err, e) }

func codeOf(err error) int {
	var e driver.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// rows reads a whole result; bytes become strings.
func (b *environment) rows(on execer, query string, args ...any) [][]any {
	b.t.Helper()
	r, err := on.QueryContext(context.Background(), query, args...)
	if err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
	defer r.Close()
	cols, err := r.Columns()
	if err != nil {
		b.t.Fatal(err)
	}
	var out [][]any
	for r.Next() {
		row, ptrs := make([]any, len(cols)), make([]any, len(cols))
		for i := range row {
			ptrs[i] = &row[i]
		}
		if err := r.Scan(ptrs...); err != nil {
			b.t.Fatalf("%s: %v", query, err)
		}
		for i, v := range row {
			if bytes, ok := v.([]byte); ok {
				row[i] = string(bytes)
			}
		}
		out = append(out, row)
	}
	if err := r.Err(); err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
	return out
}

// one reads a single cell.
func (b *environment) one(on execer, query string, args ...any) any {
	b.t.Helper()
	rows := b.rows(on, query, args...)
	if len(rows) != 1 || len(rows[0]) != 1 {
		b.t.Fatalf("%s: %d rows", query, len(rows))
	}
	return rows[0][0]
}
