package oracle

import (
	"sync/atomic"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sijms/go-ora/v2/converters"
)

// The driver's numbers of character sets (converters/string_conversion.go).
const (
	charsetAL32UTF8  = 873
	charsetAL16UTF16 = 2000
)

// serverText converts between Go's strings and the database's character set. Reading
// hands out the bytes as they came, because AL32UTF8 is UTF-8, and UTF8 is CESU-8, which
// unicodeText turns into UTF-8 where that differs. The driver falls back to this
// converter for every set but AL16UTF16 (connection.go, getStrConv).
type serverText struct {
	converters.IStringConverter
	cesu atomic.Bool // the database's character set is UTF8, known once it was asked
}

func newServerText() *serverText {
	return &serverText{IStringConverter: converters.NewStringConverter(charsetAL32UTF8)}
}

// Encode implements converters.IStringConverter.
func (c *serverText) Encode(s string) []byte {
	if !c.cesu.Load() {
		return []byte(s)
	}
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if r < 0x10000 {
			out = utf8.AppendRune(out, r)
			continue
		}
		high, low := utf16.EncodeRune(r)
		out = appendSurrogate(appendSurrogate(out, high), low)
	}
	return out
}

// Clone implements converters.IStringConverter. One converter serves all sessions.
func (c *serverText) Clone() converters.IStringConverter { return c }

// nationalText is the same for AL16UTF16, in which NCHAR, NVARCHAR2, NCLOB and streamed
// CLOBs travel. The driver's own converter silently replaces unpaired surrogates; this one
// keeps them as three bytes each, so that unicodeText can refuse them.
type nationalText struct{ converters.IStringConverter }

func newNationalText() nationalText {
	return nationalText{converters.NewStringConverter(charsetAL16UTF16)}
}

// Decode implements converters.IStringConverter.
func (c nationalText) Decode(in []byte) string {
	out := make([]byte, 0, len(in))
	for i := 0; i+1 < len(in); i += 2 {
		r := rune(in[i])<<8 | rune(in[i+1])
		if utf16.IsSurrogate(r) && i+3 < len(in) {
			if pair := utf16.DecodeRune(r, rune(in[i+2])<<8|rune(in[i+3])); pair != utf8.RuneError {
				out = utf8.AppendRune(out, pair)
				i += 2
				continue
			}
		}
		if utf16.IsSurrogate(r) {
			out = appendSurrogate(out, r)
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	if len(in)%2 != 0 {
		out = append(out, 0xFF) // half a character, which no UTF-8 holds
	}
	return string(out)
}

// Clone implements converters.IStringConverter.
func (c nationalText) Clone() converters.IStringConverter { return c }

func appendSurrogate(out []byte, r rune) []byte {
	return append(out, byte(0xE0|r>>12), byte(0x80|r>>6&0x3F), byte(0x80|r&0x3F))
}

// surrogate reads a surrogate in three bytes, as CESU-8 has it.
func surrogate(s string) (rune, bool) {
	if len(s) < 3 || s[0] != 0xED || s[1]&0xE0 != 0xA0 || s[2]&0xC0 != 0x80 {
		return 0, false
	}
	return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), true
}

// unicodeText returns s as UTF-8. What is UTF-8 already, which nearly everything is, is
// returned as it is. CESU-8's pairs become characters; anything else is not text.
func unicodeText(s string) (string, error) {
	if utf8.ValidString(s) {
		return s, nil
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		if high, ok := surrogate(s[i:]); ok {
			low, _ := surrogate(s[i+3:])
			pair := utf16.DecodeRune(high, low)
			if pair == utf8.RuneError {
				return "", errSurrogate
			}
			out = utf8.AppendRune(out, pair)
			i += 6
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n <= 1 {
			return "", errNoUnicode
		}
		out = append(out, s[i:i+n]...)
		i += n
	}
	return string(out), nil
}
