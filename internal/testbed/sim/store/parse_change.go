package store

// Insert reads INSERT INTO, UPSERT or REPLACE; the verb is the next token.
func (p *Parser) Insert() (*Insert, error) {
	t := p.Next()
	in := &Insert{Verb: t.Text, Pos: t.Pos}
	if t.Text == "INSERT" {
		if err := p.Expect("INTO"); err != nil {
			return nil, err
		}
	}
	var err error
	if in.Table, err = p.Name(); err != nil {
		return nil, err
	}
	if p.Accept("PARTITION", "(") {
		if _, err = p.list(); err != nil { // each row says by itself where it belongs
			return nil, err
		}
		if err := p.Expect(")"); err != nil {
			return nil, err
		}
	}
	if p.Is("(") && !p.Is("(", "SELECT") {
		if in.Columns, err = p.columnList(); err != nil {
			return nil, err
		}
	}
	if !p.Accept("VALUES") {
		in.Query, err = p.Query()
		return in, err
	}
	if err := p.insertValues(in); err != nil {
		return nil, err
	}
	if in.Verb == "INSERT" {
		return in, nil
	}
	if p.Accept("WITH", "PRIMARY", "KEY") {
		in.PrimaryKey = true
	} else if p.Accept("WHERE") {
		in.Where, err = p.Expression()
	}
	return in, err
}

func (p *Parser) columnList() ([]Name, error) {
	if err := p.Expect("("); err != nil {
		return nil, err
	}
	var out []Name
	for {
		n := Name{Pos: p.Peek(0).Pos}
		var err error
		if n.Name, err = p.Identifier(); err != nil {
			return nil, err
		}
		out = append(out, n)
		if !p.Accept(",") {
			return out, p.Expect(")")
		}
	}
}

func (p *Parser) insertValues(in *Insert) error {
	if err := p.Expect("("); err != nil {
		return err
	}
	for {
		if p.Accept("DEFAULT") {
			in.Values = append(in.Values, nil)
		} else {
			x, err := p.Expression()
			if err != nil {
				return err
			}
			in.Values = append(in.Values, x)
		}
		if !p.Accept(",") {
			return p.Expect(")")
		}
	}
}

// Update reads UPDATE.
func (p *Parser) Update() (*Update, error) {
	p.Next()
	u := &Update{}
	var err error
	if u.Table, err = p.Name(); err != nil {
		return nil, err
	}
	if !p.Is("SET") {
		if u.Alias, err = p.alias(); err != nil {
			return nil, err
		}
	}
	if err := p.Expect("SET"); err != nil {
		return nil, err
	}
	for {
		a := Assignment{Pos: p.Peek(0).Pos}
		if a.Column, err = p.Identifier(); err != nil {
			return nil, err
		}
		if p.Accept(".") {
			if a.Column, err = p.Identifier(); err != nil {
				return nil, err
			}
		}
		if err := p.Expect("="); err != nil {
			return nil, err
		}
		if !p.Accept("DEFAULT") {
			if a.X, err = p.Expression(); err != nil {
				return nil, err
			}
		}
		u.Set = append(u.Set, a)
		if !p.Accept(",") {
			break
		}
	}
	if p.Accept("WHERE") {
		u.Where, err = p.Expression()
	}
	return u, err
}

// Delete reads DELETE.
func (p *Parser) Delete() (*Delete, error) {
	p.Next()
	d := &Delete{}
	p.Accept("FROM")
	var err error
	if d.Table, err = p.Name(); err != nil {
		return nil, err
	}
	if !p.Is("WHERE") {
		if d.Alias, err = p.alias(); err != nil {
			return nil, err
		}
	}
	if p.Accept("WHERE") {
		d.Where, err = p.Expression()
	}
	return d, err
}
