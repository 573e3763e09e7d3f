package hana_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/hana"
	"github.com/dmoctl/dmoctl/providers/providertest"
)

func harness() providertest.Harness {
	all := &beds{taken: make(map[string]bool)}
	return providertest.Harness{
		Driver:  hana.Driver(),
		New:     func(t testing.TB) providertest.Database { return all.next(t) },
		Quote:   func(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` },
		Schema:  testSchema,
		BigInt:  "BIGINT",
		Varchar: "NVARCHAR(40)",
		Text:    "NCLOB",
		Types:   typeCases(),
		Show:    show,
		SameType: func(mapped, found catalog.Type) bool { // TIMESTAMP has seven digits, whatever the source had
			return (mapped.Kind == catalog.Timestamp && mapped.Precision > 0 || mapped.Kind == catalog.Timestamp9) && found.Kind == catalog.Timestamp9
		},
		DropLock: func(t testing.TB, db providertest.Database, _ providers.Session) {
			id, err := db.TryQuery(`SELECT MAX("SESSIONS") FROM "DMO"."RUN"`)
			if err != nil {
				t.Fatal(err)
			}
			id, _, _ = strings.Cut(strings.TrimPrefix(id, `["`), " ")
			if err := db.TryExec("ALTER SYSTEM DISCONNECT SESSION '" + id + "'"); err != nil {
				t.Fatal(err)
			}
		},
	}
}

func TestTargetConformance(t *testing.T) { providertest.Target(t, harness()) }

func TestReadBackConformance(t *testing.T) { providertest.ReadBack(t, harness()) }

// show prints a column by HANA's own functions in the form of providertest.Text.
func show(column string, t catalog.Type) string {
	q := `"` + column + `"`
	switch t.Kind {
	case catalog.Bool:
		return fmt.Sprintf("CASE WHEN %s = TRUE THEN 'true' ELSE 'false' END", q)
	case catalog.Int16, catalog.Int32, catalog.Int64, catalog.Decimal, catalog.Number, catalog.Float32, catalog.Float64:
		return q
	case catalog.String:
		return fmt.Sprintf("LOWER(BINTOHEX(TO_BINARY(%s)))", q)
	case catalog.Binary:
		return fmt.Sprintf("LOWER(BINTOHEX(%s))", q)
	case catalog.Date:
		return fmt.Sprintf("TO_NVARCHAR(%s)", q)
	case catalog.Timestamp:
		if t.Precision == 0 {
			return fmt.Sprintf("TO_NVARCHAR(%s) || '.000000'", q)
		}
		return fmt.Sprintf("SUBSTRING(TO_NVARCHAR(%s), 1, 26)", q)
	case catalog.Timestamp9:
		return fmt.Sprintf("TO_NVARCHAR(%s) || '00'", q)
	}
	return ""
}

func typeCases() []providertest.TypeCase {
	of := func(k catalog.Kind) catalog.Type { return catalog.Type{Kind: k} }
	texts := []string{"''", "' '", "'a'", "'trailing  '", "'ä€😀'", "'it''s'", "'<NULL>'", "'0'", `'\'`}
	return []providertest.TypeCase{
		{Declared: "BOOLEAN", Type: of(catalog.Bool), Values: []string{"TRUE", "FALSE"}},
		{Declared: "SMALLINT", Type: of(catalog.Int16), Values: []string{"-32768", "0", "32767"}},
		{Declared: "INTEGER", Type: of(catalog.Int32), Values: []string{"-2147483648", "0", "2147483647"}},
		{Declared: "BIGINT", Type: of(catalog.Int64), Values: []string{"-9223372036854775808", "0", "9223372036854775807"}},
		{Declared: "REAL", Type: of(catalog.Float32), Values: []string{"-3.4028234e38", "1.5", "0"}},
		{Declared: "DOUBLE", Type: of(catalog.Float64), Values: []string{"-1.7976931348623157e308", "0.1", "0"}},
		{Declared: "DECIMAL(15,2)", Type: catalog.Type{Kind: catalog.Decimal, Precision: 15, Scale: 2},
			Values: []string{"-9999999999999.99", "0", "0.01", "-0.10", "9999999999999.99", "100"}},
		{Declared: "DECIMAL(38,10)", Type: catalog.Type{Kind: catalog.Decimal, Precision: 38, Scale: 10},
			Values: []string{"-9999999999999999999999999999.9999999999", "9999999999999999999999999999.9999999999", "0.0000000001", "-0.0000000001"}},
		{Declared: "DECIMAL", Type: of(catalog.Number), Values: []string{"0", "-1", "0.000000000000000000000000000001", "1234567890123456789012345678901234", "-1234567890123456789012345678901.234"}},
		{Declared: "NVARCHAR(40)", Type: catalog.Type{Kind: catalog.String, Length: 40}, Values: texts},
		{Declared: "NCLOB", Type: of(catalog.Text), Values: append(texts[:len(texts):len(texts)], "'"+strings.Repeat("ä😀x", 3000)+"'")},
		{Declared: "VARBINARY(8)", Type: catalog.Type{Kind: catalog.Binary, Length: 8}, Values: []string{"X''", "X'00'", "X'00FF5C783237'"}},
		{Declared: "BLOB", Type: of(catalog.Blob), Values: []string{"X''", "X'00'", "X'" + strings.Repeat("00ff", 2000) + "'"}},
		{Declared: "DATE", Type: of(catalog.Date), Values: []string{"'0001-01-01'", "'1582-10-04'", "'1582-10-15'", "'1970-01-01'", "'2000-02-29'", "'9999-12-31'"}},
		{Declared: "SECONDDATE", Type: of(catalog.Timestamp), Values: []string{"'0001-01-01 00:00:00'", "'1500-03-01 23:59:59'", "'1969-12-31 23:59:59'", "'9999-12-31 23:59:59'"}},
		{Declared: "TIMESTAMP", Type: catalog.Type{Kind: catalog.Timestamp9, Precision: 7},
			Values: []string{"'0001-01-01 00:00:00.0000001'", "'1582-10-04 23:59:59.9999999'", "'1969-12-31 23:59:59.9999999'", "'2024-02-29 12:00:00'", "'9999-12-31 23:59:59.9999999'"}},
	}
}
