package planner

import (
	"fmt"
	"slices"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/structure"
)

// keysLeft returns the keys that a table still needs. Where keys are made with the table,
// only those are left that are unique indexes.
func (g *graph) keysLeft(d *decision) []catalog.Key {
	return slices.DeleteFunc(catalog.KeysOf(d.mapped), func(k catalog.Key) bool {
		return g.o.Limits.InlineKeys && !k.Index || !d.lacks(k.Name, structure.PrimaryKey, structure.UniqueKey, structure.UniqueIndex)
	})
}

// indexesLeft returns the secondary indexes that a table still needs.
func (g *graph) indexesLeft(d *decision) []catalog.Index {
	return slices.DeleteFunc(slices.Clone(d.mapped.Indexes), func(x catalog.Index) bool {
		return !d.lacks(x.Name, structure.Index, structure.UniqueIndex)
	})
}

// foreignKeysLeft returns the foreign keys that a table of the target still needs.
func (g *graph) foreignKeysLeft(d *decision) []catalog.ForeignKey {
	return slices.DeleteFunc(slices.Clone(d.mapped.ForeignKeys), func(f catalog.ForeignKey) bool {
		return !d.lacks(f.Name, structure.ForeignKey)
	})
}

// refersToFresh says whether a table references one that comes into being, whose
// predecessor took the reference with it, or one that is emptied without it, or has
// references that are dropped meanwhile.
func (g *graph) refersToFresh(d *decision) bool {
	return len(d.dropForeignKeys) > 0 ||
		slices.ContainsFunc(d.mapped.ForeignKeys, func(f catalog.ForeignKey) bool { return f.Table != d.target && g.fresh[f.Table] })
}

// references adds foreign keys: each waits for the rows and keys of both its tables.
func (g *graph) references(b *bundle) {
	s := &plan.Step{ID: plan.StepForeignKey.ID(b.id), Phase: plan.Finalize, Kind: plan.StepForeignKey}
	again := false
	for _, d := range b.tables {
		if !g.refers(d) || !g.reachable(d) {
			continue
		}
		s.Tables = append(s.Tables, d.source.Name)
		s.Needs = append(s.Needs, g.made[d.target]...)
		again = again || len(d.dropForeignKeys) > 0
		for _, f := range slices.Concat(d.mapped.ForeignKeys, d.dropForeignKeys) {
			s.Needs = append(s.Needs, g.made[f.Table]...)
		}
		s.Seconds += float64(len(d.mapped.ForeignKeys)+len(d.dropForeignKeys)) * g.pace.indexSeconds(d)
	}
	if again {
		s.Reason = "existing foreign keys are recreated unchanged"
	}
	if len(s.Tables) > 0 {
		g.add(s)
	}
}

// dropForeignKeys chooses the foreign keys that the tables of others have already and that are in
// the way of rows: with them a child could not be loaded before its parent, and a table
// that refers to itself, or around a circle, not at all.
func (j *judge) dropForeignKeys(ds []*decision) {
	if j.o.Limits.InlineKeys {
		return // their loads check no references
	}
	there := make(map[catalog.Name]bool)
	for _, t := range j.o.Target.Tables {
		there[t.Name] = true
	}
	filled := make(map[catalog.Name]bool)
	for _, d := range ds {
		there[d.target] = true
		filled[d.target] = d.copies()
	}
	for _, d := range ds {
		if d.found == nil || d.create || d.drop || d.Entry != nil && d.Entry.Created {
			continue
		}
		if slices.ContainsFunc(d.mapped.ForeignKeys, func(f catalog.ForeignKey) bool { return !there[f.Table] }) {
			continue // no step makes foreign keys of this table
		}
		for _, f := range slices.Concat(d.found.ForeignKeys, d.found.Pending) {
			// One that is NOT VALID has to stay so where the source's is valid.
			if filled[f.Table] || f.Dropped || f.NotValid && (d.copies() || j.k.unfinished()) {
				d.dropForeignKeys = append(d.dropForeignKeys, f)
			}
		}
	}
}

