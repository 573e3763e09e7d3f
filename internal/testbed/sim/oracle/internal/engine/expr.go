package engine

import (
	"context"
	"errors"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// run is one execution of a statement.
type run struct {
	s     *Session
	ctx   context.Context
	at    snapshot
	binds []Bind
	now   time.Time
	cache map[any]any // of subqueries that do not depend on an outer row
	steps int
}

// step is called once a row: it ends a broken call.
func (r *run) step() error {
	if r.steps++; r.steps&0x3FF == 0 {
		return broken(r.ctx)
	}
	return nil
}

// env is what an expression sees: a row of each source, and the rows of the query around it.
type env struct {
	run    *run
	rows   [][][]byte // by source
	parent *env
	groups [][]byte // grouped expressions and aggregates
	rownum int64
}

// tri is a truth value.
type tri uint8

const (
	no tri = iota
	yes
	unknown
)

type evalFunc func(e *env) ([]byte, error)

type cond func(e *env) (tri, error)

// expr is a compiled expression.
type expr struct {
	typ  Type
	eval evalFunc
	uses uint64 // sources of its own query, as bits
}

// Bind is a value of a placeholder. More than one row is an array.
type Bind struct {
	Type Type
	Rows [][]byte
}

// scope is where names are looked up.
type scope struct {
	sources []*source
	parent  *scope
	used    uint64 // sources that were named, by bit
	outer   bool   // a name of a query around it was used
	grouped *grouping
}

// compiler turns a syntax tree into expressions.
type compiler struct {
	s     *Session
	scope *scope
	binds []Bind
	owner *user // of a view whose text is compiled: his rights count; nil is the session
}

func (c *compiler) db() *DB { return c.s.db }

// expr compiles a value.
func (c *compiler) expr(x store.Expr) (expr, error) {
	if g := c.scope.grouped; g != nil {
		if e, ok, err := g.lookup(c, x); ok || err != nil {
			return e, err
		}
	}
	before := c.scope.used
	c.scope.used = 0
	e, err := c.node(x)
	e.uses = c.scope.used
	c.scope.used |= before
	return e, err
}

func (c *compiler) node(x store.Expr) (expr, error) {
	switch x := x.(type) {
	case *literal:
		return c.literal(x), nil
	case *store.Literal:
		return constant(Type{Kind: Null}, nil), nil
	case *store.Placeholder:
		if x.Index >= len(c.binds) {
			return expr{}, ora.At(x.Pos, 1008, "not all variables bound")
		}
		i := x.Index
		return expr{typ: c.binds[i].Type, eval: func(e *env) ([]byte, error) {
			return e.run.binds[i].Rows[0], nil
		}}, nil
	case *store.Ref:
		return c.ref(x)
	case *store.Outer:
		return c.ref(x.X)
	case *store.Unary:
		return c.unary(x)
	case *store.Binary:
		return c.binary(x)
	case *store.Case:
		return c.caseOf(x)
	case *store.Call:
		return c.call(x)
	case *castTo:
		return c.cast(x)
	case *extract:
		return c.extract(x)
	case *store.Subquery:
		return c.scalarQuery(x)
	case *store.Tuple:
		return expr{}, ora.At(x.Pos, 907, "missing right parenthesis")
	}
	return expr{}, ora.Errorf(936, "missing expression")
}

func constant(t Type, v []byte) expr {
	return expr{typ: t, eval: func(*env) ([]byte, error) { return v, nil }}
}

func (c *compiler) literal(l *literal) expr {
	if l.text == "" {
		return constant(l.typ, l.v)
	}
	t := l.typ
	v := t.charset(c.db().Charset).Encode(l.text)
	t.Length, t.Chars = len(v), t.charset(c.db().Charset).Length(v)
	return constant(t, v)
}

// ref compiles a column or a pseudo-column.
func (c *compiler) ref(r *store.Ref) (expr, error) {
	if !r.Quoted && r.Table == "" {
		if e, ok := c.pseudo(r.Column); ok {
			return e, nil
		}
	}
	depth := 0
	for sc := c.scope; sc != nil; sc = sc.parent {
		src, col, err := sc.lookup(r)
		if err != nil {
			return expr{}, err
		}
		if src >= 0 {
			if sc.grouped != nil {
				return expr{}, ora.At(r.Pos, 979, "not a GROUP BY expression")
			}
			if depth == 0 {
				sc.used |= 1 << src
			} else {
				c.markOuter(depth)
			}
			return column1(sc.sources[src].types()[col], depth, src, col), nil
		}
		depth++
	}
	if r.Table != "" {
		if e, ok, err := c.qualified(r); ok || err != nil {
			return e, err
		}
	}
	return expr{}, ora.At(r.Pos, 904, "%s: invalid identifier", refName(r))
}

func (c *compiler) markOuter(depth int) {
	for sc := c.scope; depth > 0; sc, depth = sc.parent, depth-1 {
		sc.outer = true
	}
}

func column1(t Type, depth, src, col int) expr {
	switch depth {
	case 0:
		return expr{typ: t, eval: func(e *env) ([]byte, error) { return e.rows[src][col], nil }}
	}
	return expr{typ: t, eval: func(e *env) ([]byte, error) {
		for range depth {
			e = e.parent
		}
		return e.rows[src][col], nil
	}}
}

func refName(r *store.Ref) string {
	name := ""
	for _, part := range []string{r.Schema, r.Table, r.Column} {
		if part != "" {
			if name != "" {
				name += "."
			}
			name += `"` + part + `"`
		}
	}
	return name
}

// lookup finds a column; src is -1 where there is none, ORA-00918 where there are several.
func (sc *scope) lookup(r *store.Ref) (src, col int, err error) {
	src = -1
	for i, s := range sc.sources {
		if r.Table != "" && (s.alias != r.Table || r.Schema != "" && s.owner != r.Schema) {
			continue
		}
		j := s.find(r)
		if j < 0 {
			continue
		}
		if src >= 0 {
			return 0, 0, ora.At(r.Pos, 918, "column ambiguously defined")
		}
		src, col = i, j
	}
	return src, col, nil
}

// pseudo compiles what stands for a value without a source.
func (c *compiler) pseudo(name string) (expr, bool) {
	text := func(f func(*run) string) (expr, bool) {
		return expr{typ: varchar(128), eval: func(e *env) ([]byte, error) { return []byte(f(e.run)), nil }}, true
	}
	switch name {
	case "SYSDATE", "CURRENT_DATE":
		return expr{typ: Type{Kind: Date}, eval: func(e *env) ([]byte, error) { return civilOf(e.run.now).Date(), nil }}, true
	case "SYSTIMESTAMP", "CURRENT_TIMESTAMP":
		return expr{typ: Type{Kind: TimestampTZ, Scale: 6}, eval: func(e *env) ([]byte, error) {
			local, err := civilOf(e.run.now).In(zoneOf(e, name))
			if err != nil {
				return nil, err
			}
			return local.TimestampTZ()
		}}, true
	case "LOCALTIMESTAMP":
		return expr{typ: Type{Kind: Timestamp, Scale: 6}, eval: func(e *env) ([]byte, error) {
			local, err := civilOf(e.run.now).In(e.run.s.zone)
			return local.Timestamp(), err
		}}, true
	case "USER":
		return text(func(r *run) string { return r.s.user.name })
	case "DBTIMEZONE":
		return text(func(*run) string { return "+00:00" })
	case "SESSIONTIMEZONE":
		return text(func(r *run) string { return value.OffsetText(r.s.zone) })
	case "UID":
		return expr{typ: number(), eval: func(e *env) ([]byte, error) { return value.IntDec(int64(e.run.s.user.id)).Encode() }}, true
	case "ROWNUM":
		return expr{typ: number(), eval: func(e *env) ([]byte, error) { return value.IntDec(e.rownum + 1).Encode() }}, true
	}
	return expr{}, false
}

func zoneOf(e *env, name string) int {
	if name == "CURRENT_TIMESTAMP" {
		return e.run.s.zone
	}
	return 0
}

func civilOf(t time.Time) value.Civil {
	t = t.UTC()
	return value.Civil{Year: t.Year(), Month: int(t.Month()), Day: t.Day(), Hour: t.Hour(), Minute: t.Minute(),
		Second: t.Second(), Nano: t.Nanosecond()}
}

// qualified compiles NEXTVAL and CURRVAL of a sequence, and functions of packages without arguments.
func (c *compiler) qualified(r *store.Ref) (expr, bool, error) {
	if r.Column == "NEXTVAL" || r.Column == "CURRVAL" {
		owner := r.Schema
		if owner == "" {
			owner = c.s.schema
		}
		o := c.db().objects[qname{owner, r.Table}]
		if o == nil || o.seq == nil || !c.s.user.may("SELECT", o) {
			return expr{}, false, ora.At(r.Pos, 2289, "sequence does not exist")
		}
		current := r.Column == "CURRVAL"
		return expr{typ: number(), eval: func(e *env) ([]byte, error) { return e.run.s.sequence(o, current) }}, true, nil
	}
	if f, ok := c.db().functions[r.Table+"."+r.Column]; ok && f.min == 0 {
		if f.grant != "" && !c.s.executes(f.grant) {
			return expr{}, false, nil // ORA-00904, as for a package that is not there
		}
		e, err := c.apply(f, nil)
		return e, true, err
	}
	return expr{}, false, nil
}

func (c *compiler) caseOf(x *store.Case) (expr, error) {
	type branch struct {
		when cond
		then expr
	}
	var list []branch
	var types []Type
	for _, w := range x.When {
		test := w.If
		if x.Operand != nil {
			test = &store.Binary{Op: "=", L: x.Operand, R: w.If, Pos: x.Pos}
		}
		when, err := c.cond(test)
		if err != nil {
			return expr{}, err
		}
		then, err := c.expr(w.Then)
		if err != nil {
			return expr{}, err
		}
		list = append(list, branch{when, then})
		types = append(types, then.typ)
	}
	last := constant(Type{Kind: Null}, nil)
	if x.Else != nil {
		var err error
		if last, err = c.expr(x.Else); err != nil {
			return expr{}, err
		}
	}
	typ, err := common(append(types, last.typ))
	if err != nil {
		return expr{}, err
	}
	return expr{typ: typ, eval: func(e *env) ([]byte, error) {
		for _, b := range list {
			ok, err := b.when(e)
			if err != nil {
				return nil, err
			}
			if ok == yes {
				return c.s.branch(typ, b.then, e)
			}
		}
		return c.s.branch(typ, last, e)
	}}, nil
}

// branch evaluates one of several results in their common type.
func (s *Session) branch(t Type, x expr, e *env) ([]byte, error) {
	v, err := x.eval(e)
	if err != nil || v == nil || x.typ.Kind == t.Kind || t.text() && x.typ.text() && t.national() == x.typ.national() {
		return v, err
	}
	return s.assignLoose(t, x.typ, v)
}

// assignLoose converts without a bound of the length.
func (s *Session) assignLoose(t, from Type, v []byte) ([]byte, error) {
	t.Length, t.Chars, t.HasPrec, t.HasScale = 1<<30, 1<<30, false, false
	switch t.Kind {
	case Char:
		t.Kind = Varchar
	case NChar:
		t.Kind = NVarchar
	}
	return s.assign(t, from, v)
}

// common is the type of a result that has several sources: the first that is not NULL, wide enough.
func common(types []Type) (Type, error) {
	out := Type{Kind: Null}
	for _, t := range types {
		switch {
		case t.Kind == Null:
		case out.Kind == Null:
			out = t
		case out.text() && t.text():
			if t.Kind != out.Kind || t.Length != out.Length {
				out.Kind = map[bool]Kind{true: NVarchar, false: Varchar}[out.national() || t.national()]
			}
			out.Length, out.Chars = max(out.Length, t.Length), max(out.Chars, t.Chars)
		case out.numeric() && t.numeric():
			out = Type{Kind: max(out.Kind, t.Kind)}
		case out.Kind == t.Kind || out.datetime() && t.datetime():
			if t.Kind > out.Kind {
				out = t
			}
		case out.Kind == RowID && t.Kind == URowID:
		default:
			return out, inconsistent(out, t)
		}
	}
	return out, nil
}

func (c *compiler) cast(x *castTo) (expr, error) {
	in, err := c.expr(x.x)
	if err != nil {
		return expr{}, err
	}
	switch {
	case x.call == "XMLTYPE" && in.typ.Kind != XML, x.call == "JSON" && in.typ.Kind != JSON && !in.typ.text() && !in.typ.lob():
		return expr{}, inconsistent(Type{Kind: map[string]Kind{"XMLTYPE": XML, "JSON": JSON}[x.call]}, in.typ)
	case x.call == "CAST" && (in.typ.lob() || in.typ.long()):
		return expr{}, inconsistent(x.typ, in.typ)
	}
	t := x.typ
	return expr{typ: t, eval: func(e *env) ([]byte, error) {
		v, err := in.eval(e)
		if err != nil || v == nil {
			return nil, err
		}
		out, err := c.s.assign(t, in.typ, v)
		var long *tooLong
		switch {
		case errors.As(err, &long) && x.call != "CAST":
			return nil, ora.Errorf(40478, "output value too large (maximum: %d)", t.Length)
		case errors.As(err, &long) && (in.typ.text() || in.typ.Kind == Raw): // SQL Language Reference, CAST: cut
			return v[:min(len(v), t.Length)], nil
		case errors.As(err, &long):
			return nil, ora.Errorf(25137, "Data value out of range")
		}
		return out, err
	}}, nil
}

func (c *compiler) extract(x *extract) (expr, error) {
	in, err := c.expr(x.x)
	if err != nil {
		return expr{}, err
	}
	switch x.field {
	case "YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "TIMEZONE_HOUR", "TIMEZONE_MINUTE":
	default:
		return expr{}, ora.Errorf(907, "missing right parenthesis")
	}
	clock := x.field != "YEAR" && x.field != "MONTH" && x.field != "DAY"
	if !in.typ.datetime() || clock && in.typ.Kind == Date {
		return expr{}, ora.Errorf(30076, "invalid extract field for extract source")
	}
	return expr{typ: number(), eval: func(e *env) ([]byte, error) {
		v, err := in.eval(e)
		if err != nil || v == nil {
			return nil, err
		}
		d, err := value.DecodeDate(v)
		if err == nil && in.typ.Kind == TimestampTZ && x.field[0] != 'T' {
			d, err = d.UTC() // SQL Language Reference, EXTRACT: the fields of the time in UTC
		}
		if err != nil {
			return nil, err
		}
		n := map[string]int{"YEAR": d.Year, "MONTH": d.Month, "DAY": d.Day, "HOUR": d.Hour, "MINUTE": d.Minute,
			"TIMEZONE_HOUR": d.Offset / 60, "TIMEZONE_MINUTE": d.Offset % 60}[x.field]
		dec := value.IntDec(int64(n))
		if x.field == "SECOND" {
			dec = value.Add(value.IntDec(int64(d.Second)), value.Mul(value.IntDec(int64(d.Nano)), value.Dec{Digits: "1", Exp: -9}))
		}
		return dec.Encode()
	}}, nil
}
