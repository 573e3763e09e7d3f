package hana_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

func TestClaimWaitsForConcurrentClaim(t *testing.T) {
	// Invariant 3: a package that somebody else has claimed is waited for: it is in then, or free.
	for _, ends := range []string{"commit", "rollback"} {
		t.Run(ends, func(t *testing.T) {
			_, _, s, _ := ready(t, catalog.Type{Kind: catalog.String, Length: 10})
			first, err := s.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer first.Rollback(context.Background())
			if _, err := first.Claim(t.Context(), []ledger.Loaded{pack("t/0001", 0)}); err != nil {
				t.Fatal(err)
			}
			type result struct {
				in  []string
				err error
			}
			done := make(chan result, 1)
			second, err := s.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer second.Rollback(context.Background())
			go func() {
				in, err := second.Claim(t.Context(), []ledger.Loaded{pack("t/0002", 0), pack("t/0001", 0)})
				done <- result{in, err}
			}()
			select {
			case r := <-done:
				t.Fatalf("the second claim does not wait: %v, %v", r.in, r.err)
			case <-time.After(300 * time.Millisecond):
			}
			want := []string(nil)
			if ends == "commit" {
				err = first.Commit(t.Context(), []ledger.Loaded{pack("t/0001", 0)})
				want = []string{"t/0001"}
			} else {
				err = first.Rollback(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			r := <-done
			if r.err != nil || !slices.Equal(r.in, want) {
				t.Errorf("after the %s the second finds %v in, %v", ends, r.in, r.err)
			}
		})
	}
}

func TestConcurrentRunStart(t *testing.T) {
	// Failure scenario: several applies start at the same moment on a target without a ledger: one has it, the others are told who.
	b := newBed(t)
	const runs = 4
	var mu sync.Mutex
	var held []providers.Session
	var group sync.WaitGroup
	for i := range runs {
		db := b.target(t)
		group.Go(func() {
			s, err := db.Lock(t.Context(), ledger.Run{Migration: "m", Token: fmt.Sprint(i), Owner: ledger.Owner{ID: fmt.Sprint(i)}}, nil)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				held = append(held, s)
			} else if providers.KindOf(err) != providers.Locked {
				t.Errorf("run %d: %v", i, err)
			}
		})
	}
	group.Wait()
	if len(held) != 1 {
		t.Errorf("%d of %d runs have the lock", len(held), runs)
	}
	for _, s := range held {
		if _, err := s.Read(t.Context()); err != nil {
			t.Error(err)
		}
		s.Close()
	}
}

// numbered loads rows with the ids 0, 1, ... by as many batches as it takes.
func numbered(t *testing.T, s providers.Session, tb *catalog.Table, rows int) {
	t.Helper()
	of, err := batch.Schema(tb.Columns)
	if err != nil {
		t.Fatal(err)
	}
	var batches []arrow.RecordBatch
	for start := 0; start < rows; start += batch.Rows {
		b := array.NewRecordBuilder(memory.DefaultAllocator, of)
		for i := start; i < min(start+batch.Rows, rows); i++ {
			b.Field(0).(*array.Int64Builder).Append(int64(i))
			b.Field(1).(*array.StringBuilder).Append("v")
		}
		batches = append(batches, b.NewRecordBatch())
		b.Release()
	}
	mustLoad(t, s, tb, "t/"+fmt.Sprint(rows), batches...)
}

func TestLargeTableSplit(t *testing.T) {
	for name, partition := range map[string][]schema.Values{
		"by sample":    nil,
		"by partition": {{"tables": []string{"t"}, "by": "hash", "parts": int64(5)}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			v := b.Values()
			v["partition"] = partition
			db, err := open(v)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			s := b.lock(t, db, "a")
			tb := mapped(t, catalog.Type{Kind: catalog.String, Length: 10})
			made(t, s, tb)
			const rows = 120_000
			numbered(t, s, tb, rows)
			ranges, reason, err := db.Split(t.Context(), tb, catalog.SplitSpec{By: "auto", Parts: 5})
			if err != nil || len(ranges) != 5 {
				t.Fatalf("%d ranges, %s, %v", len(ranges), reason, err)
			}
			snap, err := db.Snapshot(t.Context(), providers.SnapshotOptions{Readers: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer snap.Close()
			view, err := snap.Begin(t.Context(), []*catalog.Table{tb})
			if err != nil {
				t.Fatal(err)
			}
			defer view.Close()
			seen := make([]bool, rows)
			for _, r := range ranges {
				part := 0
				readRange(t, view, tb, r, func(rec arrow.RecordBatch) {
					for i := range int(rec.NumRows()) {
						id := rec.Column(0).(*array.Int64).Value(i)
						if seen[id] {
							t.Fatalf("row %d is in two ranges", id)
						}
						seen[id] = true
						part++
					}
				})
				if part < rows/20 || part > rows/2 {
					t.Errorf("a range of 5 holds %d of %d rows", part, rows)
				}
			}
			if i := slices.Index(seen, false); i >= 0 {
				t.Errorf("row %d is in no range", i)
			}
		})
	}
}

func readRange(t *testing.T, view providers.View, tb *catalog.Table, r catalog.Range, each func(arrow.RecordBatch)) {
	t.Helper()
	rd, err := view.Read(t.Context(), tb, r, providers.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := rd.Close(); err != nil {
			t.Error(err)
		}
	}()
	drain(t, rd, each)
}
