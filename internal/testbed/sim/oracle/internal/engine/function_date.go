package engine

import (
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
)

func dateFunctions() map[string]*function {
	date := Type{Kind: Date}
	stamp := Type{Kind: Timestamp, Scale: 9}
	zoned := Type{Kind: TimestampTZ, Scale: 9}
	return map[string]*function{
		"TO_DATE":         {min: 1, max: 3, check: noLob, typ: fixedType(date), eval: parsing(date)},
		"TO_TIMESTAMP":    {min: 1, max: 3, check: noLob, typ: fixedType(stamp), eval: parsing(stamp)},
		"TO_TIMESTAMP_TZ": {min: 1, max: 3, check: noLob, typ: fixedType(zoned), eval: parsing(zoned)},
		"TO_CHAR":         {min: 1, max: 3, typ: toCharType, eval: toChar},
		"SYS_EXTRACT_UTC": {min: 1, max: 1, check: onlyZoned, typ: func(a []Type) Type { return Type{Kind: Timestamp, Scale: a[0].Scale} }, eval: extractUTC},
		"ADD_MONTHS": {min: 2, max: 2, check: noLob, typ: fixedType(date), eval: func(r *run, a []typed) ([]byte, error) {
			d, err := r.s.toCivil(a[0].typ, a[0].v, Date)
			if err != nil {
				return nil, err
			}
			n, err := r.int(a[1])
			if err != nil {
				return nil, err
			}
			last := d.Day == value.DaysIn(d.Year, d.Month)
			out := addMonths(d, n)
			if days := value.DaysIn(out.Year, out.Month); last || out.Day > days {
				out.Day = days
			}
			return out.Date(), out.Check()
		}},
		"LAST_DAY": {min: 1, max: 1, check: noLob, typ: fixedType(date), eval: func(r *run, a []typed) ([]byte, error) {
			d, err := r.s.toCivil(a[0].typ, a[0].v, Date)
			d.Day = value.DaysIn(d.Year, d.Month)
			return d.Date(), err
		}},
		"FROM_TZ": {min: 2, max: 2, check: noLob, typ: fixedType(zoned), eval: func(r *run, a []typed) ([]byte, error) {
			d, err := r.s.toCivil(a[0].typ, a[0].v, Timestamp)
			if err != nil {
				return nil, err
			}
			s, err := r.str(a[1])
			if err != nil {
				return nil, err
			}
			if d.Offset, err = value.ParseOffset(s); err != nil {
				return nil, err
			}
			return d.TimestampTZ()
		}},
		"NUMTODSINTERVAL": {min: 2, max: 2, check: noLob, typ: fixedType(Type{Kind: IntervalDS, Precision: 9, Scale: 9}), eval: numToInterval},
		"NUMTOYMINTERVAL": {min: 2, max: 2, check: noLob, typ: fixedType(Type{Kind: IntervalYM, Precision: 9}), eval: func(r *run, a []typed) ([]byte, error) {
			n, err := r.int(a[0])
			if err != nil {
				return nil, err
			}
			unit, err := r.str(a[1])
			if unit == "YEAR" {
				n *= 12
			}
			return value.IntervalYM(n), err
		}},
		"TO_YMINTERVAL": {min: 1, max: 1, check: noLob, typ: fixedType(Type{Kind: IntervalYM, Precision: 9}), eval: func(r *run, a []typed) ([]byte, error) {
			return r.s.assign(Type{Kind: IntervalYM, Precision: 9}, a[0].typ, a[0].v)
		}},
		"TO_DSINTERVAL": {min: 1, max: 1, check: noLob, typ: fixedType(Type{Kind: IntervalDS, Precision: 9, Scale: 9}), eval: func(r *run, a []typed) ([]byte, error) {
			return r.s.assign(Type{Kind: IntervalDS, Precision: 9, Scale: 9}, a[0].typ, a[0].v)
		}},
		"TRUNC": {min: 1, max: 2, check: noLob, typ: roundType, eval: rounding(value.Dec.Trunc, false)},
		"ROUND": {min: 1, max: 2, check: noLob, typ: roundType, eval: rounding(value.Dec.Round, true)},
	}
}

func roundType(a []Type) Type {
	if a[0].datetime() {
		return Type{Kind: Date}
	}
	return number()
}

// rounding is TRUNC and ROUND: of numbers to decimals, of dates to the day or, truncated, to MM and YYYY.
func rounding(f func(value.Dec, int) value.Dec, up bool) func(r *run, a []typed) ([]byte, error) {
	return func(r *run, a []typed) ([]byte, error) {
		if a[0].typ.datetime() {
			return roundDate(r, a, up)
		}
		d, err := r.dec(a[0])
		if err != nil {
			return nil, err
		}
		n := 0
		if len(a) > 1 {
			if n, err = r.int(a[1]); err != nil {
				return nil, err
			}
		}
		return f(d, n).Encode()
	}
}

