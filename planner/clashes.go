package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// describe says what has a name that u wants.
func (n *naming) describe(h holder, u catalog.Named) string {
	same := func(o catalog.Named) bool {
		return fold(catalog.Name{Name: o.Name.Name}, n.o.Limits) == fold(catalog.Name{Name: u.Name.Name}, n.o.Limits) &&
			slices.ContainsFunc(o.Spaces, func(s string) bool { return slices.Contains(u.Spaces, s) })
	}
	of := func(t *catalog.Table, where string) string {
		all := n.names(t)
		if i := slices.IndexFunc(all, same); i >= 0 {
			return all[i].String() + where
		}
		return "table " + t.Name.String() + where
	}
	switch h.by {
	case byFound:
		return of(n.o.Target.Tables[h.at], " on the target")
	case byOther:
		return n.o.Target.Names[h.at].String() + " on the target"
	case byWanted:
		return of(n.o.Mappings[h.at].Target, ", which the plan creates from "+n.o.Mappings[h.at].Source.String())
	case byType:
		return "type " + n.o.Types[h.at].Name.String() + ", which the plan creates"
	}
	return "sequence " + targetName(n.o.Source.Sequences[h.at].Name, n.o).String() + ", which the plan creates"
}

// spaceOf is the set of names of what the target has under a name: that of tables for
// sequences, the other one of tables for types.
func (n *naming) spacesOf(name catalog.Name) []string {
	for _, u := range n.names(&catalog.Table{Name: name}) {
		return u.Spaces
	}
	return nil
}

// types compares the plan's types with those of the target: rows travel in the form of the source's,
// and another one would take them for something else.
func (n *naming) types() {
	for i, t := range n.o.Types {
		spaces := n.spacesOf(t.Name)
		u := catalog.Named{Kind: "type", Name: t.Name, Spaces: spaces[max(0, len(spaces)-1):]}
		at := slices.IndexFunc(n.o.Target.Types, func(x catalog.UserType) bool { return x.Name == t.Name })
		if at >= 0 {
			if have := n.o.Target.Types[at]; !n.compare.SameType(t, have) {
				n.clash("type", typeWords(t), typeWords(have))
			}
			continue
		}
		if h, taken := n.taken(u, t.Name.Name); taken {
			n.clash("type", typeWords(t), n.describe(h, u))
			continue
		}
		n.hold(u, holder{byType, int32(i)})
	}
}

// freeSequences does the same with sequences that no column owns.
func (n *naming) freeSequences() {
	for i, q := range n.o.Source.Sequences {
		name := targetName(q.Name, n.o)
		u := catalog.Named{Kind: "sequence", Name: name, Spaces: n.spacesOf(name)[:1]}
		h, taken := n.taken(u, name.Name)
		at := slices.IndexFunc(n.o.Target.Sequences, func(x catalog.Sequence) bool { return x.Name == name })
		switch {
		case taken && h.by != byOther, taken && at < 0:
			n.clash("sequence", sequenceWords(name, q), n.describe(h, u))
			continue
		case at >= 0 && !n.compare.SameSequence(q, n.o.Target.Sequences[at]):
			n.clash("sequence", sequenceWords(name, q), sequenceWords(name, n.o.Target.Sequences[at]))
			continue
		}
		n.hold(u, holder{bySequence, int32(i)})
	}
}

func (n *naming) clash(kind, wanted, there string) {
	n.o.Clashes = append(n.o.Clashes, Clash{Kind: kind, Wanted: wanted, There: there})
}

func typeWords(t catalog.UserType) string {
	if t.Kind == "enum" {
		return fmt.Sprintf("enum %s of %q", t.Name, t.Labels)
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s over %s", t.Kind, t.Name, t.Definition))
}

func sequenceWords(name catalog.Name, q catalog.Sequence) string {
	s := fmt.Sprintf("sequence %s (%s increment %d, from %d to %d", name, q.DataType, q.Increment, q.Min, q.Max)
	if q.Cycle {
		s += ", cycle"
	}
	return s + ")"
}

// nameErrors refuses types and sequences whose names something else has, where the plan needs them.
func nameErrors(o *Observation, p *plan.Plan) diag.Diagnostics {
	var out diag.Diagnostics
	for _, c := range o.Clashes {
		if c.Kind == "type" && len(p.Types) == 0 || c.Kind == "sequence" && len(p.Sequences) == 0 {
			continue
		}
		out = append(out, diag.Error(
			diag.NameTaken,
			"A name on the target is already in use",
			fmt.Sprintf(
				"The plan needs the %s, but the target has the %s, so rows would be misinterpreted. Rename or drop "+
					"the existing object, if nothing else needs it; then run dmoctl plan again.",
				c.Wanted,
				c.There,
			),
		))
	}
	return out
}
