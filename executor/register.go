package executor

import (
	"context"
	"fmt"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// register writes what this run is about to make into the ledger, before it makes
// it: a crash in between leaves tables that the ledger knows as ours.
func (r *run) register(ctx context.Context) error {
	var again []catalog.Name // recreated tables begin anew
	r.mu.Lock()
	for _, t := range r.order {
		if t.plan.Drop && t.known && t.row.Serial != r.led.Serial {
			again = append(again, t.plan.Source.Name)
			t.known, t.in = false, make(map[string]ledger.Loaded)
		}
	}
	change := r.registration()
	r.mu.Unlock()
	r.d.before(PointRegister)
	if len(again) > 0 {
		if err := r.record(ctx, ledger.Change{RemoveTables: again}); err != nil {
			return fmt.Errorf("record recreated tables: %w", err)
		}
	}
	if err := r.record(ctx, change); err != nil {
		return fmt.Errorf("record the plan: %w", err)
	}
	return nil
}

// registration is the run with its tables and packages.
func (r *run) registration() ledger.Change {
	led := r.led
	c := ledger.Change{Run: &led}
	for _, t := range r.order {
		if t.plan.Action == plan.Forget || t.plan.Target == nil {
			continue
		}
		if !t.known {
			t.row = ledger.Table{
				Migration: r.p.Migration, Source: t.plan.Source.Name, Target: t.plan.Target.Name,
				Structure: t.plan.SourceStructure, Count: -1, State: ledger.Planned, Serial: r.led.Serial,
				Created: t.plan.Create || t.plan.Drop,
			}
			t.known = true
			t.count = -1
			c.Tables = append(c.Tables, t.row)
		}
		if !t.copied() || isComplete(t.row.State) && !r.planEmpties(t) {
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
