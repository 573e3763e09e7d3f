package postgres_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/providers"
)

const structured = `
CREATE SCHEMA "Other Schema";
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE TYPE public."Weird ""Enum" AS ENUM ('a', 'b c');
CREATE DOMAIN public.percent AS numeric(5,2) DEFAULT 1 NOT NULL CONSTRAINT in_range CHECK (VALUE >= 0 AND VALUE <= 100);
CREATE SEQUENCE public.free_seq AS int INCREMENT 5 START 10 CACHE 3 CYCLE;
CREATE SEQUENCE public.down_seq INCREMENT -1;
SELECT nextval('free_seq'), nextval('free_seq'), nextval('down_seq'), nextval('down_seq');
CREATE TABLE public.parent (
  id int GENERATED ALWAYS AS IDENTITY (START 7 INCREMENT 3), code text COLLATE "C" NOT NULL, "Mixed Case" varchar(10) DEFAULT 'x''y',
  e public."Weird ""Enum" DEFAULT 'a', p percent, ref int DEFAULT nextval('free_seq'), total numeric(10,2) GENERATED ALWAYS AS (ref * 2) STORED,
  at timestamptz DEFAULT now(), tags text[] DEFAULT '{}', during tstzrange,
  CONSTRAINT parent_pk PRIMARY KEY (id) INCLUDE (code), CONSTRAINT code_u UNIQUE (code), CONSTRAINT later_u UNIQUE (ref) DEFERRABLE,
  CONSTRAINT positive CHECK (ref > 0), EXCLUDE USING gist (ref WITH =, during WITH &&));
COMMENT ON TABLE parent IS 'It''s the parent';
CREATE INDEX parent_expr ON parent (lower(code)) WHERE ref > 3;
CREATE INDEX parent_gin ON parent USING gin (tags);
CREATE UNIQUE INDEX parent_desc ON parent (ref DESC, code);
CREATE INDEX parent_opclass ON parent (code text_pattern_ops DESC NULLS LAST) INCLUDE ("Mixed Case");
CREATE TABLE public.child (n serial, parent int NOT NULL, "/BIC/AFOO" text, code text,
  CONSTRAINT child_parent FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT child_code FOREIGN KEY (code) REFERENCES parent (code) MATCH FULL ON UPDATE SET NULL);
CREATE UNIQUE INDEX child_key ON child (parent, n);
CREATE TABLE public.days (day date NOT NULL, region text NOT NULL, v int) PARTITION BY RANGE (day);
CREATE TABLE public.days_2019 PARTITION OF days FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
CREATE TABLE public.days_2020 PARTITION OF days FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') PARTITION BY LIST (region);
CREATE TABLE public.days_2020_eu PARTITION OF days_2020 FOR VALUES IN ('eu');
CREATE TABLE public.days_2020_rest PARTITION OF days_2020 DEFAULT;
CREATE TABLE public.days_rest PARTITION OF days DEFAULT;
ALTER TABLE days ADD CONSTRAINT days_pk PRIMARY KEY (day, region);
CREATE INDEX days_v ON days (v);
CREATE TABLE public.hashed (k int PRIMARY KEY, day date, region text, FOREIGN KEY (day, region) REFERENCES days) PARTITION BY HASH (k);
CREATE TABLE public.hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE public.hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE public.base (a int);
CREATE TABLE public.heir (b int) INHERITS (base);
CREATE TABLE public.nothing ();
CREATE UNLOGGED TABLE public.volatile (a int);
CREATE VIEW public.seen AS SELECT 1 AS one;
CREATE FUNCTION public.f(int) RETURNS int LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION public.trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER t1 BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION trg();
INSERT INTO parent (code, ref, during) SELECT 'c' || i, i, tstzrange(now(), now() + '1 hour') FROM generate_series(1, 50) i;
INSERT INTO child (parent, "/BIC/AFOO", code) SELECT 7 + 3 * (i % 50), 'x' || i, 'c' || (i % 50 + 1) FROM generate_series(1, 200) i;
INSERT INTO days SELECT '2019-06-01'::date + i, CASE i % 2 WHEN 0 THEN 'eu' ELSE 'us' END, i FROM generate_series(1, 1000) i;
INSERT INTO hashed SELECT i, '2019-06-01'::date + i, CASE i % 2 WHEN 0 THEN 'eu' ELSE 'us' END FROM generate_series(1, 500) i;
INSERT INTO base VALUES (1); INSERT INTO heir VALUES (2, 3);
INSERT INTO nothing DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES;
`

