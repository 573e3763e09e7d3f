package planner

import (
	"context"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/lang/diag"
)

// Outdated says in what a saved plan no longer fits the source, as clauses for people: tables
// that the spec carries now and the plan does not know, and tables that it keeps and that
// have another structure by now. One that it copies is compared when its copy begins. It
// reads the source's catalog. Diagnostics are as of Observe.
func Outdated(ctx context.Context, spec *desired.Spec, sides Sides, p *plan.Plan) ([]string, diag.Diagnostics, error) {
	o := &Observation{Target: &catalog.Catalog{Engine: spec.Target.Type}, Limits: sides.TargetDriver.Limits}
	if err := o.readSource(ctx, spec, sides); err != nil {
		return nil, nil, err
	}
	a, ds := assign(spec, o)
	if ds.HasErrors() {
		return nil, ds, nil
	}
	known := make(map[catalog.Name]*plan.Table, len(p.Tables)+len(p.LeftOut))
	for _, t := range p.Tables {
		known[t.Source.Name] = t
	}
	for _, l := range p.LeftOut {
		known[l.Table] = nil
	}
	var added, altered []catalog.Name
	for _, t := range a.tables {
		planned, there := known[t.source.Name]
		switch {
		case !there:
			added = append(added, t.source.Name)
		case planned != nil && planned.Action == plan.Keep && planned.SourceStructure != t.source.StructureDigest():
			altered = append(altered, t.source.Name)
		}
	}
	var out []string
	if len(added) > 0 {
		out = append(out, "it does not know "+pluralTables(added))
	}
	if len(altered) > 0 {
		out = append(out, "the structure changed on the source of "+pluralTables(altered))
	}
	return out, nil, nil
}
