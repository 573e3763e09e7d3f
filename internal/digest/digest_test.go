package digest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
)

// every has a column of every kind, each with values that differ in one bit, one
// digit or one sign.
func every() (cols []catalog.Column, values [][]string) {
	long := strings.Repeat("x", 300)
	for _, c := range []struct {
		t      catalog.Type
		values []string
	}{
		{catalog.Type{Kind: catalog.Bool}, []string{"true", "false"}},
		{catalog.Type{Kind: catalog.Int16}, []string{"0", "1", "-1", "-32768"}},
		{catalog.Type{Kind: catalog.Int32}, []string{"0", "1", "-1", "65536"}},
		{catalog.Type{Kind: catalog.Int64}, []string{"0", "1", "-1", "4294967296", "-9223372036854775808"}},
		{catalog.Type{Kind: catalog.Float32}, []string{"0", "1", "NaN", "Inf"}},
		{catalog.Type{Kind: catalog.Float64}, []string{"0", "1", "NaN", "-Inf", "1e-310"}},
		{catalog.Type{Kind: catalog.Decimal, Precision: 15, Scale: 2}, []string{"0.00", "0.01", "-0.01", "9999999999999.99"}},
		{catalog.Type{Kind: catalog.Decimal, Precision: 38, Scale: 0}, []string{"0", "18446744073709551616", "-1", "1"}},
		{catalog.Type{Kind: catalog.Decimal, Precision: 76, Scale: 0}, []string{"0", "1", "340282366920938463463374607431768211456"}},
		{catalog.Type{Kind: catalog.Number}, []string{"0", "1", "-1", "0.1", "NaN"}},
		{catalog.Type{Kind: catalog.String}, []string{"", " ", "a", "A", "\x00", "a ", "\U0001f600", long, long + "y"}},
		{catalog.Type{Kind: catalog.Text}, []string{"", "a", "\x00", "\x00\x00", long}},
		{catalog.Type{Kind: catalog.Binary}, []string{"", "\x00", "a"}},
		{catalog.Type{Kind: catalog.Blob}, []string{"", "\xff", "\xff\x00"}},
		{catalog.Type{Kind: catalog.Date}, []string{"1970-01-01", "1970-01-02", "9999-12-31", "0001-01-01"}},
		{catalog.Type{Kind: catalog.Time, Precision: 6}, []string{"00:00:00", "00:00:00.000001"}},
		{catalog.Type{Kind: catalog.Timestamp, Precision: 6}, []string{"1970-01-01", "1969-12-31T23:59:59.999999"}},
		{catalog.Type{Kind: catalog.TimestampTZ, Precision: 6}, []string{"1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z"}},
		{catalog.Type{Kind: catalog.Timestamp9, Precision: 9}, []string{"0.000000000", "-0.000000001"}},
		{catalog.Type{Kind: catalog.UUID}, []string{"0123456789abcdef", "1123456789abcdef", "0123456789abcdeg"}},
		{catalog.Type{Kind: catalog.JSON}, []string{"{}", "{} "}},
		{catalog.Type{Kind: catalog.Native, Engine: "postgres", Name: "int4range"}, []string{"", "\x01"}},
	} {
		cols = append(cols, catalog.Column{Name: fmt.Sprintf("c%d", len(cols)), Type: c.t, Nullable: true})
		values = append(values, append(c.values, "NULL"))
	}
	return cols, values
}

