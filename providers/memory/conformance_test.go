package memory_test

import (
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/memdb"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/memory"
	"github.com/dmoctl/dmoctl/providers/providertest"
)

// database is a Server as the suites see it.
type database struct{ server *memdb.Server }

func (d database) Values() schema.Values { return schema.Values{memory.ArgServer: d.server} }

func (d database) TryExec(sql string) error {
	_, err := d.TryQuery(sql)
	return err
}

func (d database) TryQuery(sql string) (out string, err error) {
	d.server.Do(func(data *memdb.Data) { out, err = run(data, sql) })
	return out, err
}

func harness(o memdb.Options) providertest.Harness {
	driver := memory.Driver()
	driver.Limits = providers.Limits{InlineKeys: o.InlineKeys}
	return providertest.Harness{
		Driver: driver,
		New: func(t testing.TB) providertest.Database {
			return database{memdb.New(t.Name(), o)}
		},
		Quote:   func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` },
		Schema:  "main",
		BigInt:  "int64",
		Varchar: "string(40)",
		Text:    "text",
		Types: []providertest.TypeCase{
			{Declared: "bool", Type: catalog.Type{Kind: catalog.Bool}, Values: []string{"true", "false"}},
			{Declared: "int16", Type: catalog.Type{Kind: catalog.Int16}, Values: []string{"-32768", "0", "32767"}},
			{Declared: "int64", Type: catalog.Type{Kind: catalog.Int64}, Values: []string{"-9223372036854775808", "0", "9223372036854775807"}},
			{Declared: "float64", Type: catalog.Type{Kind: catalog.Float64}, Values: []string{"0", "0.1", "-1.5", "1.7976931348623157e308", "5e-324"}},
			{Declared: "decimal(15,2)", Type: catalog.Type{Kind: catalog.Decimal, Precision: 15, Scale: 2}, Values: []string{"0.00", "-0.01", "9999999999999.99"}},
			{Declared: "string(5)", Type: catalog.Type{Kind: catalog.String, Length: 5}, Values: []string{"''", "' '", "'a'", "'ä€😀'", "'it''s'", "'<NULL>'", "'(null)'"}},
			{Declared: "text", Type: catalog.Type{Kind: catalog.Text}, Values: []string{"''", "'NULL'", "'line\nbreak'"}},
			{Declared: "blob", Type: catalog.Type{Kind: catalog.Blob}, Values: []string{"x''", "x'00'", "x'00ff'"}},
			{Declared: "date", Type: catalog.Type{Kind: catalog.Date}, Values: []string{"'0001-01-01'", "'1970-01-01'", "'9999-12-31'"}},
		},
		Show: func(string, catalog.Type) string { return "shown" },
		DropLock: func(_ testing.TB, db providertest.Database, _ providers.Session) {
			db.(database).server.Lose("conformance")
		},
	}
}

// ways are the engines that the provider can be.
func ways() map[string]memdb.Options {
	return map[string]memdb.Options{"transactional": {}, "self-committing": {SelfCommitting: true}, "inline keys": {InlineKeys: true, Writers: 1}}
}

func TestSource(t *testing.T) { providertest.Source(t, harness(memdb.Options{})) }

func TestTarget(t *testing.T) {
	for name, o := range ways() {
		t.Run(name, func(t *testing.T) { providertest.Target(t, harness(o)) })
	}
}