func roundDate(r *run, a []typed, up bool) ([]byte, error) {
	d, err := r.s.toCivil(a[0].typ, a[0].v, Date)
	if err != nil {
		return nil, err
	}
	unit := "DD"
	if len(a) > 1 {
		if unit, err = r.str(a[1]); err != nil {
			return nil, err
		}
	}
	day := value.Civil{Year: d.Year, Month: d.Month, Day: d.Day}
	switch unit {
	case "DD", "DDD", "J", "dd":
		if up && d.Hour >= 12 {
			day, err = day.AddDays(1, 0)
		}
	case "MM", "MONTH", "MON", "mm":
		day.Day = 1
	case "YYYY", "YEAR", "YY", "yyyy":
		day.Day, day.Month = 1, 1
	case "HH24", "HH":
		day.Hour = d.Hour
	case "MI":
		day.Hour, day.Minute = d.Hour, d.Minute
	default:
		return nil, ora.Errorf(1898, "too many precision specifiers")
	}
	if up && unit != "DD" && unit != "DDD" && unit != "J" && unit != "dd" {
		return nil, ora.Errorf(3001, "unimplemented feature")
	}
	return day.Date(), err
}

func parsing(t Type) func(r *run, a []typed) ([]byte, error) {
	return func(r *run, a []typed) ([]byte, error) {
		if len(a) == 1 || !a[0].typ.text() && !a[0].typ.numeric() {
			return r.s.assign(t, a[0].typ, a[0].v)
		}
		s, err := r.strs(a[:2])
		if err != nil {
			return nil, err
		}
		c, err := value.ParseDate(s[0], s[1], r.now, r.s.zone)
		if err != nil {
			return nil, err
		}
		switch t.Kind {
		case Date:
			return c.Date(), nil
		case TimestampTZ:
			return c.TimestampTZ()
		}
		return c.Timestamp(), nil
	}
}

func toCharType(a []Type) Type {
	if a[0].text() || a[0].lob() {
		t := longText(a)
		if a[0].lob() {
			t = Type{Kind: Varchar, Length: 4000, Chars: 4000}
		} else {
			t.Length, t.Chars = a[0].Length, a[0].Chars
		}
		return t
	}
	return varchar(75)
}

func toChar(r *run, a []typed) ([]byte, error) {
	t := a[0].typ
	if len(a) == 1 || t.text() || t.lob() {
		s, err := r.str(a[0])
		if err != nil {
			return nil, err
		}
		out, err := r.encode(varchar(1), s)
		if len(out) > r.s.db.maxText() {
			return nil, ora.Errorf(22835, "Buffer too small for CLOB to CHAR or BLOB to RAW conversion (actual: %d, maximum: %d)", len(out), r.s.db.maxText())
		}
		return out, err
	}
	format, err := r.str(a[1])
	if err != nil {
		return nil, err
	}
	if t.datetime() {
		c, err := r.s.toCivil(t, a[0].v, t.Kind)
		if err != nil {
			return nil, err
		}
		s, err := c.Format(format, fraction(t))
		if err != nil {
			return nil, err
		}
		return r.encode(varchar(1), s)
	}
	d, err := r.dec(a[0])
	if err != nil {
		return nil, err
	}
	marks := r.s.nls["NLS_NUMERIC_CHARACTERS"]
	if len(a) > 2 {
		p, err := r.str(a[2])
		if err != nil {
			return nil, err
		}
		marks = numericMarks(p, marks)
	}
	s, err := value.FormatNumber(d, format, marks)
	if err != nil {
		return nil, err
	}
	return r.encode(varchar(1), s)
}

func onlyZoned(a []Type) error {
	if k := a[0].Kind; !a[0].datetime() || k == Date {
		return ora.Errorf(30175, "invalid type given for an argument")
	}
	return nil
}

func extractUTC(r *run, a []typed) ([]byte, error) {
	c, err := r.s.toCivil(a[0].typ, a[0].v, TimestampTZ)
	if err != nil {
		return nil, err
	}
	if c, err = c.UTC(); err != nil {
		return nil, err
	}
	return c.Timestamp(), nil
}

func numToInterval(r *run, a []typed) ([]byte, error) {
	d, err := r.dec(a[0])
	if err != nil {
		return nil, err
	}
	unit, err := r.str(a[1])
	if err != nil {
		return nil, err
	}
	seconds := map[string]int64{"DAY": 86400, "HOUR": 3600, "MINUTE": 60, "SECOND": 1}[unit]
	if seconds == 0 {
		return nil, ora.Errorf(1760, "illegal argument for function")
	}
	n, ok := value.Mul(d, value.IntDec(seconds*1e9)).Round(0).Int64()
	if !ok {
		return nil, ora.Errorf(1873, "the leading precision of the interval is too small")
	}
	return value.DaySecond{Nanos: n}.Normal().Encode(), nil
}
