package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/dmoctl/dmoctl/internal/batch"
)

var (
	errRange      = errors.New("the value is out of range for the column's type")
	errNumberText = errors.New("the value is not a decimal number")
)

// decimalEncoder writes little-endian integers of one scale as numerics.
type decimalEncoder struct{ scale int }

func (e decimalEncoder) append128(b, v []byte) ([]byte, error) {
	lo, hi := binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint64(v[8:])
	negative := int64(hi) < 0
	if negative {
		lo = -lo
		hi = ^hi
		if lo == 0 {
			hi++
		}
	}
	pad := -e.scale & 3 // digits that fill the last group
	if hi == 0 && lo < 1<<53 {
		return e.append64(b, lo*pow10(pad), negative), nil
	}
	return e.appendWords(b, words{lo, hi}, negative), nil
}

func (e decimalEncoder) append256(b, v []byte) ([]byte, error) {
	var w words
	for i := range w {
		w[i] = binary.LittleEndian.Uint64(v[8*i:])
	}
	negative := int64(w[3]) < 0
	if negative {
		w = w.negate()
	}
	return e.appendWords(b, w, negative), nil
}

// append64 writes n, whose last group is filled.
func (e decimalEncoder) append64(b []byte, n uint64, negative bool) []byte {
	var groups [6]uint16 // last first
	count := 0
	for n > 0 {
		q := n / numericBase
		groups[count] = uint16(n - q*numericBase)
		n = q
		count++
	}
	return e.appendGroups(b, groups[:count], negative)
}

func (e decimalEncoder) appendWords(b []byte, w words, negative bool) []byte {
	var groups [24]uint16
	filled := pow10(4 - -e.scale&3) // digits that the value has of the last group
	groups[0] = uint16(w.div(filled) * (numericBase / filled))
	count := 1
	for w != (words{}) {
		groups[count] = uint16(w.div(numericBase))
		count++
	}
	return e.appendGroups(b, groups[:count], negative)
}

// appendGroups writes length and value; groups come last first, and their last
// one ends at the scale.
func (e decimalEncoder) appendGroups(b []byte, groups []uint16, negative bool) []byte {
	weight := len(groups) - (e.scale+3)/4 - 1
	for len(groups) > 0 && groups[0] == 0 {
		groups = groups[1:]
	}
	var sign uint16
	if len(groups) == 0 {
		weight = 0
	} else if negative {
		sign = numericNegative
	}
	b = numericHead{len(groups), weight, sign, e.scale}.append(b)
	for i := len(groups) - 1; i >= 0; i-- {
		b = append(b, byte(groups[i]>>8), byte(groups[i]))
	}
	return b
}

// numericHead is what stands before the digits of a numeric.
type numericHead struct {
	count, weight int
	sign          uint16
	scale         int
}

func (h numericHead) append(b []byte) []byte {
	size := numericHeader + 2*h.count
	return append(b, byte(size>>24), byte(size>>16), byte(size>>8), byte(size), byte(h.count>>8), byte(h.count),
		byte(h.weight>>8), byte(h.weight), byte(h.sign>>8), byte(h.sign), byte(h.scale>>8), byte(h.scale))
}

// appendNumericText writes the text of a decimal number, with or without an exponent.
func appendNumericText(b, text []byte) ([]byte, error) {
	switch string(text) {
	case batch.NaN:
		return numericHead{sign: numericNaN}.append(b), nil
	case batch.Infinity:
		return numericHead{sign: numericPInfinity}.append(b), nil
	case batch.NegInfinity:
		return numericHead{sign: numericNInfinity}.append(b), nil
	}
	negative := len(text) > 0 && text[0] == '-'
	digits, point, err := splitNumber(bytes.TrimPrefix(text, []byte("-")))
	if err != nil {
		return b, err
	}
	scale := max(len(digits)-point, 0)
	// Groups of four start at the point: pad both ends with zeros.
	lead := ((4 - point%4) % 4)
	weight := (point+lead)/4 - 1
	groups := make([]uint16, 0, (len(digits)+lead)/4+1)
	for i := -lead; i < len(digits); i += 4 {
		var g uint16
		for j := i; j < i+4; j++ {
			g *= 10
			if j >= 0 && j < len(digits) {
				g += uint16(digits[j] - '0')
			}
		}
		groups = append(groups, g)
	}
	for len(groups) > 0 && groups[0] == 0 {
		groups, weight = groups[1:], weight-1
	}
	for len(groups) > 0 && groups[len(groups)-1] == 0 {
		groups = groups[:len(groups)-1]
	}
	var sign uint16
	if len(groups) == 0 {
		weight = 0
	} else if negative {
		sign = numericNegative
	}
	if scale > 16383 || weight > 32767 {
		return b, errRange
	}
	b = numericHead{len(groups), weight, sign, scale}.append(b)
	for _, g := range groups {
		b = append(b, byte(g>>8), byte(g))
	}
	return b, nil
}

// splitNumber returns all digits of a number and where its point stands among
// them, which may be before the first or after the last.
func splitNumber(text []byte) (digits []byte, point int, err error) {
	exponent := 0
	if i := bytes.IndexAny(text, "eE"); i >= 0 {
		if exponent, err = parseExponent(text[i+1:]); err != nil {
			return nil, 0, err
		}
		text = text[:i]
	}
	before, after, _ := bytes.Cut(text, []byte("."))
	if len(before)+len(after) == 0 {
		return nil, 0, errNumberText
	}
	digits = append(append(make([]byte, 0, len(text)), before...), after...)
	for _, d := range digits {
		if d < '0' || d > '9' {
			return nil, 0, errNumberText
		}
	}
	point = len(before) + exponent
	if point < 0 { // digits start after the point
		digits = append(bytes.Repeat([]byte("0"), -point), digits...)
		point = 0
	}
	return digits, point, nil
}

func parseExponent(text []byte) (int, error) {
	negative := len(text) > 0 && text[0] == '-'
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		text = text[1:]
	}
	if len(text) == 0 || len(text) > 6 {
		return 0, errNumberText
	}
	n := 0
	for _, d := range text {
		if d < '0' || d > '9' {
			return 0, errNumberText
		}
		n = n*10 + int(d-'0')
	}
	if negative {
		n = -n
	}
	return n, nil
}
