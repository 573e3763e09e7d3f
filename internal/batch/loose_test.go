package batch_test

import (
	"errors"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
)

// A length that an engine only declares is checked where the other side keeps it,
// and nowhere else.
func TestLooseLengths(t *testing.T) {
	column := catalog.Column{Name: "note", Type: catalog.Type{Kind: catalog.String, Length: 3}}
	loose := column
	loose.Loose = true
	schema, err := batch.Schema([]catalog.Column{column})
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	b.Field(0).(*array.StringBuilder).Append("four")
	rec := b.NewRecordBatch()
	defer rec.Release()
	for _, test := range []struct {
		name     string
		src, dst catalog.Column
		fails    bool
	}{
		{"loose to loose", loose, loose, false},
		{"loose to kept", loose, column, true},
		{"kept to loose", column, loose, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			transform, err := batch.Compile([]catalog.Column{test.src}, []catalog.Column{test.dst}, catalog.DefaultPolicies())
			if err != nil {
				t.Fatal(err)
			}
			out, err := transform.Apply(rec)
			if err == nil {
				out.Release()
			}
			var value *batch.ValueError
			if errors.As(err, &value) != test.fails {
				t.Errorf("error %v, want one: %v", err, test.fails)
			}
		})
	}
}
