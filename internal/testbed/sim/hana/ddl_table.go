package hana

import (
	"fmt"
	"slices"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// builder reads the elements of CREATE TABLE.
type builder struct {
	s *session
	p *store.Parser
	d *tableDef
	// names of key columns, looked up when all columns are known
	keys []keyClause
}

type keyClause struct {
	name    string
	kind    string // PRIMARY, UNIQUE or FOREIGN
	columns []store.Name
	fk      foreignKey
}

const maxColumns = 1000 // of a row table; a column table has 64,000 (M_SYSTEM_LIMITS)

func (b *builder) elements() error {
	if err := b.p.Expect("("); err != nil {
		return err
	}
	for {
		var err error
		if b.p.Is("PRIMARY", "KEY") || b.p.Is("UNIQUE") || b.p.Is("CONSTRAINT") || b.p.Is("FOREIGN", "KEY") || b.p.Is("CHECK") {
			err = b.constraint()
		} else {
			err = b.column()
		}
		if err != nil {
			return err
		}
		if !b.p.Accept(",") {
			break
		}
	}
	if !b.d.columnStore && len(b.d.columns) > maxColumns {
		return &Error{Code: 442, Text: "number of columns exceeds its maximum"}
	}
	return b.p.Expect(")")
}

func (b *builder) column() error {
	p := b.p
	pos := p.Peek(0).Pos
	name, err := p.Identifier()
	if err != nil {
		return err
	}
	if b.d.position(name) >= 0 {
		return &Error{Code: 272, Pos: pos + 1, Text: "duplicate column name: " + name}
	}
	c := column{name: name}
	if c.typ, err = parseType(p); err != nil {
		return err
	}
	for {
		switch {
		case p.Accept("NOT", "NULL"):
			c.typ.NotNull = true
		case p.Accept("NULL"):
		case p.Accept("DEFAULT"):
			err = b.defaultValue(&c)
		case p.Accept("PRIMARY", "KEY"):
			b.keys = append(b.keys, keyClause{kind: "PRIMARY", columns: []store.Name{{Name: name, Pos: pos}}})
		case p.Accept("UNIQUE"):
			b.keys = append(b.keys, keyClause{kind: "UNIQUE", columns: []store.Name{{Name: name, Pos: pos}}})
		case p.Accept("GENERATED"):
			err = b.generated(&c)
		case p.Accept("COMMENT"):
			c.comment, err = p.Text()
		case p.Accept("MEMORY", "THRESHOLD"):
			_, err = p.Integer()
		default:
			b.d.columns = append(b.d.columns, c)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (b *builder) defaultValue(c *column) error {
	pos := b.p.Peek(0).Pos
	x, err := b.p.Expression()
	if err != nil {
		return err
	}
	c.def, c.hasDef, c.defText = x, true, b.p.Since(pos)
	switch x := x.(type) {
	case *store.Literal:
		if x.Value.K == store.Text {
			c.defText = x.Value.S
		}
		if x.Value.IsNull() {
			c.hasDef = false
			return nil
		}
		if families[c.typ.Name].lob && x.Value.K != c.typ.Kind {
			return &Error{Code: 336, Pos: pos + 1, Text: "invalid default value: " + c.name}
		}
		typ := c.typ
		typ.NotNull = false
		if _, err := store1(x.Value, column{name: c.name, typ: typ}); err != nil {
			return &Error{Code: 336, Pos: pos + 1, Text: "invalid default value: " + c.name + ": " + asError(err).Text}
		}
	case *store.Ref:
		if !sessionWords[x.Column] {
			return &Error{Code: 336, Pos: pos + 1, Text: "invalid default value: " + c.name}
		}
	}
	return nil
}

// generated reads what stands behind GENERATED.
func (b *builder) generated(c *column) error {
	p := b.p
	switch {
	case p.Accept("ALWAYS", "AS", "IDENTITY"):
		c.always = true
	case p.Accept("BY", "DEFAULT", "AS", "IDENTITY"):
	case p.Accept("ALWAYS", "AS"):
		pos := p.Peek(0).Pos
		x, err := p.Expression()
		c.generated, c.genText = x, p.Since(pos)
		return err
	default:
		return p.Unexpected()
	}
	if c.typ.Kind != store.Int && (c.typ.Kind != store.Dec || c.typ.Scale != 0 || c.typ.Floating) {
		return &Error{Code: 264, Text: "invalid datatype: identity column " + c.name}
	}
	q := newSequence()
	q.identity = true
	c.identity = q
	c.typ.NotNull = true
	if !p.Accept("(") {
		return q.prepare()
	}
	if err := q.parse(p); err != nil {
		return err
	}
	return p.Expect(")")
}

func (b *builder) constraint() error {
	p := b.p
	name := ""
	var err error
	if p.Accept("CONSTRAINT") {
		if name, err = p.Identifier(); err != nil {
			return err
		}
	}
	k, ck, err := parseConstraint(p)
	if err != nil {
		return err
	}
	if ck != nil {
		ck.name = name
		if name == "" {
			ck.name = fmt.Sprintf("_SYS_CHECK_%d", b.s.db.nextOID.Add(1))
		}
		b.d.checks = append(b.d.checks, *ck)
		return nil
	}
	k.name = name
	b.keys = append(b.keys, *k)
	return nil
}

// parseConstraint reads a constraint behind its name.
func parseConstraint(p *store.Parser) (*keyClause, *check, error) {
	k := &keyClause{}
	switch {
	case p.Accept("CHECK", "("):
		pos := p.Peek(0).Pos
		x, err := p.Expression()
		if err != nil {
			return nil, nil, err
		}
		ck := &check{text: p.Since(pos), expr: x}
		return nil, ck, p.Expect(")")
	case p.Accept("PRIMARY", "KEY"):
		k.kind = "PRIMARY"
		_ = p.Accept("INVERTED", "VALUE") || p.Accept("INVERTED", "HASH") || p.Accept("INVERTED", "INDIVIDUAL")
	case p.Accept("UNIQUE"):
		k.kind = "UNIQUE"
	case p.Accept("FOREIGN", "KEY"):
		k.kind = "FOREIGN"
	default:
		return nil, nil, p.Unexpected()
	}
	if err := p.Expect("("); err != nil {
		return nil, nil, err
	}
	for {
		n := store.Name{Pos: p.Peek(0).Pos}
		var err error
		if n.Name, err = p.Identifier(); err != nil {
			return nil, nil, err
		}
		k.columns = append(k.columns, n)
		if !p.Accept(",") {
			break
		}
	}
	if err := p.Expect(")"); err != nil {
		return nil, nil, err
	}
	if k.kind != "FOREIGN" {
		return k, nil, nil
	}
	return k, nil, parseReferences(p, &k.fk)
}

func parseReferences(p *store.Parser, fk *foreignKey) error {
	if err := p.Expect("REFERENCES"); err != nil {
		return err
	}
	var err error
	if fk.parent, err = p.Name(); err != nil {
		return err
	}
	if p.Is("(") {
		if fk.refs, err = p.Identifiers(); err != nil {
			return err
		}
	}
	fk.onUpdate, fk.onDelete = "RESTRICT", "RESTRICT"
	for p.Accept("ON") {
		rule := &fk.onDelete
		if p.Accept("UPDATE") {
			rule = &fk.onUpdate
		} else if err := p.Expect("DELETE"); err != nil {
			return err
		}
		switch {
		case p.Accept("CASCADE"):
			*rule = "CASCADE"
		case p.Accept("RESTRICT"):
			*rule = "RESTRICT"
		case p.Accept("SET", "NULL"):
			*rule = "SET NULL"
		case p.Accept("SET", "DEFAULT"):
			*rule = "SET DEFAULT"
		default:
			return p.Unexpected()
		}
	}
	if p.Accept("INITIALLY", "DEFERRED") {
		fk.deferred = true
	} else {
		p.Accept("INITIALLY", "IMMEDIATE")
	}
	return nil
}

// options reads what stands behind the elements, in the order of the manual's grammar.
func (b *builder) options() error {
	p := b.p
	for _, read := range []func() error{b.mergeOption, b.partitionOption, b.groupOption, b.commentOption} {
		if err := read(); err != nil {
			return err
		}
	}
	if p.Peek(0).Kind != store.End && !p.Is(";") {
		return p.Unexpected()
	}
	return nil
}

func (b *builder) mergeOption() error {
	if b.p.Accept("NO", "AUTO", "MERGE") {
		if !b.d.columnStore {
			return &Error{Code: 7, Text: "feature not supported: AUTO MERGE of a row table"}
		}
		b.d.autoMerge = false
		return nil
	}
	b.p.Accept("AUTO", "MERGE")
	return nil
}

func (b *builder) partitionOption() error {
	if !b.p.Accept("PARTITION", "BY") {
		return nil
	}
	if !b.d.columnStore {
		return &Error{Code: 7, Text: "feature not supported: partitions of a row table"}
	}
	var err error
	b.d.partition, err = parsePartitioning(b.p)
	return err
}

func (b *builder) groupOption() error {
	for i, word := range []string{"TYPE", "SUBTYPE", "NAME"} {
		if !b.p.Accept("GROUP", word) {
			continue
		}
		var err error
		if b.d.group[i], err = b.p.Identifier(); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) commentOption() error {
	if !b.p.Accept("COMMENT") {
		return nil
	}
	var err error
	b.d.comment, err = b.p.Text()
	return err
}

// checkKeys finds the columns of keys.
func (b *builder) checkKeys(d *tableDef) error {
	for _, k := range b.keys {
		if err := d.addKey(b.s, k); err != nil {
			return err
		}
	}
	if d.partition != nil {
		return d.partition.check(d)
	}
	return nil
}

// addKey adds a key to a definition.
func (d *tableDef) addKey(s *session, k keyClause) error {
	var at []int
	for _, n := range k.columns {
		i := d.position(n.Name)
		if i < 0 {
			return noColumn(n)
		}
		if slices.Contains(at, i) {
			return &Error{Code: 272, Pos: n.Pos + 1, Text: "duplicate column name: " + n.Name}
		}
		if families[d.columns[i].typ.Name].lob {
			return &Error{Code: 264, Pos: n.Pos + 1, Text: "invalid datatype: LOB column " + n.Name + " in a key"}
		}
		at = append(at, i)
	}
	name := k.name
	if name == "" {
		name = fmt.Sprintf("_SYS_CONSTRAINT_%d_#0_#F0", s.db.nextOID.Add(1))
	}
	switch k.kind {
	case "PRIMARY":
		if len(d.primary) > 0 {
			return &Error{Code: 294, Text: "cannot have more than one primary key"}
		}
		d.primary, d.primaryName = at, name
		for _, i := range at {
			d.columns[i].typ.NotNull = true
		}
	case "UNIQUE":
		d.uniques = append(d.uniques, unique{name, at})
	case "FOREIGN":
		fk := k.fk
		fk.name, fk.columns = name, at
		fk.parent = s.full(fk.parent)
		d.foreign = append(d.foreign, fk)
	}
	return nil
}

// checkExpressions compiles what the table computes and checks, to see that it can be.
func (b *builder) checkExpressions(tx *txn, t *table) error {
	c, _ := b.s.compiler()
	i := &inserter{t: t, d: t.structure(tx), rel: t.relationOf(tx)}
	return i.compileExpressions(c)
}
