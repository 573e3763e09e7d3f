package catalog

import "slices"

// FindIndex returns what a table has that is the wanted table's index x: an index of its
// definition, under x's name where one is, else under a name that somebody else chose.
// Where the wanted table has two alike, two have to be there.
func (c Comparison) FindIndex(want, have *Table, x Index) *Index {
	wanted, at := listed(indexesOf(want), x, func(a, b Index) bool { return a.Name == b.Name })
	by := identity[Index]{func(x Index) string { return x.Name }, c.SameIndex}
	return by.partner(wanted, indexesOf(have), at)
}

// FindKey does the same for a primary key or unique constraint.
func (c Comparison) FindKey(want, have *Table, k Key) *Key {
	wanted, at := listed(KeysOf(want), k, func(a, b Key) bool { return a.Name == b.Name && slices.Equal(a.Columns, b.Columns) })
	there := KeysOf(have)
	for _, x := range have.Indexes {
		if x.Unique && !x.Special && len(x.Columns) > 0 {
			there = append(there, indexKey(x))
		}
	}
	by := identity[Key]{func(k Key) string { return k.Name }, c.SameKey}
	return by.partner(wanted, there, at)
}

// FindForeignKey does the same for a reference that holds for all rows.
func (c Comparison) FindForeignKey(want, have *Table, f ForeignKey) *ForeignKey {
	wanted, at := listed(want.ForeignKeys, f, func(a, b ForeignKey) bool { return a.Name == b.Name && slices.Equal(a.Columns, b.Columns) })
	by := identity[ForeignKey]{func(f ForeignKey) string { return f.Name }, c.SameForeignKey}
	return by.partner(wanted, have.ForeignKeys, at)
}

// KeysOf returns the primary key, or what stands for it, and the unique constraints.
func KeysOf(t *Table) []Key {
	if t.Key == nil {
		return slices.Clone(t.Uniques)
	}
	return append([]Key{*t.Key}, t.Uniques...)
}

// KeyIndex is a key that is a unique index, as an index.
func KeyIndex(k Key) Index {
	x := Index{Name: k.Name, Unique: true, Definition: k.Definition}
	for _, n := range k.Columns {
		x.Columns = append(x.Columns, IndexColumn{Name: n})
	}
	return x
}

func indexKey(x Index) Key {
	k := Key{Name: x.Name, Index: true, Definition: x.Definition}
	for _, c := range x.Columns {
		k.Columns = append(k.Columns, c.Name)
	}
	return k
}

// indexesOf returns the secondary indexes and the unique index that stands for the key.
func indexesOf(t *Table) []Index {
	out := slices.Clone(t.Indexes)
	for _, k := range KeysOf(t) {
		if k.Index {
			out = append(out, KeyIndex(k))
		}
	}
	return out
}

// listed returns where x stands in a list, to which it is added where it does not.
func listed[T any](list []T, x T, is func(a, b T) bool) ([]T, int) {
	if i := slices.IndexFunc(list, func(o T) bool { return is(o, x) }); i >= 0 {
		list = slices.Clone(list)
		list[i] = x
		return list, i
	}
	return append(slices.Clone(list), x), len(list)
}

// identity is what things are called and when two are the same.
type identity[T any] struct {
	name func(T) string
	same func(want, have T) bool
}

// partner pairs what is wanted with what is there: first by name, then in order. It returns
// the partner of the wanted one at a place, or nil.
func (by identity[T]) partner(want, have []T, at int) *T {
	taken := make([]bool, len(have))
	paired := make([]bool, len(want))
	for _, named := range []bool{true, false} {
		for i, w := range want {
			for k, h := range have {
				if paired[i] || taken[k] || named && (by.name(w) == "" || by.name(w) != by.name(h)) || !by.same(w, h) {
					continue
				}
				if i == at {
					return &have[k]
				}
				paired[i], taken[k] = true, true
			}
		}
	}
	return nil
}
