package sqlite

import (
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

func TestCodeCallsDetected(t *testing.T) {
	for expression, want := range map[string]string{
		"a > 1 AND (b IN (1, 2) OR c LIKE 'x(%')": "", "length(a) < 9 AND lower(b) = b": "", "CAST(a AS INTEGER) > (1)": "", "CASE WHEN (a) THEN (b) ELSE (c) END": "",
		"coalesce(a, \"b\") IS NOT (NULL)": "", "'load_extension(1)'": "", "strftime('%s', 'now')": "", "a -- load_extension(": "", "json_extract(a, '$.b') -> 'c'": "",
		"load_extension('x')": "load_extension()", "LOAD_EXTENSION ('x')": "load_extension()", "\"load_extension\"('x')": "load_extension()", "[Load_Extension](a)": "load_extension()",
		"`own`(a) + own(b)": "own()", "a REGEXP 'x'": "regexp()", "a MATCH 'x'": "match()", "own /* ( */ (a)": "own()", "last_insert_rowid()": "last_insert_rowid()", "edit(a)": "edit()", "writefile('f', a)": "writefile()",
	} {
		if got := strings.Join(calls(expression), ", "); got != want {
			t.Errorf("%s: %q, want %q", expression, got, want)
		}
	}
}

func TestCodeExpressionsNotMigrated(t *testing.T) {
	// Done: settings: expressions are code: in SQLite, too, only plain ones travel by themselves.
	c, err := connect(filepath.Join(t.TempDir(), "f.db"), sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.exec(t.Context(), "PRAGMA trusted_schema=ON"); err != nil { // as most programs have it
		t.Fatal(err)
	}
	own := &sqlite.FunctionImpl{NArgs: 1, Deterministic: true, AllowIndirect: true, Scalar: func(sqlite.Context, []sqlite.Value) (sqlite.Value, error) { return sqlite.IntegerValue(1), nil }}
	if err := c.CreateFunction("own", own); err != nil {
		t.Fatal(err)
	}
	if err := c.exec(t.Context(), `CREATE TABLE t (id integer primary key, a text default (own('x')), b text default (lower('X')) collate nocase,
		check (own(a) is null), constraint good check (length(b) < 9))`); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"CREATE UNIQUE INDEX t_b ON t (lower(b)) WHERE length(a) > 1", "CREATE INDEX t_own ON t (own(a))", "CREATE INDEX t_where ON t (a) WHERE own(b)"} {
		if err := c.exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	source, err := describeTable(t.Context(), c, "t")
	if err != nil {
		t.Fatal(err)
	}
	m := mapTable(source, providers.MapOptions{Engine: engine, To: catalog.Name{Name: "t"}, Policies: catalog.DefaultPolicies()})
	sql := createSQL(m.Table)
	if strings.Contains(sql, "own") || !strings.Contains(sql, "length(b) < 9") || !strings.Contains(sql, "lower('X')") || len(m.Table.Indexes) != 1 {
		t.Errorf("the target's table: %s\n%+v", sql, m.Table.Indexes)
	}
	var said []string
	for _, l := range m.Conversions {
		said = append(said, l.Column+" "+l.What)
	}
	if got := strings.Join(said, "\n"); got != "a The default is not migrated: it uses own().\n Check (own(a) is null) is not migrated: it uses own().\n Index t_own is not migrated: it uses own().\n Index t_where is not migrated: it uses own()." {
		t.Errorf("conversions: %s", got)
	}
	trusted := catalog.DefaultPolicies()
	trusted.Expressions = catalog.Trusted
	m = mapTable(source, providers.MapOptions{Engine: engine, To: catalog.Name{Name: "t"}, Policies: trusted})
	if len(m.Conversions) > 0 || createSQL(m.Table) != source.Definition {
		t.Errorf("trusted: %v\n%s", m.Conversions, createSQL(m.Table))
	}
}
