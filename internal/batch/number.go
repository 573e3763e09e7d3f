package batch

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
)

// The values of dmo.number that are no digits.
const (
	NaN         = "NaN"
	Infinity    = "Infinity"
	NegInfinity = "-Infinity"
)

// maxDigits bounds what an exponent may unfold into: PostgreSQL's numeric, the
// widest of all, ends at 131,072 digits before the point and 16,383 after it.
const maxDigits = 150_000

// CanonicalNumber returns the one spelling that dmo.number has for a value: an
// optional minus, no exponent, no leading zero but the one before a point, no zero
// at the fraction's end, no "-0"; or NaN, Infinity, -Infinity. A text that is
// canonical already is returned as it is, without allocating.
func CanonicalNumber(s string) (string, error) {
	if isCanonical(s) {
		return s, nil
	}
	switch strings.ToLower(s) {
	case "nan":
		return NaN, nil
	case "infinity", "inf", "+infinity", "+inf":
		return Infinity, nil
	case "-infinity", "-inf":
		return NegInfinity, nil
	}
	mantissa, exponent := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.Atoi(s[i+1:])
		if err != nil {
			return "", fmt.Errorf("%s is no number", excerpt(s))
		}
		mantissa, exponent = s[:i], e
	}
	sign := ""
	switch {
	case strings.HasPrefix(mantissa, "-"):
		sign, mantissa = "-", mantissa[1:]
	case strings.HasPrefix(mantissa, "+"):
		mantissa = mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole+fraction == "" || !onlyDigits(whole) || !onlyDigits(fraction) {
		return "", fmt.Errorf("%s is no number", excerpt(s))
	}
	digits, err := placed(whole, fraction, exponent)
	if err != nil {
		return "", err
	}
	if digits == "0" {
		return digits, nil
	}
	return sign + digits, nil
}

// placed moves the point and drops what says nothing.
func placed(whole, fraction string, exponent int) (string, error) {
	digits := strings.TrimLeft(whole+fraction, "0")
	point := len(digits) - len(fraction) // digits before the point, may be negative
	digits = strings.TrimRight(digits, "0")
	if digits == "" {
		return "0", nil
	}
	if exponent > maxDigits || exponent < -maxDigits || point > maxDigits || len(digits) > maxDigits {
		return "", errors.New("number has more than 150,000 digits")
	}
	point += exponent
	switch {
	case point <= 0:
		return "0." + strings.Repeat("0", -point) + digits, nil
	case point >= len(digits):
		return digits + strings.Repeat("0", point-len(digits)), nil
	}
	return digits[:point] + "." + digits[point:], nil
}

func isCanonical(s string) bool {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if point && (fraction == "" || fraction[len(fraction)-1] == '0') {
		return false
	}
	if whole == "" || whole[0] == '0' && len(whole) > 1 || s == "-0" {
		return false
	}
	return onlyDigits(whole) && onlyDigits(fraction)
}

func onlyDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func (r rules) fromNumbers(to group) (loop, passFunc, bool) {
	switch to {
	case numbers:
		if !r.bounds.NoNaN && !r.bounds.NoInfinity {
			return nil, nil, true
		}
		return cells(func(s string) (string, *fault) {
			if s == NaN && r.bounds.NoNaN || r.bounds.NoInfinity && (s == Infinity || s == NegInfinity) {
				return "", r.overflow("is %s, which the target does not hold", s)
			}
			return s, nil
		}), nil, true
	case decimals:
		narrow, wide := r.parse(38), r.parse(76)
		return r.toDecimals(cells(func(s string) (decimal128.Num, *fault) {
			if n, ok := r.small(s); ok {
				return decimal128.FromI64(n), nil
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

// small reads a number of at most 18 digits at the target's scale, which nearly
// all are, without big.Int; ok is false for all others.
func (r rules) small(s string) (n int64, ok bool) {
	digits := strings.TrimPrefix(s, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	if whole == "" || len(fraction) > r.dst.Scale || len(whole)+r.dst.Scale > min(18, r.dst.Precision) {
		return 0, false
	}
	for i := range len(digits) {
		switch c := digits[i]; {
		case c >= '0' && c <= '9':
			n = n*10 + int64(c-'0')
		case c != '.' || i != len(whole):
			return 0, false
		}
	}
	for range r.dst.Scale - len(fraction) {
		n *= 10
	}
	if len(digits) < len(s) {
		n = -n
	}
	return n, true
}

// parse reads a canonical number into an integer of the target's scale.
func (r rules) parse(most int) func(string) (*big.Int, *fault) {
	precision, scale := min(r.dst.Precision, most), r.dst.Scale
	return func(s string) (*big.Int, *fault) {
		if s == NaN || s == Infinity || s == NegInfinity {
			return nil, r.overflow("is %s, which the target does not hold", s)
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
			return nil, &fault{what: excerpt(s) + " is no number", fix: "Correct the row in the source."}
		}
		return n, nil
	}
}

// decimalText prints an integer with its point moved left by scale digits.
func decimalText(n *big.Int, scale int) string {
	s := n.String()
	if scale == 0 {
		return s
	}
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	if len(s) <= scale {
		s = strings.Repeat("0", scale-len(s)+1) + s
	}
	return sign + s[:len(s)-scale] + "." + s[len(s)-scale:]
}

// trimmed drops the zeros at a fraction's end, which is all that a decimal's text
// lacks to be canonical.
func trimmed(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" {
		return "0"
	}
	return s
}
