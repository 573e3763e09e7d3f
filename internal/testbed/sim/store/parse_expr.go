package store

import "encoding/hex"

// Expression reads a condition or a value.
func (p *Parser) Expression() (Expr, error) { return p.or() }

func (p *Parser) or() (Expr, error) {
	l, err := p.and()
	for err == nil && p.Is("OR") {
		pos := p.Next().Pos
		var r Expr
		if r, err = p.and(); err == nil {
			l = &Binary{Op: "OR", L: l, R: r, Pos: pos}
		}
	}
	return l, err
}

func (p *Parser) and() (Expr, error) {
	l, err := p.not()
	for err == nil && p.Is("AND") {
		pos := p.Next().Pos
		var r Expr
		if r, err = p.not(); err == nil {
			l = &Binary{Op: "AND", L: l, R: r, Pos: pos}
		}
	}
	return l, err
}

func (p *Parser) not() (Expr, error) {
	if !p.Is("NOT") {
		return p.predicate()
	}
	pos := p.Next().Pos
	x, err := p.not()
	return &Unary{Op: "NOT", X: x, Pos: pos}, err
}

func (p *Parser) predicate() (Expr, error) {
	l, err := p.sum()
	if err != nil {
		return nil, err
	}
	for _, op := range []string{"=", "<>", "!=", "<=", ">=", "<", ">"} {
		if !p.Is(op) {
			continue
		}
		pos := p.Next().Pos
		if op == "!=" {
			op = "<>"
		}
		r, err := p.sum()
		return &Binary{Op: op, L: l, R: r, Pos: pos}, err
	}
	pos := p.Peek(0).Pos
	if p.Accept("IS") {
		not := p.Accept("NOT")
		if p.Accept("NULL") {
			return &IsNull{X: l, Not: not}, nil
		}
		if t := p.Peek(0); t.Kind == Word {
			p.at++
			return &IsKind{X: l, Word: t.Text, Not: not, Pos: pos}, nil
		}
		return nil, p.Unexpected()
	}
	not := false
	if p.Is("NOT", "IN") || p.Is("NOT", "BETWEEN") || p.Is("NOT", "LIKE") {
		p.at++
		not = true
	}
	switch {
	case p.Accept("IN"):
		return p.in(l, not, pos)
	case p.Accept("BETWEEN"):
		low, err := p.sum()
		if err == nil {
			err = p.Expect("AND")
		}
		if err != nil {
			return nil, err
		}
		high, err := p.sum()
		return &Between{X: l, Low: low, High: high, Not: not, Pos: pos}, err
	case p.Accept("LIKE"):
		pattern, err := p.sum()
		if err != nil {
			return nil, err
		}
		like := &Like{X: l, Pattern: pattern, Not: not, Pos: pos}
		if p.Accept("ESCAPE") {
			like.Escape, err = p.sum()
		}
		return like, err
	}
	return l, nil
}

func (p *Parser) in(l Expr, not bool, pos int) (Expr, error) {
	if err := p.Expect("("); err != nil {
		return nil, err
	}
	in := &In{X: l, Not: not, Pos: pos}
	var err error
	if p.Is("SELECT") || p.Is("WITH") {
		in.Query, err = p.Query()
	} else {
		in.List, err = p.list()
	}
	if err != nil {
		return nil, err
	}
	return in, p.Expect(")")
}

func (p *Parser) list() ([]Expr, error) {
	var out []Expr
	for {
		x, err := p.Expression()
		if err != nil {
			return nil, err
		}
		out = append(out, x)
		if !p.Accept(",") {
			return out, nil
		}
	}
}

func (p *Parser) sum() (Expr, error) {
	l, err := p.product()
	for err == nil && (p.Is("+") || p.Is("-") || p.Is("||")) {
		t := p.Next()
		var r Expr
		if r, err = p.product(); err == nil {
			l = &Binary{Op: t.Text, L: l, R: r, Pos: t.Pos}
		}
	}
	return l, err
}

func (p *Parser) product() (Expr, error) {
	l, err := p.sign()
	for err == nil && (p.Is("*") || p.Is("/")) {
		t := p.Next()
		var r Expr
		if r, err = p.sign(); err == nil {
			l = &Binary{Op: t.Text, L: l, R: r, Pos: t.Pos}
		}
	}
	return l, err
}

func (p *Parser) sign() (Expr, error) {
	if !p.Is("-") && !p.Is("+") {
		return p.operand()
	}
	t := p.Next()
	x, err := p.sign()
	if l, ok := x.(*Literal); ok && l.Value.Numeric() && t.Text == "-" {
		v, kind := arithmetic("-", IntValue(0), l.Value, p.D.Digits)
		if kind == 0 {
			return &Literal{Value: v, Type: l.Type}, err
		}
	}
	return &Unary{Op: t.Text, X: x, Pos: t.Pos}, err
}

func (p *Parser) operand() (Expr, error) {
	if p.D.Primary != nil {
		if x, err := p.D.Primary(p); x != nil || err != nil {
			return x, err
		}
	}
	t := p.Peek(0)
	switch t.Kind {
	case Number:
		return p.numberLiteral()
	case String:
		p.at++
		return &Literal{Value: TextValue(t.Text), Type: Type{Name: p.D.TextType, Kind: Text, Length: max(1, len([]rune(t.Text))), NotNull: true}}, nil
	case HexString:
		b, err := hex.DecodeString(t.Text)
		if err != nil {
			return nil, p.Unexpected()
		}
		p.at++
		return &Literal{Value: BytesValue(b), Type: Type{Name: p.D.BytesType, Kind: Bytes, Length: max(1, len(b)), NotNull: true}}, nil
	case Param:
		p.at++
		p.params++
		return &Placeholder{Index: p.params - 1, Pos: t.Pos}, nil
	case Quoted:
		return p.reference()
	case Word:
		return p.word()
	}
	if t.Text == "(" {
		return p.parenthesis()
	}
	return nil, p.Unexpected()
}

