package planner

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// autoGroup is the group of every table where the spec has no table_group.
const autoGroup = "all"

// assigned is one table of the source that the migration includes.
type assigned struct {
	source *catalog.Table
	target catalog.Name
	group  string
	split  catalog.SplitSpec
	// structure: the table is made, its rows stay behind. why is the spec's reason.
	structure bool
	why       string
}

// assignment is what the spec makes of the source's tables.
type assignment struct {
	tables []assigned                    // by source name
	names  map[catalog.Name]catalog.Name // source to target, for foreign keys
	left   []plan.LeftOut                // by source name
}

// matcher finds the first of several pattern lists that takes a table. Exact names
// are looked up, so that lists of thousands of names cost nothing a table.
type matcher struct {
	schema string
	exact  map[catalog.Name]int
	globs  []listedGlob
}

type listedGlob struct {
	list    int
	pattern desired.Pattern
	matched bool
}

func newMatcher(schema string, lists [][]desired.Pattern) *matcher {
	m := &matcher{schema: schema, exact: make(map[catalog.Name]int)}
	for i, list := range lists {
		for _, p := range list {
			if !p.Exact {
				m.globs = append(m.globs, listedGlob{list: i, pattern: p})
				continue
			}
			if _, taken := m.exact[p.Table(schema)]; !taken {
				m.exact[p.Table(schema)] = i
			}
		}
	}
	return m
}

// find returns the index of the first list that takes the table, or -1.
func (m *matcher) find(n catalog.Name) int {
	best := -1
	if i, ok := m.exact[n]; ok {
		best = i
	}
	for i := range m.globs {
		g := &m.globs[i]
		better := best < 0 || g.list < best
		if (better || !g.matched) && g.pattern.Match(m.schema, n) {
			g.matched = true
			if better {
				best = g.list
			}
		}
	}
	return best
}

// assign gives every table of the source its group, its exclusion and its target name.
func assign(spec *desired.Spec, o *Observation) (*assignment, diag.Diagnostics) {
	groups, excludes := newMatcher(o.Source.Schema, groupLists(spec)), newMatcher(o.Source.Schema, excludeLists(spec))
	a := &assignment{names: make(map[catalog.Name]catalog.Name)}
	known := make(map[catalog.Name]bool, len(o.Source.Tables))
	outside := make(map[catalog.Name]bool) // what can be excluded, too, though it is not a table of the catalog
	var unassigned []catalog.Name
	for _, t := range o.Source.Tables {
		known[t.Name] = true
		for _, c := range t.Children {
			outside[c.Name] = true
		}
		out, in := excludes.find(t.Name), groups.find(t.Name)
		own := t.Schema == o.Source.Schema
		next := assigned{source: t}
		switch {
		case out >= 0:
			if spec.Excludes[out].Content != desired.ContentStructure {
				a.left = append(a.left, plan.LeftOut{Table: t.Name, Reason: whyLeftOut(spec.Excludes[out])})
				continue
			}
			next.group, next.structure, next.why = spec.Excludes[out].Name, true, spec.Excludes[out].Reason
		case in >= 0:
			next.group, next.split = spec.Groups[in].Name, spec.Groups[in].Split
		case own && len(spec.Groups) == 0:
			next.group, next.split = autoGroup, catalog.SplitSpec{By: catalog.ByAuto}
		case own:
			unassigned = append(unassigned, t.Name)
			continue
		default:
			// The spec takes tables of another schema only by name.
			a.left = append(a.left, plan.LeftOut{Table: t.Name, Reason: "no table_group includes it, and it is not in the source's own schema"})
			continue
		}
		a.tables = append(a.tables, next)
	}
	if len(o.Source.Tables) == 0 {
		return a, diag.Diagnostics{emptySource(spec, o)}
	}
	ds := unmatched(groups, patternsOf(groupLists(spec)), known)
	maps.Copy(outside, known)
	for n := range outside {
		excludes.find(n)
	}
	ds = append(ds, unmatched(excludes, patternsOf(excludeLists(spec)), outside)...)
	if len(unassigned) > 0 {
		ds = append(ds, unassignedTables(unassigned))
	}
	ds = append(ds, a.nameTargets(spec, o, known)...)
	return a, append(ds, unmatchedExceptions(spec, a, o.Source.Schema)...)
}

