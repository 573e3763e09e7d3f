package batch

import (
	"errors"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

func abap(p *catalog.Policies)      { p.Blank = "abap" }
func emptyNull(p *catalog.Policies) { p.EmptyString = "null" }
func inUTC(p *catalog.Policies)     { p.TimeZone = "utc" }
func doubles(p *catalog.Policies)   { p.Number = "double" }

func policies(changes ...func(*catalog.Policies)) catalog.Policies {
	p := catalog.DefaultPolicies()
	for _, change := range changes {
		change(&p)
	}
	return p
}

// applied converts one column; the error is a ValueError's text, with its fix.
func applied(t *testing.T, src, dst catalog.Column, p catalog.Policies, in ...string) ([]string, error) {
	t.Helper()
	rec := column(t, src, in...)
	defer rec.Release()
	out, err := compile(t, src, dst, p).Apply(rec)
	if err != nil {
		var bad *ValueError
		if !errors.As(err, &bad) || bad.Fix == "" {
			t.Fatalf("%v is no ValueError with a fix", err)
		}
		return nil, err
	}
	defer out.Release()
	return printed(out), nil
}

func TestBlankABAP(t *testing.T) {
	field := catalog.Column{Name: "c", Type: typ(catalog.String, 9), Default: "' '"}
	with := func(change func(*catalog.Column)) catalog.Column {
		c := field
		change(&c)
		return c
	}
	in := []string{" ", "", "a ", " a", "a  b  ", "a\t", "a\u00a0", "X"}
	trimmed := []string{"", "", "a", " a", "a  b", `"a\t"`, `"a\u00a0"`, "X"}
	for _, c := range []struct {
		name     string
		src, dst catalog.Column
		p        catalog.Policies
		want     []string
	}{
		{"exact", field, field, policies(), []string{" ", "", "a ", " a", "a  b  ", `"a\t"`, `"a\u00a0"`, "X"}},
		{"trimmed", field, field, policies(abap), trimmed},
		{"into a large object", field, with(func(c *catalog.Column) { c.Type = typ(catalog.Text) }), policies(abap), trimmed},
		{"'' stays where blanks are trimmed", field, field, policies(abap, emptyNull), trimmed},
		{"CHAR to VARCHAR", with(func(c *catalog.Column) { c.Type = typ(catalog.Char, 9) }), field, policies(abap), trimmed},
		{"trimmed before it is measured", field, with(func(c *catalog.Column) { c.Type = typ(catalog.String, 4) }), policies(abap), trimmed},
		{"nullable", with(func(c *catalog.Column) { c.Nullable = true }), field, policies(abap), in[:0]},
		{"no default", with(func(c *catalog.Column) { c.Default = "" }), field, policies(abap), in[:0]},
		{"large object", with(func(c *catalog.Column) { c.Type = typ(catalog.Text) }), with(func(c *catalog.Column) { c.Type = typ(catalog.Text) }), policies(abap), in[:0]},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := c.want
			if len(want) == 0 { // untouched
				want, _ = applied(t, field, field, policies(), in...)
			}
			got, err := applied(t, c.src, c.dst, c.p, in...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBlankPaddedColumns(t *testing.T) {
	char := catalog.Column{Name: "c", Type: typ(catalog.Char, 3), Default: "' '"}
	text := char
	text.Type = typ(catalog.String, 9)
	for name, src := range map[string]catalog.Column{"char": char, "varchar": text} {
		got, err := applied(t, src, char, policies(abap), "a  ", "   ", "abc")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"a  ", "   ", "abc"}, got); diff != "" {
			t.Errorf("%s: what the engine pads with is gone: %s", name, diff)
		}
	}
	// 'abc   ' has six characters, of which three are blanks that say nothing.
	got, err := applied(t, text, char, policies(abap), "abc   ")
	if err != nil || got[0] != "abc" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := applied(t, text, char, policies(), "abc   "); err == nil {
		t.Error("blanks were cut without the policy")
	}
}

// Binary values are never trimmed, and never become NULL by a policy.
func TestTextPoliciesIgnoreBinary(t *testing.T) {
	for _, kind := range []catalog.Kind{catalog.Binary, catalog.Blob} {
		c := catalog.Column{Name: "c", Type: typ(kind), Default: "' '"}
		tr := compile(t, c, c, policies(abap, emptyNull))
		if !tr.Identity() || len(Concerns(c, c, policies(abap, emptyNull))) > 0 {
			t.Errorf("%s is changed", kind)
		}
	}
}

func TestEmptyString(t *testing.T) {
	runConversions(t, []conversionCase{
		{name: "kept", from: typ(catalog.String), to: typ(catalog.String), in: []string{"", " ", "NULL"}, want: []string{"", " ", "NULL"}},
		{name: "null", from: typ(catalog.String), to: typ(catalog.String), policies: emptyNull, in: []string{"", " ", "NULL", "a"}, want: []string{"NULL", " ", "NULL", "a"}},
		{name: "null in a large object", from: typ(catalog.Text), to: typ(catalog.Text), policies: emptyNull, in: []string{"a", ""}, want: []string{"a", "NULL"}},
		{name: "null before it is padded", from: typ(catalog.String, 3), to: typ(catalog.Char, 3), policies: emptyNull, in: []string{"", "a"}, want: []string{"NULL", "a  "}},
		{name: "what NUL leaves is empty", from: typ(catalog.String), to: typ(catalog.String), bounds: catalog.Bounds{NoNUL: true},
			policies: func(p *catalog.Policies) { stripNUL(p); emptyNull(p) }, in: []string{"\x00", "a\x00"}, want: []string{"NULL", "a"}},
	})
	c := catalog.Column{Name: "c", Type: typ(catalog.String)}
	_, err := applied(t, c, c, policies(emptyNull), "a", "")
	var bad *ValueError
	if !errors.As(err, &bad) || bad.Row != 1 || !strings.Contains(bad.What, "empty_string") || !strings.Contains(bad.Fix, `empty_string = "keep"`) {
		t.Errorf("%v in a NOT NULL column", err)
	}
}

func TestTimeZoneUTC(t *testing.T) {
	runConversions(t, []conversionCase{
		{name: "six digits", from: typ(catalog.TimestampTZ, 6), to: typ(catalog.Timestamp, 6), policies: inUTC,
			in: []string{"1999-12-31T23:59:59.5+02:00", "NULL"}, want: []string{"1999-12-31T21:59:59.5", "NULL"}},
		{name: "seven digits", from: typ(catalog.TimestampTZ, 6), to: typ(catalog.Timestamp9, 7), policies: inUTC,
			in: []string{"1970-01-01T01:00:00.000001+01:00"}, want: []string{"0.000001000"}},
		{name: "fewer digits", from: typ(catalog.TimestampTZ, 6), to: typ(catalog.Timestamp, 0), policies: inUTC,
			in: []string{"1970-01-01T00:00:00.5Z"}, want: []string{"!has too many digits"}},
		{name: "bounds", from: typ(catalog.TimestampTZ, 6), to: typ(catalog.Timestamp, 6), policies: inUTC, bounds: catalog.Bounds{NoInfinity: true, MinYear: 1, MaxYear: 9999},
			in: []string{"infinity"}, want: []string{"!infinity is not a date"}},
	})
	civil := catalog.Column{Name: "c", Type: typ(catalog.Timestamp, 6)}
	zoned := catalog.Column{Name: "c", Type: typ(catalog.TimestampTZ, 6)}
	if _, err := Compile([]catalog.Column{civil}, []catalog.Column{zoned}, policies(inUTC)); err == nil {
		t.Error("a civil time got a zone that nobody knows")
	}
}

// A precision that grows needs no conversion, yet another Arrow type.
func TestSameStorageUsesTargetType(t *testing.T) {
	runConversions(t, []conversionCase{
		{name: "decimal", from: typ(catalog.Decimal, 5, 2), to: typ(catalog.Decimal, 9, 2), in: []string{"1.50", "NULL"}, want: []string{"1.50", "NULL"}},
	})
}

func TestNumberDouble(t *testing.T) {
	runConversions(t, []conversionCase{
		{name: "nearest", from: typ(catalog.Number), to: typ(catalog.Float64), policies: doubles,
			in: []string{"0", "-1.5", "0.1", "123456789012345678901234567890", "NULL"}, want: []string{"0", "-1.5", "0.1", "1.2345678901234568e+29", "NULL"}},
		{name: "too large", from: typ(catalog.Number), to: typ(catalog.Float64), policies: doubles, in: []string{"1" + strings.Repeat("0", 309)}, want: []string{"!out of range"}},
		{name: "too small", from: typ(catalog.Number), to: typ(catalog.Float64), policies: doubles, in: []string{"0." + strings.Repeat("0", 400) + "1"}, want: []string{"!would become 0"}},
		{name: "NaN stays", from: typ(catalog.Number), to: typ(catalog.Float64), policies: doubles, in: []string{"NaN", "-Infinity"}, want: []string{"NaN", "-Inf"}},
		{name: "NaN refused", from: typ(catalog.Number), to: typ(catalog.Float64), policies: doubles, bounds: catalog.Bounds{NoNaN: true}, in: []string{"NaN"}, want: []string{"!is NaN"}},
	})
	number, double := catalog.Column{Name: "c", Type: typ(catalog.Number)}, catalog.Column{Name: "c", Type: typ(catalog.Float64)}
	if _, err := Compile([]catalog.Column{number}, []catalog.Column{double}, policies()); err == nil {
		t.Error("numbers lose digits without the policy")
	}
}

func TestNumberDigits(t *testing.T) {
	hana := catalog.Bounds{Digits: 34}
	nines := strings.Repeat("9", 34)
	runConversions(t, []conversionCase{
		{name: "34 digits", from: typ(catalog.Number), to: typ(catalog.Number), bounds: hana,
			in:   []string{nines, "-" + nines[:17] + "." + nines[17:], "0." + strings.Repeat("0", 90) + nines, nines + strings.Repeat("0", 60), "1" + strings.Repeat("0", 100)},
			want: []string{nines, "-" + nines[:17] + "." + nines[17:], "0." + strings.Repeat("0", 90) + nines, nines + strings.Repeat("0", 60), "1" + strings.Repeat("0", 100)}},
		{name: "35 digits", from: typ(catalog.Number), to: typ(catalog.Number), bounds: hana, in: []string{"1", "-1" + nines}, want: []string{"!35 significant digits, but the target keeps 34"}},
		{name: "35 digits around a point", from: typ(catalog.Number), to: typ(catalog.Number), bounds: hana, in: []string{"1." + nines}, want: []string{"!35 significant digits"}},
		{name: "35 digits, null", from: typ(catalog.Number), to: typ(catalog.Number), bounds: hana, policies: nullOverflow, in: []string{"1." + nines, "2"}, want: []string{"NULL", "2"}},
		{name: "of a decimal", from: typ(catalog.Decimal, 38, 0), to: typ(catalog.Number), bounds: hana, in: []string{"1" + nines}, want: []string{"!35 significant digits"}},
		{name: "zero", from: typ(catalog.Number), to: typ(catalog.Number), bounds: catalog.Bounds{Digits: 1}, in: []string{"0", "100", "0.001"}, want: []string{"0", "100", "0.001"}},
	})
}

// A number becomes the wanted decimal exactly, or fails: never rounded.
func TestNumberToDecimalExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := rules{dst: typ(catalog.Decimal, 38, rapid.IntRange(0, 38).Draw(rt, "scale"))}
		text, err := CanonicalNumber(rapid.StringMatching(`-?[0-9]{1,39}(\.[0-9]{1,39})?`).Draw(rt, "number"))
		if err != nil {
			rt.Fatal(err)
		}
		n, ok := r.digits128(text)
		_, fraction, _ := strings.Cut(text, ".")
		value, _ := new(big.Rat).SetString(text)
		scaled := new(big.Rat).Mul(value, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(r.dst.Scale)), nil)))
		limit := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil))
		if fits := len(fraction) <= r.dst.Scale && new(big.Rat).Abs(scaled).Cmp(limit) < 0; fits != ok {
			rt.Fatalf("%s as decimal(38,%d): fits %v, read %v", text, r.dst.Scale, fits, ok)
		}
		if ok && new(big.Rat).SetInt(n.BigInt()).Cmp(scaled) != 0 {
			rt.Fatalf("%s as decimal(38,%d) is %s", text, r.dst.Scale, n.BigInt())
		}
	})
	for _, s := range []string{"", "-", ".", "x", "1x", "NaN", "--1", "1.2.3"} {
		if n, ok := (rules{dst: typ(catalog.Decimal, 38, 10)}).digits128(s); ok {
			t.Errorf("%q became %s", s, n.BigInt())
		}
	}
}

