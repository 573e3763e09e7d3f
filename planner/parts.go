package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/structure"
)

// compare holds the target's table against the one that is wanted, part by part.
func (j *judge) compare(d *decision) {
	if d.found == nil {
		return
	}
	how := structure.Options{
		Same: j.o.Source.Engine == j.o.Target.Engine, IgnoreCase: j.o.Limits.IgnoreCase,
		Foreign: d.Entry == nil || !d.Entry.Created,
	}
	d.behind = len(structure.Positions(d.source, d.mapped, d.found, how)) > 0
	d.parts = structure.Compare(d.mapped, d.found, how)
	d.unwanted = j.unwanted(d)
	d.misplaced = j.misplaced(d)
	if !j.o.Limits.InlineKeys {
		d.parts = slices.DeleteFunc(d.parts, func(x structure.Difference) bool {
			return x.Part == structure.ForeignKey && slices.ContainsFunc(d.unwanted, func(f catalog.ForeignKey) bool { return f.Name == x.Name })
		})
	}
}

// unwanted lists foreign keys that dmoctl made with a table of its own and that the spec no
// longer migrates, because the tables that they refer to lose their rows or are left out.
func (j *judge) unwanted(d *decision) []catalog.ForeignKey {
	var out []catalog.ForeignKey
	for _, x := range d.parts {
		if x.Part != structure.ForeignKey || x.Kind != structure.Extra {
			continue
		}
		for _, f := range d.found.ForeignKeys {
			if f.Name == x.Name && j.migrated(d, f) {
				out = append(out, f)
			}
		}
	}
	return out
}

// misplaced lists foreign keys that can only be made with a table of dmoctl's own, and that were:
// for another place of the table that they refer to, or before that one was left out.
func (j *judge) misplaced(d *decision) []catalog.ForeignKey {
	if !j.o.Limits.InlineKeys || d.Entry == nil || !d.Entry.Created {
		return nil
	}
	how := catalog.Comparison{IgnoreCase: j.o.Limits.IgnoreCase}
	return slices.DeleteFunc(slices.Clone(d.found.ForeignKeys), func(f catalog.ForeignKey) bool {
		return slices.ContainsFunc(d.mapped.ForeignKeys, func(w catalog.ForeignKey) bool { return how.SameForeignKey(w, f) })
	})
}

// inline says whether a part is missing that can only be made with its table, where the target's
// keys are made so.
func (j *judge) inline(x structure.Difference) bool {
	return j.o.Limits.InlineKeys && x.Kind == structure.Missing &&
		(x.Part == structure.PrimaryKey || x.Part == structure.UniqueKey || x.Part == structure.ForeignKey)
}

// remade says why a table of dmoctl's own is made again whose keys can only be made with it, or "".
func (j *judge) remade(d *decision) string {
	missing := slices.IndexFunc(d.parts, j.inline)
	switch {
	case !j.o.Limits.InlineKeys:
	case len(d.unwanted) > 0:
		return "it refers to " + list(tablesOf(d.unwanted)) + ", whose rows are no longer migrated, and its keys can only be created with the table"
	case len(d.misplaced) > 0:
		return "it refers to " + list(tablesOf(d.misplaced)) + ", and no longer should; its keys can only be created with the table"
	case missing >= 0 && d.Entry != nil && d.Entry.Created:
		return d.parts[missing].String() + "; its keys can only be created with the table"
	}
	return ""
}

// unwantedLeft are those that a step has to drop: they do not go with the table.
func (d *decision) unwantedLeft() []catalog.ForeignKey {
	if d.create || d.drop {
		return nil
	}
	return d.unwanted
}

// tablesOf lists the tables that foreign keys refer to.
func tablesOf(keys []catalog.ForeignKey) []catalog.Name {
	var out []catalog.Name
	for _, f := range keys {
		if !slices.Contains(out, f.Table) {
			out = append(out, f.Table)
		}
	}
	return out
}

// migrated says whether a foreign key of the target is one of the source's.
func (j *judge) migrated(d *decision, f catalog.ForeignKey) bool {
	same := func(a, b string) bool { return a == b || j.o.Limits.IgnoreCase && strings.EqualFold(a, b) }
	target := make(map[string]string, len(d.source.Columns))
	for i, c := range d.source.Columns {
		if i < len(d.mapped.Columns) {
			target[c.Name] = d.mapped.Columns[i].Name
		}
	}
	return slices.ContainsFunc(d.source.ForeignKeys, func(s catalog.ForeignKey) bool {
		at, there := j.names[s.Table]
		if e := j.k.of(s.Table).Entry; e != nil {
			at, there = e.Target, true
		}
		return there && fold(at, j.o.Limits) == fold(f.Table, j.o.Limits) &&
			slices.EqualFunc(s.Columns, f.Columns, func(from, to string) bool { return same(target[from], to) })
	})
}

// lacks says whether the table still needs its part of that name: it is one of the kinds,
// and missing, or the table itself comes into being.
func (d *decision) lacks(name string, kinds ...string) bool {
	if d.create || !d.stands() {
		return true
	}
	return slices.ContainsFunc(d.parts, func(x structure.Difference) bool {
		return x.Kind == structure.Missing && x.Name == name && slices.Contains(kinds, x.Part)
	})
}

// amiss says whether a table that stays is not as it was asked for in a way that no step
// makes good: a changed default, a unique key too many.
func (d *decision) amiss() bool { return len(d.amissParts()) > 0 }

func (d *decision) amissParts() []structure.Difference {
	if !d.stands() || d.create || d.drop {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(d.parts), structure.Difference.Made)
}

// amissBesides lists types and free sequences of the target that are other ones than those
// wanted, which no step alters.
func amissBesides(o *Observation) []structure.Difference {
	w := wantedBesides(o)
	return slices.DeleteFunc(
		append(structure.Types(w.Types, o.Target.Types), structure.Sequences(w.Sequences, o.Target.Sequences)...),
		structure.Difference.Made,
	)
}

// amissTables lists, for a warning, what is not as it was asked for and stays so.
func amissTables(o *Observation, ds []*decision) string {
	var parts []string
	for _, x := range amissBesides(o) {
		parts = append(parts, x.String())
	}
	for _, d := range ds {
		if d.action != plan.Keep || !d.amiss() {
			continue
		}
		for _, x := range d.amissParts() {
			parts = append(parts, d.target.String()+": "+x.String())
		}
	}
	if len(parts) == 0 {
		return ""
	}
	if n := len(parts) - namesListed; n > 0 {
		parts = append(parts[:namesListed], fmt.Sprintf("and %d more", n))
	}
	return strings.Join(parts, "; ") + ". Correct this on the target, or have the table created and copied again with --reload."
}
