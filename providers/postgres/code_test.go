package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/postgres"
)

// owned are objects of the user's that expressions can reach code by.
const owned = `
CREATE FUNCTION own(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 1';
CREATE FUNCTION same(int, int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1 = $2';
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = same, COMMUTATOR = ===);
CREATE TYPE pair AS (a int, b int);
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE FUNCTION moody(int) RETURNS mood IMMUTABLE LANGUAGE sql AS 'SELECT ''sad''::mood';
CREATE CAST (int AS mood) WITH FUNCTION moody(int);
CREATE DOMAIN plain AS int DEFAULT 3 CHECK (VALUE > 0) CHECK (VALUE < 1000);
CREATE DOMAIN sly AS int DEFAULT own(2) NOT NULL CONSTRAINT good CHECK (VALUE > 0) CONSTRAINT bad CHECK (own(VALUE) > 0);
CREATE DOMAIN deep AS sly CONSTRAINT small CHECK (VALUE < 100);
CREATE SEQUENCE counter;
`

func TestCodeExpressionsNotMigrated(t *testing.T) {
	// Done: settings: expressions are code: only plain ones travel by themselves, the others are listed by name, and all with "trusted".
	s := pgtest.Shared(t)
	url := s.NewDatabase(t)
	s.Exec(t, url, owned)
	for _, c := range []struct{ column, uses string }{
		{"a int DEFAULT 7", ""}, {"a text DEFAULT 'x'", ""}, {"a varchar(3) DEFAULT 'x'", ""}, {"a char(4) DEFAULT ' '", ""}, {"a numeric(10,2) DEFAULT 1.5", ""},
		{"a mood DEFAULT 'ok'", ""}, {"a mood[] DEFAULT '{ok}'", ""}, {"a text[] DEFAULT ARRAY['x', 'y']", ""}, {"a timestamptz DEFAULT now()", ""},
		{"a timestamptz DEFAULT CURRENT_TIMESTAMP", ""}, {"a date DEFAULT CURRENT_DATE", ""}, {"a timestamptz DEFAULT now() + interval '1 day'", ""},
		{"a timestamp DEFAULT timezone('utc', now())", ""}, {"a uuid DEFAULT gen_random_uuid()", ""}, {"a bigint DEFAULT nextval('counter')", ""},
		{"a timestamptz DEFAULT clock_timestamp()", ""}, {"a text DEFAULT CURRENT_USER", ""}, {"a plain DEFAULT 4", ""}, {"a jsonb DEFAULT '{}'", ""}, {"a float8 DEFAULT random()", ""},
		{"a text DEFAULT 'n' || 5", ""}, {"a text DEFAULT lpad(md5('x'), 3)", ""}, {"a date DEFAULT now()", ""},
		{"a int CHECK (a IN (1, 2) AND a BETWEEN 1 AND 9 OR a IS NULL)", ""}, {"a text CHECK (a ~ '^x' AND length(a) < 9 AND a LIKE 'x%')", ""},
		{"a int, b int, CHECK ((a, b) < (1, 2) AND greatest(a, b) > 0 AND coalesce(a, b) = nullif(a, 3))", ""}, {"a mood CHECK (CASE WHEN a = 'ok' THEN true ELSE a <> 'sad' END)", ""},
		{"a jsonb CHECK (a ? 'x' AND (a ->> 'y')::int > 3 AND a['z'] IS NOT NULL)", ""}, {"a date CHECK (a > '2000-01-01' AND a < CURRENT_DATE)", ""}, {"a text COLLATE \"C\" CHECK (lower(a) = a)", ""},
		{"a int, g int GENERATED ALWAYS AS (a * 2) STORED", ""}, {"a int, EXCLUDE USING hash (a WITH =)", ""},
		{"a int DEFAULT own(1)", "default a: public.own(integer)"}, {"a int DEFAULT own(1) + 2", "default a: public.own(integer)"},
		{"a text DEFAULT pg_read_file('/etc/passwd')", "default a: pg_read_file(text)"}, {"a text DEFAULT set_config('x.y', 'z', false)", "default a: set_config(text,text,boolean)"},
		{"a int DEFAULT lo_export(1, 'f')", "default a: lo_export(oid,text)"}, {"a text DEFAULT current_setting('server_version')", "default a: current_setting(text)"},
		{"a bigint DEFAULT nextval(('count' || 'er')::regclass)", "default a: regclass(text)"}, {"a xml DEFAULT xmlelement(name x)", "default a: the construct XMLEXPR"},
		{"a bigint CHECK (nextval('counter') > 0)", "check t_check: nextval(regclass)"}, {"a mood DEFAULT 1::mood", "default a: public.moody(integer)"},
		{"a text DEFAULT (ROW(1, 2)::pair)::text", "default a: type public.pair"},
		{"a xml CHECK (a IS NULL OR query_to_xml('SELECT 1', true, true, '') IS NOT NULL)", "check t_a_check: query_to_xml(text,boolean,boolean,text)"},
		{"a int CHECK (CASE WHEN a > 0 THEN a === 1 ELSE true END)", "check t_a_check: operator public.===(integer,integer)"}, {"a int CHECK (a === ANY (ARRAY[1]))", "check t_a_check: operator public.===(integer,integer)"},
		{"a int CHECK (pg_sleep(0) IS NOT NULL)", "check t_check: pg_sleep(double precision)"},
		{"a int, g int GENERATED ALWAYS AS (own(a)) STORED", "generated column g: public.own(integer)"},
		{"a int, EXCLUDE USING btree (a WITH =) WHERE (own(a) > 1)", "index t_a_excl: public.own(integer)"},
	} {
		s.Exec(t, url, "DROP TABLE IF EXISTS t; CREATE TABLE t ("+c.column+")")
		read, err := openSource(t, url).Catalog(t.Context(), providers.Selector{})
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, x := range read.Tables[0].Code {
			for _, use := range x.Uses {
				found = append(found, x.Kind+" "+x.Name+": "+use)
			}
		}
		if got := strings.Join(found, "; "); got != c.uses {
			t.Errorf("%s: %q, want %q", c.column, got, c.uses)
		}
		m := postgres.Driver().MapTable(read.Tables[0], providers.MapOptions{Engine: "postgres", To: read.Tables[0].Name, Policies: catalog.DefaultPolicies(), Types: read.Types})
		if lost := len(m.Conversions) + len(m.Refusals); c.uses == "" && lost > 0 || c.uses != "" && lost == 0 {
			t.Errorf("%s: conversions %v, refusals %v", c.column, m.Conversions, m.Refusals)
		}
		trusted := catalog.DefaultPolicies()
		trusted.Expressions = catalog.Trusted
		m = postgres.Driver().MapTable(read.Tables[0], providers.MapOptions{Engine: "postgres", To: read.Tables[0].Name, Policies: trusted, Types: read.Types})
		if len(m.Conversions)+len(m.Refusals) > 0 {
			t.Errorf("%s, trusted: conversions %v, refusals %v", c.column, m.Conversions, m.Refusals)
		}
	}
}

