package store

// Query reads a SELECT with all its clauses.
func (p *Parser) Query() (*Select, error) {
	var with []CTE
	if p.Accept("WITH") {
		for {
			c, err := p.cte()
			if err != nil {
				return nil, err
			}
			with = append(with, c)
			if !p.Accept(",") {
				break
			}
		}
	}
	s, err := p.block()
	if err != nil {
		return nil, err
	}
	s.With = with
	for {
		op := ""
		for _, w := range []string{"UNION", "INTERSECT", "EXCEPT", "MINUS"} {
			if p.Accept(w) {
				op = w
			}
		}
		if op == "" {
			break
		}
		if op == "MINUS" {
			op = "EXCEPT"
		}
		all := p.Accept("ALL")
		next, err := p.block()
		if err != nil {
			return nil, err
		}
		s.Sets = append(s.Sets, SetOperation{Op: op, All: all, Query: next})
	}
	return s, p.tail(s)
}

func (p *Parser) cte() (CTE, error) {
	var c CTE
	var err error
	if c.Name, err = p.Identifier(); err != nil {
		return c, err
	}
	if p.Is("(") {
		if c.Columns, err = p.Identifiers(); err != nil {
			return c, err
		}
	}
	if err := p.Expect("AS", "("); err != nil {
		return c, err
	}
	if c.Query, err = p.Query(); err != nil {
		return c, err
	}
	return c, p.Expect(")")
}

// block reads one SELECT up to HAVING, or a query in parentheses.
func (p *Parser) block() (*Select, error) {
	if p.Accept("(") {
		q, err := p.Query()
		if err != nil {
			return nil, err
		}
		return q, p.Expect(")")
	}
	s := &Select{Pos: p.Peek(0).Pos}
	if err := p.Expect("SELECT"); err != nil {
		return nil, err
	}
	var err error
	if p.D.Reserved["TOP"] && p.Accept("TOP") {
		if s.Limit, err = p.operand(); err != nil {
			return nil, err
		}
	}
	if p.Accept("DISTINCT") {
		s.Distinct = true
	} else {
		p.Accept("ALL")
	}
	if s.Items, err = p.items(); err != nil {
		return nil, err
	}
	if err := p.Expect("FROM"); err != nil {
		return nil, err
	}
	for {
		f, err := p.source()
		if err != nil {
			return nil, err
		}
		s.From = append(s.From, f)
		if !p.Accept(",") {
			break
		}
	}
	if p.Accept("WHERE") {
		if s.Where, err = p.Expression(); err != nil {
			return nil, err
		}
	}
	if p.Accept("GROUP", "BY") {
		if s.Group, err = p.list(); err != nil {
			return nil, err
		}
	}
	if p.Accept("HAVING") {
		s.Having, err = p.Expression()
	}
	return s, err
}

func (p *Parser) items() ([]Item, error) {
	var out []Item
	for {
		it, err := p.item()
		if err != nil {
			return nil, err
		}
		out = append(out, it)
		if !p.Accept(",") {
			return out, nil
		}
	}
}

func (p *Parser) item() (Item, error) {
	t := p.Peek(0)
	it := Item{Pos: t.Pos}
	if p.Accept("*") {
		it.Star = true
		return it, nil
	}
	if p.IsIdentifier() && p.Peek(1).Text == "." && p.Peek(2).Text == "*" && p.Peek(2).Kind == Op {
		it.Star, it.Table = true, t.Text
		p.at += 3
		return it, nil
	}
	var err error
	if it.X, err = p.Expression(); err != nil {
		return it, err
	}
	it.Text = p.Since(t.Pos)
	if p.Accept("AS") || p.IsIdentifier() {
		it.Alias, err = p.Identifier()
	}
	return it, err
}

// source reads a table or a query with the joins behind it.
func (p *Parser) source() (From, error) {
	l, err := p.leaf()
	for err == nil {
		var kind string
		switch {
		case p.Accept("INNER", "JOIN"), p.Accept("JOIN"):
			kind = "INNER"
		case p.Accept("LEFT", "OUTER", "JOIN"), p.Accept("LEFT", "JOIN"):
			kind = "LEFT"
		case p.Accept("RIGHT", "OUTER", "JOIN"), p.Accept("RIGHT", "JOIN"):
			kind = "RIGHT"
		case p.Accept("FULL", "OUTER", "JOIN"), p.Accept("FULL", "JOIN"):
			kind = "FULL"
		case p.Accept("CROSS", "JOIN"):
			kind = "CROSS"
		default:
			return l, nil
		}
		j := &Join{Kind: kind, L: l}
		if j.R, err = p.leaf(); err != nil {
			return nil, err
		}
		if kind != "CROSS" {
			if err := p.Expect("ON"); err != nil {
				return nil, err
			}
			if j.On, err = p.Expression(); err != nil {
				return nil, err
			}
		}
		l = j
	}
	return nil, err
}

