package oracle

import (
	"errors"
	"math/big"
	"math/bits"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

var (
	errDigits   = errors.New("the value has more decimal places than can be transferred")
	errTooWide  = errors.New("the value has more digits than its column's type holds")
	errInfinity = errors.New("the value is infinite, which a decimal cannot hold")
	errNoNumber = errors.New("the driver returned a number in an unexpected format")
)

// small is how many digits fit into 64 bits whatever they are.
const small = 19

// decimal reads the text that the driver makes of a NUMBER, which is exact: an optional
// minus, digits, an optional point with digits; never an exponent (number.go, String). It
// returns the value times ten to the scale.
func decimal(s string, scale int) (decimal128.Num, error) {
	digits := s
	negative := false
	if digits != "" && digits[0] == '-' {
		negative, digits = true, digits[1:]
	}
	var lo, hi uint64
	count, fraction := 0, -1
	for i := range len(digits) {
		c := digits[i] - '0'
		switch {
		case c <= 9 && count < small:
			lo = lo*10 + uint64(c)
		case c <= 9 && count < 2*small+1: // below 10^39, which 128 bits hold
			h, l := bits.Mul64(lo, 10)
			var carry uint64
			lo, carry = bits.Add64(l, uint64(c), 0)
			hi = hi*10 + h + carry
		case digits[i] == '.' && fraction < 0:
			fraction = 0
			continue
		default:
			return decimal128.Num{}, oddNumber(digits)
		}
		if lo|hi != 0 {
			count++
		}
		if fraction >= 0 {
			fraction++
		}
	}
	if len(digits) == 0 {
		return decimal128.Num{}, errNoNumber
	}
	const most = 38 // digits of Arrow's narrow decimal
	shift := scale - max(fraction, 0)
	switch {
	case shift < 0:
		return decimal128.Num{}, errDigits
	case count > 0 && count+shift > most:
		return decimal128.Num{}, errTooWide
	}
	for ; shift > 0; shift-- {
		h, l := bits.Mul64(lo, 10)
		lo, hi = l, hi*10+h
	}
	n := decimal128.New(int64(hi), lo)
	if negative {
		n = n.Negate()
	}
	return n, nil
}

func oddNumber(digits string) error {
	if strings.HasPrefix(digits, "Inf") {
		return errInfinity
	}
	if strings.Trim(digits, "0123456789.") == "" && strings.Count(digits, ".") < 2 {
		return errTooWide
	}
	return errNoNumber
}

// wideDecimal is the same for 39 to 76 digits, which NUMBER(38,-10) and its like have.
func wideDecimal(s string, t catalog.Type) (*big.Int, error) {
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if strings.Trim(whole+fraction, "0123456789") != "" || whole == "" {
		return nil, oddNumber(whole)
	}
	if len(fraction) > t.Scale {
		return nil, errDigits
	}
	if len(strings.TrimLeft(whole+fraction, "0"))+t.Scale-len(fraction) > t.Precision {
		return nil, errTooWide
	}
	n, ok := new(big.Int).SetString(whole+fraction+strings.Repeat("0", t.Scale-len(fraction)), 10)
	if !ok {
		return nil, errNoNumber
	}
	if strings.HasPrefix(s, "-") {
		n.Neg(n)
	}
	return n, nil
}
