package main

import (
	"context"

	"github.com/alecthomas/kong"
)

type reportCmd struct {
	JSON string `name:"json" placeholder:"FILE" help:"Write the report as JSON to a file, - for standard output; dmo { history } takes it."`
	HTML string `name:"html" hidden:"" help:"Not available in this version."`
}

// Run shows what the last run left, or writes it.
func (c *reportCmd) Run(ctx context.Context, a *app, k *kong.Context) error {
	if c.HTML != "" {
		return notAvailable("\"report --html\"")
	}
	s, st, err := a.reading(k)
	if err != nil {
		return err
	}
	defer st.Close()
	r, err := (&stateShowCmd{}).find(ctx, st, s.Migration)
	if err != nil {
		return err
	}
	if c.JSON == "" {
		a.printReport(r)
		return nil
	}
	if c.JSON == "-" {
		return a.printJSON(r)
	}
	if err := writeReport(a.path(c.JSON), r); err != nil {
		return err
	}
	a.printf("Wrote the report of run %s to %s.\n", r.Run, c.JSON)
	return nil
}
