package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
)

const lockedSpec = `source "sqlite" "old" {
  path = "old.db"
}

target "sqlite" "new" {
  path = "new.db"
}

migration "m" {
  source = source.sqlite.old
  target = target.sqlite.new

  transfer "pipe" {}
}
`

func TestLockedStateNamesOwner(t *testing.T) {
	// Failure scenario: two applies at once on one target, from one state or from two: the second names the owner
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.dmo.hcl"), []byte(lockedSpec), 0o600); err != nil {
		t.Fatal(err)
	}
	call := func(want int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if code := run(append([]string{"--chdir", dir}, args...), strings.NewReader(""), &out, &errs); code != want {
			t.Errorf("%v: exit code %d, want %d\n%s%s", args, code, want, &out, &errs)
		}
		return out.String() + errs.String()
	}
	call(report.OK, "sample", "--to", "old.db", "--rows", "10")
	st, err := state.Open(filepath.Join(dir, ".dmo", "state.db"), state.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	release, err := st.Lock(t.Context(), ledger.Owner{ID: "7f3a", User: "ana", Host: host, PID: os.Getpid(), Started: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if got := call(report.OK, "status"); !strings.Contains(got, "Running: 7f3a by ana@"+host) {
		t.Errorf("status of a run in progress:\n%s", got)
	}
	got := call(report.Locked, "apply", "--auto-approve", "--lock-timeout", "2s")
	if !strings.Contains(got, "Held by ana@"+host) || strings.Count(got, "waiting: ") != 1 {
		t.Errorf("a second apply:\n%s", got)
	}
	if _, err := os.Stat(filepath.Join(dir, ".dmo", "report-1.json")); err == nil {
		t.Error("an apply that did not begin wrote a report")
	}
	if got := call(report.Locked, "state", "unlock", "7f3a"); !strings.Contains(got, "\n    kill ") {
		t.Errorf("unlock of a living process:\n%s", got)
	}
	release()
	if got := call(report.OK, "apply", "--auto-approve"); !strings.Contains(got, "Done.") {
		t.Errorf("after it has ended:\n%s", got)
	}
}
