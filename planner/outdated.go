package planner

import (
	"context"
	"slices"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// Outdated says in what a saved plan no longer fits the source, as clauses for people: tables
// that the spec includes now and the plan does not know, tables that are gone or have another
// structure by now, and sequences of a quiet source that it does not raise and that continued.
// Not those that it copies: they are compared when their copy begins, and stop by name, while
// the others continue. It reads the source's catalog. Diagnostics are as of Observe.
func Outdated(ctx context.Context, spec *desired.Spec, sides Sides, p *plan.Plan) ([]string, diag.Diagnostics, error) {
	o := &Observation{Target: &catalog.Catalog{Engine: spec.Target.Type}, Limits: sides.TargetDriver.Limits}
	if err := o.readSource(ctx, spec, sides, &catalog.Pool{}); err != nil {
		return nil, nil, err
	}
	a, ds := assign(spec, o)
	if ds.HasErrors() {
		return nil, ds, nil
	}
	known := make(map[catalog.Name]*plan.Table, len(p.Tables)+len(p.LeftOut))
	for _, t := range p.Tables {
		if t.Action != plan.Forget {
			known[t.Source.Name] = t
		}
	}
	for _, l := range p.LeftOut {
		known[l.Table] = nil
	}
	raised := p.Raised()
	var added, gone, altered []catalog.Name
	further := freeAdvanced(o.Source, p)
	for _, t := range a.tables {
		planned, there := known[t.source.Name]
		delete(known, t.source.Name)
		switch {
		case !there:
			added = append(added, t.source.Name)
		case planned == nil || planned.Action.Copies():
		case planned.SourceStructure != t.source.StructureDigest():
			altered = append(altered, t.source.Name)
		case p.Quiet && planned.Action == plan.Keep && advances(planned.Source, t.source) && !raised[t.source.Name]:
			further = append(further, t.source.Name)
		}
	}
	for n, planned := range known {
		if planned != nil && !planned.Action.Copies() {
			gone = append(gone, n)
		}
	}
	slices.SortFunc(gone, catalog.Name.Compare)
	var out []string
	for _, x := range []struct {
		clause string
		tables []catalog.Name
	}{
		{"it does not know ", added}, {"the source no longer has ", gone}, {"the source now has a different structure for ", altered},
	} {
		if len(x.tables) > 0 {
			out = append(out, x.clause+pluralTables(x.tables))
		}
	}
	if len(further) > 0 {
		out = append(out, "the source, which is declared quiet, generated numbers from sequences that the plan does not advance: "+list(further))
	}
	return out, nil, nil
}

// freeAdvanced lists sequences of a quiet source that no column owns, that continued since the
// plan was made, and that it does not raise.
func freeAdvanced(source *catalog.Catalog, p *plan.Plan) []catalog.Name {
	if !p.Quiet {
		return nil
	}
	var out []catalog.Name
	for _, was := range p.Wanted.Sequences {
		raised := slices.ContainsFunc(p.Sequences, func(x catalog.Sequence) bool { return x.Name == was.Name })
		if now := source.Becomes(was.Name); now != nil && !raised && advanced(was, *now) {
			out = append(out, now.Name)
		}
	}
	return out
}

// advances says whether a sequence of a table's columns continued.
func advances(was, now *catalog.Table) bool {
	for i, c := range now.Columns {
		if c.Sequence != nil && i < len(was.Columns) && was.Columns[i].Sequence != nil && advanced(*was.Columns[i].Sequence, *c.Sequence) {
			return true
		}
	}
	return false
}

func advanced(was, now catalog.Sequence) bool {
	return was.Last != now.Last || was.Called != now.Called
}
