package planner

import "github.com/dmoctl/dmoctl/internal/plan"

// wantedBesides lists the types and free sequences that the target shall have in the end.
func wantedBesides(o *Observation) plan.Wanted {
	if o.Source.Engine != o.Target.Engine {
		return plan.Wanted{}
	}
	w := plan.Wanted{Types: o.Types}
	for _, s := range o.Source.Sequences {
		s.Name = targetName(s.Name, o)
		w.Sequences = append(w.Sequences, s)
	}
	return w
}