func TestStructuresMatchPgDump(t *testing.T) {
	s := pgtest.Shared(t)
	src, dst := s.NewDatabase(t), s.NewDatabase(t)
	s.Exec(t, src, structured)
	s.Exec(t, dst, "CREATE EXTENSION btree_gist") // extensions are not migrated, and the exclusion needs it
	move(t, src, dst, catalog.SplitSpec{By: "auto", Parts: 3})
	want, got := dump(t, s, src), dump(t, s, dst)
	if want != got {
		t.Errorf("source\n%s\ntarget\n%s", lines(want, got), lines(got, want))
	}
	for _, q := range []string{
		"SELECT 'parent', count(*), sum(hashtext(t::text)::bigint) FROM public.parent t", "SELECT 'child', count(*), sum(hashtext(t::text)::bigint) FROM public.child t",
		"SELECT tableoid::regclass, count(*), sum(hashtext(t::text)::bigint) FROM public.days t GROUP BY tableoid ORDER BY tableoid::regclass::text",
		"SELECT tableoid::regclass, count(*), sum(hashtext(t::text)::bigint) FROM public.hashed t GROUP BY tableoid ORDER BY tableoid::regclass::text",
		"TABLE ONLY public.base", "TABLE public.heir", "SELECT count(*) FROM public.nothing",
		"SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1",
	} {
		if want, got := s.Query(t, src, q), s.Query(t, dst, q); want != got {
			t.Errorf("%s\n source %s\n target %s", q, want, got)
		}
	}
}

// dump prints the structures without what is known not to travel: views, functions, triggers, inheritance, UNLOGGED.
func dump(t *testing.T, s *pgtest.Server, url string) string {
	t.Helper()
	out, err := exec.Command(filepath.Join(s.Bin, "pg_dump"), "-s", "-n", "public", "-O", "-x", "-d", url).CombinedOutput()
	if err != nil {
		t.Fatalf("pg_dump: %v\n%s", err, out)
	}
	text := strings.ReplaceAll(string(out), "CREATE UNLOGGED TABLE", "CREATE TABLE")
	text = strings.ReplaceAll(text, "    b integer\n)\nINHERITS (public.base);", "    a integer,\n    b integer\n);")
	for _, skip := range []string{`(?m)^(--|\\|SET |SELECT pg_catalog\.set_config).*$`, `(?s)CREATE FUNCTION.*?\$_?\$;\n`, `(?s)CREATE VIEW.*?;\n`, `(?s)CREATE TRIGGER.*?;\n`,
		`(?s)CREATE FUNCTION.*?\n    AS .*?;\n`, `(?m)^CREATE SCHEMA public;$`, `(?m)^COMMENT ON SCHEMA.*$`} {
		text = regexp.MustCompile(skip).ReplaceAllString(text, "")
	}
	return regexp.MustCompile(`\n{2,}`).ReplaceAllString(text, "\n\n")
}

// lines returns the lines of a that b lacks.
func lines(a, b string) string {
	var out []string
	for _, l := range strings.Split(a, "\n") {
		if !strings.Contains("\n"+b+"\n", "\n"+l+"\n") {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

func TestStructureOnlyCatalog(t *testing.T) {
	s := pgtest.Shared(t)
	url := s.NewDatabase(t)
	s.Exec(t, url, structured+"ANALYZE;")
	db := openSource(t, url)
	full, err := db.Catalog(t.Context(), providers.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	only, err := db.Catalog(t.Context(), providers.Selector{StructureOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(only.Tables) != len(full.Tables) || len(full.Tables) == 0 {
		t.Fatalf("%d tables, want %d", len(only.Tables), len(full.Tables))
	}
	for i, want := range full.Tables {
		got := only.Tables[i]
		if got.StructureDigest() != want.StructureDigest() || got.FileIdentity() != want.FileIdentity() {
			t.Errorf("%s: %+v, want %+v", want.Name, got, want)
		}
		if got.Rows != -1 || got.Bytes != -1 {
			t.Errorf("%s: %d rows of %d bytes were estimated, which nobody asked for", want.Name, got.Rows, got.Bytes)
		}
	}
	if len(full.NotMigrated) == 0 || len(only.NotMigrated) != 0 {
		t.Errorf("not migrated: %v, want none of %v", only.NotMigrated, full.NotMigrated)
	}
}
