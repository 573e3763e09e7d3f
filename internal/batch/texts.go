package batch

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// passFunc says whether a whole array fits as it is.
type passFunc func(arrow.Array) bool

// fromTexts keeps, shortens by policy, pads or stores text in another width of offsets.
func (r rules) fromTexts(to group) (loop, passFunc, bool) {
	if to != texts {
		return nil, nil, false
	}
	limit := r.limit()
	pad := 0
	if r.dst.Kind == catalog.Char && (r.trim || r.src.Kind != catalog.Char || r.src.Length != r.dst.Length) {
		pad = r.dst.Length
	}
	convert := cells(r.text(limit, pad))
	from, _ := DataType(r.src)
	onto, _ := DataType(r.dst)
	switch {
	case from.ID() != onto.ID() || pad > 0:
		return convert, nil, true
	case limit == 0 && !r.bounds.NoNUL && !r.bounds.UTF16 && !r.trim && !r.empty:
		return nil, nil, true
	}
	return convert, func(a arrow.Array) bool { return r.textsFit(a, limit) }, true
}

// limit is the length in characters, or in UTF-16 units, that values are held to; 0
// where the source has kept it.
func (r rules) limit() int {
	limit := r.dst.Length
	if r.dst.Kind == catalog.Text || r.dst.Kind == catalog.JSON {
		return 0
	}
	most := r.src.Length
	if r.bounds.UTF16 {
		most *= 2 // each may be beyond the Basic Multilingual Plane
	}
	if bounded := r.src.Kind == catalog.String || r.src.Kind == catalog.Char; bounded && most > 0 && most <= limit {
		return 0
	}
	return limit
}

// textsFit says whether every value of an array stays as it is.
func (r rules) textsFit(a arrow.Array, limit int) bool {
	return (limit == 0 || longest(a) <= limit) &&
		(!r.bounds.NoNUL || bytes.IndexByte(payload(a), 0) < 0) &&
		(!r.bounds.UTF16 || wellFormed(a)) &&
		(!r.trim || !anyEnds(a, ' ')) && (!r.empty || !anyEmpty(a))
}

// text checks one value: U+0000, trailing blanks, no text at all, length, blanks that the engine
// pads with, in this order.
func (r rules) text(limit, pad int) func(string) (string, *fault) {
	toNull := &fault{null: true}
	length := utf8.RuneCountInString
	unit := "characters"
	if r.bounds.UTF16 {
		length, unit = utf16Length, "UTF-16 units"
	}
	return func(s string) (string, *fault) {
		if r.bounds.UTF16 && !utf8.ValidString(s) {
			return "", malformed(s)
		}
		if r.bounds.NoNUL && strings.IndexByte(s, 0) >= 0 {
			if r.policies.NUL != catalog.Strip {
				return "", &fault{what: "holds U+0000, which the target's text cannot hold: " + excerpt(s),
					fix: "Correct the row in the source, or set nul = \"strip\" in the spec's types block."}
			}
			s = strings.ReplaceAll(s, "\x00", "")
		}
		if r.trim {
			s = strings.TrimRight(s, " ")
		}
		if r.empty && s == "" {
			return "", toNull
		}
		if limit > 0 && len(s) > limit {
			if n := length(s); n > limit {
				return "", r.overflow("has %d %s: %s", n, unit, excerpt(s))
			}
		}
		if pad > 0 {
			if n := utf8.RuneCountInString(s); n < pad {
				s += strings.Repeat(" ", pad-n)
			}
		}
		return s, nil
	}
}

// fromBinaries checks lengths; a UUID is its 16 bytes.
func (r rules) fromBinaries(to group) (loop, passFunc, bool) {
	if r.src.Kind == catalog.UUID && r.dst.Kind == catalog.UUID {
		return nil, nil, true
	}
	if to == uuids {
		return cells(func(b []byte) ([]byte, *fault) {
			if len(b) != 16 {
				return nil, r.overflow("has %d bytes, not 16", len(b))
			}
			return b, nil
		}), nil, true
	}
	if to != binaries {
		return nil, nil, false
	}
	limit := r.dst.Length
	if r.dst.Kind == catalog.Blob || r.src.Kind == catalog.Binary && r.src.Length > 0 && r.src.Length <= limit {
		limit = 0
	}
	convert := cells(func(b []byte) ([]byte, *fault) {
		if limit > 0 && len(b) > limit {
			return nil, r.overflow("has %d bytes", len(b))
		}
		return b, nil
	})
	switch {
	case r.src.Kind != r.dst.Kind:
		return convert, nil, true
	case limit == 0:
		return nil, nil, true
	}
	return convert, func(a arrow.Array) bool { return longest(a) <= limit }, true
}

