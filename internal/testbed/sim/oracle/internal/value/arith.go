package value

import (
	"math/big"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
)

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// align brings two numbers to one exponent.
func align(a, b Dec) (x, y *big.Int, exp int) {
	x, y, exp = a.Big(), b.Big(), min(a.Exp, b.Exp)
	if a.Exp > exp {
		x.Mul(x, pow10(a.Exp-exp))
	}
	if b.Exp > exp {
		y.Mul(y, pow10(b.Exp-exp))
	}
	return x, y, exp
}

// Add adds exactly.
func Add(a, b Dec) Dec {
	x, y, exp := align(a, b)
	return BigDec(x.Add(x, y), exp)
}

// Neg changes the sign.
func (d Dec) Negate() Dec {
	if !d.Zero() {
		d.Neg = !d.Neg
	}
	return d
}

// Mul multiplies exactly.
func Mul(a, b Dec) Dec {
	return BigDec(new(big.Int).Mul(a.Big(), b.Big()), a.Exp+b.Exp)
}

// Div divides to 40 digits; ORA-01476 by zero.
func Div(a, b Dec) (Dec, error) {
	if b.Zero() {
		return Dec{}, ora.Errorf(1476, "divisor is equal to zero")
	}
	if a.Zero() {
		return Dec{}, nil
	}
	shift := 42 + len(b.Digits)
	n := new(big.Int).Mul(a.Big(), pow10(shift))
	q, r := new(big.Int).QuoRem(n, b.Big(), new(big.Int))
	if r.Sign() != 0 { // beyond the digits that are kept
		q.Mul(q, big.NewInt(10))
		shift++
		q.Add(q, big.NewInt(int64(n.Sign()*b.Big().Sign())))
	}
	return BigDec(q, a.Exp-b.Exp-shift).Significant(40), nil
}

// Mod is the remainder with the sign of a; a where b is 0, as Oracle's MOD.
func Mod(a, b Dec) Dec {
	if b.Zero() {
		return a
	}
	x, y, exp := align(a, b)
	return BigDec(x.Rem(x, y), exp)
}

// Floor rounds towards minus infinity.
func (d Dec) Floor() Dec {
	t := d.Trunc(0)
	if d.Neg && t != d {
		return Add(t, IntDec(-1))
	}
	return t
}

// Compare is -1, 0 or 1.
func Compare(a, b Dec) int {
	x, y, _ := align(a, b)
	return x.Cmp(y)
}

// Int64 returns the number without its fraction; ok is false where it does not fit.
func (d Dec) Int64() (int64, bool) {
	if d.point() > 19 {
		return 0, false
	}
	t := d.Trunc(0)
	n := t.Big()
	if t.Exp > 0 {
		n.Mul(n, pow10(t.Exp))
	}
	return n.Int64(), n.IsInt64()
}

// Float64 returns the nearest float.
func (d Dec) Float64() float64 {
	f, _ := new(big.Float).SetString(d.floatText())
	v, _ := f.Float64()
	return v
}

func (d Dec) floatText() string {
	if d.Zero() {
		return "0"
	}
	sign := ""
	if d.Neg {
		sign = "-"
	}
	return sign + d.Digits + "e" + big.NewInt(int64(d.Exp)).String()
}
