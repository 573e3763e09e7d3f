package view

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

// Printf prints as fmt.Printf does, arguments of others made safe to show.
type Printf func(format string, args ...any)

// Ours is text that dmoctl has written itself and that has lines of its own, as an argument of
// Printf. Data that is quoted in it still stays within one line.
type Ours string

// Summary prints how a run ended: the counts, then every failure with the
// command to run next.
func Summary(out, note Printf, r *report.Report) {
	t := r.Totals
	if t.PackagesPlanned > 0 {
		out("\n%s of %s loaded", Number(int64(t.Packages)), Count(t.PackagesPlanned, "package"))
		if t.PackagesIn > 0 {
			out(" (%s before this run)", Number(int64(t.PackagesIn)))
		}
		out(", %s rows, %s, in %s.\n", Rows(t.Rows), Bytes(t.Bytes), Seconds(r.Ended.Sub(r.Started).Seconds()))
		if line := resultLine(r.Tables); line != "" {
			out("%s.\n", line)
		}
	}
	if len(r.Failures) == 0 && r.Exit == report.OK {
		out("%s\n", ending(r))
	}
	Failures(note, r)
}

// ending says that all is done, or what is left where a phase or some tables were asked for.
func ending(r *report.Report) string {
	stopped := "Stopped"
	if r.Until != "" {
		stopped += " after " + string(r.Until)
	}
	switch {
	case len(r.Left) > 0:
		return stopped + " as requested; remaining: " + Left(r.Left) + ". To continue, run: dmoctl apply"
	case r.Until != "" && r.Until != plan.Postprocess:
		return stopped + " as requested; remaining: closing the migration. To continue, run: dmoctl apply"
	}
	if r.NotAsked > 0 {
		return "Done for the tables that --table selects; " + Count(r.NotAsked, "other table") + " not processed. To migrate all of them, run: dmoctl apply"
	}
	return "Done."
}

// Left prints "rows of 3 tables, verification of 5 tables".
func Left(counts []left.Count) string {
	parts := make([]string, len(counts))
	for i, c := range counts {
		noun := string(c.Kind)
		switch c.Kind {
		case left.Key, left.ForeignKey, left.Sequence:
			noun += "s"
		case left.Index:
			noun = "indexes"
		case left.Source:
			noun = "source recheck"
		}
		if parts[i] = noun; c.Tables > 0 {
			parts[i] += " of " + Count(c.Tables, "table")
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
			parts = append(parts, fmt.Sprintf("%s %s", Count(n, "table"), kind))
		}
	}
	if earlier > 0 {
		parts = append(parts, Count(earlier, "table")+" found equal by an earlier run")
	}
	return strings.Join(parts, ", ")
}

// Failures prints every failure, and each differing table, with the command to run next.
func Failures(note Printf, r *report.Report) {
	failed(note, r.Failures)
	failed := 0
	for _, f := range r.Failures {
		if f.Kind != report.Unequal && f.Kind != report.Structure {
			failed++
		}
	}
	if failed > 0 && r.Totals.Packages > 0 {
		note("\n%s. Committed packages are kept. Once the cause is fixed, copy the rest:\n\n  dmoctl apply\n", Count(failed, "failure"))
	}
	structures(note, r.Failures)
	differences(note, r.Tables)
}

// structuresListed is how many tables whose structure differs are printed; the report has all.
const structuresListed = 20

func failed(note Printf, failures []report.Failure) {
	for _, f := range failures {
		if f.Kind == report.Unequal || f.Kind == report.Structure {
			continue // listed among the tables, with the command that helps
		}
		note("\nFAILED %s (%s)\n  %s\n", cmp.Or(f.Package, f.Table, f.Step), f.Kind, Sentence(f.Message))
		if f.Fix != "" {
			note("  %s\n", Ours(Sentence(f.Fix)))
		}
	}
}

// structures names the tables whose structure differs.
func structures(printf Printf, failures []report.Failure) {
	n := 0
	for _, f := range failures {
		if f.Kind != report.Structure {
			continue
		}
		if n++; n <= structuresListed {
			printf("\nDIFFERENT STRUCTURE %s\n  %s\n  %s\n", cmp.Or(f.Table, "of types and sequences"), Sentence(f.Message), Sentence(f.Fix))
		}
	}
	if n > structuresListed {
		printf("\n%s more with a different structure; the report lists all of them.\n", Count(n-structuresListed, "table"))
	}
}

// Verification prints what a comparison found.
func Verification(out, note Printf, r *report.Report) {
	for _, t := range r.Tables {
		if t.Result == report.Excepted || t.Result == report.Failed {
			out("%s: %s: %s\n", t.Table, t.Result, t.Detail)
		}
	}
	if line := resultLine(r.Tables); line != "" {
		out("%s.\n", line)
	}
	structures(out, r.Failures)
	differences(out, r.Tables)
	failed(note, r.Failures)
}

// Report prints what a run left.
func Report(out Printf, r *report.Report) {
	out("Migration %q, run %s, serial %d, plan %s", r.Migration, r.Run, r.Serial, r.Plan)
	if r.Mode != "" {
		out(", %s mode", r.Mode)
	}
	out("\nStarted %s", r.Started.UTC().Format(time.RFC3339))
	switch {
	case r.Rebuilt:
		out("; rebuilt from the target's ledger, which records no times, exit code or results")
	case !r.Ended.IsZero():
		out(", ended after %s with exit code %d", Seconds(r.Ended.Sub(r.Started).Seconds()), r.Exit)
	}
	out("\n\n")
	for _, p := range r.Phases {
		out("  %-12s %s\n", p.Name, Seconds(p.Seconds))
	}
	if len(r.Phases) > 0 {
		out("\n")
	}
	tables(out, r.Tables)
	for _, f := range r.Failures {
		out("\nFAILED %s (%s)\n  %s\n", cmp.Or(f.Package, f.Table, f.Step), f.Kind, Sentence(f.Message))
	}
	if len(r.NotMigrated) > 0 {
		out("\nNot migrated:\n")
	}
	for _, o := range r.NotMigrated {
		out("  %s\n", objectLine(o))
	}
}

// tables prints a report's tables as columns; a result that is not plain has its reason.
func tables(out Printf, tables []report.Table) {
	names := len("TABLE")
	for _, t := range tables {
		names = max(names, min(40, runewidth.StringWidth(t.Table)))
	}
	out("  %s %9s %14s %10s %8s  %s\n", pad("TABLE", names), "PACKAGES", "ROWS", "SIZE", "TIME", "RESULT")
	for _, t := range tables {
		result := t.Result
		if t.Detail != "" && t.Result != report.Equal {
			result += ": " + t.Detail
		}
		out("  %s %9s %14s %10s %8s  %s\n", pad(t.Table, names), fmt.Sprintf("%d/%d", t.In, t.Packages),
			Number(t.Rows), Bytes(t.Bytes), Seconds(t.Seconds), result)
	}
}

// differences names the tables that differ, each with the command that explains it.
func differences(printf Printf, tables []report.Table) {
	for _, t := range tables {
		if t.Result != report.Unequal || t.Verify == report.Structure {
			continue
		}
		printf("\nDIFFERENT %s\n", t.Table)
		if t.Detail != "" {
			printf("  %s\n", Sentence(t.Detail))
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