func TestCodeObjectsSkipped(t *testing.T) {
	// Done: settings: expressions are code: a default, check, index or domain that calls a function is left out by name, and the table is whole without it.
	s := pgtest.Shared(t)
	src, dst := s.NewDatabase(t), s.NewDatabase(t)
	s.Exec(t, src, owned+`
CREATE TABLE t (a int DEFAULT own(1), b int DEFAULT 7, c sly, d deep, e plain, CONSTRAINT bad CHECK (own(a) > 0), CONSTRAINT good CHECK (b > 0));
CREATE INDEX t_own ON t (own(a)); CREATE INDEX t_part ON t (b) WHERE own(a) > 1; CREATE UNIQUE INDEX t_plain ON t ((b + 1)) WHERE b > 2;
INSERT INTO t VALUES (1, 7, 5, 6, 8);`)
	pairs := move(t, src, dst, catalog.SplitSpec{By: "auto"})
	if got := s.Query(t, dst, "TABLE t; SELECT conname FROM pg_constraint WHERE conrelid = 't'::regclass; SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 't'::regclass"); got != "1|7|5|6|8\ngood\nt_plain" {
		t.Errorf("target: %s", got)
	}
	if got := s.Query(t, dst, "SELECT typname, typdefault, typnotnull, (SELECT string_agg(conname, ',' ORDER BY conname) FROM pg_constraint WHERE contypid = t.oid) FROM pg_type t WHERE typtype = 'd' AND typnamespace = 'public'::regnamespace ORDER BY 1"); got != "deep|<NULL>|f|small\nplain|3|f|plain_check,plain_check1\nsly|<NULL>|t|good" {
		t.Errorf("domains: %s", got)
	}
	c, err := openSource(t, src).Catalog(t.Context(), providers.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	m := postgres.Driver().MapTable(c.Find(pairs[0].source.Name), providers.MapOptions{Engine: "postgres", To: pairs[0].source.Name, Policies: catalog.DefaultPolicies(), Types: c.Types})
	var said []string
	for _, l := range m.Conversions {
		said = append(said, l.Column+" "+l.What)
	}
	all := strings.Join(said, "\n")
	for _, want := range []string{"a The default is not migrated: it uses public.own(integer).", "Check bad is not migrated", "Index t_own is not migrated", "Index t_part is not migrated",
		"c Its domain public.sly is created without the check bad", "c Its domain public.sly is created without the default", "d Its domain public.deep is created without the check bad"} {
		if !strings.Contains(all, want) {
			t.Errorf("the plan does not say %q:\n%s", want, all)
		}
	}
}

func TestCodePartitionKeyRefused(t *testing.T) {
	s := pgtest.Shared(t)
	url := s.NewDatabase(t)
	s.Exec(t, url, owned+`CREATE TABLE p (a int, b int) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9) PARTITION BY RANGE (own(b));
CREATE TABLE q (a int, b int) PARTITION BY RANGE ((a + b))`)
	c, err := openSource(t, url).Catalog(t.Context(), providers.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	refused := make(map[string]string)
	for _, table := range c.Tables {
		m := postgres.Driver().MapTable(table, providers.MapOptions{Engine: "postgres", To: table.Name, Policies: catalog.DefaultPolicies()})
		refused[table.Name.Name] = fmt.Sprint(m.Refusals)
	}
	if !strings.Contains(refused["p"], "public.p1 uses public.own(integer)") || refused["q"] != "[]" {
		t.Errorf("refusals: %v", refused)
	}
}
