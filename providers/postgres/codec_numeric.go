package postgres

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"strconv"

	"github.com/dmoctl/dmoctl/internal/batch"
)

// The server sends numeric as four 16-bit numbers (count of digits, weight of the
// first, sign, display scale) and then digits to the base of 10,000.
const (
	numericHeader    = 8
	numericNegative  = 0x4000
	numericNaN       = 0xC000
	numericPInfinity = 0xD000
	numericNInfinity = 0xF000
	numericBase      = 10000
)

var (
	errLength      = errors.New("the server sent a value of unexpected length")
	errUnknownType = errors.New("no decoder for the column's type")
	errNaN         = errors.New("a decimal cannot hold numeric NaN")
	errInfinity    = errors.New("a decimal cannot hold numeric infinity")
	errScale       = errors.New("the value has more decimal places than its column")
)

// numeric is one value in the server's form; digits alias the message.
type numeric struct {
	weight int // of the first digit: value = digit[0] * 10000^weight + ...
	sign   uint16
	digits []byte // two bytes each
}

func parseNumeric(v []byte) (numeric, error) {
	if len(v) < numericHeader {
		return numeric{}, errLength
	}
	n := numeric{
		weight: int(int16(binary.BigEndian.Uint16(v[2:]))),
		sign:   binary.BigEndian.Uint16(v[4:]),
		digits: v[numericHeader:],
	}
	if len(n.digits) != 2*int(binary.BigEndian.Uint16(v)) {
		return numeric{}, errLength
	}
	return n, nil
}

func (n numeric) digit(i int) uint64 { return uint64(binary.BigEndian.Uint16(n.digits[2*i:])) }
func (n numeric) count() int         { return len(n.digits) / 2 }

func (n numeric) special() error {
	switch n.sign {
	case numericNaN:
		return errNaN
	case numericPInfinity, numericNInfinity:
		return errInfinity
	}
	return nil
}

// decimalDecoder writes numerics as little-endian two's complement integers of one scale.
type decimalDecoder struct{ scale int }

func (d decimalDecoder) put128(dst, v []byte) error {
	if len(v) < numericHeader {
		return errLength
	}
	count := len(v)/2 - numericHeader/2
	exponent := 4*(int(int16(binary.BigEndian.Uint16(v[2:])))-count+1) + d.scale
	// Almost every value has at most 16 digits and is no NaN: bit 15 of the sign says that.
	if count > 4 || exponent > 3 || exponent < -3 || v[4]&0x80 != 0 || int(binary.BigEndian.Uint16(v)) != count {
		return d.putLong(dst, v)
	}
	var lo, hi uint64
	digits := v[numericHeader:]
	for len(digits) > 2 {
		lo = lo*numericBase + uint64(digits[0])<<8 + uint64(digits[1])
		digits = digits[2:]
	}
	if len(digits) == 2 {
		last := uint32(digits[0])<<8 + uint32(digits[1])
		if exponent < 0 {
			p := uint32(smallPowers[-exponent])
			q := last / p
			if q*p != last {
				return errScale
			}
			lo = lo*smallPowers[4+exponent] + uint64(q)
		} else {
			lo = (lo*numericBase + uint64(last)) * smallPowers[exponent]
		}
	}
	if v[4] == numericNegative>>8 && lo != 0 {
		lo, hi = -lo, ^uint64(0)
	}
	binary.LittleEndian.PutUint64(dst, lo)
	binary.LittleEndian.PutUint64(dst[8:], hi)
	return nil
}

// putLong decodes values of any length, and refuses those that are no digits.
func (d decimalDecoder) putLong(dst, v []byte) error {
	w, negative, err := d.words(v)
	if err != nil {
		return err
	}
	if w[2]|w[3] != 0 || w[1]>>63 != 0 {
		return errScale
	}
	w.put(dst, negative, 2)
	return nil
}

func (d decimalDecoder) put256(dst, v []byte) error {
	w, negative, err := d.words(v)
	if err != nil {
		return err
	}
	w.put(dst, negative, 4)
	return nil
}

// words returns a value's size as an integer at the declared scale, and its sign.
func (d decimalDecoder) words(v []byte) (w words, negative bool, err error) {
	n, err := parseNumeric(v)
	if err != nil {
		return w, false, err
	}
	if err := n.special(); err != nil {
		return w, false, err
	}
	w, err = n.scaled(4*(n.weight-n.count()+1) + d.scale)
	return w, n.sign == numericNegative, err
}

