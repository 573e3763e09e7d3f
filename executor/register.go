package executor

import (
	"context"
	"fmt"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// register writes what this run is about to do into the ledger, before it does it, in one
// transaction: the plan's packages, and which tables have to be emptied first. However the
// run ends, what is left of it is known from there.
func (r *run) register(ctx context.Context) error {
	r.mu.Lock()
	change := r.registration()
	r.progress.adopt(r.order)
	r.mu.Unlock()
	r.d.before(PointRegister)
	if err := r.record(ctx, change); err != nil {
		return fmt.Errorf("record the plan: %w", err)
	}
	return nil
}

// registration is the run with its tables and packages. The caller holds mu.
func (r *run) registration() ledger.Change {
	led := r.led
	c := ledger.Change{Run: &led}
	for _, t := range r.order {
		if t.plan.Action == plan.Forget || t.plan.Target == nil {
			continue
		}
		if t.gone && t.known {
			c.RemoveTables = append(c.RemoveTables, t.plan.Source.Name)
			t.known, t.in = false, nil
		}
		asked := r.ask(t)
		if asked {
			c.Tables = append(c.Tables, t.row)
		}
		if !asked && (!t.copied() || left.Complete(t.row.State)) {
			continue
		}
		c.RemovePackages = append(c.RemovePackages, t.plan.Source.Name)
		for _, p := range t.plan.Packages {
			c.Packages = append(c.Packages, ledger.Package{
				Migration: r.p.Migration, ID: p.ID, Source: t.plan.Source.Name, Range: p.Range, Generation: p.Generation,
			})
		}
	}
	return c
}

// ask makes a table's ledger row ask for what the plan is about to do, and says whether it
// changed: a table that is new to the ledger, another edition of one that is not, or another
// name for one of which there is nothing yet.
func (r *run) ask(t *table) bool {
	switch {
	case !t.known:
		t.row = ledger.Table{
			Migration: r.p.Migration, Source: t.plan.Source.Name, Target: t.plan.Target.Name,
			Structure: t.plan.SourceStructure, Count: -1, State: ledger.Planned, Serial: r.led.Serial, Edition: t.plan.Edition,
		}
		t.known, t.count = true, -1
	case t.plan.Edition > t.row.Edition:
		t.row.Edition, t.row.State, t.row.Serial = t.plan.Edition, ledger.Emptying, r.led.Serial
	case t.nothing() && t.row.Target != t.plan.Target.Name:
		t.row.Target = t.plan.Target.Name
	case t.copied() || t.row.Structure == t.plan.SourceStructure:
		return false
	}
	if !t.copied() { // a copy says what it was made from when it begins
		t.row.Structure = t.plan.SourceStructure
	}
	return true
}