func TestSignificantDigits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text, err := CanonicalNumber(rapid.StringMatching(`-?[0-9]{1,20}(\.[0-9]{1,20})?`).Draw(rt, "number"))
		if err != nil {
			rt.Fatal(err)
		}
		digits := strings.Trim(strings.NewReplacer("-", "", ".", "").Replace(text), "0")
		if got := significant(text); got != len(digits) {
			rt.Fatalf("%s has %d", text, got)
		}
	})
}

func TestUTF16(t *testing.T) {
	hana := catalog.Bounds{UTF16: true}
	runConversions(t, []conversionCase{
		{name: "an emoji counts two", from: typ(catalog.String), to: typ(catalog.String, 3), bounds: hana, in: []string{"😀é", "日本語", ""}, want: []string{"😀é", "日本語", ""}},
		{name: "one too many", from: typ(catalog.String), to: typ(catalog.String, 3), bounds: hana, in: []string{"ab", "😀éa"}, want: []string{"!has 4 UTF-16 units"}},
		{name: "the source counts characters", from: typ(catalog.String, 2), to: typ(catalog.String, 2), bounds: hana, in: []string{"😀é"}, want: []string{"!has 3 UTF-16 units"}},
		{name: "twice the characters is room enough", from: typ(catalog.String, 2), to: typ(catalog.String, 4), bounds: hana, in: []string{"😀😀"}, want: []string{"😀😀"}},
		{name: "half a pair", from: typ(catalog.String), to: typ(catalog.String), bounds: hana, in: []string{"a\xed\xa0\x80b"}, want: []string{"!half of a surrogate pair"}},
		{name: "a pair written as two", from: typ(catalog.Text), to: typ(catalog.Text), bounds: hana, in: []string{"\xed\xa0\xbd\xed\xb8\x80"}, want: []string{"!half of a surrogate pair"}},
		{name: "no UTF-8", from: typ(catalog.String), to: typ(catalog.Text), bounds: hana, in: []string{"a\xff"}, want: []string{"!is not valid UTF-8"}},
		{name: "borrowed bytes", from: typ(catalog.String), to: typ(catalog.String), bounds: hana, in: []string{"a\xf0\x9f", "\x98\x80"}, want: []string{"!is not valid UTF-8"}},
		{name: "elsewhere bytes stay", from: typ(catalog.String), to: typ(catalog.String), in: []string{"a\xffb"}, want: []string{`"a\xffb"`}},
	})
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.String().Draw(rt, "text")
		if got, want := utf16Length(s), len(utf16.Encode([]rune(s))); got != want {
			rt.Fatalf("%q has %d units, counted %d", s, want, got)
		}
	})
}

