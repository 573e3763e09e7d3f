package state_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
)

func open(t *testing.T, path string, mode state.Mode) *state.Store {
	t.Helper()
	s, err := state.Open(path, mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestLockReleasedOnHolderExit(t *testing.T) {
	// Invariant 11: the state's lock is a flock; the stored row only names the owner
	path := filepath.Join(t.TempDir(), ".dmo", "state.db")
	first, second := open(t, path, state.ReadWrite), open(t, path, state.ReadWrite)
	ana := ledger.Owner{ID: "7f3a", User: "ana", Host: "db1", PID: 412, Started: time.Now()}
	release, err := first.Lock(t.Context(), ana)
	if err != nil {
		t.Fatal(err)
	}
	var locked *state.LockedError
	if _, err := second.Lock(t.Context(), ledger.Owner{ID: "x"}); !errors.As(err, &locked) || locked.Owner.ID != "7f3a" {
		t.Fatalf("second lock: %v", err)
	}
	if err := second.Unlock(t.Context(), "7f3a"); !errors.As(err, &locked) {
		t.Errorf("a living holder was unlocked: %v", err)
	}
	if err := second.Unlock(t.Context(), "other"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("somebody else's id: %v", err)
	}
	release()
	release, err = second.Lock(t.Context(), ledger.Owner{ID: "x"})
	if err != nil {
		t.Fatalf("after release: %v", err)
	}
	release()
	if o, err := first.Owner(t.Context()); err != nil || o != nil {
		t.Errorf("owner %v, %v", o, err)
	}
}

func TestConcurrentReaderSeesProgress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	writer := open(t, path, state.ReadWrite)
	reader := open(t, path, state.ReadOnly)
	ctx := t.Context()
	if last, err := reader.Last(ctx, "m"); err != nil || last != nil {
		t.Fatalf("an empty state has run %v, %v", last, err)
	}
	r := &report.Report{Format: report.Format, Migration: "m", Run: "a", Plan: "p", Started: time.Now()}
	for _, step := range []func() error{
		func() error { return writer.RecordRun(ctx, r) },
		func() error {
			return writer.RecordPackages(ctx, "a", []state.Package{{ID: "t/0001", Source: "t", Rows: 5, Bytes: 50, Seconds: 0.5}})
		},
		func() error {
			return writer.RecordProgress(ctx, "m", state.Progress{Run: "a", Totals: report.Totals{Rows: 5}})
		},
		func() error { return writer.RecordCommand(ctx, state.Command{User: "ana", Words: "apply"}) },
		func() error { r.Ended, r.Exit = time.Now(), 3; return writer.RecordRun(ctx, r) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	last, err := reader.Last(ctx, "m")
	if err != nil || last.Exit != 3 {
		t.Errorf("last run %+v, %v", last, err)
	}
	if _, err := reader.Run(ctx, "nope"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("unknown run: %v", err)
	}
	packages, err := reader.Packages(ctx, "a")
	if err != nil || len(packages) != 1 || packages[0].Seconds != 0.5 || packages[0].Rows != 5 {
		t.Errorf("packages %+v, %v", packages, err)
	}
	if p, err := reader.Progress(ctx, "m"); err != nil || p.Totals.Rows != 5 {
		t.Errorf("progress %+v, %v", p, err)
	}
	if c, err := reader.Commands(ctx, 10); err != nil || len(c) != 1 || c[0].Words != "apply" {
		t.Errorf("commands %+v, %v", c, err)
	}
}

func TestOpenInvalidState(t *testing.T) {
	dir := t.TempDir()
	if _, err := state.Open(filepath.Join(dir, "none.db"), state.ReadOnly); err == nil {
		t.Error("a missing state was opened")
	}
	path := filepath.Join(dir, "text.db")
	if err := os.WriteFile(path, []byte("this is not a database, and long enough to be seen as none of ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := state.Open(path, state.ReadWrite); !errors.Is(err, state.ErrDamaged) || state.Advice(err) == "" {
		t.Errorf("a text file: %v", err)
	}
	aside, err := state.SetAside(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(aside); err != nil {
		t.Error(err)
	}
	open(t, path, state.ReadWrite)
	if err := os.WriteFile(filepath.Join(dir, "empty.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := state.Open(filepath.Join(dir, "empty.db"), state.ReadOnly); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty file: %v", err)
	}
	if _, err := state.Open(dir, state.ReadWrite); !errors.Is(err, state.ErrUnwritable) || state.Advice(err) == "" {
		t.Errorf("a directory: %v", err)
	}
	if _, err := state.Open(filepath.Join(path, "state.db"), state.ReadWrite); !errors.Is(err, state.ErrUnwritable) {
		t.Errorf("below a file: %v", err)
	}
	private := filepath.Join(dir, "new", "state.db")
	open(t, private, state.ReadWrite)
	if i, err := os.Stat(private); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", i.Mode(), err)
	}
}

func TestFromLedger(t *testing.T) {
	if state.FromLedger(nil) != nil || state.FromLedger(&ledger.Contents{}) != nil {
		t.Error("an empty ledger tells of a run")
	}
}
