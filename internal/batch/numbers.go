package batch

import (
	"math"
	"math/big"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

type integer interface{ ~int16 | ~int32 | ~int64 }

func (r rules) fromBooleans(to group) (loop, passFunc, bool) {
	bit := func(b bool) int64 {
		if b {
			return 1
		}
		return 0
	}
	switch {
	case to == boolean:
		return nil, nil, true
	case r.dst.Kind == catalog.Int16:
		return cells(func(b bool) (int16, *fault) { return int16(bit(b)), nil }), nil, true
	case r.dst.Kind == catalog.Int32:
		return cells(func(b bool) (int32, *fault) { return int32(bit(b)), nil }), nil, true
	case r.dst.Kind == catalog.Int64:
		return cells(func(b bool) (int64, *fault) { return bit(b), nil }), nil, true
	}
	return nil, nil, false
}

func (r rules) fromIntegers(to group) (loop, passFunc, bool) {
	if r.src.Kind == r.dst.Kind {
		return nil, nil, true
	}
	switch r.src.Kind {
	case catalog.Int16:
		return fromInteger[int16](r, to)
	case catalog.Int32:
		return fromInteger[int32](r, to)
	default:
		return fromInteger[int64](r, to)
	}
}

func fromInteger[S integer](r rules, to group) (loop, passFunc, bool) {
	switch {
	case r.dst.Kind == catalog.Int16:
		return cells(resized[S, int16](r)), nil, true
	case r.dst.Kind == catalog.Int32:
		return cells(resized[S, int32](r)), nil, true
	case r.dst.Kind == catalog.Int64:
		return cells(resized[S, int64](r)), nil, true
	case to == numbers:
		return cells(then(func(v S) string { return strconv.FormatInt(int64(v), 10) }, r.number)), nil, true
	case to == decimals:
		narrow, wide := r.scaled128(0), r.scaled256(0)
		return r.toDecimals(
			cells(func(v S) (decimal128.Num, *fault) { return narrow(decimal128.FromI64(int64(v))) }),
			cells(func(v S) (decimal256.Num, *fault) { return wide(decimal256.FromI64(int64(v))) }))
	}
	return nil, nil, false
}

func resized[S, D integer](r rules) func(S) (D, *fault) {
	return func(v S) (D, *fault) {
		if int64(D(v)) != int64(v) {
			return 0, r.overflow("%d is out of range", v)
		}
		return D(v), nil
	}
}

// toDecimals chooses between 128 and 256 bits.
func (r rules) toDecimals(narrow, wide loop) (loop, passFunc, bool) {
	if r.dst.Precision > 38 {
		return wide, nil, true
	}
	return narrow, nil, true
}

// exact is an integer of 128 or 256 bits.
type exact[N any] interface {
	Mul(N) N
	Div(N) (quotient, rest N)
	Sign() int
	FitsInPrecision(digits int32) bool
	BigInt() *big.Int
}

// scaled brings integers of a scale to the target's scale and precision. power
// returns powers of ten.
func scaled[N exact[N]](r rules, scale int, power func(int) N) func(N) (N, *fault) {
	up := r.dst.Scale - scale
	factor := power(max(up, -up))
	room := int32(r.dst.Precision - max(up, 0)) // digits before scaling up
	return func(v N) (N, *fault) {
		out, whole := v, true
		if up < 0 {
			quotient, rest := v.Div(factor)
			out, whole = quotient, rest.Sign() == 0
		}
		fits := out.Sign() == 0 || room > 0 && out.FitsInPrecision(room)
		if !whole || !fits {
			return v, r.overflow("%s does not fit", shortened(decimalText(v.BigInt(), scale)))
		}
		if up > 0 {
			out = out.Mul(factor)
		}
		return out, nil
	}
}

func (r rules) scaled128(scale int) func(decimal128.Num) (decimal128.Num, *fault) {
	return scaled(r, scale, func(n int) decimal128.Num { return decimal128.GetScaleMultiplier(min(n, 38)) })
}

func (r rules) scaled256(scale int) func(decimal256.Num) (decimal256.Num, *fault) {
	return scaled(r, scale, decimal256.GetScaleMultiplier)
}

func (r rules) fromDecimals(to group) (loop, passFunc, bool) {
	if to == decimals && r.src.Scale == r.dst.Scale && r.dst.Precision >= r.src.Precision &&
		(r.src.Precision > 38) == (r.dst.Precision > 38) {
		return nil, nil, true
	}
	if r.src.Precision <= 38 {
		return fromDecimal(r, to, decimal128.Num.BigInt)
	}
	return fromDecimal(r, to, decimal256.Num.BigInt)
}

// fromDecimal converts decimals of one width. Only conversions within 128 bits
// are common enough to avoid big.Int.
func fromDecimal[S any](r rules, to group, large func(S) *big.Int) (loop, passFunc, bool) {
	switch to {
	case numbers:
		return cells(then(func(v S) string { return trimmed(decimalText(large(v), r.src.Scale)) }, r.number)), nil, true
	case decimals:
		scale := r.scaled256(r.src.Scale)
		wide := cells(func(v S) (decimal256.Num, *fault) { return scale(decimal256.FromBigInt(large(v))) })
		if r.src.Precision <= 38 {
			return r.toDecimals(cells(r.scaled128(r.src.Scale)), wide)
		}
		return r.toDecimals(cells(r.narrowed()), wide)
	case integers:
		whole := r
		whole.dst.Precision, whole.dst.Scale = 38, 0
		scale := whole.scaled256(r.src.Scale)
		return toInteger(r, func(s S) (int64, *fault) {
			v, bad := scale(decimal256.FromBigInt(large(s)))
			if bad != nil {
				return 0, bad
			}
			if b := v.BigInt(); b.IsInt64() {
				return b.Int64(), nil
			}
			return 0, r.overflow("%s is out of range", v.BigInt())
		})
	}
	return nil, nil, false
}

// narrowed brings a 256-bit decimal into 128 bits.
func (r rules) narrowed() func(decimal256.Num) (decimal128.Num, *fault) {
	scale := r.scaled256(r.src.Scale)
	return func(v decimal256.Num) (decimal128.Num, *fault) {
		out, bad := scale(v)
		if bad != nil {
			return decimal128.Num{}, bad
		}
		return decimal128.FromBigInt(out.BigInt()), nil
	}
}

func toInteger[S any](r rules, num func(S) (int64, *fault)) (loop, passFunc, bool) {
	switch r.dst.Kind {
	case catalog.Int16:
		return cells(sized[S, int16](r, num)), nil, true
	case catalog.Int32:
		return cells(sized[S, int32](r, num)), nil, true
	default:
		return cells(sized[S, int64](r, num)), nil, true
	}
}

func sized[S any, D integer](r rules, num func(S) (int64, *fault)) func(S) (D, *fault) {
	resize := resized[int64, D](r)
	return func(s S) (D, *fault) {
		v, bad := num(s)
		if bad != nil {
			return 0, bad
		}
		return resize(v)
	}
}

func (r rules) fromFloats(to group) (loop, passFunc, bool) {
	if to != floats {
		return nil, nil, false
	}
	strict := r.bounds.NoNaN || r.bounds.NoInfinity || r.bounds.NoNegativeZero
	switch {
	case r.src.Kind == catalog.Float32 && r.dst.Kind == catalog.Float64:
		return cells(func(v float32) (float64, *fault) { return r.float(float64(v)) }), nil, true
	case r.src.Kind == catalog.Float64 && r.dst.Kind == catalog.Float32:
		return cells(func(v float64) (float32, *fault) {
			v, bad := r.float(v)
			if bad == nil && v == v && float64(float32(v)) != v {
				bad = r.overflow("%v has more digits than a 32-bit float holds", v)
			}
			return float32(v), bad
		}), nil, true
	case !strict:
		return nil, nil, true
	case r.src.Kind == catalog.Float32:
		return cells(func(v float32) (float32, *fault) {
			out, bad := r.float(float64(v))
			return float32(out), bad
		}), func(a arrow.Array) bool { return plain(a.(*array.Float32).Float32Values()) }, true
	}
	return cells(r.float), func(a arrow.Array) bool { return plain(a.(*array.Float64).Float64Values()) }, true
}

func (r rules) float(v float64) (float64, *fault) {
	switch {
	case v == 0 && r.bounds.NoNegativeZero:
		return 0, nil
	case v != v && r.bounds.NoNaN:
		return v, r.overflow("is NaN, which the target cannot hold")
	case math.IsInf(v, 0) && r.bounds.NoInfinity:
		return v, r.overflow("is %v, which the target cannot hold", v)
	}
	return v, nil
}

// plain says whether no value is NaN, infinite or a negative zero.
func plain[T float32 | float64](values []T) bool {
	for _, v := range values {
		f := float64(v)
		if f != f || math.IsInf(f, 0) || f == 0 && math.Signbit(f) {
			return false
		}
	}
	return true
}

func fitsInt64(n decimal128.Num) bool { return n.HighBits() == int64(n.LowBits())>>63 }

// shortened bounds the digits that a message shows.
func shortened(digits string) string {
	if len(digits) <= 80 {
		return digits
	}
	return digits[:40] + "... of " + strconv.Itoa(len(digits)) + " digits"
}
