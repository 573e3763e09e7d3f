package store

import "math"

// block is one compiled SELECT without its set operations.
type block struct {
	c        *Compiler
	columns  []Column
	sources  []*source
	before   []node // conditions that read no source
	items    []node
	distinct bool
	order    []ordering
	byOutput []int // of order: the output column, or -1
	groups   *grouping
	having   *node
	windows  []*windowCall
}

func (c *Compiler) block(s *scope, x *Select, order []Order) (*block, error) {
	b := &block{c: c, distinct: x.Distinct}
	var conditions []Expr
	for _, f := range x.From {
		if err := c.from(s, f, &conditions); err != nil {
			return nil, err
		}
	}
	b.sources = s.sources
	conditions = conjuncts(x.Where, conditions)
	if err := c.where(s, b, conditions); err != nil {
		return nil, err
	}
	if err := c.grouping(s, b, x); err != nil {
		return nil, err
	}
	s.windows = &b.windows
	if err := c.list(s, b, x.Items); err != nil {
		return nil, err
	}
	for _, col := range b.columns {
		if err := c.sortable(col.Type, x.Pos); err != nil && x.Distinct {
			return nil, err
		}
	}
	for _, o := range order {
		if err := c.orderItem(s, b, o); err != nil {
			return nil, err
		}
	}
	s.windows = nil
	for _, src := range b.sources {
		c.access(src)
	}
	return b, nil
}

func conjuncts(x Expr, out []Expr) []Expr {
	if b, ok := x.(*Binary); ok && b.Op == "AND" {
		return conjuncts(b.R, conjuncts(b.L, out))
	}
	if x == nil {
		return out
	}
	return append(out, x)
}

// from adds the sources of one element of FROM; the conditions of inner joins go
// to those of WHERE.
func (c *Compiler) from(s *scope, f From, conditions *[]Expr) error {
	switch f := f.(type) {
	case *TableRef, *QueryRef:
		src, err := c.leaf(s, f)
		if err != nil {
			return err
		}
		s.sources = append(s.sources, src)
		return nil
	case *Join:
		if f.Kind == "RIGHT" {
			f = &Join{Kind: "LEFT", L: f.R, R: f.L, On: f.On}
		}
		if f.Kind == "FULL" {
			return fail(Unsupported, -1, "FULL", "full outer join")
		}
		if err := c.from(s, f.L, conditions); err != nil {
			return err
		}
		if f.Kind != "LEFT" {
			if err := c.from(s, f.R, conditions); err != nil {
				return err
			}
			*conditions = conjuncts(f.On, *conditions)
			return nil
		}
		src, err := c.leaf(s, f.R)
		if err != nil {
			return err
		}
		s.sources = append(s.sources, src)
		for _, x := range conjuncts(f.On, nil) {
			n, err := c.compile(s, x)
			if err != nil {
				return err
			}
			src.on = append(src.on, n)
		}
		src.left = true
		return nil
	}
	return fail(Unsupported, -1, "", "join")
}

func (c *Compiler) leaf(s *scope, f From) (*source, error) {
	switch f := f.(type) {
	case *QueryRef:
		src := &source{alias: f.Alias}
		return src, c.derived(s, src, f.Query)
	case *TableRef:
		if cte, ok := s.ctes[f.Name.Name]; ok && f.Name.Schema == "" {
			src := &source{alias: f.Alias}
			if f.Alias == "" {
				src.alias = cte.Name
			}
			if err := c.derived(s, src, cte.Query); err != nil {
				return nil, err
			}
			for i, name := range cte.Columns {
				if i < len(src.query.Columns) {
					src.query.Columns[i].Name = name
				}
			}
			return src, nil
		}
		rel, err := c.Names.Relation(f)
		if err != nil {
			return nil, at(err, f.Name.Pos)
		}
		src := &source{alias: f.Alias, rel: rel}
		if f.Alias == "" {
			src.alias, src.schema = rel.Name, rel.Schema
		}
		if rel.Query != nil {
			if err := c.derived(&scope{}, src, rel.Query); err != nil {
				return nil, err
			}
			for i, col := range rel.Columns {
				src.query.Columns[i].Name = col.Name
			}
		}
		return src, nil
	}
	return nil, fail(Unsupported, -1, "", "right side of an outer join")
}

// derived compiles a query in FROM; it sees what is around the block, not in it.
func (c *Compiler) derived(s *scope, src *source, x *Select) (err error) {
	in := &scope{outer: s.outer, ctes: s.ctes}
	src.query, err = c.query(in, x)
	src.crossed = in.crossed
	s.crossed = s.crossed || in.crossed
	return err
}

// where spreads the conditions over the sources with which they can be decided.
func (c *Compiler) where(s *scope, b *block, conditions []Expr) error {
	for _, x := range conditions {
		n, err := c.compile(s, x)
		if err != nil {
			return err
		}
		if err := c.condition(n, 0); err != nil {
			return err
		}
		if n.uses < 0 {
			b.before = append(b.before, n)
			continue
		}
		src := b.sources[n.uses]
		src.filter = append(src.filter, n)
		c.equality(s, src, x, n.uses)
	}
	return nil
}

// equality notes what a condition says for finding rows faster: an equation of a
// column with what is known before.
func (c *Compiler) equality(s *scope, src *source, x Expr, index int) {
	b, ok := x.(*Binary)
	if !ok || b.Op != "=" {
		return
	}
	if _, tuple := b.L.(*Tuple); tuple {
		return
	}
	l, errL := c.compile(s, b.L)
	r, errR := c.compile(s, b.R)
	if errL != nil || errR != nil || l.typ.Kind != r.typ.Kind {
		return
	}
	switch {
	case l.uses == index && r.uses < index:
		src.hash = append(src.hash, hashKey{l, r})
	case r.uses == index && l.uses < index:
		src.hash = append(src.hash, hashKey{r, l})
	}
}