// dropReason says why foreign keys of a bundle are dropped.
func dropReason(b *bundle) string {
	until, forGood := false, false
	for _, d := range b.tables {
		until, forGood = until || len(d.dropForeignKeys) > 0, forGood || len(d.unwantedLeft()) > 0
	}
	switch {
	case !forGood:
		return "they would block rows from being loaded before the rows that they refer to"
	case !until:
		return "the rows that they refer to are no longer migrated"
	}
	return "they would block rows from being loaded before the rows that they refer to, or refer to rows that are no longer migrated"
}

// reachable says whether all tables that a table references are there with all their rows
// once the plan is done: one that --table leaves out may be missing, or not complete.
func (g *graph) reachable(d *decision) bool {
	for _, f := range d.mapped.ForeignKeys {
		if _, planned := g.made[f.Table]; !planned && (!g.there[f.Table] || g.incomplete[f.Table]) {
			return false
		}
	}
	return true
}

// refers says whether foreign keys of a table are left to be made, or to be checked.
func (g *graph) refers(d *decision) bool {
	switch {
	case len(d.mapped.ForeignKeys)+len(d.dropForeignKeys) == 0:
		return false
	case d.create, d.copies(), g.refersToFresh(d):
		return true
	case g.o.Limits.InlineKeys:
		return false // made with the table, and checked when its rows came
	}
	return len(g.foreignKeysLeft(d)) > 0
}

// numbers says whether what generates the numbers of a table's columns is to be raised:
// always while a run is unfinished, because no mark says that it was, and where it is behind.
func (g *graph) numbers(d *decision) bool {
	return (d.action != plan.Keep || g.k.unfinished() || d.behind) &&
		slices.ContainsFunc(d.mapped.Columns, func(c catalog.Column) bool { return c.Sequence != nil || c.Identity != "" })
}

// sequences raises what generates the numbers of a table's columns.
func (g *graph) sequences(b *bundle) {
	s := &plan.Step{ID: plan.StepSequence.ID(b.id), Phase: plan.Finalize, Kind: plan.StepSequence}
	for _, d := range b.tables {
		if !g.numbers(d) {
			continue
		}
		s.Tables = append(s.Tables, d.source.Name)
		s.Needs = append(s.Needs, g.made[d.target]...)
		s.Seconds += tableSeconds
	}
	if len(s.Tables) > 0 {
		g.add(s)
	}
}

// freeSequences raises sequences that no column owns, where the bundles have no such step.
func (g *graph) freeSequences() {
	if len(g.p.Sequences) == 0 || slices.ContainsFunc(g.steps, func(s *plan.Step) bool { return s.Kind == plan.StepSequence }) {
		return
	}
	g.add(&plan.Step{ID: plan.StepSequence.ID(""), Phase: plan.Finalize, Kind: plan.StepSequence, Needs: []string{plan.StepSchemas.ID("")},
		Reason: "sequences that no column owns"})
}

// close records the migration as done, after everything else. A plan that --table
// limits leaves it open.
func (g *graph) close(ds []*decision, opts Options) {
	if len(opts.Tables) > 0 || len(g.steps) == 0 && !g.k.unfinished() && !slices.ContainsFunc(ds, (*decision).amiss) && len(amissBesides(g.o)) == 0 {
		return
	}
	needed := make(map[string]bool)
	for _, s := range g.steps {
		for _, n := range s.Needs {
			needed[n] = true
		}
	}
	s := &plan.Step{ID: plan.StepClose.ID(""), Phase: plan.Postprocess, Kind: plan.StepClose, Seconds: stepSeconds}
	for _, before := range g.steps {
		if !needed[before.ID] {
			s.Needs = append(s.Needs, before.ID)
		}
	}
	switch {
	case len(g.steps) > 0:
	case g.k.unfinished():
		s.Reason = fmt.Sprintf("every step of plan %s is done", g.k.run.Plan)
	default:
		s.Reason = "tables on the target differ from what was planned, and no step corrects that"
	}
	g.add(s)
}
