package e2e

import (
	"cmp"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

// objects lists what a database holds besides the system's own.
const objects = `SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('information_schema', 'public')
UNION ALL SELECT 'relation ' || oid::regclass FROM pg_class WHERE relnamespace >= 2200 AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
UNION ALL SELECT 'type ' || oid::regtype FROM pg_type WHERE typtype IN ('e', 'd') AND typnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`

func TestRollbackRemovesCreatedObjects(t *testing.T) {
	// Done: undo: rollback removes everything that it made: tables, partitions, types, sequences, schemas and its ledger, and leaves what was there
	server := pgtest.Shared(t)
	b := newBed(t, server, server, specOptions{extra: "table_group \"more\" { tables = [\"more.*\"] }\n"})
	b.source.Exec(t, b.sourceDB, `CREATE SCHEMA more; CREATE DOMAIN d AS int; CREATE DOMAIN dd AS d CHECK (VALUE > 0); CREATE TYPE e AS ENUM ('a', 'b');
CREATE SEQUENCE free START 5; CREATE TABLE t (id int PRIMARY KEY DEFAULT nextval('free'), x dd, y e, s serial); INSERT INTO t (x, y) VALUES (1, 'a');
CREATE TABLE more.up (id int PRIMARY KEY, other int); CREATE TABLE more.down (id int PRIMARY KEY, other int REFERENCES more.up);
ALTER TABLE more.up ADD FOREIGN KEY (other) REFERENCES more.down; INSERT INTO more.up VALUES (1, NULL);
CREATE TABLE p (k int) PARTITION BY RANGE (k); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); INSERT INTO p VALUES (3)`)
	b.target.Exec(t, b.targetDB, "CREATE TYPE e AS ENUM ('a', 'b'); CREATE TABLE mine (a int, e e); INSERT INTO mine VALUES (1)")
	before := b.target.Query(t, b.targetDB, objects)
	for range 2 {
		b.apply(t, 0)
		r := b.ok(t, 0, b.dir, "rollback", "--empty-target", "--auto-approve")
		for _, said := range []string{"Dropped schema more.", "Dropped type public.d.", "Dropped type public.dd.", "Dropped sequence public.free."} {
			if !strings.Contains(r.stdout, said) {
				t.Errorf("rollback does not say %q:\n%s", said, r.stdout)
			}
		}
		if after := b.target.Query(t, b.targetDB, objects); after != before {
			t.Fatalf("the target held\n%s\nand holds\n%s", before, after)
		}
	}
	b.source.Exec(t, b.sourceDB, "DROP TABLE t; DROP DOMAIN dd, d; CREATE DOMAIN d AS real; CREATE TABLE t (id int PRIMARY KEY, x d); INSERT INTO t VALUES (1, 1.5)")
	b.apply(t, 0)
	if got := b.target.Query(t, b.targetDB, "SELECT x FROM t"); got != "1.5" {
		t.Errorf("x is %s", got)
	}
}

func TestRollbackKeepsObjectsInUse(t *testing.T) {
	// Done: undo: rollback removes everything that it made, but leaves what others use, says why, and removes it later
	server := pgtest.Shared(t)
	b := newBed(t, server, server, specOptions{})
	b.source.Exec(t, b.sourceDB, "CREATE DOMAIN d AS int; CREATE SEQUENCE free; CREATE TABLE t (id int PRIMARY KEY, x d); CREATE TABLE u (id int PRIMARY KEY); CREATE TABLE v (id int PRIMARY KEY)")
	before := b.target.Query(t, b.targetDB, objects)
	b.apply(t, 0)
	b.target.Exec(t, b.targetDB, `CREATE TABLE guest (x d); INSERT INTO guest VALUES (7);
DROP TABLE u; CREATE TABLE u (id int PRIMARY KEY, mine int); INSERT INTO u VALUES (1, 2); DROP TABLE v; DROP SEQUENCE free; CREATE SEQUENCE free`)
	r := b.ok(t, 0, b.dir, "rollback", "--empty-target", "--auto-approve")
	for _, said := range []string{"Kept type public.d: it is in use: ", "column x of table public.guest", "Kept table public.u: another table now has its name", "Kept sequence public.free: a different one now has its name", "run rollback again"} {
		if !strings.Contains(words(r.stdout), said) {
			t.Errorf("rollback does not say %q:\n%s", said, r.stdout)
		}
	}
	if got := b.target.Query(t, b.targetDB, "SELECT x FROM guest UNION ALL SELECT mine FROM u"); got != "7\n2" {
		t.Errorf("others hold %q", got)
	}
	b.target.Exec(t, b.targetDB, "DROP TABLE guest, u; DROP SEQUENCE free")
	b.ok(t, 0, b.dir, "rollback", "--empty-target", "--auto-approve")
	if after := b.target.Query(t, b.targetDB, objects); after != before {
		t.Errorf("the target held\n%s\nand holds\n%s", before, after)
	}
}

// builtOn is what somebody else depends on a table t of the target.
var builtOn = map[string]struct{ sql, named string }{
	"a view":             {"CREATE VIEW guest AS SELECT id FROM t", "view public.guest"},
	"a materialized one": {"CREATE MATERIALIZED VIEW guest AS SELECT id FROM t", "materialized view public.guest"},
	"a foreign key":      {"CREATE TABLE guest (r int CONSTRAINT guest_t REFERENCES t)", "foreign key guest_t of public.guest"},
	"a child":            {"CREATE TABLE guest () INHERITS (t)", "table public.guest"},
	"a function":         {"CREATE FUNCTION guest() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM t; END", "function public.guest()"},
	"a default":          {"CREATE TABLE guest (r int DEFAULT nextval('t_s_seq'))", "default r of public.guest"},
	"a partition":        {"CREATE TABLE guest PARTITION OF p FOR VALUES FROM (10) TO (20); INSERT INTO p VALUES (11)", "partition public.guest of public.p"},
}

func TestRollbackRefusedWithDependents(t *testing.T) {
	// Done: undo: rollback is refused where others have built on it, by name, and nothing is dropped
	server := pgtest.Shared(t)
	for name, c := range builtOn {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, server, server, specOptions{})
			b.source.Exec(t, b.sourceDB, `CREATE TABLE t (id int PRIMARY KEY, s serial); INSERT INTO t VALUES (1); CREATE TABLE other (id int PRIMARY KEY REFERENCES t);
CREATE TABLE p (k int) PARTITION BY RANGE (k); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)`)
			before := b.target.Query(t, b.targetDB, objects)
			b.apply(t, 0)
			b.target.Exec(t, b.targetDB, c.sql)
			with := b.target.Query(t, b.targetDB, objects)
			r := b.ok(t, 1, b.dir, "rollback", "--empty-target", "--auto-approve")
			if !strings.Contains(words(r.stderr), c.named) {
				t.Errorf("rollback does not name %q:\n%s", c.named, r.stderr)
			}
			if after := b.target.Query(t, b.targetDB, objects); after != with {
				t.Errorf("the target held\n%s\nand holds\n%s", with, after)
			}
			kind := map[string]string{"a view": "VIEW guest", "a materialized one": "MATERIALIZED VIEW guest", "a function": "FUNCTION guest()"}[name]
			b.target.Exec(t, b.targetDB, "DROP "+cmp.Or(kind, "TABLE guest"))
			b.ok(t, 0, b.dir, "rollback", "--empty-target", "--auto-approve")
			if after := b.target.Query(t, b.targetDB, objects); after != before {
				t.Errorf("the target held\n%s\nand holds\n%s", before, after)
			}
		})
	}
}

