package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

// trap makes, as an ordinary role, a table whose rows write a file on the host of any
// server on which a superuser inserts them.
func (b *environment) trap(t *testing.T, file string) {
	t.Helper()
	b.source.Exec(t, b.sourceDB, fmt.Sprintf(`CREATE ROLE mallory_%[1]s; CREATE SCHEMA m AUTHORIZATION mallory_%[1]s; SET SESSION AUTHORIZATION mallory_%[1]s;
CREATE DOMAIN m.sly AS int CHECK (CASE WHEN current_setting('is_superuser') = 'on' THEN query_to_xml('SELECT lo_from_bytea(424242, ''x'')', true, true, '') IS NOT NULL ELSE true END);
CREATE TABLE m.a (s m.sly); INSERT INTO m.a VALUES (1);
CREATE TABLE m.t (id int PRIMARY KEY, v text DEFAULT 'kept', w text DEFAULT CASE WHEN current_setting('is_superuser') = 'on' THEN pg_read_file('PG_VERSION') END,
  CONSTRAINT sly CHECK (CASE WHEN current_setting('is_superuser') = 'on' THEN query_to_xml('SELECT lo_export(424242, ''%[2]s'')', true, true, '') IS NOT NULL ELSE true END),
  CONSTRAINT fine CHECK (id > 0));
CREATE INDEX sly_index ON m.t ((id + 1)) WHERE id > 5;
INSERT INTO m.t (id, w) SELECT g, 'w' FROM generate_series(1, 100) g;`, b.sourceDB, file))
	t.Cleanup(func() {
		b.source.Exec(t, b.sourceDB, fmt.Sprintf("DROP OWNED BY mallory_%[1]s CASCADE; DROP ROLE mallory_%[1]s", b.sourceDB))
	})
	b.sourceSchema(t, "m")
}

// sourceSchema makes another schema than public the source's.
func (b *environment) sourceSchema(t *testing.T, schema string) {
	t.Helper()
	path := filepath.Join(b.dir, "main.dmo.hcl")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), `source "postgres" "a" {`, "source \"postgres\" \"a\" {\n  schema = \""+schema+"\"", 1)
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSourceExpressionsNotExecuted(t *testing.T) {
	// Done: settings: expressions are code: a check of an ordinary role that writes a file where a superuser loads its rows is not migrated.
	s := pgtest.Shared(t)
	b := newBed(t, s, s, specOptions{parts: 1})
	dir, err := os.MkdirTemp("", "dmo-code") // the server writes as another account
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "taken")
	b.trap(t, file)
	// The trap works: a superuser who inserts such rows writes the file.
	b.source.Exec(t, b.sourceDB, "INSERT INTO m.a VALUES (2); INSERT INTO m.t (id, w) VALUES (101, 'w'); DELETE FROM m.a WHERE s = 2; DELETE FROM m.t WHERE id = 101; SELECT lo_unlink(424242)")
	if err := os.Remove(file); err != nil {
		t.Fatalf("the trap does nothing: %v", err)
	}
	plan := b.ok(t, 0, b.dir, "plan")
	for _, want := range []string{"Check sly is not migrated", "The default is not migrated: it uses", "pg_read_file(text)", "Its domain m.sly is created without the check", "query_to_xml", `expressions = "trusted"`} {
		if !strings.Contains(strings.Join(strings.Fields(plan.stdout), " "), want) {
			t.Errorf("the plan does not say %q:\n%s", want, plan.stdout)
		}
	}
	b.apply(t, 0)
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("files on the target's host: %v, %v", left, err)
	}
	if got := b.target.Query(t, b.targetDB, "SELECT count(*), sum(id), min(v), (SELECT sum(s) FROM public.a), (SELECT count(*) FROM pg_largeobject_metadata) FROM public.t; SELECT string_agg(conname, ',' ORDER BY conname) FROM pg_constraint WHERE conrelid = 'public.t'::regclass; SELECT count(*) FROM pg_index WHERE indrelid = 'public.t'::regclass"); got != "100|5050|kept|1|0\nfine,t_pkey\n2" {
		t.Errorf("the table on the target: %s", got)
	}
	if r := b.ok(t, 0, b.dir, "plan"); !strings.Contains(r.stdout, "No changes") {
		t.Errorf("a further plan:\n%s", r.stdout)
	}
}

func TestTrustedExpressionsMigrated(t *testing.T) {
	// Done: settings: expressions are code: with expressions = "trusted" they are made as they are.
	s := pgtest.Shared(t)
	b := newBed(t, s, s, specOptions{parts: 1, extra: "  types { expressions = \"trusted\" }\n"})
	const own = "CREATE FUNCTION own(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 1';"
	b.source.Exec(t, b.sourceDB, own+`CREATE DOMAIN sly AS int CHECK (own(VALUE) > 0);
CREATE TABLE t (id int PRIMARY KEY DEFAULT own(0), s sly, g int GENERATED ALWAYS AS (own(id)) STORED, CHECK (own(id) > 1));
CREATE INDEX t_own ON t (own(id)); INSERT INTO t (id, s) SELECT g, g FROM generate_series(1, 100) g`)
	b.target.Exec(t, b.targetDB, own)
	if r := b.ok(t, 0, b.dir, "plan"); !strings.Contains(strings.Join(strings.Fields(r.stdout), " "), `expressions = "trusted": 4 expressions of 1 table: t.t_id_check, t.id, t.g, t.t_own`) {
		t.Errorf("the plan does not name what is taken:\n%s", r.stdout)
	}
	b.apply(t, 0)
	const structure = `SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 't'::regclass ORDER BY adnum; SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace ORDER BY conname;
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 't'::regclass ORDER BY 1; SELECT count(*), sum(g) FROM t`
	if want, got := b.source.Query(t, b.sourceDB, structure), b.target.Query(t, b.targetDB, structure); want != got || strings.Count(got, "own(") < 5 {
		t.Errorf("source\n%s\ntarget\n%s", want, got)
	}
}
