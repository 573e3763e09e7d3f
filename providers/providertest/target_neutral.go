package providertest

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// neutralCase is a neutral type with values as Go has them.
type neutralCase struct {
	t      catalog.Type
	values []any
}

func day(y int) int32 {
	return int32(time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func micros(y int, us int64) int64 { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() + us }

func power(n int64) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil) }

// neutralCases are the extremes of every neutral type that other engines hand over.
func neutralCases() []neutralCase {
	nines := func(n int64) *big.Int { return new(big.Int).Sub(power(n), big.NewInt(1)) }
	texts := []any{"", " ", "a", "trailing  ", "ä€😀", "line\nbreak", "'quoted\"", "\\N", "<NULL>", "0"}
	return []neutralCase{
		{catalog.Type{Kind: catalog.Bool}, []any{true, false}},
		{catalog.Type{Kind: catalog.Int16}, []any{int64(math.MinInt16), int64(0), int64(math.MaxInt16)}},
		{catalog.Type{Kind: catalog.Int32}, []any{int64(math.MinInt32), int64(0), int64(math.MaxInt32)}},
		{catalog.Type{Kind: catalog.Int64}, []any{int64(math.MinInt64), int64(0), int64(math.MaxInt64)}},
		{catalog.Type{Kind: catalog.Float32}, []any{0.0, 1.5, float64(math.MaxFloat32), float64(math.SmallestNonzeroFloat32)}},
		{catalog.Type{Kind: catalog.Float64}, []any{0.0, 0.1, -1.5, math.MaxFloat64, math.SmallestNonzeroFloat64}},
		{catalog.Type{Kind: catalog.Decimal, Precision: 15, Scale: 2}, []any{big.NewInt(0), big.NewInt(-1), nines(15)}},
		{
			catalog.Type{Kind: catalog.Decimal, Precision: 38, Scale: 10},
			[]any{nines(38), new(big.Int).Neg(nines(38)), big.NewInt(1), big.NewInt(-10_000_000_000)},
		},
		{catalog.Type{Kind: catalog.Decimal, Precision: 76, Scale: 38}, []any{nines(76), new(big.Int).Neg(nines(76)), big.NewInt(7)}},
		{catalog.Type{Kind: catalog.Number}, []any{"0", "-1", "0.000000000000000000000000000001", "123456789012345678901234567890.123456789"}},
		{catalog.Type{Kind: catalog.String, Length: 20}, texts},
		{catalog.Type{Kind: catalog.Text}, append(texts[:len(texts):len(texts)], strings.Repeat("ä", 2_000_000))},
		{catalog.Type{Kind: catalog.Binary, Length: 8}, []any{[]byte{}, []byte{0}, []byte("\x00\xff\\x27''")}},
		{catalog.Type{Kind: catalog.Blob}, []any{[]byte{}, []byte{0}, make([]byte, 3_000_000)}},
		{catalog.Type{Kind: catalog.Date}, []any{day(1), day(1582), day(1970), day(9999)}},
		{catalog.Type{Kind: catalog.Time, Precision: 6}, []any{int64(0), int64(86_399_999_999), int64(1), int64(43_200_000_000)}},
		{catalog.Type{Kind: catalog.Timestamp, Precision: 6}, []any{micros(1, 0), micros(1969, 1), micros(1970, -1), micros(2024, 500_000), micros(10000, -1)}},
		{catalog.Type{Kind: catalog.TimestampTZ, Precision: 6}, []any{micros(1, 0), micros(1970, -1), micros(2024, 120_000), micros(10000, -1)}},
		{catalog.Type{Kind: catalog.Timestamp9, Precision: 9}, []any{
			big.NewInt(0), big.NewInt(-1), new(big.Int).Mul(big.NewInt(int64(day(1))*86400), power(9)),
			new(big.Int).Sub(new(big.Int).Mul(big.NewInt(int64(day(10000))*86400), power(9)), big.NewInt(1))}},
		{catalog.Type{Kind: catalog.UUID}, []any{make([]byte, 16), []byte("\xa0\xee\xbc\x99\x9c\x0b\x4e\xf8\xbb\x6d\x6b\xb9\xbd\x38\x0a\x11")}},
		{catalog.Type{Kind: catalog.JSON}, []any{`{"a": [1, 2,  3], "a": 1e5}`, "1e5", "null", `"😀"`}},
	}
}

// appendValue adds a value as the column's type has it.
func appendValue(t testing.TB, b array.Builder, v any) {
	t.Helper()
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(v.(bool))
	case *array.Int16Builder:
		b.Append(int16(v.(int64)))
	case *array.Int32Builder:
		b.Append(int32(v.(int64)))
	case *array.Int64Builder:
		b.Append(v.(int64))
	case *array.Float32Builder:
		b.Append(float32(v.(float64)))
	case *array.Float64Builder:
		b.Append(v.(float64))
	case *array.Decimal128Builder:
		b.Append(decimal128.FromBigInt(v.(*big.Int)))
	case *array.Decimal256Builder:
		b.Append(decimal256.FromBigInt(v.(*big.Int)))
	case *array.StringBuilder:
		b.Append(v.(string))
	case *array.LargeStringBuilder:
		b.Append(v.(string))
	case *array.BinaryBuilder:
		b.Append(v.([]byte))
	case *array.FixedSizeBinaryBuilder:
		b.Append(v.([]byte))
	case *array.Date32Builder:
		b.Append(arrow.Date32(v.(int32)))
	case *array.Time64Builder:
		b.Append(arrow.Time64(v.(int64)))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v.(int64)))
	default:
		t.Fatalf("no way to append %T", b)
	}
}

