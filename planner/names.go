package planner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/zeebo/xxh3"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// naming gives names to all that the plan makes, in one place, against all that is there. What the
// users chose, tables and partitions, keeps its name or is refused; a key, an index, a reference or a
// sequence of a column gets another one, which only depends on what it is. What is on the target
// already keeps the name that it has there.
type naming struct {
	o       *Observation
	compare catalog.Comparison
	names   func(*catalog.Table) []catalog.Named
	// found are the target's tables that this migration keeps, by folded name; freed are
	// those that it drops first, so that their names are free.
	found, freed map[catalog.Name]*catalog.Table
	sources      map[catalog.Name]*catalog.Table
	held         map[uint64]holder
	kept         map[int][]string // by mapping: the names of what is made already
	renames      map[int][]rename // by mapping
}

// holder is what has a name: it costs little, for there may be half a million.
type holder struct {
	by holderKind
	at int32 // in the list of its kind
}

type holderKind int8

const (
	byFound  holderKind = iota // a table of the target
	byOther                    // something else there
	byWanted                   // a table of the plan
	byType                     // a type of the plan
	bySequence
)

// rename is another name for something of a mapped table.
type rename struct {
	of catalog.Named
	to string
}

// Clash is a type or a free sequence of the plan whose name something else has on the target.
type Clash struct {
	Kind   string `json:"kind"` // "type" or "sequence"
	Wanted string `json:"wanted"`
	There  string `json:"there"`
}

func newNaming(spec *desired.Spec, o *Observation, names func(*catalog.Table) []catalog.Named) *naming {
	n := &naming{o: o, compare: catalog.Comparison{IgnoreCase: o.Limits.IgnoreCase}, names: names,
		found: make(map[catalog.Name]*catalog.Table), freed: make(map[catalog.Name]*catalog.Table),
		sources: make(map[catalog.Name]*catalog.Table), held: make(map[uint64]holder), kept: make(map[int][]string), renames: make(map[int][]rename)}
	for _, t := range o.Source.Tables {
		n.sources[t.Name] = t
	}
	known := index(o.Ledger, o.Limits)
	nothing := make(map[catalog.Name]bool, len(o.Mappings))
	for _, m := range o.Mappings {
		nothing[fold(m.Target.Name, o.Limits)] = known.of(m.Source).Nothing()
	}
	for i, t := range o.Target.Tables {
		at := fold(t.Name, o.Limits)
		if nothing[at] && spec.Target.Existing() == plan.ExistingRecreate {
			n.freed[at] = t
			continue
		}
		n.found[at] = t
		for _, u := range names(t) {
			n.hold(u, holder{byFound, int32(i)})
		}
	}
	for i, u := range o.Target.Names {
		if n.freed[fold(u.Table, o.Limits)] == nil {
			n.hold(u, holder{byOther, int32(i)})
		}
	}
	return n
}

// name takes the names of the whole plan and returns the sequences that get another one.
func (n *naming) name() map[catalog.Name]catalog.Name {
	if n.o.Source.Engine == n.o.Target.Engine {
		n.types()
		n.freeSequences()
	}
	for i := range n.o.Mappings {
		n.fixed(i)
	}
	for i := range n.o.Mappings {
		n.keep(i)
	}
	sequences := make(map[catalog.Name]catalog.Name)
	for i := range n.o.Mappings {
		n.choose(i, sequences)
	}
	return sequences
}

func (n *naming) key(space, name string) uint64 {
	return xxh3.HashString(space + "\x00" + fold(catalog.Name{Name: name}, n.o.Limits).Name)
}

func (n *naming) hold(u catalog.Named, h holder) {
	for _, s := range u.Spaces {
		n.held[n.key(s, u.Name.Name)] = h
	}
}

// taken returns what has the name, other than what the table itself has on the target.
func (n *naming) taken(u catalog.Named, name string) (holder, bool) {
	for _, s := range u.Spaces {
		h, held := n.held[n.key(s, name)]
		if held && (h.by != byFound || !n.sameTable(n.o.Target.Tables[h.at].Name, u.Table)) {
			return h, true
		}
	}
	return holder{}, false
}

func (n *naming) sameTable(a, b catalog.Name) bool { return fold(a, n.o.Limits) == fold(b, n.o.Limits) }

// fixed takes the names that users address rows by, or refuses them.
func (n *naming) fixed(i int) {
	m := &n.o.Mappings[i]
	for _, u := range n.names(m.Target) {
		if u.Chosen {
			continue
		}
		if h, taken := n.taken(u, u.Name.Name); taken {
			m.Refusals = append(m.Refusals, plan.Conversion{
				What: fmt.Sprintf("The %s cannot be created: its name is already used by the %s.", u, n.describe(h, u)),
				Fix:  "Rename or drop the object with that name, or give the table a different name with a rename block, or exclude it.",
			})
			continue
		}
		n.hold(u, holder{byWanted, int32(i)})
	}
}

