package engine

import (
	"fmt"
	"reflect"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// grouping is GROUP BY, or aggregates without it.
type grouping struct {
	keys   []expr
	prints []string // of the keys' syntax
	aggs   []*aggregate
	whole  bool // no GROUP BY: one group, even of no rows
}

type aggregate struct {
	name     string
	arg      expr
	star     bool
	distinct bool
	typ      Type
	compare  func(a, b []byte) (int, error)
	print    string
}

// fingerprint writes a syntax tree without its positions, so that equal trees are equal texts.
func fingerprint(x store.Expr) string {
	v := reflect.ValueOf(x)
	if !v.IsValid() {
		return "nil"
	}
	return printValue(v)
}

func printValue(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return "nil"
		}
		return printValue(v.Elem())
	case reflect.Struct:
		out := v.Type().Name() + "{"
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "Pos" {
				out += printValue(v.Field(i)) + ","
			}
		}
		return out + "}"
	case reflect.Slice:
		out := "["
		for i := range v.Len() {
			out += printValue(v.Index(i)) + ","
		}
		return out + "]"
	}
	return fmt.Sprintf("%#v", v)
}

func isAggregate(name string) bool {
	switch name {
	case "COUNT", "SUM", "MIN", "MAX", "AVG":
		return true
	}
	return false
}

// hasAggregate looks for aggregates of the query itself.
func hasAggregate(x store.Expr) bool {
	v := reflect.ValueOf(x)
	return v.IsValid() && findAggregate(v)
}

func findAggregate(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return false
		}
		if call, ok := v.Interface().(*store.Call); ok && isAggregate(call.Name) && call.Over == nil {
			return true
		}
		if _, query := v.Interface().(*store.Select); query {
			return false
		}
		return findAggregate(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && findAggregate(v.Field(i)) {
				return true
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if findAggregate(v.Index(i)) {
				return true
			}
		}
	}
	return false
}

// group compiles GROUP BY; nil where the query does not group.
func (c *compiler) group(q *store.Select) (*grouping, error) {
	any := len(q.Group) > 0 || q.Having != nil
	for _, it := range q.Items {
		any = any || !it.Star && (hasAggregate(it.X) || castAggregate(it.X))
	}
	if !any {
		return nil, nil
	}
	g := &grouping{whole: len(q.Group) == 0}
	for _, x := range q.Group {
		e, err := c.expr(x)
		if err != nil {
			return nil, err
		}
		if _, err := c.s.comparer(e.typ, e.typ); err != nil {
			return nil, err
		}
		g.keys = append(g.keys, e)
		g.prints = append(g.prints, fingerprint(x))
	}
	return g, nil
}

// castAggregate looks into the nodes that are this package's.
func castAggregate(x store.Expr) bool {
	switch x := x.(type) {
	case *castTo:
		return hasAggregate(x.x)
	case *extract:
		return hasAggregate(x.x)
	}
	return false
}

// lookup gives a grouped expression or an aggregate; ok is false for what is built of them.
func (g *grouping) lookup(c *compiler, x store.Expr) (expr, bool, error) {
	print := fingerprint(x)
	for i, p := range g.prints {
		if p == print {
			return groupValue(g.keys[i].typ, i), true, nil
		}
	}
	call, ok := x.(*store.Call)
	if !ok || !isAggregate(call.Name) || call.Over != nil {
		return expr{}, false, nil
	}
	for i, a := range g.aggs {
		if a.print == print {
			return groupValue(a.typ, len(g.keys)+i), true, nil
		}
	}
	a := &aggregate{name: call.Name, star: call.Star, distinct: call.Distinct, print: print, typ: number()}
	if !a.star {
		if len(call.Args) != 1 {
			return expr{}, false, ora.At(call.Pos, 909, "invalid number of arguments")
		}
		c.scope.grouped = nil
		arg, err := c.expr(call.Args[0])
		c.scope.grouped = g
		if err != nil {
			return expr{}, false, err
		}
		if a.arg = arg; call.Name == "MIN" || call.Name == "MAX" {
			a.typ = arg.typ
			if a.typ.Kind == Char {
				a.typ.Kind = Varchar
			}
		}
		if call.Name != "COUNT" || a.distinct {
			if a.compare, err = c.s.comparer(arg.typ, arg.typ); err != nil {
				return expr{}, false, err
			}
		}
		if (call.Name == "SUM" || call.Name == "AVG") && !arg.typ.numeric() && !arg.typ.text() && arg.typ.Kind != Null {
			return expr{}, false, inconsistent(number(), arg.typ)
		}
	}
	g.aggs = append(g.aggs, a)
	return groupValue(a.typ, len(g.keys)+len(g.aggs)-1), true, nil
}

