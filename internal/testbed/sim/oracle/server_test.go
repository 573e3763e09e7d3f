package oracle_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	go_ora "github.com/sijms/go-ora/v2"
	"github.com/sijms/go-ora/v2/network"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle"
)

// start gives a server that ends with the test.
func start(t testing.TB, o oracle.Options) *oracle.Server {
	t.Helper()
	srv, err := oracle.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	return srv
}

func dsn(srv *oracle.Server, user, password, more string) string {
	return fmt.Sprintf("oracle://%s:%s@%s/ORCL?SERVER LOCATION=UTC%s", user, password, srv.Addr(), more)
}

// open gives one connection, as go-ora makes it.
func open(t testing.TB, srv *oracle.Server, more string) *sql.DB {
	t.Helper()
	db, err := sql.Open("oracle", dsn(srv, "DMO", "secret", more))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func run(t testing.TB, db *sql.DB, list ...string) {
	t.Helper()
	for _, q := range list {
		if _, err := db.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// code is the number of an ORA error.
func code(err error) int {
	var e *network.OracleError
	if errors.As(err, &e) {
		return e.ErrCode
	}
	return 0
}

func wantCode(t testing.TB, err error, want int) {
	t.Helper()
	if code(err) != want {
		t.Errorf("error %v, want ORA-%05d", err, want)
	}
}

// query gives all rows as text, fields joined by |, NULL as <nil>.
func query(t testing.TB, db *sql.DB, q string, args ...any) []string {
	t.Helper()
	rows, err := db.Query(q, args...)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for rows.Next() {
		vals := make([]any, len(cols))
		ptrs := make([]any, len(cols))
		for i := range vals {
			ptrs[i] = &vals[i]
		}
		if err := rows.Scan(ptrs...); err != nil {
			t.Fatal(err)
		}
		var parts []string
		for _, v := range vals {
			if d, ok := v.(time.Time); ok {
				v = d.Format("2006-01-02 15:04:05.999999999 -0700")
			}
			parts = append(parts, fmt.Sprint(v))
		}
		out = append(out, strings.Join(parts, "|"))
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return out
}

func wantRows(t testing.TB, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestLogin(t *testing.T) {
	srv := start(t, oracle.Options{})
	db := open(t, srv, "")
	if err := db.Ping(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		user, password, service string
		want                    int
	}{{"DMO", "wrong", "ORCL", 1017}, {"NOBODY", "secret", "ORCL", 1017}, {"DMO", "secret", "OTHER", 12514}} {
		conn, err := go_ora.NewConnection(fmt.Sprintf("oracle://%s:%s@%s/%s", c.user, c.password, srv.Addr(), c.service), nil)
		if err != nil {
			t.Fatal(err)
		}
		wantCode(t, conn.OpenWithContext(context.Background()), c.want)
	}
}

func TestTypedRows(t *testing.T) {
	srv := start(t, oracle.Options{})
	db := open(t, srv, "")
	run(t, db,
		`CREATE TABLE t (n NUMBER(10,2), v VARCHAR2(20), d DATE, ts TIMESTAMP(9), r RAW(8), f BINARY_FLOAT, b BINARY_DOUBLE, c CHAR(5), p NUMBER)`,
		`INSERT INTO t VALUES (-12.5, 'abc', DATE '2024-02-29', TIMESTAMP '1999-12-31 23:59:59.123456789', HEXTORAW('00FF'), 1.5, -2.25, 'x', 12345678901234567890123456789012345678)`,
		`INSERT INTO t (n) VALUES (NULL)`)
	wantRows(t, query(t, db, "SELECT * FROM t"),
		"-12.5|abc|2024-02-29 00:00:00 +0000|1999-12-31 23:59:59.123456789 +0000|[0 255]|1.5|-2.25|x    |12345678901234567890123456789012345678",
		"<nil>|<nil>|<nil>|<nil>|<nil>|<nil>|<nil>|<nil>|<nil>")
	wantRows(t, query(t, db, "SELECT COUNT(*), MAX(n) FROM t WHERE v = :1", "abc"), "1|-12.5")
}
