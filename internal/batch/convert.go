package batch

import (
	"fmt"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// rules are what a conversion's choice depends on.
type rules struct {
	src, dst catalog.Type
	bounds   catalog.Bounds
	policies catalog.Policies
	trim     bool // blank = "abap" concerns the column
	empty    bool // empty_string = "null" concerns the column
}

func newRules(src, dst catalog.Column, p catalog.Policies) rules {
	r := rules{src: src.Type, dst: dst.Type, bounds: dst.Bounds, policies: p}
	texty := groupOf(src.Type.Kind) == texts && groupOf(dst.Type.Kind) == texts
	r.trim = texty && p.TrimsBlanks(src)
	// Where blanks are trimmed, '' is what ABAP means by an empty field, and stays.
	r.empty = texty && p.EmptyString == catalog.Null && !r.trim
	if src.Loose {
		r.src.Length = 0 // the source has not kept it
	}
	if dst.Loose {
		r.dst.Length = 0 // the target does not keep it
	}
	return r
}

// newConversion chooses what happens to one column.
func newConversion(src, dst catalog.Column, p catalog.Policies) (conversion, error) {
	to, err := DataType(dst.Type)
	if err != nil {
		return conversion{}, err
	}
	from, err := DataType(src.Type)
	if err != nil {
		return conversion{}, err
	}
	r := newRules(src, dst, p)
	c := conversion{name: dst.Name, notNull: !dst.Nullable && r.mayBeNull(src.Nullable), to: to, from: from, empty: r.empty}
	convert, pass, ok := r.choose()
	if !ok {
		return c, fmt.Errorf("%s cannot be converted to %s", src.Type, dst.Type)
	}
	if convert == nil && from.ID() != to.ID() {
		return c, fmt.Errorf("%s cannot be converted to %s", src.Type, dst.Type)
	}
	c.convert, c.pass = convert, pass
	return c, nil
}

// mayBeNull says whether a column's converted values may be NULL.
func (r rules) mayBeNull(nullable bool) bool {
	return nullable || r.empty || r.policies.InvalidDate == catalog.Null || r.policies.Overflow == catalog.Null
}

// group is a set of kinds that convert alike.
type group int

const (
	other group = iota
	boolean
	integers
	floats
	decimals
	numbers
	texts
	binaries
	dates
	times
	timestamps
	uuids
)

func groupOf(k catalog.Kind) group {
	switch k {
	case catalog.Bool:
		return boolean
	case catalog.Int16, catalog.Int32, catalog.Int64:
		return integers
	case catalog.Float32, catalog.Float64:
		return floats
	case catalog.Decimal:
		return decimals
	case catalog.Number:
		return numbers
	case catalog.String, catalog.Char, catalog.Text, catalog.JSON:
		return texts
	case catalog.Binary, catalog.Blob:
		return binaries
	case catalog.Date:
		return dates
	case catalog.Time:
		return times
	case catalog.Timestamp, catalog.TimestampTZ, catalog.Timestamp9:
		return timestamps
	case catalog.UUID:
		return uuids
	}
	return other
}

// choose returns the loop of a column, nil where values stay, and when an array
// may skip it. ok is false where the types never convert.
func (r rules) choose() (convert loop, pass passFunc, ok bool) {
	from, to := groupOf(r.src.Kind), groupOf(r.dst.Kind)
	if to == texts && from != texts {
		return r.formatted()
	}
	switch from {
	case integers:
		return r.fromIntegers(to)
	case floats:
		return r.fromFloats(to)
	case decimals:
		return r.fromDecimals(to)
	case numbers:
		return r.fromNumbers(to)
	case texts:
		return r.fromTexts(to)
	case binaries, uuids:
		return r.fromBinaries(to)
	case dates:
		return r.fromDates(to)
	case times:
		return r.fromTimes(to)
	case timestamps:
		return r.fromTimestamps(to)
	case boolean:
		return r.fromBooleans(to)
	}
	return nil, nil, r.src.Kind == catalog.Native && r.src == r.dst
}

// overflow is the fault of a value that is too large, too long or too precise.
func (r rules) overflow(format string, args ...any) *fault {
	if r.policies.Overflow == catalog.Null {
		return &fault{null: true}
	}
	return &fault{what: fmt.Sprintf(format, args...) + fmt.Sprintf("; the target column is %s", r.dst),
		fix: "Widen the target column, correct the row in the source, or set overflow in the spec's types block."}
}

// excerpt quotes a bounded prefix of a value.
func excerpt[T string | []byte](v T) string {
	const most = 32
	if len(v) <= most {
		return fmt.Sprintf("%q", v)
	}
	return fmt.Sprintf("%q and %d more bytes", v[:most], len(v)-most)
}
