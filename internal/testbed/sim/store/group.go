package store

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

var aggregates = map[string]bool{"COUNT": true, "SUM": true, "MIN": true, "MAX": true, "AVG": true}

// aggregate is one call of an aggregate in a block.
type aggregate struct {
	name     string
	star     bool
	distinct bool
	arg      node
	typ      Type
}

// accumulator is what one aggregate has seen of one group.
type accumulator struct {
	count int64
	value Value
	seen  map[string]bool
}

// grouped returns what stands for an expression of GROUP BY.
func (g *grouping) grouped(key string) (node, bool) {
	i := slices.Index(g.keys, key)
	if i < 0 || key == "" {
		return node{}, false
	}
	return node{typ: g.nodes[i].typ, uses: math.MaxInt, eval: func(e *Env) (Value, error) { return e.group[i], nil }}, true
}

func (c *Compiler) aggregate(s *scope, x *Call) (node, error) {
	g := s.grouping
	if g == nil || g.inside {
		return node{}, fail(BadAggregate, x.Pos, x.Name, "aggregate function not allowed")
	}
	a := &aggregate{name: x.Name, star: x.Star, distinct: x.Distinct}
	if x.Star != (x.Name == "COUNT" && len(x.Args) == 0) || !x.Star && len(x.Args) != 1 {
		return node{}, fail(WrongArguments, x.Pos, x.Name, "wrong number of arguments in function invocation")
	}
	if !x.Star {
		g.inside = true
		n, err := c.compile(s, x.Args[0])
		g.inside = false
		if err != nil {
			return n, err
		}
		a.arg = n
	}
	var err error
	if a.typ, err = c.D.Aggregate(x.Name, a.arg.typ); err != nil {
		return node{}, at(err, x.Pos)
	}
	i := len(g.calls)
	g.calls = append(g.calls, a)
	return node{typ: a.typ, uses: math.MaxInt, eval: func(e *Env) (Value, error) { return e.totals[i], nil }}, nil
}

func (a *aggregate) add(c *Compiler, e *Env, acc *accumulator) error {
	if a.star {
		acc.count++
		return nil
	}
	v, err := a.arg.eval(e)
	if err != nil || v.IsNull() {
		return err
	}
	if a.distinct {
		if acc.seen == nil {
			acc.seen = make(map[string]bool)
		}
		key := string(AppendValue(nil, Normalize(v)))
		if acc.seen[key] {
			return nil
		}
		acc.seen[key] = true
	}
	acc.count++
	if acc.value.IsNull() {
		acc.value = v
		return nil
	}
	switch a.name {
	case "SUM", "AVG":
		if !v.Numeric() {
			return fail(TypeMismatch, -1, a.name, "inconsistent datatype")
		}
		if acc.value.K == Int {
			acc.value = Value{K: Dec, I: acc.value.I} // sums outgrow 64 bits
		}
		sum, kind := arithmetic("+", acc.value, v, c.D.Digits)
		if kind != 0 {
			return fail(kind, -1, "", "numeric overflow")
		}
		acc.value = sum
	case "MIN", "MAX":
		order, err := c.compare(v, acc.value)
		if err != nil {
			return err
		}
		if order < 0 == (a.name == "MIN") && order != 0 {
			acc.value = v
		}
	}
	return nil
}

func (a *aggregate) result(c *Compiler, acc *accumulator) (Value, error) {
	switch {
	case a.name == "COUNT":
		return IntValue(acc.count), nil
	case a.name == "AVG" && acc.count > 0:
		v, kind := arithmetic("/", acc.value, Value{K: Dec, I: acc.count}, c.D.Digits)
		if kind != 0 {
			return v, fail(kind, -1, "", "numeric overflow")
		}
		return v, nil
	case a.typ.Kind == Int && acc.value.K == Dec:
		if acc.value.S != "" {
			return Value{}, fail(Overflow, -1, "", "numeric overflow")
		}
		return IntValue(acc.value.I), nil
	}
	return acc.value, nil
}

// key spells an expression so that equal ones are spelled alike; "" for what
// cannot be compared.
func (c *Compiler) key(s *scope, x Expr) string {
	var b strings.Builder
	if !c.spell(s, x, &b) {
		return ""
	}
	return b.String()
}

func (c *Compiler) spell(s *scope, x Expr, b *strings.Builder) bool {
	all := func(list ...Expr) bool {
		for _, e := range list {
			b.WriteByte('(')
			if e != nil && !c.spell(s, e, b) {
				return false
			}
			b.WriteByte(')')
		}
		return true
	}
	switch x := x.(type) {
	case *Literal:
		fmt.Fprintf(b, "l%v", x.Value)
		return true
	case *Ref:
		for i, src := range s.sources {
			if r := x.Table; r != "" && r != src.alias {
				continue
			}
			for j, col := range src.columns() {
				if col.Name == x.Column {
					fmt.Fprintf(b, "c%d.%d", i, j)
					return true
				}
			}
		}
		fmt.Fprintf(b, "r%q.%q.%q", x.Schema, x.Table, x.Column)
		return true
	case *Unary:
		b.WriteString(x.Op)
		return all(x.X)
	case *Binary:
		b.WriteString(x.Op)
		return all(x.L, x.R)
	case *Call:
		if x.Over != nil || aggregates[x.Name] {
			return false
		}
		fmt.Fprintf(b, "f%q", x.Name)
		return all(x.Args...)
	case *Cast:
		fmt.Fprintf(b, "t%v", x.Type)
		return all(x.X)
	case *IsNull:
		fmt.Fprintf(b, "n%v", x.Not)
		return all(x.X)
	case *Case:
		b.WriteString("case")
		for _, w := range x.When {
			if !all(w.If, w.Then) {
				return false
			}
		}
		return all(x.Operand, x.Else)
	}
	return false
}
