// Package digest computes canonical digests of rows.
//
// A Hasher turns record batches into a Sum: how many rows there are and the sum
// of their 128-bit hashes. Sums do not depend on the order of rows and add up
// over batches, packages and tables, so that a copy is compared with its source
// without reading the source again. Values are hashed in the form in which the
// target holds them. The hash finds mistakes; it does not withstand somebody who
// looks for collisions on purpose.
package digest

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Version is the digest's format version. Sums of different versions never compare equal.
const Version = 1

// Hash is the 128-bit hash of one row or of its key.
type Hash struct{ Hi, Lo uint64 }

// Buckets is how many buckets Bucket spreads hashes over.
const Buckets = 4096

// Bucket returns which of the Buckets the hash falls into.
func (h Hash) Bucket() int { return int(h.Hi >> 52) }

// Sum is the digest of a set of rows. The zero Sum is that of no rows.
type Sum struct {
	Rows   int64
	Hi, Lo uint64 // sum of the rows' hashes modulo 2^128
}

// Add returns the digest of both sets of rows together.
func (s Sum) Add(o Sum) Sum {
	lo, carry := bits.Add64(s.Lo, o.Lo, 0)
	hi, _ := bits.Add64(s.Hi, o.Hi, carry)
	return Sum{Rows: s.Rows + o.Rows, Hi: hi, Lo: lo}
}

// String prints the form that ledger and manifest hold: version:rows:hex.
func (s Sum) String() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], s.Hi)
	binary.BigEndian.PutUint64(b[8:], s.Lo)
	return fmt.Sprintf("%d:%d:%s", Version, s.Rows, hex.EncodeToString(b[:]))
}

// Parse reads what String printed. It refuses every other spelling, and digests
// of other format versions.
func Parse(text string) (Sum, error) {
	version, rest, _ := strings.Cut(text, ":")
	if v, err := strconv.Atoi(version); err == nil && v != Version && v > 0 {
		return Sum{}, fmt.Errorf("parse digest: format version %d is not known to this dmoctl, which writes version %d", v, Version)
	}
	count, sum, _ := strings.Cut(rest, ":")
	rows, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		return Sum{}, fmt.Errorf("parse digest %.80q: no row count", text)
	}
	raw, err := hex.DecodeString(sum)
	if err != nil || len(raw) != 16 {
		return Sum{}, fmt.Errorf("parse digest %.80q: no 32 hexadecimal digits", text)
	}
	s := Sum{Rows: rows, Hi: binary.BigEndian.Uint64(raw[:8]), Lo: binary.BigEndian.Uint64(raw[8:])}
	if s.String() != text || rows < 0 {
		return Sum{}, fmt.Errorf("parse digest %.80q: not the canonical spelling", text)
	}
	return s, nil
}
