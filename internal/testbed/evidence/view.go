package main

// view lists how a copy used to miss rows, or to hold rows that the source never had together.
func view() []string {
	return []string{
		"inheritance: every row", "inheritance on the target",
		"what an idle session has written", "transactions that were open, or prepared", "writes to other tables " +
			"and databases", "quiet on SQLite", "quiet on Oracle",
		"detached before a package", "exchange their names, and back", "two columns exchange", "a schema is renamed",
		"a policy of Oracle", "row security of PostgreSQL",
		"random changes of the catalog", "in the copy, in every run",
		"from a table that is done", "between a kill and the next run", "closes nothing",
	}
}
