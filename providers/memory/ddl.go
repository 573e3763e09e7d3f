package memory

import (
	"reflect"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// alter carries out one structure change. What is there already in the wanted form stays.
func (d *Data) alter(x providers.DDL, o Options) error {
	switch x := x.(type) {
	case providers.CreateTable:
		if x.New && d.Tables[x.Table.Name] != nil {
			return providers.TableExists("alter", x.Table.Name)
		}
		return d.create(x.Table, o)
	case providers.DropTable:
		return d.dropAlone(x.Table, o)
	case providers.AddKey:
		return d.within(x.Table.Name, func(t *Table) error { return addKey(t, x.Table, x.Key) })
	case providers.CreateIndex:
		return d.within(x.Table.Name, func(t *Table) error {
			if exact.FindIndex(x.Table, &t.Table, x.Index) != nil {
				return nil
			}
			if slices.ContainsFunc(t.Indexes, func(h catalog.Index) bool { return h.Name == x.Index.Name }) {
				return taken(t.Name, "index "+x.Index.Name)
			}
			t.Indexes = append(slices.Clone(t.Indexes), x.Index)
			slices.SortFunc(t.Indexes, func(a, b catalog.Index) int { return strings.Compare(a.Name, b.Name) })
			return unique(t)
		})
	case providers.AddForeignKey:
		return d.within(x.Table.Name, func(t *Table) error { return d.addForeignKey(t, x.Table, x.ForeignKey) })
	case providers.DropForeignKey:
		if o.InlineKeys {
			return nil
		}
		d.Change(x.Table, func(t *Table) {
			named := func(f catalog.ForeignKey) bool { return f.Name == x.Name }
			there := slices.ContainsFunc(t.ForeignKeys, named)
			t.ForeignKeys = slices.DeleteFunc(slices.Clone(t.ForeignKeys), named)
			if x.Keep != nil && there {
				keep := *x.Keep
				keep.Dropped = true
				t.Pending = append(slices.DeleteFunc(slices.Clone(t.Pending), named), keep)
			}
		})
	case providers.CreateSequence:
		if have := d.sequence(x.Sequence.Name); have != nil {
			if !exact.SameSequence(x.Sequence, *have) {
				return taken(x.Sequence.Name, "sequence "+x.Sequence.Name.String())
			}
			return nil
		}
		q := x.Sequence
		q.Last, q.Called = q.Start, false
		d.Sequences = append(d.Sequences, q)
	case providers.RaiseSequence:
		return d.raise(x)
	}
	return nil
}

// within changes a table that has to be there.
func (d *Data) within(n catalog.Name, f func(t *Table) error) (err error) {
	err = of(n, fail(providers.NotFound, "alter", "there is no such table"))
	d.Change(n, func(t *Table) { err = f(t) })
	return err
}

// exact compares names bytewise.
var exact = catalog.Comparison{}

// taken is the error for a name that something else has.
func taken(t catalog.Name, what string) error {
	return of(t, fail(providers.Exists, "alter", "%s of %s is there and is another one", what, t))
}

func same(t catalog.Name, what string, have, want any) error {
	if reflect.DeepEqual(have, want) {
		return nil
	}
	return of(t, fail(providers.Exists, "alter", "%s is there and is another one", what))
}

func (d *Data) create(want *catalog.Table, o Options) error {
	if have := d.Tables[want.Name]; have != nil {
		shape := func(t *catalog.Table) (out []string) {
			for _, c := range t.Columns {
				out = append(out, c.Name+" "+c.Type.String())
			}
			return out
		}
		return same(want.Name, "the table", shape(&have.Table), shape(want))
	}
	t := &Table{Table: *want}
	t.Columns = slices.Clone(want.Columns)
	for i, c := range t.Columns {
		if c.Sequence != nil {
			q := *c.Sequence
			q.Last, q.Called = q.Start, false
			t.Columns[i].Sequence = &q
		}
	}
	if !o.InlineKeys {
		t.Key, t.Uniques, t.ForeignKeys = nil, nil, nil
	}
	t.Indexes = nil
	d.Put(t)
	return nil
}

func addKey(t *Table, want *catalog.Table, k catalog.Key) error {
	if exact.FindKey(want, &t.Table, k) != nil {
		return nil
	}
	for _, have := range catalog.KeysOf(&t.Table) {
		if k.Primary && have.Primary || k.Name != "" && have.Name == k.Name {
			return taken(t.Name, "key "+k.Name)
		}
	}
	if k.Primary || k.Index && t.Key == nil {
		t.Key = &k
	} else {
		t.Uniques = append(slices.Clone(t.Uniques), k)
		slices.SortFunc(t.Uniques, func(a, b catalog.Key) int { return strings.Compare(a.Name, b.Name) })
	}
	return unique(t)
}

func (d *Data) addForeignKey(t *Table, want *catalog.Table, f catalog.ForeignKey) error {
	named := func(h catalog.ForeignKey) bool { return h.Name == f.Name }
	t.Pending, f.Dropped = slices.DeleteFunc(slices.Clone(t.Pending), named), false
	if exact.FindForeignKey(want, &t.Table, f) != nil {
		return d.broken(t)
	}
	if slices.ContainsFunc(t.ForeignKeys, named) {
		return taken(t.Name, "foreign key "+f.Name)
	}
	if f.NotValid {
		t.Pending = append(t.Pending, f)
		return nil
	}
	t.ForeignKeys = append(slices.Clone(t.ForeignKeys), f)
	slices.SortFunc(t.ForeignKeys, func(a, b catalog.ForeignKey) int { return strings.Compare(a.Name, b.Name) })
	return d.broken(t)
}

// unique returns what keys and unique indexes of a table hold against its rows.
func unique(t *Table) error {
	keys := slices.Clone(t.Uniques)
	if t.Key != nil {
		keys = append(keys, *t.Key)
	}
	for _, x := range t.Indexes {
		if x.Unique {
			k := catalog.Key{Name: x.Name}
			for _, c := range x.Columns {
				k.Columns = append(k.Columns, c.Name)
			}
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		at, _ := indexes(&t.Table, k.Columns)
		seen := make(map[string]bool)
		for _, r := range t.Rows {
			values, whole := pick(r, at)
			text := strings.Join(values, "\x1f")
			if whole && seen[text] || !whole && k.Primary {
				e := fail(providers.Constraint, "load", "key %s is violated", k.Name)
				e.Table, e.Key = t.Name, text
				return e
			}
			seen[text] = whole
		}
	}
	return nil
}

// broken returns what keys and foreign keys of a table hold against its rows.
func (d *Data) broken(t *Table) error {
	if t == nil {
		return nil
	}
	for _, f := range t.ForeignKeys {
		parent := d.Tables[f.Table]
		if parent == nil {
			return of(t.Name, fail(providers.NotFound, "check foreign key", "there is no table %s", f.Table))
		}
		if f.Table == t.Name {
			parent = t
		}
		at, _ := indexes(&t.Table, f.Columns)
		to, _ := indexes(&parent.Table, f.References)
		there := make(map[string]bool)
		for _, r := range parent.Rows {
			values, _ := pick(r, to)
			there[strings.Join(values, "\x1f")] = true
		}
		for _, r := range t.Rows {
			values, whole := pick(r, at)
			if text := strings.Join(values, "\x1f"); whole && !there[text] {
				e := fail(providers.Constraint, "check foreign key", "%s refers to no row", f.Name)
				e.Table, e.Key = t.Name, text
				return e
			}
		}
	}
	return unique(t)
}

func (d *Data) sequence(n catalog.Name) *catalog.Sequence {
	for i := range d.Sequences {
		if d.Sequences[i].Name == n {
			return &d.Sequences[i]
		}
	}
	return nil
}

func (d *Data) raise(x providers.RaiseSequence) error {
	up := func(q *catalog.Sequence) {
		if x.Sequence.Last > q.Last || x.Sequence.Last == q.Last && x.Sequence.Called {
			q.Last, q.Called = x.Sequence.Last, x.Sequence.Called
		}
	}
	if x.Table == nil {
		if q := d.sequence(x.Sequence.Name); q != nil {
			up(q)
		}
		return nil
	}
	return d.within(x.Table.Name, func(t *Table) error {
		for i, c := range t.Columns {
			if c.Name == x.Column && c.Sequence != nil {
				q := *c.Sequence
				up(&q)
				t.Columns[i].Sequence = &q
			}
		}
		return nil
	})
}