// record builds a batch of rows of texts.
func record(tb testing.TB, cols []catalog.Column, rows [][]string) arrow.RecordBatch {
	tb.Helper()
	schema, err := batch.Schema(cols)
	if err != nil {
		tb.Fatal(err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for _, row := range rows {
		for i, text := range row {
			f := b.Field(i)
			switch f := f.(type) {
			case *array.BinaryBuilder:
				if text != "NULL" {
					f.Append([]byte(text))
					continue
				}
			case *array.FixedSizeBinaryBuilder:
				if text != "NULL" {
					f.Append([]byte(text))
					continue
				}
			}
			if text == "NULL" {
				f.AppendNull()
			} else if err := f.AppendValueFromString(text); err != nil {
				tb.Fatalf("%s: %v", text, err)
			}
		}
	}
	return b.NewRecordBatch()
}

func sum(tb testing.TB, cols []catalog.Column, rows [][]string) Sum {
	tb.Helper()
	h, err := New(cols, nil)
	if err != nil {
		tb.Fatal(err)
	}
	rec := record(tb, cols, rows)
	defer rec.Release()
	s, err := h.Sum(rec)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func drawRows(t *rapid.T, values [][]string) [][]string {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []string {
		row := make([]string, len(values))
		for i := range row {
			row[i] = rapid.SampledFrom(values[i]).Draw(t, "cell")
		}
		return row
	}), 1, 30).Draw(t, "rows")
}

// Order, batches and slices do not change a digest, and digests add up.
func TestSumAdditive(t *testing.T) {
	cols, values := every()
	rapid.Check(t, func(rt *rapid.T) {
		rows := drawRows(rt, values)
		want := sum(t, cols, rows)
		if want.Rows != int64(len(rows)) {
			rt.Fatalf("%d rows counted as %d", len(rows), want.Rows)
		}
		if got := sum(t, cols, rapid.Permutation(rows).Draw(rt, "order")); got != want {
			rt.Fatal("the order of rows changes the digest")
		}
		cut := rapid.IntRange(0, len(rows)).Draw(rt, "cut")
		if got := sum(t, cols, rows[:cut]).Add(sum(t, cols, rows[cut:])); got != want {
			rt.Fatal("two batches have another digest than one")
		}
		h, err := New(cols, nil)
		if err != nil {
			rt.Fatal(err)
		}
		rec := record(t, cols, rows)
		defer rec.Release()
		var sliced Sum
		for _, part := range []arrow.RecordBatch{rec.NewSlice(0, int64(cut)), rec.NewSlice(int64(cut), int64(len(rows)))} {
			s, err := h.Sum(part)
			if err != nil {
				rt.Fatal(err)
			}
			sliced = sliced.Add(s)
			part.Release()
		}
		if sliced != want {
			rt.Fatal("slices of a batch have another digest than the batch")
		}
		hashes, err := h.Rows(rec)
		if err != nil {
			rt.Fatal(err)
		}
		var total Sum
		for _, x := range hashes {
			total = total.Add(Sum{Rows: 1, Hi: x.Hi, Lo: x.Lo})
		}
		if total != want {
			rt.Fatal("row hashes do not add up to the digest")
		}
	})
}

// Whatever is changed in any cell shows, as does a row that is there twice.
func TestSumDetectsEveryChange(t *testing.T) {
	cols, values := every()
	rapid.Check(t, func(rt *rapid.T) {
		rows := drawRows(rt, values)
		before := sum(t, cols, rows)
		row, column := rapid.IntRange(0, len(rows)-1).Draw(rt, "row"), rapid.IntRange(0, len(cols)-1).Draw(rt, "column")
		if sum(t, cols, append(slices.Clone(rows), rows[row])) == before {
			rt.Fatal("a row twice is not noticed")
		}
		old := rows[row][column]
		for _, other := range values[column] {
			rows[row][column] = other
			if (sum(t, cols, rows) == before) != (other == old) {
				rt.Fatalf("%s: %q for %q is not noticed", cols[column].Type, other, old)
			}
		}
	})
}

func TestSumDetectsSwappedValues(t *testing.T) {
	text := catalog.Type{Kind: catalog.String}
	cols := []catalog.Column{{Name: "a", Type: text}, {Name: "b", Type: text}}
	seen := make(map[Sum]string)
	for _, rows := range [][][]string{
		{{"x", "y"}}, {{"y", "x"}}, {{"xy", ""}}, {{"", "xy"}}, {{"NULL", "xy"}}, {{"xy", "NULL"}}, {{"", ""}}, {{"NULL", "NULL"}}, {{"", "NULL"}},
		{{"NULL", ""}}, {{"x", "y"}, {"x", "y"}}, {{"x", "y"}, {"y", "x"}}, {{"x", "x"}, {"y", "y"}}, {{"y", "x"}, {"y", "x"}},
	} {
		s, text := sum(t, cols, rows), fmt.Sprint(rows)
		if other, ok := seen[s]; ok {
			t.Errorf("%s and %s have one digest", text, other)
		}
		seen[s] = text
	}
}

// Bits of equal look in columns of different types do not count as equal.
func TestSumDependsOnType(t *testing.T) {
	seen := make(map[Sum]catalog.Kind)
	for _, k := range []catalog.Type{{Kind: catalog.Bool}, {Kind: catalog.Int64}, {Kind: catalog.Float64}, {Kind: catalog.Float32},
		{Kind: catalog.Decimal, Precision: 9}, {Kind: catalog.Number}, {Kind: catalog.String}} {
		cols := []catalog.Column{{Name: "c", Type: k}}
		text := "0"
		if k.Kind == catalog.Bool {
			text = "false"
		}
		s := sum(t, cols, [][]string{{text}})
		if other, ok := seen[s]; ok {
			t.Errorf("0 as %s and as %s have one digest", k.Kind, other)
		}
		seen[s] = k.Kind
	}
	if sum(t, []catalog.Column{{Name: "c", Type: catalog.Type{Kind: catalog.Int16}}}, [][]string{{"-7"}}) !=
		sum(t, []catalog.Column{{Name: "c", Type: catalog.Type{Kind: catalog.Int64}}}, [][]string{{"-7"}}) {
		t.Error("an integer's digest depends on its width")
	}
}

func TestNaNCanonical(t *testing.T) {
	col := []catalog.Column{{Name: "c", Type: catalog.Type{Kind: catalog.Float64}}}
	h, err := New(col, nil)
	if err != nil {
		t.Fatal(err)
	}
	var sums []Sum
	for _, bits := range []uint64{0x7ff8000000000001, 0xfff8000000000000, 0x7ff0000000000001} {
		rec := record(t, col, [][]string{{"0"}})
		rec.Column(0).(*array.Float64).Float64Values()[0] = math.Float64frombits(bits)
		s, err := h.Sum(rec)
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, s)
		rec.Release()
	}
	if sums[0] != sums[1] || sums[1] != sums[2] {
		t.Error("NaNs differ by their bits")
	}
}

