package batch

import (
	"math"
	"math/bits"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

const (
	usSecond = int64(time.Second / time.Microsecond)
	usDay    = 86400 * usSecond
)

// span bounds instants, in microseconds or days since the epoch, both inclusive.
type span struct {
	low, high int64
	infinite  bool  // the infinities are welcome, too
	gap, end  int64 // from gap to before end nothing exists; both 0 is not a gap
}

// The days that the Gregorian calendar left out when it began, since the epoch:
// 1582-10-05, and 1582-10-15, the first that exists again.
const (
	gapDay    = -141_437
	gapDayEnd = -141_427
)

func (s span) holds(v int64) bool {
	return v >= s.low && v <= s.high && (v < s.gap || v >= s.end)
}

// span returns what the target holds. minus and plus are the infinities of the unit.
func (r rules) span(unit, minus, plus int64) span {
	s := span{low: minus + 1, high: plus - 1, infinite: !r.bounds.NoInfinity}
	if r.bounds.JulianGap {
		s.gap, s.end = gapDay*unit, gapDayEnd*unit
	}
	first, last := int(r.bounds.MinYear), int(r.bounds.MaxYear)
	if first != 0 || last != 0 {
		s.low, s.high = yearStart(first, unit), yearStart(last+1, unit)-r.step(unit)
	}
	return s
}

// everyDay says whether the target's calendar has no bound.
func (r rules) everyDay() bool {
	b := r.bounds
	return !b.NoInfinity && !b.JulianGap && b.MinYear == 0 && b.MaxYear == 0
}

// step is the distance of two neighbours that the target can tell apart.
func (r rules) step(unit int64) int64 {
	if unit == 1 {
		return 1
	}
	return grain(r.dst.Precision)
}

// grain is one digit of a precision, in microseconds.
func grain(precision int) int64 {
	us := usSecond
	for range min(precision, 6) {
		us /= 10
	}
	return us
}

// yearStart returns the first instant of a year: unit 1 counts days, usDay microseconds.
func yearStart(year int, unit int64) int64 {
	return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Unix() / 86400 * unit
}

// fit applies the span and the invalid_date policy to one instant.
func (r rules) fit(v int64, s span, print func(int64) string) (int64, *fault) {
	minus, plus := int64(math.MinInt64), int64(math.MaxInt64)
	if r.src.Kind == catalog.Date {
		minus, plus = int64(NegInfinityDay), int64(InfinityDay)
	}
	if s.holds(v) || s.infinite && (v == minus || v == plus) {
		return v, nil
	}
	switch r.policies.InvalidDate {
	case catalog.Null:
		return 0, &fault{null: true}
	case catalog.Clamp:
		return r.clamp(v, s), nil
	}
	return 0, &fault{what: print(v) + " is not a date that the target can hold",
		fix: "Correct the row in the source, or set invalid_date in the spec's types block."}
}

// clamp returns the nearest instant that the target holds; where it has no bounds
// of its own, infinity becomes the end of the years 1 to 9999.
func (r rules) clamp(v int64, s span) int64 {
	unit := usDay
	if r.src.Kind == catalog.Date {
		unit = 1
	}
	if r.bounds.MinYear == 0 && r.bounds.MaxYear == 0 {
		narrow := r
		narrow.bounds.MinYear, narrow.bounds.MaxYear = 1, 9999
		s = narrow.span(unit, math.MinInt64, math.MaxInt64)
	}
	v = min(max(v, s.low), s.high)
	switch {
	case s.holds(v):
		return v
	case v-s.gap < s.end-v:
		return s.gap - r.step(unit)
	}
	return s.end
}

func (r rules) fromDates(to group) (loop, passFunc, bool) {
	s := r.span(1, int64(NegInfinityDay), int64(InfinityDay))
	switch {
	case to == dates && r.everyDay():
		return nil, nil, true
	case to == dates:
		return cells(func(v arrow.Date32) (arrow.Date32, *fault) {
				fit, bad := r.fit(int64(v), s, printDay)
				return arrow.Date32(fit), bad
			}), func(a arrow.Array) bool {
				return within(a.(*array.Date32).Date32Values(), s)
			}, true
	case r.dst.Kind == catalog.Timestamp:
		return cells(func(v arrow.Date32) (arrow.Timestamp, *fault) {
			fit, bad := r.fit(int64(v), s, printDay)
			return dayInstant(fit, bad)
		}), nil, true
	}
	return nil, nil, false
}

func dayInstant(day int64, bad *fault) (arrow.Timestamp, *fault) {
	switch {
	case bad != nil:
		return 0, bad
	case day == int64(InfinityDay):
		return arrow.Timestamp(InfinityUS), nil
	case day == int64(NegInfinityDay):
		return arrow.Timestamp(NegInfinityUS), nil
	case day > InfinityUS/usDay || day < NegInfinityUS/usDay:
		return 0, &fault{what: printDay(day) + " is not a timestamp that can be transferred", fix: "Correct the row in the source."}
	}
	return arrow.Timestamp(day * usDay), nil
}

func (r rules) fromTimes(to group) (loop, passFunc, bool) {
	if to != times {
		return nil, nil, false
	}
	if r.dst.Precision >= r.src.Precision {
		return nil, nil, true
	}
	unit := grain(r.dst.Precision)
	return cells(func(v arrow.Time64) (arrow.Time64, *fault) {
		if int64(v)%unit != 0 {
			return 0, r.overflow("%s has too many digits", printTime(int64(v)))
		}
		return v, nil
	}), nil, true
}

func (r rules) fromTimestamps(to group) (loop, passFunc, bool) {
	if to != timestamps || !r.zonesFit() {
		return nil, nil, false
	}
	switch {
	case r.src.Kind == catalog.Timestamp9 && r.dst.Kind == catalog.Timestamp9:
		if r.dst.Precision >= r.src.Precision && r.everyDay() {
			return nil, nil, true
		}
		return cells(r.nanos()), nil, true
	case r.src.Kind == catalog.Timestamp9:
		return cells(r.fromNanos()), nil, true
	case r.dst.Kind == catalog.Timestamp9:
		return cells(r.toNanos()), nil, true
	}
	s := r.span(usDay, NegInfinityUS, InfinityUS)
	unit := grain(r.dst.Precision)
	coarse := r.dst.Precision < r.src.Precision
	if !coarse && r.everyDay() {
		return nil, nil, true
	}
	return cells(r.instant(s)), func(a arrow.Array) bool {
		values := a.(*array.Timestamp).TimestampValues()
		return within(values, s) && (!coarse || multiples(values, unit))
	}, true
}

// zonesFit says whether both sides have a zone, or neither has, or the policy is that an
// instant becomes its civil time in UTC.
func (r rules) zonesFit() bool {
	from, to := r.src.Kind == catalog.TimestampTZ, r.dst.Kind == catalog.TimestampTZ
	return from == to || from && r.policies.TimeZone == catalog.UTC
}

func (r rules) instant(s span) func(arrow.Timestamp) (arrow.Timestamp, *fault) {
	unit := grain(r.dst.Precision)
	return func(v arrow.Timestamp) (arrow.Timestamp, *fault) {
		fit, bad := r.fit(int64(v), s, printInstant)
		if bad == nil && fit%unit != 0 && fit != NegInfinityUS && fit != InfinityUS {
			bad = r.overflow("%s has too many digits", printInstant(fit))
		}
		return arrow.Timestamp(fit), bad
	}
}

// nanosUS is a microsecond in the unit of timestamps of nine digits.
const nanosUS = 1000

// nanos checks that a timestamp of nine digits is one that the target's calendar has,
// and fits into fewer digits.
func (r rules) nanos() func(decimal128.Num) (decimal128.Num, *fault) {
	s := r.span(usDay, NegInfinityUS, InfinityUS)
	unit := int64(1)
	for range 9 - r.dst.Precision {
		unit *= 10
	}
	every := r.everyDay()
	return func(v decimal128.Num) (decimal128.Num, *fault) {
		if !every {
			us, _ := floored(v, nanosUS)
			if !fitsInt64(us) {
				return v, r.overflow("%s seconds since 1970", decimalText(v.BigInt(), 9))
			}
			fit, bad := r.fit(int64(us.LowBits()), s, printInstant)
			if bad != nil || fit != int64(us.LowBits()) {
				return decimal128.FromI64(fit).Mul(decimal128.FromI64(nanosUS)), bad
			}
		}
		if _, rest := floored(v, unit); rest != 0 {
			return v, r.overflow("%s seconds since 1970 has too many digits", decimalText(v.BigInt(), 9))
		}
		return v, nil
	}
}

// floored divides by a positive number and rounds down, without allocating.
func floored(v decimal128.Num, by int64) (quotient decimal128.Num, rest int64) {
	negative := v.Sign() < 0
	v = v.Abs()
	d, high := uint64(by), uint64(v.HighBits())
	low, left := bits.Div64(high%d, v.LowBits(), d)
	quotient, rest = decimal128.New(int64(high/d), low), int64(left)
	if negative {
		quotient = quotient.Negate()
		if rest != 0 {
			quotient, rest = quotient.Sub(decimal128.FromI64(1)), by-rest
		}
	}
	return quotient, rest
}

func (r rules) fromNanos() func(decimal128.Num) (arrow.Timestamp, *fault) {
	instant := r.instant(r.span(usDay, NegInfinityUS, InfinityUS))
	return func(v decimal128.Num) (arrow.Timestamp, *fault) {
		us, rest := floored(v, nanosUS)
		if rest != 0 {
			return 0, r.overflow("%s seconds since 1970 has too many digits", decimalText(v.BigInt(), 9))
		}
		if !fitsInt64(us) {
			return 0, r.overflow("%s seconds since 1970", decimalText(v.BigInt(), 9))
		}
		return instant(arrow.Timestamp(us.LowBits()))
	}
}

func (r rules) toNanos() func(arrow.Timestamp) (decimal128.Num, *fault) {
	years := r
	years.bounds.NoInfinity = true
	years.bounds.MinYear = max(r.bounds.MinYear, 1)
	if r.bounds.MaxYear == 0 {
		years.bounds.MaxYear = 9999
	}
	instant := years.instant(years.span(usDay, NegInfinityUS, InfinityUS))
	return func(v arrow.Timestamp) (decimal128.Num, *fault) {
		us, bad := instant(v)
		return decimal128.FromI64(int64(us)).Mul(decimal128.FromI64(nanosUS)), bad
	}
}

// within says whether all values lie in the span; the bits of NULLs count, too,
// which at worst costs a second look.
func within[T ~int32 | ~int64](values []T, s span) bool {
	ok := true
	for _, v := range values {
		ok = ok && s.holds(int64(v))
	}
	return ok
}

func multiples[T ~int64](values []T, unit int64) bool {
	for _, v := range values {
		if int64(v)%unit != 0 {
			return false
		}
	}
	return true
}
