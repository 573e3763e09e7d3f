package providertest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

func record(t testing.TB, s providers.Session, c ledger.Change) {
	t.Helper()
	if err := s.Record(t.Context(), c); err != nil {
		t.Fatalf("record: %v", err)
	}
}

func targetLedgerRoundTrip(t *testing.T, h Harness) {
	// Invariant 1: the ledger keeps run, tables, planned and loaded packages as they were written.
	b := newBench(t, h)
	db := b.target(t)
	empty, err := db.Ledger(t.Context(), migration)
	if err != nil || empty == nil || empty.Run != nil {
		t.Fatalf("a target without a ledger says %+v, %v", empty, err)
	}
	s := lock(t, db, "a")
	name := func(n string) catalog.Name { return catalog.Name{Schema: "S/1", Name: n} }
	table := ledger.Table{Migration: migration, Source: name("t"), Target: b.name("t"), Structure: "sd", File: "f", Count: -1, Changes: "c",
		Snapshot: "s", State: ledger.Planned, Serial: 3, Created: true, Edition: 4}
	other := ledger.Table{Migration: migration, Source: name("u"), Target: b.name("u"), State: ledger.Made, Count: 7}
	cut := ledger.Package{Migration: migration, ID: "S/1.t/0001", Source: name("t"), Generation: "g", Range: catalog.Range{By: catalog.ByKey,
		Columns: []string{"a", "ä"}, Lower: []string{"i:1", "t:"}, Rows: 5, Bytes: -1, Partition: &catalog.Name{Schema: "x", Name: "y"}}}
	whole := ledger.Package{Migration: migration, ID: "S/1.u/0001", Source: name("u"), Generation: "g"}
	run := owned("a")
	run.Serial, run.Plan, run.Spec, run.Closed = 2, "next", "digest", true
	record(t, s, ledger.Change{Run: &run, Tables: []ledger.Table{table, other}, Packages: []ledger.Package{cut, whole}})
	want := &ledger.Contents{Run: &run, Tables: []ledger.Table{table, other}, Packages: []ledger.Package{cut, whole}}
	check := func(what string) {
		t.Helper()
		for _, read := range []func() (*ledger.Contents, error){
			func() (*ledger.Contents, error) { return s.Read(t.Context()) },
			func() (*ledger.Contents, error) { return db.Ledger(t.Context(), migration) },
		} {
			got, err := read()
			if err != nil {
				t.Fatal(err)
			}
			if got.Run != nil {
				got.Run.Sessions = nil // the provider's own business
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: -want +got\n%s", what, diff)
			}
		}
	}
	check("written")
	table.State, table.Count = ledger.Complete, 12
	record(t, s, ledger.Change{Tables: []ledger.Table{table}})
	want.Tables[0] = table
	check("replaced by key")
	again := cut
	again.ID = "S/1.t/0002"
	record(t, s, ledger.Change{RemovePackages: []catalog.Name{name("t")}, Packages: []ledger.Package{again}})
	want.Packages[0] = again
	check("packages removed, then written")
	record(t, s, ledger.Change{RemoveTables: []catalog.Name{name("u")}})
	want.Tables, want.Packages = want.Tables[:1], want.Packages[:1]
	check("table removed")
	if c, err := db.Ledger(t.Context(), "another"); err != nil || c.Run != nil || len(c.Tables) > 0 {
		t.Errorf("another migration's ledger: %+v, %v", c, err)
	}
	c, err := db.Catalog(t.Context(), providers.Selector{})
	if err != nil || len(c.Tables) != 0 {
		t.Errorf("the ledger's tables are listed among %d tables, %v", len(c.Tables), err)
	}
}

func targetLockKeepsRun(t *testing.T, h Harness) {
	// Invariant 2: a lock renews token and owner, and leaves what the run stands for.
	b := newBench(t, h)
	db := b.target(t)
	s, err := db.Lock(t.Context(), owned("a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	run := owned("a")
	run.Lineage, run.Serial, run.Plan, run.Spec, run.Closed = "l", 9, "p9", "d9", true
	record(t, s, ledger.Change{Run: &run})
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Record(t.Context(), ledger.Change{}); err == nil {
		t.Error("a closed session writes")
	}
	next := lock(t, db, "b")
	c, err := next.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := run
	want.Token, want.Owner = owned("b").Token, owned("b").Owner
	c.Run.Sessions = nil
	if diff := cmp.Diff(&want, c.Run); diff != "" {
		t.Errorf("the run after the second lock: -want +got\n%s", diff)
	}
}
