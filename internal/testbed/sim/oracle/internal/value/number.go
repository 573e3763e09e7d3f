package value

import (
	"math/big"
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
)

// Oracle's NUMBER has up to 20 digits of base 100 (Concepts, "NUMBER": 38 decimal digits are guaranteed).
const (
	maxPairs  = 20
	maxExp100 = 62
	minExp100 = -65
)

// Dec is an exact decimal: Digits x 10^Exp. Digits has no leading and no trailing zeros, and is
// empty for zero.
type Dec struct {
	Neg    bool
	Digits string
	Exp    int
}

func newDec(neg bool, digits string, exp int) Dec {
	digits = strings.TrimLeft(digits, "0")
	short := strings.TrimRight(digits, "0")
	if short == "" {
		return Dec{}
	}
	return Dec{Neg: neg, Digits: short, Exp: exp + len(digits) - len(short)}
}

// ParseDec reads a number as Oracle's text to number conversion does without a format: sign, digits,
// a point and an exponent, with blanks around. What is not a number is ORA-01722.
func ParseDec(s string) (Dec, error) {
	bad := ora.Errorf(1722, "invalid number")
	t := strings.Trim(s, " ")
	neg := strings.HasPrefix(t, "-")
	if neg || strings.HasPrefix(t, "+") {
		t = t[1:]
	}
	mantissa, exponent := t, 0
	if i := strings.IndexAny(t, "eE"); i >= 0 {
		mantissa = t[:i]
		n, ok := smallInt(t[i+1:])
		if !ok {
			return Dec{}, bad
		}
		exponent = n
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return Dec{}, bad
	}
	return newDec(neg, digits, exponent-len(fraction)), nil
}

func smallInt(s string) (int, bool) {
	neg := strings.HasPrefix(s, "-")
	if neg || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	if s == "" || len(s) > 4 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	if neg {
		n = -n
	}
	return n, true
}

// IntDec makes a Dec of an integer.
func IntDec(i int64) Dec { return BigDec(big.NewInt(i), 0) }

// BigDec makes a Dec of n x 10^exp.
func BigDec(n *big.Int, exp int) Dec {
	text := n.String()
	neg := strings.HasPrefix(text, "-")
	return newDec(neg, strings.TrimPrefix(text, "-"), exp)
}

// Big returns the unscaled number, whose scale is d.Exp.
func (d Dec) Big() *big.Int {
	if d.Digits == "" {
		return new(big.Int)
	}
	n, _ := new(big.Int).SetString(d.Digits, 10)
	if d.Neg {
		n.Neg(n)
	}
	return n
}

// Zero says whether the number is 0.
func (d Dec) Zero() bool { return d.Digits == "" }

// point is how many digits stand before the decimal point; it may be negative.
func (d Dec) point() int { return len(d.Digits) + d.Exp }

// Round rounds half away from zero to a number of decimals, which may be negative.
func (d Dec) Round(scale int) Dec {
	keep := d.point() + scale
	if d.Exp >= -scale {
		return d
	}
	if keep < 0 {
		return Dec{}
	}
	up := d.Digits[keep] >= '5'
	out := newDec(d.Neg, d.Digits[:keep], -scale)
	if !up {
		return out
	}
	one := big.NewInt(1)
	if d.Neg {
		one.Neg(one)
	}
	return Add(out, BigDec(one, -scale))
}

// Trunc cuts to a number of decimals.
func (d Dec) Trunc(scale int) Dec {
	keep := d.point() + scale
	if d.Exp >= -scale {
		return d
	}
	if keep <= 0 {
		return Dec{}
	}
	return newDec(d.Neg, d.Digits[:keep], -scale)
}

