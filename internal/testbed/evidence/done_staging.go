package main

// staging lists what a hand-over through files is bound to and bounded by.
func staging() []string {
	return []string{
		"in a directory with other people's files: refused", "reaches through a link", "temporary files of its own form only", "another form of name, stays",
		"a FIFO or a device in the staging is not an object", "0600, their directories 0700",
		"another migration, source or target is refused and not touched", "from before a rollback never " +
			"count", "killed between export and import, then rolled back",
		"a change between kill and resume: what was exported before", "a change between kill and resume: where " +
			"rows are in", "a new empty target old files never count",
		"random sequences of export, kill, rollback", "manifests of another epoch never count", "a missing journal entry is named",
		"a zstd frame expands to what the manifest says", "exchanged by a forged manifest are found",
		"rows of two snapshots are never mixed", "does not count under a snapshot, nor the other way round",
		"objects of a newer owner are never deleted", "a run that has lost the journal removes " +
			"nothing", "also where it is streamed", "through files: the process stays in its bound",
	}
}