func (p *Parser) leaf() (From, error) {
	if p.Accept("(") {
		if !p.Is("SELECT") && !p.Is("WITH") && !p.Is("(") {
			f, err := p.source()
			if err != nil {
				return nil, err
			}
			return f, p.Expect(")")
		}
		q, err := p.Query()
		if err != nil {
			return nil, err
		}
		if err := p.Expect(")"); err != nil {
			return nil, err
		}
		r := &QueryRef{Query: q}
		r.Alias, err = p.alias()
		return r, err
	}
	name, err := p.Name()
	if err != nil {
		return nil, err
	}
	r := &TableRef{Name: name}
	if p.Accept("PARTITION", "(") || p.Accept("SUBPARTITION", "(") {
		if r.Partition, err = p.list(); err != nil {
			return nil, err
		}
		if err := p.Expect(")"); err != nil {
			return nil, err
		}
	}
	if p.Accept("AS", "OF", "SCN") {
		if r.AsOf, err = p.sum(); err != nil {
			return nil, err
		}
	}
	if p.clause("SAMPLE") || p.clause("TABLESAMPLE") {
		r.Block = p.Accept("BLOCK") || p.Accept("SYSTEM")
		p.Accept("BERNOULLI")
		if err := p.Expect("("); err != nil {
			return nil, err
		}
		if r.Sample, err = p.sum(); err != nil {
			return nil, err
		}
		if err := p.Expect(")"); err != nil {
			return nil, err
		}
		if p.Accept("SEED", "(") {
			if r.Seed, err = p.sum(); err != nil {
				return nil, err
			}
			if err := p.Expect(")"); err != nil {
				return nil, err
			}
		}
	}
	r.Alias, err = p.alias()
	return r, err
}

func (p *Parser) alias() (string, error) {
	if p.Accept("AS") || p.IsIdentifier() && !p.Is("AS", "OF") {
		return p.Identifier()
	}
	return "", nil
}

// tail reads what stands behind the last block: order, bounds, locks.
func (p *Parser) tail(s *Select) error {
	var err error
	if p.Accept("ORDER", "BY") {
		if s.Order, err = p.orderList(); err != nil {
			return err
		}
	}
	if p.clause("LIMIT") {
		if s.Limit, err = p.operand(); err != nil {
			return err
		}
	}
	if p.Accept("OFFSET") {
		if s.Offset, err = p.operand(); err != nil {
			return err
		}
		_ = p.Accept("ROWS") || p.Accept("ROW")
	}
	if p.clause("FETCH") {
		if !p.Accept("FIRST") && !p.Accept("NEXT") {
			return p.Unexpected()
		}
		if s.Limit, err = p.operand(); err != nil {
			return err
		}
		if !p.Accept("ROWS", "ONLY") && !p.Accept("ROW", "ONLY") {
			return p.Unexpected()
		}
	}
	if p.Accept("FOR", "SHARE", "LOCK") {
		s.Lock = &Locking{Share: true}
		return p.locking(s.Lock)
	}
	if p.Accept("FOR", "UPDATE") {
		s.Lock = &Locking{}
		if p.Accept("OF") {
			if _, err := p.list(); err != nil {
				return err
			}
		}
		return p.locking(s.Lock)
	}
	return nil
}

// clause takes the word of a clause, where the dialect has it.
func (p *Parser) clause(word string) bool { return !p.D.Without[word] && p.Accept(word) }

func (p *Parser) locking(l *Locking) error {
	switch {
	case p.Accept("NOWAIT"):
		l.NoWait = true
	case p.Accept("WAIT"):
		n, err := p.Integer()
		if err != nil {
			return err
		}
		l.Wait = &n
		l.NoWait = n == 0
	}
	if p.clause("IGNORE") || p.clause("SKIP") {
		l.Skip = true
		return p.Expect("LOCKED")
	}
	return nil
}

func (p *Parser) orderList() ([]Order, error) {
	var out []Order
	for {
		o := Order{Pos: p.Peek(0).Pos}
		var err error
		if o.X, err = p.Expression(); err != nil {
			return nil, err
		}
		if p.Accept("DESC") {
			o.Desc = true
		} else {
			p.Accept("ASC")
		}
		if p.Accept("NULLS") {
			first := p.Accept("FIRST")
			if !first && !p.Accept("LAST") {
				return nil, p.Unexpected()
			}
			o.NullsFirst = &first
		}
		out = append(out, o)
		if !p.Accept(",") {
			return out, nil
		}
	}
}
