package state_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
)

// large is a report of n tables.
func large(n int) *report.Report {
	r := &report.Report{Format: report.Format, Migration: "m", Run: "a", Plan: "p", Started: time.Unix(1_700_000_000, 0).UTC(), Tables: []report.Table{}}
	for i := range n {
		name := fmt.Sprintf("SAPSR3./BIC/A%07d", i)
		r.Tables = append(r.Tables, report.Table{Table: name, Target: strings.ToLower(name), Packages: 1, In: 1, Rows: int64(i), Verify: "content", Result: report.Equal})
		r.NotMigrated = append(r.NotMigrated, catalog.Object{Kind: "grants", Name: name, Reason: "roles differ between servers"})
		r.Failures = append(r.Failures, report.Failure{Table: name, Kind: "value", Message: strings.Repeat("m", 100)})
	}
	return r
}

func query(t *testing.T, path, text string) string {
	t.Helper()
	conn, err := sqlite.OpenConn(path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	out := ""
	err = sqlitex.ExecuteScript(conn, text, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
		out = s.ColumnText(0)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLargeReportWrittenInParts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path, state.ReadWrite)
	want := large(20_000)
	for range 2 { // at the start of a run, and again at its end
		if err := s.RecordRun(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := open(t, path, state.ReadOnly).Last(t.Context(), "m")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back (-want +got):\n%.2000s", diff)
	}
	if n := query(t, path, "SELECT count(*) FROM (SELECT report x FROM run UNION ALL SELECT items FROM list) WHERE length(x) > 200000"); n != "0" {
		t.Errorf("%s texts of more than 200,000 bytes were in memory at once", n)
	}
	fewer := large(3)
	if err := s.RecordRun(t.Context(), fewer); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Run(t.Context(), "a"); err != nil || cmp.Diff(fewer, got) != "" {
		t.Errorf("a shorter report of the same run: %v\n%s", err, cmp.Diff(fewer, got))
	}
}

func TestPreviousVersionStateKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	open(t, path, state.ReadWrite).Close()
	query(t, path, `DROP TABLE list; PRAGMA user_version = 1;
INSERT INTO run VALUES ('old', 'm', 'p', '2026-01-01T00:00:00.000000000Z', NULL, NULL, '{"format":1,"migration":"m","run":"old","tables":[{"table":"T","rows":7}]}')`)
	check := func(mode state.Mode) *state.Store {
		s := open(t, path, mode)
		r, err := s.Last(t.Context(), "m")
		if err != nil || r == nil || len(r.Tables) != 1 || r.Tables[0].Rows != 7 {
			t.Fatalf("%+v, %v", r, err)
		}
		return s
	}
	check(state.ReadOnly).Close()
	s := check(state.ReadWrite)
	if err := s.RecordRun(t.Context(), large(1)); err != nil {
		t.Fatal(err)
	}
	if runs, err := s.Runs(t.Context(), ""); err != nil || len(runs) != 2 || len(runs[0].Tables)+len(runs[1].Tables) != 2 {
		t.Errorf("%+v, %v", runs, err)
	}
	var seen []string
	if err := s.EachRun(t.Context(), "m", func(r *report.Report) { seen = append(seen, fmt.Sprint(r.Run, len(r.Tables))) }); err != nil || !slices.Equal(seen, []string{"a1", "old1"}) {
		t.Errorf("one by one the runs are %q, %v", seen, err)
	}
}
