package sample

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

func writePostgres(t *testing.T, opts Options) (*pgtest.Server, string) {
	t.Helper()
	server := pgtest.Shared(t)
	url := server.NewDatabase(t)
	if err := WritePostgres(t.Context(), url, opts, nil); err != nil {
		t.Fatal(err)
	}
	return server, url
}

func TestPostgresRowCounts(t *testing.T) {
	opts := Options{Rows: 12_345, Seed: 1, Small: 120, Empty: 2, Schema: `SAP "R3"`}
	server, url := writePostgres(t, opts)
	d := postgresDialect{schema: opts.Schema}
	var queries []string
	for _, table := range opts.tables(d) {
		queries = append(queries, "SELECT count(*) = "+fmt.Sprint(table.rows)+" FROM "+d.name(table.name))
	}
	got := server.Query(t, url, strings.Join(queries, " UNION ALL ")+";")
	if strings.Contains(got, "f") || strings.Count(got, "t") != len(queries) {
		t.Errorf("not every table has the rows it should: %s", got)
	}
}

func TestPostgresObjects(t *testing.T) {
	server, url := writePostgres(t, Options{Rows: 2000, Seed: 1, Small: 1, Empty: 1})
	for what, sql := range map[string]string{
		"foreign keys":                   `SELECT count(*) = 3 FROM pg_constraint WHERE contype = 'f'`,
		"a view":                         `SELECT count(*) > 0 FROM "ZV_ORDER"`,
		"a trigger":                      `SELECT count(*) = 1 FROM pg_trigger WHERE NOT tgisinternal`,
		"a table without a key":          `SELECT count(*) = 0 FROM pg_index WHERE indrelid = '"/BIC/AFOO"'::regclass`,
		"a sequence ahead of its rows":   `SELECT nextval(pg_get_serial_sequence('"ZDOCUMENT"', 'ID')) = max("ID") + 8 FROM "ZDOCUMENT"`,
		"the largest decimal":            `SELECT "C_DEC38" = repeat('9', 28)::numeric + '0.9999999999' FROM "ZMATRIX" WHERE "ID" = 3`,
		"the first and last day":         `SELECT min("C_DATE") = '0001-01-01' AND max("C_DATE") = '9999-12-31' FROM "ZMATRIX"`,
		"a backslash, a tab and a break": `SELECT strpos("C_TEXT", chr(92) || chr(9) || chr(13) || chr(10) || ';--' || chr(92) || 'N') > 0 FROM "ZMATRIX" WHERE "ID" = 6`,
		"all bytes":                      `SELECT octet_length("C_BLOB") = 102400 AND get_byte("C_BLOB", 255) = 255 FROM "ZMATRIX" WHERE "ID" = 3`,
		"sizes for the planner":          `SELECT reltuples > 0 FROM pg_class WHERE oid = '"BSEG"'::regclass`,
	} {
		if got := server.Query(t, url, sql); got != "t" {
			t.Errorf("no %s: %s gave %q", what, sql, got)
		}
	}
}

// The same options give the same rows in both engines: rows are compared as text,
// in a form that both print alike.
func TestSameRowsAcrossEngines(t *testing.T) {
	opts := Options{Rows: 5000, Seed: 3, Small: 2}
	server, url := writePostgres(t, opts)
	path, _ := writeSQLite(t, opts)
	compared := 0
	for _, table := range opts.tables(sqliteDialect{}) {
		var lite, pg []string
		for _, c := range table.columns {
			if l, p := printed(c); l != "" {
				lite, pg = append(lite, l), append(pg, p)
			}
		}
		left := query(t, path, oneLine(lite, "char", table.name))
		right := strings.Split(server.Query(t, url, oneLine(pg, "chr", table.name)), "\n")
		if table.rows == 0 {
			right = nil
		}
		compareRows(t, table.name, left, right)
		compared += len(left)
	}
	if compared < 5000 {
		t.Errorf("only %d rows were compared", compared)
	}
}

