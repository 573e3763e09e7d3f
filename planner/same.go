package planner

import (
	"context"
	"fmt"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// refuseSame refuses a target that is the source: what is emptied or dropped there would be what is
// to be copied. Within one database a migration may lead from some schemas into others.
func (o *Observation) refuseSame(ctx context.Context, spec *desired.Spec, sides Sides, a *assignment) (diag.Diagnostics, error) {
	if sides.Source == nil || sides.Target == nil {
		return nil, nil
	}
	same, err := providers.Same(ctx, sides.Source, sides.Target)
	if err != nil || !same {
		return nil, err
	}
	source, target := []catalog.Name{{Schema: o.Source.Schema}}, []catalog.Name{{Schema: o.Target.Schema}}
	for _, t := range a.tables {
		source, target = append(source, t.source.Name), append(target, t.target)
	}
	schema, shared := plan.SharedSchema(source, target)
	if !shared {
		return nil, nil
	}
	where := ""
	if schema != "" {
		where = fmt.Sprintf(", and both sides use its schema %s", schema)
	}
	return diag.Diagnostics{diag.Error(diag.SourceIsTarget, "The source is the target",
		fmt.Sprintf("%s and %s are the same database%s: the run would write to the tables that it reads. Name a different database in one of the two blocks.",
			spec.Source.Address(), spec.Target.Address(), where))}, nil
}