// access chooses how a source's rows are found.
func (c *Compiler) access(src *source) {
	if src.rel == nil || src.rel.Table == nil || src.left || src.rel.Keep != nil || src.rel.Part != nil {
		return
	}
	for _, x := range src.rel.Table.Indexes() {
		l := &lookup{index: x}
		for _, col := range x.Columns {
			for _, k := range src.hash {
				if isColumn(k.mine, src, col) {
					l.key = append(l.key, k.theirs)
					l.types = append(l.types, src.rel.Columns[col].Type)
					break
				}
			}
		}
		if len(l.key) == len(x.Columns) {
			src.lookup = l
			return
		}
	}
}

// isColumn says whether a node is nothing but one column: it is evaluated over a
// row that has a mark in that column.
func isColumn(n node, src *source, col int) bool {
	e := &Env{rows: make([][]Value, n.uses+1), hits: make([]Hit, n.uses+1)}
	row := make([]Value, len(src.columns()))
	row[col] = Value{K: Text, S: "\x00mark"}
	e.rows[n.uses] = row
	v, err := n.eval(e)
	return err == nil && v.S == "\x00mark"
}

func (c *Compiler) grouping(s *scope, b *block, x *Select) error {
	if len(x.Group) == 0 && x.Having == nil && !aggregated(x) {
		return nil
	}
	g := &grouping{}
	for _, e := range x.Group {
		n, err := c.compile(s, e)
		if err != nil {
			return err
		}
		if err := c.sortable(n.typ, x.Pos); err != nil {
			return err
		}
		g.keys = append(g.keys, c.key(s, e))
		g.nodes = append(g.nodes, n)
	}
	b.groups, s.grouping = g, g
	if x.Having != nil {
		n, err := c.compile(s, x.Having)
		if err != nil {
			return err
		}
		b.having = &n
	}
	return nil
}

// aggregated says whether the list or the order has an aggregate outside of subqueries.
func aggregated(x *Select) bool {
	found := false
	var walk func(Expr)
	walk = func(x Expr) {
		switch x := x.(type) {
		case *Call:
			found = found || aggregates[x.Name] && x.Over == nil
			for _, a := range x.Args {
				walk(a)
			}
		case *Unary:
			walk(x.X)
		case *Binary:
			walk(x.L)
			walk(x.R)
		case *Cast:
			walk(x.X)
		case *IsNull:
			walk(x.X)
		case *Case:
			walk(x.Operand)
			walk(x.Else)
			for _, w := range x.When {
				walk(w.If)
				walk(w.Then)
			}
		}
	}
	for _, it := range x.Items {
		walk(it.X)
	}
	for _, o := range x.Order {
		walk(o.X)
	}
	return found
}

func (c *Compiler) list(s *scope, b *block, items []Item) error {
	for _, it := range items {
		if it.Star {
			if err := c.star(s, b, it); err != nil {
				return err
			}
			continue
		}
		n, err := c.compile(s, it.X)
		if err != nil {
			return err
		}
		col := Column{Name: it.Alias, Type: n.typ}
		ref, plain := it.X.(*Ref)
		if plain && n.uses >= 0 && n.uses < math.MaxInt && n.uses < len(b.sources) && b.sources[n.uses].rel != nil {
			rel := b.sources[n.uses].rel
			col.Schema, col.Table, col.Origin = rel.Schema, rel.Name, ref.Column
		}
		if col.Name == "" && plain {
			col.Name = ref.Column
		} else if col.Name == "" {
			col.Name = it.Text
		}
		b.items = append(b.items, n)
		b.columns = append(b.columns, col)
	}
	return nil
}

func (c *Compiler) star(s *scope, b *block, it Item) error {
	found := false
	for _, src := range b.sources {
		if it.Table != "" && it.Table != src.alias {
			continue
		}
		found = true
		for _, col := range src.columns() {
			n, err := c.compile(s, &Ref{Table: src.alias, Schema: src.schema, Column: col.Name, Pos: it.Pos, Quoted: true})
			if err != nil {
				return err
			}
			out := Column{Name: col.Name, Type: n.typ, Origin: col.Name}
			if src.rel != nil {
				out.Schema, out.Table = src.rel.Schema, src.rel.Name
			}
			b.items = append(b.items, n)
			b.columns = append(b.columns, out)
		}
	}
	if !found {
		return fail(NoTable, it.Pos, it.Table, "invalid table name")
	}
	return nil
}

// sortable fails for types that do not compare with themselves, as LOBs.
func (c *Compiler) sortable(t Type, pos int) error {
	if t.Name == "" {
		return nil
	}
	_, err := c.D.Common("=", t, t)
	return at(err, pos)
}

func (c *Compiler) orderItem(s *scope, b *block, o Order) error {
	out := -1
	if l, ok := o.X.(*Literal); ok && l.Value.K == Int {
		i, err := outputOf(o, b.columns)
		if err != nil {
			return err
		}
		out = i
	}
	if r, ok := o.X.(*Ref); ok && r.Table == "" {
		for i, col := range b.columns {
			if col.Name == r.Column {
				out = i
			}
		}
	}
	ord := ordering{desc: o.Desc, nullsFirst: nullsFirst(o)}
	if out < 0 {
		n, err := c.compile(s, o.X)
		if err != nil {
			return err
		}
		ord.node = n
	}
	typ := ord.node.typ
	if out >= 0 {
		typ = b.columns[out].Type
	}
	if err := c.sortable(typ, o.Pos); err != nil {
		return err
	}
	b.order = append(b.order, ord)
	b.byOutput = append(b.byOutput, out)
	return nil
}
