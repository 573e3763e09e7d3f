package sample

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// OracleOptions say how Oracle's tables differ from the usual.
type OracleOptions struct {
	// Characters declares lengths as VARCHAR2(n CHAR). SAP's Unicode systems have
	// VARCHAR2(3n), in bytes, which is what the zero value gives.
	Characters bool
	// Types adds tables ZTYPES_... with a column of every type that travels, and its extremes.
	Types bool
	// JSON adds a table ZTYPES_JSON, which takes Oracle 21c.
	JSON bool
	// Refused adds an empty table ZR_... for every type that no other database can take.
	Refused bool
	// Vector adds the one of type VECTOR, which takes Oracle 23ai.
	Vector bool
}

// OracleSink takes what [WriteOracle] makes: a connection, or a simulator. Both funcs
// are called on the caller's goroutine, one at a time; an error of theirs ends the sample.
type OracleSink struct {
	// Exec runs one statement, without a semicolon at its end unless it is PL/SQL.
	Exec func(ctx context.Context, statement string) error
	// Insert adds rows, one value for each of the table's columns: nil, int64, float64,
	// string, []byte or time.Time. A decimal is a string, with a point. What is empty
	// stands in LOB columns only, and means EMPTY_CLOB() or EMPTY_BLOB(). The rows and
	// their bytes are the sink's only until it returns.
	Insert func(ctx context.Context, into OracleTable, rows [][]any) error
}

// OracleTable is a table that rows are inserted into. Virtual columns are left out.
type OracleTable struct {
	Schema, Name string // Schema is empty where the session's is meant
	Columns      []OracleColumn
}

// OracleColumn is a column with its type as CREATE TABLE has it, e.g. "VARCHAR2(54)".
type OracleColumn struct{ Name, Type string }

// Quoted is the table's name as SQL has it.
func (t OracleTable) Quoted() string { return oracleDialect{schema: t.Schema}.name(t.Name) }

// InsertSQL is an INSERT with a placeholder :1, :2, ... for each column. Strings that are
// numbers, intervals and documents are converted by the server: WriteOracle begins with an
// ALTER SESSION that makes the decimal point a point.
func (t OracleTable) InsertSQL() string {
	names, marks := make([]string, len(t.Columns)), make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i], marks[i] = quote(c.Name), fmt.Sprintf(c.conversion(), fmt.Sprintf(":%d", i+1))
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", t.Quoted(), strings.Join(names, ", "), strings.Join(marks, ", "))
}

// conversion is the expression around a column's placeholder.
func (c OracleColumn) conversion() string {
	for _, f := range []struct{ prefix, expression string }{
		{"NUMBER", "TO_NUMBER(%s)"}, {"FLOAT", "TO_NUMBER(%s)"}, {"INTEGER", "TO_NUMBER(%s)"},
		{"INTERVAL YEAR", "TO_YMINTERVAL(%s)"}, {"INTERVAL DAY", "TO_DSINTERVAL(%s)"},
		{"XMLTYPE", "XMLTYPE(%s)"}, {"JSON", "JSON(%s)"}, {"ROWID", "CHARTOROWID(%s)"},
	} {
		if strings.HasPrefix(c.Type, f.prefix) {
			return f.expression
		}
	}
	return "%s"
}

// oracleDialect spells the description as SAP has it on Oracle: no NULL and a blank or
// zero instead, flags, days and times of day as text, and for a key a unique index TABLE~0.
type oracleDialect struct {
	schema     string
	characters bool
	highest    int64 // number that an identity column has given out
}

func (oracleDialect) engine() string             { return oracleEngine }
func (oracleDialect) inlineKeys() bool           { return false }
func (oracleDialect) tableOptions(*table) string { return "" }

func (d oracleDialect) name(table string) string {
	if d.schema == "" {
		return quote(table)
	}
	return quote(d.schema) + "." + quote(table)
}

// Lengths in bytes. SAP counts UTF-16 units, each at most 3 bytes; columns that are not
// SAP's count characters, each at most 6 bytes in the character set UTF8 (CESU-8).
const (
	bytesOfUnit      = 3
	bytesOfCharacter = 6
)

func (d oracleDialect) typeName(c column) string {
	switch c.kind {
	case varchar:
		return d.text(c)
	case char:
		if c.initial == "" {
			return fmt.Sprintf("CHAR(%d CHAR)", c.size)
		}
		return d.text(c)
	case boolean:
		return d.text(column{size: 1, initial: "' '"})
	case date:
		if c.nullable {
			return "DATE"
		}
		return d.text(column{size: 8, initial: "' '"}) // ABAP's DATS
	case timeOfDay:
		return d.text(column{size: 6, initial: "' '"}) // ABAP's TIMS
	case timestamp, timestamptz: // instants in UTC: not every target keeps a zone
		if c.size == 0 {
			return "DATE"
		}
		return fmt.Sprintf("TIMESTAMP(%d)", c.size)
	case text, json:
		return "CLOB"
	case blob:
		return "BLOB"
	case uuid:
		return "RAW(16)"
	}
	return d.numberType(c)
}

