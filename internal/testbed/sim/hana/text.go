package hana

import (
	"unicode/utf16"
	"unicode/utf8"
)

// Text on the wire is CESU-8: UTF-8 of UTF-16 units, so that a character beyond
// the first plane is two surrogates of three bytes each.

// fromCESU8 decodes; unpaired surrogates, four-byte forms and anything else that
// is no CESU-8 are error 609.
func fromCESU8(b []byte) (string, error) {
	ascii := true
	for _, c := range b {
		if c >= 0xED {
			ascii = false
			break
		}
	}
	if ascii {
		if !utf8.Valid(b) {
			return "", errCESU8()
		}
		return string(b), nil
	}
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		r, n := cesuUnit(b)
		if n == 0 {
			return "", errCESU8()
		}
		b = b[n:]
		if utf16.IsSurrogate(r) {
			low, m := cesuUnit(b)
			pair := utf16.DecodeRune(r, low)
			if m == 0 || pair == utf8.RuneError {
				return "", errCESU8()
			}
			b = b[m:]
			r = pair
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out), nil
}

// cesuUnit decodes one UTF-16 unit; n is 0 where there is none.
func cesuUnit(b []byte) (r rune, n int) {
	if len(b) >= 3 && b[0] == 0xED && b[1] >= 0xA0 && b[1] <= 0xBF && b[2]&0xC0 == 0x80 {
		return rune(b[0]&0x0F)<<12 | rune(b[1]&0x3F)<<6 | rune(b[2]&0x3F), 3
	}
	r, n = utf8.DecodeRune(b)
	if r == utf8.RuneError && n <= 1 || n == 4 {
		return 0, 0
	}
	return r, n
}

// appendCESU8 encodes UTF-8.
func appendCESU8(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		if s[i] < 0xF0 {
			j := i + 1
			for j < len(s) && s[j] < 0xF0 {
				j++
			}
			b = append(b, s[i:j]...)
			i = j
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		high, low := utf16.EncodeRune(r)
		b = appendUnit(appendUnit(b, high), low)
		i += n
	}
	return b
}

// appendUnit encodes one UTF-16 unit, a surrogate too.
func appendUnit(b []byte, r rune) []byte {
	switch {
	case r < 0x80:
		return append(b, byte(r))
	case r < 0x800:
		return append(b, 0xC0|byte(r>>6), 0x80|byte(r&0x3F))
	}
	return append(b, 0xE0|byte(r>>12), 0x80|byte(r>>6&0x3F), 0x80|byte(r&0x3F))
}

// units counts UTF-16 units, in which HANA measures the length of text.
func units(s string) int {
	n := 0
	for i := range len(s) {
		switch {
		case s[i] < 0x80 || s[i] >= 0xC0 && s[i] < 0xF0:
			n++
		case s[i] >= 0xF0:
			n += 2
		}
	}
	return n
}
