package main

// left lists the cases in which a run used to end well with something missing, and what keeps
// them from it. A row of several cases has a clause for each.
func left() []string {
	return []string{
		// One function of the whole ledger.
		"one function says of every table what is missing", "a package counts by id and generation", "contiguous and cover the table",
		"a level is met by a state", "the whole ledger decides, not a table's mark",
		// What a run that stopped has left.
		"a reload is killed after the first emptied table", "a reload that stops at preflight, then another one of one table",
		"SIGKILL in an index build after a table was verified", "after --until structures, apply raises free " +
			"sequences", "a structure-only table gets its foreign key",
		"a recreate that stops, or is killed, after the ledger was written",
		// What a changed spec asks for.
		"a level of verification that is raised", "an exception that is removed", "an exclude with content = " +
			"\"structure\" on a loaded table", "a rename of a loaded table",
		"foreign keys that an exclude leaves without their parent", "foreign keys that are dropped for good are named in the plan",
		"an unknown schema is an error", "--table and --reload that nothing matches",
		// What a saved plan does not know.
		"somebody makes the table with a row meanwhile", "existence and emptiness are looked at under the lock",
		"a table that is made on the source between plan --out and apply", "keeps a table whose structure changed on the source",
		"another run has begun to copy again since", "a quiet source whose sequences continued", "by its own run or by one that it continued",
		// What is said at the end.
		"the audit at the end of an apply is independent of its steps", "verify --structure compares structures at any time", "plain verify includes it",
		"\"Stopped after PHASE as requested; remaining: " +
			"...\"", "\"Done.\" only when all is", "structure-only tables alone", "an apply of some tables is not " +
			"\"Done.\"",
		"status says what is left",
	}
}
