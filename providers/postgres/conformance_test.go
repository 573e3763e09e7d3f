package postgres_test

import (
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/postgres"
	"github.com/dmoctl/dmoctl/providers/providertest"
)

// served is a database of the shared server, reached by psql beside the provider.
type served struct {
	server *pgtest.Server
	url    string
}

func (d *served) Values() schema.Values {
	return schema.Values{"url": d.url, "schema": "public", "consistency": "snapshot", "existing": "require-empty"}
}

func (d *served) TryExec(sql string) error { return d.server.TryExec(d.url, sql) }

func (d *served) TryQuery(sql string) (string, error) { return d.server.TryQuery(d.url, sql) }

func harness() providertest.Harness {
	return providertest.Harness{
		Driver: postgres.Driver(),
		New: func(t testing.TB) providertest.Database {
			s := pgtest.Shared(t)
			return &served{s, s.NewDatabase(t)}
		},
		Quote:   func(name string) string { return `"` + doubled(name) + `"` },
		Schema:  "public",
		BigInt:  "bigint",
		Varchar: "varchar(40)",
		Text:    "text",
		Types:   typeCases(),
		Show:    show,
		DropLock: func(t testing.TB, db providertest.Database, _ providers.Session) {
			const holders = `SELECT count(pg_terminate_backend(l.pid, 5000)) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.mode = 'ExclusiveLock' AND a.datname = current_database()`
			if got, err := db.TryQuery(holders); err != nil || got != "1" {
				t.Fatalf("%s sessions held the lock, %v", got, err)
			}
		},
	}
}

func doubled(name string) string {
	out := ""
	for _, r := range name {
		if r == '"' {
			out += `"`
		}
		out += string(r)
	}
	return out
}

