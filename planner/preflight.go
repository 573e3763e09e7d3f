package planner

import (
	"context"
	"fmt"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// Finding is what a side's preflight found: what keeps an apply from starting, or what a reviewer should know.
type Finding struct {
	Side string `json:"side"` // "source" or "target"
	providers.Finding
}

// preflight asks both sides for what apply would refuse, so that who reviews the plan
// learns of it and not who carries it out. A plan without changes needs nothing.
func (o *Observation) preflight(ctx context.Context, sides Sides, ds []*decision) error {
	var source, target []*catalog.Table
	changes := false
	for _, d := range ds {
		changes = changes || d.action != plan.Keep
		source = append(source, d.source)
		if d.action != plan.Keep { // what others do with a table that is done is no business of a run
			target = append(target, d.mapped)
		}
	}
	if !changes {
		return nil
	}
	if sides.Source != nil {
		if err := o.look(ctx, "source", sides.Source, source); err != nil {
			return err
		}
	}
	if sides.Target != nil {
		return o.look(ctx, "target", sides.Target, target)
	}
	return nil
}

func (o *Observation) look(ctx context.Context, side string, db providers.Database, tables []*catalog.Table) error {
	found, err := db.Preflight(ctx, tables)
	if err != nil {
		return fmt.Errorf("check the %s: %w", side, err)
	}
	for _, f := range found {
		switch {
		case f.Stop:
			o.Blocking = append(o.Blocking, Finding{side, f})
		case f.Review:
			o.Noted = append(o.Noted, Finding{side, f})
		}
	}
	return nil
}

// blockingErrors are for where planning itself has failed for the same reason.
func (o *Observation) blockingErrors() diag.Diagnostics {
	var out diag.Diagnostics
	for _, u := range o.Blocking {
		out = append(out, diag.Error(u.id(diag.SourceNotFit, diag.TargetNotFit), u.summary(), u.Summary+": "+u.Detail))
	}
	return out
}

// id is one of two, by side.
func (u Finding) id(source, target diag.ID) diag.ID {
	if u.Side == "source" {
		return source
	}
	return target
}

func (u Finding) summary() string {
	if u.Side == "source" {
		return "Preflight findings on the source"
	}
	return "Preflight findings on the target"
}
