package value

import (
	"bytes"
	"math"
	"math/big"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func decimals() *rapid.Generator[Dec] {
	return rapid.Custom(func(t *rapid.T) Dec {
		digits := rapid.StringMatching(`[0-9]{1,38}`).Draw(t, "digits")
		return newDec(rapid.Bool().Draw(t, "neg"), digits, rapid.IntRange(-60, 40).Draw(t, "exp"))
	})
}

func ratOf(d Dec) *big.Rat {
	r := new(big.Rat).SetInt(d.Big())
	f := new(big.Rat).SetInt(pow10(abs(d.Exp)))
	if d.Exp < 0 {
		return r.Quo(r, f)
	}
	return r.Mul(r, f)
}

// TestNumberByteOrder holds that a number comes back as it was, and that encodings order like numbers.
func TestNumberByteOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := decimals().Draw(t, "a"), decimals().Draw(t, "b")
		x, err := a.Encode()
		if err != nil {
			t.Fatal(err)
		}
		y, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := DecodeNumber(x); err != nil || back != a {
			t.Fatalf("%v comes back as %v, %v", a, back, err)
		}
		if got, want := bytes.Compare(x, y), ratOf(a).Cmp(ratOf(b)); got != want {
			t.Fatalf("%v and %v compare as %d, their bytes as %d", a, b, want, got)
		}
		if sum := ratOf(Add(a, b)); sum.Cmp(new(big.Rat).Add(ratOf(a), ratOf(b))) != 0 {
			t.Fatalf("%v + %v is not exact", a, b)
		}
		if back, err := ParseDec(a.String()); err != nil || back != a {
			t.Fatalf("%v as text is %s, read as %v, %v", a, a, back, err)
		}
	})
}

func TestNumberBytes(t *testing.T) {
	// The encodings of Oracle's DUMP (Database Concepts and many published examples).
	for text, want := range map[string][]byte{
		"0": {0x80}, "1": {193, 2}, "10": {193, 11}, "100": {194, 2}, "123": {194, 2, 24}, "-1": {62, 100, 102},
		"0.1": {192, 11}, "0.01": {192, 2}, "-123.45": {61, 100, 78, 56, 102}, "1e125": {255, 11},
	} {
		d, err := ParseDec(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := d.Encode(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is %v, %v, want %v", text, got, err, want)
		}
	}
	for _, bad := range [][]byte{{}, {193}, {193, 1}, {193, 2, 1}, {193, 102}, bytes.Repeat([]byte{193}, 23)} {
		if d, err := DecodeNumber(bad); err == nil {
			t.Errorf("%v was read as %v", bad, d)
		}
	}
	big, err := ParseDec("1e126")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := big.Encode(); err == nil {
		t.Error("1e126 was encoded")
	}
}

// TestJulianDays holds that day numbers count without a gap through the change of the calendar.
func TestJulianDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(366, 5373484).Draw(t, "day")
		c := FromJulianDay(n)
		if c.JulianDay() != n || c.Check() != nil {
			t.Fatalf("day %d is %+v, which is day %d (%v)", n, c, c.JulianDay(), c.Check())
		}
		next := FromJulianDay(n + 1)
		if bytes.Compare(c.Date(), next.Date()) >= 0 {
			t.Fatalf("%+v does not precede %+v", c, next)
		}
	})
	for n, want := range map[int]Civil{2440588: {Year: 1970, Month: 1, Day: 1}, 2299161: {Year: 1582, Month: 10, Day: 15}, 2299160: {Year: 1582, Month: 10, Day: 4}} {
		if got := FromJulianDay(n); got != want {
			t.Errorf("day %d is %+v, want %+v", n, got, want)
		}
	}
}

func TestFloatByteOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64().Draw(t, "a"), rapid.Float64().Draw(t, "b")
		x, y := Float64(a), Float64(b)
		if back, err := DecodeFloat(x); err != nil || back != a {
			t.Fatalf("%v comes back as %v", a, back)
		}
		if got := bytes.Compare(x, y); a < b && got >= 0 || a > b && got <= 0 || a == b && got != 0 {
			t.Fatalf("%v and %v compare as bytes as %d", a, b, got)
		}
	})
	if f, err := DecodeFloat(Float32(float32(math.Inf(-1)))); err != nil || !math.IsInf(f, -1) {
		t.Error("-Infinity does not come back")
	}
}

// TestCharsets holds that text survives each charset, unpaired surrogates too.
func TestCharsets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		units := rapid.SliceOf(rapid.Uint16()).Draw(t, "units")
		text := FromUnits(units)
		for _, c := range []Charset{AL32UTF8, CESU8, UTF16} {
			if back := c.Decode(c.Encode(text)); back != text {
				t.Fatalf("charset %d: %q comes back as %q", c, text, back)
			}
		}
		if n := CESU8.Length(CESU8.Encode(text)); n != len(units) {
			t.Fatalf("%d characters in CESU-8, want %d units", n, len(units))
		}
	})
}

func TestRowIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := RowID(rapid.Uint32().Draw(t, "object"), rapid.Uint16Max(1023).Draw(t, "file"), rapid.Uint32().Draw(t, "block"), rapid.Uint16().Draw(t, "slot"))
		if back, err := ParseRowID(RowIDText(id)); err != nil || !bytes.Equal(back, id) {
			t.Fatalf("%x comes back as %x, %v", id, back, err)
		}
	})
	for _, bad := range []string{"", "AAAR3sAAEAAAACXAA", "AAAR3sAAEAAAACXAA-", strconv.Itoa(math.MaxInt)} {
		if _, err := ParseRowID(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
