package engine

import (
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

func (c *compiler) unary(x *store.Unary) (expr, error) {
	if x.Op == "NOT" {
		return expr{}, ora.At(x.Pos, 936, "missing expression")
	}
	in, err := c.expr(x.X)
	if err != nil || x.Op == "+" {
		return in, err
	}
	if !in.typ.numeric() && !in.typ.text() && in.typ.Kind != Null {
		return expr{}, inconsistent(number(), in.typ)
	}
	return expr{typ: number(), eval: func(e *env) ([]byte, error) {
		v, err := in.eval(e)
		if err != nil || v == nil {
			return nil, err
		}
		d, err := c.s.toNumber(in.typ, v)
		if err != nil {
			return nil, err
		}
		return d.Negate().Encode()
	}}, nil
}

func (c *compiler) binary(x *store.Binary) (expr, error) {
	switch x.Op {
	case "AND", "OR", "=", "<>", "<", ">", "<=", ">=":
		return expr{}, ora.At(x.Pos, 923, "FROM keyword not found where expected")
	}
	l, err := c.expr(x.L)
	if err != nil {
		return expr{}, err
	}
	r, err := c.expr(x.R)
	if err != nil {
		return expr{}, err
	}
	if x.Op == "||" {
		return c.concat(l, r)
	}
	lt, rt := l.typ, r.typ
	switch {
	case lt.datetime() || rt.datetime() || lt.Kind == IntervalDS || rt.Kind == IntervalDS || lt.Kind == IntervalYM || rt.Kind == IntervalYM:
		return c.dateArithmetic(x.Op, l, r)
	case (lt.numeric() || lt.text() || lt.Kind == Null) && (rt.numeric() || rt.text() || rt.Kind == Null):
	default:
		return expr{}, inconsistent(number(), map[bool]Type{true: rt, false: lt}[lt.numeric()])
	}
	return expr{typ: number(), eval: func(e *env) ([]byte, error) {
		a, b, ok, err := c.s.numbers(l, r, e)
		if err != nil || !ok {
			return nil, err
		}
		switch x.Op {
		case "+":
			a = value.Add(a, b)
		case "-":
			a = value.Add(a, b.Negate())
		case "*":
			a = value.Mul(a, b)
		default:
			if a, err = value.Div(a, b); err != nil {
				return nil, err
			}
		}
		return a.Encode()
	}}, nil
}

func (s *Session) numbers(l, r expr, e *env) (a, b value.Dec, ok bool, err error) {
	lv, err := l.eval(e)
	if err != nil {
		return a, b, false, err
	}
	rv, err := r.eval(e)
	if err != nil || lv == nil || rv == nil {
		return a, b, false, err
	}
	if a, err = s.toNumber(l.typ, lv); err != nil {
		return a, b, false, err
	}
	b, err = s.toNumber(r.typ, rv)
	return a, b, true, err
}

func (c *compiler) concat(l, r expr) (expr, error) {
	typ := varchar(min(l.typ.displaySize()+r.typ.displaySize(), c.db().maxText()))
	switch {
	case l.typ.long() || r.typ.long():
		return expr{}, ora.Errorf(997, "illegal use of LONG datatype")
	case l.typ.Kind == Blob || r.typ.Kind == Blob || l.typ.Kind >= XML || r.typ.Kind >= XML:
		return expr{}, inconsistent(varchar(1), l.typ)
	case l.typ.lob() || r.typ.lob():
		typ = Type{Kind: Clob}
	case l.typ.national() || r.typ.national():
		typ.Kind = NVarchar
	}
	cs := typ.charset(c.db().Charset)
	return expr{typ: typ, eval: func(e *env) ([]byte, error) {
		a, err := l.eval(e)
		if err != nil {
			return nil, err
		}
		b, err := r.eval(e)
		if err != nil {
			return nil, err
		}
		at, err := c.s.toText(l.typ, a)
		if err != nil {
			return nil, err
		}
		bt, err := c.s.toText(r.typ, b)
		if err != nil || at+bt == "" {
			return nil, err
		}
		out := cs.Encode(at + bt)
		if typ.Kind != Clob && len(out) > c.db().maxText() {
			return nil, ora.Errorf(1489, "result of string concatenation is too long")
		}
		return out, nil
	}}, nil
}

// displaySize is how many bytes a value has at most as text.
func (t Type) displaySize() int {
	switch {
	case t.text():
		return t.Length
	case t.Kind == Raw:
		return 2 * t.Length
	case t.Kind == Number:
		return 40
	case t.datetime() || t.Kind == IntervalDS || t.Kind == IntervalYM:
		return 75
	}
	return 40
}

func (c *compiler) dateArithmetic(op string, l, r expr) (expr, error) {
	lt, rt := l.typ, r.typ
	bad := inconsistent(lt, rt)
	var typ Type
	switch {
	case lt.Kind == Date && rt.Kind == Date && op == "-":
		typ = number()
	case lt.datetime() && rt.datetime() && op == "-":
		typ = Type{Kind: IntervalDS, Precision: 9, Scale: 9}
	case lt.datetime() && (rt.numeric() || rt.text()):
		typ = Type{Kind: Date}
	case lt.datetime() && (rt.Kind == IntervalDS || rt.Kind == IntervalYM):
		typ = lt
	case op == "+" && rt.datetime() && !lt.datetime():
		return c.dateArithmetic(op, r, l)
	default:
		return expr{}, bad
	}
	if op != "+" && op != "-" {
		return expr{}, bad
	}
	return expr{typ: typ, eval: func(e *env) ([]byte, error) {
		a, err := l.eval(e)
		if err != nil {
			return nil, err
		}
		b, err := r.eval(e)
		if err != nil || a == nil || b == nil {
			return nil, err
		}
		d, err := c.s.toCivil(lt, a, lt.Kind)
		if err != nil {
			return nil, err
		}
		if rt.datetime() {
			o, err := c.s.toCivil(rt, b, rt.Kind)
			if err != nil {
				return nil, err
			}
			return difference(typ, d, o)
		}
		return c.s.shift(typ, d, typed{rt, b}, op == "-")
	}}, nil
}

// difference is a - b as days or as an interval.
func difference(t Type, a, b value.Civil) ([]byte, error) {
	var err error
	if a, err = a.UTC(); err == nil {
		b, err = b.UTC()
	}
	if err != nil {
		return nil, err
	}
	days, nanos := a.Sub(b)
	if t.Kind == IntervalDS {
		return value.DaySecond{Days: days, Nanos: nanos}.Normal().Encode(), nil
	}
	part, err := value.Div(value.IntDec(nanos/1e9), value.IntDec(86400))
	if err != nil {
		return nil, err
	}
	return value.Add(value.IntDec(int64(days)), part).Encode()
}

// typed is a value with its type.
type typed struct {
	typ Type
	v   []byte
}

// shift moves a date by days or an interval.
func (s *Session) shift(t Type, d value.Civil, by typed, back bool) ([]byte, error) {
	days, nanos, months := 0, int64(0), 0
	switch by.typ.Kind {
	case IntervalYM:
		m, err := value.DecodeYM(by.v)
		if err != nil {
			return nil, err
		}
		months = m
	case IntervalDS:
		i, err := value.DecodeDS(by.v)
		if err != nil {
			return nil, err
		}
		days, nanos = i.Days, i.Nanos
	default:
		n, err := s.toNumber(by.typ, by.v)
		if err != nil {
			return nil, err
		}
		whole := n.Trunc(0)
		w, ok := whole.Int64()
		if !ok || w > 1<<24 || w < -1<<24 {
			return nil, ora.Errorf(1841, "(full) year must be between -4713 and +9999, and not be 0")
		}
		seconds, _ := value.Mul(value.Add(n, whole.Negate()), value.IntDec(86400)).Round(0).Int64()
		days, nanos = int(w), seconds*1e9
	}
	if back {
		days, nanos, months = -days, -nanos, -months
	}
	if months != 0 {
		d = addMonths(d, months)
		if err := d.Check(); err != nil {
			return nil, err
		}
	}
	d, err := d.AddDays(days, nanos)
	if err != nil {
		return nil, err
	}
	switch t.Kind {
	case Date:
		return d.Date(), nil
	case TimestampTZ:
		return d.TimestampTZ()
	case TimestampLTZ:
		if d, err = d.UTC(); err != nil {
			return nil, err
		}
	}
	return d.Timestamp(), nil
}

// addMonths keeps the day, which may then not exist.
func addMonths(d value.Civil, months int) value.Civil {
	year := d.Year
	if year < 0 {
		year++
	}
	n := year*12 + d.Month - 1 + months
	year = n / 12
	if n%12 < 0 {
		year--
	}
	d.Month = n - year*12 + 1
	if year <= 0 {
		year--
	}
	d.Year = year
	return d
}
