package postgres

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/providers"
)

func TestStuckTransactionTerminated(t *testing.T) {
	// Invariant 2: after 60 s (here 2) a new run terminates the sessions of the old one, which then cannot commit.
	s := pgtest.Shared(t)
	url := s.NewDatabase(t)
	ctx := context.Background()
	lock := func(token string, wait func(string)) providers.Session {
		db, err := open(ctx, schema.Values{"url": url}, providers.Env{Log: hclog.NewNullLogger(), Application: "dmoctl " + token}, targetRole)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		onto := newTarget(db, 0)
		onto.Patience = 2 * time.Second
		w, err := onto.Lock(ctx, ledger.Run{Migration: "m", Token: token, Owner: ledger.Owner{ID: token}}, wait)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.Close() })
		return w
	}
	old := lock("old", nil)
	tx, err := old.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(ctx)
	p := []ledger.Loaded{{Migration: "m", ID: "t/0001", Generation: "g"}}
	if _, err := tx.Claim(ctx, p); err != nil {
		t.Fatal(err)
	}
	s.Exec(t, url, "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'")
	started, waits := time.Now(), 0
	next := lock("new", func(what string) {
		waits++
		if !strings.Contains(what, "dmoctl old") {
			t.Errorf("waits for %q", what)
		}
	})
	if took := time.Since(started); took < 2*time.Second || took > 30*time.Second || waits < 2 || waits > 10 {
		t.Errorf("waited %s and said so %d times", took, waits)
	}
	if err := tx.Commit(ctx, p); providers.KindOf(err) != providers.Disconnected {
		t.Errorf("commit of a session that was ended: %v", err)
	}
	if c, err := next.Read(ctx); err != nil || len(c.Loaded) != 0 {
		t.Errorf("ledger: %+v, %v", c, err)
	}
}
