package oracle

import (
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

func TestDecimalsOf38Digits(t *testing.T) {
	// Trap: 38-digit negative decimals: exact, through no float.
	nines := strings.Repeat("9", 38)
	for _, c := range []struct {
		text  string
		scale int
		want  string // as an integer of the scale
		err   error
	}{
		{"0", 0, "0", nil},
		{"-0.5", 2, "-50", nil},
		{"0.01", 2, "1", nil},
		{"12.", 1, "120", nil}, // the driver leaves the point where the zeros behind it were
		{nines, 0, nines, nil},
		{"-" + nines, 0, "-" + nines, nil},
		{"-9999999999999999999999999999.9999999999", 10, "-" + nines, nil},
		{"-0." + strings.Repeat("0", 37) + "1", 38, "-1", nil},
		{"1" + strings.Repeat("0", 37), 0, "1" + strings.Repeat("0", 37), nil},
		{"1" + strings.Repeat("0", 38), 0, "", errTooWide},
		{"1" + strings.Repeat("0", 39), 0, "", errTooWide},
		{nines, 1, "", errTooWide},
		{"1.23", 1, "", errDigits},
		{"-Infinity", 0, "", errInfinity},
		{"1E5", 0, "", errNoNumber},
		{"", 0, "", errNoNumber},
		{"1.2.3", 2, "", errNoNumber},
	} {
		n, err := decimal(c.text, c.scale)
		if !errors.Is(err, c.err) || err == nil && n.BigInt().String() != c.want {
			t.Errorf("%s at scale %d: %s, %v; want %s, %v", c.text, c.scale, n.BigInt(), err, c.want, c.err)
		}
	}
}

func TestDecimalsMatchBigInt(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		digits := rapid.StringMatching(`[0-9]{1,38}`).Draw(r, "digits")
		point := rapid.IntRange(0, len(digits)).Draw(r, "fraction")
		text := digits[:len(digits)-point]
		if text == "" {
			text = "0"
		}
		if point > 0 {
			text += "." + digits[len(digits)-point:]
		}
		want, _ := new(big.Int).SetString(digits, 10)
		if rapid.Bool().Draw(r, "negative") {
			text = "-" + text
			want.Neg(want)
		}
		got, err := decimal(text, point)
		if err != nil || got.BigInt().Cmp(want) != 0 {
			t.Fatalf("%s at scale %d: %s, %v; want %s", text, point, got.BigInt(), err, want)
		}
		wide, err := wideDecimal(text, catalog.Type{Kind: catalog.Decimal, Precision: 76, Scale: point})
		if err != nil || wide.Cmp(want) != 0 {
			t.Fatalf("%s at scale %d, wide: %s, %v; want %s", text, point, wide, err, want)
		}
	})
}

