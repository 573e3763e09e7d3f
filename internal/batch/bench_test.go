package batch

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// hot are columns whose every value a policy or a bound changes.
func hot(tb testing.TB, rows int) map[string]struct {
	transform *Transform
	rec       arrow.RecordBatch
} {
	tb.Helper()
	out := make(map[string]struct {
		transform *Transform
		rec       arrow.RecordBatch
	})
	add := func(name string, src, dst catalog.Column, p catalog.Policies, value func(int) string) {
		values := make([]string, rows)
		for i := range values {
			values[i] = value(i)
		}
		tr, err := Compile([]catalog.Column{src}, []catalog.Column{dst}, p)
		if err != nil {
			tb.Fatal(err)
		}
		out[name] = struct {
			transform *Transform
			rec       arrow.RecordBatch
		}{tr, column(tb, src, values...)}
	}
	field := func(k catalog.Type) catalog.Column { return catalog.Column{Name: "c", Type: k, Nullable: true} }
	abapField := catalog.Column{Name: "c", Type: typ(catalog.String, 20), Default: "' '"}
	hana := abapField
	hana.Bounds = catalog.Bounds{UTF16: true}
	add("blank", abapField, hana, policies(abap), func(i int) string {
		if i%3 == 0 {
			return " "
		}
		return fmt.Sprintf("MATERIAL %06d", i)
	})
	add("empty", field(typ(catalog.String, 20)), field(typ(catalog.String, 20)), policies(emptyNull), func(i int) string { return strings.Repeat("x", i%8) })
	add("utf16", field(typ(catalog.String, 20)), func() catalog.Column { c := field(typ(catalog.String, 20)); c.Bounds.UTF16 = true; return c }(), policies(),
		func(i int) string { return fmt.Sprintf("Grüße 日本 %06d", i) })
	add("double", field(typ(catalog.Number)), field(typ(catalog.Float64)), policies(doubles), func(i int) string { return fmt.Sprintf("%d.%03d", i*7919, 1+i%9*2) })
	add("decimal", field(typ(catalog.Number)), field(typ(catalog.Decimal, 38, 10)), policies(), func(i int) string { return fmt.Sprintf("12345678901234%d.%03d", i, 1+i%9*2) })
	add("digits", field(typ(catalog.Number)), func() catalog.Column { c := field(typ(catalog.Number)); c.Bounds.Digits = 34; return c }(), policies(),
		func(i int) string { return fmt.Sprintf("%d%s", 1+i%9, strings.Repeat("0", 40)) })
	add("julian", field(typ(catalog.Timestamp, 6)), func() catalog.Column {
		c := field(typ(catalog.Timestamp9, 7))
		c.Bounds = catalog.Bounds{NoInfinity: true, MinYear: 1, MaxYear: 9999, JulianGap: true}
		return c
	}(), policies(), func(i int) string { return fmt.Sprintf("%04d-10-15T12:30:00.5", 1+i%9000) })
	add("seven digits", field(typ(catalog.Timestamp9, 9)), func() catalog.Column {
		c := field(typ(catalog.Timestamp9, 7))
		c.Bounds = catalog.Bounds{NoInfinity: true, MinYear: 1, MaxYear: 9999, JulianGap: true}
		return c
	}(), policies(), func(i int) string { return fmt.Sprintf("%d.123456700", i*86400-5_000_000) })
	add("zone", field(typ(catalog.TimestampTZ, 6)), field(typ(catalog.Timestamp, 6)), policies(inUTC), func(i int) string { return "2024-02-29T12:30:00Z" })
	return out
}

// What is allocated is the columns' buffers, as often for few rows as for many but for
// the times a buffer grows: nothing a row.
func TestPoliciesNoAllocsPerRow(t *testing.T) {
	const few, many = 512, 8192
	count := func(rows int) map[string]float64 {
		out := make(map[string]float64)
		for name, h := range hot(t, rows) {
			out[name] = testing.AllocsPerRun(5, func() {
				rec, err := h.transform.Apply(h.rec)
				if err != nil {
					t.Fatal(name, err)
				}
				rec.Release()
			})
			h.rec.Release()
		}
		return out
	}
	before, after := count(few), count(many)
	for name, n := range after {
		if n > before[name]+16 {
			t.Errorf("%s: %.0f allocations for %d rows, %.0f for %d", name, before[name], few, n, many)
		}
	}
}

func BenchmarkPolicies(b *testing.B) {
	for name, h := range hot(b, Rows) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rec, err := h.transform.Apply(h.rec)
				if err != nil {
					b.Fatal(err)
				}
				rec.Release()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/Rows, "ns/row")
		})
	}
}
