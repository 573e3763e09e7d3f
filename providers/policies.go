package providers

import (
	"fmt"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// Numbers returns the type in which a column of another engine travels to this target
// under the policy number, and what is lost by it, for Mapping.Conversions; a zero Conversion is
// nothing. Types other than Number, and all types under "exact", come back as they are.
func (o MapOptions) Numbers(c catalog.Column) (catalog.Type, Conversion) {
	to, ok := o.Policies.NumberType()
	if c.Type.Kind != catalog.Number || !ok {
		return c.Type, Conversion{}
	}
	if to.Kind == catalog.Float64 {
		return to, Conversion{Column: c.Name,
			What: "Its numbers become 64-bit floats with about 16 digits, because of number = \"double\": further digits are lost.",
			Fix:  "To keep every digit, set number = \"exact\" or a decimal in the spec's types block."}
	}
	return to, Conversion{}
}

// WithoutZone returns the civil type in UTC that an instant becomes on a target whose
// types have no zone, with the digits that it has on the source. It is false under
// time_zone = "fail"; note then belongs into Mapping.Refusals, else into Mapping.Conversions.
func (o MapOptions) WithoutZone(c catalog.Column) (to catalog.Type, note Conversion, ok bool) {
	if o.Policies.TimeZone != catalog.UTC {
		return c.Type, Conversion{Column: c.Name, What: fmt.Sprintf("The target has no type for %s: it does not store time zones.", c.Type),
			Fix: "To store its values as civil time in UTC, set time_zone = \"utc\" in the spec's types block; or exclude the table."}, false
	}
	return catalog.Type{Kind: catalog.Timestamp, Precision: c.Type.Precision}, Conversion{Column: c.Name,
		What: "Its values become civil time in UTC, because of time_zone = \"utc\": the zone is not stored."}, true
}

// EmptyDefault returns the column with an empty string for its default where blank =
// "abap" trims the column: rows that the application inserts later then look like those
// that travelled.
func (o MapOptions) EmptyDefault(c catalog.Column) catalog.Column {
	if o.Policies.TrimsBlanks(c) {
		c.Default = "''"
	}
	return c
}
