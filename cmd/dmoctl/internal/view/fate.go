package view

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// fates are the tables whose rows go or stay behind. Every view names all of them.
type Fates struct {
	Foreign []string // dropped, and dmoctl has not made them
	own     []string // dropped, made by this migration
	emptied []string
	keys    []group // foreign keys that are dropped and not made again
}

func (v Plan) Fates() Fates {
	var f Fates
	strangers := map[catalog.Name]bool{}
	for _, t := range v.Tables {
		strangers[t.Source.Name] = t.Foreign
	}
	for _, s := range v.Steps {
		for _, n := range s.Tables {
			switch {
			case s.Kind == plan.StepDrop && strangers[n]:
				f.Foreign = append(f.Foreign, v.name(n))
			case s.Kind == plan.StepDrop:
				f.own = append(f.own, v.name(n))
			case s.Kind == plan.StepEmpty:
				f.emptied = append(f.emptied, v.name(n))
			}
		}
	}
	f.keys = v.unwanted()
	return f
}

// unwanted groups the foreign keys that are dropped and not made again by the reason why.
func (v Plan) unwanted() []group {
	type key struct{ name, reason string }
	var all []key
	at := make(map[catalog.Name]string, len(v.Tables))
	for _, t := range v.Tables {
		if t.Target != nil {
			at[t.Target.Name] = v.name(t.Source.Name)
		}
	}
	for _, t := range v.Tables {
		for _, f := range t.Unwanted {
			parent := cmp.Or(at[f.Table], v.name(f.Table))
			all = append(all, key{bounded(f.Name) + " of " + v.name(t.Source.Name), "the rows of " + parent + " are no longer migrated"})
		}
	}
	return grouped(len(all), func(i int) (string, string) { return all[i].name, all[i].reason })
}

// question says before somebody says yes what would be lost by it; "" where nothing is.
func (f Fates) Question() string {
	var parts []string
	say := func(what string, names []string) {
		if len(names) > 0 {
			parts = append(parts, fmt.Sprintf("%s %s: %s.", Count(len(names), "table"), what, strings.Join(names, ", ")))
		}
	}
	say("not created by this migration will be dropped, with all rows", f.Foreign)
	say("created by this migration will be dropped, with all rows", f.own)
	say("will be emptied", f.emptied)
	for _, g := range f.keys {
		parts = append(parts, Count(len(g.names), "foreign key")+" will be dropped: "+g.String()+".")
	}
	return strings.Join(parts, "\n")
}

// group is tables that one reason is given for.
type group struct {
	reason string
	names  []string
}

func (g group) String() string {
	names := strings.Join(g.names, ", ")
	if g.reason == plan.NotAskedFor {
		// Who asked for one table of a hundred thousand knows of the others.
		names = Some(g.names, Listed, ", ")
	}
	if g.reason == "" {
		return names
	}
	return names + " (" + g.reason + ")"
}

// grouped puts tables of one reason together, in the order of the first.
func grouped(n int, at func(i int) (name, reason string)) []group {
	var out []group
	place := map[string]int{}
	for i := range n {
		name, reason := at(i)
		j, known := place[reason]
		if !known {
			j = len(out)
			place[reason] = j
			out = append(out, group{reason: reason})
		}
		out[j].names = append(out[j].names, name)
	}
	return out
}

// leftOut groups the tables that are no part of the plan by the reason why.
func (v Plan) leftOut() []group {
	return grouped(len(v.LeftOut), func(i int) (string, string) { return v.name(v.LeftOut[i].Table), v.LeftOut[i].Reason })
}

// withoutRows groups the tables that are made and get no rows.
func (v Plan) withoutRows() []group {
	var tables []*plan.Table
	for _, t := range v.Tables {
		if t.Action == plan.Structure {
			tables = append(tables, t)
		}
	}
	return grouped(len(tables), func(i int) (string, string) { return v.name(tables[i].Source.Name), tables[i].Reason })
}
