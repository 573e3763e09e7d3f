package structure

import (
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// uniquesOf lists what lets no row in twice: keys, and unique indexes as keys. Catalogs
// sort them in their own ways: what one engine calls a key is a unique index of another, and
// which one identifies rows best is each reader's choice.
func uniquesOf(t *catalog.Table) []catalog.Key {
	var out []catalog.Key
	if t.Key != nil {
		out = append(out, *t.Key)
	}
	out = append(out, t.Uniques...)
	for _, x := range t.Indexes {
		if refuses(x) {
			k := catalog.Key{Name: x.Name, Index: true, Definition: x.Definition}
			for _, n := range x.Columns {
				k.Columns = append(k.Columns, n.Name)
			}
			out = append(out, k)
		}
	}
	return out
}

// refuses says whether an index keeps rows out: it is unique, or an exclusion constraint.
func refuses(x catalog.Index) bool { return x.Unique || strings.HasPrefix(x.Definition, "EXCLUDE ") }

func partOf(k catalog.Key) string {
	switch {
	case k.Primary:
		return PrimaryKey
	case k.Index:
		return UniqueIndex
	}
	return UniqueKey
}

func describeKey(k catalog.Key) string {
	if k.Definition != "" {
		return k.Definition
	}
	return "(" + strings.Join(k.Columns, ", ") + ")"
}

// serves says whether h does all that is wanted of w. A primary key is unique, too.
func (c *comparison) serves(w, h catalog.Key) bool {
	if h.Primary && !w.Primary && !c.how.Same {
		h.Primary = false
	}
	if !c.how.Same {
		w.Index = h.Index
	}
	return c.SameKey(w, h)
}

// keys compares what is unique. Where both catalogs are one engine's, each is there as
// often as it is wanted; other engines make one of two over the same columns.
func (c *comparison) keys() {
	want, have := uniquesOf(c.want), uniquesOf(c.have)
	used := make([]bool, len(have))
	var missing []catalog.Key
	for _, w := range want {
		if i := c.find(w, have, used); i >= 0 {
			used[i] = true
			continue
		}
		if !c.how.Same && slices.ContainsFunc(have, func(h catalog.Key) bool { return c.serves(w, h) }) {
			continue
		}
		missing = append(missing, w)
	}
	for _, w := range missing {
		c.missingUnique(w, have, used)
	}
	if c.how.Foreign {
		return
	}
	for i, h := range have {
		if !used[i] && !slices.ContainsFunc(want, func(w catalog.Key) bool { return c.serves(h, w) }) {
			c.extra(partOf(h), h.Name, describeKey(h))
		}
	}
}

// find looks for what serves as w, best under its own name; -1 is none.
func (c *comparison) find(w catalog.Key, have []catalog.Key, used []bool) int {
	found := -1
	for i, h := range have {
		if used[i] || !c.serves(w, h) {
			continue
		}
		if w.Name != "" && c.SameName(w.Name, h.Name) {
			return i
		}
		if found < 0 {
			found = i
		}
	}
	return found
}

// missingUnique reports a unique key; one that has its place, or its name, is another one.
func (c *comparison) missingUnique(w catalog.Key, have []catalog.Key, used []bool) {
	for i, h := range have {
		if !used[i] && (w.Primary && h.Primary || w.Name != "" && c.SameName(w.Name, h.Name)) {
			used[i] = true
			wanted, found := describeKey(w), describeKey(h)
			if partOf(w) != partOf(h) {
				found = partOf(h) + " " + found
			}
			c.differs(partOf(w), w.Name, wanted, found)
			return
		}
	}
	c.missing(partOf(w), w.Name, describeKey(w), c.mismatch("index", w.Name))
}

// indexes compares those that keep no row out. More than are wanted do no harm.
func (c *comparison) indexes() {
	used := make([]bool, len(c.have.Indexes))
	var missing []catalog.Index
	for _, w := range c.want.Indexes {
		if refuses(w) {
			continue
		}
		found := -1
		for i, h := range c.have.Indexes {
			if used[i] || refuses(h) || !c.SameIndex(w, h) {
				continue
			}
			if found < 0 || c.SameName(w.Name, h.Name) {
				found = i
			}
		}
		if found < 0 {
			missing = append(missing, w)
			continue
		}
		used[found] = true
	}
	for _, w := range missing {
		i := slices.IndexFunc(c.have.Indexes, func(h catalog.Index) bool { return c.SameName(w.Name, h.Name) })
		if i >= 0 && !used[i] {
			c.differs(Index, w.Name, describeIndex(w), describeIndex(c.have.Indexes[i]))
			continue
		}
		c.missing(Index, w.Name, describeIndex(w), c.mismatch("index", w.Name))
	}
}

func describeIndex(x catalog.Index) string {
	unique := ""
	if x.Unique {
		unique = "UNIQUE "
	}
	if x.Definition != "" {
		return unique + x.Definition
	}
	parts := make([]string, len(x.Columns))
	for i, k := range x.Columns {
		if parts[i] = k.Name; k.Desc {
			parts[i] += " DESC"
		}
	}
	return unique + "(" + strings.Join(parts, ", ") + ")"
}
