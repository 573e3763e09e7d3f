package view

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sentence makes an error's text a sentence.
func Sentence(s string) string {
	if s == "" {
		return ""
	}
	// A name such as source.postgres.erp, or a flag, stays as it is written.
	word, _, _ := strings.Cut(s, " ")
	if first, size := utf8.DecodeRuneInString(s); unicode.IsLower(first) && !strings.ContainsAny(word, "._/-\"") {
		s = string(unicode.ToUpper(first)) + s[size:]
	}
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") || strings.HasSuffix(s, "!") {
		return s
	}
	return s + "."
}
