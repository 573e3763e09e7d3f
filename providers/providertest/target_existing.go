package providertest

import (
	"slices"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// over is an index of one column.
func over(name, column string) catalog.Index {
	return catalog.Index{Name: name, Columns: []catalog.IndexColumn{{Name: column}}}
}

// columnsOf lists the columns of a table's indexes and keys, those of each joined, sorted.
func columnsOf(t *catalog.Table) []string {
	var out []string
	for _, x := range t.Indexes {
		var names []string
		for _, c := range x.Columns {
			names = append(names, c.Name)
		}
		out = append(out, strings.Join(names, ","))
	}
	for _, k := range t.Uniques {
		out = append(out, strings.Join(k.Columns, ","))
	}
	slices.Sort(out)
	return out
}

// targetExistsByDefinition asks for what is there under another name, and for what is not
// there though its name is: nothing is taken for done that is something else.
func targetExistsByDefinition(t *testing.T, h Harness) {
	// Done: names: an index of another table or definition under the wanted name is an error that names both
	b := newBench(t, h)
	db := b.target(t)
	s := lock(t, db, "a")
	one, two := plain(h, "one"), plain(h, "two")
	alter(t, s, providers.CreateTable{Table: one}, providers.CreateTable{Table: two})
	b.exec(t, "CREATE INDEX elsewhere ON two (note)")
	b.exec(t, "CREATE INDEX same_table ON one (note, id)")
	b.exec(t, "CREATE INDEX other_name ON one (note)")

	err := s.Alter(t.Context(), []providers.DDL{providers.CreateIndex{Table: one, Index: over("same_table", "id")}})
	wantKind(t, err, providers.Exists)
	if err != nil && (!strings.Contains(err.Error(), "same_table") || !strings.Contains(err.Error(), "one")) {
		t.Errorf("the error names no index or no table: %v", err)
	}
	// Where tables have names of indexes to themselves, it is made; else it is refused.
	if err := s.Alter(t.Context(), []providers.DDL{providers.CreateIndex{Table: one, Index: over("elsewhere", "id")}}); err == nil {
		if got := columnsOf(b.table(t, db, "one")); !slices.Contains(got, "id") {
			t.Errorf("made, and the table has indexes over %v", got)
		}
	} else if wantKind(t, err, providers.Exists); !strings.Contains(err.Error(), "elsewhere") || !strings.Contains(err.Error(), "two") {
		t.Errorf("the error does not name both: %v", err)
	}
	before := columnsOf(b.table(t, db, "one"))
	wanted := *one
	wanted.Indexes = []catalog.Index{over("wanted_name", "note")}
	alter(t, s, providers.CreateIndex{Table: &wanted, Index: wanted.Indexes[0]})
	if got := columnsOf(b.table(t, db, "one")); !slices.Equal(got, before) {
		t.Errorf("an index that was there under another name is made again: %v, before %v", got, before)
	}
	// Two alike are two, and stay two.
	wanted.Indexes = append(wanted.Indexes, over("twin", "note"))
	for range 2 {
		alter(t, s, providers.CreateIndex{Table: &wanted, Index: wanted.Indexes[0]}, providers.CreateIndex{Table: &wanted, Index: wanted.Indexes[1]})
	}
	twins := slices.DeleteFunc(columnsOf(b.table(t, db, "one")), func(c string) bool { return c != "note" })
	if len(twins) != 2 {
		t.Errorf("%d indexes over note where two are wanted", len(twins))
	}
}

// targetKeysExistByDefinition does the same with keys that are unique indexes and unique constraints.
func targetKeysExistByDefinition(t *testing.T, h Harness) {
	// Done: names: a unique key whose name somebody else's index has is never taken for made
	b := newBench(t, h)
	db := b.target(t)
	s := lock(t, db, "a")
	one, two := plain(h, "one"), plain(h, "two")
	alter(t, s, providers.CreateTable{Table: one}, providers.CreateTable{Table: two})
	b.exec(t, "CREATE INDEX busy ON two (note)")
	b.exec(t, "CREATE INDEX mine ON one (note, id)")
	for _, name := range []string{"busy", "mine"} {
		k := catalog.Key{Name: name, Columns: []string{"note"}, Index: true}
		err := s.Alter(t.Context(), []providers.DDL{providers.AddKey{Table: one, Key: k}})
		if err == nil {
			found := b.table(t, db, "one")
			if (catalog.Comparison{}).FindKey(one, found, catalog.Key{Columns: []string{"note"}}) == nil {
				t.Fatalf("key %s was taken for made: the table has %+v", name, found)
			}
			return
		}
		wantKind(t, err, providers.Exists)
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the error names no %s: %v", name, err)
		}
	}
	b.exec(t, "CREATE UNIQUE INDEX theirs ON one (note)")
	before := columnsOf(b.table(t, db, "one"))
	alter(t, s, providers.AddKey{Table: one, Key: catalog.Key{Name: "ours", Columns: []string{"note"}, Index: true}})
	if got := columnsOf(b.table(t, db, "one")); !slices.Equal(got, before) {
		t.Errorf("a unique index that was there is made again: %v, before %v", got, before)
	}
}

