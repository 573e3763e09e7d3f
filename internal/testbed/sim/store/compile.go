package store

// Compiler turns parsed statements into ones that run. It is used for one statement.
type Compiler struct {
	D      *Dialect
	Names  Resolver
	Params []Type // of the placeholders; Name is "" where nothing says it
}

// Over compiles an expression over the columns of one relation; Env.Over makes what
// it is evaluated with. A bare placeholder takes the type that is wanted.
func (c *Compiler) Over(rel *Relation, alias string, x Expr, want Type) (Compiled, error) {
	s := &scope{sources: []*source{{alias: aliasOf(rel, alias), schema: rel.Schema, rel: rel}}}
	n, err := c.compile(s, x)
	if err != nil {
		return Compiled{}, err
	}
	c.settle(&n, want)
	return Compiled{node: n}, nil
}

func aliasOf(rel *Relation, alias string) string {
	if alias != "" {
		return alias
	}
	return rel.Name
}

// Value compiles an expression without columns, for a place that wants a type;
// a bare placeholder takes that type.
func (c *Compiler) Value(x Expr, want Type) (Compiled, error) {
	n, err := c.compile(&scope{}, x)
	if err != nil {
		return Compiled{}, err
	}
	c.settle(&n, want)
	return Compiled{node: n}, nil
}

// settle gives a placeholder of open type the type that its place wants.
func (c *Compiler) settle(n *node, want Type) {
	if n.param > 0 && n.typ.Name == "" && want.Name != "" {
		want.NotNull = false
		c.Params[n.param-1] = want
		n.typ = want
		n.param = 0
	}
}

// param registers a placeholder.
func (c *Compiler) param(x *Placeholder) node {
	for len(c.Params) <= x.Index {
		c.Params = append(c.Params, Type{})
	}
	i := x.Index
	n := node{typ: c.Params[i], uses: -1, eval: func(e *Env) (Value, error) {
		if i >= len(e.Params) {
			return Value{}, fail(NotEnoughValues, -1, "", "not all parameters are bound")
		}
		return e.Params[i], nil
	}}
	if n.typ.Name == "" {
		n.param = i + 1
	}
	return n
}

func constant(v Value, t Type) node {
	return node{typ: t, uses: -1, fixed: true, eval: func(*Env) (Value, error) { return v, nil }}
}

// with joins what operands read.
func with(t Type, eval func(*Env) (Value, error), operands ...node) node {
	n := node{typ: t, eval: eval, uses: -1, fixed: true}
	for _, o := range operands {
		n.uses = max(n.uses, o.uses)
		n.outer = n.outer || o.outer
		n.fixed = n.fixed && o.fixed
	}
	return n
}

func (c *Compiler) compile(s *scope, x Expr) (node, error) {
	if g := s.grouping; g != nil && !g.inside {
		if n, ok := g.grouped(c.key(s, x)); ok {
			return n, nil
		}
	}
	switch x := x.(type) {
	case *Literal:
		return constant(x.Value, x.Type), nil
	case *Placeholder:
		return c.param(x), nil
	case *Ref:
		return c.column(s, x)
	case *Unary:
		return c.unary(s, x)
	case *Binary:
		return c.binary(s, x)
	case *In:
		return c.in(s, x)
	case *Between:
		return c.between(s, x)
	case *Like:
		return c.like(s, x)
	case *IsNull:
		n, err := c.compile(s, x.X)
		return with(c.bool(), func(e *Env) (Value, error) {
			v, err := n.eval(e)
			return BoolValue(v.IsNull() != x.Not), err
		}, n), err
	case *Case:
		return c.caseOf(s, x)
	case *Call:
		return c.call(s, x)
	case *Cast:
		n, err := c.compile(s, x.X)
		if err != nil {
			return n, err
		}
		c.settle(&n, x.Type)
		return with(x.Type, func(e *Env) (Value, error) {
			v, err := n.eval(e)
			if err != nil || v.IsNull() {
				return v, err
			}
			return c.D.Convert(v, x.Type)
		}, n), nil
	case *Exists:
		return c.exists(s, x)
	case *Subquery:
		return c.scalar(s, x)
	case *Tuple:
		return node{}, fail(Syntax, x.Pos, "(", "incorrect syntax near")
	case *IsKind:
		return node{}, fail(Syntax, x.Pos, x.Word, "incorrect syntax near")
	case *Outer:
		return node{}, fail(Syntax, x.Pos, "+", "incorrect syntax near")
	}
	return node{}, fail(Unsupported, -1, "", "expression")
}