func (d oracleDialect) numberType(c column) string {
	switch c.kind {
	case decimal:
		return fmt.Sprintf("NUMBER(%d,%d)", c.size, c.scale)
	case smallint:
		return "NUMBER(5)"
	case integer:
		return "NUMBER(10)"
	case bigint:
		return "NUMBER(19)"
	case double:
		return "BINARY_DOUBLE"
	case identity:
		return fmt.Sprintf("NUMBER(19) GENERATED BY DEFAULT AS IDENTITY (START WITH %d)", d.highest+7)
	}
	return "NUMBER"
}

func (d oracleDialect) text(c column) string {
	unit := bytesOfCharacter
	if c.initial != "" {
		unit = bytesOfUnit
	}
	if d.characters {
		return fmt.Sprintf("VARCHAR2(%d CHAR)", c.size)
	}
	return fmt.Sprintf("VARCHAR2(%d)", c.size*unit)
}

// initial is the default with which SAP says that a field is empty.
func (oracleDialect) initial(c column) string {
	switch {
	case c.initial != "" || c.nullable:
		return c.initial
	case c.kind == varchar || c.kind == boolean:
		return "' '"
	case c.kind == date:
		return "'00000000'"
	case c.kind == timeOfDay:
		return "'000000'"
	case c.kind == decimal || c.kind == smallint || c.kind == integer || c.kind == bigint:
		return "0"
	}
	return ""
}

// createOracle prints CREATE TABLE. Oracle wants the default before NOT NULL.
func (d oracleDialect) create(t *table) string {
	parts := make([]string, 0, len(t.columns))
	for _, c := range t.columns {
		p := quote(c.name) + " " + d.typeName(c)
		if initial := d.initial(c); initial != "" && c.kind != identity {
			p += " DEFAULT " + initial
		}
		if !c.nullable {
			p += " NOT NULL"
		}
		parts = append(parts, p)
	}
	return "CREATE TABLE " + d.name(t.name) + " (" + strings.Join(parts, ", ") + ")"
}

// finish prints what follows a table's load.
func (d oracleDialect) finish(t *table) []string {
	var out []string
	key := t.key
	if id := identityOf(t); id != "" {
		key = []string{id}
	}
	switch {
	case len(key) == 0:
	case t.custom:
		out = append(out, fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %s PRIMARY KEY (%s)", d.name(t.name), quote(t.name+"_PK"), quoteAll(key)))
	default:
		out = append(out, fmt.Sprintf("CREATE UNIQUE INDEX %s ON %s (%s)", d.name(t.name+"~0"), d.name(t.name), quoteAll(key)))
	}
	for _, x := range t.indexes {
		unique := ""
		if x.unique {
			unique = "UNIQUE "
		}
		out = append(out, fmt.Sprintf("CREATE %sINDEX %s ON %s (%s)", unique, d.name(x.name), d.name(t.name), quoteAll(x.columns)))
	}
	if t.custom {
		for _, f := range t.references {
			out = append(out, fmt.Sprintf("ALTER TABLE %s ADD %s", d.name(t.name), referenceClause(d, f)))
		}
	}
	return out
}

// value is a cell as the sink gets it: Oracle takes no text for NULL, so what is empty is a blank
// where the column is NOT NULL.
func (d oracleDialect) value(c column, r *row, v cell) (any, error) {
	switch v.form {
	case formNull:
		return nil, nil
	case formInt:
		return v.num, nil
	case formFloat:
		return math.Float64frombits(uint64(v.num)), nil
	case formDecimal:
		return string(appendDecimal(nil, v.num, v.scale)), nil
	case formBool:
		return []string{" ", "X"}[v.num], nil // as ABAP writes flags
	case formBytes:
		return r.buf[v.off:v.end], nil
	}
	s := string(r.buf[v.off:v.end])
	switch c.kind {
	case uuid:
		return hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	case text, json:
		return s, nil
	case date:
		if !c.nullable {
			return strings.ReplaceAll(s, "-", ""), nil
		}
		return oracleTime(s)
	case timeOfDay:
		return strings.ReplaceAll(s, ":", ""), nil
	case timestamp, timestamptz:
		return oracleTime(s)
	}
	switch {
	case s != "":
		return s, nil
	case c.nullable:
		return nil, nil
	}
	return " ", nil
}

// oracleTime reads "2024-02-29 23:59:59.5" in UTC; a minus before the year counts
// astronomically, as time.Time does.
func oracleTime(s string) (time.Time, error) {
	year, rest := 0, s
	if before, ok := strings.CutPrefix(s, "-"); ok {
		n, err := strconv.Atoi(before[:4])
		if err != nil {
			return time.Time{}, fmt.Errorf("%q is no date: %w", s, err)
		}
		year, rest = -n, "2000"+before[4:] // 2000 is a leap year, as any day may need
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04:05", "2006-01-02 15:04:05-07:00"} {
		t, err := time.Parse(layout, rest) // a fraction is read whether the layout has one or not
		if err != nil {
			continue
		}
		if rest != s {
			t = time.Date(year, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
		}
		return t.UTC(), nil
	}
	return time.Time{}, fmt.Errorf("%q is no date", s)
}
