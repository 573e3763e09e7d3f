package sample

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// oracleRecorder is a sink that refuses what Oracle would refuse.
type oracleRecorder struct {
	statements []string
	columns    map[string]string // of a CREATE TABLE by quoted name: what stands in its brackets
	rows       map[string]int64
	hash       string // of all statements and rows
	keep       string // table whose rows are kept
	kept       [][]any
}

func newRecorder(keep string) *oracleRecorder {
	return &oracleRecorder{columns: make(map[string]string), rows: make(map[string]int64), keep: keep}
}

func (r *oracleRecorder) sink() OracleSink {
	h := sha256.New()
	return OracleSink{
		Exec: func(_ context.Context, sql string) error {
			r.statements = append(r.statements, sql)
			if rest, ok := strings.CutPrefix(sql, "CREATE TABLE "); ok {
				name, columns, _ := strings.Cut(rest, " (")
				if _, twice := r.columns[name]; twice {
					return fmt.Errorf("ORA-00955: %s", name)
				}
				r.columns[name] = columns
			}
			fmt.Fprintln(h, sql)
			r.hash = hex.EncodeToString(h.Sum(nil))
			return nil
		},
		Insert: func(_ context.Context, into OracleTable, rows [][]any) error {
			made, ok := r.columns[into.Quoted()]
			if !ok {
				return fmt.Errorf("ORA-00942: %s", into.Quoted())
			}
			for _, row := range rows {
				if len(row) != len(into.Columns) {
					return fmt.Errorf("ORA-00947: %d values, %d columns", len(row), len(into.Columns))
				}
				for i, v := range row {
					if err := checkOracleValue(into.Columns[i], made, v); err != nil {
						return fmt.Errorf("%s.%s: %w: %.60v", into.Name, into.Columns[i].Name, err, v)
					}
				}
				if into.Name == r.keep {
					r.kept = append(r.kept, slices.Clone(row))
				}
			}
			r.rows[into.Name] += int64(len(rows))
			fmt.Fprintln(h, into, rows)
			return nil
		},
	}
}

var oracleLength = regexp.MustCompile(`^(N?VARCHAR2|N?CHAR|RAW|NUMBER|UROWID)\(([0-9*]+)(?:,(-?[0-9]+))?( CHAR)?\)$`)

func checkOracleValue(c OracleColumn, made string, v any) error {
	declared := quote(c.Name) + " " + c.Type
	at := strings.Index(made, declared)
	if at < 0 {
		return errors.New("ORA-00904: not in CREATE TABLE")
	}
	clause, _, _ := strings.Cut(made[at+len(declared):], ", \"")
	if v == nil {
		if strings.Contains(clause, "NOT NULL") {
			return errors.New("ORA-01400: NULL in NOT NULL")
		}
		return nil
	}
	m := oracleLength.FindStringSubmatch(c.Type)
	switch {
	case strings.HasSuffix(c.Type, "LOB"):
		return wantType[string, []byte](v)
	case c.Type == "DATE" || strings.HasPrefix(c.Type, "TIMESTAMP"):
		at, ok := v.(time.Time)
		if !ok {
			return errors.New("no time")
		}
		if gap := at.UTC().Format(time.DateOnly); gap >= "1582-10-05" && gap <= "1582-10-14" {
			return errors.New("a day that Oracle's calendar does not have")
		}
	case strings.HasPrefix(c.Type, "BINARY_"):
		return wantType[float64, float64](v)
	case m != nil && m[1] == "RAW":
		b, ok := v.([]byte)
		if n, _ := strconv.Atoi(m[2]); !ok || len(b) == 0 || len(b) > n {
			return errors.New("ORA-12899: RAW of wrong length")
		}
	case m != nil && m[1] == "NUMBER" || c.Type == "NUMBER" || c.Type == "INTEGER" || strings.HasPrefix(c.Type, "FLOAT"):
		return checkOracleNumber(m, fmt.Sprint(v))
	case m != nil:
		return checkOracleText(m, v)
	}
	return nil
}

func wantType[A, B any](v any) error {
	_, a := v.(A)
	_, b := v.(B)
	if !a && !b {
		return fmt.Errorf("value of type %T", v)
	}
	return nil
}

func checkOracleNumber(m []string, s string) error {
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if significantDigits := len(strings.Trim(whole+fraction, "0")); significantDigits > 38 {
		return fmt.Errorf("%d digits", significantDigits)
	}
	if m == nil || m[2] == "*" {
		return nil
	}
	precision, _ := strconv.Atoi(m[2])
	scale, _ := strconv.Atoi(m[3])
	if digits := len(strings.TrimLeft(whole, "0")); digits > max(0, precision-scale) || len(strings.TrimRight(fraction, "0")) > max(0, scale) {
		return errors.New("ORA-01438")
	}
	return nil
}

