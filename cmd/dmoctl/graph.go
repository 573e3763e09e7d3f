package main

import (
	"context"

	"github.com/alecthomas/kong"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/internal/plan"
)

type graphCmd struct {
	File   string `arg:"" optional:"" help:"A saved plan; without one the spec is planned."`
	Format string `default:"dot" enum:"dot,mermaid" placeholder:"FORMAT" help:"dot or mermaid."`
}

// Run prints the graph of a plan's steps.
func (c *graphCmd) Run(ctx context.Context, a *app, k *kong.Context) error {
	p, err := c.plan(ctx, a, k)
	if err != nil {
		return err
	}
	if c.Format == "mermaid" {
		return view.Mermaid(a.out, p)
	}
	return view.DOT(a.out, p)
}

func (c *graphCmd) plan(ctx context.Context, a *app, k *kong.Context) (*plan.Plan, error) {
	if c.File != "" {
		return a.readPlan(c.File)
	}
	s, err := a.load(k)
	if err != nil {
		return nil, err
	}
	return (&planCmd{}).make(ctx, a, s)
}