func TestJulianGap(t *testing.T) {
	hana := catalog.Bounds{NoInfinity: true, MinYear: 1, MaxYear: 9999, JulianGap: true}
	around := []string{"1582-10-04", "1582-10-15"}
	runConversions(t, []conversionCase{
		{name: "around it", from: typ(catalog.Date), to: typ(catalog.Date), bounds: hana, in: around, want: around},
		{name: "first day", from: typ(catalog.Date), to: typ(catalog.Date), bounds: hana, in: []string{"2000-01-01", "1582-10-05"}, want: []string{"!1582-10-05 is not a date"}},
		{name: "last day", from: typ(catalog.Date), to: typ(catalog.Date), bounds: hana, in: []string{"1582-10-14"}, want: []string{"!1582-10-14 is not a date"}},
		{name: "null", from: typ(catalog.Date), to: typ(catalog.Timestamp, 0), bounds: hana, policies: nullDates, in: []string{"1582-10-10", "1582-10-15"}, want: []string{"NULL", "1582-10-15T00:00:00"}},
		{name: "clamped to the nearer end", from: typ(catalog.Date), to: typ(catalog.Date), bounds: hana, policies: clampDates,
			in: []string{"1582-10-05", "1582-10-09", "1582-10-10", "1582-10-14", "0001-01-01", "9999-12-31"}, want: []string{"1582-10-04", "1582-10-04", "1582-10-15", "1582-10-15", "0001-01-01", "9999-12-31"}},
		{name: "clamped instants", from: typ(catalog.Timestamp, 6), to: typ(catalog.Timestamp, 0), bounds: hana, policies: clampDates,
			in: []string{"1582-10-05T00:00:00", "1582-10-14T23:59:59"}, want: []string{"1582-10-04T23:59:59", "1582-10-15T00:00:00"}},
		{name: "instants", from: typ(catalog.Timestamp, 6), to: typ(catalog.Timestamp, 6), bounds: hana,
			in: []string{"1582-10-04T23:59:59.999999", "1582-10-14T23:59:59.999999"}, want: []string{"!1582-10-14T23:59:59.999999 is not a date"}},
		{name: "into seven digits", from: typ(catalog.Timestamp, 6), to: typ(catalog.Timestamp9, 7), bounds: hana, in: []string{"1582-10-05T00:00:00"}, want: []string{"!is not a date"}},
		{name: "nine digits into seven", from: typ(catalog.Timestamp9, 9), to: typ(catalog.Timestamp9, 7), bounds: hana,
			in: []string{secondsOf(1582, 10, 5, 0) + ".000000000"}, want: []string{"!1582-10-05T00:00:00 is not a date"}},
		{name: "seven digits around it", from: typ(catalog.Timestamp9, 9), to: typ(catalog.Timestamp9, 7), bounds: hana,
			in: []string{secondsOf(1582, 10, 4, 86399) + ".000000000", "-0.000000100"}, want: []string{secondsOf(1582, 10, 4, 86399) + ".000000000", "-0.000000100"}},
		{name: "year 10000 of nine digits", from: typ(catalog.Timestamp9, 9), to: typ(catalog.Timestamp9, 9), bounds: hana,
			in: []string{secondsOf(9999, 12, 31, 86399) + ".999999999", secondsOf(10000, 1, 1, 0) + ".000000000"}, want: []string{"!10000-01-01T00:00:00 is not a date"}},
		{name: "nine digits clamped", from: typ(catalog.Timestamp9, 9), to: typ(catalog.Timestamp9, 7), bounds: hana, policies: clampDates,
			in: []string{secondsOf(1582, 10, 14, 86399) + ".000000000"}, want: []string{secondsOf(1582, 10, 15, 0) + ".000000000"}},
	})
}