func (c *Compiler) bool() Type { return Type{Name: c.D.BoolType, Kind: Bool} }

// column finds a column in the block or in those around it.
func (c *Compiler) column(s *scope, r *Ref) (node, error) {
	for at, level := s, 0; at != nil; at, level = at.outer, level+1 {
		n, found, err := c.columnOf(at, r)
		if err != nil {
			return node{}, err
		}
		if !found {
			continue
		}
		if g := at.grouping; g != nil && !g.inside {
			return node{}, fail(NotGrouped, r.Pos, r.Column, "not a GROUP BY expression")
		}
		if level == 0 {
			return n, nil
		}
		for o, i := s, 0; i < level; o, i = o.outer, i+1 {
			o.crossed = true
		}
		inner := n.eval
		return node{typ: n.typ, uses: -1, outer: true, eval: func(e *Env) (Value, error) {
			for range level {
				e = e.outer
			}
			return inner(e)
		}}, nil
	}
	eval, typ, err := c.Names.Pseudo(r)
	if err != nil {
		return node{}, err
	}
	if eval != nil {
		return node{typ: typ, uses: -1, eval: func(e *Env) (Value, error) { return eval(e.Ctx) }}, nil
	}
	name := r.Column
	if r.Table != "" {
		name = r.Table + "." + name
	}
	return node{}, fail(NoColumn, r.Pos, name, "invalid column name")
}

// columnOf finds a column among the sources of one block.
func (c *Compiler) columnOf(s *scope, r *Ref) (out node, found bool, err error) {
	for i, src := range s.sources {
		if r.Table != "" && (r.Table != src.alias || r.Schema != "" && r.Schema != src.schema) {
			continue
		}
		for j, col := range src.columns() {
			if col.Name != r.Column {
				continue
			}
			if found {
				return node{}, false, fail(AmbiguousColumn, r.Pos, r.Column, "column ambiguously defined")
			}
			found = true
			typ := col.Type
			if src.left {
				typ.NotNull = false
			}
			out = node{typ: typ, uses: i, eval: func(e *Env) (Value, error) { return e.rows[i][j], nil }}
		}
		if src.rel == nil || found {
			continue
		}
		if p, ok := src.rel.Pseudo[r.Column]; ok && !r.Quoted {
			found = true
			out = node{typ: p.Type, uses: i, eval: func(e *Env) (Value, error) { return p.Value(e.hits[i]), nil }}
		}
	}
	return out, found, nil
}

func (s *source) columns() []Column {
	if s.query != nil {
		return s.query.Columns
	}
	return s.rel.Columns
}

func (c *Compiler) unary(s *scope, x *Unary) (node, error) {
	n, err := c.compile(s, x.X)
	if err != nil {
		return n, err
	}
	if x.Op == "NOT" {
		if err := c.condition(n, x.Pos); err != nil {
			return n, err
		}
		return with(c.bool(), func(e *Env) (Value, error) {
			v, err := n.eval(e)
			if err != nil || v.IsNull() {
				return v, err
			}
			return BoolValue(v.I == 0), nil
		}, n), nil
	}
	return with(n.typ, func(e *Env) (Value, error) {
		v, err := n.eval(e)
		if err != nil || v.IsNull() || x.Op == "+" {
			return v, err
		}
		if !v.Numeric() {
			return v, fail(TypeMismatch, x.Pos, "", "inconsistent datatype")
		}
		v, kind := arithmetic("-", IntValue(0), v, c.D.Digits)
		if kind != 0 {
			return v, fail(kind, x.Pos, "", "numeric overflow")
		}
		return v, nil
	}, n), nil
}