// String writes the number the way TO_CHAR does without a format, for numbers of up to 40 digits;
// beyond it is E notation.
func (d Dec) String() string {
	if d.Zero() {
		return "0"
	}
	sign := ""
	if d.Neg {
		sign = "-"
	}
	p := d.point()
	switch {
	case p > 40 || p < -39 || p <= 0 && len(d.Digits)-p > 40:
		e := d.Digits[:1]
		if len(d.Digits) > 1 {
			e += "." + d.Digits[1:]
		}
		return sign + e + expText(p-1)
	case p <= 0:
		return sign + "." + strings.Repeat("0", -p) + d.Digits
	case p >= len(d.Digits):
		return sign + d.Digits + strings.Repeat("0", p-len(d.Digits))
	}
	return sign + d.Digits[:p] + "." + d.Digits[p:]
}

func expText(e int) string {
	sign := "E+"
	if e < 0 {
		sign, e = "E-", -e
	}
	t := big.NewInt(int64(e)).String()
	if len(t) < 2 {
		t = "0" + t
	}
	return sign + t
}

// Fit brings a number into NUMBER(p,s): rounded to s decimals. More than p-s digits before the point
// are ORA-01438.
func (d Dec) Fit(p, s int) (Dec, error) {
	r := d.Round(s)
	if !r.Zero() && r.point() > p-s {
		return Dec{}, ora.Errorf(1438, "value larger than specified precision allowed for this column")
	}
	return r, nil
}

// Significant rounds to n significant digits.
func (d Dec) Significant(n int) Dec {
	if len(d.Digits) <= n {
		return d
	}
	return d.Round(n - d.point())
}

// Encode writes Oracle's bytes: an exponent and digits of base 100, which compare as the numbers do.
// What has more digits is rounded; a magnitude beyond the type is ORA-01426.
func (d Dec) Encode() ([]byte, error) {
	if d.Zero() {
		return []byte{0x80}, nil
	}
	if room := 2*maxPairs - abs(d.point())%2; len(d.Digits) > room {
		d = d.Significant(room)
	}
	p, digits := d.point(), d.Digits
	if p%2 != 0 {
		digits, p = "0"+digits, p+1
	}
	if len(digits)%2 != 0 {
		digits += "0"
	}
	exp := p/2 - 1
	if exp > maxExp100 {
		return nil, ora.Errorf(1426, "numeric overflow")
	}
	if exp < minExp100 {
		return []byte{0x80}, nil
	}
	out := make([]byte, 0, len(digits)/2+2)
	if d.Neg {
		out = append(out, byte(62-exp))
	} else {
		out = append(out, byte(193+exp))
	}
	for i := 0; i < len(digits); i += 2 {
		pair := (digits[i]-'0')*10 + digits[i+1] - '0'
		if d.Neg {
			out = append(out, 101-pair)
		} else {
			out = append(out, pair+1)
		}
	}
	if d.Neg && len(out) < maxPairs+1 {
		out = append(out, 102)
	}
	return out, nil
}

// DecodeNumber reads Oracle's bytes. What a client may not send is ORA-01722: exponents and digits out
// of range, a first digit of zero, trailing zeros.
func DecodeNumber(b []byte) (Dec, error) {
	bad := ora.Errorf(1722, "invalid number")
	if len(b) == 1 && b[0] == 0x80 {
		return Dec{}, nil
	}
	if len(b) < 2 || len(b) > maxPairs+2 {
		return Dec{}, bad
	}
	neg := b[0]&0x80 == 0
	exp, body := int(b[0])-193, b[1:]
	if neg {
		exp = 62 - int(b[0])
		if body[len(body)-1] == 102 {
			body = body[:len(body)-1]
		}
	}
	if len(body) == 0 || len(body) > maxPairs {
		return Dec{}, bad
	}
	digits := make([]byte, 0, 2*len(body))
	for _, c := range body {
		pair := int(c) - 1
		if neg {
			pair = 101 - int(c)
		}
		if pair < 0 || pair > 99 {
			return Dec{}, bad
		}
		digits = append(digits, byte('0'+pair/10), byte('0'+pair%10))
	}
	if n := len(digits); digits[0] == '0' && digits[1] == '0' || digits[n-1] == '0' && digits[n-2] == '0' {
		return Dec{}, bad
	}
	return newDec(neg, string(digits), 2*(exp+1)-len(digits)), nil
}

func abs(i int) int {
	if i < 0 {
		return -i
	}
	return i
}
