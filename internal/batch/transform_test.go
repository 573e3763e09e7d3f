package batch

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// column is a batch of one column, its values given as text that arrow parses.
func column(t testing.TB, c catalog.Column, values ...string) arrow.RecordBatch {
	t.Helper()
	schema, err := Schema([]catalog.Column{c})
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewBuilder(memory.DefaultAllocator, schema.Field(0).Type)
	defer b.Release()
	for _, v := range values {
		appendText(t, b, v)
	}
	arr := b.NewArray()
	defer arr.Release()
	return array.NewRecordBatch(schema, []arrow.Array{arr}, int64(len(values)))
}

// appendText appends what Format prints.
func appendText(t testing.TB, b array.Builder, v string) {
	t.Helper()
	if v == "NULL" {
		b.AppendNull()
		return
	}
	infinite := map[string]int64{"infinity": InfinityUS, "-infinity": NegInfinityUS}
	switch b := b.(type) {
	case *array.BinaryBuilder:
		b.Append([]byte(v))
		return
	case *array.FixedSizeBinaryBuilder:
		b.Append([]byte(v))
		return
	case *array.Float64Builder:
		if v == "-0" {
			b.Append(math.Copysign(0, -1))
			return
		}
	case *array.Date32Builder:
		if n, ok := infinite[v]; ok {
			b.Append(arrow.Date32(min(max(n, int64(NegInfinityDay)), int64(InfinityDay))))
			return
		}
	case *array.TimestampBuilder:
		if n, ok := infinite[v]; ok {
			b.Append(arrow.Timestamp(n))
			return
		}
	}
	if err := b.AppendValueFromString(v); err != nil {
		t.Fatalf("append %q: %v", v, err)
	}
}

func printed(rec arrow.RecordBatch) []string {
	var out []string
	for i := range int(rec.NumRows()) {
		out = append(out, Format(rec.Column(0), i))
	}
	return out
}

// typ reads "decimal(15,2)" and the like, so that tables of cases stay readable.
func typ(kind catalog.Kind, params ...int) catalog.Type {
	t := catalog.Type{Kind: kind}
	switch kind {
	case catalog.Decimal:
		t.Precision, t.Scale = params[0], params[1]
	case catalog.Time, catalog.Timestamp, catalog.TimestampTZ, catalog.Timestamp9:
		t.Precision = params[0]
	default:
		if len(params) > 0 {
			t.Length = params[0]
		}
	}
	return t
}

// conversionCase is one column that is converted; want is the error's text where
// it starts with "!".
type conversionCase struct {
	name     string
	from, to catalog.Type
	bounds   catalog.Bounds
	policies func(*catalog.Policies)
	in, want []string
}

func runConversions(t *testing.T, cases []conversionCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := catalog.DefaultPolicies()
			if c.policies != nil {
				c.policies(&p)
			}
			src := catalog.Column{Name: "c", Type: c.from, Nullable: true}
			dst := catalog.Column{Name: "c", Type: c.to, Nullable: true, Bounds: c.bounds}
			tr, err := Compile([]catalog.Column{src}, []catalog.Column{dst}, p)
			if err != nil {
				t.Fatal(err)
			}
			rec := column(t, src, c.in...)
			defer rec.Release()
			out, err := tr.Apply(rec)
			if len(c.want) == 1 && strings.HasPrefix(c.want[0], "!") {
				var bad *ValueError
				if !errors.As(err, &bad) {
					t.Fatalf("got %v, want a ValueError", err)
				}
				if !strings.Contains(err.Error(), c.want[0][1:]) || bad.Fix == "" {
					t.Errorf("got %q with fix %q, want %q", err, bad.Fix, c.want[0][1:])
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer out.Release()
			if diff := cmp.Diff(c.want, printed(out)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func nullOverflow(p *catalog.Policies) { p.Overflow = "null" }
func nullDates(p *catalog.Policies)    { p.InvalidDate = "null" }
func clampDates(p *catalog.Policies)   { p.InvalidDate = "clamp" }
func stripNUL(p *catalog.Policies)     { p.NUL = "strip" }
