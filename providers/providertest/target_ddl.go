package providertest

import (
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// finished makes keys, indexes and foreign keys as the finalize phase does.
func finished(t testing.TB, s providers.Session, tb *catalog.Table) {
	t.Helper()
	var ddl []providers.DDL
	if tb.Key != nil {
		ddl = append(ddl, providers.AddKey{Table: tb, Key: *tb.Key})
	}
	for _, k := range tb.Uniques {
		ddl = append(ddl, providers.AddKey{Table: tb, Key: k})
	}
	for _, x := range tb.Indexes {
		ddl = append(ddl, providers.CreateIndex{Table: tb, Index: x})
	}
	alter(t, s, ddl...)
}

// targetStructures carries keys, indexes, checks, defaults and foreign keys between two databases
// of one engine, twice, and compares what the catalog says of both.
func targetStructures(t *testing.T, h Harness) {
	from, onto := newBench(t, h), newBench(t, h)
	from.exec(t, "CREATE TABLE parent (a "+h.BigInt+" NOT NULL, b "+h.Varchar+" NOT NULL, PRIMARY KEY (b, a))")
	from.exec(t, "CREATE TABLE child (id "+h.BigInt+" NOT NULL PRIMARY KEY, a "+h.BigInt+" DEFAULT 42, b "+h.Varchar+" DEFAULT 'it''s', code "+h.Varchar+
		" NOT NULL UNIQUE, FOREIGN KEY (b, a) REFERENCES parent (b, a) ON DELETE CASCADE, CHECK (a > 0))")
	from.exec(t, "CREATE INDEX child_ab ON child (a, b DESC)")
	from.exec(t, "CREATE TABLE nokey (code "+h.Varchar+" NOT NULL, note "+h.Varchar+")")
	from.exec(t, "CREATE UNIQUE INDEX nokey_code ON nokey (code)")
	src, dst := from.source(t), onto.target(t)
	c, err := src.Catalog(t.Context(), providers.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	s := lock(t, dst, "a")
	names := make(map[catalog.Name]catalog.Name)
	for _, tb := range c.Tables {
		names[tb.Name] = tb.Name
	}
	var mapped []*catalog.Table
	for _, tb := range c.Tables {
		m := h.Driver.MapTable(tb, providers.MapOptions{Engine: h.Driver.Type, To: tb.Name, Names: names})
		if len(m.Refusals)+len(m.Conversions) > 0 {
			t.Errorf("%s: refused %+v, lost %+v", tb.Name, m.Refusals, m.Conversions)
		}
		mapped = append(mapped, m.Table)
	}
	for range 2 {
		for _, tb := range mapped {
			alter(t, s, providers.CreateTable{Table: tb})
		}
		for _, tb := range mapped {
			finished(t, s, tb)
		}
		for _, tb := range mapped {
			for _, f := range tb.ForeignKeys {
				alter(t, s, providers.AddForeignKey{Table: tb, ForeignKey: f})
			}
		}
	}
	got, err := dst.Catalog(t.Context(), providers.Selector{})
	if err != nil || len(got.Tables) != len(c.Tables) {
		t.Fatalf("%d tables, %v", len(got.Tables), err)
	}
	for i, tb := range got.Tables {
		if tb.StructureDigest() != c.Tables[i].StructureDigest() {
			t.Errorf("the target has\n%+v, the source\n%+v", tb, c.Tables[i])
		}
	}
	other := *mapped[0]
	other.Columns = append([]catalog.Column(nil), other.Columns[1:]...)
	other.Definition = ""
	wantKind(t, s.Alter(t.Context(), []providers.DDL{providers.CreateTable{Table: &other}}), providers.Exists)
}

// targetRecordsWhatItMakes makes tables together with the ledger rows that say so: both are
// there, or neither. A table of somebody else's is neither taken over nor recorded.
func targetRecordsWhatItMakes(t *testing.T, h Harness) {
	// Done: left: a table that somebody makes meanwhile is never taken for dmoctl's.
	b := newBench(t, h)
	db := b.target(t)
	s := lock(t, db, "a")
	ours, theirs := plain(h, "ours"), plain(h, "theirs")
	alter(t, s, providers.CreateTable{Table: theirs})
	row := func(tb *catalog.Table) ledger.Table {
		return ledger.Table{Migration: migration, Source: tb.Name, Target: tb.Name, State: ledger.Made, Created: true}
	}
	made := func(tb *catalog.Table) []providers.DDL {
		return []providers.DDL{providers.CreateTable{Table: tb, New: true},
			providers.Record{Change: ledger.Change{Tables: []ledger.Table{row(tb)}}}}
	}
	wantKind(t, s.Alter(t.Context(), made(theirs)), providers.Exists)
	if c, err := s.Read(t.Context()); err != nil || len(c.Tables) != 0 {
		t.Errorf("the ledger says %+v, %v of a table that was there", c.Tables, err)
	}
	alter(t, s, made(ours)...)
	if c, err := s.Read(t.Context()); err != nil || len(c.Tables) != 1 || c.Tables[0] != row(ours) {
		t.Errorf("the ledger says %+v, %v", c.Tables, err)
	}
	gone := row(ours)
	gone.State, gone.Created = ledger.Planned, false
	alter(t, s, providers.DropTable{Table: ours.Name}, providers.Record{Change: ledger.Change{Tables: []ledger.Table{gone}}})
	if c, err := s.Read(t.Context()); err != nil || len(c.Tables) != 1 || c.Tables[0] != gone {
		t.Errorf("after the drop the ledger says %+v, %v", c.Tables, err)
	}
}

// targetKeysChecked breaks a key and a foreign key.
func targetKeysChecked(t *testing.T, h Harness) {
	b := newBench(t, h)
	db := b.target(t)
	s := lock(t, db, "a")
	parent, child := plain(h, "parent"), plain(h, "child")
	parent.Uniques = []catalog.Key{{Name: "parent_note", Columns: []string{"note"}}}
	f := catalog.ForeignKey{Name: "child_parent", Columns: []string{"note"}, Table: parent.Name, References: []string{"note"}}
	child.ForeignKeys = []catalog.ForeignKey{f}
	alter(t, s, providers.CreateTable{Table: parent}, providers.CreateTable{Table: child})
	for _, x := range []struct {
		tb   *catalog.Table
		from int
	}{{parent, 0}, {child, 5}} {
		tx, claimed := begun(t, s, x.tb, x.from, x.tb.Name.Name+"/0001")
		if err := tx.Commit(t.Context(), claimed); err != nil {
			t.Fatal(err)
		}
	}
	finished(t, s, parent)
	finished(t, s, child)
	err := s.Alter(t.Context(), []providers.DDL{providers.AddForeignKey{Table: child, ForeignKey: f}})
	wantKind(t, err, providers.Constraint)
	if err != nil && !strings.Contains(err.Error(), "1") {
		t.Errorf("the error names no row: %v", err)
	}
	b.exec(t, "DELETE FROM child WHERE id > 9")
	alter(t, s, providers.AddForeignKey{Table: child, ForeignKey: f}, providers.AddForeignKey{Table: child, ForeignKey: f})
}

// targetSequencesOnlyRise moves the counter of a column that numbers itself.
func targetSequencesOnlyRise(t *testing.T, h Harness) {
	b := newBench(t, h)
	db := b.target(t)
	s := lock(t, db, "a")
	src := &catalog.Table{Name: b.name("t"), Key: &catalog.Key{Columns: []string{"id"}, Primary: true}, Columns: []catalog.Column{
		{Name: "id", Type: catalog.Type{Kind: catalog.Int64}, Declared: "bigint", Identity: catalog.IdentityDefault,
			Sequence: &catalog.Sequence{Increment: 1, Start: 1, Min: 1, Max: 1<<63 - 1, Last: 100, Called: true}},
		{Name: "note", Type: catalog.Type{Kind: catalog.String, Length: 40}, Nullable: true},
	}}
	tb := h.Driver.MapTable(src, providers.MapOptions{Engine: "other", To: src.Name}).Table
	alter(t, s, providers.CreateTable{Table: tb})
	finished(t, s, tb)
	raise := func(last int64) {
		seq := *src.Columns[0].Sequence
		seq.Last = last
		alter(t, s, providers.RaiseSequence{Table: tb, Column: "id", Sequence: seq})
	}
	next := func() string {
		b.exec(t, "INSERT INTO t (note) VALUES ('n')")
		return b.query(t, "SELECT max(id) FROM t")
	}
	raise(100)
	if got := next(); got != "101" {
		t.Errorf("after 100 comes %s", got)
	}
	raise(50)
	if got := next(); got != "102" {
		t.Errorf("after lowering comes %s", got)
	}
	raise(1_000_000_000_000)
	if got := next(); got != "1000000000001" {
		t.Errorf("after raising comes %s", got)
	}
	b.exec(t, "INSERT INTO t (id, note) VALUES (1000000000500, 'n')") // as a load does: no number was drawn
	raise(1_000_000_000_500)
	if got := next(); got != "1000000000501" {
		t.Errorf("after a row that came with its number comes %s", got)
	}
	found := b.table(t, db, "t")
	if q := found.Column("id").Sequence; q == nil || !q.Called || q.Last != 1_000_000_000_501 {
		t.Errorf("the catalog says %+v", q)
	}
}
