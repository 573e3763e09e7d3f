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
	name    string // as a test names it, e.g. "Invariant 3" or "Bad day: Ctrl-C"
	what    string
	clauses []string // words that some test's claim has to hold, each for a case
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
		out = append(out, promise{name: fmt.Sprintf("Invariant %d", i+1), what: what})
	}
	return append(out, badDays()...)
}

// badDays is what may go wrong. A clause is a case of its own, so that a test of
// one does not stand for all.
func badDays() []promise {
	day := func(name, what string, clauses ...string) promise {
		return promise{name: "Bad day: " + name, what: what, clauses: clauses}
	}
	return []promise{
		day("spec", "diagnostics, exit 1, no panic",
			"wrong block", "wrong argument", "wrong type", "wrong unit", "wrong reference", "duplicate", "cyclic locals", "missing file",
			"a variable without a value", "invalid UTF-8", "10 MB of nesting", "fuzzed"),
		day("source or target unreachable", "one diagnostic naming the side, exit 1, nothing changed",
			"wrong password", "no privilege", "wrong version", "exit 1, nothing changed"),
		day("target not empty", "refused in plan with the tables named"),
		day("a column that cannot be carried", "refused in plan, or the package fails by table, column and key",
			"refused in plan", "a value that does not fit", "NUL in text", "numeric NaN", "infinite dates", "year 10000", "invalid UTF-8", "mixed storage classes"),
		day("SIGKILL of dmoctl", "apply again completes, content equal", "pg_ctl stop -m immediate", "quiet", "snapshot", "file mode"),
		day("a killed run's COMMIT", "the next run waits; the deposed one can do nothing",
			"held back", "before its claim", "in mid-load", "in a reload"),
		day("rows updated", "the target equals the snapshot; a rewritten table stops by name",
			"moved, deleted, re-inserted, inserted", "with and without a key", "TRUNCATE and VACUUM FULL"),
		day("a structure changed", "that table stops by name, exit 5; the others go on", "between plan and apply", "between kill and resume"),
		day("a rehearsal's rows", "ages, ignored splits, lost state: as the invariant says", "--reload", "split in the spec changes", "state file is lost"),
		day("disk full", "clear error, nothing half visible, resumes", "staging", "the state's folder"),
		day("an export file", "damage is detected before a row is committed",
			"flipped bit", "truncated", "missing", "swapped", "from another attempt", "fails by name"),
		day("the saved plan", "exit 5 or no changes", "stale", "twice", "another lineage"),
		day("two applies at once", "the second stops with exit 4 and the owner's name", "from one state or from two"),
		day("Ctrl-C once", "exit 130, resumable", "twice"),
	}
}

// without returns the clauses of p that none of the claims names.
func (p promise) without(claims []claim) []string {
	var open []string
	for _, clause := range p.clauses {
		if !slices.ContainsFunc(claims, func(c claim) bool { return strings.Contains(strings.ToLower(c.text), strings.ToLower(clause)) }) {
			open = append(open, clause)
		}
	}
	return open
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
		var passed []claim
		for _, c := range proofs {
			result := r.of(c)
			if result == "pass" {
				passed = append(passed, c)
			}
			fmt.Fprintf(w, "  %-8s %s %s\n           %s\n", result, c.pkg, c.test, c.text)
		}
		if len(proofs) == 0 {
			fmt.Fprintln(w, "  MISSING  no test names it")
		}
		rest := p.without(passed)
		for _, clause := range rest {
			fmt.Fprintf(w, "  MISSING  no test that passed names: %s\n", clause)
		}
		if len(passed) == 0 || len(rest) > 0 {
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
