package planner

import (
	"context"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/lang/diag"
)

// Appeared lists the tables that the spec carries now and that a saved plan does not know:
// they were made on the source since. It reads the source's catalog. Diagnostics are as of Observe.
func Appeared(ctx context.Context, spec *desired.Spec, sides Sides, p *plan.Plan) ([]catalog.Name, diag.Diagnostics, error) {
	o := &Observation{Target: &catalog.Catalog{Engine: spec.Target.Type}, Limits: sides.TargetDriver.Limits}
	if err := o.readSource(ctx, spec, sides); err != nil {
		return nil, nil, err
	}
	a, ds := assign(spec, o)
	if ds.HasErrors() {
		return nil, ds, nil
	}
	known := make(map[catalog.Name]bool, len(p.Tables)+len(p.LeftOut))
	for _, t := range p.Tables {
		known[t.Source.Name] = true
	}
	for _, l := range p.LeftOut {
		known[l.Table] = true
	}
	var out []catalog.Name
	for _, t := range a.tables {
		if !known[t.source.Name] {
			out = append(out, t.source.Name)
		}
	}
	return out, nil, nil
}
