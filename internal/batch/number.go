package batch

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
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
			return "", fmt.Errorf("%s is not a number", excerpt(s))
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
		return "", fmt.Errorf("%s is not a number", excerpt(s))
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
