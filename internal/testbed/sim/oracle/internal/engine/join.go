package engine

import (
	"math/bits"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// joined is one source of FROM with how it is joined to those before it.
type joined struct {
	src   *source
	outer bool // rows before it stay where nothing matches
	on    []store.Expr
}

// level is a step of the nested loops.
type level struct {
	src     *source
	outer   bool
	on      []cond
	filters []cond // of WHERE, once all their sources are there
	keys    []joinKey
}

// joinKey is an equality that a hash table answers.
type joinKey struct{ inner, outer expr }

// from compiles the sources of a FROM clause, in order.
func (c *compiler) from(list []store.From) ([]joined, error) {
	var out []joined
	for _, f := range list {
		var err error
		if out, err = c.joins(f, out); err != nil {
			return nil, err
		}
	}
	if len(out) > 60 {
		return nil, ora.Errorf(3001, "unimplemented feature")
	}
	return out, nil
}

func (c *compiler) joins(f store.From, out []joined) ([]joined, error) {
	switch f := f.(type) {
	case *store.Join:
		l, r, kind := f.L, f.R, f.Kind
		if kind == "RIGHT" && len(out) == 0 {
			l, r, kind = r, l, "LEFT"
		}
		if kind == "FULL" || kind == "RIGHT" {
			return nil, ora.Errorf(3001, "unimplemented feature")
		}
		out, err := c.joins(l, out)
		if err != nil {
			return nil, err
		}
		before := len(out)
		if out, err = c.joins(r, out); err != nil {
			return nil, err
		}
		if len(out) != before+1 && kind == "LEFT" {
			return nil, ora.Errorf(3001, "unimplemented feature")
		}
		last := &out[len(out)-1]
		last.outer = kind == "LEFT"
		last.on = append(last.on, conjuncts(f.On, nil)...)
		return out, nil
	}
	src, err := c.source(f)
	if err != nil {
		return nil, err
	}
	c.scope.sources = append(c.scope.sources, src)
	return append(out, joined{src: src}), nil
}

// source compiles a table, a view or a query.
func (c *compiler) source(f store.From) (*source, error) {
	switch f := f.(type) {
	case *store.TableRef:
		return c.named(f)
	case *store.QueryRef:
		inner := &compiler{s: c.s, binds: c.binds, owner: c.owner, scope: c.scope.parent}
		if inner.scope == nil {
			inner.scope = &scope{}
		}
		q, err := inner.query(f.Query)
		if err != nil {
			return nil, err
		}
		return querySource(q, f.Alias, ""), nil
	}
	return nil, ora.Errorf(903, "invalid table name")
}

func querySource(q *query, alias, owner string) *source {
	src := &source{alias: alias, owner: owner, open: func(r *run, e *env) (rowIter, error) { return q.open(r, e.parent) }}
	for _, col := range q.cols {
		src.cols = append(src.cols, sourceColumn{name: col.Name, typ: col.Type})
	}
	return src
}

func conjuncts(x store.Expr, out []store.Expr) []store.Expr {
	if x == nil {
		return out
	}
	if b, ok := x.(*store.Binary); ok && b.Op == "AND" {
		return conjuncts(b.R, conjuncts(b.L, out))
	}
	return append(out, x)
}

// plan places the conditions: each where the last of its sources is joined.
func (c *compiler) plan(joins []joined, where store.Expr) ([]*level, error) {
	levels := make([]*level, len(joins))
	for i, j := range joins {
		levels[i] = &level{src: j.src, outer: j.outer}
	}
	// The old outer join: conditions with (+) belong to the join of the source that is marked.
	for _, x := range conjuncts(where, nil) {
		marked := outerSource(c.scope, x)
		if marked >= 0 {
			joins[marked].outer, levels[marked].outer = true, true
			joins[marked].on = append(joins[marked].on, x)
			continue
		}
		test, uses, err := c.condition(x)
		if err != nil {
			return nil, err
		}
		i := max(0, bits.Len64(uses)-1)
		if key, ok, err := c.joinKey(x, i); err != nil {
			return nil, err
		} else if ok && !levels[i].outer {
			levels[i].keys = append(levels[i].keys, key)
		}
		if i == 0 && len(levels) > 0 {
			if err := c.rowidBound(levels[0].src, x); err != nil {
				return nil, err
			}
		}
		levels[i].filters = append(levels[i].filters, test)
	}
	for i, j := range joins {
		for _, x := range j.on {
			test, _, err := c.condition(x)
			if err != nil {
				return nil, err
			}
			if key, ok, err := c.joinKey(x, i); err != nil {
				return nil, err
			} else if ok {
				levels[i].keys = append(levels[i].keys, key)
			}
			levels[i].on = append(levels[i].on, test)
		}
	}
	return levels, nil
}

// condition compiles a condition and says which sources it names.
func (c *compiler) condition(x store.Expr) (cond, uint64, error) {
	c.scope.used = 0
	test, err := c.cond(x)
	return test, c.scope.used, err
}

// outerSource finds the source that a condition marks with (+); -1 is none.
func outerSource(sc *scope, x store.Expr) int {
	found := -1
	var walk func(x store.Expr)
	walk = func(x store.Expr) {
		switch x := x.(type) {
		case *store.Outer:
			if i, _, err := sc.lookup(x.X); err == nil {
				found = i
			}
		case *store.Binary:
			walk(x.L)
			walk(x.R)
		case *store.Call:
			for _, a := range x.Args {
				walk(a)
			}
		case *store.IsNull:
			walk(x.X)
		case *store.In:
			walk(x.X)
		}
	}
	walk(x)
	return found
}

// joinKey recognizes "column of source i = expression of sources before it", of one type.
func (c *compiler) joinKey(x store.Expr, i int) (joinKey, bool, error) {
	b, ok := x.(*store.Binary)
	if !ok || b.Op != "=" || i == 0 {
		return joinKey{}, false, nil
	}
	l, err := c.expr(b.L)
	if err != nil {
		return joinKey{}, false, err
	}
	r, err := c.expr(b.R)
	if err != nil {
		return joinKey{}, false, err
	}
	own := uint64(1) << i
	if r.uses == own {
		l, r = r, l
	}
	same := l.typ.Kind == r.typ.Kind || l.typ.text() && r.typ.text() && l.typ.national() == r.typ.national() && l.typ.Kind != Char && r.typ.Kind != Char
	return joinKey{inner: l, outer: r}, same && l.typ.Kind != Char && l.uses == own && r.uses&own == 0 && r.uses != 0, nil
}

// rowidBound takes comparisons of ROWID with a value into the scan.
func (c *compiler) rowidBound(src *source, x store.Expr) error {
	if src.scan == nil || src.scan.table.iot {
		return nil
	}
	isRowid := func(x store.Expr) bool {
		r, ok := x.(*store.Ref)
		return ok && r.Column == "ROWID" && !r.Quoted && (r.Table == "" || r.Table == src.alias)
	}
	switch x := x.(type) {
	case *store.Binary:
		op, l, r := x.Op, x.L, x.R
		if isRowid(r) {
			l, r = r, l
			op = map[string]string{"<": ">", ">": "<", "<=": ">=", ">=": "<="}[op]
		}
		if !isRowid(l) || op == "<>" || op == "" && x.Op != "=" {
			return nil
		}
		e, err := c.expr(r)
		if err != nil || e.uses != 0 {
			return err
		}
		if x.Op == "=" {
			src.scan.ids = append(src.scan.ids, e)
			return nil
		}
		src.scan.bounds = append(src.scan.bounds, bound{op, e})
	case *store.In:
		if !isRowid(x.X) || x.Not || x.Query != nil || len(src.scan.ids) > 0 {
			return nil
		}
		for _, y := range x.List {
			e, err := c.expr(y)
			if err != nil || e.uses != 0 {
				return err
			}
			src.scan.ids = append(src.scan.ids, e)
		}
	}
	return nil
}

// join runs the nested loops: each call puts the next combination into e.rows.
func (b *queryBlock) join(e *env) (func() (bool, error), error) {
	steps := make([]func(first bool) (bool, error), len(b.levels))
	for i, l := range b.levels {
		step, err := l.open(e, i)
		if err != nil {
			return nil, err
		}
		steps[i] = step
	}
	at, fresh := 0, true
	last := len(steps) - 1
	return func() (bool, error) {
		if !fresh {
			e.rownum++
		}
		for at >= 0 {
			ok, err := steps[at](fresh)
			if err != nil {
				return false, err
			}
			switch {
			case !ok:
				at, fresh = at-1, false
			case at == last:
				fresh = false
				return true, nil
			default:
				at, fresh = at+1, true
			}
		}
		return false, nil
	}, nil
}

// open gives the step of one level: first begins again for the rows of the levels before it.
func (l *level) open(e *env, i int) (func(first bool) (bool, error), error) {
	if i == 0 {
		it, err := l.src.open(e.run, e)
		if err != nil {
			return nil, err
		}
		return func(bool) (bool, error) {
			for {
				row, err := it()
				if err != nil || row == nil {
					return false, err
				}
				e.rows[0] = row
				if ok, err := pass(l.filters, e); ok || err != nil {
					return ok, err
				}
			}
		}, nil
	}
	inner, err := l.read(e, i)
	if err != nil {
		return nil, err
	}
	empty := make([][]byte, len(l.src.cols))
	var left [][][]byte
	matched := false
	return func(first bool) (bool, error) {
		if first {
			if left, err = inner(); err != nil {
				return false, err
			}
			matched = false
		}
		for len(left) > 0 {
			e.rows[i], left = left[0], left[1:]
			ok, err := pass(l.on, e)
			if err != nil {
				return false, err
			}
			if !ok {
				continue
			}
			matched = true
			if ok, err := pass(l.filters, e); ok || err != nil {
				return ok, err
			}
		}
		if l.outer && !matched {
			matched = true
			e.rows[i] = empty
			return pass(l.filters, e)
		}
		return false, nil
	}, nil
}

func pass(list []cond, e *env) (bool, error) {
	for _, c := range list {
		if t, err := c(e); err != nil || t != yes {
			return false, err
		}
	}
	return true, nil
}

// read reads a level's source once; the result gives the candidates for the rows before it.
func (l *level) read(e *env, i int) (func() ([][][]byte, error), error) {
	it, err := l.src.open(e.run, e)
	if err != nil {
		return nil, err
	}
	var all [][][]byte
	hashed := make(map[string][][][]byte)
	for {
		row, err := it()
		if err != nil {
			return nil, err
		}
		if row == nil {
			break
		}
		row = append([][]byte(nil), row...)
		if len(l.keys) == 0 {
			all = append(all, row)
			continue
		}
		e.rows[i] = row
		key, null, err := joinValue(l.keys, e, true)
		if err != nil {
			return nil, err
		}
		if !null {
			hashed[key] = append(hashed[key], row)
		}
	}
	return func() ([][][]byte, error) {
		if len(l.keys) == 0 {
			return all, nil
		}
		key, null, err := joinValue(l.keys, e, false)
		if err != nil || null {
			return nil, err
		}
		return hashed[key], nil
	}, nil
}

func joinValue(keys []joinKey, e *env, inner bool) (key string, null bool, err error) {
	var row []byte
	for _, k := range keys {
		x := k.outer
		if inner {
			x = k.inner
		}
		v, err := x.eval(e)
		if err != nil || v == nil {
			return "", true, err
		}
		row = appendValue(row, v)
	}
	return string(row), false, nil
}
