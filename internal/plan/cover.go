package plan

import (
	"fmt"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// cover refuses a plan whose steps do not do what its tables say: apply carries out steps
// and reports on tables, so one that is in none of them would be forgotten.
func cover(p *Plan) error {
	c := &coverage{
		tables:   make(map[catalog.Name]*Table, len(p.Tables)),
		packages: map[string]*Table{},
		steps:    map[string]*Step{},
		done:     map[Kind]map[catalog.Name]string{},
		copies:   map[string]string{},
	}
	if err := c.learn(p); err != nil {
		return err
	}
	for _, s := range p.Steps {
		if err := c.step(s); err != nil {
			return err
		}
	}
	if len(p.Steps) == 0 {
		return c.nothing(p)
	}
	c.looks = 64*(len(p.Steps)+len(p.Tables)+len(c.packages)) + 1000
	for _, t := range p.Tables {
		if err := c.table(t); err != nil {
			return err
		}
	}
	return c.end(p)
}

// coverage is what the steps of a plan do.
type coverage struct {
	tables   map[catalog.Name]*Table
	packages map[string]*Table
	steps    map[string]*Step
	done     map[Kind]map[catalog.Name]string // kind to table to a step's id
	copies   map[string]string                // package to its step's id
	// looks is how many steps may still be looked at to see that one comes after another: a
	// planner's have theirs close by, and a plan of a forger is not to take for ever.
	looks int
}

func (c *coverage) learn(p *Plan) error {
	for _, t := range p.Tables {
		if c.tables[t.Source.Name] != nil {
			return fmt.Errorf("table %s appears twice", t.Source.Name)
		}
		c.tables[t.Source.Name] = t
		for _, k := range t.Packages {
			if c.packages[k.ID] != nil {
				return fmt.Errorf("package %s appears twice", k.ID)
			}
			c.packages[k.ID] = t
		}
	}
	return nil
}

// step notes what a step does, and refuses what it does to tables or packages of no plan.
func (c *coverage) step(s *Step) error {
	c.steps[s.ID] = s
	switch s.Kind {
	case StepSchemas,
		StepDrop,
		StepCreate,
		StepDropForeignKey,
		StepEmpty,
		StepCopy,
		StepKey,
		StepIndex,
		StepForeignKey,
		StepSequence,
		StepForget,
		StepVerify,
		StepClose:
	default:
		return fmt.Errorf("step %s is of an unknown kind", s.ID)
	}
	about := map[*Table]bool{}
	for _, n := range s.Tables {
		t := c.tables[n]
		if t == nil {
			return fmt.Errorf("step %s refers to %s, which is not a table of the plan", s.ID, n)
		}
		about[t] = true
		if c.done[s.Kind] == nil {
			c.done[s.Kind] = map[catalog.Name]string{}
		}
		c.done[s.Kind][n] = s.ID
		switch {
		case s.Kind == StepDrop && !t.drops():
			return fmt.Errorf("step %s drops %s, which must not be dropped", s.ID, n)
		case s.Kind == StepForget && t.Action != Forget:
			return fmt.Errorf("step %s forgets %s, which must not be forgotten", s.ID, n)
		case s.Kind == StepEmpty && (t.Action == Keep || t.Action == Resume || t.Action == Forget):
			return fmt.Errorf("step %s empties %s, whose rows must be kept", s.ID, n)
		}
	}
	for _, id := range s.Packages {
		t := c.packages[id]
		if s.Kind != StepCopy || t == nil || !about[t] {
			return fmt.Errorf("step %s has the package %s, which belongs to none of its tables", s.ID, id)
		}
		if c.copies[id] != "" {
			return fmt.Errorf("package %s is copied twice", id)
		}
		c.copies[id] = s.ID
	}
	return nil
}

// nothing refuses tables that are to be changed by a plan without a step.
func (c *coverage) nothing(p *Plan) error {
	for _, t := range p.Tables {
		if t.Create || t.drops() || t.Action.Copies() {
			return fmt.Errorf("no step creates or copies table %s", t.Source.Name)
		}
	}
	return nil
}

// drops says whether a table of the target goes for the sake of t: the one of its name, or its predecessor.
func (t *Table) drops() bool { return t.Drop || t.Predecessor != nil }

// table refuses a table that some step should be about and none is, or in the wrong order.
func (c *coverage) table(t *Table) error {
	n := t.Source.Name
	missing := func(kind Kind) error { return fmt.Errorf("no %s step refers to table %s", kind, n) }
	var first []string // what comes before rows
	for _, kind := range []Kind{StepDrop, StepEmpty, StepCreate} {
		if id := c.done[kind][n]; id != "" {
			first = append(first, id)
		}
	}
	switch {
	case t.drops() && c.done[StepDrop][n] == "":
		return missing(StepDrop)
	case t.Create && c.done[StepCreate][n] == "":
		return missing(StepCreate)
	case (t.Action == Reload || t.Action == Restart) && len(first) == 0:
		return missing(StepEmpty)
	case t.Action == Forget && c.done[StepForget][n] == "":
		return missing(StepForget)
	case t.Action.Copies() && t.Verify != LevelNone && c.done[StepVerify][n] == "":
		return missing(StepVerify)
	}
	var copies []string
	for _, k := range t.Packages {
		id := c.copies[k.ID]
		if id == "" && !k.In && t.Action.Copies() {
			return fmt.Errorf("no step copies package %s", k.ID)
		}
		if id != "" {
			copies = append(copies, id)
			if err := c.after(id, first); err != nil {
				return err
			}
		}
	}
	if verify := c.done[StepVerify][n]; verify != "" {
		return c.after(verify, copies)
	}
	return nil
}

// after refuses a step that does not come after all of the others by what it needs.
func (c *coverage) after(id string, others []string) error {
	if len(others) == 0 {
		return nil
	}
	seen := map[string]bool{id: true}
	for todo := []string{id}; len(todo) > 0; {
		if c.looks--; c.looks < 0 {
			return fmt.Errorf("its steps depend on each other in an impossible way")
		}
		s := c.steps[todo[len(todo)-1]]
		todo = todo[:len(todo)-1]
		for _, n := range s.Needs {
			if !seen[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	for _, o := range others {
		if !seen[o] {
			return fmt.Errorf("step %s does not come after %s", id, o)
		}
	}
	return nil
}

// end refuses a plan that does not close what it does, or closes too early. One of some
// tables only, which --table asked for, closes nothing.
func (c *coverage) end(p *Plan) error {
	closing, needed := "", map[string]bool{}
	for _, s := range p.Steps {
		for _, n := range s.Needs {
			needed[n] = true
		}
		if s.Kind == StepClose {
			if closing != "" {
				return fmt.Errorf("step %s closes a second time", s.ID)
			}
			closing = s.ID
		}
	}
	if closing == "" && !p.Partial {
		return fmt.Errorf("no step closes the migration")
	}
	for _, s := range p.Steps {
		if closing != "" && s.ID != closing && !needed[s.ID] {
			return fmt.Errorf("step %s is not a prerequisite of %s", s.ID, closing)
		}
	}
	return nil
}
