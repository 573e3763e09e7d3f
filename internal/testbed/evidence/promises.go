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
	name    string // as a test names it, e.g. "Invariant 3" or "Failure scenario: Ctrl-C"
	what    string
	clauses []string // words that some test's claim has to hold, each for a case
	pkg     string   // where such tests stand: a directory's beginning; "" is anywhere
}

func (p promise) title() string {
	if p.pkg == "" {
		return p.name
	}
	return p.name + " (" + p.pkg + ")"
}

// promises returns all of them, in the order in which they are printed.
func promises() []promise {
	invariants := []string{
		"the ledger has four tables, known by their registered names",
		"every run first renews the token, and waits for older transactions",
		"one target transaction a package: claim, load, commit; another generation does not count",
		"rows read before a freeze do not count; ages are shown, --reload copies again",
		"reload empties and forgets in one transaction, or resumes emptying",
		"require-empty: no table of the plan exists unless the ledger names it",
		"after a crash anywhere, apply reads the ledger: what is in is done",
		"state can be lost and rebuilt from the ledger",
		"structure is read again before and after a table; a changed one stops by name",
		"apply exits 0 only where every package is loaded and verified, or excepted",
		"locks die with their holder; unlock is for those that cannot be seen to die",
		"a bundle that fails is tried package by package",
		"a target says how many writers it takes",
	}
	var out []promise
	for i, what := range invariants {
		out = append(out, promise{name: fmt.Sprintf("Invariant %d", i+1), what: what})
	}
	return append(append(append(append(out, failureScenarios()...), traps()...), oracleAndHANA()...), done()...)
}

// traps are what the drivers of Oracle and SAP HANA do to those who trust them. A provider shows that it
// is clear of each; a simulator shows that the trap is there to fall into, so that such a test can fail.
func traps() []promise {
	return []promise{
		{name: "Trap", pkg: "providers/oracle", what: "the driver's traps and the values that break readers", clauses: []string{
			"lost reply", "slow statement", "read timeout", "38-digit negative decimals", "dates before 1582", "year 9999", "surrogates", "100 MB LOB",
			"empty LOB against NULL", "empty string against NULL", "trailing blanks", "prefetch bounds"}},
		{name: "Trap", pkg: "providers/hana", what: "the driver's traps and the values that break writers", clauses: []string{
			"lost reply", "a statement that takes longer", "acknowledgement of a COMMIT " +
				"is lost", "negative decimals of more than 34 digits", "before 1582", "year 9999",
			"UTF-16 units", "100 MB", "empty large object", "empty string", "trailing blanks"}},
		{name: "Trap", pkg: "internal/testbed/sim/oracle", what: "the driver falls into them against the simulator", clauses: []string{
			"read timeout", "above 65535", "an empty LOB and a NULL one"}},
		{name: "Trap", pkg: "internal/testbed/sim/hana", what: "the driver falls into them against the simulator", clauses: []string{
			"reply was lost", "a commit whose reply is lost", "a slow statement is run again", "more than 34 digits", "days that do not exist"}},
	}
}

// oracleAndHANA is what a migration between the two has to show as a whole.
func oracleAndHANA() []promise {
	return []promise{
		{
			name:    "Must show 1",
			what:    "real drivers and the vendors' own clients log in to the simulators, and agree",
			clauses: []string{"SAP's JavaScript client", "Oracle's JavaScript client"},
		},
		{name: "Must show 2", what: "end to end, as tests and as scripts, content verified; killed 20 times each", clauses: []string{
			"Oracle to SAP HANA by pipe: a million rows", "Oracle to SAP HANA by files", "Oracle to PostgreSQL: content", "PostgreSQL to SAP HANA: content",
			"SIGKILL of Oracle to SAP HANA by pipe", "SIGKILL of Oracle to SAP HANA by files", "SIGKILL of Oracle " +
				"to PostgreSQL", "SIGKILL of PostgreSQL to SAP HANA", "scripts in examples", "SQLite to SAP HANA"}},
		{
			name:    "Must show 3",
			what:    "policies hold in copy and verification alike",
			clauses: []string{"blank", "empty_string", "fail by table, column and key"},
		},
		{name: "Must show 4", what: "the plan of every Oracle type and every refusal", clauses: []string{"column by column", "refusal"}},
	}
}

// failureScenarios is what may go wrong. A clause is a case of its own, so that a test of
// one does not stand for all.
func failureScenarios() []promise {
	scenario := func(name, what string, clauses ...string) promise {
		return promise{name: "Failure scenario: " + name, what: what, clauses: clauses}
	}
	return []promise{
		scenario("spec", "diagnostics, exit 1, no panic",
			"wrong block", "wrong argument", "wrong type", "wrong unit", "wrong reference", "duplicate", "cyclic locals", "missing file",
			"a variable without a value", "invalid UTF-8", "10 MB of nesting", "fuzzed"),
		scenario("source or target unreachable", "one diagnostic naming the side, exit 1, nothing changed",
			"wrong password", "no privilege", "wrong version", "exit 1, nothing changed"),
		scenario("target not empty", "refused in plan with the tables named"),
		scenario(
			"a column that cannot be migrated",
			"refused in plan, or the package fails by table, column and key",
			"refused in plan",
			"a value that does not fit",
			"NUL in text",
			"numeric NaN",
			"infinite dates",
			"year 10000",
			"invalid UTF-8",
			"mixed storage classes",
		),
		scenario("SIGKILL of dmoctl", "apply again completes, content equal", "pg_ctl stop -m immediate", "quiet", "snapshot", "file mode"),
		scenario("a killed run's COMMIT", "the next run waits; the fenced one can do nothing",
			"held back", "before its claim", "in mid-load", "in a reload"),
		scenario("rows updated", "the target equals the snapshot; a rewritten table stops by name",
			"moved, deleted, re-inserted, inserted", "with and without a key", "TRUNCATE and VACUUM FULL"),
		scenario("a structure changed", "that table stops by name, exit 5; the others continue", "between plan and apply", "between kill and resume"),
		scenario(
			"a rehearsal's rows",
			"ages, ignored splits, lost state: as the invariant says",
			"--reload",
			"split in the spec changes",
			"state file is lost",
		),
		scenario("disk full", "clear error, nothing half visible, resumes", "staging", "the state's directory"),
		scenario("an export file", "damage is detected before a row is committed",
			"flipped bit", "truncated", "missing", "swapped", "from another attempt", "fails by name"),
		scenario("the saved plan", "exit 5 or no changes", "stale", "twice", "another lineage"),
		scenario("two applies at once", "the second stops with exit 4 and the owner's name", "from one state or from two"),
		scenario("Ctrl-C once", "exit 130, resumable", "twice"),
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
		fmt.Fprintf(w, "%s: %s\n", p.title(), p.what)
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