func whyLeftOut(e desired.Exclude) string {
	if e.Reason == "" {
		return fmt.Sprintf("exclude %q", e.Name)
	}
	return fmt.Sprintf("exclude %q: %s", e.Name, e.Reason)
}

func groupLists(spec *desired.Spec) [][]desired.Pattern {
	out := make([][]desired.Pattern, 0, len(spec.Groups))
	for _, g := range spec.Groups {
		out = append(out, g.Tables)
	}
	return out
}

func excludeLists(spec *desired.Spec) [][]desired.Pattern {
	out := make([][]desired.Pattern, 0, len(spec.Excludes))
	for _, e := range spec.Excludes {
		out = append(out, e.Tables)
	}
	return out
}

func patternsOf(lists [][]desired.Pattern) []desired.Pattern { return slices.Concat(lists...) }

// nameTargets gives each table its name on the target.
func (a *assignment) nameTargets(spec *desired.Spec, o *Observation, known map[catalog.Name]bool) diag.Diagnostics {
	var ds diag.Diagnostics
	renames := make(map[catalog.Name]desired.Rename, len(spec.Renames))
	for _, r := range spec.Renames {
		from := r.Table.Table(o.Source.Schema)
		if !known[from] {
			ds = append(ds, unknownTable(r.Table, from))
		}
		renames[from] = r
	}
	taken := make(map[catalog.Name]catalog.Name, len(a.tables))
	for i := range a.tables {
		t := &a.tables[i]
		t.target = targetName(t.source.Name, o)
		r, renamed := renames[t.source.Name]
		if renamed {
			t.target = r.To.Table(o.Target.Schema)
			if r.To.Schema != "" && !o.Limits.Schemas {
				ds = append(ds, at(diag.Error(diag.NoSchemas, "Target has no schemas",
					fmt.Sprintf("The rename of %s names a schema, but tables of %s have none. Write only the table's name.",
						t.source.Name, spec.Target.Address())), r.At))
			}
		}
		place := fold(t.target, o.Limits)
		if other, ok := taken[place]; ok {
			ds = append(ds, collision(other, t.source.Name, t.target))
			continue
		}
		taken[place] = t.source.Name
		a.names[t.source.Name] = t.target
	}
	return ds
}

// fold returns what the target compares names by.
func fold(n catalog.Name, limits providers.Limits) catalog.Name {
	if !limits.IgnoreCase {
		return n
	}
	lower := func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}
	return catalog.Name{Schema: strings.Map(lower, n.Schema), Name: strings.Map(lower, n.Name)}
}

// targetName is a table's name on the target where no rename says otherwise: tables
// of the source's own schema go into the target's own.
func targetName(n catalog.Name, o *Observation) catalog.Name {
	if n.Schema == o.Source.Schema || !o.Limits.Schemas {
		return catalog.Name{Schema: o.Target.Schema, Name: n.Name}
	}
	return n
}

// checkSchemas refuses what cannot be read: schemas are asked for by name.
func checkSchemas(spec *desired.Spec) diag.Diagnostics {
	var ds diag.Diagnostics
	for _, p := range patternsOf(append(groupLists(spec), excludeLists(spec)...)) {
		exact := p
		exact.Name = "x"
		if p.Schema == "" || desired.Escape(exact.Table("").Schema) == p.Schema {
			continue
		}
		ds = append(ds, at(diag.Error(diag.SchemaWildcard, "Wildcard in a schema name",
			fmt.Sprintf("%q has a wildcard before its dot. Schemas are read by exact name: write one entry for each schema.", p.Text)), p.At))
	}
	return ds
}

// namedSchemas lists the schemas that patterns name, sorted.
func namedSchemas(spec *desired.Spec) []string {
	var out []string
	add := func(p desired.Pattern) {
		if p.Schema != "" {
			out = append(out, p.Table("").Schema)
		}
	}
	for _, p := range patternsOf(append(groupLists(spec), excludeLists(spec)...)) {
		add(p)
	}
	for _, r := range spec.Renames {
		add(r.Table)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
