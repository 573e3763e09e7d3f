package store

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// DecValue makes a decimal of an unscaled number and a scale.
func DecValue(unscaled *big.Int, scale int) Value {
	if unscaled.IsInt64() {
		return Value{K: Dec, I: unscaled.Int64(), N: int32(scale)}
	}
	return Value{K: Dec, S: unscaled.String(), N: int32(scale)}
}

// Unscaled returns an Int's or a Dec's unscaled number; the scale is v.N.
func (v Value) Unscaled() *big.Int {
	if v.S == "" {
		return big.NewInt(v.I)
	}
	n, _ := new(big.Int).SetString(v.S, 10)
	return n
}

// PowerOfTen returns 10^n for n >= 0.
func PowerOfTen(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// ParseNumber reads a literal or a text as Int, Dec or, with an exponent and
// where float is asked for, as Float.
func ParseNumber(s string, float bool) (Value, bool) {
	s = strings.TrimSpace(s)
	mantissa, exponent := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		if float {
			f, err := strconv.ParseFloat(s, 64)
			return FloatValue(f), err == nil
		}
		e, err := strconv.Atoi(s[i+1:])
		if err != nil || e > 10000 || e < -10000 {
			return Value{}, false
		}
		mantissa, exponent = s[:i], e
	}
	whole, fraction, point := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if strings.Trim(digits, "+-") == "" || strings.ContainsAny(fraction, "+-_") || strings.Contains(whole, "_") {
		return Value{}, false
	}
	if !point && exponent == 0 {
		if i, err := strconv.ParseInt(whole, 10, 64); err == nil {
			return IntValue(i), true
		}
	}
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return Value{}, false
	}
	return DecValue(n, len(fraction)-exponent), true
}

// FormatNumber writes a number as plain digits.
func FormatNumber(v Value) string {
	switch v.K {
	case Int:
		return strconv.FormatInt(v.I, 10)
	case Float:
		return strconv.FormatFloat(v.Float(), 'G', -1, 64)
	}
	n := v.Unscaled()
	if v.N <= 0 {
		return n.Mul(n, PowerOfTen(int(-v.N))).String()
	}
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
		n.Neg(n)
	}
	s := n.String()
	if len(s) <= int(v.N) {
		s = strings.Repeat("0", int(v.N)-len(s)+1) + s
	}
	at := len(s) - int(v.N)
	return sign + s[:at] + "." + s[at:]
}

// Normalize strips a decimal's trailing zeros, so that equal numbers are equal bytes.
func Normalize(v Value) Value {
	if v.K != Dec {
		return v
	}
	if v.S == "" {
		if v.I == 0 {
			return Value{K: Dec}
		}
		for v.I%10 == 0 {
			v.I /= 10
			v.N--
		}
		return v
	}
	s := strings.TrimRight(v.S, "0")
	n, _ := new(big.Int).SetString(s, 10)
	return DecValue(n, int(v.N)-(len(v.S)-len(s)))
}

// Digits counts an Int's or a Dec's significant digits, trailing zeros included.
func Digits(v Value) int {
	s := v.S
	if s == "" {
		s = strconv.FormatInt(v.I, 10)
	}
	return len(strings.TrimPrefix(s, "-"))
}

// Rescale brings a number to a scale. Digits beyond it are cut off towards zero, or
// rounded half away from zero where round is set; exact says whether none was lost.
func Rescale(v Value, scale int, round bool) (out Value, exact bool) {
	n := v.Unscaled()
	d := scale - int(v.N)
	if d >= 0 {
		if v.S == "" && d == 0 {
			return Value{K: Dec, I: v.I, N: int32(scale)}, true
		}
		return DecValue(n.Mul(n, PowerOfTen(d)), scale), true
	}
	q, r := new(big.Int).QuoRem(n, PowerOfTen(-d), new(big.Int))
	if round && r.Sign() != 0 {
		r.Abs(r)
		if r.Add(r, r).Cmp(PowerOfTen(-d)) >= 0 {
			q.Add(q, big.NewInt(int64(n.Sign())))
		}
	}
	return DecValue(q, scale), r.Sign() == 0
}

// RoundDigits keeps at most so many significant digits, half away from zero.
func RoundDigits(v Value, digits int) Value {
	for Digits(v) > digits {
		v, _ = Rescale(v, int(v.N)-(Digits(v)-digits), true)
	}
	return v
}

// ToFloat converts a number.
func ToFloat(v Value) float64 {
	switch v.K {
	case Float:
		return v.Float()
	case Int:
		return float64(v.I)
	}
	f, _ := strconv.ParseFloat(v.Unscaled().String()+"e"+strconv.Itoa(-int(v.N)), 64)
	return f
}

func compareNumbers(a, b Value) int {
	switch {
	case a.K == Float || b.K == Float:
		x, y := ToFloat(a), ToFloat(b)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	case a.S == "" && b.S == "" && a.N == b.N:
		return compareInts(a.I, b.I)
	}
	scale := max(a.N, b.N)
	x, _ := Rescale(a, int(scale), false)
	y, _ := Rescale(b, int(scale), false)
	return x.Unscaled().Cmp(y.Unscaled())
}

// arithmetic computes + - * / of two numbers; digits bounds a quotient.
func arithmetic(op string, a, b Value, digits int) (Value, ErrorKind) {
	if a.K == Float || b.K == Float {
		return floatArithmetic(op, ToFloat(a), ToFloat(b))
	}
	whole := a.K == Int && b.K == Int
	x, y := a.Unscaled(), b.Unscaled()
	scale := max(int(a.N), int(b.N))
	switch op {
	case "*":
		return integral(x.Mul(x, y), int(a.N)+int(b.N), whole)
	case "/":
		if y.Sign() == 0 {
			return Value{}, DivideByZero
		}
		shift := digits + Digits(b)
		q := x.Mul(x, PowerOfTen(shift)).Quo(x, y)
		return Normalize(RoundDigits(DecValue(q, int(a.N)-int(b.N)+shift), digits)), 0
	case "+", "-":
		x.Mul(x, PowerOfTen(scale-int(a.N)))
		y.Mul(y, PowerOfTen(scale-int(b.N)))
		if op == "+" {
			return integral(x.Add(x, y), scale, whole)
		}
		return integral(x.Sub(x, y), scale, whole)
	}
	return Value{}, TypeMismatch
}

func integral(n *big.Int, scale int, whole bool) (Value, ErrorKind) {
	v := DecValue(n, scale)
	if !whole {
		return v, 0
	}
	if v.S != "" {
		return Value{}, Overflow
	}
	return IntValue(v.I), 0
}

func floatArithmetic(op string, x, y float64) (Value, ErrorKind) {
	var f float64
	switch op {
	case "+":
		f = x + y
	case "-":
		f = x - y
	case "*":
		f = x * y
	case "/":
		if y == 0 {
			return Value{}, DivideByZero
		}
		f = x / y
	}
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return Value{}, Overflow
	}
	return FloatValue(f), 0
}
