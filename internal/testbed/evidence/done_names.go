package main

// names lists what used to be taken for something else because of its name.
func names() []string {
	return []string{
		"an index of another table or definition", "a unique key whose name somebody else's " +
			"index has", "a foreign key to another table", "another increment, bound or cycle",
		"SQLite: an index of one table", "SQLite to PostgreSQL: names that would be one", "two schemas renamed " +
			"into one", "a domain over another type, an enum in another order",
		"the table keeps it, the others get names", "somebody's view, index or sequence", "stay once made", "refused in the plan",
		"under the run's lock, too", "are all known to the plan",
		"under other names are the wanted ones", "brings is not migrated in its own bytes", "the server gives to the sequence",
	}
}