// condition fails where an expression is not a truth value.
func (c *Compiler) condition(n node, pos int) error {
	if n.typ.Kind != Bool && n.typ.Name != "" {
		return fail(Syntax, pos, "", "condition expected")
	}
	return nil
}

func (c *Compiler) caseOf(s *scope, x *Case) (node, error) {
	var all []node
	var typ Type
	result := func(n node) error {
		if n.typ.Name == "" {
			return nil
		}
		if typ.Name == "" {
			typ = n.typ
			return nil
		}
		var err error
		typ, err = c.D.Common("", typ, n.typ)
		return err
	}
	type branch struct{ test, then node }
	var branches []branch
	for _, w := range x.When {
		test := w.If
		if x.Operand != nil {
			test = &Binary{Op: "=", L: x.Operand, R: w.If, Pos: x.Pos}
		}
		t, err := c.compile(s, test)
		if err != nil {
			return node{}, err
		}
		then, err := c.compile(s, w.Then)
		if err != nil {
			return node{}, err
		}
		if err := result(then); err != nil {
			return node{}, err
		}
		branches = append(branches, branch{t, then})
		all = append(all, t, then)
	}
	otherwise := constant(Value{}, Type{})
	if x.Else != nil {
		n, err := c.compile(s, x.Else)
		if err != nil {
			return node{}, err
		}
		if err := result(n); err != nil {
			return node{}, err
		}
		otherwise = n
		all = append(all, n)
	}
	typ.NotNull = false
	return with(typ, func(e *Env) (Value, error) {
		for _, b := range branches {
			v, err := b.test.eval(e)
			if err != nil {
				return v, err
			}
			if v.True() {
				return b.then.eval(e)
			}
		}
		return otherwise.eval(e)
	}, all...), nil
}

// call compiles a function; aggregates and windows are elsewhere.
func (c *Compiler) call(s *scope, x *Call) (node, error) {
	if x.Over != nil {
		return c.windowCall(s, x)
	}
	if aggregates[x.Name] && x.Schema == "" {
		return c.aggregate(s, x)
	}
	f, ok := c.D.Functions[x.Name]
	if !ok || x.Schema != "" {
		name := x.Name
		if x.Schema != "" {
			name = x.Schema + "." + name
			f, ok = c.D.Functions[name]
		}
		if !ok {
			return node{}, fail(NoFunction, x.Pos, name, "invalid name of function or procedure")
		}
	}
	if x.Star || len(x.Args) < f.Min || f.Max >= 0 && len(x.Args) > f.Max {
		return node{}, fail(WrongArguments, x.Pos, x.Name, "wrong number of arguments in function invocation")
	}
	args := make([]node, len(x.Args))
	types := make([]Type, len(x.Args))
	for i, a := range x.Args {
		n, err := c.compile(s, a)
		if err != nil {
			return n, err
		}
		args[i], types[i] = n, n.typ
	}
	for i := range args {
		for _, t := range types {
			c.settle(&args[i], t)
		}
		types[i] = args[i].typ
	}
	typ, err := f.Type(types)
	if err != nil {
		return node{}, at(err, x.Pos)
	}
	eval := f.Eval
	if f.Bind != nil {
		eval = f.Bind(types)
	}
	return with(typ, func(e *Env) (Value, error) {
		values := make([]Value, len(args))
		for i, a := range args {
			v, err := a.eval(e)
			if err != nil {
				return v, err
			}
			if v.IsNull() && !f.Nulls {
				return v, nil
			}
			values[i] = v
		}
		return eval(values)
	}, args...), nil
}

// at gives an error without position one.
func at(err error, pos int) error {
	if e, ok := err.(*Error); ok && e.Pos < 0 { //nolint:errorlint // made here and never wrapped
		e.Pos = pos
	}
	return err
}
