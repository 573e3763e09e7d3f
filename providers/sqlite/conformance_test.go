package sqlite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/providertest"
	"github.com/dmoctl/dmoctl/providers/sqlite"
)

func harness() providertest.Harness {
	return providertest.Harness{
		Driver:  sqlite.Driver(),
		New:     newDatabase,
		Quote:   func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` },
		BigInt:  "INTEGER",
		Varchar: "VARCHAR(40)",
		Text:    "TEXT",
		Types:   typeCases(),
		Show:    show,
		DropLock: func(t testing.TB, db providertest.Database, _ providers.Session) {
			if err := db.(*file).dropLock(); err != nil {
				t.Fatal(err)
			}
		},
	}
}

func TestSource(t *testing.T) { providertest.Source(t, harness()) }

func TestTarget(t *testing.T) { providertest.Target(t, harness()) }

// show prints a column by SQLite's own functions in the form of providertest.Text.
func show(column string, t catalog.Type) string {
	q := `"` + column + `"`
	switch t.Kind {
	case catalog.Bool:
		return fmt.Sprintf("CASE %s WHEN 0 THEN 'false' WHEN 1 THEN 'true' END", q)
	case catalog.Int64:
		return q
	case catalog.Float64:
		return fmt.Sprintf("lower(hex(ieee754_to_blob(%s)))", q)
	case catalog.Decimal:
		return fmt.Sprintf("CASE WHEN typeof(%[1]s) = 'text' THEN %[1]s ELSE printf('%%.%[2]df', %[1]s) END", q, t.Scale)
	case catalog.Number:
		return fmt.Sprintf("CASE WHEN typeof(%[1]s) = 'real' THEN rtrim(rtrim(printf('%%.15f', %[1]s), '0'), '.') ELSE %[1]s END", q)
	case catalog.String, catalog.Text, catalog.JSON, catalog.Binary, catalog.Blob:
		return fmt.Sprintf("CASE WHEN %[1]s IS NULL THEN NULL ELSE lower(hex(%[1]s)) END", q)
	case catalog.Date:
		return fmt.Sprintf("strftime('%%Y-%%m-%%d', %s)", q)
	case catalog.Time:
		return showTime(q, "%H:%M:%S", 8)
	case catalog.Timestamp, catalog.TimestampTZ:
		return showTime(q, "%Y-%m-%d %H:%M:%S", 19)
	case catalog.UUID:
		return fmt.Sprintf("CASE WHEN typeof(%[1]s) = 'text' THEN lower(%[1]s) END", q)
	}
	return ""
}

// showTime lets strftime read everything but the fraction, of which it knows three digits only.
func showTime(q, format string, length int) string {
	zone := fmt.Sprintf("CASE WHEN %[1]s LIKE '%%Z' THEN 'Z' WHEN length(%[1]s) > %[2]d AND substr(%[1]s, -6, 1) IN ('+', '-') THEN substr(%[1]s, -6) ELSE '' END", q, length)
	fraction := fmt.Sprintf("CASE WHEN instr(%[1]s, '.') > 0 THEN substr(%[1]s, %[2]d, length(%[1]s) - %[3]d - length(%[4]s)) ELSE '' END",
		q, length+2, length+1, zone)
	return fmt.Sprintf("strftime('%s', substr(%s, 1, %d) || %s) || '.' || substr(%s || '000000', 1, 6)", format, q, length, zone, fraction)
}

func texts() []string {
	return []string{"''", "' '", "'a'", "'trailing  '", "'ä€😀'", "'a' || char(0) || 'b'", "char(0)", "'line' || char(10) || 'break'", "'''quote'''",
		"'<NULL>'", "'0'", "'NULL'", "'\\'"}
}

// typeCases tries every declared type that the provider knows.
func typeCases() []providertest.TypeCase {
	str := func(n int) catalog.Type { return catalog.Type{Kind: catalog.String, Length: n} }
	badText := []string{"x'ff'", "CAST(x'c328' AS TEXT)", "CAST(x'eda080' AS TEXT)"}
	return []providertest.TypeCase{
		{Declared: "INTEGER", Type: catalog.Type{Kind: catalog.Int64},
			Values:  []string{"0", "1", "-1", "9223372036854775807", "-9223372036854775808"},
			Refused: []string{"1.5", "'abc'", "x'00'", "1e300"}},
		{Declared: "TINYINT", Type: catalog.Type{Kind: catalog.Int64}, Values: []string{"0", "9223372036854775807"}},
		{Declared: "UNSIGNED BIG INT", Type: catalog.Type{Kind: catalog.Int64}, Values: []string{"12"}},
		{Declared: "DOUBLE PRECISION", Type: catalog.Type{Kind: catalog.Float64},
			Values:  []string{"0.0", "0.1", "-1.5", "1e308", "5e-324", "1.7976931348623157e308", "3", "9e999", "-9e999", "0.30000000000000004", "9007199254740992.0"},
			Refused: []string{"'abc'", "x'00'"}},
		{Declared: "VARCHAR(5)", Type: str(5), Values: append(texts(), "'longer than five'"), Refused: badText},
		{Declared: "NVARCHAR(160)", Type: str(160), Values: texts()},
		{Declared: "VARYING CHARACTER (7)", Type: str(7), Values: []string{"'a'"}},
		{Declared: "CHAR(3)", Type: str(3), Values: []string{"'a'", "'a  '", "'abcd'"}},
		{Declared: "TEXT", Type: catalog.Type{Kind: catalog.Text}, Values: append(texts(), "hex(randomblob(3000000))"), Refused: badText},
		{Declared: "CLOB", Type: catalog.Type{Kind: catalog.Text}, Values: texts()},
		{Declared: "BLOB", Type: catalog.Type{Kind: catalog.Blob},
			Values: []string{"x''", "x'00'", "x'00ff10'", "zeroblob(70000)", "randomblob(5000000)"}, Refused: []string{"'text'", "1", "1.5"}},
		{Declared: "VARBINARY(4)", Type: catalog.Type{Kind: catalog.Binary, Length: 4}, Values: []string{"x''", "x'01020304'"}, Refused: []string{"1"}},
		{Declared: "BOOLEAN", Type: catalog.Type{Kind: catalog.Bool}, Values: []string{"0", "1", "TRUE"}, Refused: []string{"2", "'true'", "0.5"}},
		{Declared: "NUMERIC(10,2)", Type: catalog.Type{Kind: catalog.Decimal, Precision: 10, Scale: 2},
			Values:  []string{"0", "0.99", "-0.99", "1", "12345678.9", "99999999.99", "-99999999.99", "0.1", "0.30", "'7.5'"},
			Refused: []string{"0.001", "100000000", "'abc'", "x'00'", "9e999", "1e300"}},
		{Declared: "DECIMAL_TEXT(38,10)", Type: catalog.Type{Kind: catalog.Decimal, Precision: 38, Scale: 10},
			Values:  []string{"'9999999999999999999999999999.9999999999'", "'-9999999999999999999999999999.9999999999'", "'0.0000000001'", "'0.0000000000'", "'-1.0000000000'"},
			Refused: []string{"'99999999999999999999999999999'", "'0.00000000001'", "'1,5'", "''"}},
		{Declared: "DECIMAL_TEXT(76,0)", Type: catalog.Type{Kind: catalog.Decimal, Precision: 76},
			Values: []string{"'" + strings.Repeat("9", 76) + "'", "'-" + strings.Repeat("9", 76) + "'", "'0'"}},
		{Declared: "NUMERIC", Type: catalog.Type{Kind: catalog.Number}, Values: []string{"0", "1", "-5", "0.5", "9223372036854775807"}, Refused: []string{"'abc'", "x'00'"}},
		{Declared: "NUMBER_TEXT", Type: catalog.Type{Kind: catalog.Number}, Values: []string{"'123456789012345678901234567890.5'", "'-0.001'"}, Refused: []string{"'--1'"}},
		{Declared: "DATE", Type: catalog.Type{Kind: catalog.Date}, Values: []string{"'0001-01-01'", "'1582-10-10'", "'1970-01-01'", "'2000-02-29'", "'9999-12-31'"},
			Refused: []string{"'2004-13-24'", "'2001-02-29'", "'0000-01-01'", "'10000-01-01'", "20200101", "'2020-1-1'", "'2020-01-01 00:00:00'", "''"}},
		{Declared: "TIME(6)", Type: catalog.Type{Kind: catalog.Time, Precision: 6}, Values: []string{"'00:00:00'", "'23:59:59.999999'", "'12:30'"},
			Refused: []string{"'24:00:00'", "'1:00:00'", "'12:00:00.'"}},
		{Declared: "DATETIME", Type: catalog.Type{Kind: catalog.Timestamp, Precision: 6},
			Values:  []string{"'0001-01-01 00:00:00'", "'1969-12-31 23:59:59.999999'", "'2009-01-01 00:00:00'", "'2009-01-01T10:20:30.5'", "'2009-01-01'", "'9999-12-31 23:59:59.999999'"},
			Refused: []string{"1234567890", "'2009-01-01 00:00:00Z'", "'2009-01-01 00:00:00.1234567'", "'now'", "'2009-01-01 00:00:60'"}},
		{Declared: "TIMESTAMPTZ", Type: catalog.Type{Kind: catalog.TimestampTZ, Precision: 6},
			Values:  []string{"'2009-01-01 00:00:00Z'", "'2009-01-01 00:00:00.250+02:00'", "'1969-12-31T20:00:00-05:30'"},
			Refused: []string{"'2009-01-01 00:00:00'", "'2009-01-01 00:00:00+2'"}},
		{Declared: "UUID", Type: catalog.Type{Kind: catalog.UUID},
			Values:  []string{"'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"},
			Refused: []string{"'x'", "'a0eebc999c0b4ef8bb6d6bb9bd380a1'", "x'00'"}},
		{Declared: "JSON_TEXT", Type: catalog.Type{Kind: catalog.JSON}, Values: []string{`'{"a": [1, 2,  3]}'`, "'null'", "'1e5'"}},
		{Declared: "", Type: catalog.Type{Kind: catalog.Native, Engine: "sqlite", Name: "ANY"}, Values: []string{"1", "1.5", "'text'", "x'00'", "-0.0"}},
		{Declared: "MONEY", Type: catalog.Type{Kind: catalog.Native, Engine: "sqlite", Name: "MONEY"}, Values: []string{"1", "1.5", "'text'", "x'00'"}},
	}
}
