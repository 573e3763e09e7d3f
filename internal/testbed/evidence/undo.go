package main

// undo lists what dmoctl used to leave behind, to take along from others, or to trust.
func undo() []string {
	return []string{
		"the ledger says what a CREATE of dmoctl's made", "what others hung on a table", "the ledger goes with the last migration",
		"rollback removes everything that it made", "rollback is refused where others have built on it", "recreate is refused where others have built on it",
		"planted, or added something to, is refused before anything runs in it, on PostgreSQL", "refused before " +
			"anything runs in it, on SQLite", "refused before anything runs in it, on SAP HANA",
		"row security on tables to be loaded stop the preflight", "by name, on SAP HANA", "a superuser on the " +
			"target is named in the plan", "a default from a sequence that the table does not own", "triggers on " +
			"tables of existing = load",
		"the same file by another path", "the same database by another address", "within one database", "foreign keys of the target's own tables",
	}
}
