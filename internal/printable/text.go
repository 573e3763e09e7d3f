// Package printable makes text of others safe to show to people.
//
// A table's name, a server's message or an owner in a ledger may hold what drives a
// terminal, ends a line or cannot be seen. [Line] shows a piece of data within one line,
// [Text] a text that has lines of its own, [Of] all that a structure holds. What is not
// shown as it is appears as JSON would spell it, so that JSON which is treated so says the
// same as before.
package printable

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Line returns s within one line: line ends and tabs are spelled out as well.
func Line(s string) string {
	if plain(s, "") {
		return s
	}
	return string(appendSpelled(nil, s, ""))
}

// Text returns s with its line ends and tabs, everything else as Line.
func Text(s string) string {
	if plain(s, "\n\t") {
		return s
	}
	return string(appendSpelled(nil, s, "\n\t"))
}

// plain says whether s holds nothing that has to be spelled out.
func plain(s, kept string) bool {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c < ' ' && strings.IndexByte(kept, c) < 0 || c == 0x7f {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || !Visible(r) {
			return false
		}
		i += size
	}
	return true
}

func appendSpelled(out []byte, s, kept string) []byte {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			out = fmt.Appendf(out, `\x%02x`, s[i])
		case Visible(r) || strings.ContainsRune(kept, r):
			out = append(out, s[i:i+size]...)
		default:
			out = AppendSpelled(out, r)
		}
		i += size
	}
	return out
}

// AppendSpelled appends the spelling of a character that is not shown as it is.
func AppendSpelled(out []byte, r rune) []byte {
	switch {
	case r == '\n':
		return append(out, `\n`...)
	case r == '\r':
		return append(out, `\r`...)
	case r == '\t':
		return append(out, `\t`...)
	case r > 0xffff:
		high, low := utf16.EncodeRune(r)
		return fmt.Appendf(out, `\u%04x\u%04x`, high, low)
	}
	return fmt.Appendf(out, `\u%04x`, r)
}

// Visible says whether a reader sees a character and it does nothing else: it moves no
// cursor, turns no direction, joins nothing, takes no room that looks like none.
func Visible(r rune) bool {
	switch r {
	case 0x115f, 0x1160, 0x3164, 0xffa0, 0x2800:
		return false // letters and a pattern without ink
	}
	switch {
	case r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef:
		return false // variation selectors: two names look alike
	case r == 0x034f || r >= 0x17b4 && r <= 0x17b5 || r >= 0x180b && r <= 0x180f:
		return false // marks without ink
	}
	return unicode.IsPrint(r)
}
