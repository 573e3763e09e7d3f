package sample

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

func writeSQLite(t *testing.T, opts Options) (string, map[string]int64) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sample.db")
	counts := map[string]int64{}
	if err := WriteSQLite(t.Context(), path, opts, func(table string, rows int64) { counts[table] = rows }); err != nil {
		t.Fatal(err)
	}
	return path, counts
}

// query returns the rows as text, one string a row.
func query(t *testing.T, path, sql string) []string {
	t.Helper()
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var out []string
	err = sqlitex.ExecuteTransient(conn, sql, &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
		var b strings.Builder
		for i := range stmt.ColumnCount() {
			if i > 0 {
				b.WriteByte('|')
			}
			if kind := stmt.ColumnType(i); kind == sqlite.TypeNull {
				b.WriteString("NULL")
			} else {
				b.WriteString(stmt.ColumnText(i))
			}
		}
		out = append(out, b.String())
		return nil
	}})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

// contentHash covers every structure and row of a file.
func contentHash(t *testing.T, path string) string {
	t.Helper()
	h := sha256.New()
	for _, sql := range query(t, path, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid") {
		fmt.Fprintln(h, sql)
	}
	for _, name := range query(t, path, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
		for _, row := range query(t, path, "SELECT * FROM "+quote(name)) {
			fmt.Fprintf(h, "%s|%s\n", name, row)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func TestSQLiteRowsReproducible(t *testing.T) {
	opts := Options{Rows: 20_000, Seed: 7, Small: 5, Empty: 3}
	first, _ := writeSQLite(t, opts)
	second, _ := writeSQLite(t, opts)
	if a, b := contentHash(t, first), contentHash(t, second); a != b {
		t.Errorf("the same seed gave %s and %s", a, b)
	}
	opts.Seed = 8
	third, _ := writeSQLite(t, opts)
	if contentHash(t, first) == contentHash(t, third) {
		t.Error("another seed gave the same rows")
	}
}

// The rows of a seed are a promise: rehearsals on two machines, or with two
// versions, are compared by them.
func TestSQLiteRowsStable(t *testing.T) {
	path, _ := writeSQLite(t, Options{Rows: 1000, Seed: 1, Small: 2, Empty: 1})
	const want = "9645f454961c2b4e04277f81d24f4f672d17f4ed70913a8697beb11c8b0d02e3"
	if got := contentHash(t, path); got != want {
		t.Errorf("content is %s, want %s", got, want)
	}
}

func TestSQLiteRowCounts(t *testing.T) {
	for _, rows := range []int64{0, 1, 3, 10, 11, 999, 12_345} {
		opts := Options{Rows: rows, Seed: 1, Small: 3, Empty: 2}
		path, reported := writeSQLite(t, opts)
		var big int64
		for i, table := range opts.tables(sqliteDialect{}) {
			got := query(t, path, "SELECT count(*) FROM "+quote(table.name))[0]
			if want := fmt.Sprint(table.rows); got != want || fmt.Sprint(reported[table.name]) != want {
				t.Errorf("rows %d: %s has %s, reported %d, want %s", rows, table.name, got, reported[table.name], want)
			}
			if i < 10 {
				big += table.rows
			}
		}
		if big != rows {
			t.Errorf("big tables have %d rows, want %d", big, rows)
		}
		if bad := query(t, path, "PRAGMA foreign_key_check"); len(bad) > 0 {
			t.Errorf("rows %d: foreign keys are violated: %v", rows, bad[0])
		}
		if got := query(t, path, "PRAGMA integrity_check"); got[0] != "ok" {
			t.Errorf("rows %d: integrity check says %v", rows, got)
		}
	}
}

func TestSQLiteObjects(t *testing.T) {
	path, _ := writeSQLite(t, Options{Rows: 2000, Seed: 1})
	for what, sql := range map[string]string{
		"a view":                            "SELECT count(*) > 0 FROM ZV_ORDER",
		"a trigger":                         "SELECT count(*) = 1 FROM sqlite_schema WHERE type = 'trigger'",
		"a table without a key":             `SELECT count(*) = 0 FROM pragma_table_info('/BIC/AFOO') WHERE pk > 0`,
		"repeated rows without a key":       `SELECT count(*) > 1 FROM "/BIC/AFOO" WHERE "/BIC/ZMATERIAL" = 'REPEATED'`,
		"a sequence ahead of its rows":      "SELECT seq = (SELECT max(ID) FROM ZDOCUMENT) + 7 FROM sqlite_sequence WHERE name = 'ZDOCUMENT'",
		"decimals that are numbers":         "SELECT count(*) = 0 FROM BSEG WHERE typeof(DMBTR) NOT IN ('real', 'integer')",
		"decimals that print as written":    "SELECT printf('%.15g', C_DEC15) = '9999999999999.99' FROM ZMATRIX WHERE ID = 3",
		"long decimals that are text":       "SELECT count(*) = 0 FROM ZMATRIX WHERE typeof(C_DEC38) NOT IN ('text', 'null')",
		"dates that are text":               "SELECT count(*) = 0 FROM ZMATRIX WHERE typeof(C_DATE) NOT IN ('text', 'null')",
		"empty, blank and null told apart":  "SELECT count(*) = 3 FROM (SELECT DISTINCT C_VARCHAR IS NULL, C_VARCHAR FROM ZMATRIX WHERE C_VARCHAR IS NULL OR trim(C_VARCHAR) IN ('', 'x'))",
		"valid text only":                   "SELECT count(*) = 0 FROM ZMATRIX WHERE instr(C_VARCHAR, char(0)) > 0",
		"a name with a quote and an emoji":  `SELECT count(*) = 40 FROM "ẞtraße 😀" WHERE "größe 😀" IS NOT NULL AND "a""b" IS NOT NULL`,
		"large objects of 100 kB and above": "SELECT max(length(ATTACHMENT)) > 100000 AND max(length(BODY)) > 10000 FROM ZDOCUMENT",
	} {
		if got := query(t, path, sql); len(got) != 1 || got[0] != "1" {
			t.Errorf("no %s: %s gave %v", what, sql, got)
		}
	}
}

func TestSQLiteHostile(t *testing.T) {
	path, _ := writeSQLite(t, Options{Seed: 1, Hostile: true})
	for sql, want := range map[string]string{
		"SELECT hex(V) FROM ZH_NUL WHERE ID = 500":                 "610062",
		"SELECT hex(V) FROM ZH_UTF8 WHERE ID = 500":                "61FFFE62",
		"SELECT typeof(V) FROM ZH_TEXT_IN_INTEGER WHERE ID = 500":  "text",
		"SELECT typeof(V) FROM ZH_BLOB_IN_TEXT WHERE ID = 500":     "blob",
		"SELECT V FROM ZH_YEAR_10000 WHERE ID = 500":               "10000-01-01 00:00:00",
		"SELECT count(*) FROM sqlite_schema WHERE name = 'ZH_NAN'": "0",
	} {
		if got := query(t, path, sql); len(got) != 1 || got[0] != want {
			t.Errorf("%s gave %v, want %s", sql, got, want)
		}
	}
}

func TestSQLiteRefusesExistingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "there.db")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteSQLite(t.Context(), path, Options{}, nil); !errors.Is(err, ErrExists) {
		t.Errorf("error is %v, want ErrExists", err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "mine" {
		t.Errorf("the file holds %q, %v", got, err)
	}
}

func TestSQLiteCancelRemovesFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "half.db")
	ctx, cancel := context.WithCancel(t.Context())
	err := WriteSQLite(ctx, path, Options{Rows: 1_000_000}, func(string, int64) { cancel() })
	if err == nil {
		t.Fatal("a cancelled write succeeded")
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the unfinished file is still there: %v", err)
	}
}

func TestInvalidOptions(t *testing.T) {
	for _, opts := range []Options{{Rows: -1}, {Small: -1}, {Empty: 1_000_000}} {
		path := filepath.Join(t.TempDir(), "x.db")
		if err := WriteSQLite(t.Context(), path, opts, nil); err == nil {
			t.Errorf("%+v was accepted", opts)
		}
	}
}

func BenchmarkWriteSQLite(b *testing.B) {
	const rows = 200_000
	for b.Loop() {
		path := filepath.Join(b.TempDir(), "sample.db")
		if err := WriteSQLite(b.Context(), path, Options{Rows: rows, Seed: 1}, nil); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := os.Remove(path); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
