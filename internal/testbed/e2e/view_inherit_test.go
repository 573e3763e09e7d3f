package e2e

import (
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

func TestInheritedRowsCopiedOrListed(t *testing.T) {
	// Done: view: inheritance: every row that a query of a parent shows is copied, or the plan names where it stays
	server := pgtest.Shared(t)
	const family = `CREATE SCHEMA parts; CREATE TABLE m (id int, v text); INSERT INTO m VALUES (1, 'own');
CREATE TABLE near () INHERITS (m); INSERT INTO near VALUES (2, 'near');
CREATE TABLE parts.m_1 () INHERITS (m); INSERT INTO parts.m_1 VALUES (3, 'far');
CREATE TABLE parts.m_2 () INHERITS (near); INSERT INTO parts.m_2 VALUES (4, 'grandchild');`
	t.Run("a child in another schema is refused by name", func(t *testing.T) {
		b := newBed(t, server, server, specOptions{})
		b.source.Exec(t, b.sourceDB, family)
		for _, command := range []string{"plan", "apply"} {
			args := []string{command}
			if command == "apply" {
				args = append(args, "--auto-approve")
			}
			r := b.ok(t, 1, b.dir, args...)
			if said := words(r.stderr); !strings.Contains(said, "public.m:") || !strings.Contains(said, "public.near:") || !strings.Contains(said, "parts.m_1, parts.m_2") {
				t.Errorf("%s does not name parents and children:\n%s", command, r.stderr)
			}
		}
		if n := b.target.Query(t, b.targetDB, "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace >= 16384"); n != "0" {
			t.Errorf("%s tables were made", n)
		}
	})
	t.Run("children that the spec names are copied", func(t *testing.T) {
		b := newBed(t, server, server, specOptions{extra: "table_group \"children\" { tables = [\"parts.*\"] }\n"})
		b.source.Exec(t, b.sourceDB, family)
		b.apply(t, 0)
		const all = "SELECT id, v FROM m UNION ALL SELECT id, v FROM near UNION ALL SELECT id, v FROM parts.m_1 UNION ALL SELECT id, v FROM parts.m_2 ORDER BY 1"
		if got, want := b.target.Query(t, b.targetDB, all), b.source.Query(t, b.sourceDB, "SELECT id, v FROM m ORDER BY 1"); got != want {
			t.Errorf("the source's m shows\n%s\nthe target has\n%s", want, got)
		}
		b.ok(t, 0, b.dir, "verify", "--content")
	})
	t.Run("children that the spec excludes are named", func(t *testing.T) {
		b := newBed(t, server, server, specOptions{extra: "exclude \"archive\" {\n tables = [\"parts.*\"]\n content = \"none\"\n reason = \"kept in the archive\"\n}\n"})
		b.source.Exec(t, b.sourceDB, family)
		r := b.ok(t, 0, b.dir, "plan")
		if said := words(r.stdout); !strings.Contains(said, "public.m: parts.m_1") || !strings.Contains(said, "public.near: parts.m_2") || !strings.Contains(said, "kept in the archive") {
			t.Errorf("the plan does not name what stays:\n%s", r.stdout)
		}
		b.apply(t, 0)
	})
	t.Run("a foreign child is refused, and named where it is excluded", func(t *testing.T) {
		const foreign = `CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw; CREATE TABLE m (id int, v text);
CREATE FOREIGN TABLE elsewhere () INHERITS (m) SERVER files OPTIONS (filename '/dev/null')`
		b := newBed(t, server, server, specOptions{})
		b.source.Exec(t, b.sourceDB, foreign)
		if r := b.ok(t, 1, b.dir, "plan"); !strings.Contains(words(r.stderr), "public.elsewhere (a foreign table)") {
			t.Errorf("the foreign table is not named:\n%s", r.stderr)
		}
		b.options.extra = "exclude \"x\" {\n tables = [\"elsewhere\"]\n content = \"none\"\n reason = \"elsewhere\"\n}\n"
		b.writeSpec(t)
		if r := b.ok(t, 0, b.dir, "plan"); !strings.Contains(words(r.stdout), "public.m: public.elsewhere (a foreign table)") {
			t.Errorf("the plan does not name what stays:\n%s", r.stdout)
		}
		b.apply(t, 0)
	})
	t.Run("chunks in a schema of their own", func(t *testing.T) { // as TimescaleDB keeps them
		b := newBed(t, server, server, specOptions{})
		b.source.Exec(t, b.sourceDB, `CREATE TABLE conditions (at timestamptz NOT NULL, v float8); CREATE SCHEMA _timescaledb_internal;
DO $$ BEGIN FOR i IN 1..40 LOOP
  EXECUTE format('CREATE TABLE _timescaledb_internal._hyper_1_%s_chunk (CHECK (at >= %L AND at < %L)) INHERITS (conditions)', i, date '2024-01-01' + i, date '2024-01-02' + i);
END LOOP; END $$; INSERT INTO _timescaledb_internal._hyper_1_7_chunk VALUES ('2024-01-08 01:00', 1)`)
		if r := b.ok(t, 1, b.dir, "plan"); !strings.Contains(words(r.stderr), "40 tables") || !strings.Contains(words(r.stderr), "_timescaledb_internal._hyper_1_1_chunk") || !strings.Contains(words(r.stderr), "and 20 more") {
			t.Errorf("the chunks are not named:\n%s", r.stderr)
		}
	})
}

func TestTargetTableWithChildrenRefused(t *testing.T) {
	// Done: view: inheritance on the target: a table that shows rows of others is refused by name
	server := pgtest.Shared(t)
	b := newBed(t, server, server, specOptions{existing: "load"})
	b.source.Exec(t, b.sourceDB, "CREATE TABLE t (id int); INSERT INTO t VALUES (1), (2)")
	b.target.Exec(t, b.targetDB, "CREATE SCHEMA x; CREATE TABLE t (id int); CREATE TABLE x.kid () INHERITS (t); INSERT INTO x.kid VALUES (7)")
	b.ok(t, 1, b.dir, "apply", "--auto-approve") // t is not empty for who queries it
	b.target.Exec(t, b.targetDB, "DELETE FROM x.kid")
	r := b.ok(t, 1, b.dir, "apply", "--auto-approve")
	if said := words(r.stderr); !strings.Contains(said, "x.kid") || !strings.Contains(said, "t (child") {
		t.Errorf("parent and child are not named:\n%s", r.stderr)
	}
	if n := b.target.Query(t, b.targetDB, "SELECT count(*) FROM ONLY t"); n != "0" {
		t.Errorf("%s rows were loaded", n)
	}
	b.target.Exec(t, b.targetDB, "ALTER TABLE x.kid NO INHERIT t")
	b.apply(t, 0)
	b.ok(t, 0, b.dir, "verify", "--content")
	b.target.Exec(t, b.targetDB, "ALTER TABLE x.kid INHERIT t; INSERT INTO x.kid VALUES (7)") // later: what queries show is what is verified
	if r := b.ok(t, 3, b.dir, "verify", "--content"); !strings.Contains(r.stdout+r.stderr, "public.t") {
		t.Errorf("verify does not name the table:\n%s\n%s", r.stdout, r.stderr)
	}
}

// words is text without line breaks and indents.
func words(s string) string { return strings.Join(strings.Fields(s), " ") }
