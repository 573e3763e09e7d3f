package histories_test

// notYet lists what main does not do yet; histories leave it out.
func notYet(what string) bool {
	switch what {
	case "free sequences",
		"dropped and forgotten in one moment",
		"an audit of saved plans that change nothing",
		"foreign keys of --table to parents without rows",
		"a reload that does not end",
		"identities",
		"a reload with several processes empties once",
		"renames of loaded tables",
		"structure of loaded tables",
		"raised levels",
		"indexes that somebody drops",
		"a reload empties what nothing is in",
		"tables that somebody makes meanwhile",
		"a table that was not quiet starts again":
		return true
	}
	return false
}
