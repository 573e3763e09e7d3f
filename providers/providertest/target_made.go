package providertest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// made returns what the ledger says that dmoctl made, by kind and name.
func made(t testing.TB, s providers.Session) map[string]ledger.Object {
	t.Helper()
	c, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]ledger.Object)
	for _, o := range c.Made {
		if o.Migration != migration {
			t.Errorf("%+v is another migration's", o)
		}
		out[o.Kind+" "+o.Name.Name] = o
	}
	return out
}

// targetKnowsOwnTables makes tables, finds others, and drops what it made.
func targetKnowsOwnTables(t *testing.T, h Harness) {
	// Done: undo: the ledger says what a CREATE of dmoctl's made, and of nothing else; only that is dropped, while it is still that
	b := newBench(t, h)
	db := b.target(t)
	ours, theirs, second := plain(h, "ours"), plain(h, "theirs"), plain(h, "second")
	s := lock(t, db, "a")
	alter(t, s, providers.CreateTable{Table: theirs})
	shape := made(t, s)["table theirs"]
	alter(t, s, providers.DropTable{Table: theirs.Name})
	if got := made(t, s); len(got) != 0 {
		t.Errorf("a table that was dropped is still %+v", got)
	}
	b.exec(t, "CREATE TABLE "+h.Quote("theirs")+" (id "+h.BigInt+" NOT NULL PRIMARY KEY, note "+h.Varchar+")")
	for range 2 {
		alter(t, s, providers.CreateTable{Table: ours}, providers.CreateTable{Table: second})
	}
	all := made(t, s)
	if all["table ours"].ID == "" || all["table second"].ID == "" || len(all) != 2 {
		t.Fatalf("made is %+v", all)
	}
	wantKind(t, s.Alter(t.Context(), []providers.DDL{providers.Drop{Object: shape}}), providers.Exists)
	b.exec(t, "DROP TABLE "+h.Quote("second"))
	b.exec(t, "CREATE TABLE "+h.Quote("second")+" (id "+h.BigInt+" NOT NULL PRIMARY KEY, other "+h.BigInt+")")
	wantKind(t, s.Alter(t.Context(), []providers.DDL{providers.Drop{Object: all["table second"]}}), providers.Exists)
	b.wantCount(t, "second", 0)
	for range 2 { // one that is gone is not an error
		alter(t, s, providers.Drop{Object: all["table ours"]})
	}
	if got := made(t, s); len(got) != 1 || got["table second"] != all["table second"] {
		t.Errorf("made is %+v", got)
	}
}

// targetDropsOwnTablesOnly lets others hang something on tables that are to be dropped.
func targetDropsOwnTablesOnly(t *testing.T, h Harness) {
	// Done: undo: what others hung on a table that is to be dropped keeps it, by name, and nothing goes with it
	b := newBench(t, h)
	db := b.target(t)
	s := lock(t, db, "a")
	parent, child := plain(h, "parent"), plain(h, "child")
	alter(t, s, providers.CreateTable{Table: parent}, providers.CreateTable{Table: child})
	finished(t, s, parent)
	finished(t, s, child)
	b.exec(t, "CREATE TABLE "+h.Quote("guest")+" (ref "+h.BigInt+", FOREIGN KEY (ref) REFERENCES "+h.Quote("parent")+" ("+h.Quote("id")+"))")
	all := made(t, s)
	drop := []providers.DDL{providers.Drop{Object: all["table child"]}, providers.Drop{Object: all["table parent"]}}
	err := s.Alter(t.Context(), drop)
	wantKind(t, err, providers.InUse)
	b.wantCount(t, "parent", 0)
	b.exec(t, "DROP TABLE "+h.Quote("guest"))
	alter(t, s, drop...)
	if got := made(t, s); len(got) != 0 {
		t.Errorf("made is %+v", got)
	}
}

// targetDropsItsLedger removes the ledger with the last migration.
func targetDropsItsLedger(t *testing.T, h Harness) {
	// Done: undo: the ledger goes with the last migration that uses it, and a new one is made after that
	b := newBench(t, h)
	db := b.target(t)
	other := owned("b")
	other.Migration = "other"
	second, err := db.Lock(t.Context(), other, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	s := lock(t, db, "a")
	table := plain(h, "t")
	alter(t, s, providers.CreateTable{Table: table})
	record(t, s, ledger.Change{Tables: []ledger.Table{{Migration: migration, Source: table.Name, Target: table.Name, State: ledger.Made}},
		Packages: []ledger.Package{{Migration: migration, ID: "t/0001", Source: table.Name}}})
	alter(t, s, providers.Drop{Object: made(t, s)["table t"]}, providers.DropLedger{})
	if c, err := db.Ledger(t.Context(), migration); err != nil || !cmp.Equal(c, &ledger.Contents{}) {
		t.Errorf("after the rollback the ledger says %+v, %v", c, err)
	}
	if c, err := db.Ledger(t.Context(), "other"); err != nil || c.Run == nil || c.Run.Owner.ID != "b" {
		t.Errorf("another migration's ledger is %+v, %v", c, err)
	}
	if err := s.Close(); err != nil && !errors.As(err, new(*providers.Error)) {
		t.Error(err)
	}
	if second, err = db.Lock(t.Context(), other, nil); err != nil {
		t.Fatal(err)
	}
	alter(t, second, providers.DropLedger{})
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if c, err := db.Ledger(t.Context(), "other"); err != nil || c.Run != nil {
		t.Errorf("the ledger is still there: %+v, %v", c, err)
	}
	lock(t, db, "c")
}
