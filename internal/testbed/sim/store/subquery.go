package store

func (c *Compiler) inner(s *scope, q *Select) (*Query, bool, error) {
	in := &scope{outer: s, ctes: s.ctes}
	compiled, err := c.query(in, q)
	return compiled, in.crossed, err
}

// results runs a subquery; one that reads nothing of the rows around it runs once.
func (q *Query) results(e *Env, crossed bool) ([][]Value, error) {
	if !crossed {
		if r, ok := e.cache[q]; ok {
			return r.([][]Value), nil
		}
	}
	var out [][]Value
	err := q.run(e, func(row []Value) (bool, error) {
		out = append(out, append([]Value(nil), row...))
		return true, nil
	})
	if err == nil && !crossed {
		e.cache[q] = out
	}
	return out, err
}

// subnode is a node that depends on a subquery: on the whole row where it reads it.
func subnode(s *scope, t Type, crossed bool, eval func(*Env) (Value, error)) node {
	n := node{typ: t, uses: -1, eval: eval}
	if crossed {
		n.uses = len(s.sources) - 1
		n.outer = s.outer != nil
		s.crossed = s.crossed || s.outer != nil
	}
	return n
}

func (c *Compiler) exists(s *scope, x *Exists) (node, error) {
	q, crossed, err := c.inner(s, x.Query)
	if err != nil {
		return node{}, err
	}
	return subnode(s, c.bool(), crossed, func(e *Env) (Value, error) {
		if !crossed {
			rows, err := q.results(e, false)
			return BoolValue(len(rows) > 0), err
		}
		found := false
		err := q.run(e, func([]Value) (bool, error) {
			found = true
			return false, nil
		})
		return BoolValue(found), err
	}), nil
}

func (c *Compiler) scalar(s *scope, x *Subquery) (node, error) {
	q, crossed, err := c.inner(s, x.Query)
	if err != nil {
		return node{}, err
	}
	if len(q.Columns) != 1 {
		return node{}, fail(TooManyValues, x.Pos, "", "subquery has several columns")
	}
	typ := q.Columns[0].Type
	typ.NotNull = false
	return subnode(s, typ, crossed, func(e *Env) (Value, error) {
		rows, err := q.results(e, crossed)
		if err != nil || len(rows) == 0 {
			return Value{}, err
		}
		if len(rows) > 1 {
			return Value{}, fail(ManyRows, x.Pos, "", "single-row query returns more than one row")
		}
		return rows[0][0], nil
	}), nil
}

// membership is the rows of an IN's subquery.
type membership struct {
	set   map[string]bool
	nulls bool
	rows  [][]Value
}

func (c *Compiler) inQuery(s *scope, x *In) (node, error) {
	items := []Expr{x.X}
	if t, ok := x.X.(*Tuple); ok {
		items = t.Items
	}
	left := make([]node, len(items))
	q, crossed, err := c.inner(s, x.Query)
	if err != nil {
		return node{}, err
	}
	if len(q.Columns) != len(items) {
		return node{}, fail(TooManyValues, x.Pos, "", "lists of different lengths")
	}
	for i, item := range items {
		if left[i], err = c.compile(s, item); err != nil {
			return node{}, err
		}
		c.settle(&left[i], q.Columns[i].Type)
		if left[i].typ.Name != "" && left[i].typ.Kind != q.Columns[i].Type.Kind {
			if _, err := c.D.Common("=", left[i].typ, q.Columns[i].Type); err != nil {
				return node{}, at(err, x.Pos)
			}
		}
	}
	n := subnode(s, c.bool(), crossed, func(e *Env) (Value, error) {
		m, err := q.members(e, crossed)
		if err != nil {
			return Value{}, err
		}
		values := make([]Value, len(left))
		for i, l := range left {
			if values[i], err = l.eval(e); err != nil || values[i].IsNull() {
				return Value{}, err
			}
		}
		found, err := c.contains(m, values)
		if err != nil || !found && m.nulls {
			return Value{}, err
		}
		return BoolValue(found != x.Not), nil
	})
	for _, l := range left {
		n.uses, n.outer = max(n.uses, l.uses), n.outer || l.outer
	}
	return n, nil
}

func (q *Query) members(e *Env, crossed bool) (*membership, error) {
	type cacheKey struct{ q *Query }
	if !crossed {
		if m, ok := e.cache[cacheKey{q}]; ok {
			return m.(*membership), nil
		}
	}
	rows, err := q.results(e, crossed)
	if err != nil {
		return nil, err
	}
	m := &membership{set: make(map[string]bool, len(rows)), rows: rows}
	for _, row := range rows {
		for _, v := range row {
			m.nulls = m.nulls || v.IsNull()
		}
		m.set[string(normalRow(row))] = true
	}
	if !crossed {
		e.cache[cacheKey{q}] = m
	}
	return m, nil
}

// normalRow encodes values so that equal numbers are equal bytes.
func normalRow(row []Value) []byte {
	var b []byte
	for _, v := range row {
		if v.K == Int {
			v.K = Dec
		}
		b = AppendValue(b, Normalize(v))
	}
	return b
}

// contains looks in the set first; values of other kinds are compared one by one.
func (c *Compiler) contains(m *membership, values []Value) (bool, error) {
	if m.set[string(normalRow(values))] {
		return true, nil
	}
	if len(m.rows) == 0 || sameKinds(m.rows[0], values) {
		return false, nil
	}
	for _, row := range m.rows {
		equal := true
		for i, v := range row {
			if v.IsNull() {
				equal = false
				break
			}
			order, err := c.compare(values[i], v)
			if err != nil {
				return false, err
			}
			equal = equal && order == 0
		}
		if equal {
			return true, nil
		}
	}
	return false, nil
}

func sameKinds(a, b []Value) bool {
	for i := range a {
		if a[i].K != b[i].K {
			return false
		}
	}
	return true
}
