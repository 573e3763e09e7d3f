package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

// stale wants an apply of the saved plan to end with exit code 5 and these words, and to change no row.
func (b *environment) stale(t *testing.T, words ...string) {
	t.Helper()
	before := contents(t, b.target, b.targetDB)
	r := b.ok(t, 5, b.dir, "apply", "p.json")
	for _, w := range words {
		if !strings.Contains(r.stderr, w) {
			t.Errorf("it does not say %q:\n%s", w, r.stderr)
		}
	}
	if after := contents(t, b.target, b.targetDB); after != before {
		t.Errorf("the target held\n%s\nand holds\n%s", before, after)
	}
}

func (b *environment) save(t *testing.T, args ...string) {
	t.Helper()
	b.ok(t, 0, b.dir, append([]string{"plan", "--out", "p.json"}, args...)...)
}

func TestSavedPlanTargetTableCreated(t *testing.T) {
	// Done: left: a saved plan, and somebody makes the table with a row meanwhile: stale, by name, and rollback does not drop it
	for name, sql := range map[string]string{
		"another one":             "CREATE TABLE keyed00 (id int PRIMARY KEY, mine text); INSERT INTO keyed00 VALUES (1, 'mine')",
		"one of its form, filled": "CREATE TABLE keyed00 (id int PRIMARY KEY, amount numeric(15,2), day date, note text); INSERT INTO keyed00 (id) VALUES (1)",
		"one of its form, empty":  "CREATE TABLE keyed00 (id int PRIMARY KEY, amount numeric(15,2), day date, note text)",
	} {
		t.Run(name, func(t *testing.T) {
			s := pgtest.Shared(t)
			b := newBed(t, s, s, specOptions{})
			b.fill(t, 2, 100)
			b.save(t)
			b.target.Exec(t, b.targetDB, sql)
			b.stale(t, "public.keyed00 is now on the target, and dmoctl did not create it")
			b.ok(t, 1, b.dir, "apply", "--auto-approve") // a new plan refuses it by name
			const mine = "SELECT count(*), pg_relation_filenode('keyed00') FROM keyed00"
			before := b.target1(t, mine)
			b.run(t, b.dir, "rollback", "--empty-target", "--auto-approve")
			if after := b.target1(t, mine); after != before {
				t.Errorf("after a rollback their table is %s, was %s", after, before)
			}
		})
	}
}

func TestSavedPlanTargetTableFilled(t *testing.T) {
	// Done: left: existence and emptiness are looked at under the lock: existing = "load", and somebody fills or drops the table after the plan
	s := pgtest.Shared(t)
	b := newBed(t, s, s, specOptions{existing: "load"})
	b.fill(t, 1, 100)
	b.target.Exec(t, b.targetDB, "CREATE TABLE keyed00 (id int PRIMARY KEY, amount numeric(15,2), day date, note text)")
	b.save(t)
	b.target.Exec(t, b.targetDB, "INSERT INTO keyed00 (id) VALUES (-1)")
	b.stale(t, "public.keyed00")
	b.target.Exec(t, b.targetDB, "DROP TABLE keyed00")
	b.stale(t, "public.keyed00 is no longer on the target")
}

