package e2e

import (
	"crypto/sha256"
	"database/sql"
	bits "encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	hdb "github.com/SAP/go-hdb/driver"

	"github.com/dmoctl/dmoctl/internal/sample"
	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
)

// null is a cell that holds nothing.
const null = "\x00NULL"

// tally is the content of a table, whatever the order of its rows: how many there are, and the sum
// of their hashes. It shares no code with dmoctl's digests.
type tally struct {
	rows int
	a, b uint64
}

func (t *tally) add(cells []string) {
	h := sha256.New()
	for _, c := range cells {
		fmt.Fprintf(h, "%d:", len(c))
		h.Write([]byte(c))
	}
	sum := h.Sum(nil)
	t.rows++
	t.a += bits.BigEndian.Uint64(sum)
	t.b += bits.BigEndian.Uint64(sum[8:])
}

// tallies are tables by name.
type tallies map[string]*tally

func (t tallies) of(name string) *tally {
	if t[name] == nil {
		t[name] = &tally{}
	}
	return t[name]
}

func (t tallies) rows() (n int) {
	for _, one := range t {
		n += one.rows
	}
	return n
}

// same fails the test for each table that differs.
func (t tallies) same(tb testing.TB, got tallies) {
	tb.Helper()
	if len(t) != len(got) {
		tb.Errorf("%d tables arrived, want %d", len(got), len(t))
	}
	for _, name := range slices.Sorted(maps.Keys(t)) {
		switch g := got[name]; {
		case g == nil:
			tb.Errorf("table %s did not arrive", name)
		case g.rows != t[name].rows:
			tb.Errorf("table %s: %d rows arrived, want %d", name, g.rows, t[name].rows)
		case *g != *t[name]:
			tb.Errorf("table %s: its %d rows differ from those of the source", name, g.rows)
		}
	}
}

// expected collects what a target has to hold from what the sample hands to the source, before
// any driver sees it. trim says whether the target's blanks are those of ABAP.
type expected struct {
	trim    bool
	tables  tallies
	columns map[string]string // of each CREATE TABLE, by quoted name
}

func newExpected(trim bool) *expected {
	return &expected{trim: trim, tables: tallies{}, columns: map[string]string{}}
}

// watch is an erp.Watcher.
func (e *expected) watch(into sample.OracleTable, statement string, rows [][]any) {
	if rest, ok := strings.CutPrefix(statement, "CREATE TABLE "); ok {
		name, columns, _ := strings.Cut(rest, " (")
		e.columns[name] = columns
		e.tables.of(strings.ReplaceAll(name, `"`, ""))
	}
	if len(rows) == 0 {
		return
	}
	t := e.tables.of(into.Name)
	made := e.columns[into.Quoted()]
	cells := make([]string, len(into.Columns))
	trimmed := make([]bool, len(into.Columns))
	for i, c := range into.Columns {
		trimmed[i] = e.trim && strings.Contains(made, `"`+c.Name+`" `+c.Type+` DEFAULT ' ' NOT NULL`)
	}
	for _, r := range rows {
		for i, v := range r {
			cells[i] = oracleCell(into.Columns[i].Type, v)
			if trimmed[i] {
				cells[i] = strings.TrimRight(cells[i], " ")
			}
		}
		t.add(cells)
	}
}

func oracleCell(typ string, v any) string {
	switch v := v.(type) {
	case nil:
		return null
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []byte:
		return hex.EncodeToString(v)
	case time.Time:
		return plainTime(v.UTC().Format("2006-01-02 15:04:05.000000000"))
	case string:
		if strings.HasPrefix(typ, "NUMBER") {
			return plainNumber(v)
		}
		var n int
		if _, err := fmt.Sscanf(typ, "CHAR(%d CHAR)", &n); err == nil { // padded where it is stored
			return v + strings.Repeat(" ", max(0, n-len([]rune(v))))
		}
		return v
	}
	panic(fmt.Sprintf("a %T in the sample", v))
}

// plainNumber writes a number in one way only: without an exponent, or zeros that say nothing.
func plainNumber(s string) string {
	if strings.ContainsAny(s, "eE") {
		r, ok := new(big.Rat).SetString(s)
		if !ok {
			return s
		}
		n, _ := r.FloatPrec()
		s = r.FloatString(n)
	}
	sign := ""
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		sign, s = "-", rest
	}
	whole, fraction, _ := strings.Cut(s, ".")
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	switch {
	case whole == "" && fraction == "":
		return "0"
	case whole == "":
		whole = "0"
	}
	if fraction == "" {
		return sign + whole
	}
	return sign + whole + "." + fraction
}