// scaled returns the digits as one integer times ten to the exponent.
func (n numeric) scaled(exponent int) (w words, err error) {
	for i := range n.count() {
		m, digit := uint64(numericBase), n.digit(i)
		if i == n.count()-1 && exponent < 0 && exponent > -4 { // the group reaches past the scale, in zeros
			p := pow10(-exponent)
			if digit%p != 0 {
				return w, errScale
			}
			m, digit, exponent = m/p, digit/p, 0
		}
		if !w.mulAdd(m, digit) {
			return w, errScale
		}
	}
	for w != (words{}) && exponent > 0 {
		step := min(exponent, 18)
		if !w.mulAdd(pow10(step), 0) {
			return w, errScale
		}
		exponent -= step
	}
	if w != (words{}) && exponent < 0 {
		return w, errScale
	}
	return w, nil
}

// words is an unsigned integer of 256 bits, least word first.
type words [4]uint64

// mulAdd makes w = w*m + a, and false where that does not fit.
func (w *words) mulAdd(m, a uint64) bool {
	carry := a
	for i := range w {
		hi, lo := bits.Mul64(w[i], m)
		var c uint64
		w[i], c = bits.Add64(lo, carry, 0)
		carry = hi + c
	}
	return carry == 0
}

// div divides w and returns the remainder.
func (w *words) div(by uint64) uint64 {
	var rem uint64
	for i := len(w) - 1; i >= 0; i-- {
		w[i], rem = bits.Div64(rem, w[i], by)
	}
	return rem
}

// put writes n words as two's complement.
func (w words) put(dst []byte, negative bool, n int) {
	if negative {
		w = w.negate()
	}
	for i := range n {
		binary.LittleEndian.PutUint64(dst[8*i:], w[i])
	}
}

func (w words) negate() words {
	carry := uint64(1)
	for i := range w {
		w[i], carry = bits.Add64(^w[i], 0, carry)
	}
	return w
}

// smallPowers are powers of ten within one group of digits.
var smallPowers = [...]uint64{1, 10, 100, 1000, 10000}

func pow10(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

// numberText writes a numeric as the canonical text of dmo.number: no exponent, no
// zero that could be left out.
func numberText(v []byte) ([]byte, error) {
	n, err := parseNumeric(v)
	if err != nil {
		return nil, err
	}
	switch {
	case n.sign == numericNaN:
		return []byte(batch.NaN), nil
	case n.sign == numericPInfinity:
		return []byte(batch.Infinity), nil
	case n.sign == numericNInfinity:
		return []byte(batch.NegInfinity), nil
	case n.count() == 0:
		return []byte("0"), nil
	}
	out := make([]byte, 0, 4*(max(n.weight, 0)+n.count())+8)
	if n.sign == numericNegative {
		out = append(out, '-')
	}
	if n.weight < 0 {
		out = append(out, '0')
	}
	for i := 0; i <= n.weight; i++ {
		out = n.appendGroup(out, i, i > 0)
	}
	if n.count() <= n.weight+1 {
		return out, nil
	}
	out = append(out, '.')
	for i := n.weight + 1; i < 0; i++ {
		out = append(out, "0000"...)
	}
	for i := max(n.weight+1, 0); i < n.count(); i++ {
		out = n.appendGroup(out, i, true)
	}
	for out[len(out)-1] == '0' {
		out = out[:len(out)-1]
	}
	if out[len(out)-1] == '.' {
		out = out[:len(out)-1]
	}
	return out, nil
}

func (n numeric) appendGroup(out []byte, i int, pad bool) []byte {
	var d uint64
	if i < n.count() {
		d = n.digit(i)
	}
	if pad {
		return append(out, byte('0'+d/1000), byte('0'+d/100%10), byte('0'+d/10%10), byte('0'+d%10))
	}
	return strconv.AppendUint(out, d, 10)
}

// clearElement zeroes the element type of an array: enums and domains have other
// object ids on another server, and equal arrays must have equal bytes.
func clearElement(v []byte) ([]byte, error) {
	if len(v) < 12 {
		return nil, errLength
	}
	clear(v[8:12])
	return v, nil
}
