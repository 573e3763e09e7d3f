package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// writers change rows in every way that a copy could get wrong: %[1]s is the table,
// %[2]d the round.
const writers = `UPDATE %[1]s SET note = note || 'x' WHERE id %% 7 = 0;
UPDATE %[1]s SET id = -id WHERE id %% 11 = 0;
DELETE FROM %[1]s WHERE id %% 13 = %[2]d;
CREATE TEMP TABLE again AS SELECT * FROM %[1]s WHERE id %% 17 = 0;
DELETE FROM %[1]s WHERE id %% 17 = 0;
INSERT INTO %[1]s SELECT * FROM again;
DROP TABLE again;
INSERT INTO %[1]s SELECT g, 1, date '2024-01-01', 'new' FROM generate_series(2000000 + 1000 * %[2]d, 2000500 + 1000 * %[2]d) g;`

func TestSourceWritesDuringCopy(t *testing.T) {
	// Failure scenario: rows updated, moved, deleted: the target equals the snapshot, several packages a table, with and without a key.
	b, p, _ := throughProxy(t, specOptions{parts: 6})
	b.fill(t, 4, 30000)
	want := contents(t, b.source, b.sourceDB)
	p.slow(20 * time.Millisecond)
	run := b.startApply(t)
	run.waitFor(t, "snapshot", 1)
	for round := range 3 {
		for _, table := range []string{"keyed00", "bare01", "keyed02", "bare03"} {
			b.source.Exec(t, b.sourceDB, fmt.Sprintf(writers, table, round))
		}
		b.source.Exec(t, b.sourceDB, "VACUUM")
	}
	if run.count("run.done") > 0 {
		t.Fatal("the run ended before the writers did: nothing is proven")
	}
	p.slow(0)
	if r := run.wait(t, 2*time.Minute); r.exit != 0 {
		t.Fatalf("exit %d\n%s", r.exit, tail(r.stderr))
	}
	b.equal(t, want)
}

func TestRewriteDuringCopyStopsTable(t *testing.T) {
	// Failure scenario: rows updated, moved, deleted: TRUNCATE and VACUUM FULL in mid-copy stop the table by name, the others continue.
	for _, statement := range []string{"TRUNCATE bare03", "VACUUM FULL bare03"} {
		t.Run(statement, func(t *testing.T) {
			b, p, _ := throughProxy(t, specOptions{parts: 4, processes: 1})
			b.fill(t, 4, 30000)
			p.slow(30 * time.Millisecond)
			run := b.startApply(t)
			run.waitFor(t, "snapshot", 1)
			b.rewrite(t, statement)
			p.slow(0)
			r := run.wait(t, 2*time.Minute)
			if r.exit != 5 || !strings.Contains(r.stderr, "bare03") {
				t.Errorf("exit %d, want 5 with the table's name\n%s", r.exit, tail(r.stderr))
			}
			for _, table := range []string{"keyed00", "bare01", "keyed02"} {
				if b.rows(t, table) != "30000" {
					t.Errorf("%s did not continue", table)
				}
			}
		})
	}
}

// rewrite runs a statement that needs an exclusive lock, between two packages if need be.
func (b *environment) rewrite(t *testing.T, statement string) {
	t.Helper()
	b.source.Exec(t, b.sourceDB, statement)
}

func (b *environment) rows(t *testing.T, table string) string {
	t.Helper()
	return strings.TrimSpace(b.target.Query(t, b.targetDB, "SELECT count(*) FROM public."+table))
}

func TestStructureChangeBeforeApply(t *testing.T) {
	// Failure scenario: a structure changed between plan and apply: that table stops by name, exit 5; the others continue.
	b, _, _ := throughProxy(t, specOptions{parts: 2})
	b.fill(t, 3, 500)
	b.ok(t, 0, b.dir, "plan", "--out", "p.json")
	b.source.Exec(t, b.sourceDB, "ALTER TABLE bare01 ADD COLUMN added int")
	r := b.ok(t, 5, b.dir, "apply", "--json", "p.json")
	if !strings.Contains(r.stderr, "bare01") {
		t.Errorf("the table is not named:\n%s", r.stderr)
	}
	if b.rows(t, "keyed00") != "500" || b.rows(t, "keyed02") != "500" {
		t.Error("the other tables did not continue")
	}
	b.apply(t, 0)
	b.equal(t, contents(t, b.source, b.sourceDB))
}

func TestStructureChangeBeforeResume(t *testing.T) {
	// Failure scenario: a structure changed between plan and apply, and between kill and resume: that table stops by name.
	b, p, _ := throughProxy(t, specOptions{consistency: "quiet", parts: 4, processes: 1})
	b.fill(t, 4, 20000)
	b.ok(t, 0, b.dir, "plan", "--out", "p.json")
	p.slow(20 * time.Millisecond)
	first := b.start(t, b.dir, "apply", "--json", "p.json")
	first.waitFor(t, "package.done", 1)
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-first.done
	p.slow(0)
	b.source.Exec(t, b.sourceDB, "ALTER TABLE bare03 ADD COLUMN added int")
	r := b.ok(t, 5, b.dir, "apply", "--json", "p.json")
	if !strings.Contains(r.stderr, "bare03") {
		t.Errorf("the table is not named:\n%s", r.stderr)
	}
	if b.rows(t, "keyed00") != "20000" {
		t.Error("the other tables did not continue")
	}
}