// checkOracleText counts bytes in CESU-8, the longest form that a database has.
func checkOracleText(m []string, v any) error {
	s, ok := v.(string)
	if !ok || s == "" || !utf8.ValidString(s) {
		return errors.New("no text, or the empty string that Oracle takes for NULL")
	}
	n, _ := strconv.Atoi(m[2])
	length := utf8.RuneCountInString(s)
	if m[4] == "" && m[1][0] != 'N' {
		length = len(s)
		for i := range len(s) {
			if s[i] >= 0xf0 {
				length += 2
			}
		}
	}
	if length > n {
		return fmt.Errorf("ORA-12899: %d of %d", length, n)
	}
	return nil
}

func writeOracle(t *testing.T, opts Options, keep string) *oracleRecorder {
	t.Helper()
	r := newRecorder(keep)
	if err := WriteOracle(t.Context(), opts, r.sink(), nil); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOracleMillionRows(t *testing.T) {
	if testing.Short() {
		t.Skip("a million rows take seconds")
	}
	opts := Options{Rows: 1_000_000, Seed: 1, Small: 200, Empty: 5, Schema: "SAPSR3"}
	reported := make(map[string]int64)
	inserted := make(map[string]int64)
	made := 0
	sink := OracleSink{
		Exec: func(_ context.Context, sql string) error {
			if strings.HasPrefix(sql, "CREATE TABLE ") {
				made++
			}
			return nil
		},
		Insert: func(_ context.Context, into OracleTable, rows [][]any) error {
			inserted[into.Name] += int64(len(rows))
			return nil
		},
	}
	if err := WriteOracle(t.Context(), opts, sink, func(table string, rows int64) { reported[table] = rows }); err != nil {
		t.Fatal(err)
	}
	var rows int64
	for table, n := range reported {
		rows += inserted[table]
		if inserted[table] != n {
			t.Errorf("%s has %d rows, reported %d", table, inserted[table], n)
		}
	}
	if made < 200 || rows < 1_000_000 || len(reported) != made {
		t.Errorf("%d tables with %d rows, %d reported", made, rows, len(reported))
	}
}

// Tables look as SAP has them on Oracle: a unique index TABLE~0 and no constraint, no NULL
// in character fields, and a blank for what is empty.
func TestOracleSAPLayout(t *testing.T) {
	r := writeOracle(t, Options{Rows: 5000, Seed: 1, Small: 2, Schema: "SAPSR3"}, "VBAP")
	all := strings.Join(r.statements, "\n")
	for _, want := range []string{
		`CREATE TABLE "SAPSR3"."MARA" ("MANDT" VARCHAR2(9) DEFAULT '000' NOT NULL, "MATNR" VARCHAR2(54) DEFAULT ' ' NOT NULL, "ERSDA" VARCHAR2(24) DEFAULT '00000000' NOT NULL`,
		`CREATE UNIQUE INDEX "SAPSR3"."MARA~0" ON "SAPSR3"."MARA" ("MANDT", "MATNR")`, `CREATE INDEX "SAPSR3"."MARA~T"`,
		`CREATE TABLE "SAPSR3"."/BIC/AFOO" ("/BIC/ZMATERIAL" VARCHAR2(54)`, `"CLUSTD" BLOB`, `"GUID" RAW(16) NOT NULL`, `"LAEDA" DATE,`, `"BRGEW" NUMBER(13,3) DEFAULT 0 NOT NULL`,
		`"LVORM" VARCHAR2(3) DEFAULT ' ' NOT NULL`, `GENERATED BY DEFAULT AS IDENTITY (START WITH`, `CREATE VIEW "SAPSR3"."ZV_ORDER"`,
		`ALTER TABLE "SAPSR3"."ZSTAFF" ADD FOREIGN KEY ("MANAGER") REFERENCES "SAPSR3"."ZSTAFF" ("PERNR")`,
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no statement has %s", want)
		}
	}
	if n := strings.Count(all, "PRIMARY KEY"); n != 2 {
		t.Errorf("%d primary keys, want those of the two tables that are not SAP's", n)
	}
	if n := strings.Count(all, "REFERENCES"); n != 1 {
		t.Errorf("%d foreign keys, want 1", n)
	}
	blank := 0
	for _, row := range r.kept {
		if row[11] == " " { // ABGRU
			blank++
		}
	}
	if blank == 0 || blank == len(r.kept) {
		t.Errorf("%d of %d fields are blank", blank, len(r.kept))
	}
}

