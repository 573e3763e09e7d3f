package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

// Tables whose names put children before their parents, a circle, one that refers to
// itself, and a row that breaks a foreign key which is NOT VALID.
const referring = `
CREATE TABLE a_child (id int PRIMARY KEY, parent int, other int);
CREATE TABLE m_egg (id int PRIMARY KEY, hen int NOT NULL);
CREATE TABLE n_hen (id int PRIMARY KEY, egg int NOT NULL);
CREATE TABLE s_self (id int PRIMARY KEY, up int);
CREATE TABLE z_parent (id int PRIMARY KEY, note text);
`

const referringRows = `
INSERT INTO z_parent SELECT g, repeat(md5(g::text), 10) FROM generate_series(1, 20000) g;
INSERT INTO a_child SELECT g, 1 + g % 20000, g FROM generate_series(1, 20000) g;
INSERT INTO m_egg SELECT g, 101 - g FROM generate_series(1, 100) g;
INSERT INTO n_hen SELECT g, 1 + g % 100 FROM generate_series(1, 100) g;
INSERT INTO s_self SELECT g, CASE WHEN g < 20000 THEN 20001 - g END FROM generate_series(1, 20000) g;
ANALYZE;`

// The DBA's own foreign keys, under other names than the source's and with other actions.
const dbasKeys = `
ALTER TABLE a_child ADD CONSTRAINT "The ""DBA's""" FOREIGN KEY (parent) REFERENCES z_parent ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE;
ALTER TABLE a_child ADD CONSTRAINT broken FOREIGN KEY (other) REFERENCES m_egg NOT VALID;
ALTER TABLE m_egg ADD CONSTRAINT egg_hen FOREIGN KEY (hen) REFERENCES n_hen;
ALTER TABLE n_hen ADD CONSTRAINT hen_egg FOREIGN KEY (egg) REFERENCES m_egg DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE s_self ADD CONSTRAINT self FOREIGN KEY (up) REFERENCES s_self;`

const allConstraints = `SELECT conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint')
FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1::text, 2`

func TestLoadWithCircularForeignKeys(t *testing.T) {
	// Failure scenario: existing = "load" into tables whose foreign keys are there: one apply loads them in any order and around circles, and leaves the keys as they were, NOT VALID ones too.
	s := pgtest.Shared(t)
	b := newBed(t, s, s, specOptions{existing: "load", parts: 2})
	b.source.Exec(t, b.sourceDB, referring+referringRows)
	b.target.Exec(t, b.targetDB, referring+dbasKeys)
	want, keys := contents(t, b.source, b.sourceDB), b.target.Query(t, b.targetDB, allConstraints)
	r := b.ok(t, 0, b.dir, "plan")
	if !strings.Contains(r.stdout, "5 foreign keys dropped during the load, then recreated unchanged") {
		t.Errorf("the plan does not say what happens to the foreign keys:\n%s", r.stdout)
	}
	j := b.ok(t, 0, b.dir, "plan", "--json")
	for _, reason := range []string{"they would block rows from being loaded before the rows that they refer to", "existing foreign keys are recreated unchanged"} {
		if !strings.Contains(j.stdout, reason) {
			t.Errorf("no step has the reason %q", reason)
		}
	}
	b.apply(t, 0)
	b.equal(t, want)
	if got := b.target.Query(t, b.targetDB, allConstraints); got != keys {
		t.Errorf("constraints before\n%s\nafter\n%s", keys, got)
	}
	if r := b.ok(t, 0, b.dir, "plan"); !strings.Contains(r.stdout, "No changes") {
		t.Errorf("the plan still has changes:\n%s", r.stdout)
	}
	// Copied again, a parent alone: its child's key is in the way of emptying it.
	b.apply(t, 0, "--reload", "z_parent")
	b.equal(t, want)
	if got := b.target.Query(t, b.targetDB, allConstraints); got != keys {
		t.Errorf("constraints before\n%s\nafter a reload\n%s", keys, got)
	}
}

func TestDroppedForeignKeysSurviveCrash(t *testing.T) {
	// Trap: foreign keys of others, dropped for a load that is killed and planned again: the tables themselves remember them, for the next apply and for a rollback
	b, p, _ := throughProxy(t, specOptions{consistency: "quiet", existing: "load", parts: 4, processes: 1})
	b.source.Exec(t, b.sourceDB, referring+referringRows)
	b.target.Exec(t, b.targetDB, referring+dbasKeys)
	want, keys := contents(t, b.source, b.sourceDB), b.target.Query(t, b.targetDB, allConstraints)
	crash := func() {
		p.slow(30 * time.Millisecond)
		run := b.startApply(t)
		run.waitFor(t, "package.done", 1)
		run.signal(t, syscall.SIGKILL)
		<-run.done
		p.slow(0)
		b.sessionsGone(t)
		if got := strings.TrimSpace(b.target.Query(t, b.targetDB, `SELECT count(*) FROM pg_constraint WHERE contype = 'f'`)); got != "0" {
			t.Fatalf("%s foreign keys are there: the test shows nothing", got)
		}
	}
	crash()
	b.ok(t, 0, b.dir, "rollback", "--empty-target", "--auto-approve")
	if got := b.target.Query(t, b.targetDB, allConstraints); got != keys {
		t.Errorf("constraints before\n%s\nafter a rollback\n%s", keys, got)
	}
	crash()
	b.apply(t, 0)
	b.equal(t, want)
	if got := b.target.Query(t, b.targetDB, allConstraints); got != keys {
		t.Errorf("constraints before\n%s\nafter\n%s", keys, got)
	}
}