func TestRecreateStoppedBeforeDrop(t *testing.T) {
	// Done: left: a recreate that stops, or is killed, after the ledger was written: the next apply drops the old table, and no old row stays
	const confirm = "--confirm-recreate=target.postgres.b"
	for _, how := range []string{"--until preflight", "killed"} {
		t.Run(how, func(t *testing.T) {
			b, p, _ := throughProxy(t, specOptions{existing: "recreate"})
			b.fill(t, 2, 300)
			b.target.Exec(t, b.targetDB, "CREATE TABLE keyed00 (id int PRIMARY KEY, amount numeric(15,2), day date, note text); INSERT INTO keyed00 (id) SELECT -g FROM generate_series(1, 7) g")
			if how == "killed" {
				p.holdNext("drop table")
				run := b.startApply(t, confirm)
				wait(t, p.held, "the drop")
				run.signal(t, syscall.SIGKILL)
				<-run.done
				b.target.Exec(t, "postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+b.targetDB+"'")
				close(p.release)
				b.sessionsGone(t)
			} else {
				b.apply(t, 0, confirm, "--until", "preflight")
			}
			if got := b.rows(t, "keyed00"); got != "7" {
				t.Fatalf("their table has %s rows after a run that stopped before it", got)
			}
			b.apply(t, 8) // nobody has agreed to this
			b.apply(t, 0, confirm)
			b.equal(t, contents(t, b.source, b.sourceDB))
			b.nothingLeft(t)
		})
	}
}

func TestSavedPlanSourceChanged(t *testing.T) {
	s := pgtest.Shared(t)
	t.Run("another table", func(t *testing.T) {
		// Done: left: a table that is made on the source between plan --out and apply: stale, by name
		b := newBed(t, s, s, specOptions{})
		b.fill(t, 2, 100)
		b.save(t)
		b.source.Exec(t, b.sourceDB, "CREATE TABLE newcomer (id int)")
		b.stale(t, "public.newcomer")
	})
	t.Run("a kept table", func(t *testing.T) {
		// Done: left: a saved plan keeps a table whose structure changed on the source since: stale, by name
		b := newBed(t, s, s, specOptions{})
		b.fill(t, 2, 100)
		b.apply(t, 0)
		b.save(t, "--reload", "keyed00")
		b.source.Exec(t, b.sourceDB, "ALTER TABLE bare01 ADD added int")
		b.stale(t, "the source now has a different structure for", "public.bare01")
	})
}

func TestSavedPlanQuietSequencesAdvanced(t *testing.T) {
	// Done: left: a saved plan of a quiet source whose sequences continued since is stale, by name
	s := pgtest.Shared(t)
	for name, x := range map[string]struct{ sql, named string }{
		"an identity":     {"SELECT nextval('t_id_seq')", "public.t"},
		"a free sequence": {"SELECT nextval('free')", "public.free"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, s, s, specOptions{consistency: "quiet"})
			b.fill(t, 1, 100)
			b.source.Exec(t, b.sourceDB, "CREATE SEQUENCE free; CREATE TABLE t (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, n int); INSERT INTO t (n) VALUES (1), (2)")
			b.apply(t, 0)
			b.save(t, "--reload", "keyed00")
			b.source.Exec(t, b.sourceDB, x.sql)
			b.stale(t, "which is declared quiet", x.named)
			b.apply(t, 0) // a new plan raises it
			b.nothingLeft(t)
		})
	}
}

func TestSavedPlanTablesRestarted(t *testing.T) {
	// Done: left: a saved plan keeps a table that another run has begun to copy again since: stale, by name
	s := pgtest.Shared(t)
	for _, until := range []string{"structures", "downtime"} {
		t.Run(until, func(t *testing.T) {
			b := newBed(t, s, s, specOptions{consistency: "quiet"})
			b.fill(t, 2, 100)
			b.apply(t, 0)
			b.save(t, "--reload", "keyed00")
			b.source.Exec(t, b.sourceDB, "INSERT INTO bare01 (id) VALUES (1000)")
			b.ok(t, 5, b.dir, "apply", "p.json") // the source is not quiet: bare01 are no longer valid
			b.apply(t, 0, "--until", until)
			b.stale(t, "public.bare01")
			b.apply(t, 0)
			b.equal(t, contents(t, b.source, b.sourceDB))
			b.nothingLeft(t)
		})
	}
}

func TestSavedPlanAlreadyApplied(t *testing.T) {
	// Done: left: a saved plan that was carried out, by its own run or by one that it continued, is held against what is there now
	s := pgtest.Shared(t)
	b := newBed(t, s, s, specOptions{})
	b.fill(t, 2, 100)
	b.source.Exec(t, b.sourceDB, "CREATE INDEX keyed_day ON keyed00 (day)")
	b.save(t)
	first, err := os.ReadFile(filepath.Join(b.dir, "p.json"))
	if err != nil {
		t.Fatal(err)
	}
	b.ok(t, 0, b.dir, "apply", "--until", "structures", "p.json")
	b.save(t)
	again, err := os.ReadFile(filepath.Join(b.dir, "p.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(again), `"continues":`) {
		t.Fatal("the second plan continues none: the test shows nothing")
	}
	b.ok(t, 0, b.dir, "apply", "p.json")
	b.equal(t, contents(t, b.source, b.sourceDB))
	for which, plan := range map[string][]byte{"the first": first, "the one that continues it": again} {
		t.Run(which, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(b.dir, "p.json"), plan, 0o600); err != nil {
				t.Fatal(err)
			}
			if r := b.ok(t, 0, b.dir, "apply", "p.json"); !strings.Contains(r.stdout, "No changes. This plan has been carried out already.") {
				t.Errorf("it says\n%s", r.stdout)
			}
			b.target.Exec(t, b.targetDB, "DROP INDEX keyed_day")
			b.stale(t, "there are new changes")
			b.target.Exec(t, b.targetDB, "CREATE INDEX keyed_day ON keyed00 (day)")
		})
	}
}
