package store

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func value(t *rapid.T) Value {
	switch rapid.IntRange(0, 8).Draw(t, "kind") {
	case 0:
		return Value{}
	case 1:
		return BoolValue(rapid.Bool().Draw(t, "b"))
	case 2:
		return IntValue(rapid.Int64().Draw(t, "i"))
	case 3:
		n, _ := new(big.Int).SetString(rapid.StringMatching(`-?[1-9][0-9]{0,40}`).Draw(t, "n"), 10)
		return DecValue(n, rapid.IntRange(-50, 50).Draw(t, "scale"))
	case 4:
		return FloatValue(rapid.Float64().Draw(t, "f"))
	case 5:
		return TextValue(rapid.String().Draw(t, "s"))
	case 6:
		return BytesValue(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
	case 7:
		return Value{K: Day, I: rapid.Int64Range(1, 3652061).Draw(t, "day")}
	}
	return Value{K: Stamp, I: rapid.Int64().Draw(t, "s"), N: int32(rapid.IntRange(0, 999999999).Draw(t, "ns")), S: rapid.SampledFrom([]string{"", "+02:00"}).Draw(t, "zone")}
}

// TestRowRoundTrip holds that rows decode to what was encoded, and short rows leave the rest alone.
func TestRowRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := rapid.SliceOf(rapid.Custom(value)).Draw(t, "row")
		got := make([]Value, len(row)+1)
		got[len(row)] = IntValue(77)
		if n := DecodeRow(EncodeRow(nil, row), got); n != len(row) || got[n] != IntValue(77) {
			t.Fatalf("%d values of %d", n, len(row))
		}
		for i := range row {
			if got[i] != row[i] {
				t.Fatalf("%+v became %+v", row[i], got[i])
			}
		}
	})
}

// TestArithmetic holds sums, differences and products against exact fractions.
func TestArithmetic(t *testing.T) {
	rat := func(v Value) *big.Rat {
		r, _ := new(big.Rat).SetString(FormatNumber(v))
		return r
	}
	rapid.Check(t, func(t *rapid.T) {
		number := func(label string) Value {
			s := rapid.StringMatching(`-?[0-9]{1,20}(\.[0-9]{1,15})?`).Draw(t, label)
			v, ok := ParseNumber(s, false)
			if !ok {
				t.Fatalf("%s is not a number", s)
			}
			if v.K == Int {
				v = Value{K: Dec, I: v.I}
			}
			return v
		}
		a, b := number("a"), number("b")
		for op, want := range map[string]*big.Rat{"+": new(big.Rat).Add(rat(a), rat(b)), "-": new(big.Rat).Sub(rat(a), rat(b)), "*": new(big.Rat).Mul(rat(a), rat(b))} {
			got, kind := arithmetic(op, a, b, 34)
			if kind != 0 || rat(got).Cmp(want) != 0 {
				t.Fatalf("%s %s %s = %s", FormatNumber(a), op, FormatNumber(b), FormatNumber(got))
			}
		}
		if compareNumbers(a, b) != rat(a).Cmp(rat(b)) {
			t.Fatalf("order of %s and %s", FormatNumber(a), FormatNumber(b))
		}
		if n := Normalize(a); rat(n).Cmp(rat(a)) != 0 {
			t.Fatalf("%s normalized is %s", FormatNumber(a), FormatNumber(n))
		}
	})
}

// TestCalendar holds the numbers of days that HANA's and Oracle's documents name, and
// that days and dates convert both ways.
func TestCalendar(t *testing.T) {
	for _, d := range []struct {
		y, m, d int
		number  int64
	}{{1, 1, 1, 1}, {1582, 10, 4, 577737}, {1582, 10, 15, 577738}, {1970, 1, 1, 719165}, {9999, 12, 31, 3652061}} {
		if n, ok := CivilDay(d.y, d.m, d.d); !ok || n != d.number {
			t.Errorf("%04d-%02d-%02d is %d, want %d", d.y, d.m, d.d, n, d.number)
		}
	}
	for _, d := range [][3]int{{1582, 10, 5}, {1582, 10, 14}, {2023, 2, 29}, {1900, 2, 29}, {2024, 13, 1}, {2024, 4, 31}} {
		if n, ok := CivilDay(d[0], d[1], d[2]); ok {
			t.Errorf("%v is day %d", d, n)
		}
	}
	if _, ok := CivilDay(1500, 2, 29); !ok {
		t.Error("1500 was a leap year before the reform")
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(-1721000, 3652061).Draw(t, "day")
		y, m, d := DayCivil(n)
		if back, ok := CivilDay(y, m, d); !ok || back != n {
			t.Fatalf("day %d is %d-%d-%d, which is day %d", n, y, m, d, back)
		}
	})
}

func TestTokens(t *testing.T) {
	tokens, err := Tokenize(`select "a""b", 'it''s', N'x', X'0aFF', 1.5e-3, .5, ?, :name -- gone
/* and
this */ <> a.b`)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		kind TokenKind
		text string
	}{{Word, "SELECT"}, {Quoted, `a"b`}, {Op, ","}, {String, "it's"}, {Op, ","}, {String, "x"}, {Op, ","}, {HexString, "0aFF"}, {Op, ","}, {Number, "1.5e-3"}, {Op, ","},
		{Number, ".5"}, {Op, ","}, {Param, "?"}, {Op, ","}, {Param, ":NAME"}, {Op, "<>"}, {Word, "A"}, {Op, "."}, {Word, "B"}, {End, ""}}
	if len(tokens) != len(want) {
		t.Fatalf("%d tokens: %v", len(tokens), tokens)
	}
	for i, w := range want {
		if tokens[i].Kind != w.kind || tokens[i].Text != w.text {
			t.Errorf("token %d is %v, want %v", i, tokens[i], w)
		}
	}
	for _, bad := range []string{`'x`, `"x`, `/* x`, `a ~ b`} {
		if _, err := Tokenize(bad); err == nil {
			t.Errorf("%s is cut without an error", bad)
		}
	}
}
