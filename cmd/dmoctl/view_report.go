package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

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

// summarize prints how a run ended: the counts, then every failure with the
// command to run next.
func (a *app) summarize(r *report.Report) {
	t := r.Totals
	if t.PackagesPlanned > 0 {
		a.printf("\n%s of %s in", showCount(int64(t.Packages)), count(t.PackagesPlanned, "package"))
		if t.PackagesIn > 0 {
			a.printf(" (%s before this run)", showCount(int64(t.PackagesIn)))
		}
		a.printf(", %s rows, %s, in %s.\n", showRows(t.Rows), showBytes(t.Bytes), showSeconds(r.Ended.Sub(r.Started).Seconds()))
		if line := resultLine(r.Tables); line != "" {
			a.printf("%s.\n", line)
		}
	}
	if len(r.Failures) == 0 && r.Exit == report.OK {
		a.printf("%s\n", ending(r))
	}
	a.failures(r)
}

// ending says that all is done, or what is left where a phase or some tables were asked for.
func ending(r *report.Report) string {
	stopped := "Stopped"
	if r.Until != "" {
		stopped += " after " + r.Until
	}
	switch {
	case len(r.Left) > 0:
		return stopped + " as asked; left: " + leftLine(r.Left) + ". To go on, run: dmoctl apply"
	case r.Until != "" && r.Until != plan.Postprocess:
		return stopped + " as asked; left: the close of the migration. To go on, run: dmoctl apply"
	}
	if r.NotAsked > 0 {
		return "Done as far as --table asked; " + count(r.NotAsked, "other table") + " not looked at. To do all of them, run: dmoctl apply"
	}
	return "Done."
}

// leftLine prints "rows of 3 tables, verification of 5 tables".
func leftLine(counts []left.Count) string {
	parts := make([]string, len(counts))
	for i, c := range counts {
		noun := string(c.Kind)
		switch c.Kind {
		case left.Key, left.ForeignKey, left.Sequence:
			noun += "s"
		case left.Index:
			noun = "indexes"
		case left.Source:
			noun = "another look at the source"
		}
		if parts[i] = noun; c.Tables > 0 {
			parts[i] += " of " + count(c.Tables, "table")
		}
	}
	return strings.Join(parts, ", ")
}

// resultLine counts the tables of each result.
func resultLine(tables []report.Table) string {
	results := map[string]int{}
	earlier := 0
	for _, t := range tables {
		if t.Detail == report.ByEarlierRun {
			earlier++
			continue
		}
		results[t.Result]++
	}
	var parts []string
	for _, kind := range []string{report.Equal, report.Unequal, report.Excepted, report.Failed, report.NotVerified} {
		if n := results[kind]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", count(n, "table"), kind))
		}
	}
	if earlier > 0 {
		parts = append(parts, count(earlier, "table")+" equal when an earlier run looked")
	}
	return strings.Join(parts, ", ")
}

// failures prints every failure, and each differing table, with the command to run next.
func (a *app) failures(r *report.Report) {
	a.failed(r.Failures)
	failed := 0
	for _, f := range r.Failures {
		if f.Kind != report.Unequal && f.Kind != report.Structure {
			failed++
		}
	}
	if failed > 0 && r.Totals.Packages > 0 {
		a.notef("\n%s. Committed packages are kept; when the cause is gone, copy the rest:\n\n  dmoctl apply\n", count(failed, "failure"))
	}
	structures(a.notef, r.Failures)
	differences(a.notef, r.Tables)
}

// structuresListed is how many tables whose structure differs are printed; the report has all.
const structuresListed = 20

func (a *app) failed(failures []report.Failure) {
	for _, f := range failures {
		if f.Kind == report.Unequal || f.Kind == report.Structure {
			continue // listed among the tables, with the command that helps
		}
		a.notef("\nFAILED %s (%s)\n  %s\n", cmp.Or(f.Package, f.Table, f.Step), f.Kind, sentence(f.Message))
		if f.Fix != "" {
			a.notef("  %s\n", ours(sentence(f.Fix)))
		}
	}
}