// printed returns SQLite's and PostgreSQL's expression of a column as text; empty
// where the two print it differently.
func printed(c column) (lite, pg string) {
	name := quote(c.name)
	orNull := func(expression string) string { return "coalesce(" + expression + ", 'NULL')" }
	pg = orNull(name + "::text")
	switch c.kind {
	case varchar, text:
		return orNull("'<' || " + name + " || '>'"), orNull("'<' || " + name + " || '>'")
	case char: // its blanks are PostgreSQL's own
		return orNull("'<' || " + name + " || '>'"), orNull("'<' || rtrim(" + name + ") || '>'")
	case decimal:
		rounded := fmt.Sprintf("printf('%%.%df', %s)", c.scale, name)
		return orNull("iif(typeof(" + name + ") IN ('text', 'null'), " + name + ", " + rounded + ")"), pg
	case blob:
		return "iif(" + name + " IS NULL, 'NULL', hex(" + name + "))", orNull("upper(encode(" + name + ", 'hex'))")
	case smallint, integer, bigint, identity, date, timeOfDay, uuid:
		return orNull(name), pg
	}
	return "", ""
}

// oneLine selects the expressions as one text without line breaks.
func oneLine(expressions []string, char, table string) string {
	row := strings.Join(expressions, " || '|' || ")
	for code, name := range map[string]string{"10": "<lf>", "13": "<cr>"} {
		row = fmt.Sprintf("replace(%s, %s(%s), '%s')", row, char, code, name)
	}
	return "SELECT " + row + " FROM " + quote(table)
}

func compareRows(t *testing.T, table string, left, right []string) {
	t.Helper()
	if len(left) != len(right) {
		t.Errorf("%s: SQLite has %d rows, PostgreSQL %d", table, len(left), len(right))
		return
	}
	slices.Sort(left)
	slices.Sort(right)
	for i := range left {
		if left[i] != right[i] {
			t.Errorf("%s: SQLite has %.300q, PostgreSQL %.300q", table, left[i], right[i])
			return
		}
	}
}

func TestPostgresHostile(t *testing.T) {
	server, url := writePostgres(t, Options{Seed: 1, Hostile: true})
	const sql = `SELECT (SELECT "V" FROM "ZH_NAN" WHERE "ID" = 500), (SELECT "V" FROM "ZH_NUMBER_INFINITY" WHERE "ID" = 500),
		(SELECT "V" FROM "ZH_DATE_INFINITY" WHERE "ID" = 500), (SELECT "V" FROM "ZH_BEFORE_CHRIST" WHERE "ID" = 500),
		(SELECT "V" FROM "ZH_YEAR_10000" WHERE "ID" = 500), to_regclass('"ZH_NUL"')`
	const want = "NaN|Infinity|infinity|0044-03-15 BC|10000-01-01 00:00:00|<NULL>"
	if got := server.Query(t, url, sql); got != want {
		t.Errorf("hostile values are %s, want %s", got, want)
	}
}

func TestPostgresRefusesExistingTables(t *testing.T) {
	server := pgtest.Shared(t)
	url := server.NewDatabase(t)
	server.Exec(t, url, `CREATE TABLE "BSEG" (mine int)`)
	err := WritePostgres(t.Context(), url, Options{Rows: 100}, nil)
	if !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), "BSEG") {
		t.Errorf("error is %v, want ErrExists that names BSEG", err)
	}
	if got := server.Query(t, url, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"); got != "1" {
		t.Errorf("the schema holds %s tables, want the one that was there", got)
	}
}

func TestPostgresErrorsOmitPassword(t *testing.T) {
	for _, url := range []string{"postgres://u:p@:/%s3cret@h/d", "postgres://u:s3cret@127.0.0.1:1/d?connect_timeout=1", "host=h password='s3cret"} {
		err := WritePostgres(t.Context(), url, Options{}, nil)
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("error of %q is %v", url, err)
		}
	}
}

func BenchmarkWritePostgres(b *testing.B) {
	const rows = 200_000
	server := pgtest.Shared(b)
	for b.Loop() {
		url := server.NewDatabase(b)
		if err := WritePostgres(b.Context(), url, Options{Rows: rows, Seed: 1}, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
