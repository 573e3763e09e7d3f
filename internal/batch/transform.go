package batch

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// Transform turns batches in a source's types into batches in the target's, under
// the policies. It is immutable and safe for concurrent use.
type Transform struct {
	columns  []conversion
	schema   *arrow.Schema
	identity bool
}

// conversion is what happens to one column.
type conversion struct {
	name    string
	notNull bool           // the target's column takes no NULL and the source's may hold one
	empty   bool           // '' becomes NULL
	from    arrow.DataType // of the source
	to      arrow.DataType // of the target
	// convert is nil where every value stays as it is.
	convert loop
	// pass says whether a whole array may stay as it is; nil where it never may.
	pass func(arrow.Array) bool
}

// loop appends every converted value of in to out. On a value that does not fit it
// returns the row.
type loop func(in arrow.Array, out array.Builder) (row int, bad *fault)

// fault says what is wrong with one value.
type fault struct {
	what, fix string
	null      bool // the policy is to make it NULL
}

// ValueError is a value that the target cannot hold.
type ValueError struct {
	Column string
	Row    int    // in the batch, from 0
	Key    string // filled in by the caller, see FormatKey
	What   string // a clause, with a bounded prefix of the value at most
	Fix    string // a sentence
}

func (e *ValueError) Error() string {
	if e.Key != "" {
		return fmt.Sprintf("column %s of the row with key (%s): %s", e.Column, e.Key, e.What)
	}
	return fmt.Sprintf("column %s: %s", e.Column, e.What)
}

// Compile prepares the transformation of batches of src's copied columns into
// batches of dst's. Both have one column for each of the other's, in order. It
// fails where a type never converts; what depends on values is found by Apply.
func Compile(src, dst []catalog.Column, p catalog.Policies) (*Transform, error) {
	if len(src) != len(dst) {
		return nil, fmt.Errorf("compile transform: %d source columns, %d target columns", len(src), len(dst))
	}
	t := &Transform{identity: true}
	for i := range src {
		if src[i].Copied() != dst[i].Copied() {
			return nil, fmt.Errorf("compile transform: column %s is generated on one side only", src[i].Name)
		}
		if !src[i].Copied() {
			continue
		}
		c, err := newConversion(src[i], dst[i], p)
		if err != nil {
			return nil, fmt.Errorf("compile transform: column %s: %w", src[i].Name, err)
		}
		t.columns = append(t.columns, c)
		if c.convert != nil || c.notNull || src[i].Name != dst[i].Name || src[i].Type.String() != dst[i].Type.String() {
			t.identity = false
		}
	}
	schema, err := Schema(dst)
	if err != nil {
		return nil, fmt.Errorf("compile transform: %w", err)
	}
	t.schema = schema
	return t, nil
}

// Identity says whether Apply hands every batch back as it is.
func (t *Transform) Identity() bool { return t.identity }

// Apply returns the batch in the target's form. The caller owns the result and
// releases it; rec stays the caller's. The error is a *ValueError, without a Key, where a
// value does not fit.
func (t *Transform) Apply(rec arrow.RecordBatch) (arrow.RecordBatch, error) {
	if t.identity {
		rec.Retain()
		return rec, nil
	}
	if int(rec.NumCols()) != len(t.columns) {
		return nil, fmt.Errorf("transform batch: %d columns, want %d", rec.NumCols(), len(t.columns))
	}
	out := make([]arrow.Array, 0, len(t.columns))
	defer func() {
		for _, a := range out {
			a.Release()
		}
	}()
	for i := range t.columns {
		arr, err := t.columns[i].apply(rec.Column(i))
		if err != nil {
			return nil, err
		}
		out = append(out, arr)
	}
	return array.NewRecordBatch(t.schema, out, rec.NumRows()), nil
}

// apply returns an array that the caller releases.
func (c *conversion) apply(in arrow.Array) (arrow.Array, error) {
	var out arrow.Array
	if c.convert == nil || c.pass != nil && in.Len() > 0 && c.pass(in) {
		out = c.renamed(in)
	} else {
		b := array.NewBuilder(memory.DefaultAllocator, c.to)
		defer b.Release()
		b.Reserve(in.Len())
		if row, bad := c.convert(in, b); bad != nil {
			return nil, &ValueError{Column: c.name, Row: row, What: bad.what, Fix: bad.fix}
		}
		out = b.NewArray()
	}
	if c.notNull && out.NullN() > 0 {
		defer out.Release()
		return nil, c.nullError(in, out)
	}
	return out, nil
}

// renamed returns an array whose values stay, under the target's Arrow type: equal
// storage may have another name, as an instant in UTC that loses its zone.
func (c *conversion) renamed(in arrow.Array) arrow.Array {
	if arrow.TypeEqual(c.from, c.to) {
		in.Retain()
		return in
	}
	d := in.Data()
	data := array.NewData(c.to, d.Len(), d.Buffers(), d.Children(), d.NullN(), d.Offset())
	defer data.Release()
	return array.MakeFromData(data)
}

func (c *conversion) nullError(in, out arrow.Array) error {
	for i := range out.Len() {
		if !out.IsNull(i) {
			continue
		}
		e := &ValueError{Column: c.name, Row: i, What: "is NULL, and the target column is NOT NULL",
			Fix: "Make the target column nullable, or correct the row in the source."}
		switch {
		case in.IsValid(i) && c.empty:
			e.What = "is an empty string, which empty_string = \"null\" turns into NULL, and the target column is NOT NULL"
			e.Fix = "Make the target column nullable, give the row a value in the source, or set empty_string = \"keep\" in the spec's types block."
		case in.IsValid(i):
			e.What = "does not fit, the policy turns it into NULL, and the target column is NOT NULL"
			e.Fix = "Make the target column nullable, or set the policy to \"fail\" or \"clamp\" and correct the row in the source."
		}
		return e
	}
	return fmt.Errorf("transform column %s: NULLs counted, none found", c.name)
}

// cells makes a loop of a function on one value.
func cells[S, D any](f func(S) (D, *fault)) loop {
	return func(in arrow.Array, out array.Builder) (int, *fault) {
		from, to := in.(interface{ Value(int) S }), out.(interface{ Append(D) })
		for i := range in.Len() {
			if in.IsNull(i) {
				out.AppendNull()
				continue
			}
			v, bad := f(from.Value(i))
			switch {
			case bad == nil:
				to.Append(v)
			case bad.null:
				out.AppendNull()
			default:
				return i, bad
			}
		}
		return 0, nil
	}
}