// keep gives what the target has already the name that it has there, whatever it would be called today.
func (n *naming) keep(i int) {
	m := n.o.Mappings[i].Target
	found := n.found[fold(m.Name, n.o.Limits)]
	if found == nil {
		return
	}
	all := n.names(m)
	kept := make([]string, len(all))
	for at, u := range all {
		if kept[at] = n.made(m, found, u); kept[at] != "" {
			u.Name.Name = kept[at]
			n.hold(u, holder{byWanted, int32(i)})
		}
	}
	n.kept[i] = kept
}

// made returns the name under which a table of the target has what is wanted, or "".
func (n *naming) made(want, found *catalog.Table, u catalog.Named) string {
	switch u.Kind {
	case catalog.NamedKey:
		k := catalog.KeysOf(want)[u.At]
		if k.Index {
			if x := n.compare.FindIndex(want, found, catalog.KeyIndex(k)); x != nil {
				return x.Name
			}
			return ""
		}
		if f := n.compare.FindKey(want, found, k); f != nil {
			return f.Name
		}
	case catalog.NamedIndex:
		if x := n.compare.FindIndex(want, found, want.Indexes[u.At]); x != nil {
			return x.Name
		}
	case catalog.NamedForeignKey:
		if f := n.compare.FindForeignKey(want, found, want.ForeignKeys[u.At]); f != nil {
			return f.Name
		}
	case catalog.NamedSequence:
		if c := found.Column(want.Columns[u.At].Name); u.Server {
			return u.Name.Name // the table is there: nothing is named any more
		} else if c != nil && c.Sequence != nil && c.Sequence.Schema == u.Schema {
			return c.Sequence.Name.Name
		}
	}
	return ""
}

// choose names the rest of one table.
func (n *naming) choose(i int, sequences map[catalog.Name]catalog.Name) {
	kept := n.kept[i]
	for at, u := range n.names(n.o.Mappings[i].Target) {
		if !u.Chosen || u.Name.Name == "" {
			continue
		}
		name := ""
		if kept != nil {
			name = kept[at]
		}
		if name == "" {
			name = n.free(u)
		}
		if name != u.Name.Name {
			n.renames[i] = append(n.renames[i], rename{u, name})
			if u.Kind == catalog.NamedSequence {
				source := n.sources[n.o.Mappings[i].Source]
				sequences[providers.SequenceKey(source, source.Columns[u.At])] = catalog.Name{Schema: u.Schema, Name: name}
			}
		}
		u.Name.Name = name
		n.hold(u, holder{byWanted, int32(i)})
	}
}

// free is a name that nothing has: the one that is wanted, or another one.
func (n *naming) free(u catalog.Named) string {
	name := u.Name.Name
	for try := 0; ; try++ {
		if _, taken := n.taken(u, name); !taken {
			return name
		}
		name = n.other(u, try)
	}
}

// other makes a name of what something is: its table, its kind and what it is called.
func (n *naming) other(u catalog.Named, try int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s\x00%d", u.Table.Schema, u.Table.Name, u.Kind, u.Name.Name, try))
	tail := "_" + hex.EncodeToString(sum[:4])
	base := u.Name.Name
	if limit := n.o.Limits.Identifier; limit > 0 && len(base)+len(tail) > limit {
		cut := limit - len(tail)
		for cut > 0 && !utf8.RuneStart(base[cut]) {
			cut--
		}
		base = base[:cut]
	}
	return base + tail
}

// rename puts the names into the mapped tables.
func (n *naming) rename() {
	for i, all := range n.renames {
		t := n.o.Mappings[i].Target
		t.Uniques, t.Indexes, t.ForeignKeys = slices.Clone(t.Uniques), slices.Clone(t.Indexes), slices.Clone(t.ForeignKeys)
		for _, r := range all {
			at := r.of.At
			switch {
			case r.of.Kind == catalog.NamedIndex:
				t.Indexes[at].Name = r.to
			case r.of.Kind == catalog.NamedForeignKey:
				t.ForeignKeys[at].Name = r.to
			case r.of.Kind != catalog.NamedKey: // sequences are named when the table is mapped
			case t.Key == nil:
				t.Uniques[at].Name = r.to
			case at > 0:
				t.Uniques[at-1].Name = r.to
			default:
				k := *t.Key
				k.Name = r.to
				t.Key = &k
			}
		}
	}
}
