package e2e

import (
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/pgtest"
)

// tampered is a bed that is done at a level, where somebody has deleted a row from the target since.
func tampered(t *testing.T, level, extra string) *bed {
	t.Helper()
	s := pgtest.Shared(t)
	b := newBed(t, s, s, specOptions{verify: level, extra: extra})
	b.fill(t, 2, 500)
	b.apply(t, 0)
	b.nothingLeft(t)
	b.target.Exec(t, b.targetDB, "DELETE FROM bare01 WHERE id = 7")
	return b
}

// differs wants an apply to compare and to find bare01, and one that copies it again to end well.
func (b *bed) differs(t *testing.T) {
	t.Helper()
	b.writeSpec(t)
	if r := b.ok(t, 2, b.dir, "plan", "--detailed-exitcode"); strings.Contains(r.stdout, "No changes") {
		t.Errorf("the plan says\n%s", r.stdout)
	}
	if r := b.apply(t, 3); !strings.Contains(r.stderr, "DIFFERENT public.bare01") {
		t.Errorf("the table is not named:\n%s", r.stderr)
	}
	b.apply(t, 3) // it stays so
	b.apply(t, 0, "--reload", "bare01")
	b.equal(t, contents(t, b.source, b.sourceDB))
	b.nothingLeft(t)
}

func TestALevelThatIsRaised(t *testing.T) {
	// Done: left: a level of verification that is raised after the end: verification steps until it is met
	for _, level := range []string{"count", "content"} {
		t.Run("none to "+level, func(t *testing.T) {
			b := tampered(t, "none", "")
			b.options.verify = level
			b.differs(t)
		})
	}
	t.Run("count to content", func(t *testing.T) {
		s := pgtest.Shared(t)
		b := newBed(t, s, s, specOptions{verify: "count"})
		b.fill(t, 2, 500)
		b.apply(t, 0)
		b.target.Exec(t, b.targetDB, "UPDATE bare01 SET note = 'x' WHERE id = 7")
		b.nothingLeft(t)
		b.options.verify = "content"
		b.differs(t)
	})
}

func TestAnExceptionThatIsRemoved(t *testing.T) {
	// Done: left: an exception that is removed after the end: the table is compared
	s := pgtest.Shared(t)
	b := newBed(t, s, s, specOptions{})
	b.fill(t, 2, 500)
	b.edit(t, `verify { default = "content" }`, "verify {\n    exception \"bare01\" {\n      rule = \"igncount\"\n      reason = \"it is written to\"\n    }\n  }")
	b.apply(t, 0, "--until", "finalize")
	b.target.Exec(t, b.targetDB, "DELETE FROM bare01 WHERE id = 7")
	b.apply(t, 0)
	if got := b.target1(t, "SELECT state FROM dmo.tables WHERE source_name = 'bare01'"); got != "excused" {
		t.Fatalf("bare01 is %s, want it excused", got)
	}
	b.nothingLeft(t)
	b.differs(t) // writes the spec without the exception
}

func TestATableThatLosesItsRows(t *testing.T) {
	// Done: left: an exclude with content = "structure" on a loaded table: emptied once, then "No changes"
	s := pgtest.Shared(t)
	b := newBed(t, s, s, specOptions{})
	b.fill(t, 2, 500)
	b.apply(t, 0)
	b.options.extra = "  exclude \"x\" {\n    tables = [\"bare01\"]\n    content = \"structure\"\n    reason = \"decided late\"\n  }\n"
	b.writeSpec(t)
	if r := b.ok(t, 0, b.dir, "plan"); !strings.Contains(r.stdout, "1 table emptied: bare01") {
		t.Errorf("the plan does not say that the table is emptied:\n%s", r.stdout)
	}
	b.apply(t, 0)
	if rows := b.rows(t, "bare01") + " " + b.rows(t, "keyed00"); rows != "0 500" {
		t.Errorf("the tables hold %s rows, want 0 500", rows)
	}
	b.nothingLeft(t)
	b.target.Exec(t, b.targetDB, "INSERT INTO bare01 VALUES (1)") // it is the target's now
	b.apply(t, 0)
	if got := b.rows(t, "bare01"); got != "1" {
		t.Errorf("bare01 has %s rows after an apply without changes", got)
	}
	b.target.Exec(t, b.targetDB, "TRUNCATE bare01")
	b.options.extra = ""
	b.writeSpec(t)
	b.apply(t, 0) // and back
	b.equal(t, contents(t, b.source, b.sourceDB))
	b.nothingLeft(t)
}

