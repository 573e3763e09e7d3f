package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/structure"
)

// addSchemas lists the schemas, types and sequences that come before the tables. While a
// run is unfinished, sequences that no column owns are raised again: no mark says that they were.
// So are those that are behind.
func (p *draft) addSchemas(o *Observation, ds []*decision, unfinished bool) {
	creates, typed := false, false
	for _, d := range ds {
		// Types are compared under the lock wherever rows go into columns of theirs.
		typed = typed || (d.create || d.copies()) && slices.ContainsFunc(d.mapped.Columns, func(c catalog.Column) bool { return c.UserType != nil })
		if !d.create {
			continue
		}
		creates = true
		if o.Limits.Schemas && !slices.Contains(p.Schemas, d.target.Schema) {
			p.Schemas = append(p.Schemas, d.target.Schema)
		}
	}
	slices.Sort(p.Schemas)
	if o.Source.Engine != o.Target.Engine {
		return
	}
	if typed {
		p.Types = slices.Clone(o.Types)
	}
	for _, s := range wantedBesides(o).Sequences {
		if creates || unfinished || len(structure.Sequences([]catalog.Sequence{s}, o.Target.Sequences)) > 0 {
			p.Sequences = append(p.Sequences, s)
		}
	}
}

// notMigrated lists by name what exists on the source and is not migrated.
func notMigrated(spec *desired.Spec, o *Observation, ds []*decision) []catalog.Object {
	out := append(slices.Clone(o.Source.NotMigrated), leftBehind(spec, o, ds)...)
	travels := make(map[string]bool)
	for _, q := range o.Source.Sequences {
		travels[q.Name.String()] = true
	}
	for _, t := range o.Source.Tables {
		for _, c := range t.Columns {
			if c.Sequence != nil {
				travels[c.Sequence.Name.String()] = true
			}
		}
	}
	for _, d := range ds {
		for _, x := range d.source.NotMigrated {
			if x.Kind == catalog.DrawnSequence && travels[x.Name] {
				continue
			}
			name := tableID(d.source.Name)
			if x.Name != "" {
				name += ": " + x.Name
			}
			x.Name = name
			out = append(out, x)
		}
	}
	if o.Source.Engine != o.Target.Engine {
		for _, s := range o.Source.Sequences {
			out = append(out, catalog.Object{Kind: "sequence", Name: s.Name.String(), Reason: "no column owns it, and the target is a different engine"})
		}
	}
	slices.SortStableFunc(out, func(a, b catalog.Object) int {
		return strings.Compare(a.Kind+"\x00"+a.Name, b.Kind+"\x00"+b.Name)
	})
	return out
}

// leftOut lists the source's tables that are no part of the plan.
func leftOut(o *Observation, a *assignment, opts Options) []plan.LeftOut {
	out := slices.Clone(a.left)
	for _, t := range a.tables {
		if !selected(opts.Tables, o.Source.Schema, t.source.Name) {
			out = append(out, plan.LeftOut{Table: t.source.Name, Reason: plan.NotAskedFor})
		}
	}
	slices.SortFunc(out, func(a, b plan.LeftOut) int { return a.Table.Compare(b.Table) })
	return out
}

// others lists the target's tables that the plan never touches.
func others(o *Observation, a *assignment, k *kept) []catalog.Name {
	ours := make(map[catalog.Name]bool, len(a.tables))
	for _, t := range a.tables {
		ours[fold(t.target, o.Limits)] = true
	}
	for _, e := range k.tables {
		if e.Entry != nil {
			ours[fold(e.Entry.Target, o.Limits)] = true
		}
	}
	var out []catalog.Name
	for _, t := range o.Target.Tables {
		if !ours[fold(t.Name, o.Limits)] {
			out = append(out, t.Name)
		}
	}
	return out
}

// total fills in the last lines of every view.
func (p *draft) total(pace *pace, ds []*decision) {
	t := &p.Totals
	t.Tables = len(ds)
	for _, x := range p.Tables {
		switch x.Action {
		case plan.Reload, plan.Restart:
			t.Reload++
		case plan.Keep:
			t.Unchanged++
		}
		if x.Create {
			t.Create++
		}
		if x.Action == plan.Keep || x.Action == plan.Forget {
			continue
		}
		for _, k := range x.Packages {
			if !k.In {
				t.Packages++
				t.Rows += max(0, k.Rows)
				t.Bytes += max(0, k.Bytes)
			}
		}
	}
	t.Seconds, t.LongestPath = duration(p.Steps, p.Processes)
	t.EstimateFrom = pace.explain(pace.known(ds))
}

// pluralTables prints a count of tables with their names.
func pluralTables[T fmt.Stringer](names []T) string {
	return count(len(names), "table") + ": " + list(names)
}
