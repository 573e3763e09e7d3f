package catalog

import (
	"hash/maphash"
	"slices"
)

// Pool lets what is held at once share what is equal in it: texts, lists of names and lists of
// columns. A hundred thousand tables have few different ones, and each would be stored a
// hundred thousand times. What a Pool was given is not changed any more. The zero Pool is
// ready; a nil one shares nothing. One goroutine.
type Pool struct {
	seed    maphash.Seed
	texts   map[string]string
	types   map[Name]*Name
	names   map[uint64][]string
	columns map[uint64][]Column
	indexed map[uint64][]IndexColumn
	tables  map[uint64][]Name
}

func (p *Pool) ready() {
	if p.texts == nil {
		p.seed, p.texts, p.types = maphash.MakeSeed(), make(map[string]string), make(map[Name]*Name)
		p.names, p.columns, p.indexed = make(map[uint64][]string), make(map[uint64][]Column), make(map[uint64][]IndexColumn)
		p.tables = make(map[uint64][]Name)
	}
}

// Text returns s, as it was given first.
func (p *Pool) Text(s string) string {
	if p == nil || s == "" {
		return s
	}
	p.ready()
	same, known := p.texts[s]
	if !known {
		p.texts[s], same = s, s
	}
	return same
}

// Bytes returns b as a text.
func (p *Pool) Bytes(b []byte) string {
	if p == nil || len(b) == 0 {
		return string(b)
	}
	p.ready()
	same, known := p.texts[string(b)]
	if !known {
		same = string(b)
		p.texts[same] = same
	}
	return same
}

// Names returns a list of names, as it was given first.
func (p *Pool) Names(list []string) []string {
	if p == nil || len(list) == 0 {
		return list
	}
	p.ready()
	for i := range list {
		list[i] = p.Text(list[i])
	}
	return share(p.seed, p.names, list)
}

// Name returns n in texts that were given first.
func (p *Pool) Name(n Name) Name { return Name{Schema: p.Text(n.Schema), Name: p.Text(n.Name)} }

// Tables returns a list of names of tables, as it was given first.
func (p *Pool) Tables(list []Name) []Name {
	if p == nil || len(list) == 0 {
		return list
	}
	p.ready()
	for i := range list {
		list[i] = p.Name(list[i])
	}
	return share(p.seed, p.tables, list)
}

// Columns returns columns, as they were given first. Those with a sequence are no table's else.
func (p *Pool) Columns(list []Column) []Column {
	if p == nil || len(list) == 0 {
		return list
	}
	p.ready()
	for i := range list {
		p.column(&list[i])
	}
	if slices.ContainsFunc(list, func(c Column) bool { return c.Sequence != nil }) {
		return append(make([]Column, 0, len(list)), list...)
	}
	return share(p.seed, p.columns, list)
}

func (p *Pool) column(c *Column) {
	for _, s := range []*string{&c.Name, &c.Declared, &c.Default, &c.Generated, &c.Collation, &c.Conversion, &c.Type.Engine, &c.Type.Name} {
		*s = p.Text(*s)
	}
	c.Type.Kind, c.Identity = Kind(p.Text(string(c.Type.Kind))), Identity(p.Text(string(c.Identity)))
	if c.UserType == nil {
		return
	}
	if p.types[*c.UserType] == nil {
		p.types[*c.UserType] = c.UserType
	}
	c.UserType = p.types[*c.UserType]
}

// Table lets t share its parts. They are its own then no longer.
func (p *Pool) Table(t *Table) {
	if p == nil || t == nil {
		return
	}
	t.Name, t.Options = p.Name(t.Name), p.Text(t.Options)
	t.Columns = p.Columns(t.Columns)
	if t.Key != nil {
		p.key(t.Key)
	}
	t.Uniques, t.Indexes, t.ForeignKeys, t.Checks, t.Partitions = trimmed(
		t.Uniques,
	), trimmed(
		t.Indexes,
	), trimmed(
		t.ForeignKeys,
	), trimmed(
		t.Checks,
	), trimmed(
		t.Partitions,
	)
	for i := range t.Uniques {
		p.key(&t.Uniques[i])
	}
	for i := range t.Indexes {
		t.Indexes[i].Columns = share(p.seed, p.indexed, t.Indexes[i].Columns)
	}
	for i := range t.ForeignKeys {
		f := &t.ForeignKeys[i]
		f.Columns, f.References, f.Table.Schema, f.Definition = p.Names(f.Columns), p.Names(f.References), p.Text(f.Table.Schema), p.Text(f.Definition)
	}
}

func (p *Pool) key(k *Key) { k.Columns, k.Definition = p.Names(k.Columns), p.Text(k.Definition) }

// Unify lets two tables that describe one, on both sides or wanted and found, share what is
// equal in them.
func Unify(t, like *Table) {
	if t.Name == like.Name {
		t.Name = like.Name // one text
	}
	if t.Key != nil && like.Key != nil && sameKey(*t.Key, *like.Key) {
		t.Key = like.Key
	}
	if slices.EqualFunc(t.Uniques, like.Uniques, sameKey) {
		t.Uniques = like.Uniques
	}
	same := func(a, b Index) bool {
		return a.Name == b.Name && a.Definition == b.Definition && a.Unique == b.Unique && a.Special == b.Special && slices.Equal(a.Columns, b.Columns)
	}
	if slices.EqualFunc(t.Indexes, like.Indexes, same) {
		t.Indexes = like.Indexes
	}
}

func sameKey(a, b Key) bool {
	return a.Name == b.Name && a.Definition == b.Definition && a.Primary == b.Primary && a.Index == b.Index && slices.Equal(a.Columns, b.Columns)
}

// share returns the list that is equal to this one. Two lists of one hash are not shared.
func share[T comparable](seed maphash.Seed, known map[uint64][]T, list []T) []T {
	if len(list) == 0 {
		return list
	}
	var h maphash.Hash
	h.SetSeed(seed)
	for _, v := range list {
		maphash.WriteComparable(&h, v)
	}
	same, there := known[h.Sum64()]
	if there && slices.Equal(same, list) {
		return same
	}
	list = append(make([]T, 0, len(list)), list...) // the caller may continue with what it gave
	if !there {
		known[h.Sum64()] = list
	}
	return list
}

// trimmed returns a list without room for more, which one that was appended to has.
func trimmed[T any](list []T) []T {
	if len(list) == cap(list) {
		return list
	}
	return append(make([]T, 0, len(list)), list...)
}