func TestPreGregorianDates(t *testing.T) {
	// Trap: dates before 1582: civil fields stay what they are, and a leap day of the Julian calendar only is an error.
	for text, want := range map[string]string{
		" 15821004235959":          "1582-10-04T23:59:59Z",
		" 15000228120000":          "1500-02-28T12:00:00Z",
		" 00010101000000":          "0001-01-01T00:00:00Z",
		" 04000229000000":          "0400-02-29T00:00:00Z",
		"-00010101000000":          "0000-01-01T00:00:00Z", // 1 BC is year 0
		"-47120101000000":          "-4711-01-01T00:00:00Z",
		" 12340506070809123456789": "1234-05-06T07:08:09.123456789Z",
		"-00050229000000000000001": "-0004-02-29T00:00:00.000000001Z",
	} {
		c, err := parseCivil(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		at, err := c.instant()
		if got := time.Unix(at.seconds, at.nanos).UTC().Format("2006-01-02T15:04:05.999999999Z"); err != nil || got != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{" 15000229000000", " 01000229000000", "-01010229000000"} {
		c, err := parseCivil(text)
		if err != nil {
			t.Fatal(err)
		}
		at, err := c.instant()
		if day := time.Unix(at.seconds, 0).UTC(); !errors.Is(err, errJulianDay) || day.Day() != 28 || day.Month() != 2 {
			t.Errorf("%q: %s, %v", text, day, err)
		}
	}
	for _, text := range []string{"", "1500", " 15001301000000", " 15000100000000", " 1500O101000000"} {
		if c, err := parseCivil(text); err == nil {
			t.Errorf("%q is read as %+v", text, c)
		}
	}
}

func TestNanosSinceEpoch(t *testing.T) {
	for _, c := range []struct{ seconds, nanos int64 }{{0, 0}, {0, 999_999_999}, {-1, 1}, {253402300799, 999_999_999}, {-210863520000, 5}} {
		want := new(big.Int).Add(new(big.Int).Mul(big.NewInt(c.seconds), big.NewInt(1e9)), big.NewInt(c.nanos))
		if got := nanosSinceEpoch(c.seconds, c.nanos).BigInt(); got.Cmp(want) != 0 {
			t.Errorf("%d s %d ns: %s, want %s", c.seconds, c.nanos, got, want)
		}
	}
}

func TestIntervals(t *testing.T) {
	for text, want := range map[string]string{
		"+02-03": "P2Y3M", "-00-11": "-P11M", "+000000000-00": "P0M", "-123456789-00": "-P123456789Y",
		"+000000002 03:04:05.123456789": "P2DT3H4M5.123456789S", "-02 00:00:00.500000": "-P2DT0.5S",
		"+00 00:00:00.000000": "PT0S", "+999999999 23:59:59.999999999": "P999999999DT23H59M59.999999999S", "+01 00:10:00": "P1DT10M",
	} {
		got, err := isoInterval(text)
		if err != nil || got != want || len(got) > intervalLength {
			t.Errorf("%s is %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "02-03", "+02", "+x-03", "+1 2:3", "+1.5-2", "+1 2:3:4:5"} {
		if got, err := isoInterval(text); err == nil {
			t.Errorf("%q is read as %s", text, got)
		}
	}
}

func TestTextToUTF8(t *testing.T) {
	// Trap: surrogates and CESU-8: pairs become characters, halves are refused.
	for in, want := range map[string]string{
		"": "", "abc": "abc", "äöü": "äöü", "\U0001D11E": "\U0001D11E",
		"\xED\xA0\xB4\xED\xB4\x9E":         "\U0001D11E",
		"a\xED\xA0\xBD\xED\xB8\x80b\u00fc": "a\U0001F600bü",
	} {
		if got, err := unicodeText(in); err != nil || got != want {
			t.Errorf("%x is %q, %v; want %q", in, got, err, want)
		}
	}
	for in, want := range map[string]error{
		"\xED\xA0\xB4": errSurrogate, "\xED\xB4\x9E": errSurrogate, "\xED\xA0\xB4x": errSurrogate, "\xED\xA0\xB4\xED\xA0\xB4": errSurrogate,
		"\xFF": errNoUnicode, "a\xC3": errNoUnicode, "\xED\xA0": errNoUnicode,
	} {
		if got, err := unicodeText(in); !errors.Is(err, want) {
			t.Errorf("%x is %q, %v; want %v", in, got, err, want)
		}
	}
}

func TestCharsetRoundTrip(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := rapid.String().Draw(r, "s")
		national := newNationalText()
		if got, err := unicodeText(national.Decode(national.Encode(s))); err != nil || got != s {
			t.Fatalf("AL16UTF16: %q comes back as %q, %v", s, got, err)
		}
		for _, cesu := range []bool{false, true} {
			c := newServerText()
			c.cesu.Store(cesu)
			if got, err := unicodeText(c.Decode(c.Encode(s))); err != nil || got != s {
				t.Fatalf("CESU-8 %v: %q comes back as %q, %v", cesu, s, got, err)
			}
		}
	})
	if got, err := unicodeText(newNationalText().Decode([]byte{0, 'a', 0xD8, 0x34, 0, 'b'})); !errors.Is(err, errSurrogate) {
		t.Errorf("half a pair in AL16UTF16 is %q, %v", got, err)
	}
	if got, err := unicodeText(newNationalText().Decode([]byte{0, 'a', 0})); !errors.Is(err, errNoUnicode) {
		t.Errorf("half a character in AL16UTF16 is %q, %v", got, err)
	}
}

func TestRowids(t *testing.T) {
	for want, at := range map[string][3]int64{
		"AAAAAAAAAAAAAAAAAA": {0, 0, 0}, "AAAR3sAAEAAAACXAAA": {73196, 4, 151}, "AAAAABAAAAAAABAAAA": {1, 1024, 64}, "AAAD//AP/AAAD//AAA": {16383, 1023, 16383},
	} {
		if got := rowidAt(at[0], at[1], at[2]); got != want {
			t.Errorf("%v is %s, want %s", at, got, want)
		}
	}
	for _, s := range []string{"", "AAAR3sAAEAAAACXAA", "AAAR3sAAEAAAACXAA'", "AAAR3sAAEAAAACXAAAA"} {
		if isRowid(s) {
			t.Errorf("%q passes for a ROWID", s)
		}
	}
}

func TestExtentCuts(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var extents []extent
		total, block := int64(0), int64(0)
		for i := range rapid.IntRange(1, 20).Draw(r, "extents") {
			n := rapid.Int64Range(1, 128).Draw(r, "blocks")
			block += rapid.Int64Range(0, 50).Draw(r, "gap")
			extents = append(extents, extent{int64(1 + i/5), block, n})
			block, total = block+n, total+n
		}
		parts := rapid.IntRange(2, 50).Draw(r, "parts")
		cuts := extentCuts(7, extents, parts)
		if len(cuts) != int(min(int64(parts), total))-1 {
			t.Fatalf("%d cuts of %d blocks into %d parts", len(cuts), total, parts)
		}
		for i := 1; i < len(cuts); i++ {
			if cuts[i-1][0] >= cuts[i][0] && rowidOrder(cuts[i-1][0]) >= rowidOrder(cuts[i][0]) {
				t.Fatalf("cut %d does not lie behind the one before: %v", i, cuts)
			}
		}
	})
}

