package e2e

import (
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

func TestTargetTriggersStopRun(t *testing.T) {
	// Done: undo: triggers on tables of existing = load, or on tables of dmoctl's own before they are copied again, stop plan and apply by name; a table that is done is let alone
	server := pgtest.Shared(t)
	const act = "CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (1); RETURN NEW; END'; CREATE TABLE log (n int); CREATE TRIGGER audit AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION act()"
	b := newBed(t, server, server, specOptions{existing: "load"})
	b.source.Exec(t, b.sourceDB, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)")
	b.target.Exec(t, b.targetDB, "CREATE TABLE t (id int PRIMARY KEY);"+act)
	if r := b.ok(t, 0, b.dir, "plan"); !strings.Contains(words(r.stdout), "trigger audit on public.t") {
		t.Errorf("the plan does not name it:\n%s", r.stdout)
	}
	if r := b.ok(t, 1, b.dir, "apply", "--auto-approve"); !strings.Contains(words(r.stdout+r.stderr), "trigger audit on public.t") {
		t.Errorf("apply does not name it:\n%s%s", r.stdout, r.stderr)
	}
	if got := b.target.Query(t, b.targetDB, "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM log)"); got != "0|0" {
		t.Errorf("the target holds %s", got)
	}
	b.target.Exec(t, b.targetDB, "ALTER TABLE t DISABLE TRIGGER audit")
	b.apply(t, 0)
	b.target.Exec(t, b.targetDB, "ALTER TABLE t ENABLE TRIGGER audit")
	b.source.Exec(t, b.sourceDB, "CREATE TABLE later (id int PRIMARY KEY); INSERT INTO later VALUES (1)")
	b.apply(t, 0) // t is done
	if r := b.ok(t, 1, b.dir, "apply", "--auto-approve", "--reload", "t"); !strings.Contains(words(r.stdout+r.stderr), "trigger audit on public.t") {
		t.Errorf("reload does not name it:\n%s%s", r.stdout, r.stderr)
	}
	if got := b.target.Query(t, b.targetDB, "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM log)"); got != "2|0" {
		t.Errorf("the target holds %s", got)
	}
}

func TestSuperuserShownInPlan(t *testing.T) {
	// Done: undo: a superuser on the target is named in the plan as text, Markdown and JSON; an ordinary role is not
	server := pgtest.Shared(t)
	b := newBed(t, server, server, specOptions{})
	b.source.Exec(t, b.sourceDB, "CREATE TABLE t (id int PRIMARY KEY)")
	for _, form := range []string{"", "--markdown", "--json"} {
		args := []string{"plan"}
		if form != "" {
			args = append(args, form)
		}
		if r := b.ok(t, 0, b.dir, args...); !strings.Contains(words(r.stdout), "The role is a superuser") || !strings.Contains(words(r.stdout), "docs/providers/postgres.md") {
			t.Errorf("plan %s does not say so:\n%s", form, r.stdout)
		}
	}
	b.target.Exec(t, b.targetDB, "CREATE ROLE loader LOGIN PASSWORD 'x'; ALTER SCHEMA public OWNER TO loader; GRANT CREATE ON DATABASE "+b.targetDB+" TO loader")
	t.Cleanup(func() { b.target.Exec(t, b.targetDB, "DROP OWNED BY loader CASCADE; DROP ROLE loader") })
	b.env = append(b.env, "LOADER=x")
	target := strings.Replace(connection(t, b.targetURL), `user = "postgres"`, "user = \"loader\"\n  password = env(\"LOADER\")", 1)
	b.within(t, connection(t, b.sourceURL), target)
	if r := b.ok(t, 0, b.dir, "plan"); strings.Contains(words(r.stdout), "superuser") {
		t.Errorf("plan says\n%s", r.stdout)
	}
	b.ok(t, 0, b.dir, "apply", "--auto-approve")
	b.ok(t, 0, b.dir, "plan", "--detailed-exitcode")
}

func TestSequencesOfOtherSchemasListed(t *testing.T) {
	// Done: undo: a default from a sequence that the table does not own is positioned, or named in the plan
	server := pgtest.Shared(t)
	b := newBed(t, server, server, specOptions{})
	b.source.Exec(t, b.sourceDB, `CREATE SCHEMA other; CREATE SEQUENCE other.gen; CREATE SEQUENCE here; CREATE TABLE a (id serial PRIMARY KEY);
CREATE TABLE t (id int DEFAULT nextval('other.gen'), x int DEFAULT nextval('here'), y int DEFAULT nextval('a_id_seq')); INSERT INTO a DEFAULT VALUES; INSERT INTO t DEFAULT VALUES`)
	b.target.Exec(t, b.targetDB, "CREATE SCHEMA other; CREATE SEQUENCE other.gen")
	r := b.ok(t, 0, b.dir, "plan")
	if said := words(r.stdout); !strings.Contains(said, "sequence public.t: other.gen") || strings.Contains(said, "public.here (") || strings.Contains(said, "public.t: public.") {
		t.Errorf("the plan says\n%s", r.stdout)
	}
	b.apply(t, 0)
	if got := b.target.Query(t, b.targetDB, "SELECT nextval('here'), nextval('a_id_seq')"); got != b.source.Query(t, b.sourceDB, "SELECT nextval('here'), nextval('a_id_seq')") {
		t.Errorf("the target continues with %s", got)
	}
}
