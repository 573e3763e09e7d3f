package executor

import (
	"context"
	"fmt"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// register writes what this run is about to do into the ledger, before it does it, in one
// transaction: the plan's packages, and which tables have to be emptied first. However the
// run ends, what is left of it is known from there.
func (r opening) register(ctx context.Context) error {
	r.set.Lock()
	change := r.registration()
	r.progress.adopt(r.set.Order)
	r.set.Unlock()
	r.ctl.Before(control.PointRegister)
	if err := r.target.Record(ctx, change); err != nil {
		return fmt.Errorf("record the plan: %w", err)
	}
	return nil
}

// registration is the run with its tables and packages. The caller holds the set's lock.
func (r opening) registration() ledger.Change {
	led := r.led
	c := ledger.Change{Run: &led}
	for _, t := range r.set.Order {
		if t.Plan.Action == plan.Forget || t.Plan.Target == nil {
			continue
		}
		if t.Gone && t.Known {
			c.RemoveTables = append(c.RemoveTables, t.Plan.Source.Name)
			t.Known, t.In = false, nil
		}
		asked := r.ask(t)
		if asked {
			c.Tables = append(c.Tables, t.Row)
		}
		if !asked && (!t.Copied() || t.Row.State.Complete()) {
			continue
		}
		c.RemovePackages = append(c.RemovePackages, t.Plan.Source.Name)
		for _, p := range t.Plan.Packages {
			c.Packages = append(c.Packages, ledger.Package{
				Migration: r.p.Migration, ID: p.ID, Source: t.Plan.Source.Name, Range: p.Range, Generation: p.Generation,
			})
		}
	}
	return c
}

// ask makes a table's ledger row ask for what the plan is about to do, and says whether it
// changed: a table that is new to the ledger, another edition of one that is not, or another
// name for one of which there is nothing yet.
func (r opening) ask(t *work.Table) bool {
	switch {
	case !t.Known:
		t.Row = ledger.Table{
			Migration: r.p.Migration, Source: t.Plan.Source.Name, Target: t.Plan.Target.Name,
			Structure: t.Plan.SourceStructure, Count: -1, State: ledger.Planned, Serial: r.led.Serial, Edition: t.Plan.Edition,
		}
		t.Known = true
	case t.Plan.Edition > t.Row.Edition:
		t.Row.Edition, t.Row.State, t.Row.Serial = t.Plan.Edition, ledger.Emptying, r.led.Serial
	case t.Nothing() && t.Row.Target != t.Plan.Target.Name:
		t.Row.Target = t.Plan.Target.Name
	case t.Copied() || t.Row.Structure == t.Plan.SourceStructure:
		return false
	}
	if !t.Copied() { // a copy says what it was made from when it begins
		t.Row.Structure = t.Plan.SourceStructure
	}
	return true
}
