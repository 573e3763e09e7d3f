package lang

import (
	"fmt"
	"strings"

	"github.com/agext/levenshtein"
)

// didYouMean suggests the closest of names, or returns otherwise.
func didYouMean(given string, names []string, otherwise string) string {
	best, distance := "", 3
	if len(given) <= 3 {
		distance = 2
	}
	for _, name := range names {
		d := levenshtein.Distance(strings.ToLower(given), strings.ToLower(name), nil)
		if swapped(given, name) {
			d = 1
		}
		if d < distance {
			best, distance = name, d
		}
	}
	if best == "" {
		return otherwise
	}
	return fmt.Sprintf("Did you mean %q?", best)
}

// listed joins names as a sentence does: a, b and c.
func listed(names []string, word string) string {
	switch len(names) {
	case 0:
		return "nothing"
	case 1:
		return names[0]
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " " + word + " " + names[last]
}

// swapped says whether two texts differ in the order of two letters only.
func swapped(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) - 1 {
		if a[i] != b[i] {
			return a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		}
	}
	return false
}

func quoted(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%q", n)
	}
	return out
}

func upper(s string) string { return strings.ToUpper(s) }

// clip shortens what a user wrote for a message.
func clip(s string) string {
	const longest = 60
	runes := []rune(s)
	if len(runes) <= longest {
		return s
	}
	return string(runes[:longest]) + "..."
}

// article puts a or an before a word.
func article(word string) string {
	if word != "" && strings.ContainsRune("aeio", rune(word[0])) {
		return "an " + word
	}
	return "a " + word
}
