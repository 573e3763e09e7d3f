package batch

import (
	"bytes"
	"errors"
	"math/big"
	"math/bits"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

func (r rules) fromNumbers(to group) (loop, passFunc, bool) {
	switch to {
	case numbers:
		if !r.bounds.NoNaN && !r.bounds.NoInfinity && r.bounds.Digits == 0 {
			return nil, nil, true
		}
		return cells(r.number), r.numbersFit, true
	case floats:
		if r.policies.Number != catalog.NumberDouble || r.dst.Kind != catalog.Float64 {
			return nil, nil, false
		}
		return cells(r.double), nil, true
	case decimals:
		narrow, wide := r.parse(38), r.parse(76)
		return r.toDecimals(cells(func(s string) (decimal128.Num, *fault) {
			if n, ok := r.digits128(s); ok {
				return n, nil
			}
			n, bad := narrow(s)
			if bad != nil {
				return decimal128.Num{}, bad
			}
			return decimal128.FromBigInt(n), nil
		}), cells(func(s string) (decimal256.Num, *fault) {
			n, bad := wide(s)
			if bad != nil {
				return decimal256.Num{}, bad
			}
			return decimal256.FromBigInt(n), nil
		}))
	case integers:
		whole := r
		whole.dst.Precision, whole.dst.Scale = 19, 0
		parse := whole.parse(38)
		return toInteger(r, func(s string) (int64, *fault) {
			if n, ok := whole.digits128(s); ok && fitsInt64(n) {
				return int64(n.LowBits()), nil
			}
			n, bad := parse(s)
			if bad == nil && !n.IsInt64() {
				bad = r.overflow("%s is out of range", shortened(s))
			}
			if bad != nil {
				return 0, bad
			}
			return n.Int64(), nil
		})
	}
	return nil, nil, false
}

// number checks one value against what the target's floating decimals hold.
func (r rules) number(s string) (string, *fault) {
	switch {
	case s == NaN:
		if r.bounds.NoNaN {
			return "", r.overflow("is NaN, which the target cannot hold")
		}
	case s == Infinity || s == NegInfinity:
		if r.bounds.NoInfinity {
			return "", r.overflow("is %s, which the target cannot hold", s)
		}
	case r.bounds.Digits > 0 && len(s) > int(r.bounds.Digits):
		if n := significant(s); n > int(r.bounds.Digits) {
			return "", r.overflow("%s has %d significant digits, but the target keeps %d", shortened(s), n, r.bounds.Digits)
		}
	}
	return s, nil
}

// numbersFit says whether every value of an array passes number. Only NaN and the
// infinities have letters.
func (r rules) numbersFit(a arrow.Array) bool {
	return (r.bounds.Digits == 0 || longest(a) <= int(r.bounds.Digits)) &&
		(!r.bounds.NoNaN || bytes.IndexByte(payload(a), NaN[0]) < 0) &&
		(!r.bounds.NoInfinity || bytes.IndexByte(payload(a), Infinity[0]) < 0)
}

// significant counts the digits of a canonical number from the first that is not 0 to the
// last that is not 0.
func significant(s string) int {
	n, zeros := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '0' && n > 0:
			zeros++
		case c >= '1' && c <= '9':
			n += zeros + 1
			zeros = 0
		}
	}
	return n
}

// double returns the nearest 64-bit float, which is what number = "double" asks for.
func (r rules) double(s string) (float64, *fault) {
	v, err := strconv.ParseFloat(s, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, r.overflow("%s is out of range", shortened(s))
	case err != nil:
		return 0, &fault{what: excerpt(s) + " is not a number", fix: "Correct the row in the source."}
	case v == 0 && s != "0":
		return 0, r.overflow("%s is too small: it would become 0", shortened(s))
	}
	return r.float(v)
}

// digits128 reads a number of at most 38 digits at the target's scale, which nearly all
// are, without allocating; ok is false for all others.
func (r rules) digits128(s string) (n decimal128.Num, ok bool) {
	digits := strings.TrimPrefix(s, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	if whole == "" {
		return n, false
	}
	if whole == "0" {
		whole = ""
	}
	if len(fraction) > r.dst.Scale || len(whole)+r.dst.Scale > min(38, r.dst.Precision) {
		return n, false
	}
	a := accumulator{}
	if !a.add(whole) || !a.add(fraction) {
		return n, false
	}
	a.zeros(r.dst.Scale - len(fraction))
	n = decimal128.New(int64(a.hi), a.lo) // 38 digits take 127 bits
	if len(digits) < len(s) {
		n = n.Negate()
	}
	return n, true
}

// accumulator collects decimal digits in 128 bits.
type accumulator struct{ hi, lo uint64 }

// shift multiplies by 10^n, n <= 19, and adds below, which is less than 10^n.
func (a *accumulator) shift(n int, below uint64) {
	power := decimal128.GetScaleMultiplier(n).LowBits()
	carry, lo := bits.Mul64(a.lo, power)
	lo, over := bits.Add64(lo, below, 0)
	a.hi, a.lo = a.hi*power+carry+over, lo
}

func (a *accumulator) zeros(n int) {
	for ; n > 0; n -= min(n, 19) {
		a.shift(min(n, 19), 0)
	}
}

// add appends digits; it is false where something else is among them.
func (a *accumulator) add(digits string) bool {
	for len(digits) > 0 {
		part := digits[:min(len(digits), 19)]
		digits = digits[len(part):]
		var v uint64
		for i := range len(part) {
			c := part[i] - '0'
			if c > 9 {
				return false
			}
			v = v*10 + uint64(c)
		}
		a.shift(len(part), v)
	}
	return true
}

// parse reads a canonical number into an integer of the target's scale.
func (r rules) parse(most int) func(string) (*big.Int, *fault) {
	precision, scale := min(r.dst.Precision, most), r.dst.Scale
	return func(s string) (*big.Int, *fault) {
		if s == NaN || s == Infinity || s == NegInfinity {
			return nil, r.overflow("is %s, which the target cannot hold", s)
		}
		text, err := CanonicalNumber(s)
		if err != nil {
			return nil, &fault{what: err.Error(), fix: "Correct the row in the source."}
		}
		whole, fraction, _ := strings.Cut(text, ".")
		digits := strings.TrimLeft(strings.TrimPrefix(whole, "-")+fraction, "0")
		if len(fraction) > scale || digits != "" && len(digits)+scale-len(fraction) > precision {
			return nil, r.overflow("%s does not fit", shortened(text))
		}
		n, ok := new(big.Int).SetString(whole+fraction+strings.Repeat("0", scale-len(fraction)), 10)
		if !ok {
			return nil, &fault{what: excerpt(s) + " is not a number", fix: "Correct the row in the source."}
		}
		return n, nil
	}
}
