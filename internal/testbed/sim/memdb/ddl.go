package memdb

import (
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// exact compares names bytewise.
var exact = catalog.Comparison{}

// taken is the error for a name that something else has.
func taken(t catalog.Name, what string) error {
	return fail(Exists, t, "%s of %s is there and is a different one", what, t)
}

// inserted adds to a list that is kept in order of names.
func inserted[E any](list []E, e E, name func(E) string) []E {
	list = append(slices.Clone(list), e)
	slices.SortFunc(list, func(a, b E) int { return strings.Compare(name(a), name(b)) })
	return list
}

// Create makes a table without rows and indexes, and says whether it was not there. Another one of
// that name is an error.
func (d *Data) Create(want *catalog.Table) (made bool, err error) {
	shape := func(a, b catalog.Column) bool { return a.Name == b.Name && a.Type.String() == b.Type.String() }
	if have := d.Tables[want.Name]; have != nil {
		if !slices.EqualFunc(have.Columns, want.Columns, shape) {
			err = taken(want.Name, "the table")
		}
		return false, err
	}
	t := &Table{Table: *want}
	t.Columns, t.Indexes = slices.Clone(want.Columns), nil
	for i, c := range t.Columns {
		if c.Sequence != nil {
			q := *c.Sequence
			q.Last, q.Called = q.Start, false
			t.Columns[i].Sequence = &q
		}
	}
	if !d.Options.InlineKeys {
		t.Key, t.Uniques, t.ForeignKeys = nil, nil, nil
	}
	d.Put(t)
	return true, nil
}

// DropAlone drops a table that nothing depends on. With but, a foreign key that is a part of its table may.
func (d *Data) DropAlone(n catalog.Name, but bool) error {
	on := Without(d.Dependents(n), func(x catalog.Dependent) bool {
		return but && d.Options.InlineKeys && x.Kind == "foreign key"
	})
	if d.Tables[n] != nil && len(on) > 0 {
		return fail(InUse, n, "%s depends on it", on[0])
	}
	d.Drop(n)
	return nil
}

// AddKey adds a key of want's to a table, unless it is there.
func (d *Data) AddKey(want *catalog.Table, k catalog.Key) error {
	return d.within(want.Name, func(t *Table) error {
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
			t.Uniques = inserted(t.Uniques, k, func(a catalog.Key) string { return a.Name })
		}
		return t.unique()
	})
}

// CreateIndex makes an index of want's on a table, unless it is there.
func (d *Data) CreateIndex(want *catalog.Table, x catalog.Index) error {
	return d.within(want.Name, func(t *Table) error {
		if exact.FindIndex(want, &t.Table, x) != nil {
			return nil
		}
		if slices.ContainsFunc(t.Indexes, func(h catalog.Index) bool { return h.Name == x.Name }) {
			return taken(t.Name, "index "+x.Name)
		}
		t.Indexes = inserted(t.Indexes, x, func(x catalog.Index) string { return x.Name })
		return t.unique()
	})
}

// AddForeignKey adds a foreign key of want's to a table, or checks the one that is there.
func (d *Data) AddForeignKey(want *catalog.Table, f catalog.ForeignKey) error {
	return d.within(want.Name, func(t *Table) error {
		named := func(h catalog.ForeignKey) bool { return h.Name == f.Name }
		t.Pending, f.Dropped = Without(t.Pending, named), false
		switch {
		case exact.FindForeignKey(want, &t.Table, f) != nil:
		case slices.ContainsFunc(t.ForeignKeys, named):
			return taken(t.Name, "foreign key "+f.Name)
		case f.NotValid:
			t.Pending = append(t.Pending, f)
			return nil
		default:
			t.ForeignKeys = inserted(t.ForeignKeys, f, func(f catalog.ForeignKey) string { return f.Name })
		}
		return d.broken(t)
	})
}

// DropForeignKey drops one that was not made with its table, and remembers keep, where that is
// not nil, as one that is to come back.
func (d *Data) DropForeignKey(n catalog.Name, name string, keep *catalog.ForeignKey) {
	if d.Options.InlineKeys {
		return
	}
	named := func(f catalog.ForeignKey) bool { return f.Name == name }
	d.Change(n, func(t *Table) {
		if keep != nil && slices.ContainsFunc(t.ForeignKeys, named) {
			dropped := *keep
			dropped.Dropped = true
			t.Pending = append(Without(t.Pending, named), dropped)
		}
		t.ForeignKeys = Without(t.ForeignKeys, named)
	})
}

// CreateSequence makes a sequence, and says whether it was not there. Another one is an error.
func (d *Data) CreateSequence(q catalog.Sequence) (made bool, err error) {
	if have := d.sequence(q.Name); have != nil {
		if !exact.SameSequence(q, *have) {
			err = taken(q.Name, "sequence "+q.Name.String())
		}
		return false, err
	}
	q.Last, q.Called = q.Start, false
	d.Sequences = append(d.Sequences, q)
	return true, nil
}

func (d *Data) sequence(n catalog.Name) *catalog.Sequence {
	if i := slices.IndexFunc(d.Sequences, func(q catalog.Sequence) bool { return q.Name == n }); i >= 0 {
		return &d.Sequences[i]
	}
	return nil
}

// DropSequence drops a sequence that no column owns.
func (d *Data) DropSequence(n catalog.Name) {
	d.Sequences = Without(d.Sequences, func(q catalog.Sequence) bool { return q.Name == n })
}

// Raise raises a sequence of a table's column, or one that no column owns, to where another one is.
func (d *Data) Raise(of *catalog.Table, column string, to catalog.Sequence) error {
	up := func(q *catalog.Sequence) {
		if to.Last > q.Last || to.Last == q.Last && to.Called {
			q.Last, q.Called = to.Last, to.Called
		}
	}
	if of == nil {
		if q := d.sequence(to.Name); q != nil {
			up(q)
		}
		return nil
	}
	return d.within(of.Name, func(t *Table) error {
		if c := t.Column(column); c != nil && c.Sequence != nil {
			q := *c.Sequence
			up(&q)
			c.Sequence = &q
		}
		return nil
	})
}