// utf16Length counts UTF-16 units: two for what UTF-8 writes in four bytes.
func utf16Length(s string) int {
	n := utf8.RuneCountInString(s)
	for i := range len(s) {
		if s[i] >= 0xf0 {
			n++
		}
	}
	return n
}

// malformed is the fault of text that is no UTF-8, and so has no UTF-16 either.
func malformed(s string) *fault {
	const fix = "Correct the row in the source."
	for i := range len(s) - 2 {
		if s[i] == 0xed && s[i+1] >= 0xa0 && s[i+1] <= 0xbf { // U+D800 to U+DFFF, which UTF-8 leaves out
			return &fault{what: "holds half of a surrogate pair, which the target's text cannot hold: " + excerpt(s), fix: fix}
		}
	}
	return &fault{what: "is not valid UTF-8: " + excerpt(s), fix: fix}
}

// wellFormed says whether every value of an array is UTF-8. Besides the text as a whole
// it looks at where values begin, so that none borrows bytes from its neighbour.
func wellFormed(a arrow.Array) bool {
	data := payload(a)
	if !utf8.Valid(data) {
		return false
	}
	switch a := a.(type) {
	case *array.String:
		return runesStart(a.ValueOffsets(), data)
	case *array.LargeString:
		return runesStart(a.ValueOffsets(), data)
	}
	return false
}

func runesStart[O int32 | int64](offsets []O, data []byte) bool {
	for _, o := range offsets {
		if at := int(o - offsets[0]); at < len(data) && !utf8.RuneStart(data[at]) {
			return false
		}
	}
	return true
}

// anyEnds says whether a value ends in that byte.
func anyEnds(a arrow.Array, end byte) bool {
	switch a := a.(type) {
	case *array.String:
		return endIn(a.ValueOffsets(), a.ValueBytes(), end)
	case *array.LargeString:
		return endIn(a.ValueOffsets(), a.ValueBytes(), end)
	}
	return true
}

func endIn[O int32 | int64](offsets []O, data []byte, end byte) bool {
	for i := 1; i < len(offsets); i++ {
		if offsets[i] > offsets[i-1] && data[offsets[i]-offsets[0]-1] == end {
			return true
		}
	}
	return false
}

// anyEmpty says whether a value, not counting NULLs, has no byte.
func anyEmpty(a arrow.Array) bool {
	switch v := a.(type) {
	case *array.String:
		return emptyIn(a, v.ValueOffsets())
	case *array.LargeString:
		return emptyIn(a, v.ValueOffsets())
	}
	return true
}

func emptyIn[O int32 | int64](a arrow.Array, offsets []O) bool {
	for i := 1; i < len(offsets); i++ {
		if offsets[i] == offsets[i-1] && a.IsValid(i-1) {
			return true
		}
	}
	return false
}

// longest returns the length in bytes of an array's longest value.
func longest(a arrow.Array) int {
	switch a := a.(type) {
	case *array.String:
		return widest(a.ValueOffsets())
	case *array.Binary:
		return widest(a.ValueOffsets())
	case *array.LargeString:
		return widest(a.ValueOffsets())
	case *array.LargeBinary:
		return widest(a.ValueOffsets())
	}
	return int(^uint(0) >> 1)
}

func widest[O int32 | int64](offsets []O) int {
	var most O
	for i := 1; i < len(offsets); i++ {
		most = max(most, offsets[i]-offsets[i-1])
	}
	return int(most)
}

// payload returns the bytes of all values of an array.
func payload(a arrow.Array) []byte {
	if b, ok := a.(interface{ ValueBytes() []byte }); ok {
		return b.ValueBytes()
	}
	return nil
}
