package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

func escape(cell string) string { return strings.ReplaceAll(cell, "|", `\|`) }

// printMarkdown prints saved results the way docs/benchmarks.md has them.
func printMarkdown(w io.Writer, path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var s sheet
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	m := s.Machine
	fmt.Fprintf(w, "%s, %s CPUs, %s, %s, %s, pgcopydb %s, sqlite3 %s, zstd %s, %s. Scale %g, medians of %d. Load when the run began: %s.\n\n",
		m["cpu"], m["cpus"], m["memory"], m["system"], m["postgres"], m["pgcopydb"], m["sqlite3"], m["zstd"], m["go"], s.Scale, s.Reps, m["load"])
	fmt.Fprint(w, "| figure | measured | bar | | |\n|---|---|---|---|---|\n")
	for _, f := range s.Figures {
		bar, verdict := f.verdict()
		fmt.Fprintf(w, "| %s | %s %s | %s | %s | %s |\n", escape(f.What), digits(f.Value), f.Unit, bar, verdict, escape(f.Note))
	}
	fmt.Fprint(w, "\n| runs, median | wall s | client CPU s | source CPU s | target CPU s | peak PSS MiB |\n|---|---|---|---|---|---|\n")
	for _, r := range s.Runs {
		fmt.Fprintf(
			w,
			"| %s: %s | %.2f | %.2f | %.2f | %.2f | %s |\n",
			r.Suite,
			escape(r.Name),
			r.wall(),
			r.cpu(),
			median(r.Source),
			median(r.Target),
			r.printedPeak(),
		)
	}
	return nil
}
