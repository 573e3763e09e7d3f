package engine

import (
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// partitionBy reads PARTITION BY, whose words have been taken.
func (rd *tableReader) partitionBy() error {
	t, p := rd.t, rd.p
	var err error
	if t.kind.method, t.kind.columns, t.kind.keys, err = rd.method(); err != nil {
		return err
	}
	if p.Accept("INTERVAL", "(") {
		if _, err := p.Expression(); err != nil {
			return err
		}
		if err := p.Expect(")"); err != nil {
			return err
		}
	}
	var template int
	if p.Accept("SUBPARTITION", "BY") {
		if t.kind.sub, t.kind.subColum, t.kind.subKeys, err = rd.method(); err != nil {
			return err
		}
		if template, err = rd.count("SUBPARTITIONS"); err != nil {
			return err
		}
	}
	n, err := rd.count("PARTITIONS")
	if err != nil {
		return err
	}
	for range n {
		t.parts = append(t.parts, &part{name: rd.s.db.systemName("P")})
	}
	if n > 0 {
		return nil
	}
	if err := p.Expect("("); err != nil {
		return ora.At(p.Peek(0).Pos, 14004, "missing PARTITION keyword")
	}
	for {
		if err := rd.partition(template); err != nil {
			return err
		}
		if !p.Accept(",") {
			return p.Expect(")")
		}
	}
}

func (rd *tableReader) method() (method string, columns []string, keys []int, err error) {
	p := rd.p
	t := p.Next()
	switch t.Text {
	case "RANGE", "LIST", "HASH":
	default:
		return "", nil, nil, ora.At(t.Pos, 14151, "invalid table partitioning method")
	}
	if columns, err = p.Identifiers(); err != nil {
		return "", nil, nil, err
	}
	for _, c := range columns {
		i := rd.t.column(c)
		if i < 0 {
			return "", nil, nil, ora.At(t.Pos, 904, "%q: invalid identifier", c)
		}
		keys = append(keys, i)
	}
	return t.Text, columns, keys, nil
}

func (rd *tableReader) count(word string) (int, error) {
	if !rd.p.Accept(word) {
		return 0, nil
	}
	n, err := rd.p.Integer()
	if err == nil && (n < 1 || n > 1048575) {
		err = ora.Errorf(14116, "partition bound of partition is too long")
	}
	return int(n), err
}

// partition reads one PARTITION with its subpartitions.
func (rd *tableReader) partition(template int) error {
	t, p := rd.t, rd.p
	if err := p.Expect("PARTITION"); err != nil {
		return ora.At(p.Peek(0).Pos, 14004, "missing PARTITION keyword")
	}
	out := &part{}
	var err error
	if p.IsIdentifier() {
		if out.name, err = p.Identifier(); err != nil {
			return err
		}
	} else {
		out.name = rd.s.db.systemName("P")
	}
	if err := rd.values(out, t.kind.method, t.kind.keys); err != nil {
		return err
	}
	t.parts = append(t.parts, out)
	if p.Accept("TABLESPACE") {
		p.Next()
	}
	if t.kind.sub == "" {
		return nil
	}
	for range template {
		out.subs = append(out.subs, &part{name: rd.s.db.systemName("SUBP")})
	}
	if p.Accept("(") {
		out.subs = nil
		for {
			if err := p.Expect("SUBPARTITION"); err != nil {
				return err
			}
			sub := &part{}
			if sub.name, err = p.Identifier(); err != nil {
				return err
			}
			if err := rd.values(sub, t.kind.sub, t.kind.subKeys); err != nil {
				return err
			}
			out.subs = append(out.subs, sub)
			if !p.Accept(",") {
				break
			}
		}
		if err := p.Expect(")"); err != nil {
			return err
		}
	}
	if len(out.subs) == 0 {
		out.subs = []*part{{name: rd.s.db.systemName("SUBP")}}
	}
	return nil
}

// values reads VALUES LESS THAN (...) and VALUES (...).
func (rd *tableReader) values(out *part, method string, keys []int) error {
	p := rd.p
	switch method {
	case "RANGE":
		if err := p.Expect("VALUES", "LESS", "THAN", "("); err != nil {
			return err
		}
	case "LIST":
		if err := p.Expect("VALUES", "("); err != nil {
			return err
		}
	default:
		return nil
	}
	from := p.Peek(0).Pos
	for k := 0; ; k++ {
		col := keys[min(k, len(keys)-1)]
		switch {
		case method == "RANGE" && p.Accept("MAXVALUE"):
			out.bounds = append(out.bounds, nil)
		case method == "LIST" && p.Accept("DEFAULT"):
		default:
			v, err := rd.constant(col)
			if err != nil {
				return err
			}
			if method == "RANGE" {
				out.bounds = append(out.bounds, v)
			} else {
				out.values = append(out.values, [][]byte{v})
			}
		}
		if !p.Accept(",") {
			break
		}
	}
	out.high = strings.TrimSpace(p.Since(from))
	if method == "RANGE" && len(out.bounds) != len(keys) {
		return ora.Errorf(14019, "partition bound element must be one of: string, datetime or interval literal, number, or MAXVALUE")
	}
	return p.Expect(")")
}

// constant evaluates an expression without columns, as a column's value.
func (rd *tableReader) constant(col int) ([]byte, error) {
	x, err := rd.p.Expression()
	if err != nil {
		return nil, err
	}
	c := &compiler{s: rd.s, scope: &scope{}}
	e, err := c.expr(x)
	if err != nil {
		return nil, err
	}
	v, err := e.eval(&env{run: rd.r})
	if err != nil {
		return nil, err
	}
	return rd.s.assign(rd.t.cols[col].typ, e.typ, v)
}

func (s *Session) createIndex(r *run, p *store.Parser, unique bool, kind string) error {
	n, err := s.newName(p)
	if err != nil {
		return err
	}
	if err := p.Expect("ON"); err != nil {
		return ora.At(p.Peek(0).Pos, 969, "missing ON keyword")
	}
	o, err := s.own(p, "TABLE")
	if err != nil {
		return err
	}
	x := &Index{qname: n, table: o.table, unique: unique, kind: kind, status: "VALID"}
	if err := p.Expect("("); err != nil {
		return ora.At(p.Peek(0).Pos, 906, "missing left parenthesis")
	}
	for {
		if err := s.indexColumn(p, x); err != nil {
			return err
		}
		if !p.Accept(",") {
			break
		}
	}
	if err := p.Expect(")"); err != nil {
		return err
	}
	for p.Peek(0).Kind == store.Word { // TABLESPACE, LOCAL, COMPRESS, REVERSE, NOLOGGING, ...
		if p.Next().Text == "REVERSE" {
			x.kind += "/REV"
		}
		if p.Peek(0).Kind == store.Number {
			p.Next()
		}
	}
	if err := done(p); err != nil {
		return err
	}
	return s.addIndex(r, x)
}

// indexColumn reads a column or an expression; of the latter and of DESC the table gets a hidden column.
func (s *Session) indexColumn(p *store.Parser, x *Index) error {
	t := x.table
	from := p.Peek(0).Pos
	tree, err := p.Expression()
	if err != nil {
		return err
	}
	text := p.Since(from)
	desc := p.Accept("DESC")
	if !desc {
		p.Accept("ASC")
	}
	ref, plain := tree.(*store.Ref)
	i := -1
	if plain {
		if i = t.column(ref.Column); i < 0 {
			return ora.At(ref.Pos, 904, "%q: invalid identifier", ref.Column)
		}
		if k := t.cols[i].typ; k.lob() || k.long() || k.Kind >= XML {
			return ora.At(ref.Pos, 2327, "cannot create index on expression with datatype %s", k.Kind)
		}
		text = `"` + ref.Column + `"`
	}
	if !plain || desc {
		e, err := s.overTable(t).expr(tree)
		if err != nil {
			return err
		}
		typ := e.typ
		if desc {
			typ = Type{Kind: Raw, Length: typ.dataLength() + 1}
		}
		col := &column{name: "SYS_NC" + pad5(len(t.cols)+1) + "$", typ: typ, virtual: true, hidden: true, system: true, dflt: text}
		if !desc { // the inverted value of a descending column is not made: nothing reads it
			col.compute = &e
		}
		t.cols = append(t.cols, col)
		i = len(t.cols) - 1
		x.kind = "FUNCTION-BASED " + strings.TrimPrefix(x.kind, "FUNCTION-BASED ")
		if desc && x.unique {
			col.typ, col.compute = e.typ, &e // the values order nothing here, but they are as unique
		}
	}
	x.cols = append(x.cols, i)
	x.desc = append(x.desc, desc)
	return nil
}

func pad5(n int) string {
	s := itoa(n)
	return strings.Repeat("0", max(0, 5-len(s))) + s
}
