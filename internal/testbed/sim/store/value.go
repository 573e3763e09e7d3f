package store

import (
	"math"
	"strings"
)

// Kind is a value's class.
type Kind uint8

// Kinds of values. The fields that hold one are named beside it.
const (
	Null  Kind = iota
	Bool       // I: 0 or 1
	Int        // I
	Dec        // unscaled number: I, or decimal digits in S where I does not hold it; N: scale, which may be negative
	Float      // I: the bits of a float64
	Text       // S: UTF-8
	Bytes      // S
	Day        // I: day number, as CivilDay counts
	Clock      // I: seconds of the day
	Stamp      // I: seconds since the begin of day 0; N: nanoseconds; S: a zone, where the type has one
)

// Value is one cell. It is passed by value and never changed in place; S may
// share memory with a row of a table, which is immutable too.
type Value struct {
	K Kind
	N int32
	I int64
	S string
}

// Type is what a compiler knows of an expression before it is evaluated. Name is
// the dialect's own name of the type, "" where a parameter has none yet.
type Type struct {
	Name             string
	Kind             Kind
	Length           int // characters or bytes of what has a length
	Precision, Scale int
	Floating         bool // a decimal without fixed scale
	NotNull          bool
}

// Constructors.
func IntValue(i int64) Value     { return Value{K: Int, I: i} }
func TextValue(s string) Value   { return Value{K: Text, S: s} }
func BytesValue(b []byte) Value  { return Value{K: Bytes, S: string(b)} }
func FloatValue(f float64) Value { return Value{K: Float, I: int64(math.Float64bits(f))} }

// BoolValue makes a truth value.
func BoolValue(b bool) Value {
	if b {
		return Value{K: Bool, I: 1}
	}
	return Value{K: Bool}
}

// IsNull says whether it is NULL.
func (v Value) IsNull() bool { return v.K == Null }

// True says whether it is a truth value that holds; NULL does not.
func (v Value) True() bool { return v.K == Bool && v.I != 0 }

// Float returns the number of a Float.
func (v Value) Float() float64 { return math.Float64frombits(uint64(v.I)) }

// Numeric says whether it is a number.
func (v Value) Numeric() bool { return v.K == Int || v.K == Dec || v.K == Float }

// CompareValues orders two values that are not NULL: -1, 0 or 1. Numbers of
// different kinds compare by value, texts and bytes bytewise. ok is false where
// the kinds do not compare.
func CompareValues(a, b Value) (order int, ok bool) {
	switch {
	case a.Numeric() && b.Numeric():
		return compareNumbers(a, b), true
	case a.K != b.K:
		if a.K == Day && b.K == Stamp {
			return compareStamps(Value{I: a.I * secondsOfDay}, b), true
		}
		if a.K == Stamp && b.K == Day {
			return compareStamps(a, Value{I: b.I * secondsOfDay}), true
		}
		return 0, false
	case a.K == Text || a.K == Bytes:
		return strings.Compare(a.S, b.S), true
	case a.K == Stamp:
		return compareStamps(a, b), true
	default:
		return compareInts(a.I, b.I), true
	}
}

func compareStamps(a, b Value) int {
	if c := compareInts(a.I, b.I); c != 0 {
		return c
	}
	return compareInts(int64(a.N), int64(b.N))
}

func compareInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

const secondsOfDay = 24 * 60 * 60

// julianSwitch is the Julian day of 1582-10-15, the first Gregorian one.
const julianSwitch = 2299161

// epochDay is the Julian day before 0001-01-01 of the Julian calendar: that day is number 1.
const epochDay = 1721423

// CivilDay returns the number of a day: 1 is 0001-01-01. Dates before 1582-10-15
// are of the Julian calendar, as HANA and Oracle have it; ok is false for the ten
// days that do not exist and for days that no month has. Year 0 is 1 BC.
func CivilDay(year, month, day int) (number int64, ok bool) {
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return 0, false
	}
	a := (14 - month) / 12
	y, m := year+4800-a, month+12*a-3
	jd := day + (153*m+2)/5 + 365*y + y/4 - 32083
	if jd >= julianSwitch || year > 1582 {
		jd = day + (153*m+2)/5 + 365*y + y/4 - y/100 + y/400 - 32045
	}
	number = int64(jd - epochDay)
	cy, cm, cd := DayCivil(number)
	return number, cy == year && cm == month && cd == day
}

// DayCivil is the reverse of CivilDay.
func DayCivil(number int64) (year, month, day int) {
	jd := int(number) + epochDay
	f := jd + 1401
	if jd >= julianSwitch {
		f += (((4*jd+274277)/146097)*3)/4 - 38
	}
	e := 4*f + 3
	g := (e % 1461) / 4
	h := 5*g + 2
	day = (h%153)/5 + 1
	month = (h/153+2)%12 + 1
	year = e/1461 - 4716 + (12+2-month)/12
	return year, month, day
}