// rowidOrder decodes file and block, by which ROWIDs of one object compare.
func rowidOrder(s string) int64 {
	n := int64(0)
	for _, c := range s[6:15] {
		n = n<<6 | int64(strings.IndexRune(rowidDigits, c))
	}
	return n
}

func TestDeclaredTypes(t *testing.T) {
	number := func(p, s int64) rawColumn { return rawColumn{dataType: "NUMBER", precision: &p, scale: &s} }
	zero := int64(0)
	for _, c := range []struct {
		raw      rawColumn
		declared string
		want     string
	}{
		{number(15, 2), "NUMBER(15,2)", "decimal(15,2)"},
		{number(5, 0), "NUMBER(5)", "decimal(5,0)"},
		{number(3, 5), "NUMBER(3,5)", "decimal(5,5)"},
		{number(3, -2), "NUMBER(3,-2)", "decimal(5,0)"},
		{number(38, -84), "NUMBER(38,-84)", "number"},
		{number(38, 127), "NUMBER(38,127)", "number"},
		{rawColumn{dataType: "NUMBER"}, "NUMBER", "number"},
		{rawColumn{dataType: "NUMBER", scale: &zero}, "NUMBER(*,0)", "decimal(38,0)"},
		{rawColumn{dataType: "VARCHAR2", chars: 40, length: 160, charUsed: "C"}, "VARCHAR2(40 CHAR)", "string(40)"},
		{rawColumn{dataType: "VARCHAR2", chars: 40, length: 40, charUsed: "B"}, "VARCHAR2(40 BYTE)", "string(40)"},
		{rawColumn{dataType: "CHAR", chars: 3, length: 12, charUsed: "C"}, "CHAR(3 CHAR)", "char(3)"},
		{rawColumn{dataType: "CHAR", chars: 3, length: 3, charUsed: "B"}, "CHAR(3 BYTE)", "string(3)"},
		{rawColumn{dataType: "CHAR", chars: 600, length: 2000, charUsed: "C"}, "CHAR(600 CHAR)", "string(600)"},
		{rawColumn{dataType: "DATE"}, "DATE", "timestamp(0)"},
		{rawColumn{dataType: "TIMESTAMP(6)"}, "TIMESTAMP(6)", "timestamp(6)"},
		{rawColumn{dataType: "TIMESTAMP(9)"}, "TIMESTAMP(9)", "timestamp9(9)"},
		{rawColumn{dataType: "TIMESTAMP(9) WITH TIME ZONE"}, "TIMESTAMP(9) WITH TIME ZONE", "timestamptz(6)"},
		{rawColumn{dataType: "TIMESTAMP(3) WITH LOCAL TIME ZONE"}, "TIMESTAMP(3) WITH LOCAL TIME ZONE", "timestamptz(3)"},
		{rawColumn{dataType: "INTERVAL DAY(2) TO SECOND(6)"}, "INTERVAL DAY(2) TO SECOND(6)", "string(40)"},
		{rawColumn{dataType: "RAW", length: 16}, "RAW(16)", "binary(16)"},
		{rawColumn{dataType: "LONG RAW"}, "LONG RAW", "blob"},
		{rawColumn{dataType: "XMLTYPE", owner: "SYS"}, "XMLTYPE", "text"},
		{rawColumn{dataType: "XMLTYPE", owner: "ME"}, "ME.XMLTYPE", "ME.XMLTYPE"},
		{rawColumn{dataType: "SDO_GEOMETRY", owner: "MDSYS"}, "MDSYS.SDO_GEOMETRY", "MDSYS.SDO_GEOMETRY"},
		{rawColumn{dataType: "ANYDATA", owner: "SYS"}, "ANYDATA", "ANYDATA"},
		{rawColumn{dataType: "BFILE"}, "BFILE", "BFILE"},
		{rawColumn{dataType: "VECTOR"}, "VECTOR", "VECTOR"},
	} {
		got := c.raw.neutral()
		if c.raw.declared() != c.declared || got.String() != c.want {
			t.Errorf("%+v is declared %s, travels as %s; want %s, %s", c.raw, c.raw.declared(), got, c.declared, c.want)
		}
		if got.Kind == catalog.Refused {
			continue
		}
		col, err := newColumn(catalog.Column{Name: "c", Declared: c.declared, Type: got})
		if err != nil {
			t.Errorf("%s: %v", c.declared, err)
			continue
		}
		if err := col.append(nil); err != nil {
			t.Error(err)
		}
		if err := col.append(struct{}{}); !errors.Is(err, errForm) {
			t.Errorf("%s takes anything: %v", c.declared, err)
		}
		a := col.NewArray()
		if a.Len() != 1 || !a.IsNull(0) {
			t.Errorf("%s: a NULL and a refused value make %s", c.declared, a)
		}
		a.Release()
		col.Release()
	}
}

