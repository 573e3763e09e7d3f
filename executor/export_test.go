package executor

import (
	"context"

	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

// ApplyApart is Apply with a group of its own for the tables of that name.
func ApplyApart(ctx context.Context, p *plan.Plan, d Deps, name string) (*report.Report, error) {
	r := newRun(p, d)
	var apart, rest []*work.Table
	for _, t := range r.set.Order {
		if t.Plan.Source.Name.Name == name {
			apart = append(apart, t)
		} else {
			rest = append(rest, t)
		}
	}
	r.set.Groups = []*work.Group{work.NewGroup(apart), work.NewGroup(rest)}
	return r.carryOut(ctx)
}
