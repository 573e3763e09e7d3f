package main

// staging lists what a hand-over through files is bound to and bounded by.
func staging() []string {
	return []string{
		"in a folder with other people's files: refused", "reaches through a link", "temporary files of its own form only", "another form of name, stays",
		"a FIFO or a device in the staging is no object", "0600, their folders 0700",
	}
}