func typeCases() []providertest.TypeCase {
	of := func(k catalog.Kind) catalog.Type { return catalog.Type{Kind: k} }
	return []providertest.TypeCase{
		{Declared: "boolean", Type: of(catalog.Bool), Values: []string{"true", "false"}},
		{Declared: "smallint", Type: of(catalog.Int16), Values: []string{"-32768", "0", "32767"}},
		{Declared: "integer", Type: of(catalog.Int32), Values: []string{"-2147483648", "0", "2147483647"}},
		{Declared: "bigint", Type: of(catalog.Int64), Values: []string{"-9223372036854775808", "0", "9223372036854775807"}},
		{Declared: "oid", Type: of(catalog.Int64), Values: []string{"0", "4294967295"}},
		{Declared: "real", Type: of(catalog.Float32), Values: []string{"'-3.4028235e38'", "'1e-45'", "'-0'", "'NaN'", "'Infinity'"}},
		{Declared: "double precision", Type: of(catalog.Float64), Values: []string{"'-1.7976931348623157e308'", "'5e-324'", "'-0'", "'NaN'", "'-Infinity'"}},
		{Declared: "numeric(15,2)", Type: catalog.Type{Kind: catalog.Decimal, Precision: 15, Scale: 2},
			Values: []string{"-9999999999999.99", "0", "0.01", "-0.10", "9999999999999.99", "100"}, Refused: []string{"'NaN'"}},
		{Declared: "numeric(38,10)", Type: catalog.Type{Kind: catalog.Decimal, Precision: 38, Scale: 10},
			Values: []string{"-9999999999999999999999999999.9999999999", "0.0000000001", "1e27"}},
		{Declared: "numeric(76,38)", Type: catalog.Type{Kind: catalog.Decimal, Precision: 76, Scale: 38},
			Values: []string{"1e-38", "-99999999999999999999999999999999999999.99999999999999999999999999999999999999", "12345678901234567890"}},
		{Declared: "numeric", Type: of(catalog.Number), Values: []string{"0", "-1e-20", "1e40", "123.4500", "'NaN'", "'Infinity'", "'-Infinity'"}},
		{Declared: "text", Type: of(catalog.Text), Values: []string{"''", "' '", "'NULL'", "E'\\t\\n\\\\'", "'𝄞 Übergrößenträger'", "'0'", "repeat('x', 300000)"}},
		{Declared: "character varying(40)", Type: catalog.Type{Kind: catalog.String, Length: 40}, Values: []string{"''", "' '", "'a  '", "'𝄞'"}},
		{Declared: "character(10)", Type: catalog.Type{Kind: catalog.Char, Length: 10}, Values: []string{"''", "'a'", "'ü  '"}},
		{Declared: "name", Type: catalog.Type{Kind: catalog.String, Length: 63}, Values: []string{"''", "'a'"}},
		{Declared: "bytea", Type: of(catalog.Blob), Values: []string{`'\x'`, `'\x00ff0a'`, "decode(repeat('00ff', 200000), 'hex')"}},
		{Declared: "date", Type: of(catalog.Date), Values: []string{"'0001-01-01'", "'1582-10-10'", "'9999-12-31'", "'2000-02-29'", "'infinity'", "'-infinity'"}},
		{Declared: "time without time zone", Type: catalog.Type{Kind: catalog.Time, Precision: 6}, Values: []string{"'00:00:00'", "'23:59:59.999999'"}},
		{Declared: "timestamp without time zone", Type: catalog.Type{Kind: catalog.Timestamp, Precision: 6},
			Values: []string{"'0001-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'", "'1969-12-31 23:59:59.999999'", "'infinity'"}, Refused: []string{"'294270-01-01'"}},
		{Declared: "timestamp(3) with time zone", Type: catalog.Type{Kind: catalog.TimestampTZ, Precision: 3},
			Values: []string{"'0001-01-01 00:00:00+00'", "'2024-06-01 12:00:00.123+05:30'", "'-infinity'"}},
		{Declared: "uuid", Type: of(catalog.UUID), Values: []string{"'00000000-0000-0000-0000-000000000000'", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"}},
		{Declared: "json", Type: of(catalog.JSON), Values: []string{`'{"a":1,  "a":2}'`, "'null'", `'"𝄞"'`}},
		{Declared: "jsonb", Type: of(catalog.JSON), Values: []string{`'{"b":1,  "a":2}'`, "'[]'"}},
		{Declared: "xml", Type: of(catalog.Text), Values: []string{"'<a>ü</a>'", `'<?xml version="1.0" encoding="UTF-8"?><r/>'`}},
	}
}

func show(column string, t catalog.Type) string {
	switch t.Kind {
	case catalog.Bool, catalog.Int16, catalog.Int32, catalog.Int64, catalog.Decimal, catalog.UUID, catalog.Date:
		return column + "::text"
	case catalog.Float32:
		return "encode(float4send(" + column + "), 'hex')"
	case catalog.Float64:
		return "encode(float8send(" + column + "), 'hex')"
	case catalog.Number:
		return "trim_scale(" + column + ")::text"
	case catalog.Char:
		return "encode(bpcharsend(" + column + "), 'hex')"
	case catalog.String, catalog.Text, catalog.JSON:
		return "encode(convert_to(" + column + "::text, 'UTF8'), 'hex')"
	case catalog.Binary, catalog.Blob:
		return "encode(" + column + ", 'hex')"
	case catalog.Time:
		return "to_char(" + column + ", 'HH24:MI:SS.US')"
	case catalog.Timestamp:
		return "CASE WHEN isfinite(" + column + ") THEN to_char(" + column + ", 'YYYY-MM-DD HH24:MI:SS.US') ELSE " + column + "::text END"
	case catalog.TimestampTZ:
		return "CASE WHEN isfinite(" + column + ") THEN to_char(" + column + " AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') ELSE " + column + "::text END"
	}
	return ""
}

func TestSourceConformance(t *testing.T) { providertest.Source(t, harness()) }

func TestTargetConformance(t *testing.T) { providertest.Target(t, harness()) }
