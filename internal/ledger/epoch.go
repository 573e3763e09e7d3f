package ledger

import "strings"

// An epoch is what packages of a table have to have in common to count together: one snapshot
// of the source, or one period in which nobody wrote to it. Its id is never used again.
const quietEpoch = "quiet"

// Epoch returns the id of an epoch. snapshot is what the source calls its view; unique makes
// the id differ from every other.
func Epoch(snapshot string, quiet bool, unique string) string {
	if quiet {
		snapshot = quietEpoch
	}
	return snapshot + "/" + unique
}

// IsQuiet says whether an epoch is a quiet period.
func IsQuiet(epoch string) bool { return strings.HasPrefix(epoch, quietEpoch+"/") }
