package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

// dumpStructures prints a database's structures by pg_dump, dmoctl's own tables left out.
func dumpStructures(t *testing.T, s *pgtest.Server, db string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(s.Bin, "pg_dump"), "--schema-only", "--exclude-schema=dmo", s.URL(db))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("pg_dump: %v\n%s", err, out)
	}
	return regexp.MustCompile(`(?m)^\\(un)?restrict .*\n`).ReplaceAllString(string(out), "")
}

// sameText fails the test and shows the first lines that differ.
func sameText(t *testing.T, want, got string) {
	t.Helper()
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			t.Fatalf("line %d differs\nwant:\n%s\ngot:\n%s", i+1, strings.Join(w[i:min(len(w), i+8)], "\n"), strings.Join(g[min(i, len(g)):min(len(g), i+8)], "\n"))
		}
	}
}

// edit replaces a text of the environment's spec.
func (b *environment) edit(t *testing.T, from, to string) {
	t.Helper()
	file := filepath.Join(b.dir, "main.dmo.hcl")
	spec, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(spec), from); n != 1 {
		t.Fatalf("the spec has %q %d times", from, n)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(spec), from, to, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// inSchemas puts the schemas into the environment's spec.
func (b *environment) inSchemas(t *testing.T, source, target string) {
	t.Helper()
	b.edit(t, "  consistency =", "  schema = \""+source+"\"\n  consistency =")
	b.edit(t, "  existing =", "  schema = \""+target+"\"\n  existing =")
}

// schemaOfTypes holds whatever names types and sequences of its schema in expressions.
const schemaOfTypes = `CREATE SCHEMA s1; SET search_path = s1;
CREATE TYPE mood AS ENUM ('sad','ok'); CREATE DOMAIN a_moods AS mood[] DEFAULT '{sad}';
CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE DOMAIN b_small AS positive CHECK (VALUE < 100);
CREATE DOMAIN happy AS mood CHECK (VALUE <> 'sad'::mood);
CREATE SEQUENCE free;
CREATE TABLE t1 (id serial PRIMARY KEY, m mood DEFAULT 'ok', a a_moods, b b_small DEFAULT 5, n int DEFAULT nextval('free'),
  h happy, arr mood[] DEFAULT ARRAY['ok'::mood], CHECK (m <> 'sad' OR id > 0), g bool GENERATED ALWAYS AS (m = 'ok'::mood) STORED);
INSERT INTO t1 DEFAULT VALUES; INSERT INTO t1 DEFAULT VALUES;
CREATE INDEX t1_m ON t1 ((m = 'ok'::mood)) WHERE m > 'sad';
CREATE TABLE p (k mood, v int) PARTITION BY LIST ((k = 'sad'));
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (true); INSERT INTO p VALUES ('sad', 1);
CREATE TABLE x (i int REFERENCES t1, e mood, EXCLUDE USING btree (e WITH =) WHERE (e <> 'ok'::mood));
CREATE SEQUENCE owned; CREATE TABLE od (a text DEFAULT 'X' || nextval('owned'), b int); ALTER SEQUENCE owned OWNED BY od.a;
CREATE TABLE literals (a text DEFAULT 's1.mood', b text CHECK (b <> '''s1.t1'), c text DEFAULT E'\\s1.free');
`

func TestDifferentTargetSchema(t *testing.T) {
	s := pgtest.Shared(t)
	b := newBed(t, s, s, specOptions{})
	b.source.Exec(t, b.sourceDB, schemaOfTypes)
	b.inSchemas(t, "s1", "Sales 2")
	b.apply(t, 0)
	b.ok(t, 0, b.dir, "plan", "--detailed-exitcode") // the same structures, whatever their spelling
	got := strings.NewReplacer(`"Sales 2"`, "s1", "Sales 2", "s1").Replace(dumpStructures(t, b.target, b.targetDB))
	sameText(t, dumpStructures(t, b.source, b.sourceDB), got)
}

func TestSequencesContinueFromSource(t *testing.T) {
	s := pgtest.Shared(t)
	b := newBed(t, s, s, specOptions{})
	b.source.Exec(t, b.sourceDB, `CREATE SEQUENCE never; CREATE SEQUENCE called; SELECT nextval('called');
CREATE SEQUENCE set_back START 1000; SELECT setval('set_back', 77, false); CREATE SEQUENCE down INCREMENT -2; SELECT setval('down', -40, false);
CREATE TABLE t (id serial PRIMARY KEY); INSERT INTO t VALUES (1), (2); ALTER SEQUENCE t_id_seq RESTART 3;
CREATE TABLE i (id int GENERATED ALWAYS AS IDENTITY); INSERT INTO i OVERRIDING SYSTEM VALUE VALUES (1); ALTER TABLE i ALTER id RESTART 2;`)
	b.ok(t, 0, b.dir, "plan", "--out", "plan.json")
	b.source.Exec(t, b.sourceDB, "SELECT setval('called', 500)") // a free sequence moves on between plan and apply
	b.apply(t, 0, "plan.json")
	const positions = `SELECT nextval('never'), nextval('called'), nextval('set_back'), nextval('down'), nextval('t_id_seq'), nextval('i_id_seq')`
	want := b.source.Query(t, b.sourceDB, positions)
	if got := b.target.Query(t, b.targetDB, positions); got != want {
		t.Errorf("the target's sequences continue with %s, the source's with %s", got, want)
	}
}

func TestPartitionsAcrossServers(t *testing.T) {
	s := pgtest.Shared(t)
	b := newBed(t, s, s, specOptions{extra: "  rename {\n    table = \"sales\"\n    to = \"archive.orders\"\n  }\n"})
	b.source.Exec(t, b.sourceDB, `CREATE TYPE mood AS ENUM ('sad', 'ok', 'fine', 'well', 'great');
CREATE TABLE sales (id int, m mood) PARTITION BY HASH (m);
CREATE TABLE sales_0 PARTITION OF sales FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE sales_1 PARTITION OF sales FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO sales SELECT g, (enum_range(NULL::mood))[g % 5 + 1] FROM generate_series(1, 1000) g; ANALYZE;`)
	// Somebody else's table has the name that a partition has on the source, and the enum's labels hash otherwise.
	b.target.Exec(t, b.targetDB, `CREATE TYPE mood AS ENUM ('sad', 'ok', 'fine', 'well', 'great'); CREATE TABLE sales_0 (id int, m mood); CREATE TABLE sales_1 (id int, m mood)`)
	b.apply(t, 0)
	const rows = `SELECT count(*), md5(string_agg(t::text, '' ORDER BY id)) FROM %s t`
	want := b.source.Query(t, b.sourceDB, strings.Replace(rows, "%s", "sales", 1))
	if got := b.target.Query(t, b.targetDB, strings.Replace(rows, "%s", "archive.orders", 1)); got != want {
		t.Errorf("the target holds %s, want %s", got, want)
	}
	if got := b.target.Query(t, b.targetDB, "SELECT count(*) FROM (SELECT FROM public.sales_0 UNION ALL SELECT FROM public.sales_1) x"); got != "0" {
		t.Errorf("%s rows went into somebody else's tables", got)
	}
}

func TestPartitionOnlyObjectsListed(t *testing.T) {
	s := pgtest.Shared(t)
	b := newBed(t, s, s, specOptions{})
	b.source.Exec(t, b.sourceDB, `CREATE TABLE p (id int DEFAULT 1, v text, CONSTRAINT shared CHECK (id > 0)) PARTITION BY RANGE (id); CREATE INDEX shared_index ON p (v);
CREATE TABLE p1 PARTITION OF p (id DEFAULT 7, CONSTRAINT own_check CHECK (v <> '')) FOR VALUES FROM (0) TO (100);
ALTER TABLE p1 ADD CONSTRAINT own_key PRIMARY KEY (id); CREATE INDEX own_index ON p1 (lower(v));
CREATE TABLE plain (id int) WITH (fillfactor = 70); ALTER TABLE plain ENABLE ROW LEVEL SECURITY, REPLICA IDENTITY FULL; GRANT SELECT ON plain TO PUBLIC;
CREATE UNLOGGED TABLE brief (id int);`)
	out := b.ok(t, 0, b.dir, "plan").stdout
	for _, want := range []string{"default public.p: id", "check public.p: own_check", "key public.p: own_key", "index public.p: own_index", "only the partition public.p1 has it",
		"row security public.plain\n", "replica identity public.plain\n", "grants public.plain: roles differ", "unlogged public.brief: the target's", "storage parameters public.plain: fillfactor=70"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in the plan", want)
		}
	}
	if strings.Contains(out, "p: shared") {
		t.Error("what the table hands down is listed too")
	}
	if t.Failed() {
		t.Log(out)
	}
}