func (p *Parser) numberLiteral() (Expr, error) {
	t := p.Peek(0)
	v, ok := ParseNumber(t.Text, true)
	if !ok {
		return nil, p.Unexpected()
	}
	p.at++
	typ := Type{Name: p.D.IntType, Kind: Int, NotNull: true}
	switch v.K {
	case Dec:
		typ = Type{Name: p.D.DecType, Kind: Dec, Precision: max(Digits(v), int(v.N)), Scale: int(v.N), NotNull: true}
	case Float:
		typ = Type{Name: p.D.FloatType, Kind: Float, NotNull: true}
	}
	return &Literal{Value: v, Type: typ}, nil
}

func (p *Parser) parenthesis() (Expr, error) {
	pos := p.Next().Pos
	if p.Is("SELECT") || p.Is("WITH") {
		q, err := p.Query()
		if err != nil {
			return nil, err
		}
		return &Subquery{Query: q, Pos: pos}, p.Expect(")")
	}
	items, err := p.list()
	if err != nil {
		return nil, err
	}
	if err := p.Expect(")"); err != nil {
		return nil, err
	}
	if len(items) == 1 {
		return items[0], nil
	}
	return &Tuple{Items: items, Pos: pos}, nil
}

// word reads what begins with a word: a keyword's expression, a call or a column.
func (p *Parser) word() (Expr, error) {
	t := p.Peek(0)
	switch {
	case p.Accept("NULL"):
		return &Literal{}, nil
	case p.Accept("CASE"):
		return p.caseOf(t.Pos)
	case p.Accept("EXISTS", "("):
		q, err := p.Query()
		if err != nil {
			return nil, err
		}
		return &Exists{Query: q}, p.Expect(")")
	case p.Accept("CAST", "("):
		x, err := p.Expression()
		if err == nil {
			err = p.Expect("AS")
		}
		if err != nil {
			return nil, err
		}
		typ, err := p.D.ParseType(p)
		if err != nil {
			return nil, err
		}
		return &Cast{X: x, Type: typ}, p.Expect(")")
	}
	if _, known := p.D.Functions[t.Text]; (known || !p.D.Reserved[t.Text]) && p.Peek(1).Text == "(" && p.Peek(1).Kind == Op {
		p.at++
		return p.call("", t)
	}
	return p.reference()
}

func (p *Parser) caseOf(pos int) (Expr, error) {
	c := &Case{Pos: pos}
	var err error
	if !p.Is("WHEN") {
		if c.Operand, err = p.Expression(); err != nil {
			return nil, err
		}
	}
	for p.Accept("WHEN") {
		var w When
		if w.If, err = p.Expression(); err == nil {
			err = p.Expect("THEN")
		}
		if err == nil {
			w.Then, err = p.Expression()
		}
		if err != nil {
			return nil, err
		}
		c.When = append(c.When, w)
	}
	if len(c.When) == 0 {
		return nil, p.Unexpected()
	}
	if p.Accept("ELSE") {
		if c.Else, err = p.Expression(); err != nil {
			return nil, err
		}
	}
	return c, p.Expect("END")
}

// call reads a function's arguments; its name has been taken.
func (p *Parser) call(schema string, name Token) (Expr, error) {
	c := &Call{Schema: schema, Name: name.Text, Pos: name.Pos}
	if err := p.Expect("("); err != nil {
		return nil, err
	}
	var err error
	switch {
	case p.Accept("*"):
		c.Star = true
	case !p.Is(")"):
		c.Distinct = p.Accept("DISTINCT")
		if c.Args, err = p.list(); err != nil {
			return nil, err
		}
	}
	if err := p.Expect(")"); err != nil {
		return nil, err
	}
	if p.Accept("OVER") {
		c.Over, err = p.window()
	}
	return c, err
}

func (p *Parser) window() (*Window, error) {
	w := &Window{}
	if err := p.Expect("("); err != nil {
		return nil, err
	}
	var err error
	if p.Accept("PARTITION", "BY") {
		if w.Partition, err = p.list(); err != nil {
			return nil, err
		}
	}
	if p.Accept("ORDER", "BY") {
		if w.Order, err = p.orderList(); err != nil {
			return nil, err
		}
	}
	return w, p.Expect(")")
}

// reference reads a column with up to two names before it, or a function of a schema.
func (p *Parser) reference() (Expr, error) {
	r := &Ref{Pos: p.Peek(0).Pos}
	var parts []string
	for {
		t := p.Peek(0)
		r.Quoted = t.Kind == Quoted
		pseudo := len(parts) > 0 && (t.Text == "NEXTVAL" || t.Text == "CURRVAL" || t.Text == "ROWID") && t.Kind == Word
		if pseudo {
			p.at++
			parts = append(parts, t.Text)
		} else {
			part, err := p.Identifier()
			if err != nil {
				return nil, err
			}
			parts = append(parts, part)
		}
		if len(parts) == 2 && p.Is("(") && !(p.Is("(", "+", ")")) {
			t.Text = parts[1]
			return p.call(parts[0], t)
		}
		if len(parts) == 3 || !p.Accept(".") {
			break
		}
	}
	r.Column = parts[len(parts)-1]
	if len(parts) > 1 {
		r.Table = parts[len(parts)-2]
	}
	if len(parts) > 2 {
		r.Schema = parts[0]
	}
	if p.Accept("(", "+", ")") {
		return &Outer{X: r, Pos: r.Pos}, nil
	}
	return r, nil
}
