package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// promise is one row of the list that has to be proved.
type promise struct {
	name string // as a test names it, e.g. "Invariant 3" or "Bad day: Ctrl-C"
	what string
}

// promises returns all of them, in the order in which they are printed.
func promises() []promise {
	invariants := []string{
		"the ledger has four tables, known by their registered names",
		"every run first renews the token, and waits for older transactions",
		"one target transaction a package: claim, load, commit; another generation does not count",
		"rows read before a freeze do not count; ages are shown, --reload copies anew",
		"reload empties and forgets in one transaction, or resumes emptying",
		"require-empty: no table of the plan exists unless the ledger names it",
		"after a crash anywhere, apply reads the ledger: what is in is done",
		"state can be lost and rebuilt from the ledger",
		"structure is read again before and after a table; a changed one stops by name",
		"apply exits 0 only where every package is in and verified, or excepted",
		"locks die with their holder; unlock is for those that cannot be seen to die",
		"a bundle that fails is tried package by package",
		"a target says how many writers it takes",
	}
	var out []promise
	for i, what := range invariants {
		out = append(out, promise{fmt.Sprintf("Invariant %d", i+1), what})
	}
	days := [][2]string{
		{"spec", "wrong block, argument, type, unit, reference, duplicate: diagnostics, exit 1, no panic"},
		{"source or target unreachable", "one diagnostic naming the side, exit 1, nothing changed"},
		{"target not empty", "refused in plan with the tables named"},
		{"a column that cannot be carried", "refused in plan, or the package fails by table, column and key"},
		{"SIGKILL of dmoctl", "apply again completes, content equal"},
		{"a killed run's COMMIT", "the next run waits; the deposed one can do nothing"},
		{"rows updated", "the target equals the snapshot; a rewritten table stops by name"},
		{"a structure changed", "that table stops by name, exit 5; the others go on"},
		{"a rehearsal's rows", "ages, ignored splits, lost state: as the invariant says"},
		{"disk full", "clear error, nothing half visible, resumes"},
		{"an export file", "damage is detected before a row is committed"},
		{"the saved plan", "stale, twice, another lineage: exit 5 or no changes"},
		{"two applies at once", "the second stops with exit 4 and the owner's name"},
		{"Ctrl-C once", "exit 130, resumable"},
	}
	for _, d := range days {
		out = append(out, promise{"Bad day: " + d[0], d[1]})
	}
	return out
}

// printEvidence lists promise, test and result, and returns how many promises no
// passed test proves.
func printEvidence(w io.Writer, claims []claim, r *results) int {
	open := 0
	for _, p := range promises() {
		fmt.Fprintf(w, "%s: %s\n", p.name, p.what)
		var proofs []claim
		for _, c := range claims {
			if c.proves(p) {
				proofs = append(proofs, c)
			}
		}
		slices.SortFunc(proofs, func(a, b claim) int {
			return cmp.Or(strings.Compare(a.pkg, b.pkg), strings.Compare(a.test, b.test), strings.Compare(a.text, b.text))
		})
		passed := false
		for _, c := range proofs {
			result := r.of(c)
			passed = passed || result == "pass"
			fmt.Fprintf(w, "  %-8s %s %s\n           %s\n", result, c.pkg, c.test, c.text)
		}
		if len(proofs) == 0 {
			fmt.Fprintln(w, "  MISSING  no test names it")
		}
		if !passed {
			open++
		}
	}
	for _, c := range claims {
		if !slices.ContainsFunc(promises(), c.proves) {
			fmt.Fprintf(w, "unknown promise in %s %s: %s\n", c.pkg, c.test, c.text)
		}
	}
	return open
}
