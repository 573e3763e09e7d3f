package main

// done is what makes "Done." true, an area a promise. A test claims "Done: AREA: ..." and
// holds the words of the clause that it proves; each clause is a case of its own.
func done() []promise {
	var out []promise
	for _, area := range []struct {
		name, what string
		clauses    []string
	}{
		{"left", "what is left is derived from the whole ledger", left()},
		{"structure", "the finished structure is compared with the one that was asked for", compared()},
		{"histories", "random histories end equal and complete, or say why not", histories()},
		{"names", "existence is decided by owner, kind and definition, never by a name", names()},
		{"undo", "what dmoctl made is what it removes; nobody else's objects are touched", undo()},
		{"staging", "a hand-over belongs to one migration, and the staging's files to nobody else", staging()},
		{"settings", "settings that change meaning are pinned or compared; errors have the right kind; expressions are no code", settings()},
		{"view", "rows are read from the tables that the plan names, all of them, as of one moment", view()},
		{"shell", "hostile input ends in bounds, waiting says for whom, and what is printed deceives nobody", shell()},
	} {
		if len(area.clauses) > 0 {
			out = append(out, promise{name: "Done: " + area.name, what: area.what, clauses: area.clauses})
		}
	}
	return out
}

// histories lists what the random histories hold, and the faults that they find when one is put back.
func histories() []string {
	return []string{"no random history ends with exit 0 while anything is missing", "each fault that is put back"}
}

// shell lists how input and surroundings used to harm, or deceive, who runs dmoctl.
func shell() []string {
	return []string{
		"SIGPIPE is ignored", "one Ctrl-C",
		"every view of a plan and of a run", "events --json stays JSON", "forge \"No changes.\"",
		"the plan names every table", "--markdown --columns is bounded",
		"validate of a hostile spec",
		"do not cover its packages or tables",
		"say for whom within 5 s", "inside its ADD PRIMARY KEY", "another process has locked",
	}
}

// settings lists what a session, an error's kind or an expression used to change.
func settings() []string {
	return []string{
		"every setting is decided", "each setting is pinned at connect", "each pinned setting at its worst value", "cannot be pinned is refused",
		"default_transaction_isolation", "default_transaction_read_only", "lc_monetary",
		"08P01", "53200", "42703", "missing journal entry", "lost snapshots",
		"only plain ones travel by themselves", "is left out by name", "writes a file", `expressions = "trusted"`, "in SQLite, too",
	}
}
