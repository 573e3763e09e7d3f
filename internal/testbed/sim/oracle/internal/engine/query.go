package engine

import (
	"errors"
	"sort"
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// query is a compiled SELECT.
type query struct {
	cols    []OutColumn
	open    func(r *run, parent *env) (rowIter, error)
	outer   bool // names columns of the query around it
	sources []*source
	locks   *store.Locking
}

// OutColumn describes a column of a result.
type OutColumn struct {
	Name    string
	Type    Type
	NotNull bool
}

// queryBlock is one SELECT up to HAVING.
type queryBlock struct {
	c        *compiler
	scope    *scope
	levels   []*level
	items    []expr
	cols     []OutColumn
	having   cond
	order    []orderKey
	grouping *grouping
	distinct bool
}

type orderKey struct {
	x          expr
	position   int // of an item; -1 is x
	desc       bool
	nullsFirst bool
	compare    func(a, b []byte) (int, error)
}

// query compiles a SELECT with all its clauses.
func (c *compiler) query(q *store.Select) (*query, error) {
	if len(q.With) > 0 {
		return nil, ora.At(q.Pos, 3001, "unimplemented feature")
	}
	if len(q.Sets) > 0 {
		return c.union(q)
	}
	b, err := c.block(q)
	if err != nil {
		return nil, err
	}
	if err := b.orderBy(q.Order, q.Items); err != nil {
		return nil, err
	}
	limit, err := c.limits(q)
	if err != nil {
		return nil, err
	}
	out := &query{cols: b.cols, outer: b.scope.outer, sources: b.scope.sources, locks: q.Lock}
	out.open = func(r *run, parent *env) (rowIter, error) {
		it, err := b.open(r, parent)
		if err != nil {
			return nil, err
		}
		return limit(r, it)
	}
	return out, nil
}

// limits compiles OFFSET and FETCH FIRST.
func (c *compiler) limits(q *store.Select) (func(r *run, it rowIter) (rowIter, error), error) {
	var bounds [2]*expr
	for i, x := range []store.Expr{q.Offset, q.Limit} {
		if x == nil {
			continue
		}
		e, err := c.expr(x)
		if err != nil {
			return nil, err
		}
		bounds[i] = &e
	}
	return func(r *run, it rowIter) (rowIter, error) {
		var n [2]int64
		for i, x := range bounds {
			if x == nil {
				continue
			}
			v, err := x.eval(&env{run: r})
			if err != nil {
				return nil, err
			}
			d, err := r.s.toNumber(x.typ, v)
			if err != nil {
				return nil, err
			}
			n[i], _ = d.Int64()
		}
		for range n[0] {
			if row, err := it(); err != nil || row == nil {
				return func() ([][]byte, error) { return nil, nil }, err
			}
		}
		if bounds[1] == nil {
			return it, nil
		}
		left := n[1]
		return func() ([][]byte, error) {
			if left <= 0 {
				return nil, nil
			}
			left--
			return it()
		}, nil
	}, nil
}

// block compiles FROM, WHERE, GROUP BY, HAVING and the select list.
func (c *compiler) block(q *store.Select) (*queryBlock, error) {
	inner := &compiler{s: c.s, binds: c.binds, owner: c.owner, scope: &scope{parent: c.scope}}
	b := &queryBlock{c: inner, scope: inner.scope, distinct: q.Distinct}
	joins, err := inner.from(q.From)
	if err != nil {
		return nil, err
	}
	if b.levels, err = inner.plan(joins, q.Where); err != nil {
		return nil, err
	}
	if b.grouping, err = inner.group(q); err != nil {
		return nil, err
	}
	inner.scope.grouped = b.grouping
	if q.Having != nil {
		if b.having, err = inner.cond(q.Having); err != nil {
			return nil, err
		}
	}
	for _, it := range q.Items {
		if err := b.item(it); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b *queryBlock) item(it store.Item) error {
	if it.Star {
		found := false
		for i, s := range b.scope.sources {
			if it.Table != "" && s.alias != it.Table {
				continue
			}
			found = true
			for j, col := range s.cols {
				if col.hidden {
					continue
				}
				if b.grouping != nil {
					return ora.At(it.Pos, 979, "not a GROUP BY expression")
				}
				b.items = append(b.items, column1(col.typ, 0, i, j))
				b.cols = append(b.cols, b.describe(col.name, i, j))
			}
		}
		if !found {
			return ora.At(it.Pos, 904, "%q: invalid identifier", it.Table)
		}
		return nil
	}
	e, err := b.c.expr(it.X)
	if err != nil {
		return err
	}
	name := it.Alias
	col := OutColumn{Type: e.typ}
	if r, ok := it.X.(*store.Ref); ok {
		if src, j, err := b.scope.lookup(r); err == nil && src >= 0 {
			col = b.describe(r.Column, src, j)
		}
		if name == "" {
			name = r.Column
		}
	}
	if name == "" {
		name = strings.ToUpper(strings.Join(strings.Fields(it.Text), ""))
	}
	col.Name = name
	b.items = append(b.items, e)
	b.cols = append(b.cols, col)
	return nil
}

func (b *queryBlock) describe(name string, src, col int) OutColumn {
	s := b.scope.sources[src]
	out := OutColumn{Name: name, Type: s.cols[col].typ}
	if s.table != nil && col < len(s.table.cols) {
		out.NotNull = s.table.cols[col].notNull
	}
	return out
}

func (b *queryBlock) orderBy(list []store.Order, items []store.Item) error {
	for _, o := range list {
		k := orderKey{position: -1, desc: o.Desc, nullsFirst: o.Desc}
		if o.NullsFirst != nil {
			k.nullsFirst = *o.NullsFirst
		}
		k.position = b.ordinal(o.X, items)
		if l, ok := o.X.(*literal); ok && l.typ.Kind == Number && k.position < 0 {
			return ora.At(o.Pos, 1785, "ORDER BY item must be the number of a SELECT-list expression")
		}
		var t Type
		if k.position >= 0 {
			t = b.items[k.position].typ
		} else {
			var err error
			if k.x, err = b.c.expr(o.X); err != nil {
				return err
			}
			if b.distinct {
				return ora.At(o.Pos, 1791, "not a SELECTed expression")
			}
			t = k.x.typ
		}
		var err error
		if k.compare, err = b.c.s.comparer(t, t); err != nil {
			return err
		}
		b.order = append(b.order, k)
	}
	return nil
}

// ordinal finds the item that a number or an alias names; -1 is none.
func (b *queryBlock) ordinal(x store.Expr, items []store.Item) int {
	switch x := x.(type) {
	case *literal:
		if x.typ.Kind != Number {
			return -1
		}
		d, err := b.c.s.toNumber(x.typ, x.v)
		n, ok := d.Int64()
		if err == nil && ok && n >= 1 && int(n) <= len(b.items) {
			return int(n) - 1
		}
	case *store.Ref:
		if x.Table != "" {
			return -1
		}
		for i, it := range items {
			if it.Alias == x.Column && len(items) == len(b.items) {
				return i
			}
		}
	}
	if b.distinct {
		for i, it := range items {
			if len(items) == len(b.items) && fingerprint(it.X) == fingerprint(x) {
				return i
			}
		}
	}
	return -1
}

// open begins a block's rows.
func (b *queryBlock) open(r *run, parent *env) (rowIter, error) {
	e := &env{run: r, rows: make([][][]byte, len(b.scope.sources)), parent: parent}
	base, err := b.join(e)
	if err != nil {
		return nil, err
	}
	if b.grouping != nil {
		if base, err = b.grouping.open(b, e, base); err != nil {
			return nil, err
		}
	}
	width := len(b.items)
	next := func() ([][]byte, error) {
		ok, err := base()
		if err != nil || !ok {
			return nil, err
		}
		row := make([][]byte, width, width+len(b.order))
		for i, x := range b.items {
			if row[i], err = x.eval(e); err != nil {
				return nil, err
			}
		}
		for _, k := range b.order {
			if k.position >= 0 {
				row = append(row, row[k.position])
				continue
			}
			v, err := k.x.eval(e)
			if err != nil {
				return nil, err
			}
			row = append(row, v)
		}
		return row, nil
	}
	if b.distinct {
		if next, err = b.unique(next); err != nil {
			return nil, err
		}
	}
	if len(b.order) == 0 {
		return next, nil
	}
	return sorted(next, b.order, width)
}

func (b *queryBlock) unique(in rowIter) (rowIter, error) {
	for _, x := range b.items {
		if _, err := b.c.s.comparer(x.typ, x.typ); err != nil {
			return nil, err
		}
	}
	seen := make(map[string]bool)
	return func() ([][]byte, error) {
		for {
			row, err := in()
			if err != nil || row == nil {
				return nil, err
			}
			if key := string(encodeRow(row[:len(b.items)])); !seen[key] {
				seen[key] = true
				return row, nil
			}
		}
	}, nil
}

// sorted reads all rows, whose order keys stand behind the first width values.
func sorted(in rowIter, keys []orderKey, width int) (rowIter, error) {
	var all [][][]byte
	for {
		row, err := in()
		if err != nil {
			return nil, err
		}
		if row == nil {
			break
		}
		all = append(all, row)
	}
	var failed error
	sort.SliceStable(all, func(i, j int) bool {
		for k, key := range keys {
			x, y := all[i][width+k], all[j][width+k]
			if x == nil || y == nil {
				if (x == nil) != (y == nil) {
					return (x == nil) == key.nullsFirst
				}
				continue
			}
			n, err := key.compare(x, y)
			failed = errors.Join(failed, err)
			if n != 0 {
				return (n < 0) != key.desc
			}
		}
		return false
	})
	if failed != nil {
		return nil, failed
	}
	return func() ([][]byte, error) {
		if len(all) == 0 {
			return nil, nil
		}
		row := all[0][:width]
		all = all[1:]
		return row, nil
	}, nil
}
