package planner

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// named takes names as an engine does in which tables, keys and indexes of a schema are one set,
// and references of a table another.
func named(t *catalog.Table) []catalog.Named {
	all := []string{"relations of " + t.Schema}
	out := []catalog.Named{{Kind: catalog.NamedTable, Name: t.Name, Table: t.Name, Spaces: all}}
	add := func(kind, name string, at int, spaces []string) {
		out = append(out, catalog.Named{Kind: kind, Name: catalog.Name{Schema: t.Schema, Name: name}, Table: t.Name, At: at, Spaces: spaces, Chosen: true})
	}
	for i, k := range catalog.KeysOf(t) {
		add(catalog.NamedKey, k.Name, i, all)
	}
	for i, x := range t.Indexes {
		add(catalog.NamedIndex, x.Name, i, all)
	}
	for i, f := range t.ForeignKeys {
		add(catalog.NamedForeignKey, f.Name, i, []string{"constraints of " + t.Name.String()})
	}
	return out
}

// namesOnly plans the names of the world and returns the mapped tables.
func (w *world) namesOnly() *Observation {
	o := &Observation{Source: w.source, Target: w.target, Limits: w.limits, Ledger: w.ledger}
	a, _ := assign(w.spec, o)
	for _, t := range a.tables {
		to := *t.source
		to.Name = t.target
		o.Mappings = append(o.Mappings, Mapping{Source: t.source.Name, Target: &to})
	}
	n := newNaming(w.spec, o, named)
	n.name()
	n.rename()
	return o
}

func on(columns ...string) []catalog.IndexColumn {
	var out []catalog.IndexColumn
	for _, c := range columns {
		out = append(out, catalog.IndexColumn{Name: c})
	}
	return out
}

func TestCollidingNamesMadeUnique(t *testing.T) {
	// Done: names: an index, a key and a table of one name: the table keeps it, the others get names that depend on what they are
	w := newWorld(table("A", 1), table("B", 1), table("A_pkey", 1))
	w.find("B").Indexes[0].Name = "A_name"
	w.find("A").ForeignKeys = []catalog.ForeignKey{{Name: "f", Columns: []string{"ID"}}, {Name: "f", Columns: []string{"NAME"}}}
	o := w.namesOnly()
	a, b, c := o.Mappings[0].Target, o.Mappings[2].Target, o.Mappings[1].Target
	if a.Key.Name == "A_pkey" || !strings.HasPrefix(a.Key.Name, "A_pkey_") || c.Name.Name != "A_pkey" {
		t.Errorf("the key is %s, the table %s", a.Key.Name, c.Name)
	}
	if a.Indexes[0].Name != "A_name" || !strings.HasPrefix(b.Indexes[0].Name, "A_name_") {
		t.Errorf("indexes %s and %s", a.Indexes[0].Name, b.Indexes[0].Name)
	}
	if a.ForeignKeys[0].Name != "f" || !strings.HasPrefix(a.ForeignKeys[1].Name, "f_") {
		t.Errorf("references %+v", a.ForeignKeys)
	}
	if w.find("A").Key.Name != "A_pkey" || w.find("B").Indexes[0].Name != "A_name" {
		t.Error("the source's tables were changed")
	}
}

func TestTakenTableNamesRefused(t *testing.T) {
	// Done: names: a table whose name somebody's view, index or sequence has is refused in the plan
	w := newWorld(table("A", 1), table("B", 1))
	w.occupy("ZOTHER")
	w.target.Tables[0].Indexes[0].Name = "B"
	w.target.Names = []catalog.Named{{Kind: "view", Name: catalog.Name{Schema: "S4", Name: "A"}, Spaces: []string{"relations of S4"}}}
	o := w.namesOnly()
	for i, want := range []string{"by the view S4.A on the target", "by the index S4.B of table S4.ZOTHER on the target"} {
		if got := o.Mappings[i].Refusals; len(got) != 1 || !strings.Contains(got[0].What, want) {
			t.Errorf("%+v does not say %q", got, want)
		}
	}
	w.spec.Target.Config["existing"] = "recreate"
	w.target.Tables[0].Name.Name = "A" // is dropped, and its index with it
	w.target.Names = nil
	if o := w.namesOnly(); len(o.Mappings[0].Refusals)+len(o.Mappings[1].Refusals) > 0 || o.Mappings[0].Target.Key.Name != "A_pkey" {
		t.Errorf("what is dropped is in the way: %+v", o.Mappings)
	}
}

