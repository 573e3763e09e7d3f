package main

// view lists how a copy used to miss rows, or to hold rows that the source never had together.
func view() []string {
	return []string{
		"inheritance: every row", "inheritance on the target",
	}
}
