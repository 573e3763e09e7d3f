package engine

import (
	"bytes"
	"math"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

func truth(b bool) tri {
	if b {
		return yes
	}
	return no
}

func (t tri) not() tri {
	switch t {
	case yes:
		return no
	case no:
		return yes
	}
	return unknown
}

// cond compiles a condition.
func (c *compiler) cond(x store.Expr) (cond, error) {
	switch x := x.(type) {
	case *store.Unary:
		if x.Op == "NOT" {
			in, err := c.cond(x.X)
			return func(e *env) (tri, error) {
				t, err := in(e)
				return t.not(), err
			}, err
		}
	case *store.Binary:
		switch x.Op {
		case "AND", "OR":
			return c.logic(x)
		case "=", "<>", "<", ">", "<=", ">=":
			return c.comparison(x)
		}
	case *store.Between:
		and := &store.Binary{Op: "AND", L: &store.Binary{Op: ">=", L: x.X, R: x.Low, Pos: x.Pos},
			R: &store.Binary{Op: "<=", L: x.X, R: x.High, Pos: x.Pos}, Pos: x.Pos}
		return c.negated(and, x.Not)
	case *store.IsNull:
		in, err := c.expr(x.X)
		if err != nil {
			return nil, err
		}
		return func(e *env) (tri, error) {
			v, err := in.eval(e)
			return truth((v == nil) != x.Not), err
		}, nil
	case *store.IsKind:
		return c.isKind(x)
	case *store.In:
		return c.in(x)
	case *store.Like:
		return c.like(x)
	case *store.Exists:
		return c.exists(x)
	}
	return nil, ora.Errorf(920, "invalid relational operator")
}

func (c *compiler) negated(x store.Expr, not bool) (cond, error) {
	in, err := c.cond(x)
	if err != nil || !not {
		return in, err
	}
	return func(e *env) (tri, error) {
		t, err := in(e)
		return t.not(), err
	}, nil
}

func (c *compiler) logic(x *store.Binary) (cond, error) {
	l, err := c.cond(x.L)
	if err != nil {
		return nil, err
	}
	r, err := c.cond(x.R)
	if err != nil {
		return nil, err
	}
	decides := no
	if x.Op == "OR" {
		decides = yes
	}
	return func(e *env) (tri, error) {
		a, err := l(e)
		if err != nil || a == decides {
			return a, err
		}
		b, err := r(e)
		if err != nil || b == decides || a != unknown {
			return b, err
		}
		return unknown, nil
	}, nil
}

func (c *compiler) comparison(x *store.Binary) (cond, error) {
	if lt, ok := x.L.(*store.Tuple); ok {
		return c.tupleComparison(x, lt)
	}
	l, err := c.expr(x.L)
	if err != nil {
		return nil, err
	}
	r, err := c.expr(x.R)
	if err != nil {
		return nil, err
	}
	compare, err := c.s.comparer(l.typ, r.typ)
	if err != nil {
		return nil, err
	}
	op := x.Op
	return func(e *env) (tri, error) {
		a, err := l.eval(e)
		if err != nil || a == nil {
			return unknown, err
		}
		b, err := r.eval(e)
		if err != nil || b == nil {
			return unknown, err
		}
		n, err := compare(a, b)
		return truth(holds(op, n)), err
	}, nil
}

func holds(op string, n int) bool {
	switch op {
	case "=":
		return n == 0
	case "<>":
		return n != 0
	case "<":
		return n < 0
	case "<=":
		return n <= 0
	case ">":
		return n > 0
	}
	return n >= 0
}

func (c *compiler) tupleComparison(x *store.Binary, l *store.Tuple) (cond, error) {
	r, ok := x.R.(*store.Tuple)
	if !ok || len(r.Items) != len(l.Items) || x.Op != "=" && x.Op != "<>" {
		return nil, ora.At(x.Pos, 920, "invalid relational operator")
	}
	var all store.Expr
	for i := range l.Items {
		eq := &store.Binary{Op: "=", L: l.Items[i], R: r.Items[i], Pos: x.Pos}
		if all == nil {
			all = eq
		} else {
			all = &store.Binary{Op: "AND", L: all, R: eq, Pos: x.Pos}
		}
	}
	return c.negated(all, x.Op == "<>")
}

// comparer gives how values of two types compare, with the implicit conversions of the SQL Language
// Reference ("Data Conversion"): text becomes the other's type. What cannot be compared is ORA-00932.
func (s *Session) comparer(a, b Type) (func(x, y []byte) (int, error), error) {
	switch {
	case a.Kind == Null || b.Kind == Null:
		return func(x, y []byte) (int, error) { return 0, nil }, nil
	case a.long() || b.long():
		return nil, ora.Errorf(997, "illegal use of LONG datatype")
	case a.lob() || b.lob() || a.Kind >= XML && a.Kind != RowID || b.Kind >= XML:
		return nil, inconsistent(Type{Kind: Varchar}, map[bool]Type{true: a, false: b}[a.lob() || a.Kind >= XML])
	case a.Kind == Number && b.Kind == Number, a.Kind == Raw && b.Kind == Raw,
		a.Kind == IntervalYM && b.Kind == IntervalYM, a.Kind == IntervalDS && b.Kind == IntervalDS,
		a.Kind == b.Kind && (a.Kind == BinaryFloat || a.Kind == BinaryDouble),
		(a.Kind == RowID || a.Kind == URowID) && (b.Kind == RowID || b.Kind == URowID):
		return func(x, y []byte) (int, error) { return bytes.Compare(x, y), nil }, nil
	case a.text() && b.text():
		return s.textComparer(a, b), nil
	case a.numeric() && (b.numeric() || b.text()), a.text() && b.numeric():
		return func(x, y []byte) (int, error) {
			m, err := s.toNumber(a, x)
			if err != nil {
				return 0, err
			}
			n, err := s.toNumber(b, y)
			return value.Compare(m, n), err
		}, nil
	case a.datetime() && b.datetime():
		return s.dateComparer(a, b), nil
	}
	return s.convertingComparer(a, b)
}

// convertingComparer compares text with what it is converted to.
func (s *Session) convertingComparer(a, b Type) (func(x, y []byte) (int, error), error) {
	other, first := a, false
	if a.text() {
		other, first = b, true
	} else if !b.text() {
		return nil, inconsistent(a, b)
	}
	switch {
	case other.datetime(), other.Kind == RowID, other.Kind == URowID, other.Kind == Raw, other.Kind == IntervalDS, other.Kind == IntervalYM:
	default:
		return nil, inconsistent(a, b)
	}
	same, err := s.comparer(other, other)
	if err != nil {
		return nil, err
	}
	return func(x, y []byte) (int, error) {
		if first {
			x, err = s.assignLoose(other, a, x)
		} else {
			y, err = s.assignLoose(other, b, y)
		}
		if err != nil {
			return 0, err
		}
		return same(x, y)
	}, nil
}

func (s *Session) textComparer(a, b Type) func(x, y []byte) (int, error) {
	// Blank-padded where both are CHAR (SQL Language Reference, "Data Type Comparison Rules").
	padded := (a.Kind == Char || a.Kind == NChar) && (b.Kind == Char || b.Kind == NChar)
	mixed := a.national() != b.national()
	blank := a.charset(s.db.Charset).Encode(" ")
	if mixed {
		blank = value.UTF16.Encode(" ")
	}
	return func(x, y []byte) (int, error) {
		if mixed && a.national() {
			y = value.UTF16.Encode(s.text(b, y))
		} else if mixed {
			x = value.UTF16.Encode(s.text(a, x))
		}
		if padded {
			x, y = trimBlank(x, blank), trimBlank(y, blank)
		}
		return bytes.Compare(x, y), nil
	}
}

func trimBlank(b, blank []byte) []byte {
	for bytes.HasSuffix(b, blank) {
		b = b[:len(b)-len(blank)]
	}
	return b
}

func (s *Session) dateComparer(a, b Type) func(x, y []byte) (int, error) {
	zoned := func(t Type) bool { return t.Kind == TimestampTZ || t.Kind == TimestampLTZ }
	convert := zoned(a) != zoned(b)
	return func(x, y []byte) (int, error) {
		if convert {
			var err error
			tz := Type{Kind: TimestampTZ, Scale: 9}
			if !zoned(a) {
				x, err = s.assign(tz, a, x)
			} else {
				y, err = s.assign(tz, b, y)
			}
			if err != nil {
				return 0, err
			}
		}
		if n := bytes.Compare(x[:7], y[:7]); n != 0 {
			return n, nil
		}
		return bytes.Compare(nanos(x), nanos(y)), nil
	}
}

func nanos(b []byte) []byte {
	if len(b) < 11 {
		return []byte{0, 0, 0, 0}
	}
	return b[7:11]
}

func (c *compiler) isKind(x *store.IsKind) (cond, error) {
	in, err := c.expr(x.X)
	if err != nil {
		return nil, err
	}
	var test func(float64) bool
	switch x.Word {
	case "NAN":
		test = math.IsNaN
	case "INFINITE":
		test = func(f float64) bool { return math.IsInf(f, 0) }
	default:
		return nil, ora.At(x.Pos, 908, "missing NULL keyword")
	}
	if !in.typ.numeric() {
		return nil, inconsistent(number(), in.typ)
	}
	return func(e *env) (tri, error) {
		v, err := in.eval(e)
		if err != nil || v == nil {
			return unknown, err
		}
		if in.typ.Kind == Number {
			return truth(x.Not), nil
		}
		f, err := value.DecodeFloat(v)
		return truth(test(f) != x.Not), err
	}, nil
}

func (c *compiler) like(x *store.Like) (cond, error) {
	in, err := c.expr(x.X)
	if err != nil {
		return nil, err
	}
	pattern, err := c.expr(x.Pattern)
	if err != nil {
		return nil, err
	}
	escape := constant(Type{Kind: Null}, nil)
	if x.Escape != nil {
		if escape, err = c.expr(x.Escape); err != nil {
			return nil, err
		}
	}
	return func(e *env) (tri, error) {
		var parts [3]string
		for i, p := range []expr{in, pattern, escape} {
			v, err := p.eval(e)
			if err != nil || v == nil && i < 2 {
				return unknown, err
			}
			if parts[i], err = c.s.toText(p.typ, v); err != nil {
				return unknown, err
			}
		}
		ok, err := likeMatch([]rune(parts[0]), []rune(parts[1]), []rune(parts[2]))
		return truth(ok != x.Not), err
	}, nil
}

func likeMatch(s, p, escape []rune) (bool, error) {
	for len(p) > 0 {
		if len(escape) == 1 && p[0] == escape[0] {
			if len(p) < 2 || p[1] != '%' && p[1] != '_' && p[1] != escape[0] {
				return false, ora.Errorf(1424, "missing or illegal character following the escape character")
			}
			if len(s) == 0 || s[0] != p[1] {
				return false, nil
			}
			s, p = s[1:], p[2:]
			continue
		}
		switch p[0] {
		case '%':
			for i := 0; i <= len(s); i++ {
				if ok, err := likeMatch(s[i:], p[1:], escape); ok || err != nil {
					return ok, err
				}
			}
			return false, nil
		case '_':
			if len(s) == 0 {
				return false, nil
			}
		default:
			if len(s) == 0 || s[0] != p[0] {
				return false, nil
			}
		}
		s, p = s[1:], p[1:]
	}
	return len(s) == 0, nil
}
