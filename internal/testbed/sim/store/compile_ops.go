package store

import (
	"strings"
	"unicode/utf8"
)

func (c *Compiler) binary(s *scope, x *Binary) (node, error) {
	if l, ok := x.L.(*Tuple); ok && x.Op == "=" {
		return c.tuples(s, l, x)
	}
	l, err := c.compile(s, x.L)
	if err != nil {
		return l, err
	}
	r, err := c.compile(s, x.R)
	if err != nil {
		return r, err
	}
	switch x.Op {
	case "AND", "OR":
		if err := c.condition(l, x.Pos); err != nil {
			return l, err
		}
		if err := c.condition(r, x.Pos); err != nil {
			return r, err
		}
		return with(c.bool(), logic(x.Op == "OR", l, r), l, r), nil
	case "=", "<>", "<", "<=", ">", ">=":
		return c.comparison(x.Op, l, r, x.Pos)
	case "||":
		text := Type{Name: c.D.TextType, Kind: Text, Length: 5000}
		c.settle(&l, text)
		c.settle(&r, text)
		return with(Type{Name: c.D.TextType, Kind: Text, Length: l.typ.Length + r.typ.Length}, c.concat(l, r), l, r), nil
	}
	c.settle(&l, r.typ)
	c.settle(&r, l.typ)
	typ, err := c.D.Common(x.Op, l.typ, r.typ)
	if err != nil {
		return node{}, at(err, x.Pos)
	}
	return with(typ, func(e *Env) (Value, error) {
		a, err := l.eval(e)
		if err != nil || a.IsNull() {
			return a, err
		}
		b, err := r.eval(e)
		if err != nil || b.IsNull() {
			return b, err
		}
		for _, v := range []*Value{&a, &b} {
			if !v.Numeric() {
				if *v, err = c.D.Convert(*v, Type{Kind: Dec, Floating: true}); err != nil {
					return a, at(err, x.Pos)
				}
			}
		}
		v, kind := arithmetic(x.Op, a, b, c.D.Digits)
		if kind != 0 {
			return v, fail(kind, x.Pos, "", "arithmetic")
		}
		return v, nil
	}, l, r), nil
}

// tuples compares lists element by element.
func (c *Compiler) tuples(s *scope, l *Tuple, x *Binary) (node, error) {
	r, ok := x.R.(*Tuple)
	if !ok || len(r.Items) != len(l.Items) {
		return node{}, fail(TypeMismatch, x.Pos, "", "lists of different lengths")
	}
	var all Expr
	for i := range l.Items {
		var eq Expr = &Binary{Op: "=", L: l.Items[i], R: r.Items[i], Pos: x.Pos}
		if all != nil {
			eq = &Binary{Op: "AND", L: all, R: eq, Pos: x.Pos}
		}
		all = eq
	}
	return c.compile(s, all)
}

// logic is AND and OR over three values; either side may decide alone.
func logic(decides bool, l, r node) func(*Env) (Value, error) {
	return func(e *Env) (Value, error) {
		a, err := l.eval(e)
		if err != nil || !a.IsNull() && (a.I != 0) == decides {
			return a, err
		}
		b, err := r.eval(e)
		if err != nil || !b.IsNull() && (b.I != 0) == decides {
			return b, err
		}
		if a.IsNull() {
			return a, nil
		}
		return b, nil
	}
}

func (c *Compiler) concat(l, r node) func(*Env) (Value, error) {
	return func(e *Env) (Value, error) {
		a, err := l.eval(e)
		if err != nil {
			return a, err
		}
		b, err := r.eval(e)
		if err != nil {
			return b, err
		}
		if a.IsNull() || b.IsNull() {
			return Value{}, nil
		}
		for _, v := range []*Value{&a, &b} {
			if v.K != Text && v.K != Bytes {
				if *v, err = c.D.Convert(*v, Type{Kind: Text, Length: 5000}); err != nil {
					return a, err
				}
			}
		}
		return Value{K: a.K, S: a.S + b.S}, nil
	}
}

// comparison compiles one of = <> < <= > >=.
func (c *Compiler) comparison(op string, l, r node, pos int) (node, error) {
	c.settle(&l, r.typ)
	c.settle(&r, l.typ)
	if l.typ.Name != "" && r.typ.Name != "" {
		if _, err := c.D.Common("=", l.typ, r.typ); err != nil {
			return node{}, at(err, pos)
		}
	}
	return with(c.bool(), func(e *Env) (Value, error) {
		a, err := l.eval(e)
		if err != nil || a.IsNull() {
			return Value{}, err
		}
		b, err := r.eval(e)
		if err != nil || b.IsNull() {
			return Value{}, err
		}
		order, err := c.compare(a, b)
		if err != nil {
			return Value{}, at(err, pos)
		}
		return BoolValue(holds(op, order)), nil
	}, l, r), nil
}

