package sample

import (
	"encoding/hex"
	"io"
	"math"
	"strconv"
)

// copySource makes rows as they are read, in PostgreSQL's COPY text format. It holds one
// piece of a few rows at a time.
type copySource struct {
	table       *table
	row         *row
	made, until int64 // rows made, and where Read says io.EOF
	piece, left []byte
}

const pieceSize = 1 << 16

func (s *copySource) Read(p []byte) (int, error) {
	if len(s.left) == 0 {
		s.piece = s.piece[:0]
		for s.made < s.until && len(s.piece) < pieceSize {
			s.row.reset()
			s.table.fill(s.row, s.made)
			s.made++
			s.piece = appendCopyRow(s.piece, s.row)
		}
		s.left = s.piece
	}
	if len(s.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.left)
	s.left = s.left[n:]
	return n, nil
}

func appendCopyRow(b []byte, r *row) []byte {
	for i, c := range r.cells {
		if i > 0 {
			b = append(b, '\t')
		}
		switch c.form {
		case formNull:
			b = append(b, `\N`...)
		case formInt:
			b = strconv.AppendInt(b, c.num, 10)
		case formDecimal:
			b = appendDecimal(b, c.num, c.scale)
		case formFloat:
			b = strconv.AppendFloat(b, math.Float64frombits(uint64(c.num)), 'g', -1, 64)
		case formBool:
			b = append(b, "ft"[c.num])
		case formText:
			b = appendEscaped(b, r.buf[c.off:c.end])
		case formBytes:
			b = append(b, `\\x`...)
			b = hex.AppendEncode(b, r.buf[c.off:c.end])
		}
	}
	return append(b, '\n')
}

// appendEscaped escapes what COPY's text format gives a meaning.
func appendEscaped(b, s []byte) []byte {
	from := 0
	for i, c := range s {
		var escape byte
		switch c {
		case '\\':
			escape = '\\'
		case '\t':
			escape = 't'
		case '\n':
			escape = 'n'
		case '\r':
			escape = 'r'
		default:
			continue
		}
		b = append(b, s[from:i]...)
		b = append(b, '\\', escape)
		from = i + 1
	}
	return append(b, s[from:]...)
}
