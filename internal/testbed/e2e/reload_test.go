package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

func TestKilledReloadRestoresForeignKeys(t *testing.T) {
	// Invariant 5: a reload that is killed after it dropped foreign keys is resumed, and they are there again.
	b, p, _ := throughProxy(t, specOptions{consistency: "quiet", parts: 4, processes: 1})
	b.source.Exec(t, b.sourceDB, `CREATE TABLE parent (id int PRIMARY KEY, note text);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE);
INSERT INTO parent SELECT g, repeat(md5(g::text), 10) FROM generate_series(1, 20000) g;
INSERT INTO child SELECT g, 1 + g % 20000 FROM generate_series(1, 3000) g; ANALYZE`)
	want := contents(t, b.source, b.sourceDB)
	b.apply(t, 0)
	p.slow(30 * time.Millisecond)
	run := b.startApply(t, "--reload", "parent")
	run.waitFor(t, "package.done", 1)
	run.signal(t, syscall.SIGKILL)
	<-run.done
	p.slow(0)
	b.sessionsGone(t)
	if got := b.rows(t, "child"); got != "3000" {
		t.Errorf("child has %s rows, want 3000: it was not to be reloaded", got)
	}
	b.apply(t, 0)
	b.equal(t, want)
	if got := strings.TrimSpace(b.target.Query(t, b.targetDB, `SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated`)); got != "1" {
		t.Errorf("the target has %s valid foreign keys, want 1", got)
	}
	if r := b.ok(t, 0, b.dir, "plan"); !strings.Contains(r.stdout, "No changes") {
		t.Errorf("the plan still has changes:\n%s", r.stdout)
	}
}

func TestRecreateRefusedWithDependents(t *testing.T) {
	// Failure scenario: existing = "recreate" where views of others depend on the tables: refused in plan, by name, and nothing is dropped.
	s := pgtest.Shared(t)
	b := newBed(t, s, s, specOptions{existing: "recreate"})
	b.fill(t, 2, 100)
	want := contents(t, b.source, b.sourceDB)
	b.target.Exec(t, b.targetDB, `CREATE TABLE keyed00 (id int PRIMARY KEY, old text); INSERT INTO keyed00 VALUES (1, 'x');
CREATE TABLE mine (id int CONSTRAINT mine_keyed REFERENCES keyed00); CREATE SCHEMA reports; CREATE VIEW reports.latest AS SELECT id FROM keyed00`)
	r := b.ok(t, 1, b.dir, "plan")
	for _, name := range []string{"public.keyed00 on the target is to be dropped", "view reports.latest", "foreign key mine_keyed of public.mine"} {
		if !strings.Contains(r.stderr, name) {
			t.Errorf("%q is not in\n%s", name, r.stderr)
		}
	}
	b.apply(t, 1, "--confirm-recreate", "target.postgres.b")
	if got := strings.TrimSpace(b.target.Query(t, b.targetDB, "SELECT count(*) FROM reports.latest")); got != "1" {
		t.Errorf("the view shows %s rows", got)
	}
	b.target.Exec(t, b.targetDB, "DROP VIEW reports.latest; DROP TABLE mine")
	b.apply(t, 0, "--confirm-recreate", "target.postgres.b")
	b.equal(t, want)
}