// structures names the tables whose structure differs.
func structures(printf func(string, ...any), failures []report.Failure) {
	n := 0
	for _, f := range failures {
		if f.Kind != report.Structure {
			continue
		}
		if n++; n <= structuresListed {
			printf("\nDIFFERENT STRUCTURE %s\n  %s\n  %s\n", cmp.Or(f.Table, "of types and sequences"), sentence(f.Message), sentence(f.Fix))
		}
	}
	if n > structuresListed {
		printf("\n%s more with another structure; the report lists them all.\n", count(n-structuresListed, "table"))
	}
}

// printVerification prints what a comparison found.
func (a *app) printVerification(r *report.Report) {
	for _, t := range r.Tables {
		if t.Result == report.Excepted || t.Result == report.Failed {
			a.printf("%s: %s: %s\n", t.Table, t.Result, t.Detail)
		}
	}
	if line := resultLine(r.Tables); line != "" {
		a.printf("%s.\n", line)
	}
	structures(a.printf, r.Failures)
	differences(a.printf, r.Tables)
	a.failed(r.Failures)
}

// printReport prints what a run left.
func (a *app) printReport(r *report.Report) {
	a.printf("Migration %q, run %s, serial %d, plan %s", r.Migration, r.Run, r.Serial, r.Plan)
	if r.Mode != "" {
		a.printf(", %s mode", r.Mode)
	}
	a.printf("\nStarted %s", r.Started.UTC().Format(time.RFC3339))
	switch {
	case r.Rebuilt:
		a.printf("; rebuilt from the target's ledger, which knows no times, exit code and results")
	case !r.Ended.IsZero():
		a.printf(", ended after %s with exit code %d", showSeconds(r.Ended.Sub(r.Started).Seconds()), r.Exit)
	}
	a.printf("\n\n")
	for _, p := range r.Phases {
		a.printf("  %-12s %s\n", p.Name, showSeconds(p.Seconds))
	}
	if len(r.Phases) > 0 {
		a.printf("\n")
	}
	a.printTables(r.Tables)
	for _, f := range r.Failures {
		a.printf("\nFAILED %s (%s)\n  %s\n", cmp.Or(f.Package, f.Table, f.Step), f.Kind, sentence(f.Message))
	}
	if len(r.NotCarried) > 0 {
		a.printf("\nNot carried:\n")
	}
	for _, o := range r.NotCarried {
		a.printf("  %s\n", objectLine(o))
	}
}

// printTables prints a report's tables as columns; a result that is not plain has its reason.
func (a *app) printTables(tables []report.Table) {
	names := len("TABLE")
	for _, t := range tables {
		names = max(names, min(40, runewidth.StringWidth(t.Table)))
	}
	a.printf("  %s %9s %14s %10s %8s  %s\n", pad("TABLE", names), "PACKAGES", "ROWS", "SIZE", "TIME", "RESULT")
	for _, t := range tables {
		result := t.Result
		if t.Detail != "" && t.Result != report.Equal {
			result += ": " + t.Detail
		}
		a.printf("  %s %9s %14s %10s %8s  %s\n", pad(t.Table, names), fmt.Sprintf("%d/%d", t.In, t.Packages),
			showCount(t.Rows), showBytes(t.Bytes), showSeconds(t.Seconds), result)
	}
}

// differences names the tables that differ, each with the command that explains it.
func differences(printf func(string, ...any), tables []report.Table) {
	for _, t := range tables {
		if t.Result != report.Unequal || t.Verify == report.Structure {
			continue
		}
		printf("\nDIFFERENT %s\n", t.Table)
		if t.Detail != "" {
			printf("  %s\n", sentence(t.Detail))
		}
		printf("  To see which rows, run\n\n  dmoctl verify --explain %s\n", shellQuote(t.Table))
	}
}

// shellQuote writes a word so that a shell takes it as it is.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r == '_' || r == '.' || r == '-' || r == '/' || r == ':' || ('0' <= r && r <= '9') || ('a' <= r && r <= 'z') || ('A' <= r && r <= 'Z')
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
