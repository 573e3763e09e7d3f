package pgtest_test

import (
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

func TestCommittedRowsSurviveImmediateStop(t *testing.T) {
	s := pgtest.Start(t)
	db := s.NewDatabase(t)
	s.Exec(t, db, "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (NULL)")
	if err := s.Stop(pgtest.Immediate); err != nil {
		t.Fatal(err)
	}
	if err := s.TryExec(db, "SELECT 1"); err == nil {
		t.Fatal("a stopped server answers")
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	if got := s.Query(t, db, "TABLE t"); got != "1\n<NULL>" {
		t.Errorf("rows after the stop: %q", got)
	}
}

func TestRolesRequirePassword(t *testing.T) {
	s := pgtest.Shared(t)
	s.Exec(t, "postgres", `CREATE ROLE "pgtest role" LOGIN PASSWORD 'p@:/%w'`)
	t.Cleanup(func() { s.Exec(t, "postgres", `DROP ROLE "pgtest role"`) })
	if got := s.Query(t, s.URLAs("pgtest role", "p@:/%w", "postgres"), "SELECT current_user"); got != "pgtest role" {
		t.Errorf("connected as %q", got)
	}
	if err := s.TryExec(s.URLAs("pgtest role", "wrong", "postgres"), "SELECT 1"); err == nil {
		t.Error("a wrong password connects")
	}
}