// targetNeutralTypes loads what another engine hands over and reads it back: by
// the provider, by the independent client, and by the target's own catalog.
func targetNeutralTypes(t *testing.T, h Harness) {
	b := newBench(t, h)
	db := b.target(t)
	s := lock(t, db, "a")
	for i, c := range neutralCases() {
		t.Run(c.t.String(), func(t *testing.T) {
			src := &catalog.Table{Name: b.name(fmt.Sprintf("n%d", i)), Columns: []catalog.Column{
				{Name: "id", Type: catalog.Type{Kind: catalog.Int64}},
				{Name: "v", Type: c.t, Nullable: true},
			}, Key: &catalog.Key{Columns: []string{"id"}, Primary: true}}
			m := h.Driver.MapTable(src, providers.MapOptions{Engine: "other", To: src.Name, Policies: catalog.DefaultPolicies()})
			if len(m.Refusals) > 0 {
				t.Logf("refused: %s", m.Refusals[0].What)
				return
			}
			transform, err := batch.Compile(src.Columns, m.Table.Columns, catalog.DefaultPolicies())
			if err != nil {
				t.Fatal(err)
			}
			rec := neutralBatch(t, src, fitting(t, src, c, transform))
			defer rec.Release()
			alter(t, s, providers.CreateTable{Table: m.Table})
			load(t, s, m.Table, pack(src.Name, src.Name.String()), func(w providers.Writer) (int64, error) {
				if err := write(t.Context(), w, rec, transform); err != nil {
					return 0, err
				}
				return w.Finish(t.Context())
			})
			checkNeutral(t, b, db, m.Table, rec)
			alter(t, s, providers.CreateTable{Table: m.Table}) // there already, in the wanted form
		})
	}
}

// fitting leaves out values that the target's bounds refuse, which every row of that kind has to
// hear by its key; some have to be left.
func fitting(t testing.TB, src *catalog.Table, c neutralCase, transform *batch.Transform) neutralCase {
	t.Helper()
	kept := neutralCase{t: c.t}
	for _, v := range c.values {
		rec := neutralBatch(t, src, neutralCase{t: c.t, values: []any{v}})
		out, err := transform.Apply(rec)
		rec.Release()
		var bad *batch.ValueError
		switch {
		case errors.As(err, &bad):
			t.Logf("refused: %s", bad.What)
		case err != nil:
			t.Fatal(err)
		default:
			out.Release()
			kept.values = append(kept.values, v)
		}
	}
	if len(kept.values) < 2 {
		t.Fatalf("%d of %d values fit", len(kept.values), len(c.values))
	}
	return kept
}

func neutralBatch(t testing.TB, src *catalog.Table, c neutralCase) arrow.RecordBatch {
	t.Helper()
	schema, err := batch.Schema(src.Columns)
	if err != nil {
		t.Fatal(err)
	}
	rb := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer rb.Release()
	for j, v := range c.values {
		rb.Field(0).(*array.Int64Builder).Append(int64(j))
		appendValue(t, rb.Field(1), v)
	}
	rb.Field(0).(*array.Int64Builder).Append(int64(len(c.values)))
	rb.Field(1).AppendNull()
	return rb.NewRecordBatch()
}

func checkNeutral(t *testing.T, b *bench, db providers.Target, tb *catalog.Table, sent arrow.RecordBatch) {
	t.Helper()
	typ := tb.Columns[1].Type
	transform, err := batch.Compile([]catalog.Column{{Name: "v", Type: neutralOf(sent), Nullable: true}}, tb.Columns[1:], catalog.DefaultPolicies())
	if err != nil {
		t.Fatal(err)
	}
	only := array.NewRecordBatch(arrow.NewSchema(sent.Schema().Fields()[1:], nil), []arrow.Array{sent.Column(1)}, sent.NumRows())
	defer only.Release()
	want, err := transform.Apply(only)
	if err != nil {
		t.Fatal(err)
	}
	defer want.Release()
	shown, ok := b.shown(t, b.Quote(tb.Name.Name), typ)
	rows := readAll(t, db, tb)
	if len(rows) != int(sent.NumRows()) {
		t.Fatalf("%d rows read back, want %d", len(rows), sent.NumRows())
	}
	for _, row := range rows {
		var j int
		if _, err := fmt.Sscan(row[0], &j); err != nil {
			t.Fatal(err)
		}
		text := Text(want.Column(0), j, typ)
		if row[1] != text {
			t.Errorf("row %d: read back %.200s, want %.200s", j, row[1], text)
		}
		if ok && shown[j] != text {
			t.Errorf("row %d: the client prints %.200s, want %.200s", j, shown[j], text)
		}
	}
	found := b.table(t, db, tb.Name.Name)
	if got := found.Column("v").Type; got.String() != typ.String() && (b.SameType == nil || !b.SameType(typ, got)) {
		t.Errorf("the catalog says %s, the mapping %s", got, typ)
	}
}

// neutralOf reads the neutral type back from the batch's second field.
func neutralOf(rec arrow.RecordBatch) catalog.Type {
	text, _ := rec.Schema().Field(1).Metadata.GetValue(batch.MetaType)
	for _, c := range neutralCases() {
		if c.t.String() == text {
			return c.t
		}
	}
	return catalog.Type{}
}