func TestARenameOfALoadedTable(t *testing.T) {
	// Done: left: a rename of a loaded table: the ledger follows, later plans succeed, rollback drops the right table
	s := pgtest.Shared(t)
	b := newBed(t, s, s, specOptions{})
	b.fill(t, 2, 500)
	b.apply(t, 0)
	b.options.extra = "  rename {\n    table = \"bare01\"\n    to = \"other\"\n  }\n"
	b.writeSpec(t)
	b.apply(t, 0)
	const tables = `SELECT string_agg(relname, ' ' ORDER BY 1) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`
	if got := b.target1(t, tables); got != "keyed00 other" {
		t.Errorf("the target has the tables %s", got)
	}
	if got := b.target1(t, "SELECT target_name FROM dmo.tables WHERE source_name = 'bare01'"); got != "other" {
		t.Errorf("the ledger calls it %s", got)
	}
	if got, want := b.target1(t, "SELECT count(*), sum(id) FROM other"), "500|125250"; got != want {
		t.Errorf("it holds %s, want %s", got, want)
	}
	b.nothingLeft(t)
	b.target.Exec(t, b.targetDB, "CREATE TABLE bare01 (mine int)") // the old name is free
	b.apply(t, 0, "--reload", "bare01")
	b.nothingLeft(t)
	b.ok(t, 0, b.dir, "rollback", "--empty-target", "--auto-approve")
	if got := b.target1(t, tables); got != "bare01" {
		t.Errorf("after the rollback the target has the tables %s, want somebody's bare01", got)
	}
}

func TestNamesThatNothingHas(t *testing.T) {
	// Done: left: an unknown schema is an error, and so are --table and --reload that nothing matches
	s := pgtest.Shared(t)
	b := newBed(t, s, s, specOptions{})
	b.fill(t, 1, 10)
	for _, args := range [][]string{{"plan", "--table", "kayed00"}, {"plan", "--reload", "kayed00"}, {"apply", "--auto-approve", "--table", "kayed*"}, {"apply", "--auto-approve", "--reload", "kayed00"}} {
		r := b.ok(t, 1, b.dir, args...)
		if r.stdout != "" || !strings.Contains(r.stderr, args[len(args)-1]) {
			t.Errorf("%v:\n%s\n%s", args, r.stdout, r.stderr)
		}
	}
	b.inSchemas(t, "pubilc", "public")
	for _, command := range []string{"plan", "apply"} {
		r := b.ok(t, 1, b.dir, command)
		if r.stdout != "" || !strings.Contains(r.stderr, "pubilc") {
			t.Errorf("%s:\n%s\n%s", command, r.stdout, r.stderr)
		}
	}
}

func TestLedgerRowsThatAreGone(t *testing.T) {
	// Done: left: the whole ledger decides, not a table's mark: a loaded or planned package that is gone, or of another generation, is copied again
	for _, sql := range []string{
		"DELETE FROM dmo.loaded WHERE id = 'public.keyed00/0002'",
		"DELETE FROM dmo.planned WHERE id = 'public.keyed00/0002'",
		"DELETE FROM dmo.planned WHERE id = 'public.keyed00/0004'",
		"DELETE FROM dmo.planned WHERE source_name = 'keyed00'; DELETE FROM dmo.loaded WHERE source_name = 'keyed00'",
		"UPDATE dmo.loaded SET generation = replace(generation, '-0-', '-9-') WHERE id = 'public.keyed00/0003'",
		"UPDATE dmo.tables SET state = 'emptying' WHERE source_name = 'keyed00'",
	} {
		t.Run(sql, func(t *testing.T) {
			s := pgtest.Shared(t)
			b := newBed(t, s, s, specOptions{parts: 4, by: ""})
			b.fill(t, 1, 2000)
			b.apply(t, 0)
			if got := b.target1(t, "SELECT count(*) FROM dmo.loaded"); got != "4" {
				t.Fatalf("%s packages, want 4", got)
			}
			b.target.Exec(t, b.targetDB, "BEGIN; "+sql+"; DELETE FROM keyed00; COMMIT")
			r := b.ok(t, 2, b.dir, "plan", "--detailed-exitcode")
			if !strings.Contains(r.stdout, "4 packages to copy") {
				t.Errorf("the plan says\n%s", r.stdout)
			}
			b.apply(t, 0)
			b.equal(t, contents(t, b.source, b.sourceDB))
			b.nothingLeft(t)
		})
	}
}
