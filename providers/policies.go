package providers

import (
	"fmt"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// Numbers returns the type in which a column of another engine travels to this target
// under the policy number, and what is lost by it, for Mapping.Losses; a zero Loss is
// nothing. Types other than Number, and all types under "exact", come back as they are.
func (o MapOptions) Numbers(c catalog.Column) (catalog.Type, Loss) {
	to, ok := o.Policies.NumberType()
	if c.Type.Kind != catalog.Number || !ok {
		return c.Type, Loss{}
	}
	if to.Kind == catalog.Float64 {
		return to, Loss{Column: c.Name,
			What: "Its numbers become 64-bit floats, about 16 digits, because of number = \"double\": other digits are lost.",
			Fix:  "To keep every digit, set number = \"exact\" or a decimal in the spec's types block."}
	}
	return to, Loss{}
}

// WithoutZone returns the civil type in UTC that an instant becomes on a target whose
// types have no zone, with the digits that it has on the source. It is false under
// time_zone = "fail"; note then belongs into Mapping.Refusals, else into Mapping.Losses.
func (o MapOptions) WithoutZone(c catalog.Column) (to catalog.Type, note Loss, ok bool) {
	if o.Policies.TimeZone != catalog.UTC {
		return c.Type, Loss{Column: c.Name, What: fmt.Sprintf("The target has no type for %s: it keeps no time zone.", c.Type),
			Fix: "To store its instants as civil time in UTC, set time_zone = \"utc\" in the spec's types block; or exclude the table."}, false
	}
	return catalog.Type{Kind: catalog.Timestamp, Precision: c.Type.Precision}, Loss{Column: c.Name,
		What: "Its instants become civil time in UTC, because of time_zone = \"utc\": the zone is not stored."}, true
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