// plainTime drops zeros that say nothing, and the time of a day at midnight.
func plainTime(s string) string {
	if day, rest, _ := strings.Cut(s, " "); strings.Trim(rest, "0:.") == "" {
		return day
	}
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// kindOfType says how cells of a type are compared; "" is as they are.
func kindOfType(declared string) string {
	switch d := strings.ToUpper(declared); {
	case strings.HasPrefix(d, "NUMBER"), strings.HasPrefix(d, "NUMERIC"), strings.HasPrefix(d, "DECIMAL"):
		return "number"
	case strings.HasPrefix(d, "TIMESTAMP"), d == "SECONDDATE", d == "DATE":
		return "time"
	case strings.HasPrefix(d, "DOUBLE"), strings.HasPrefix(d, "REAL"):
		return "float"
	case d == "BYTEA":
		return "bytes"
	case d == "BOOLEAN":
		return "bool"
	case d == "UUID":
		return "uuid"
	}
	return ""
}

// inHANA reads every table of a schema by the server's own view of its rows.
func inHANA(tb testing.TB, srv *hana.Server, schema string) tallies {
	tb.Helper()
	out := tallies{}
	for table, kinds := range hanaColumns(tb, srv, schema) {
		rows, err := srv.Rows(schema, table)
		if err != nil {
			tb.Fatal(err)
		}
		t := out.of(table)
		cells := make([]string, len(kinds))
		for _, r := range rows {
			for i, v := range r {
				cells[i] = hanaCell(kinds[i], v)
			}
			t.add(cells)
		}
	}
	return out
}

// hanaColumns lists how the columns of each table are compared, asked through SAP's driver.
func hanaColumns(tb testing.TB, srv *hana.Server, schema string) map[string][]string {
	tb.Helper()
	db := sql.OpenDB(hdb.NewBasicAuthConnector(srv.Addr(), hanaUser, hanaPassword))
	defer db.Close()
	rows, err := db.QueryContext(tb.Context(), `SELECT TABLE_NAME, DATA_TYPE_NAME FROM SYS.TABLE_COLUMNS WHERE SCHEMA_NAME = ? ORDER BY TABLE_NAME, POSITION`, schema)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	out := map[string][]string{}
	for rows.Next() {
		var table, declared string
		if err := rows.Scan(&table, &declared); err != nil {
			tb.Fatal(err)
		}
		out[table] = append(out[table], kindOfType(declared))
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return out
}

func hanaCell(kind string, v any) string {
	switch v := v.(type) {
	case nil:
		return null
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []byte:
		return hex.EncodeToString(v)
	case string:
		switch kind {
		case "number":
			return plainNumber(v)
		case "time":
			return plainTime(v)
		}
		return v
	}
	panic(fmt.Sprintf("a %T in HANA", v))
}

// inPostgres reads every table of a schema by psql, in the text form of COPY.
func inPostgres(tb testing.TB, s *pgtest.Server, db, schema string) tallies {
	tb.Helper()
	out := tallies{}
	kinds := map[string][]string{}
	list := s.Query(tb, db, `SELECT c.relname, format_type(a.atttypid, a.atttypmod) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = '`+schema+`'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, a.attnum`)
	for line := range strings.Lines(list) {
		at := strings.LastIndex(line, "|")
		name := line[:at]
		kinds[name] = append(kinds[name], kindOfType(strings.TrimSpace(line[at+1:])))
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	next := make(chan string)
	for range 2 {
		all.Go(func() {
			for name := range next {
				text, err := s.TryQuery(db, `COPY "`+schema+`"."`+strings.ReplaceAll(name, `"`, `""`)+`" TO STDOUT`)
				t := &tally{}
				cells := make([]string, len(kinds[name]))
				for line := range strings.Lines(text) {
					for i, f := range strings.Split(strings.TrimSuffix(line, "\n"), "\t") {
						cells[i] = postgresCell(kinds[name][i], f)
					}
					t.add(cells)
				}
				mu.Lock()
				out[name] = t
				if err != nil {
					tb.Error(err)
				}
				mu.Unlock()
			}
		})
	}
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		next <- name
	}
	close(next)
	all.Wait()
	return out
}

var copyEscapes = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r", `\t`, "\t", `\b`, "\b", `\f`, "\f", `\v`, "\v")

// postgresCell reads a field of COPY's text form: chapter COPY, File Formats, of the manual.
func postgresCell(kind, f string) string {
	if f == `\N` {
		return null
	}
	if strings.Contains(f, `\`) {
		f = copyEscapes.Replace(f)
	}
	switch kind {
	case "number":
		return plainNumber(f)
	case "time":
		return plainTime(strings.TrimSuffix(f, "+00"))
	case "float":
		v, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return f
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	case "bytes":
		return strings.TrimPrefix(f, `\x`)
	case "bool":
		return map[string]string{"t": "true", "f": "false"}[f]
	case "uuid":
		return strings.ReplaceAll(f, "-", "")
	}
	return f
}
