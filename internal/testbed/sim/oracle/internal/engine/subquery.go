package engine

import (
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// union compiles UNION, INTERSECT and MINUS.
func (c *compiler) union(q *store.Select) (*query, error) {
	first := *q
	first.Sets, first.Order, first.Limit, first.Offset = nil, nil, nil, nil
	out, err := c.query(&first)
	if err != nil {
		return nil, err
	}
	for _, set := range q.Sets {
		next, err := c.query(set.Query)
		if err != nil {
			return nil, err
		}
		if len(next.cols) != len(out.cols) {
			return nil, ora.At(q.Pos, 1789, "query block has incorrect number of result columns")
		}
		if out, err = c.combine(out, next, set); err != nil {
			return nil, err
		}
	}
	b := &queryBlock{c: c, cols: out.cols}
	for i, col := range out.cols {
		b.items = append(b.items, column1(col.Type, 0, 0, i))
	}
	var items []store.Item
	for _, col := range out.cols {
		items = append(items, store.Item{Alias: col.Name})
	}
	for _, o := range q.Order {
		i := b.ordinal(o.X, items)
		if i < 0 {
			return nil, ora.At(o.Pos, 1785, "ORDER BY item must be the number of a SELECT-list expression")
		}
		compare, err := c.s.comparer(out.cols[i].Type, out.cols[i].Type)
		if err != nil {
			return nil, err
		}
		b.order = append(b.order, orderKey{position: i, desc: o.Desc, nullsFirst: o.Desc, compare: compare})
	}
	limit, err := c.limits(q)
	if err != nil {
		return nil, err
	}
	rows := out.open
	out.open = func(r *run, parent *env) (rowIter, error) {
		it, err := rows(r, parent)
		if err != nil {
			return nil, err
		}
		if len(b.order) > 0 {
			width := len(b.items)
			if it, err = sorted(b.withKeys(it), b.order, width); err != nil {
				return nil, err
			}
		}
		return limit(r, it)
	}
	return out, nil
}

// withKeys puts the order's values behind a row.
func (b *queryBlock) withKeys(it rowIter) rowIter {
	return func() ([][]byte, error) {
		row, err := it()
		if row == nil || err != nil {
			return nil, err
		}
		for _, k := range b.order {
			row = append(row, row[k.position])
		}
		return row, nil
	}
}

func (c *compiler) combine(l, r *query, set store.SetOperation) (*query, error) {
	cols := append([]OutColumn(nil), l.cols...)
	for i := range cols {
		t, err := common([]Type{l.cols[i].Type, r.cols[i].Type})
		if err != nil {
			return nil, ora.Errorf(1790, "expression must have same datatype as corresponding expression")
		}
		cols[i].Type, cols[i].NotNull = t, l.cols[i].NotNull && r.cols[i].NotNull
	}
	return &query{cols: cols, outer: l.outer || r.outer, open: func(run *run, parent *env) (rowIter, error) {
		return combined(run, parent, [2]*query{l, r}, set)
	}}, nil
}

func combined(run *run, parent *env, q [2]*query, set store.SetOperation) (rowIter, error) {
	var its [2]rowIter
	for i := range q {
		var err error
		if its[i], err = q[i].open(run, parent); err != nil {
			return nil, err
		}
	}
	if set.Op == "UNION" {
		seen := make(map[string]bool)
		at := 0
		return func() ([][]byte, error) {
			for at < 2 {
				row, err := its[at]()
				if err != nil {
					return nil, err
				}
				if row == nil {
					at++
					continue
				}
				key := string(encodeRow(row))
				if !set.All && seen[key] {
					continue
				}
				seen[key] = true
				return row, nil
			}
			return nil, nil
		}, nil
	}
	other := make(map[string]bool)
	for {
		row, err := its[1]()
		if err != nil {
			return nil, err
		}
		if row == nil {
			break
		}
		other[string(encodeRow(row))] = true
	}
	seen := make(map[string]bool)
	return func() ([][]byte, error) {
		for {
			row, err := its[0]()
			if err != nil || row == nil {
				return nil, err
			}
			key := string(encodeRow(row))
			if other[key] == (set.Op == "INTERSECT") && !seen[key] {
				seen[key] = true
				return row, nil
			}
		}
	}, nil
}

// sub compiles a query within a query.
func (c *compiler) sub(q *store.Select) (*query, error) {
	inner := &compiler{s: c.s, binds: c.binds, owner: c.owner, scope: c.scope}
	return inner.query(q)
}

// once runs a query that does not depend on an outer row only once.
func once[T any](q *query, e *env, key any, f func() (T, error)) (T, error) {
	if v, ok := e.run.cache[key]; ok && !q.outer {
		return v.(T), nil
	}
	v, err := f()
	if err == nil && !q.outer {
		e.run.cache[key] = v
	}
	return v, err
}

func (c *compiler) scalarQuery(x *store.Subquery) (expr, error) {
	q, err := c.sub(x.Query)
	if err != nil {
		return expr{}, err
	}
	if len(q.cols) != 1 {
		return expr{}, ora.At(x.Pos, 913, "too many values")
	}
	return expr{typ: q.cols[0].Type, eval: func(e *env) ([]byte, error) {
		return once(q, e, x, func() ([]byte, error) {
			it, err := q.open(e.run, e)
			if err != nil {
				return nil, err
			}
			row, err := it()
			if err != nil || row == nil {
				return nil, err
			}
			v := row[0]
			if more, err := it(); err != nil || more != nil {
				if err == nil {
					err = ora.Errorf(1427, "single-row subquery returns more than one row")
				}
				return nil, err
			}
			return v, nil
		})
	}}, nil
}

func (c *compiler) exists(x *store.Exists) (cond, error) {
	q, err := c.sub(x.Query)
	if err != nil {
		return nil, err
	}
	return func(e *env) (tri, error) {
		return once(q, e, x, func() (tri, error) {
			it, err := q.open(e.run, e)
			if err != nil {
				return unknown, err
			}
			row, err := it()
			return truth(row != nil), err
		})
	}, nil
}

func (c *compiler) in(x *store.In) (cond, error) {
	if x.Query != nil {
		return c.inQuery(x)
	}
	if len(x.List) > 1000 {
		return nil, ora.At(x.Pos, 1795, "maximum number of expressions in a list is 1000")
	}
	var any store.Expr
	for _, y := range x.List {
		eq := &store.Binary{Op: "=", L: x.X, R: y, Pos: x.Pos}
		if any == nil {
			any = eq
		} else {
			any = &store.Binary{Op: "OR", L: any, R: eq, Pos: x.Pos}
		}
	}
	if set, ok, err := c.literalSet(x); ok || err != nil {
		return set, err
	}
	return c.negated(any, x.Not)
}

// literalSet makes a set of a long list of literals of the operand's own type.
func (c *compiler) literalSet(x *store.In) (cond, bool, error) {
	if len(x.List) < 8 {
		return nil, false, nil
	}
	in, err := c.expr(x.X)
	if err != nil || in.typ.Kind != Varchar {
		return nil, false, err
	}
	set := make(map[string]bool)
	for _, y := range x.List {
		l, ok := y.(*literal)
		if !ok || l.typ.Kind != Char {
			return nil, false, nil
		}
		set[string(c.db().Charset.Encode(l.text))] = true
	}
	return func(e *env) (tri, error) {
		v, err := in.eval(e)
		if err != nil || v == nil {
			return unknown, err
		}
		return truth(set[string(v)] != x.Not), nil
	}, true, nil
}

// members is the result of an IN query, without NULLs.
type members struct {
	rows [][]byte
	null bool
}

func (c *compiler) inQuery(x *store.In) (cond, error) {
	in, err := c.expr(x.X)
	if err != nil {
		return nil, err
	}
	q, err := c.sub(x.Query)
	if err != nil {
		return nil, err
	}
	if len(q.cols) != 1 {
		return nil, ora.At(x.Pos, 913, "too many values")
	}
	compare, err := c.s.comparer(in.typ, q.cols[0].Type)
	if err != nil {
		return nil, err
	}
	return func(e *env) (tri, error) {
		v, err := in.eval(e)
		if err != nil {
			return unknown, err
		}
		list, err := once(q, e, x, func() (members, error) { return readMembers(q, e) })
		if err != nil {
			return unknown, err
		}
		if v == nil && (len(list.rows) > 0 || list.null) {
			return unknown, nil
		}
		for _, w := range list.rows {
			n, err := compare(v, w)
			if err != nil {
				return unknown, err
			}
			if n == 0 {
				return truth(!x.Not), nil
			}
		}
		if list.null {
			return unknown, nil
		}
		return truth(x.Not), nil
	}, nil
}

func readMembers(q *query, e *env) (members, error) {
	var m members
	it, err := q.open(e.run, e)
	if err != nil {
		return m, err
	}
	for {
		row, err := it()
		if err != nil || row == nil {
			return m, err
		}
		if row[0] == nil {
			m.null = true
		} else {
			m.rows = append(m.rows, row[0])
		}
	}
}