// secondsOf prints an instant as timestamps of nine digits count it.
func secondsOf(year, month, day, clock int) string {
	return strconv.FormatInt(time.Date(year, time.Month(month), day, 0, 0, clock, 0, time.UTC).Unix(), 10)
}

// Concerns and Compile agree: a column that no policy concerns comes out as under the
// default policies, and one that is changed by a policy is named.
func TestConcerns(t *testing.T) {
	all := policies(abap, emptyNull, inUTC, doubles, nullOverflow, nullDates, stripNUL)
	hana := catalog.Bounds{UTF16: true, Digits: 34, JulianGap: true, NoInfinity: true, NoNaN: true, MinYear: 1, MaxYear: 9999}
	field := func(k catalog.Type) catalog.Column { return catalog.Column{Name: "c", Type: k, Nullable: true} }
	abapField := catalog.Column{Name: "c", Type: typ(catalog.String, 4), Default: "' '"}
	for _, c := range []struct {
		name     string
		src, dst catalog.Column
		bounds   catalog.Bounds
		want     []string
	}{
		{"int", field(typ(catalog.Int64)), field(typ(catalog.Int64)), hana, nil},
		{"narrower int", field(typ(catalog.Int64)), field(typ(catalog.Int16)), hana, []string{Overflow}},
		{"wider int", field(typ(catalog.Int16)), field(typ(catalog.Int32)), hana, nil},
		{"int to decimal", field(typ(catalog.Int64)), field(typ(catalog.Decimal, 19, 0)), hana, nil},
		{"int to a small decimal", field(typ(catalog.Int64)), field(typ(catalog.Decimal, 20, 2)), hana, []string{Overflow}},
		{"decimal", field(typ(catalog.Decimal, 15, 2)), field(typ(catalog.Decimal, 15, 2)), hana, nil},
		{"narrower decimal", field(typ(catalog.Decimal, 15, 2)), field(typ(catalog.Decimal, 15, 1)), hana, []string{Overflow}},
		{"decimal to int", field(typ(catalog.Decimal, 9, 0)), field(typ(catalog.Int32)), hana, nil},
		{"abap", abapField, abapField, catalog.Bounds{NoNUL: true}, []string{NUL, Blank}},
		{"string", field(typ(catalog.String, 4)), field(typ(catalog.String, 4)), catalog.Bounds{}, []string{EmptyString}},
		{"string by UTF-16", field(typ(catalog.String, 4)), field(typ(catalog.String, 4)), hana, []string{Overflow, EmptyString}},
		{"text", field(typ(catalog.Text)), field(typ(catalog.Text)), hana, []string{EmptyString}},
		{"blob", field(typ(catalog.Blob)), field(typ(catalog.Blob)), hana, nil},
		{"long binary", field(typ(catalog.Binary)), field(typ(catalog.Binary, 9)), hana, []string{Overflow}},
		{"number", field(typ(catalog.Number)), field(typ(catalog.Float64)), hana, []string{Overflow, Number}},
		{"number of few digits", field(typ(catalog.Number)), field(typ(catalog.Number)), hana, []string{Overflow}},
		{"number as it is", field(typ(catalog.Number)), field(typ(catalog.Number)), catalog.Bounds{}, nil},
		{"date", field(typ(catalog.Date)), field(typ(catalog.Date)), hana, []string{InvalidDate}},
		{"date of one calendar", field(typ(catalog.Date)), field(typ(catalog.Date)), catalog.Bounds{}, nil},
		{"instant", field(typ(catalog.TimestampTZ, 6)), field(typ(catalog.Timestamp, 6)), hana, []string{InvalidDate, TimeZone}},
		{"instant with a zone", field(typ(catalog.TimestampTZ, 6)), field(typ(catalog.TimestampTZ, 3)), catalog.Bounds{}, []string{Overflow}},
		{"seven digits", field(typ(catalog.Timestamp, 6)), field(typ(catalog.Timestamp9, 7)), catalog.Bounds{}, []string{InvalidDate}},
		{"time", field(typ(catalog.Time, 6)), field(typ(catalog.Time, 0)), hana, []string{Overflow}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.dst.Bounds = c.bounds
			got := Concerns(c.src, c.dst, all)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if got := Concerns(c.src, c.dst, policies()); got != nil {
				t.Errorf("the default policies concern it: %v", got)
			}
			if _, err := Compile([]catalog.Column{c.src}, []catalog.Column{c.dst}, all); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Whatever text comes: under the policies of texts the result is a fixed point, so that
// what a target reads back has the digest of what was sent.
func TestTextPoliciesIdempotent(t *testing.T) {
	src := catalog.Column{Name: "c", Type: typ(catalog.String), Default: "' '"}
	nullable := catalog.Column{Name: "c", Type: typ(catalog.String), Nullable: true}
	rapid.Check(t, func(rt *rapid.T) {
		in := rapid.SliceOfN(rapid.StringMatching(`[ ab\x00😀]{0,6}`), 1, 20).Draw(rt, "values")
		in = slices.DeleteFunc(in, func(s string) bool { return s == "NULL" })
		p := policies(abap, stripNUL)
		col := src
		if rapid.Bool().Draw(rt, "nullable") {
			p, col = policies(emptyNull, stripNUL), nullable
		}
		dst := col
		dst.Bounds = catalog.Bounds{NoNUL: true, UTF16: true}
		rec := column(t, col, in...)
		defer rec.Release()
		tr := compile(t, col, dst, p)
		once, err := tr.Apply(rec)
		if err != nil {
			rt.Fatal(err)
		}
		defer once.Release()
		twice, err := tr.Apply(once)
		if err != nil {
			rt.Fatal(err)
		}
		defer twice.Release()
		if once.Column(0) != twice.Column(0) && !array.Equal(once.Column(0), twice.Column(0)) {
			rt.Fatalf("%v became %v", printed(once), printed(twice))
		}
		for i, s := range in {
			want := strings.ReplaceAll(s, "\x00", "")
			if col.Nullable {
				if (want == "") != once.Column(0).IsNull(i) {
					rt.Fatalf("%q is NULL: %v", s, once.Column(0).IsNull(i))
				}
				continue
			}
			if got := once.Column(0).(*array.String).Value(i); got != strings.TrimRight(want, " ") {
				rt.Fatalf("%q became %q", s, got)
			}
		}
	})
}
