package sample

import (
	"math"
	"math/bits"
	"strconv"
	"time"
)

// cell is one value; its bytes, where it has any, lie in the row's buffer.
type cell struct {
	form     form
	scale    uint8 // of formDecimal
	num      int64 // integer, unscaled decimal, float bits or 0/1
	off, end int
}

type form uint8

const (
	formNull form = iota
	formInt
	formDecimal
	formFloat
	formBool
	formText
	formBytes
)

// row is the row being made. It is reused for every row of a table, so that making
// one allocates nothing. One goroutine.
type row struct {
	cells []cell
	buf   []byte
	state uint64 // of the random numbers
	epoch time.Time
	days  [][]byte // ISO dates from epoch on, printed once
}

// dayRange is how many days random dates spread over, from the year 2000 on.
const dayRange = 9500

func newRow() *row {
	r := &row{epoch: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}
	for d := range dayRange {
		r.days = append(r.days, r.epoch.AddDate(0, 0, d).AppendFormat(nil, time.DateOnly))
	}
	return r
}

// seed starts a table's own numbers, so that no table depends on another.
func (r *row) seed(seed uint64, name string) {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	h := uint64(offset)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * prime
	}
	r.state = h ^ bits.RotateLeft64(seed*0x9e3779b97f4a7c15, 31)
}

func (r *row) reset() { r.cells, r.buf = r.cells[:0], r.buf[:0] }

// next is splitmix64: written out here because its numbers must never change.
func (r *row) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number in [0, n).
func (r *row) below(n int64) int64 {
	hi, _ := bits.Mul64(r.next(), uint64(n))
	return int64(hi)
}

// chance is true in percent of a hundred calls.
func (r *row) chance(percent int64) bool { return r.below(100) < percent }

func (r *row) null()           { r.cells = append(r.cells, cell{form: formNull}) }
func (r *row) int(v int64)     { r.cells = append(r.cells, cell{form: formInt, num: v}) }
func (r *row) float(v float64) { r.add(formFloat, int64(math.Float64bits(v))) }

func (r *row) bool(v bool) {
	n := int64(0)
	if v {
		n = 1
	}
	r.add(formBool, n)
}

func (r *row) add(f form, n int64) { r.cells = append(r.cells, cell{form: f, num: n}) }

// dec appends unscaled / 10^scale.
func (r *row) dec(unscaled int64, scale uint8) {
	r.cells = append(r.cells, cell{form: formDecimal, num: unscaled, scale: scale})
}

func (r *row) text(s string) {
	off := len(r.buf)
	r.buf = append(r.buf, s...)
	r.closeCell(formText, off)
}

func (r *row) bytes(b []byte) {
	off := len(r.buf)
	r.buf = append(r.buf, b...)
	r.closeCell(formBytes, off)
}

// closeCell ends a cell whose bytes were appended to buf from off on.
func (r *row) closeCell(f form, off int) {
	r.cells = append(r.cells, cell{form: f, off: off, end: len(r.buf)})
}

// pick appends one of the choices.
func (r *row) pick(choices ...string) { r.text(choices[r.below(int64(len(choices)))]) }

// padded appends prefix and n, n with leading zeros to width digits.
func (r *row) padded(prefix string, n int64, width int) {
	off := len(r.buf)
	r.buf = append(r.buf, prefix...)
	r.appendPadded(n, width)
	r.closeCell(formText, off)
}

func (r *row) appendPadded(n int64, width int) {
	var digits [20]byte
	s := strconv.AppendInt(digits[:0], n, 10)
	for pad := width - len(s); pad > 0; pad-- {
		r.buf = append(r.buf, '0')
	}
	r.buf = append(r.buf, s...)
}

// day appends the date that is n days after the year 2000 began, n taken modulo the range.
func (r *row) day(n int64) {
	off := len(r.buf)
	r.buf = append(r.buf, r.days[n%dayRange]...)
	r.closeCell(formText, off)
}

// clock appends a time of day, or with day >= 0 a timestamp of that day.
func (r *row) clock(day, second int64) {
	off := len(r.buf)
	if day >= 0 {
		r.buf = append(append(r.buf, r.days[day%dayRange]...), ' ')
	}
	r.appendPadded(second/3600%24, 2)
	r.buf = append(r.buf, ':')
	r.appendPadded(second/60%60, 2)
	r.buf = append(r.buf, ':')
	r.appendPadded(second%60, 2)
	r.closeCell(formText, off)
}

// prose appends words, least to most bytes of them, never cut within one.
func (r *row) prose(least, most int) {
	off := len(r.buf)
	goal := least + int(r.below(int64(most-least+1)))
	for {
		w := vocabulary[r.next()%uint64(len(vocabulary))]
		if len(r.buf)-off+len(w)+1 > goal {
			break
		}
		if len(r.buf) > off {
			r.buf = append(r.buf, ' ')
		}
		r.buf = append(r.buf, w...)
	}
	r.closeCell(formText, off)
}

// noise appends n bytes that do not compress.
func (r *row) noise(n int) {
	off := len(r.buf)
	for ; n >= 8; n -= 8 {
		v := r.next()
		r.buf = append(r.buf, byte(v), byte(v>>8), byte(v>>16), byte(v>>24), byte(v>>32), byte(v>>40), byte(v>>48), byte(v>>56))
	}
	for ; n > 0; n-- {
		r.buf = append(r.buf, byte(r.next()))
	}
	r.closeCell(formBytes, off)
}

// guid appends a random version 4 UUID.
func (r *row) guid() {
	const digits = "0123456789abcdef"
	off := len(r.buf)
	hi, lo := r.next()&^0xf000|0x4000, r.next()&^(3<<62)|2<<62
	for i := range 32 {
		if i == 8 || i == 12 || i == 16 || i == 20 {
			r.buf = append(r.buf, '-')
		}
		v := hi
		if i >= 16 {
			v = lo
		}
		r.buf = append(r.buf, digits[v>>(60-4*(i%16))&15])
	}
	r.closeCell(formText, off)
}

// mulDiv is a*b/c without overflow in between, for 0 <= a and a*b/c in range.
func mulDiv(a, b, c int64) int64 {
	if c == 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	q, _ := bits.Div64(hi, lo, uint64(c))
	return int64(q)
}
