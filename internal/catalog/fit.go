package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// DerivedName names a constraint or index that comes from another engine: those of a schema share one space
// with its tables, so the table's name comes first. Without a name it ends in the suffix.
func DerivedName(name, table, suffix string) string {
	switch {
	case name == "":
		return table + "_" + suffix
	case !strings.Contains(name, table):
		return table + "_" + name
	}
	return name
}

// CutName returns so many bytes of a name that an engine does not take, with a digest of the whole at its end. It
// begins with no underscore, which the names that engines keep for themselves do.
func CutName(name string, most int) string {
	sum := sha256.Sum256([]byte(name))
	tail := "_" + hex.EncodeToString(sum[:4])
	cut := strings.TrimLeft(name, "_")
	cut = cut[:min(most-len(tail), len(cut))]
	for !utf8.ValidString(cut) {
		cut = cut[:len(cut)-1]
	}
	return cut + tail
}
