package value

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// Charset is how text is stored. Text in this package's functions is UTF-8 in which an unpaired
// surrogate has three bytes, so that nothing is lost on the way.
type Charset uint8

// Charsets of a database, and the national one.
const (
	AL32UTF8 Charset = iota
	CESU8            // Oracle's UTF8: a character beyond the BMP is two surrogates of three bytes each
	UTF16            // AL16UTF16
)

// Encode writes text in a charset.
func (c Charset) Encode(s string) []byte {
	switch c {
	case AL32UTF8:
		return []byte(s)
	case UTF16:
		out := make([]byte, 0, 2*len(s))
		for _, u := range Units(s) {
			out = binary.BigEndian.AppendUint16(out, u)
		}
		return out
	}
	if !hasSupplementary(s) {
		return []byte(s)
	}
	var out []byte
	for _, u := range Units(s) {
		out = appendUnit(out, u)
	}
	return out
}

// Decode reads text of a charset.
func (c Charset) Decode(b []byte) string {
	switch c {
	case AL32UTF8:
		return string(b)
	case UTF16:
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(b[2*i:])
		}
		return FromUnits(units)
	}
	if !hasSurrogate(b) {
		return string(b)
	}
	return FromUnits(Units(string(b)))
}

// hasSupplementary finds characters of four bytes.
func hasSupplementary(s string) bool {
	for i := range len(s) {
		if s[i] >= 0xF0 {
			return true
		}
	}
	return false
}

// hasSurrogate finds surrogates of three bytes.
func hasSurrogate(b []byte) bool {
	for i := 0; i+2 < len(b); i++ {
		if b[i] == 0xED && b[i+1] >= 0xA0 {
			return true
		}
	}
	return false
}

func appendUnit(out []byte, u uint16) []byte {
	if u >= 0xD800 && u <= 0xDFFF {
		return append(out, 0xED, byte(0x80|u>>6&0x3F), byte(0x80|u&0x3F))
	}
	return utf8.AppendRune(out, rune(u))
}

// Units returns text as UTF-16. Bytes that are no text become U+FFFD.
func Units(s string) []uint16 {
	out := make([]uint16, 0, len(s))
	for i := 0; i < len(s); {
		if s[i] == 0xED && i+2 < len(s) && s[i+1] >= 0xA0 {
			out = append(out, 0xD800|uint16(s[i+1]&0x1F)<<6|uint16(s[i+2]&0x3F))
			i += 3
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		out = utf16.AppendRune(out, r)
		i += n
	}
	return out
}

// FromUnits makes text of UTF-16.
func FromUnits(units []uint16) string {
	out := make([]byte, 0, len(units))
	for i := 0; i < len(units); i++ {
		u := units[i]
		if u >= 0xD800 && u < 0xDC00 && i+1 < len(units) && units[i+1] >= 0xDC00 && units[i+1] <= 0xDFFF {
			out = utf8.AppendRune(out, utf16.DecodeRune(rune(u), rune(units[i+1])))
			i++
			continue
		}
		out = appendUnit(out, u)
	}
	return string(out)
}

// Length counts characters as Oracle's LENGTH does: code points in AL32UTF8; where characters beyond
// the BMP are stored as two surrogates, they count two.
func (c Charset) Length(b []byte) int {
	switch c {
	case UTF16:
		return len(b) / 2
	}
	n := 0
	for _, x := range b {
		if x&0xC0 != 0x80 {
			n++
		}
	}
	return n
}

// Characters cuts text into what Length counts.
func (c Charset) Characters(b []byte) [][]byte {
	var out [][]byte
	if c == UTF16 {
		for i := 0; i+1 < len(b); i += 2 {
			out = append(out, b[i:i+2])
		}
		return out
	}
	for start, i := 0, 1; start < len(b); i++ {
		if i == len(b) || b[i]&0xC0 != 0x80 {
			out = append(out, b[start:i])
			start = i
		}
	}
	return out
}