func holds(op string, order int) bool {
	switch op {
	case "=":
		return order == 0
	case "<>":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// compare orders two values that are not NULL; a text beside another kind is
// converted to that kind.
func (c *Compiler) compare(a, b Value) (int, error) {
	if order, ok := CompareValues(a, b); ok {
		return order, nil
	}
	var err error
	switch {
	case a.K == Text:
		a, err = c.D.Convert(a, kindOf(b))
	case b.K == Text:
		b, err = c.D.Convert(b, kindOf(a))
	}
	if err != nil {
		return 0, err
	}
	order, ok := CompareValues(a, b)
	if !ok {
		return 0, fail(TypeMismatch, -1, "", "inconsistent datatype")
	}
	return order, nil
}

func kindOf(v Value) Type {
	if v.K == Int || v.K == Dec {
		return Type{Kind: Dec, Floating: true}
	}
	return Type{Kind: v.K, Length: 5000}
}

func (c *Compiler) between(s *scope, x *Between) (node, error) {
	n, err := c.compile(s, &Binary{Op: "AND", Pos: x.Pos,
		L: &Binary{Op: ">=", L: x.X, R: x.Low, Pos: x.Pos}, R: &Binary{Op: "<=", L: x.X, R: x.High, Pos: x.Pos}})
	if err != nil || !x.Not {
		return n, err
	}
	return negated(n), nil
}

func negated(n node) node {
	return with(n.typ, func(e *Env) (Value, error) {
		v, err := n.eval(e)
		if err != nil || v.IsNull() {
			return v, err
		}
		return BoolValue(v.I == 0), nil
	}, n)
}

func (c *Compiler) in(s *scope, x *In) (node, error) {
	if x.Query != nil {
		return c.inQuery(s, x)
	}
	var all Expr
	for _, item := range x.List {
		var eq Expr = &Binary{Op: "=", L: x.X, R: item, Pos: x.Pos}
		if all != nil {
			eq = &Binary{Op: "OR", L: all, R: eq, Pos: x.Pos}
		}
		all = eq
	}
	n, err := c.compile(s, all)
	if err == nil && x.Not {
		n = negated(n)
	}
	return n, err
}

func (c *Compiler) like(s *scope, x *Like) (node, error) {
	l, err := c.compile(s, x.X)
	if err != nil {
		return l, err
	}
	r, err := c.compile(s, x.Pattern)
	if err != nil {
		return r, err
	}
	escape := constant(Value{}, Type{})
	if x.Escape != nil {
		if escape, err = c.compile(s, x.Escape); err != nil {
			return escape, err
		}
	}
	c.settle(&r, l.typ)
	c.settle(&l, r.typ)
	return with(c.bool(), func(e *Env) (Value, error) {
		var v [3]Value
		for i, n := range []node{l, r, escape} {
			var err error
			if v[i], err = n.eval(e); err != nil {
				return v[i], err
			}
		}
		if v[0].IsNull() || v[1].IsNull() {
			return Value{}, nil
		}
		if v[0].K != Text || v[1].K != Text || utf8.RuneCountInString(v[2].S) > 1 {
			return Value{}, fail(BadEscape, x.Pos, "", "invalid LIKE")
		}
		return BoolValue(matches(v[0].S, v[1].S, v[2].S) != x.Not), nil
	}, l, r, escape), nil
}

// matches is LIKE over characters.
func matches(text, pattern, escape string) bool {
	for pattern != "" {
		if escape != "" && strings.HasPrefix(pattern, escape) {
			pattern = pattern[len(escape):]
		} else if pattern[0] == '%' {
			pattern = pattern[1:]
			for i := 0; i <= len(text); i++ {
				if matches(text[i:], pattern, escape) {
					return true
				}
			}
			return false
		} else if pattern[0] == '_' {
			if text == "" {
				return false
			}
			_, n := utf8.DecodeRuneInString(text)
			text, pattern = text[n:], pattern[1:]
			continue
		}
		if pattern == "" || text == "" {
			return false
		}
		_, n := utf8.DecodeRuneInString(pattern)
		if !strings.HasPrefix(text, pattern[:n]) {
			return false
		}
		text, pattern = text[n:], pattern[n:]
	}
	return text == ""
}
