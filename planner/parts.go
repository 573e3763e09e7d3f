package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/structure"
)

// compare holds the target's table against the one that is wanted, part by part.
func (j *judge) compare(d *decision) []structure.Difference {
	if d.found == nil {
		return nil
	}
	how := structure.Options{
		Same: j.o.Source.Engine == j.o.Target.Engine, IgnoreCase: j.o.Limits.IgnoreCase,
		Foreign: d.Entry == nil || !d.Entry.Created,
	}
	d.behind = len(structure.Positions(d.source, d.mapped, d.found, how)) > 0
	return structure.Compare(d.mapped, d.found, how)
}

// lacks says whether the table still needs its part of that name: it is one of the kinds,
// and missing, or the table itself comes into being.
func (d *decision) lacks(name string, kinds ...string) bool {
	if d.create || d.found == nil {
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
	if d.found == nil || d.create || d.drop {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(d.parts), structure.Difference.Made)
}

// amissBesides lists types and free sequences of the target that are other ones than those
// wanted, which no step alters.
func amissBesides(o *Observation) []structure.Difference {
	w := wantedBesides(o)
	return slices.DeleteFunc(append(structure.Types(w.Types, o.Target.Types), structure.Sequences(w.Sequences, o.Target.Sequences)...), structure.Difference.Made)
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
	return strings.Join(parts, "; ") + ". Set it right on the target, or have the table made and copied again with --reload."
}