// targetForeignKeysExistByDefinition asks for a reference under the name of another one.
func targetForeignKeysExistByDefinition(t *testing.T, h Harness) {
	// Done: names: a foreign key to another table under the wanted name is an error
	b := newBench(t, h)
	db := b.target(t)
	if db.Limits().InlineKeys {
		return // they are made with their table, which is compared as a whole
	}
	s := lock(t, db, "a")
	child, p, q := plain(h, "child"), plain(h, "p"), plain(h, "q")
	to := func(parent *catalog.Table, name string) catalog.ForeignKey {
		return catalog.ForeignKey{Name: name, Columns: []string{"id"}, Table: parent.Name, References: []string{"id"}}
	}
	for _, x := range []*catalog.Table{child, p, q} {
		alter(t, s, providers.CreateTable{Table: x})
		finished(t, s, x)
	}
	alter(t, s, providers.AddForeignKey{Table: child, ForeignKey: to(p, "child_parent")})
	wantKind(t, s.Alter(t.Context(), []providers.DDL{providers.AddForeignKey{Table: child, ForeignKey: to(q, "child_parent")}}), providers.Exists)
	alter(t, s, providers.AddForeignKey{Table: child, ForeignKey: to(p, "other_name")})
	if got := b.table(t, db, "child").ForeignKeys; len(got) != 1 || got[0].Table != p.Name {
		t.Errorf("foreign keys %+v", got)
	}
}

// targetSequencesExistByDefinition asks for a sequence that counts the other way.
func targetSequencesExistByDefinition(t *testing.T, h Harness) {
	// Done: names: a sequence with another increment, bound or cycle is not the wanted one
	b := newBench(t, h)
	s := lock(t, b.target(t), "a")
	q := catalog.Sequence{Name: b.name("counter"), Increment: 1, Start: 1, Min: 1, Max: 1000}
	if err := s.Alter(t.Context(), []providers.DDL{providers.CreateSequence{Sequence: q}}); providers.KindOf(err) == providers.Unsupported {
		return
	} else if err != nil {
		t.Fatal(err)
	}
	alter(t, s, providers.CreateSequence{Sequence: q})
	for what, change := range map[string]func(*catalog.Sequence){
		"increment": func(q *catalog.Sequence) { q.Increment = 2 },
		"bounds":    func(q *catalog.Sequence) { q.Max = 999 }, "cycle": func(q *catalog.Sequence) { q.Cycle = true },
	} {
		other := q
		change(&other)
		if err := s.Alter(t.Context(), []providers.DDL{providers.CreateSequence{Sequence: other}}); providers.KindOf(err) != providers.Exists {
			t.Errorf("another %s: %v", what, err)
		}
	}
}

// targetAllNamesKnown asks the catalog and the driver for every name of a schema.
func targetAllNamesKnown(t *testing.T, h Harness) {
	// Done: names: the names of tables, indexes and views that a target has are all known to the plan
	if h.Driver.Names == nil {
		return
	}
	b := newBench(t, h)
	db := b.target(t)
	s := lock(t, db, "a")
	one := plain(h, "one")
	one.Indexes = []catalog.Index{over("one_note", "note")}
	alter(t, s, providers.CreateTable{Table: one}, providers.CreateIndex{Table: one, Index: one.Indexes[0]})
	b.exec(t, "CREATE VIEW seen AS SELECT id FROM one")
	c, err := db.Catalog(t.Context(), providers.Selector{Names: true})
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string][]string) // spaces by name
	for _, x := range c.Tables {
		for _, n := range h.Driver.Names(x) {
			got[n.Name.Name] = append(got[n.Name.Name], n.Spaces...)
		}
	}
	for _, n := range c.Names {
		if got[n.Name.Name] != nil {
			t.Errorf("%s is listed beside the tables that have the name", n)
		}
		got[n.Name.Name] = n.Spaces
	}
	var wanted []catalog.Named
	for _, n := range h.Driver.Names(one) {
		if n.Name.Name != "" && n.Kind != catalog.NamedKey {
			wanted = append(wanted, n)
		}
	}
	view := wanted[0]
	view.Name.Name = "seen"
	for _, n := range append(wanted, view) {
		if len(got[n.Name.Name]) == 0 || !slices.Contains(n.Spaces, got[n.Name.Name][0]) {
			t.Errorf("%s is of %v, found in %v", n, n.Spaces, got[n.Name.Name])
		}
	}
}
