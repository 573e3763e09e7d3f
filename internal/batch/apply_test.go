package batch

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

func compile(t *testing.T, src, dst catalog.Column, p catalog.Policies) *Transform {
	t.Helper()
	tr, err := Compile([]catalog.Column{src}, []catalog.Column{dst}, p)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestApplySharesFittingBatches(t *testing.T) {
	c := catalog.Column{Name: "c", Type: typ(catalog.String, 4), Nullable: true}
	tr := compile(t, c, c, catalog.DefaultPolicies())
	rec := column(t, c, "a", "NULL")
	defer rec.Release()
	out, err := tr.Apply(rec)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Release()
	if out != rec || !tr.Identity() {
		t.Error("a batch that needs nothing was copied")
	}
	// Checked, and found to fit: the array is shared, under the target's schema.
	dst := c
	dst.Type, dst.Bounds = typ(catalog.String, 2), catalog.Bounds{NoNUL: true}
	out, err = compile(t, c, dst, catalog.DefaultPolicies()).Apply(rec)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Release()
	if out.Column(0).Data().Buffers()[2] != rec.Column(0).Data().Buffers()[2] {
		t.Error("values that fit were copied")
	}
	if got, _ := out.Schema().Field(0).Metadata.GetValue(MetaType); got != "string(2)" {
		t.Errorf("schema says %q", got)
	}
}

func TestApplySlices(t *testing.T) {
	src := catalog.Column{Name: "c", Type: typ(catalog.String), Nullable: true}
	dst := src
	dst.Type, dst.Bounds = typ(catalog.String, 3), catalog.Bounds{NoNUL: true}
	rec := column(t, src, "too long", "ab", "NULL", "a\x00")
	defer rec.Release()
	p := catalog.DefaultPolicies()
	p.NUL = "strip"
	part := rec.NewSlice(1, 4)
	defer part.Release()
	out, err := compile(t, src, dst, p).Apply(part)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Release()
	if diff := cmp.Diff([]string{"ab", "NULL", "a"}, printed(out)); diff != "" {
		t.Error(diff)
	}
}

func TestApplyRejectsNullInNotNull(t *testing.T) {
	src := catalog.Column{Name: "c", Type: typ(catalog.Int64), Nullable: true}
	dst := catalog.Column{Name: "c", Type: typ(catalog.Int16)}
	p := catalog.DefaultPolicies()
	p.Overflow = "null"
	tr := compile(t, src, dst, p)
	for value, want := range map[string]string{"NULL": "is NULL, and", "70000": "the policy turns it into NULL"} {
		rec := column(t, src, "1", value)
		_, err := tr.Apply(rec)
		rec.Release()
		var bad *ValueError
		if !errors.As(err, &bad) || bad.Row != 1 || !strings.Contains(bad.What, want) {
			t.Errorf("%s: got %v, want %q in row 1", value, err, want)
		}
	}
}

func TestCompileUnsupportedConversions(t *testing.T) {
	native := catalog.Type{Kind: catalog.Native, Engine: "postgres", Name: "int4range"}
	foreign := catalog.Type{Kind: catalog.Native, Engine: "mariadb", Name: "int4range"}
	for _, c := range []struct{ from, to catalog.Type }{
		{typ(catalog.Int64), typ(catalog.Date)}, {typ(catalog.Date), typ(catalog.Time, 0)},
		{typ(catalog.Float64), typ(catalog.Decimal, 5, 2)}, {typ(catalog.String), typ(catalog.Int64)},
		{typ(catalog.Timestamp, 6), typ(catalog.TimestampTZ, 6)}, {typ(catalog.TimestampTZ, 6), typ(catalog.Timestamp, 6)},
		{typ(catalog.Text), typ(catalog.Blob)}, {typ(catalog.UUID), typ(catalog.Int64)},
		{native, foreign}, {native, typ(catalog.Text)}, {typ(catalog.Blob), native},
		{catalog.Type{Kind: catalog.Refused, Name: "sdo_geometry"}, typ(catalog.Text)},
	} {
		src, dst := catalog.Column{Name: "c", Type: c.from}, catalog.Column{Name: "c", Type: c.to}
		if _, err := Compile([]catalog.Column{src}, []catalog.Column{dst}, catalog.DefaultPolicies()); err == nil {
			t.Errorf("%s converts to %s", c.from, c.to)
		}
	}
	same := catalog.Column{Name: "c", Type: native}
	if tr := compile(t, same, same, catalog.DefaultPolicies()); !tr.Identity() {
		t.Error("an engine's own form is not migrated as it is")
	}
}

// every kind stays as it is between equal columns, extremes included.
func TestIdentityConversions(t *testing.T) {
	for _, typ := range []catalog.Type{
		typ(catalog.Bool), typ(catalog.Int16), typ(catalog.Int32), typ(catalog.Int64), typ(catalog.Float32), typ(catalog.Float64),
		typ(catalog.Decimal, 38, 10), typ(catalog.Decimal, 76, 0), typ(catalog.Number), typ(catalog.String, 9), typ(catalog.Char, 2),
		typ(catalog.Text), typ(catalog.Binary, 4), typ(catalog.Blob), typ(catalog.Date), typ(catalog.Time, 6),
		typ(catalog.Timestamp, 0), typ(catalog.TimestampTZ, 6), typ(catalog.Timestamp9, 9), typ(catalog.UUID), typ(catalog.JSON),
	} {
		c := catalog.Column{Name: "c", Type: typ, Nullable: true}
		if tr := compile(t, c, c, catalog.DefaultPolicies()); !tr.Identity() {
			t.Errorf("%s is changed", typ)
		}
	}
}

func TestFormatKey(t *testing.T) {
	c := catalog.Column{Name: "k", Type: typ(catalog.Text), Nullable: true}
	rec := column(t, c, "a\x00b", strings.Repeat("x", 1000), "NULL")
	defer rec.Release()
	for row, want := range []string{`"a\x00b"`, strings.Repeat("x", maxKeyText) + "...", "NULL"} {
		if got := FormatKey(rec, row, []string{"k"}); got != want {
			t.Errorf("row %d: %q", row, got)
		}
	}
	if got := FormatKey(rec, 2, []string{"k", "k"}); got != "NULL, NULL" {
		t.Errorf("two columns: %q", got)
	}
}

func TestBytes(t *testing.T) {
	c := catalog.Column{Name: "k", Type: typ(catalog.Blob)}
	rec := column(t, c, strings.Repeat("x", 1<<20))
	defer rec.Release()
	if got := Bytes(rec); got < 1<<20 || got > 3<<20 {
		t.Errorf("a megabyte counts %d bytes", got)
	}
}

func TestCanonicalNumber(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "00.00": "0", "-0.000": "0", "+1": "1", "007.5": "7.5", "1.50": "1.5", ".5": "0.5", "5.": "5",
		"1e3": "1000", "1.25E+1": "12.5", "125e-4": "0.0125", "-1E-2": "-0.01", "nan": "NaN", "+inf": "Infinity", "-Infinity": "-Infinity",
		"0e999999": "0", "100": "100",
	} {
		if got, err := CanonicalNumber(in); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", "-", ".", "1.2.3", "1e", "0x10", "--1", "1e999999999999", "1e1000000", "1_000", " 1"} {
		if got, err := CanonicalNumber(in); err == nil {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestCanonicalNumberKeepsValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.StringMatching(`-?[0-9]{1,12}(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
		out, err := CanonicalNumber(in)
		if err != nil {
			t.Fatal(err)
		}
		a, _ := new(big.Rat).SetString(in)
		b, ok := new(big.Rat).SetString(out)
		if !ok || a.Cmp(b) != 0 {
			t.Fatalf("%s became %s", in, out)
		}
		if again, err := CanonicalNumber(out); err != nil || again != out {
			t.Fatalf("%s is not canonical: %s, %v", out, again, err)
		}
	})
}

// A number's way through decimal and back does not change it.
func TestNumberDecimalRoundTrip(t *testing.T) {
	number := catalog.Column{Name: "c", Type: typ(catalog.Number), Nullable: true}
	rapid.Check(t, func(rt *rapid.T) {
		precision := rapid.IntRange(1, 76).Draw(rt, "precision")
		scale := rapid.IntRange(0, precision).Draw(rt, "scale")
		n := rapid.StringMatching(`-?[0-9]{1,40}(\.[0-9]{1,40})?`).Draw(rt, "number")
		text, err := CanonicalNumber(n)
		if err != nil {
			rt.Fatal(err)
		}
		decimal := catalog.Column{Name: "c", Type: typ(catalog.Decimal, precision, scale), Nullable: true}
		rec := column(t, number, text)
		defer rec.Release()
		there, err := compile(t, number, decimal, catalog.DefaultPolicies()).Apply(rec)
		whole, fraction, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
		fits := len(fraction) <= scale && (len(whole) <= precision-scale || whole == "0")
		if fits != (err == nil) {
			rt.Fatalf("%s as decimal(%d,%d): %v", text, precision, scale, err)
		}
		if err != nil {
			return
		}
		defer there.Release()
		back, err := compile(t, decimal, number, catalog.DefaultPolicies()).Apply(there)
		if err != nil {
			rt.Fatal(err)
		}
		defer back.Release()
		if got := back.Column(0).(*array.String).Value(0); got != text {
			rt.Fatalf("%s came back as %s", text, got)
		}
	})
}
