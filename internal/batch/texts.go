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
	limit := r.dst.Length
	if r.dst.Kind == catalog.Text || r.dst.Kind == catalog.JSON {
		limit = 0
	}
	bounded := r.src.Kind == catalog.String || r.src.Kind == catalog.Char
	if bounded && r.src.Length > 0 && r.src.Length <= limit {
		limit = 0 // the source has kept it
	}
	pad := 0
	if r.dst.Kind == catalog.Char && (r.src.Kind != catalog.Char || r.src.Length != r.dst.Length) {
		pad = r.dst.Length
	}
	convert := cells(r.text(limit, pad))
	from, _ := DataType(r.src)
	onto, _ := DataType(r.dst)
	switch {
	case from.ID() != onto.ID() || pad > 0:
		return convert, nil, true
	case limit == 0 && !r.bounds.NoNUL:
		return nil, nil, true
	}
	noNUL := r.bounds.NoNUL
	return convert, func(a arrow.Array) bool {
		return (limit == 0 || longest(a) <= limit) && (!noNUL || bytes.IndexByte(payload(a), 0) < 0)
	}, true
}

// text checks one value: NUL, length in characters, blanks that the engine pads with.
func (r rules) text(limit, pad int) func(string) (string, *fault) {
	return func(s string) (string, *fault) {
		if r.bounds.NoNUL && strings.IndexByte(s, 0) >= 0 {
			if r.policies.NUL != "strip" {
				return "", &fault{what: "holds U+0000, which the target's text cannot hold: " + excerpt(s),
					fix: "Correct the row in the source, or set nul = \"strip\" in the spec's types block."}
			}
			s = strings.ReplaceAll(s, "\x00", "")
		}
		if limit > 0 && len(s) > limit {
			if n := utf8.RuneCountInString(s); n > limit {
				return "", r.overflow("has %d characters: %s", n, excerpt(s))
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
