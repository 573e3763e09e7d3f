package sqlite

import (
	"math/big"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
)

// FuzzQuote: a quoted name is one token that names the same, whatever stands around it.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "a", `a"b`, "[x]", "`", "'", "--", "/*", "ä😀", "a b", "select"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		sql := "CREATE TABLE " + quote(name) + " (" + quote(name+"1") + " TEXT DEFAULT " + literal(name) + " /* ) */)"
		s := parse(sql)
		if got := identifier(sql, s.name); got != name {
			t.Errorf("%q is read back as %q", name, got)
		}
		if _, ok := s.columns[name+"1"]; !ok || len(s.columns) != 1 {
			t.Errorf("columns are %v", s.columns)
		}
		if got, ok := unquote(literal(name)); !ok || got != name {
			t.Errorf("%q as a constant is read back as %q", name, got)
		}
		if renamed := parse(s.rewrite("other", strings.ToUpper)); identifier(renamed.sql, renamed.name) != "other" {
			t.Errorf("renamed to %s", renamed.sql)
		}
	})
}

// FuzzInstant: what is read as a timestamp is written as text that is read the same.
func FuzzInstant(f *testing.F) {
	for _, s := range []string{"2009-01-01", "0001-01-01 00:00:00", "9999-12-31T23:59:59.999999", "1969-12-31 23:59:59.5Z", "2000-02-30", "", "2009-01-01 00:00:00+05:30"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, typ := range []catalog.Type{{Kind: catalog.Timestamp, Precision: 6}, {Kind: catalog.TimestampTZ, Precision: 6}} {
			v, err := parseInstant([]byte(s), typ)
			if err != nil {
				continue
			}
			us := (v.days*86400-v.offset)*1_000_000 + v.nanos/1000
			text, err := appendInstant(nil, us, typ)
			if err != nil {
				continue // an offset may lead out of the years 1 to 9999
			}
			again, err := parseInstant(text, typ)
			if err != nil {
				t.Fatalf("%q is written as %q: %v", s, text, err)
			}
			if got := (again.days*86400-again.offset)*1_000_000 + again.nanos/1000; got != us {
				t.Errorf("%q is %d us, written as %q it is %d", s, us, text, got)
			}
		}
	})
}

// FuzzDecimal: the fast way and the exact way agree, and what is written is read the same.
func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"0", "-0.01", "1e3", "999999999999999999", "-9223372036854775808", ".5", "5.", "1.10", "--1", "+1"} {
		f.Add(s, 2)
	}
	f.Fuzz(func(t *testing.T, s string, scale int) {
		if scale < 0 || scale > 18 {
			return
		}
		n, ok := fixed([]byte(s), scale)
		if !ok {
			return
		}
		typ := catalog.Type{Kind: catalog.Decimal, Precision: 38, Scale: scale}
		dt, err := batch.DataType(typ)
		if err != nil {
			t.Fatal(err)
		}
		b := array.NewBuilder(memory.DefaultAllocator, dt)
		defer b.Release()
		cell := newDecimalCell(typ, b)
		var exact *big.Int
		cell.large = func(n *big.Int) { exact = n }
		if err := cell.exact(s); err != nil || exact.Cmp(big.NewInt(n)) != 0 {
			t.Errorf("%q with scale %d is %d, exactly %v, %v", s, scale, n, exact, err)
		}
		if again, ok := fixed(appendDecimal(nil, exact, scale), scale); !ok || again != n {
			t.Errorf("%q is written as %q", s, appendDecimal(nil, exact, scale))
		}
	})
}
