package main

import (
	"github.com/alecthomas/kong"

	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/lang"
)

type validateCmd struct {
	JSON bool `name:"json" help:"Print the diagnostics as JSON, in the shape of Terraform's."`
}

// Run checks the spec. It connects to nothing and needs no secret.
func (c *validateCmd) Run(a *app, k *kong.Context) error {
	s, _, ds := lang.Load(a.dir(), a.langOptions(k))
	if c.JSON {
		if err := diag.WriteJSON(a.out, ds.Sorted()); err != nil {
			return err
		}
		if ds.HasErrors() {
			return &exitError{Code: report.Error}
		}
		return nil
	}
	if ds.HasErrors() {
		return &diagnosed{ds}
	}
	a.diagnose(ds)
	a.printf("The spec is valid: migration %q, %s -> %s, %s mode.\n", s.Migration, s.Source.Address(), s.Target.Address(), s.Transfer.Mode)
	return nil
}
