package main

import (
	"path/filepath"

	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/lang"
)

type fmtCmd struct {
	Check bool `help:"Change nothing; exit with 2 if a file is not in canonical form."`
}

// Run brings the spec's files into the canonical form, and names those that were not.
func (c *fmtCmd) Run(a *app) error {
	changed, ds := lang.FormatDir(a.dir(), c.Check)
	for _, path := range changed {
		if rel, err := filepath.Rel(a.dir(), path); err == nil {
			path = rel
		}
		a.printf("%s\n", path)
	}
	if ds.HasErrors() {
		return &diagnosed{ds}
	}
	a.diagnose(ds)
	if c.Check && len(changed) > 0 {
		return &exitError{Code: report.Changes}
	}
	return nil
}
