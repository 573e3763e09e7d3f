package engine

import (
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// tableReader reads one CREATE TABLE.
type tableReader struct {
	s    *Session
	r    *run
	p    *store.Parser
	t    *Table
	late []func() error // constraints, once all columns are known
}

func (s *Session) createTable(r *run, p *store.Parser, temporary bool) error {
	n, err := s.newName(p)
	if err != nil {
		return err
	}
	if !s.user.has("CREATE TABLE", "RESOURCE", "CREATE ANY TABLE") {
		return ora.Errorf(1031, "insufficient privileges")
	}
	if s.db.objects[n] != nil {
		return ora.Errorf(955, "name is already used by an existing object")
	}
	t := &Table{object: &object{qname: n, kind: "TABLE", created: now(), ddl: now()}, temporary: temporary}
	t.table = t
	rd := &tableReader{s: s, r: r, p: p, t: t}
	if p.Accept("(") {
		if err := rd.elements(); err != nil {
			return err
		}
	}
	if err := rd.properties(); err != nil {
		return err
	}
	if p.Accept("AS") {
		return rd.asSelect(n)
	}
	if err := done(p); err != nil {
		return ora.At(p.Peek(0).Pos, 922, "missing or invalid option")
	}
	return rd.finish(n)
}

// finish registers the table and makes its constraints.
func (rd *tableReader) finish(n qname) error {
	t, db := rd.t, rd.s.db
	if len(t.cols) == 0 {
		return ora.Errorf(904, ": invalid identifier")
	}
	longs := 0
	for i, c := range t.cols {
		if c.id = i + 1; c.typ.long() {
			longs++
		}
	}
	if longs > 1 {
		return ora.Errorf(1754, "a table may contain only one column of type LONG")
	}
	t.id = db.id()
	if t.parts == nil {
		t.parts = []*part{{}}
	}
	for _, p := range t.parts {
		p.id = db.id()
		for _, sub := range p.subs {
			sub.id = db.id()
		}
	}
	for _, p := range t.leaves() {
		db.empty(p)
		if t.kind.method == "" { // a table that was never moved has equal ids
			p.id, p.seg.object = t.id, t.id
		}
	}
	db.objects[n] = t.object
	for _, late := range rd.late {
		if err := late(); err != nil {
			for _, x := range t.indexes {
				delete(db.indexes, x.qname)
			}
			delete(db.objects, n)
			return err
		}
	}
	if t.iot && t.key() == nil {
		delete(db.objects, n)
		return ora.Errorf(25175, "no PRIMARY KEY constraint found")
	}
	db.scn++
	t.ddlSCN = db.scn
	return nil
}

// elements reads columns and constraints.
func (rd *tableReader) elements() error {
	p := rd.p
	for {
		var err error
		switch {
		case p.Is("CONSTRAINT"), p.Is("PRIMARY", "KEY"), p.Is("UNIQUE"), p.Is("FOREIGN", "KEY"), p.Is("CHECK"):
			err = rd.constraint(-1)
		default:
			err = rd.column()
		}
		if err != nil {
			return err
		}
		if !p.Accept(",") {
			return p.Expect(")")
		}
	}
}

func (rd *tableReader) column() error {
	p := rd.p
	pos := p.Peek(0).Pos
	name, err := p.Identifier()
	if err != nil {
		return err
	}
	if rd.t.column(name) >= 0 {
		return ora.At(pos, 957, "duplicate column name")
	}
	col := &column{name: name, collation: "USING_NLS_COMP"}
	if p.Peek(0).Kind != store.Word && p.Peek(0).Kind != store.Quoted {
		return ora.At(p.Peek(0).Pos, 902, "invalid datatype")
	}
	if !p.Is("GENERATED") && !p.Is("AS") {
		if col.typ, err = rd.s.db.parseType(p); err != nil {
			return err
		}
	}
	rd.t.cols = append(rd.t.cols, col)
	return rd.columnClauses(len(rd.t.cols) - 1)
}

// columnClauses reads what stands behind a column's type.
func (rd *tableReader) columnClauses(i int) error {
	p, col := rd.p, rd.t.cols[i]
	for {
		switch {
		case p.Accept("DEFAULT"):
			p.Accept("ON", "NULL")
			from := p.Peek(0).Pos
			x, err := p.Expression()
			if err != nil {
				return err
			}
			col.dflt, col.dfltExpr = p.Since(from), x
		case p.Accept("GENERATED", "ALWAYS", "AS", "IDENTITY"):
			if err := rd.identity(col, "ALWAYS"); err != nil {
				return err
			}
		case p.Accept("GENERATED", "BY", "DEFAULT", "ON", "NULL", "AS", "IDENTITY"), p.Accept("GENERATED", "BY", "DEFAULT", "AS", "IDENTITY"):
			if err := rd.identity(col, "BY DEFAULT"); err != nil {
				return err
			}
		case p.Accept("GENERATED", "ALWAYS", "AS"), p.Accept("AS"):
			if err := rd.virtual(i); err != nil {
				return err
			}
		case p.Accept("INVISIBLE"):
			col.hidden = true
		case p.Accept("COLLATE"):
			col.collation = p.Next().Text
		case p.Is("NOT", "NULL"), p.Is("NULL"), p.Is("CONSTRAINT"), p.Is("PRIMARY", "KEY"), p.Is("UNIQUE"), p.Is("REFERENCES"), p.Is("CHECK"):
			if err := rd.constraint(i); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

func (rd *tableReader) identity(col *column, how string) error {
	col.identity, col.notNull = how, true
	q, err := rd.s.sequenceOptions(rd.p, rd.p.Accept("("))
	if err != nil {
		return err
	}
	rd.late = append(rd.late, func() error {
		db := rd.s.db
		o, err := db.add("SEQUENCE", qname{rd.t.owner, "ISEQ$$_" + itoa(int(rd.t.id))})
		if err != nil {
			return err
		}
		o.seq, col.sequence = q, o
		col.dflt = `"` + o.owner + `"."` + o.name + `".nextval`
		return nil
	})
	return nil
}

func (rd *tableReader) virtual(i int) error {
	p, col := rd.p, rd.t.cols[i]
	if err := p.Expect("("); err != nil {
		return err
	}
	from := p.Peek(0).Pos
	x, err := p.Expression()
	if err != nil {
		return err
	}
	col.dflt, col.virtual = p.Since(from), true
	if err := p.Expect(")"); err != nil {
		return err
	}
	p.Accept("VIRTUAL")
	rd.late = append(rd.late, func() error {
		e, err := rd.s.overTable(rd.t).expr(x)
		if err != nil {
			return err
		}
		col.compute = &e
		if col.typ.Kind == Null {
			col.typ = e.typ
		}
		return nil
	})
	return nil
}

// overTable compiles expressions over a table's row, as in checks and virtual columns.
func (s *Session) overTable(t *Table) *compiler {
	src := &source{alias: t.name, owner: t.owner}
	for _, c := range t.cols {
		src.cols = append(src.cols, sourceColumn{name: c.name, typ: c.typ})
	}
	return &compiler{s: s, scope: &scope{sources: []*source{src}}}
}

// properties reads what stands behind the columns: storage is taken and has no effect.
func (rd *tableReader) properties() error {
	p, t := rd.p, rd.t
	for {
		switch {
		case p.Is("AS"), p.Peek(0).Kind == store.End:
			return nil
		case p.Accept("ON", "COMMIT"):
			p.Next()
			if err := p.Expect("ROWS"); err != nil {
				return err
			}
		case p.Accept("ORGANIZATION", "INDEX"):
			t.iot = true
		case p.Accept("ORGANIZATION", "EXTERNAL"):
			t.external = true
			rest(p)
		case p.Accept("ORGANIZATION", "HEAP"), p.Accept("NOLOGGING"), p.Accept("LOGGING"), p.Accept("COMPRESS"), p.Accept("NOCOMPRESS"),
			p.Accept("NOPARALLEL"), p.Accept("PARALLEL"), p.Accept("CACHE"), p.Accept("NOCACHE"), p.Accept("MONITORING"), p.Accept("OVERFLOW"):
		case p.Accept("ENABLE", "ROW", "MOVEMENT"):
			t.rowMovement = true
		case p.Accept("DISABLE", "ROW", "MOVEMENT"):
			t.rowMovement = false
		case p.Accept("TABLESPACE"), p.Accept("PCTFREE"), p.Accept("PCTUSED"), p.Accept("INITRANS"):
			p.Next()
		case p.Accept("CLUSTER"):
			t.cluster = p.Next().Text
			rd.skipParens()
		case p.Accept("NESTED", "TABLE"):
			rest(p)
		case p.Accept("STORAGE"):
			rd.skipParens()
		case p.Accept("LOB"):
			rd.skipParens()
			_ = p.Accept("STORE", "AS") && (p.Accept("SECUREFILE") || p.Accept("BASICFILE") || true)
			if p.IsIdentifier() && !p.Is("(") {
				p.Next()
			}
			rd.skipParens()
		case p.Accept("PARTITION", "BY"):
			if err := rd.partitionBy(); err != nil {
				return err
			}
		default:
			return ora.At(p.Peek(0).Pos, 922, "missing or invalid option")
		}
	}
}

func (rd *tableReader) skipParens() {
	if !rd.p.Accept("(") {
		return
	}
	for depth := 1; depth > 0 && rd.p.Peek(0).Kind != store.End; {
		switch t := rd.p.Next(); {
		case t.Kind == store.Op && t.Text == "(":
			depth++
		case t.Kind == store.Op && t.Text == ")":
			depth--
		}
	}
}

// asSelect makes the columns of a query and fills the table with its rows.
func (rd *tableReader) asSelect(n qname) error {
	tree, err := rd.p.Query()
	if err != nil {
		return err
	}
	if err := done(rd.p); err != nil {
		return err
	}
	c := &compiler{s: rd.s, scope: &scope{}}
	q, err := c.sub(tree)
	if err != nil {
		return err
	}
	if len(rd.t.cols) > 0 {
		return ora.Errorf(3001, "unimplemented feature")
	}
	for _, col := range q.cols {
		if strings.ContainsAny(col.Name, "()+-*/|") {
			return ora.Errorf(998, "must name this expression with a column alias")
		}
		if col.Type.long() {
			return ora.Errorf(997, "illegal use of LONG datatype")
		}
		rd.t.cols = append(rd.t.cols, &column{name: col.Name, typ: col.Type, notNull: col.NotNull, collation: "USING_NLS_COMP"})
	}
	if err := rd.finish(n); err != nil {
		return err
	}
	rd.r.at = rd.s.snapshot()
	it, err := q.open(rd.r, nil)
	if err != nil {
		return err
	}
	for {
		row, err := it()
		if err != nil || row == nil {
			rd.s.commit()
			return err
		}
		if _, err := rd.s.put(rd.r, rd.t, append([][]byte(nil), row...)); err != nil {
			return err
		}
	}
}