func TestNamesFoldedAndTruncated(t *testing.T) {
	w := newWorld(table("ä", 1), table("B", 1))
	w.limits.IgnoreCase, w.limits.Identifier = true, 12
	w.find("ä").Indexes = []catalog.Index{{Name: "ääääää", Columns: on("ID")}, {Name: "b", Columns: on("NAME")}}
	w.find("B").Indexes = []catalog.Index{{Name: "ääääää", Columns: on("ID")}}
	o := w.namesOnly()
	b, a := o.Mappings[0].Target, o.Mappings[1].Target
	if b.Name.Name != "B" {
		a, b = b, a
	}
	other := a.Indexes[0].Name
	if other == "ääääää" {
		other = b.Indexes[0].Name
	}
	if !strings.HasPrefix(other, "ä_") || len(other) > 12 {
		t.Errorf("a name that does not fit is cut to %q", other)
	}
	if got := a.Indexes[1].Name; !strings.HasPrefix(got, "b_") {
		t.Errorf("the index b beside the table B is called %q", got)
	}
}

// drawnTables draws tables whose objects get into each other's way.
func drawnTables(r *rapid.T, names []string) []*catalog.Table {
	few := rapid.SampledFrom([]string{"A", "B", "A_B", "x", "X", "long_name_one", "long_name_two"})
	var out []*catalog.Table
	for _, n := range names {
		t := table(n, 1)
		t.Key.Name = few.Draw(r, "key")
		t.Indexes, t.Uniques = nil, nil
		for i := range rapid.IntRange(0, 3).Draw(r, "indexes") {
			x := catalog.Index{Name: few.Draw(r, "index"), Columns: on([]string{"NAME", "ID"}[i%2]), Unique: i > 1}
			t.Indexes = append(t.Indexes, x)
		}
		out = append(out, t)
	}
	return out
}

// drawnViews draws what somebody else has on the target.
func drawnViews(r *rapid.T) []catalog.Named {
	var out []catalog.Named
	for _, n := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"x", "A_B", "long_name_one", "view"}), 0, 3, rapid.ID).Draw(r, "views") {
		out = append(out, catalog.Named{Kind: "view", Name: catalog.Name{Schema: "S4", Name: n}, Spaces: []string{"relations of S4"}})
	}
	return out
}

// checkNames fails where two things of the plan, or one and somebody else's, have one name.
func checkNames(r *rapid.T, w *world, o *Observation) {
	seen := make(map[string]string)
	for _, u := range w.target.Names {
		seen[fold(u.Name, w.limits).String()] = u.String()
	}
	for _, m := range o.Mappings {
		if len(m.Refusals) > 0 {
			continue
		}
		for _, u := range named(m.Target) {
			at := fold(u.Name, w.limits).String()
			if other, taken := seen[at]; taken {
				r.Fatalf("%s has the name of %s", u, other)
			}
			seen[at] = u.String()
			if u.Chosen && len(u.Name.Name) > w.limits.Identifier {
				r.Fatalf("%s is too long", u)
			}
		}
	}
}

