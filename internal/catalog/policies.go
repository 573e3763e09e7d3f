package catalog

import (
	"fmt"
	"strconv"
	"strings"
)

// Policies say how values travel that the target cannot hold, or that the two engines
// mean differently. All but Expressions are part of a package's generation: another policy, another package.
type Policies struct {
	InvalidDate string `json:"invalid_date"` // "fail", "null" or "clamp"
	Overflow    string `json:"overflow"`     // "fail" or "null"
	NUL         string `json:"nul"`          // "fail" or "strip": U+0000 in text
	LOBMax      int64  `json:"lob_max"`      // bytes; a larger value is refused, never cut
	EmptyString string `json:"empty_string"` // "keep" or "null": '' in text
	Blank       string `json:"blank"`        // "exact" or "abap": trailing blanks of NOT NULL DEFAULT ' ' columns
	TimeZone    string `json:"time_zone"`    // "fail" or "utc": TimestampTZ where the target has no zone
	Number      string `json:"number"`       // "exact", "double" or "decimal(p,s)": Number columns
	// Expressions is "plain" or "trusted": what becomes of Table.Code. It changes no value,
	// so it is no part of a generation.
	Expressions string `json:"expressions,omitempty"`
}

// TrustedExpressions is the value of Policies.Expressions that takes code along.
const TrustedExpressions = "trusted"

// TakesCode says whether expressions that are code are made on the target as well.
func (p Policies) TakesCode() bool { return p.Expressions == TrustedExpressions }

// DefaultPolicies are the safe ones: refuse, and change nothing.
func DefaultPolicies() Policies {
	return Policies{InvalidDate: "fail", Overflow: "fail", NUL: "fail", LOBMax: 256 << 20,
		EmptyString: "keep", Blank: "exact", TimeZone: "fail", Number: "exact", Expressions: "plain"}
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
		return Type{}, fmt.Errorf("%q is none of \"exact\", \"double\" and \"decimal(PRECISION,SCALE)\", e.g. \"decimal(38,10)\"", policy)
	}
	precision, err := strconv.ParseUint(p, 10, 8)
	if err != nil || precision < 1 || precision > maxPrecision {
		return Type{}, fmt.Errorf("the precision of %q is no whole number from 1 to %d", policy, maxPrecision)
	}
	scale, err := strconv.ParseUint(strings.TrimLeft(s, " "), 10, 8)
	if err != nil || scale > precision {
		return Type{}, fmt.Errorf("the scale of %q is no whole number from 0 to the precision, %d", policy, precision)
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
	return p.Blank == "abap" && (source.Type.Kind == String || source.Type.Kind == Char) &&
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