func TestRecreateRefusedWithLaterDependents(t *testing.T) {
	// Done: undo: recreate is refused where others have built on it since the plan was made, and the table stays
	server := pgtest.Shared(t)
	for name, c := range builtOn {
		if name == "a partition" {
			continue // it is part of the table that the user wants dropped, and seen in the plan
		}
		t.Run(name, func(t *testing.T) {
			b := newBed(t, server, server, specOptions{existing: "recreate"})
			b.source.Exec(t, b.sourceDB, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); CREATE TABLE u (id int PRIMARY KEY REFERENCES t)")
			b.target.Exec(t, b.targetDB, "CREATE TABLE t (id int PRIMARY KEY, s serial); INSERT INTO t VALUES (42); CREATE TABLE u (id int PRIMARY KEY REFERENCES t)")
			b.ok(t, 0, b.dir, "plan", "--out", "saved.plan")
			b.target.Exec(t, b.targetDB, c.sql)
			r := b.ok(t, 1, b.dir, "apply", "saved.plan", "--auto-approve", "--confirm-recreate", "target.postgres.b")
			if said := words(r.stdout + r.stderr); !strings.Contains(said, c.named) && !strings.Contains(said, "child public.guest") {
				t.Errorf("apply does not name %q:\n%s%s", c.named, r.stdout, r.stderr)
			}
			if got := b.target.Query(t, b.targetDB, "SELECT id FROM ONLY t"); got != "42" {
				t.Errorf("t holds %q", got)
			}
		})
	}
}

func TestRollbackRestoresForeignKeys(t *testing.T) {
	// Done: undo: foreign keys of the target's own tables that a run has taken off are made again by a rollback
	server := pgtest.Shared(t)
	for name, args := range map[string][]string{"first load": nil, "reload": {"--reload", "*"}} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, server, server, specOptions{existing: "load"})
			const two = "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY, t int CONSTRAINT u_t REFERENCES t ON DELETE CASCADE);"
			b.source.Exec(t, b.sourceDB, two+"INSERT INTO t VALUES (1), (2); INSERT INTO u VALUES (1, 1)")
			b.target.Exec(t, b.targetDB, two)
			if args != nil {
				b.apply(t, 0)
			}
			b.ok(t, 0, b.dir, append([]string{"apply", "--auto-approve", "--until", "structures"}, args...)...)
			b.ok(t, 0, b.dir, "rollback", "--empty-target", "--auto-approve")
			if got := b.target.Query(t, b.targetDB, "SELECT contype, convalidated, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'u_t'"); got != "f|t|FOREIGN KEY (t) REFERENCES t(id) ON DELETE CASCADE" {
				t.Errorf("the foreign key is %q", got)
			}
			if got := b.target.Query(t, b.targetDB, "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u), to_regnamespace('dmo')"); got != "0|0|<NULL>" {
				t.Errorf("the target holds %s", got)
			}
		})
	}
}
