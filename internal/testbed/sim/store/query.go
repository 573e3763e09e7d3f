package store

import "slices"

// Query is a compiled SELECT.
type Query struct {
	Columns []Column
	// Base is the table of a query over one table, for locks; nil else.
	Base *Relation
	// Plain says that it returns every row of Base as it lies there.
	Plain bool
	Lock  *Locking

	c             *Compiler
	main          *block
	sets          []setQuery
	order         []ordering // over the output, where there are sets
	limit, offset *node
}

type setQuery struct {
	op  string
	all bool
	q   *Query
}

// Query compiles a SELECT.
func (c *Compiler) Query(q *Select) (*Query, error) { return c.query(&scope{}, q) }

func (c *Compiler) query(s *scope, x *Select) (*Query, error) {
	if len(x.With) > 0 {
		ctes := make(map[string]CTE, len(x.With)+len(s.ctes))
		for name, cte := range s.ctes {
			ctes[name] = cte
		}
		for _, cte := range x.With {
			ctes[cte.Name] = cte
		}
		s.ctes = ctes
	}
	q := &Query{c: c, Lock: x.Lock}
	var order []Order
	if len(x.Sets) == 0 {
		order = x.Order
	}
	b, err := c.block(s, x, order)
	if err != nil {
		return nil, err
	}
	q.main, q.Columns = b, b.columns
	if len(b.sources) == 1 && b.sources[0].rel != nil && b.sources[0].rel.Table != nil {
		q.Base = b.sources[0].rel
		q.Plain = len(x.From) == 1 && x.Where == nil && b.groups == nil && !x.Distinct && len(x.Order)+len(x.Sets)+len(b.windows) == 0 && x.Limit == nil && x.Offset == nil
	}
	if err := c.setOperations(s, x, q); err != nil {
		return nil, err
	}
	for _, bound := range []struct {
		x   Expr
		dst **node
	}{{x.Limit, &q.limit}, {x.Offset, &q.offset}} {
		if bound.x != nil {
			n, err := c.compile(&scope{outer: s.outer}, bound.x)
			if err != nil {
				return nil, err
			}
			c.settle(&n, Type{Name: c.D.IntType, Kind: Int})
			*bound.dst = &n
		}
	}
	return q, nil
}

func (c *Compiler) setOperations(s *scope, x *Select, q *Query) error {
	for _, set := range x.Sets {
		in := &scope{outer: s.outer, ctes: s.ctes}
		other, err := c.query(in, set.Query)
		if err != nil {
			return err
		}
		s.crossed = s.crossed || in.crossed
		if len(other.Columns) != len(q.Columns) {
			return fail(TooManyValues, set.Query.Pos, "", "queries of different widths")
		}
		for i := range q.Columns {
			if q.Columns[i].Type.Name == "" {
				q.Columns[i].Type = other.Columns[i].Type
			} else if other.Columns[i].Type.Name != "" {
				if q.Columns[i].Type, err = c.D.Common("", q.Columns[i].Type, other.Columns[i].Type); err != nil {
					return at(err, set.Query.Pos)
				}
			}
		}
		q.sets = append(q.sets, setQuery{set.Op, set.All, other})
	}
	if len(x.Sets) == 0 {
		return nil
	}
	for _, o := range x.Order {
		i, err := outputOf(o, q.Columns)
		if err != nil {
			return err
		}
		q.order = append(q.order, ordering{node{eval: func(e *Env) (Value, error) { return e.rows[0][i], nil }}, o.Desc, nullsFirst(o)})
	}
	return nil
}

// outputOf finds the output column that ORDER BY names or counts.
func outputOf(o Order, columns []Column) (int, error) {
	switch x := o.X.(type) {
	case *Literal:
		if x.Value.K == Int && x.Value.I >= 1 && x.Value.I <= int64(len(columns)) {
			return int(x.Value.I) - 1, nil
		}
	case *Ref:
		for i, col := range columns {
			if x.Table == "" && col.Name == x.Column {
				return i, nil
			}
		}
		return 0, fail(NoColumn, o.Pos, x.Column, "invalid column name")
	}
	return 0, fail(BadOrdinal, o.Pos, "", "ORDER BY item must be the number of a SELECT-list")
}

// emitter takes one row, which it may not keep, and says whether it wants more.
type emitter func(row []Value) (more bool, err error)

// Run executes the query; emit may not keep the row.
func (q *Query) Run(e *Env, emit func(row []Value) (more bool, err error)) error {
	return q.run(&Env{Ctx: e.Ctx, Params: e.Params, Snapshot: e.Snapshot, cache: e.cache}, emit)
}

func (q *Query) run(e *Env, emit emitter) error {
	emit, err := q.bounded(e, emit)
	if err != nil || emit == nil {
		return err
	}
	if len(q.sets) == 0 {
		return q.main.run(e, emit)
	}
	var rows [][]Value
	collect := func(row []Value) (bool, error) {
		rows = append(rows, slices.Clone(row))
		return true, nil
	}
	if err := q.main.run(e, collect); err != nil {
		return err
	}
	for _, s := range q.sets {
		first := rows
		rows = nil
		if err := s.q.run(e, collect); err != nil {
			return err
		}
		rows = combine(s, first, rows)
	}
	if len(q.order) > 0 {
		slices.SortStableFunc(rows, func(a, b []Value) int {
			return q.c.orderRows(q.order, q.keys(a), q.keys(b))
		})
	}
	for _, row := range rows {
		if more, err := emit(row); err != nil || !more {
			return err
		}
	}
	return nil
}

func (q *Query) keys(row []Value) []Value {
	out := make([]Value, len(q.order))
	for i, o := range q.order {
		out[i], _ = o.node.eval(&Env{rows: [][]Value{row}})
	}
	return out
}

func combine(s setQuery, first, second [][]Value) [][]Value {
	if s.op == "UNION" && s.all {
		return append(first, second...)
	}
	counts := make(map[string]int)
	for _, row := range second {
		counts[string(normalRow(row))]++
	}
	if s.op == "UNION" {
		first = append(first, second...)
	}
	seen := make(map[string]bool)
	var out [][]Value
	for _, row := range first {
		key := string(normalRow(row))
		in := counts[key] > 0
		if seen[key] || s.op == "EXCEPT" && in || s.op == "INTERSECT" && !in {
			continue
		}
		seen[key] = true
		out = append(out, row)
	}
	return out
}

// bounded applies LIMIT and OFFSET; nil where nothing is wanted.
func (q *Query) bounded(e *Env, emit emitter) (emitter, error) {
	limit, offset := int64(-1), int64(0)
	for _, bound := range []struct {
		n   *node
		dst *int64
	}{{q.limit, &limit}, {q.offset, &offset}} {
		if bound.n == nil {
			continue
		}
		v, err := bound.n.eval(e)
		if err != nil {
			return nil, err
		}
		if v.K != Int || v.I < 0 {
			return nil, fail(TypeMismatch, -1, "", "bound is not a whole number")
		}
		*bound.dst = v.I
	}
	if limit < 0 && offset == 0 {
		return emit, nil
	}
	if limit == 0 {
		return nil, nil
	}
	seen := int64(0)
	return func(row []Value) (bool, error) {
		seen++
		if seen <= offset {
			return true, nil
		}
		more, err := emit(row)
		return more && (limit < 0 || seen < offset+limit), err
	}, nil
}
