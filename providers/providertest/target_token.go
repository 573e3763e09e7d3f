package providertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

func wantOwner(t testing.TB, err error, id string) {
	t.Helper()
	var e *providers.Error
	if !errors.As(err, &e) || e.Owner == nil || e.Owner.ID != id {
		t.Errorf("the error does not name owner %s: %v", id, err)
	}
}

func targetSecondRunLocked(t *testing.T, h Harness) {
	// Failure scenario: two applies at once on one target: the second is refused and names the first.
	b := newBench(t, h)
	first, second := b.target(t), b.target(t)
	s := lock(t, first, "a")
	_, err := second.Lock(t.Context(), owned("b"), nil)
	wantKind(t, err, providers.Locked)
	wantOwner(t, err, "a")
	record(t, s, ledger.Change{Tables: []ledger.Table{{Migration: migration, Source: b.name("t")}}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	lock(t, second, "b")
}

func targetFencedRunChangesNothing(t *testing.T, h Harness) {
	// Invariant 2: a run whose token was renewed by another can neither commit, nor empty, nor alter anything.
	if h.DropLock == nil {
		t.Log("the engine has no way to lose a lock and continue")
		return
	}
	b, db, old, tb := ready(t, h)
	tx, claimed := begun(t, old, tb, 0, "t/0001")
	if err := tx.Commit(t.Context(), claimed); err != nil {
		t.Fatal(err)
	}
	late, err := old.Begin(t.Context()) // has not claimed yet
	if err != nil {
		t.Fatal(err)
	}
	h.DropLock(t, b.Database, old)
	lock(t, b.target(t), "b")
	_, err = late.Claim(t.Context(), []ledger.Loaded{pack(tb.Name, "t/0002")})
	wantKind(t, err, providers.Fenced)
	wantOwner(t, err, "b")
	if err := late.Commit(t.Context(), nil); err == nil {
		t.Error("a fenced run commits")
	}
	_ = late.Rollback(t.Context()) // its session may be gone
	_, err = old.Read(t.Context())
	wantKind(t, err, providers.Fenced)
	wantKind(t, old.Record(t.Context(), ledger.Change{Tables: []ledger.Table{{Migration: migration, Source: b.name("x")}}}), providers.Fenced)
	wantKind(t, old.Alter(t.Context(), []providers.DDL{providers.DropTable{Table: tb.Name}}), providers.Fenced)
	wantKind(t, old.Reload(t.Context(), []providers.ReloadTable{{Source: tb.Name, Target: tb}}), providers.Fenced)
	b.wantCount(t, "t", 10)
	wantLoaded(t, db, "t/0001")
}

func targetNextRunWaits(t *testing.T, h Harness) {
	// Failure scenario: a killed run's COMMIT is held back while the next run starts: the next run waits, says for what, and finds the package in.
	if h.DropLock == nil {
		t.Log("the engine has no way to lose a lock and continue")
		return
	}
	b, db, old, tb := ready(t, h)
	tx, claimed := begun(t, old, tb, 0, "t/0001")
	h.DropLock(t, b.Database, old)
	type result struct {
		s   providers.Session
		err error
	}
	done, waits := make(chan result, 1), make(chan string, 100)
	next := b.target(t)
	go func() {
		s, err := next.Lock(context.WithoutCancel(t.Context()), owned("b"), func(what string) { waits <- what })
		done <- result{s, err}
	}()
	select {
	case what := <-waits:
		if what == "" {
			t.Error("the next run does not say for what it waits")
		}
	case r := <-done:
		t.Fatalf("the next run does not wait: %v", r.err)
	case <-time.After(20 * time.Second):
		t.Fatal("the next run says nothing for 20 s")
	}
	if err := tx.Commit(t.Context(), claimed); err != nil {
		t.Errorf("the older run's commit: %v", err)
	}
	r := <-done
	if r.err != nil {
		t.Fatal(r.err)
	}
	defer closed(t, r.s)
	c, err := r.s.Read(t.Context())
	if err != nil || len(c.Loaded) != 1 || c.Loaded[0].Rows != 10 {
		t.Errorf("the next run finds %+v, %v", c, err)
	}
	b.wantCount(t, "t", 10)
	wantLoaded(t, db, "t/0001")
}

func targetUnlock(t *testing.T, h Harness) {
	// Invariant 11: unlock is for holders that cannot be seen to die.
	b := newBench(t, h)
	db := b.target(t)
	wantKind(t, db.Unlock(t.Context(), migration, "a"), providers.NotFound)
	s := lock(t, db, "a")
	wantKind(t, db.Unlock(t.Context(), migration, "other"), providers.NotFound)
	switch err := b.target(t).Unlock(t.Context(), migration, "a"); {
	case err == nil:
		next := lock(t, db, "b")
		if _, err := next.Read(t.Context()); err != nil {
			t.Error(err)
		}
		_, err := s.Read(t.Context())
		wantKind(t, err, providers.Fenced)
	default:
		wantKind(t, err, providers.Locked)
		wantOwner(t, err, "a")
		if _, err := s.Read(t.Context()); err != nil {
			t.Errorf("the run that could not be ended is disturbed: %v", err)
		}
	}
}
