package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"
	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/internal/report"
)

type reportCmd struct {
	JSON string `name:"json" placeholder:"FILE" help:"Write the report as JSON to a file, - for standard output; dmo { history } reads it."`
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
		view.Report(a.printf, r)
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

// within resolves a file name that stands in a spec.
func within(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// reportPath is where the report of a serial is kept.
func reportPath(s *spec, serial int64) string {
	return filepath.Join(filepath.Dir(within(s.Dir, s.StatePath)), fmt.Sprintf("report-%d.json", serial))
}

// saveReport writes a run's report beside the state.
func saveReport(s *spec, r *report.Report) (string, error) {
	path := reportPath(s, r.Serial)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return path, err
	}
	return path, writeReport(path, r)
}

// writeReport writes a report as indented JSON, straight into the file: one of 20,000
// tables is many megabytes.
func writeReport(path string, r *report.Report) error {
	return replaceFile(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		return e.Encode(r)
	})
}