func TestChosenNamesStable(t *testing.T) {
	// Done: names: chosen names are unique, fit, depend on nothing but the plan and the target, and stay once made
	rapid.Check(t, func(r *rapid.T) {
		first := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"A", "B", "A_B", "C", "x_y"}), 1, 4, rapid.ID).Draw(r, "tables")
		w := newWorld(drawnTables(r, first)...)
		w.limits.IgnoreCase, w.limits.Identifier = rapid.Bool().Draw(r, "fold"), 13
		w.target.Names = drawnViews(r)
		before := w.namesOnly()
		checkNames(r, w, before)
		if again := w.namesOnly(); fmt.Sprint(describeNames(again)) != fmt.Sprint(describeNames(before)) {
			r.Fatalf("the same plan has other names:\n%v\n%v", describeNames(before), describeNames(again))
		}
		// A part of it is made, then the run is killed.
		w.ledger = &ledger.Contents{Run: &ledger.Run{Migration: "erp"}}
		made := make(map[string]string)
		for _, m := range before.Mappings {
			if !rapid.Bool().Draw(r, "made") {
				continue
			}
			t := *m.Target
			t.Indexes = slices.Clone(t.Indexes[:rapid.IntRange(0, len(t.Indexes)).Draw(r, "indexes made")])
			if rapid.Bool().Draw(r, "no key yet") {
				t.Key = nil
			}
			w.target.Tables = append(w.target.Tables, &t)
			w.ledger.Tables = append(w.ledger.Tables, ledger.Table{Migration: "erp", Source: m.Source, Target: t.Name, Created: true})
			for _, u := range named(&t) {
				made[u.Table.String()+" "+u.Kind+fmt.Sprint(u.At)] = u.Name.Name
			}
		}
		// Somebody adds a table to the source, and something of his own to the target.
		more := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"AA", "D", "x", "long_name_on"}), 0, 2, rapid.ID).Draw(r, "more tables")
		for _, t := range drawnTables(r, more) {
			w.add(t)
		}
		w.target.Names = slices.DeleteFunc(drawnViews(r), func(v catalog.Named) bool {
			return slices.ContainsFunc(w.target.Tables, func(t *catalog.Table) bool {
				return slices.ContainsFunc(named(t), func(u catalog.Named) bool { return fold(u.Name, w.limits) == fold(v.Name, w.limits) })
			})
		})
		after := w.namesOnly()
		checkNames(r, w, after)
		for _, m := range after.Mappings {
			for _, u := range named(m.Target) {
				if name, is := made[u.Table.String()+" "+u.Kind+fmt.Sprint(u.At)]; is && name != u.Name.Name {
					r.Fatalf("%s was made as %s", u, name)
				}
			}
		}
	})
}

func describeNames(o *Observation) (out []string) {
	for _, m := range o.Mappings {
		for _, u := range named(m.Target) {
			out = append(out, u.String())
		}
		out = append(out, fmt.Sprint(m.Refusals))
	}
	return out
}

func TestTypesAndSequencesCompared(t *testing.T) {
	// Done: names: an enum in another order and a sequence of somebody's column are refused in the plan
	w := newWorld(table("A", 1))
	w.target.Engine = w.source.Engine
	s4 := func(n string) catalog.Name { return catalog.Name{Schema: "S4", Name: n} }
	w.source.Sequences = []catalog.Sequence{{Name: erp("s"), Increment: 1, Min: 1, Max: 9}}
	o := &Observation{Source: w.source, Target: w.target, Limits: w.limits, Types: []catalog.UserType{{Name: s4("e"), Kind: "enum", Labels: []string{"a", "b"}}}}
	clashes := func() string {
		o.Clashes = nil
		newNaming(w.spec, o, named).name()
		var all []string
		for _, c := range o.Clashes {
			all = append(all, c.Wanted+" / "+c.There)
		}
		return strings.Join(all, "\n")
	}
	if got := clashes(); got != "" {
		t.Errorf("on an empty target: %s", got)
	}
	w.target.Types = []catalog.UserType{{Name: s4("e"), Kind: "enum", Labels: []string{"b", "a"}}}
	w.target.Sequences = []catalog.Sequence{{Name: s4("s"), Increment: -1, Min: 1, Max: 9}}
	if got := clashes(); !strings.Contains(got, `["b" "a"]`) || !strings.Contains(got, "increment -1") {
		t.Errorf("%s", got)
	}
	w.target.Types[0].Labels, w.target.Sequences = []string{"a", "b"}, nil
	w.target.Names = []catalog.Named{{Kind: "sequence", Name: s4("s"), Table: s4("T"), Spaces: []string{"relations of S4"}}}
	if got := clashes(); !strings.Contains(got, "sequence S4.s of table S4.T on the target") || strings.Contains(got, "enum") {
		t.Errorf("%s", got)
	}
	if p, ds := Diff(w.spec, &Observation{Source: w.source, Target: w.target, Limits: providers.Limits{}, Clashes: o.Clashes, Mappings: w.observe().Mappings}, nil, w.opts); p != nil || !strings.Contains(text(ds), "name-taken") {
		t.Errorf("planned: %s", text(ds))
	}
}
