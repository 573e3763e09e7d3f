package providertest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// rows makes a batch for a plain table with the ids from, from+1, ...
func rows(t testing.TB, tb *catalog.Table, from, n int) arrow.RecordBatch {
	t.Helper()
	schema, err := batch.Schema(tb.Columns)
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := range n {
		b.Field(0).(*array.Int64Builder).Append(int64(from + i))
		b.Field(1).(*array.StringBuilder).Append(fmt.Sprintf("note %d", from+i))
	}
	rec := b.NewRecordBatch()
	t.Cleanup(rec.Release)
	return rec
}

// begunRows is how many rows begun writes.
const begunRows = 10

// begun starts a transaction that has claimed packages and written rows with the
// ids from, from+1, ...
func begun(t testing.TB, s providers.Session, tb *catalog.Table, from int, ids ...string) (providers.Tx, []ledger.Loaded) {
	t.Helper()
	tx, err := s.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tx.Rollback(context.Background()); err != nil && providers.KindOf(err) != providers.Fenced {
			t.Errorf("rollback: %v", err)
		}
	})
	var claimed []ledger.Loaded
	for _, id := range ids {
		claimed = append(claimed, pack(tb.Name, id))
	}
	if in, err := tx.Claim(t.Context(), claimed); err != nil || len(in) != 0 {
		t.Fatalf("claim: %v, %v", in, err)
	}
	w, err := tx.Writer(t.Context(), tb, catalog.WholeTable())
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, w)
	if err := w.Write(t.Context(), rows(t, tb, from, begunRows)); err != nil {
		t.Fatal(err)
	}
	if got, err := w.Finish(t.Context()); err != nil || got != begunRows {
		t.Fatalf("finish: %d rows, %v", got, err)
	}
	for i := range claimed {
		claimed[i].Rows = begunRows
	}
	return tx, claimed
}

func loadedIDs(t testing.TB, db providers.Target) (ids []string) {
	t.Helper()
	c, err := db.Ledger(t.Context(), migration)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range c.Loaded {
		ids = append(ids, l.ID)
	}
	return ids
}

func wantLoaded(t testing.TB, db providers.Target, want ...string) {
	t.Helper()
	if got := loadedIDs(t, db); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the ledger says %v are in, want %v", got, want)
	}
}

func (b *bench) wantCount(t testing.TB, table string, want int) {
	t.Helper()
	b.wantQuery(t, "SELECT count(*) FROM "+b.Quote(table), fmt.Sprint(want))
}

// ready makes a plain table under a session.
func ready(t *testing.T, h Harness) (*bench, providers.Target, providers.Session, *catalog.Table) {
	t.Helper()
	b := newBench(t, h)
	db := b.target(t)
	s := lock(t, db, "a")
	tb := plain(h, "t")
	alter(t, s, providers.CreateTable{Table: tb})
	return b, db, s, tb
}

func targetRowsAndLedgerTogether(t *testing.T, h Harness) {
	// Invariant 3: the rows and the ledger rows of a bundle become visible together, when the commit returns.
	b, db, s, tb := ready(t, h)
	tx, claimed := begun(t, s, tb, 0, "t/0002", "t/0001")
	b.wantCount(t, "t", 0)
	wantLoaded(t, db)
	if err := tx.Commit(t.Context(), claimed); err != nil {
		t.Fatal(err)
	}
	b.wantCount(t, "t", 10)
	wantLoaded(t, db, "t/0001", "t/0002")
	c, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := claimed[1]
	if got := c.Loaded[0]; got != want {
		t.Errorf("loaded row is\n%+v, want\n%+v", got, want)
	}
}

