package planner

import (
	"fmt"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// A query of a table that others inherit from shows their rows, too. Each table is copied
// on its own, so every such child has to be part of the migration, or the spec has to say
// that it is not: rows are copied or named, never left behind in silence.

// childless returns the children that the migration neither includes nor excludes.
func (j *judge) childless(d *decision, excludes *matcher) []catalog.Child {
	var out []catalog.Child
	for _, c := range d.source.Children {
		if _, included := j.names[c.Name]; !included && excludes.find(c.Name) < 0 {
			out = append(out, c)
		}
	}
	return out
}

// refuseChildren refuses to leave rows behind that a table seems to have.
func (j *judge) refuseChildren(ds []*decision) {
	excludes := newMatcher(j.o.Source.Schema, excludeLists(j.spec))
	for _, d := range ds {
		left := j.childless(d, excludes)
		if len(left) == 0 || d.structure {
			continue
		}
		d.ownRefusals = append(d.ownRefusals, plan.Conversion{
			What: fmt.Sprintf("A query of the table also shows the rows of %s that inherit%s from it and %s not part of the migration: %s.",
				count(len(left), "table"), singular(len(left)), are(len(left)), list(left)),
			Fix: "Name each in the tables of a table_group, or of an exclude that says why its rows are left out. Foreign tables can only be excluded:\n" +
				fmt.Sprintf("  exclude \"children\" { tables = [%q] content = \"none\" reason = \"...\" }", left[0].Name.String()),
		})
	}
}

func singular(n int) string {
	if n == 1 {
		return "s"
	}
	return ""
}

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// leftBehind names the rows of children that the spec excludes.
func leftBehind(spec *desired.Spec, o *Observation, ds []*decision) []catalog.Object {
	excludes := newMatcher(o.Source.Schema, excludeLists(spec))
	var out []catalog.Object
	for _, d := range ds {
		if d.structure {
			continue
		}
		for _, c := range d.source.Children {
			if i := excludes.find(c.Name); i >= 0 {
				out = append(out, catalog.Object{Kind: "rows of a child table", Name: tableID(d.source.Name) + ": " + c.String(),
					Reason: "queries of the table show them, and the spec excludes them: " + spec.Excludes[i].Reason})
			}
		}
	}
	return out
}