// The rows are those of the other engines.
func TestOracleRowsMatchSQLite(t *testing.T) {
	opts := Options{Rows: 3000, Seed: 3, Small: 2}
	path, counts := writeSQLite(t, opts)
	r := writeOracle(t, opts, "BSEG")
	for table, n := range counts {
		if got := r.rows[strings.ReplaceAll(table, `"`, "'")]; got != n {
			t.Errorf("%s has %d rows, SQLite %d", table, got, n)
		}
	}
	lite := query(t, path, `SELECT "BELNR", "DMBTR", "SGTXT", replace("AUGDT", '-', '') FROM "BSEG" ORDER BY rowid`)
	if len(lite) != len(r.kept) {
		t.Fatalf("%d rows, SQLite %d", len(r.kept), len(lite))
	}
	for i, row := range r.kept {
		day := "NULL"
		if at, ok := row[8].(time.Time); ok {
			day = at.Format("20060102")
		}
		amount, err := strconv.ParseFloat(row[10].(string), 64)
		if err != nil {
			t.Fatal(err)
		}
		text := row[17].(string)
		if text == " " {
			text = ""
		}
		cells := strings.Split(lite[i], "|")
		want, err := strconv.ParseFloat(cells[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		if row[2] != cells[0] || math.Abs(amount-want) > 0 || text != cells[2] || day != cells[3] {
			t.Fatalf("row %d is %v, in SQLite %s", i, row, lite[i])
		}
	}
}

func TestOracleRowsReproducible(t *testing.T) {
	opts := Options{Rows: 2000, Seed: 7, Small: 5, Empty: 3, Hostile: true, Oracle: OracleOptions{Types: true, JSON: true, Refused: true}}
	a, b := writeOracle(t, opts, ""), writeOracle(t, opts, "")
	opts.Seed = 8
	if c := writeOracle(t, opts, ""); a.hash != b.hash || a.hash == c.hash {
		t.Errorf("seed 7 gave %s and %s, seed 8 %s", a.hash, b.hash, c.hash)
	}
}

func TestOracleCharacterLengths(t *testing.T) {
	r := writeOracle(t, Options{Rows: 100, Seed: 1, Oracle: OracleOptions{Characters: true}}, "")
	if mara := r.columns[`"MARA"`]; !strings.Contains(mara, `"MATNR" VARCHAR2(18 CHAR)`) {
		t.Errorf("MARA is %s", mara)
	}
}

// One column of every type that Oracle has, those that travel with values.
func TestOracleEveryType(t *testing.T) {
	r := writeOracle(t, Options{Seed: 1, Oracle: OracleOptions{Types: true, JSON: true, Refused: true, Vector: true}}, "ZTYPES_NUMBER")
	all := strings.Join(r.statements, "\n")
	for _, name := range []string{
		"NUMBER(15,2)", "NUMBER(3,5)", "NUMBER(5,-2)", "NUMBER(*,0)", "INTEGER", "NUMBER,", "FLOAT(126)", "FLOAT(53)", "BINARY_FLOAT", "BINARY_DOUBLE", "DATE", "TIMESTAMP(0)", "TIMESTAMP(9)",
		"TIMESTAMP(6) WITH TIME ZONE", "WITH LOCAL TIME ZONE", "INTERVAL YEAR", "INTERVAL DAY", `" CHAR(5 CHAR)`, "NCHAR", "VARCHAR2(90)", "VARCHAR2(30 CHAR)", "NVARCHAR2", "RAW(16)", " CLOB", "NCLOB", " LONG,",
		"LONG RAW", "BLOB", "BFILE", "XMLTYPE", "JSON", " ROWID", "UROWID", "SDO_GEOMETRY", "AS OBJECT", "NESTED TABLE", "VARRAY", "REF ", "ANYDATA", "VECTOR", "VIRTUAL",
	} {
		if !strings.Contains(strings.ReplaceAll(all, ")\n", ",\n"), name) && !strings.Contains(all, name) {
			t.Errorf("no column is %s", name)
		}
	}
	if len(r.kept) != 4 || len(r.kept[0]) != 1+len(numberTypes()) {
		t.Errorf("the numbers are %v", r.kept)
	}
	for name, rows := range r.rows {
		if strings.HasPrefix(name, "ZR_") && rows > 0 {
			t.Errorf("%s has %d rows", name, rows)
		}
	}
}

func TestOracleHostile(t *testing.T) {
	r := writeOracle(t, Options{Seed: 1, Hostile: true}, "ZH_BEFORE_CHRIST")
	if at, ok := r.kept[499][1].(time.Time); !ok || at.Year() != -43 || at.Month() != time.March || at.Day() != 15 {
		t.Errorf("row 500 is %v", r.kept[499])
	}
	for _, name := range []string{"ZH_NUMBER_38_DIGITS", "ZH_NAN", "ZH_NINE_DIGITS"} {
		if r.rows[name] != 1000 {
			t.Errorf("%s has %d rows", name, r.rows[name])
		}
	}
	if r.rows["ZH_NUL"] != 0 {
		t.Error("a table of another engine is there")
	}
}

func TestOracleSinkErrorStopsWrite(t *testing.T) {
	full := errors.New("ORA-01653")
	r := newRecorder("")
	s := r.sink()
	insert := s.Insert
	s.Insert = func(ctx context.Context, into OracleTable, rows [][]any) error {
		if into.Name == "BSEG" {
			return full
		}
		return insert(ctx, into, rows)
	}
	if err := WriteOracle(t.Context(), Options{Rows: 1000}, s, nil); !errors.Is(err, full) || !strings.Contains(err.Error(), "BSEG") {
		t.Errorf("error is %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := WriteOracle(ctx, Options{Rows: 1000}, newRecorder("").sink(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error after cancel is %v", err)
	}
}