func targetAbortLeavesNothing(t *testing.T, h Harness) {
	// Invariant 1: a package whose transaction ends without a commit is not in.
	b, db, s, tb := ready(t, h)
	tx, _ := begun(t, s, tb, 0, "t/0001")
	for range 2 {
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	b.wantCount(t, "t", 0)
	wantLoaded(t, db)
	tx, _ = begun(t, s, tb, 0, "t/0001")
	if err := tx.Commit(t.Context(), nil); err == nil {
		t.Error("a claimed package that is not filled in commits")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantLoaded(t, db)

	tx, err := s.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if w, err := tx.Writer(t.Context(), tb, catalog.WholeTable()); err == nil {
		t.Error("a transaction without a claim writes")
		closed(t, w)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}

	tx, claimed := begun(t, s, tb, 0, "t/0001")
	w, err := tx.Writer(t.Context(), tb, catalog.WholeTable())
	if err == nil {
		err = w.Write(t.Context(), rows(t, tb, 5, 10)) // ids that are there already
		if err == nil {
			_, err = w.Finish(t.Context())
		}
		closed(t, w)
	}
	if h.Driver.Limits.InlineKeys {
		wantKind(t, err, providers.Constraint)
	} else if err == nil {
		err = tx.Rollback(t.Context())
	}
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context(), claimed); err == nil {
		t.Error("a transaction that was rolled back commits")
	}
	b.wantCount(t, "t", 0)
	wantLoaded(t, db)
}

func targetClaimTwice(t *testing.T, h Harness) {
	// Invariant 3: what was in already is not loaded again, and another generation does not count.
	b, db, s, tb := ready(t, h)
	tx, claimed := begun(t, s, tb, 0, "t/0001")
	if err := tx.Commit(t.Context(), claimed); err != nil {
		t.Fatal(err)
	}
	tx, err := s.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	in, err := tx.Claim(t.Context(), []ledger.Loaded{pack(tb.Name, "t/0002"), pack(tb.Name, "t/0001")})
	if err != nil || fmt.Sprint(in) != "[t/0001]" {
		t.Errorf("claimed again: %v, %v", in, err)
	}
	second := pack(tb.Name, "t/0002")
	if err := tx.Commit(t.Context(), []ledger.Loaded{second}); err != nil {
		t.Errorf("commit what was not in: %v", err)
	}
	wantLoaded(t, db, "t/0001", "t/0002")
	tx, err = s.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := pack(tb.Name, "t/0001")
	other.Generation = "g2"
	_, err = tx.Claim(t.Context(), []ledger.Loaded{other})
	wantKind(t, err, providers.Constraint)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.wantCount(t, "t", 10)
}

func targetCommitTwice(t *testing.T, h Harness) {
	b, db, s, tb := ready(t, h)
	tx, claimed := begun(t, s, tb, 0, "t/0001")
	if err := tx.Commit(t.Context(), claimed); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context(), claimed); err == nil {
		t.Error("a transaction commits twice")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Errorf("rollback after a commit: %v", err)
	}
	b.wantCount(t, "t", 10)
	wantLoaded(t, db, "t/0001")
}

func targetReload(t *testing.T, h Harness) {
	// Invariant 5: a reload empties the table and forgets its packages, and nobody else's.
	b, db, s, tb := ready(t, h)
	other := plain(h, "u")
	alter(t, s, providers.CreateTable{Table: other})
	record(t, s, ledger.Change{Tables: []ledger.Table{{Migration: migration, Source: tb.Name, Target: tb.Name, State: ledger.Complete},
		{Migration: migration, Source: other.Name, Target: other.Name, State: ledger.Complete}}})
	for _, x := range []*catalog.Table{tb, other} {
		tx, claimed := begun(t, s, x, 0, x.Name.Name+"/0001")
		if err := tx.Commit(t.Context(), claimed); err != nil {
			t.Fatal(err)
		}
	}
	absent := plain(h, "absent")
	err := s.Reload(t.Context(), []providers.ReloadTable{{Source: tb.Name, Target: tb}, {Source: absent.Name, Target: absent}})
	if err != nil {
		t.Fatal(err)
	}
	b.wantCount(t, "t", 0)
	b.wantCount(t, "u", 10)
	wantLoaded(t, db, "u/0001")
	c, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range c.Tables {
		if want := map[string]ledger.State{"t": ledger.Empty, "u": ledger.Complete}[x.Source.Name]; x.State != want {
			t.Errorf("table %s is %q, want %q", x.Source, x.State, want)
		}
	}
	tx, claimed := begun(t, s, tb, 0, "t/0001")
	if err := tx.Commit(t.Context(), claimed); err != nil {
		t.Fatal(err)
	}
	b.wantCount(t, "t", 10)
}

func targetCancel(t *testing.T, h Harness) {
	b, db, s, tb := ready(t, h)
	tx, claimed := begun(t, s, tb, 0, "t/0001")
	w, err := tx.Writer(t.Context(), tb, catalog.WholeTable())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = w.Write(ctx, rows(t, tb, 100, 10_000))
	if err == nil {
		_, err = w.Finish(ctx)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("write under a cancelled context: %v", err)
	}
	closed(t, w)
	if err := tx.Commit(ctx, claimed); err == nil {
		t.Error("commit under a cancelled context")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.wantCount(t, "t", 0)
	wantLoaded(t, db)
	tx, claimed = begun(t, s, tb, 0, "t/0001") // the session continues
	if err := tx.Commit(t.Context(), claimed); err != nil {
		t.Fatal(err)
	}
	b.wantCount(t, "t", 10)
}
