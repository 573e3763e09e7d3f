package batch

import "github.com/dmoctl/dmoctl/internal/catalog"

// Arguments of the spec's types block, as Concerns names them.
const (
	InvalidDate = "invalid_date"
	Overflow    = "overflow"
	NUL         = "nul"
	EmptyString = "empty_string"
	Blank       = "blank"
	TimeZone    = "time_zone"
	Number      = "number"
)

// Concerns names the non-default policies that decide about values of a
// column that is src on the source and dst on the target. It says what Compile would
// do: for plans, so that a reviewer sees which columns a policy reaches.
func Concerns(src, dst catalog.Column, p catalog.Policies) []string {
	if !src.Copied() || !dst.Copied() {
		return nil
	}
	r, usual := newRules(src, dst, p), catalog.DefaultPolicies()
	var out []string
	add := func(name string, changed, concerned bool) {
		if changed && concerned {
			out = append(out, name)
		}
	}
	add(InvalidDate, p.InvalidDate != usual.InvalidDate, r.datesMayNotFit())
	add(Overflow, p.Overflow != usual.Overflow, r.mayOverflow())
	add(NUL, p.NUL != usual.NUL, groupOf(dst.Type.Kind) == texts && r.bounds.NoNUL)
	add(EmptyString, p.EmptyString != usual.EmptyString, r.empty)
	add(Blank, p.Blank != usual.Blank, r.trim)
	add(
		TimeZone,
		p.TimeZone != usual.TimeZone,
		src.Type.Kind == catalog.TimestampTZ && groupOf(dst.Type.Kind) == timestamps && dst.Type.Kind != catalog.TimestampTZ,
	)
	to, typed := p.NumberType()
	add(Number, typed, src.Type.Kind == catalog.Number && dst.Type == to)
	return out
}

// datesMayNotFit says whether the target's calendar lacks days that the source has.
func (r rules) datesMayNotFit() bool {
	from, to := groupOf(r.src.Kind), groupOf(r.dst.Kind)
	if from != dates && from != timestamps || to != dates && to != timestamps {
		return false
	}
	return !r.everyDay() || r.dst.Kind == catalog.Timestamp9 && r.src.Kind != catalog.Timestamp9
}

// mayOverflow says whether the target's type lacks values that the source's has.
func (r rules) mayOverflow() bool {
	from, to := groupOf(r.src.Kind), groupOf(r.dst.Kind)
	limited := r.dst.Length > 0
	switch {
	case to == texts && from == texts:
		return r.limit() > 0
	case to == texts:
		return limited
	case to == binaries:
		return limited && (from != binaries || r.src.Length == 0 || r.src.Length > r.dst.Length)
	case to == uuids:
		return from != uuids
	case from == times || from == timestamps:
		return r.dst.Precision < r.src.Precision
	case from == floats:
		return r.bounds.NoNaN || r.bounds.NoInfinity || r.src.Kind == catalog.Float64 && r.dst.Kind == catalog.Float32
	case from == numbers && to == numbers:
		return r.bounds.NoNaN || r.bounds.NoInfinity || r.bounds.Digits > 0
	case from == numbers:
		return true
	}
	return r.exactMayOverflow(to)
}

// exactMayOverflow is mayOverflow for integers and decimals.
func (r rules) exactMayOverflow(to group) bool {
	have := digitsOf(r.src)
	if have == 0 || r.src == r.dst {
		return false
	}
	switch to {
	case decimals:
		return r.src.Scale > r.dst.Scale || have-r.src.Scale > r.dst.Precision-r.dst.Scale
	case numbers:
		return r.bounds.Digits > 0 && have > int(r.bounds.Digits)
	case integers:
		return r.src.Scale > 0 || have >= digitsOf(r.dst)
	}
	return false
}

// digitsOf is how many decimal digits the largest value of an exact type has, or 0.
func digitsOf(t catalog.Type) int {
	switch t.Kind {
	case catalog.Int16:
		return 5
	case catalog.Int32:
		return 10
	case catalog.Int64:
		return 19
	case catalog.Decimal:
		return t.Precision
	}
	return 0
}
