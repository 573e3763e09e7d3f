package catalog

import (
	"fmt"
	"strconv"
	"strings"
)

// Policies say how values travel that the target cannot hold, or that the two engines
// mean differently. All but Expressions are part of a package's generation: another policy, another package.
type Policies struct {
	InvalidDate Policy `json:"invalid_date"` // Fail, Null or Clamp
	Overflow    Policy `json:"overflow"`     // Fail or Null
	NUL         Policy `json:"nul"`          // Fail or Strip: U+0000 in text
	LOBMax      int64  `json:"lob_max"`      // bytes; a larger value is refused, never cut
	EmptyString Policy `json:"empty_string"` // AsIs or Null: '' in text
	Blank       Policy `json:"blank"`        // Exact or ABAP: trailing blanks of NOT NULL DEFAULT ' ' columns
	TimeZone    Policy `json:"time_zone"`    // Fail or UTC: TimestampTZ where the target has no zone
	Number      string `json:"number"`       // NumberExact, NumberDouble or "decimal(p,s)": Number columns
	// Expressions is Plain or Trusted: what becomes of Table.Code. It changes no value,
	// so it is not part of a generation.
	Expressions Policy `json:"expressions,omitempty"`
}

// Policy is what becomes of what one of Policies is about.
type Policy string

// Policies' values. Each of the fields takes two or three of them.
const (
	Fail    Policy = "fail"
	Null    Policy = "null"
	Clamp   Policy = "clamp"
	Strip   Policy = "strip"
	AsIs    Policy = "keep"
	Exact   Policy = "exact"
	ABAP    Policy = "abap"
	UTC     Policy = "utc"
	Plain   Policy = "plain"
	Trusted Policy = "trusted"
)

// TakesCode says whether expressions that are code are made on the target as well.
func (p Policies) TakesCode() bool { return p.Expressions == Trusted }

// DefaultPolicies are the safe ones: refuse, and change nothing.
func DefaultPolicies() Policies {
	return Policies{InvalidDate: Fail, Overflow: Fail, NUL: Fail, LOBMax: 256 << 20,
		EmptyString: AsIs, Blank: Exact, TimeZone: Fail, Number: NumberExact, Expressions: Plain}
}

// NumberExact and NumberDouble are the values of Policies.Number that are no type.
const (
	NumberExact  = "exact"
	NumberDouble = "double"
)

// maxPrecision is the most decimal digits that a Decimal has.
const maxPrecision = 76

// ParseNumber reads a value of Policies.Number. The type is what a Number column
// becomes; it is the zero Type for "exact", which leaves it to the target.
func ParseNumber(policy string) (Type, error) {
	switch policy {
	case NumberExact:
		return Type{}, nil
	case NumberDouble:
		return Type{Kind: Float64}, nil
	}
	inner, ok := strings.CutPrefix(policy, "decimal(")
	inner, closed := strings.CutSuffix(inner, ")")
	p, s, two := strings.Cut(inner, ",")
	if !ok || !closed || !two {
		return Type{}, fmt.Errorf("%q is not one of \"exact\", \"double\" and \"decimal(PRECISION,SCALE)\", e.g. \"decimal(38,10)\"", policy)
	}
	precision, err := strconv.ParseUint(p, 10, 8)
	if err != nil || precision < 1 || precision > maxPrecision {
		return Type{}, fmt.Errorf("the precision of %q is not a whole number from 1 to %d", policy, maxPrecision)
	}
	scale, err := strconv.ParseUint(strings.TrimLeft(s, " "), 10, 8)
	if err != nil || scale > precision {
		return Type{}, fmt.Errorf("the scale of %q is not a whole number from 0 to the precision, %d", policy, precision)
	}
	return Type{Kind: Decimal, Precision: int(precision), Scale: int(scale)}, nil
}

// NumberType returns what a Number column becomes under the policy. It is false where
// the policy leaves the column to the target.
func (p Policies) NumberType() (Type, bool) {
	t, err := ParseNumber(p.Number)
	return t, err == nil && t.Kind != ""
}

// TrimsBlanks says whether trailing blanks of a source's column are dropped: blank =
// "abap", and the column is one in which ABAP keeps a blank for "empty", which is
// NOT NULL DEFAULT ' '. Large objects and binary columns are never touched.
func (p Policies) TrimsBlanks(source Column) bool {
	return p.Blank == ABAP && (source.Type.Kind == String || source.Type.Kind == Char) &&
		!source.Nullable && source.Copied() && isBlankLiteral(source.Default)
}

// isBlankLiteral reads the spellings that engines hand out for DEFAULT ' ': Oracle keeps
// what stood behind the literal in the statement, PostgreSQL adds a cast, SQLite keeps
// parentheses.
func isBlankLiteral(expression string) bool {
	e := strings.TrimSpace(expression)
	for strings.HasPrefix(e, "(") && strings.HasSuffix(e, ")") {
		e = strings.TrimSpace(e[1 : len(e)-1])
	}
	const blank = "' '"
	return e == blank || strings.HasPrefix(e, blank+"::") && !strings.ContainsAny(e[len(blank):], "'|(+")
}