func TestKeys(t *testing.T) {
	cols := []catalog.Column{
		{Name: "k", Type: catalog.Type{Kind: catalog.Int64}}, {Name: "g", Type: catalog.Type{Kind: catalog.Int64}, Generated: "k+1"},
		{Name: "v", Type: catalog.Type{Kind: catalog.String}},
	}
	h, err := New(cols, []string{"k"})
	if err != nil {
		t.Fatal(err)
	}
	rec := record(t, cols, [][]string{{"1", "a"}, {"1", "b"}, {"2", "a"}})
	defer rec.Release()
	keys, err := h.Keys(rec)
	if err != nil {
		t.Fatal(err)
	}
	if keys[0] != keys[1] || keys[0] == keys[2] {
		t.Errorf("key hashes %v", keys)
	}
	if _, err := New(cols, []string{"g"}); err == nil {
		t.Error("a generated column is taken as key")
	}
	if _, err := h.Sum(record(t, cols[:1], [][]string{{"1"}})); err == nil {
		t.Error("a batch of other columns is digested")
	}
}

func TestBucketDistribution(t *testing.T) {
	cols := []catalog.Column{{Name: "k", Type: catalog.Type{Kind: catalog.Int64}}}
	h, err := New(cols, []string{"k"})
	if err != nil {
		t.Fatal(err)
	}
	const each = 50
	rows := make([][]string, Buckets*each)
	for i := range rows {
		rows[i] = []string{fmt.Sprint(i)}
	}
	rec := record(t, cols, rows)
	defer rec.Release()
	keys, err := h.Keys(rec)
	if err != nil {
		t.Fatal(err)
	}
	var counts [Buckets]int
	for _, k := range keys {
		counts[k.Bucket()]++
	}
	if low, high := slices.Min(counts[:]), slices.Max(counts[:]); low < each/4 || high > each*3 {
		t.Errorf("buckets hold %d to %d keys", low, high)
	}
}

func TestNoAllocationPerBatch(t *testing.T) {
	h, err := New(orders(), nil)
	if err != nil {
		t.Fatal(err)
	}
	rec := ordersBatch(t, 1000)
	defer rec.Release()
	if n := testing.AllocsPerRun(20, func() {
		if _, err := h.Sum(rec); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations a batch", n)
	}
}