func groupValue(t Type, i int) expr {
	return expr{typ: t, eval: func(e *env) ([]byte, error) { return e.groups[i], nil }}
}

// state is an aggregate's progress in one group.
type state struct {
	count int64
	sum   value.Dec
	best  []byte
	seen  map[string]bool
}

type groupRow struct {
	keys   [][]byte
	states []state
}

// open reads all rows and gives one step a group.
func (g *grouping) open(b *queryBlock, e *env, base func() (bool, error)) (func() (bool, error), error) {
	index := make(map[string]*groupRow)
	var list []*groupRow
	if g.whole {
		list = append(list, &groupRow{states: make([]state, len(g.aggs))})
		index[""] = list[0]
	}
	for {
		ok, err := base()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		keys := make([][]byte, len(g.keys))
		for i, k := range g.keys {
			if keys[i], err = k.eval(e); err != nil {
				return nil, err
			}
		}
		print := ""
		if len(keys) > 0 {
			print = string(encodeRow(keys))
		}
		row := index[print]
		if row == nil {
			row = &groupRow{keys: keys, states: make([]state, len(g.aggs))}
			index[print] = row
			list = append(list, row)
		}
		for i, a := range g.aggs {
			if err := a.add(&row.states[i], e); err != nil {
				return nil, err
			}
		}
	}
	return func() (bool, error) {
		for len(list) > 0 {
			row := list[0]
			list = list[1:]
			e.groups = append([][]byte(nil), row.keys...)
			for i, a := range g.aggs {
				v, err := a.result(&row.states[i])
				if err != nil {
					return false, err
				}
				e.groups = append(e.groups, v)
			}
			if b.having != nil {
				if t, err := b.having(e); err != nil {
					return false, err
				} else if t != yes {
					continue
				}
			}
			return true, nil
		}
		return false, nil
	}, nil
}

func (a *aggregate) add(s *state, e *env) error {
	if a.star {
		s.count++
		return nil
	}
	v, err := a.arg.eval(e)
	if err != nil || v == nil {
		return err
	}
	if a.distinct {
		if s.seen == nil {
			s.seen = make(map[string]bool)
		}
		if s.seen[string(v)] {
			return nil
		}
		s.seen[string(v)] = true
	}
	s.count++
	switch a.name {
	case "SUM", "AVG":
		d, err := e.run.s.toNumber(a.arg.typ, v)
		if err != nil {
			return err
		}
		s.sum = value.Add(s.sum, d)
	case "MIN", "MAX":
		n := 0
		if s.best != nil {
			if n, err = a.compare(v, s.best); err != nil {
				return err
			}
		}
		if s.best == nil || n < 0 && a.name == "MIN" || n > 0 && a.name == "MAX" {
			s.best = v
		}
	}
	return nil
}

func (a *aggregate) result(s *state) ([]byte, error) {
	switch {
	case a.name == "COUNT":
		return value.IntDec(s.count).Encode()
	case s.count == 0:
		return nil, nil
	case a.name == "SUM":
		return s.sum.Encode()
	case a.name == "AVG":
		d, err := value.Div(s.sum, value.IntDec(s.count))
		if err != nil {
			return nil, err
		}
		return d.Encode()
	}
	return s.best, nil
}
