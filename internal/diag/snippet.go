package diag

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/dmoctl/dmoctl/internal/printable"
)

// excerptBytes bounds how much of one source line is shown.
const excerptBytes = 160

// masked replaces text that must not be shown.
const masked = "(sensitive value)"

// Snippet is an excerpt of source text around the subject of a Diagnostic.
type Snippet struct {
	Context   string // the block it stands in, e.g. `migration "erp"`; may be empty
	Code      string // one line, without its line break
	StartLine int    // 1 is the file's first
	// HighlightStart and HighlightEnd are byte offsets into Code.
	HighlightStart, HighlightEnd int
}

// NewSnippet cuts the first line of subject out of src. Bytes of src that lie in
// secret, a list of byte ranges, are replaced. It returns nil where subject lies
// outside src.
func NewSnippet(src []byte, subject hcl.Range, secret []hcl.Range) *Snippet {
	start, end := subject.Start.Byte, subject.End.Byte
	if start < 0 || start > len(src) || end < start {
		return nil
	}
	end = min(end, len(src))
	lineStart := bytes.LastIndexByte(src[:start], '\n') + 1
	lineEnd := len(src)
	if i := bytes.IndexByte(src[start:], '\n'); i >= 0 {
		lineEnd = start + i
	}
	end = max(start, min(end, lineEnd))
	from, to := window(lineStart, lineEnd, start, end)

	var code strings.Builder
	s := &Snippet{StartLine: subject.Start.Line, HighlightStart: -1}
	if from > lineStart {
		code.WriteString("...")
	}
	for i := from; i < to; {
		if i >= start && s.HighlightStart < 0 {
			s.HighlightStart = code.Len()
		}
		var next int
		if stop := covers(secret, i); stop > i {
			code.WriteString(masked)
			next = min(stop, to)
		} else {
			r, size := utf8.DecodeRune(src[i:to])
			code.WriteString(shown(r))
			next = i + size
		}
		if i < end {
			s.HighlightEnd = code.Len()
		}
		i = next
	}
	if s.HighlightStart < 0 {
		s.HighlightStart = code.Len()
	}
	s.HighlightEnd = max(s.HighlightEnd, s.HighlightStart)
	if to < lineEnd {
		code.WriteString("...")
	}
	s.Code = strings.TrimRight(code.String(), " \r")
	s.HighlightStart = min(s.HighlightStart, len(s.Code))
	s.HighlightEnd = min(s.HighlightEnd, len(s.Code))
	return s
}

// window limits a line to excerptBytes around the highlighted bytes.
func window(lineStart, lineEnd, start, end int) (from, to int) {
	from, to = lineStart, lineEnd
	if to-from <= excerptBytes {
		return from, to
	}
	if end-from > excerptBytes {
		from = max(lineStart, start-excerptBytes/4)
	}
	return from, min(lineEnd, from+excerptBytes)
}

// covers returns where the secret range that holds byte i ends, or -1.
func covers(secret []hcl.Range, i int) int {
	for _, r := range secret {
		if r.Start.Byte <= i && i < r.End.Byte {
			return r.End.Byte
		}
	}
	return -1
}

// shown returns a character of an excerpt as it is printed.
func shown(r rune) string {
	switch {
	case r == '\t':
		return "  "
	case r == '\r':
		return ""
	case r == utf8.RuneError:
		return "\uFFFD"
	}
	return printable.Line(string(r))
}