func TestKeyRangeConditions(t *testing.T) {
	table := &catalog.Table{Name: catalog.Name{Schema: "S", Name: "T"}, Key: &catalog.Key{Columns: []string{"A", "B"}}, Columns: []catalog.Column{
		{Name: "A", Declared: "VARCHAR2(3 CHAR)", Type: catalog.Type{Kind: catalog.String, Length: 3}},
		{Name: "B", Declared: "NUMBER(5)", Type: catalog.Type{Kind: catalog.Decimal, Precision: 5}},
		{Name: "C", Declared: "DATE", Type: catalog.Type{Kind: catalog.Timestamp}},
		{Name: "D", Declared: "BINARY_DOUBLE", Type: catalog.Type{Kind: catalog.Float64}},
	}}
	w := condition{t: table}
	got, err := w.of(catalog.Range{By: catalog.ByKey, Columns: []string{"A", "B"}, Lower: []string{"it's", "-1"}, Upper: []string{"z", "20"}})
	want := ` WHERE (t."A" > :1 OR (t."A" = :2 AND t."B" >= -1)) AND (t."A" < :3 OR (t."A" = :4 AND t."B" < 20))`
	if err != nil || got != want || strings.Join(w.params, "|") != "it's|it's|z|z" {
		t.Errorf("%s %q, %v", got, w.params, err)
	}
	for _, r := range []catalog.Range{
		{By: catalog.ByKey, Columns: []string{"B"}, Lower: []string{"1 OR 1=1"}},
		{By: catalog.ByKey, Columns: []string{"C"}, Lower: []string{"'"}},
		{By: catalog.ByKey, Columns: []string{"D"}, Lower: []string{"1"}},
		{By: catalog.ByKey, Columns: []string{"X"}, Lower: []string{"1"}},
		{By: catalog.ByKey, Columns: []string{"A", "B"}, Lower: []string{"1"}},
		{By: catalog.ByRowID, Lower: []string{"AAAR3sAAEAAAACXAA'"}},
		{By: "ctid", Upper: []string{"7"}},
	} {
		if got, err := (&condition{t: table}).of(r); err == nil {
			t.Errorf("%+v is taken: %s", r, got)
		}
	}
}
