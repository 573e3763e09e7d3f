package providertest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// targetFailedCommit tries commits that cannot be right, and then the right one.
func targetFailedCommit(t *testing.T, h Harness) {
	// Invariant 3: a commit that failed, for whatever reason, leaves nothing but a rollback.
	b, db, s, tb := ready(t, h)
	for name, wrong := range map[string]func(right []ledger.Loaded) []ledger.Loaded{
		"nothing is filled in":   func([]ledger.Loaded) []ledger.Loaded { return nil },
		"a package is left out":  func(right []ledger.Loaded) []ledger.Loaded { return right[:1] },
		"a package is not ours":  func(right []ledger.Loaded) []ledger.Loaded { return append(right, pack(tb.Name, "t/0009")) },
		"a package comes twice":  func(right []ledger.Loaded) []ledger.Loaded { return append(right[:1:1], right[0]) },
		"the package is another": func([]ledger.Loaded) []ledger.Loaded { return []ledger.Loaded{pack(tb.Name, "t/0009")} },
	} {
		t.Run(name, func(t *testing.T) {
			tx, claimed := begun(t, s, tb, 0, "t/0001", "t/0002")
			wantKind(t, tx.Commit(t.Context(), wrong(claimed)), providers.Internal)
			wantKind(t, tx.Commit(t.Context(), claimed), providers.Internal)
			if w, err := tx.Writer(t.Context(), tb, catalog.WholeTable()); err == nil {
				t.Error("a transaction that failed writes")
				closed(t, w)
			}
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.wantCount(t, "t", 0)
			wantLoaded(t, db)
		})
	}
}

// targetUnfinishedLoad commits behind loads that were not finished.
func targetUnfinishedLoad(t *testing.T, h Harness) {
	// Invariant 3: what arrived of a load that was not finished is not committed.
	b, db, s, tb := ready(t, h)
	for name, ends := range map[string]bool{"open": false, "closed": true} {
		t.Run(name, func(t *testing.T) {
			tx, claimed := begun(t, s, tb, 0, "t/0001")
			w, err := tx.Writer(t.Context(), tb, catalog.WholeTable())
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Write(t.Context(), rows(t, tb, 100, begunRows)); err != nil {
				t.Fatal(err)
			}
			if ends {
				closed(t, w)
			}
			wantKind(t, tx.Commit(t.Context(), claimed), providers.Internal)
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			closed(t, w)
			b.wantCount(t, "t", 0)
			wantLoaded(t, db)
		})
	}
	tx, claimed := begun(t, s, tb, 0, "t/0001") // the session continues
	if err := tx.Commit(t.Context(), claimed); err != nil {
		t.Fatal(err)
	}
	b.wantCount(t, "t", begunRows)
}

// targetConflictFixes looks at the errors of conflicts, which are the same on all targets.
func targetConflictFixes(t *testing.T, h Harness) {
	b, _, s, tb := ready(t, h)
	advised := func(err error, kind providers.Kind, table catalog.Name) {
		t.Helper()
		wantKind(t, err, kind)
		var e *providers.Error
		if !errors.As(err, &e) || e.Fix == "" || e.Table != table {
			t.Errorf("the error says neither what to do nor with which table: %+v", e)
		}
	}
	tx, claimed := begun(t, s, tb, 0, "t/0001")
	if err := tx.Commit(t.Context(), claimed); err != nil {
		t.Fatal(err)
	}
	if tx, err := s.Begin(t.Context()); err != nil {
		t.Fatal(err)
	} else {
		other := pack(tb.Name, "t/0001")
		other.Generation = "g2"
		_, err := tx.Claim(t.Context(), []ledger.Loaded{other})
		advised(err, providers.Constraint, tb.Name)
		_, err = tx.Claim(t.Context(), []ledger.Loaded{pack(tb.Name, "t/0002")})
		wantKind(t, err, providers.Internal)
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	theirs := ledger.Object{Kind: ledger.KindTable, Name: tb.Name, ID: "another"}
	advised(s.Alter(t.Context(), []providers.DDL{providers.Drop{Object: theirs}}), providers.Exists, tb.Name)
	_, err := b.target(t).Lock(t.Context(), owned("b"), nil)
	advised(err, providers.Locked, catalog.Name{})
	advised(b.target(t).Unlock(t.Context(), migration, "nobody"), providers.NotFound, catalog.Name{})
}

// targetRecordKeepsOwner records a run that says that it is somebody else's.
func targetRecordKeepsOwner(t *testing.T, h Harness) {
	// Invariant 2: only a lock renews a token: what a run records of itself changes neither token nor owner.
	b := newBench(t, h)
	db := b.target(t)
	s := lock(t, db, "a")
	run := owned("b")
	run.Migration, run.Serial, run.Plan = "another", 7, "next"
	record(t, s, ledger.Change{Run: &run})
	c, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := owned("a")
	want.Serial, want.Plan, want.Sessions = 7, "next", c.Run.Sessions
	if diff := cmp.Diff(&want, c.Run); diff != "" {
		t.Errorf("the run: -want +got\n%s", diff)
	}
	if c, err := db.Ledger(t.Context(), "another"); err != nil || c.Run != nil {
		t.Errorf("another migration's ledger is %+v, %v", c, err)
	}
}

// targetUnlockEndedRun unlocks a run that has given its lock back.
func targetUnlockEndedRun(t *testing.T, h Harness) {
	db := newBench(t, h).target(t)
	if err := lock(t, db, "a").Close(); err != nil {
		t.Fatal(err)
	}
	wantKind(t, db.Unlock(t.Context(), migration, "a"), providers.NotFound)
}

// targetLedgerOrder reads what was written in another order.
func targetLedgerOrder(t *testing.T, h Harness) {
	db := newBench(t, h).target(t)
	s := lock(t, db, "a")
	var c ledger.Change
	for _, n := range []string{"b", "ä", "a.b", "B", `a"`, "a", "aa", "_"} {
		name := catalog.Name{Schema: "S", Name: n}
		c.Tables = append(c.Tables, ledger.Table{Migration: migration, Source: name, Target: name, State: ledger.Planned})
		c.Packages = append(c.Packages, ledger.Package{Migration: migration, ID: n, Source: name, Generation: "g"})
	}
	record(t, s, c)
	got, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"B", "_", "a", `a"`, "a.b", "aa", "b", "ä"}
	for i, n := range want {
		if len(got.Tables) != len(want) || got.Tables[i].Source.Name != n || got.Packages[i].ID != n {
			t.Fatalf("the ledger's order is %+v, want %v", got.Tables, want)
		}
	}
}
