package engine

import (
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// alterSession reads ALTER SESSION SET with one or more parameters.
func (s *Session) alterSession(p *store.Parser) error {
	if !p.Accept("ALTER", "SESSION", "SET") {
		p.Next()
		p.Next()
		return ora.At(p.Peek(0).Pos, 2248, "invalid option for ALTER SESSION")
	}
	if p.Accept("ROW", "ARCHIVAL", "VISIBILITY", "=") {
		p.Next()
		return done(p)
	}
	for p.Peek(0).Kind == store.Word {
		name := p.Next().Text
		if err := p.Expect("="); err != nil {
			return ora.At(p.Peek(0).Pos, 927, "missing equal sign")
		}
		t := p.Next()
		v := t.Text
		if t.Kind == store.End {
			return ora.At(t.Pos, 2017, "integer value required")
		}
		switch name {
		case "EVENTS", "OPTIMIZER_MODE", "DDL_LOCK_TIMEOUT", "ISOLATION_LEVEL", "PARALLEL_DEGREE_POLICY", "CONTAINER":
			continue
		}
		if err := s.setParameter(name, v); err != nil {
			return err
		}
	}
	return done(p)
}

// AlterSession runs the ALTER SESSION that a login carries with it; "" is none.
func (s *Session) AlterSession(text string) error {
	if text == "" {
		return nil
	}
	p, err := store.NewParser(s.db.syntax, text)
	if err != nil {
		return syntax(err, text)
	}
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	return syntax(s.alterSession(p), text)
}

func (s *Session) alter(r *run, p *store.Parser) error {
	switch {
	case p.Accept("TABLE"):
		return s.alterTable(r, p)
	case p.Accept("SYSTEM"):
		return s.alterSystem(p)
	case p.Accept("USER"):
		return s.alterUser(p)
	case p.Accept("TRIGGER"):
		n, err := p.Name()
		if err != nil {
			return err
		}
		q := qname{n.Schema, n.Name}
		if q.owner == "" {
			q.owner = s.schema
		}
		tr := s.db.triggers[q]
		if tr == nil {
			return ora.Errorf(4080, "trigger '%s' does not exist", q.name)
		}
		if tr.status = "ENABLED"; p.Accept("DISABLE") {
			tr.status = "DISABLED"
		} else if err := p.Expect("ENABLE"); err != nil {
			return err
		}
		return done(p)
	case p.Accept("INDEX"):
		return s.alterIndex(p)
	}
	return ora.At(p.Peek(0).Pos, 940, "invalid ALTER command")
}

func (s *Session) alterIndex(p *store.Parser) error {
	n, err := p.Name()
	if err != nil {
		return err
	}
	q := qname{n.Schema, n.Name}
	if q.owner == "" {
		q.owner = s.schema
	}
	x := s.db.indexes[q]
	switch {
	case x == nil:
		return ora.Errorf(1418, "specified index does not exist")
	case p.Accept("UNUSABLE"):
		x.status = "UNUSABLE"
	case p.Accept("REBUILD"):
		x.status, x.keys = "VALID", nil
	default:
		return ora.At(p.Peek(0).Pos, 2243, "invalid ALTER INDEX or ALTER MATERIALIZED VIEW option")
	}
	return done(p)
}

func (s *Session) alterUser(p *store.Parser) error {
	name, err := p.Identifier()
	if err != nil {
		return err
	}
	u := s.db.users[name]
	if u == nil || !s.user.has("ALTER USER") {
		return ora.Errorf(1031, "insufficient privileges")
	}
	switch {
	case p.Accept("ACCOUNT", "LOCK"):
		u.locked = true
	case p.Accept("ACCOUNT", "UNLOCK"):
		u.locked = false
	case p.Accept("IDENTIFIED", "BY"):
		u.password = p.Next().Text
	default:
		rest(p) // quotas
	}
	return done(p)
}

func (s *Session) alterSystem(p *store.Parser) error {
	if !s.user.has("ALTER SYSTEM") {
		return ora.Errorf(1031, "insufficient privileges")
	}
	if !p.Accept("KILL", "SESSION") {
		rest(p)
		return nil
	}
	text, err := p.Text()
	if err != nil {
		return err
	}
	p.Accept("IMMEDIATE")
	sid, _, _ := strings.Cut(text, ",")
	n, _ := strconv.Atoi(sid)
	for o := range s.db.sessions {
		if o.id == n {
			o.killed.Store(true)
			return done(p)
		}
	}
	return ora.Errorf(30, "User session ID does not exist.")
}

func (s *Session) alterTable(r *run, p *store.Parser) error {
	o, err := s.own(p, "TABLE")
	if err != nil {
		return err
	}
	t := o.table
	rd := &tableReader{s: s, r: r, p: p, t: t}
	if err := s.idle(t); err != nil {
		return err
	}
	switch {
	case p.Accept("READ", "ONLY"):
		t.readOnly = true
		t.ddl = now()
		return done(p)
	case p.Accept("READ", "WRITE"):
		t.readOnly = false
		t.ddl = now()
		return done(p)
	case p.Accept("ENABLE", "ROW", "MOVEMENT"), p.Accept("DISABLE", "ROW", "MOVEMENT"):
		t.rowMovement = strings.Contains(strings.ToUpper(p.SQL), "ENABLE")
		return done(p)
	case p.Accept("MOVE"):
		err = s.move(p, t)
	case p.Accept("ADD"):
		err = rd.add()
	case p.Accept("MODIFY"):
		err = rd.modify()
	case p.Accept("DROP"):
		err = s.alterDrop(p, t)
	case p.Accept("TRUNCATE", "PARTITION"), p.Accept("TRUNCATE", "SUBPARTITION"):
		err = s.eachPart(p, t, func(q *part) { s.db.empty(q) })
	case p.Accept("RENAME"):
		err = s.rename(p, t)
	case p.Accept("DISABLE", "CONSTRAINT"), p.Accept("ENABLE", "CONSTRAINT"):
		err = s.switchConstraint(p, t)
	default:
		return ora.At(p.Peek(0).Pos, 1735, "invalid ALTER TABLE option")
	}
	if err != nil {
		return err
	}
	if err := done(p); err != nil {
		return err
	}
	s.changed(t)
	return nil
}

func (s *Session) switchConstraint(p *store.Parser, t *Table) error {
	on := strings.Contains(strings.ToUpper(p.SQL), "ENABLE")
	name, err := p.Identifier()
	if err != nil {
		return err
	}
	for _, c := range t.constraints {
		if c.name == name {
			c.disabled, c.novalidate = !on, !on
			return nil
		}
	}
	return ora.Errorf(2431, "cannot disable constraint (%s) - no such constraint", name)
}

func (s *Session) eachPart(p *store.Parser, t *Table, do func(*part)) error {
	name, err := p.Identifier()
	if err != nil {
		return err
	}
	parts := t.named(name)
	if parts == nil {
		return ora.Errorf(2149, "Specified partition does not exist")
	}
	for _, q := range parts {
		do(q)
	}
	return nil
}

// move writes a table's or a partition's rows again: other data object ids, other ROWIDs.
func (s *Session) move(p *store.Parser, t *Table) error {
	again := func(q *part) {
		old := q.seg
		s.db.empty(q)
		for _, e := range old.extents {
			for _, b := range e.blocks {
				for _, v := range b.rows {
					if !v.deleted {
						q.seg.insert(row{data: v.data, scn: v.scn})
					}
				}
			}
		}
	}
	if p.Accept("PARTITION") || p.Accept("SUBPARTITION") {
		return s.eachPart(p, t, again)
	}
	for p.Peek(0).Kind == store.Word {
		p.Next()
	}
	if t.kind.method != "" {
		return ora.Errorf(14511, "cannot perform operation on a partitioned object")
	}
	again(t.parts[0])
	for _, x := range t.indexes {
		x.status = "UNUSABLE"
	}
	return nil
}

// add reads ADD: a column, several, or a constraint.
func (rd *tableReader) add() error {
	p, t := rd.p, rd.t
	before := len(t.cols)
	var err error
	switch {
	case p.Is("CONSTRAINT"), p.Is("PRIMARY", "KEY"), p.Is("UNIQUE"), p.Is("FOREIGN", "KEY"), p.Is("CHECK"):
		err = rd.constraint(-1)
	case p.Accept("PARTITION"):
		return ora.Errorf(3001, "unimplemented feature")
	case p.Accept("("):
		err = rd.elements()
	default:
		err = rd.column()
	}
	for i := 0; err == nil && i < len(rd.late); i++ {
		err = rd.late[i]()
	}
	if err != nil {
		t.cols = t.cols[:before]
		return err
	}
	for i, c := range t.cols[before:] {
		c.id = before + i + 1
	}
	return rd.fillNew(before)
}

// fillNew gives the rows that are there the defaults of new columns.
func (rd *tableReader) fillNew(before int) error {
	t, s := rd.t, rd.s
	needs := false
	for _, c := range t.cols[before:] {
		needs = needs || c.dfltExpr != nil
		if c.notNull && c.dfltExpr == nil && t.rows() > 0 {
			t.cols = t.cols[:before]
			return ora.Errorf(1758, "table must be empty to add mandatory (NOT NULL) column")
		}
	}
	if !needs {
		return nil
	}
	row := make([][]byte, len(t.cols))
	set := make([]bool, len(t.cols))
	for i := range before {
		set[i] = true
	}
	for _, seg := range t.segments() {
		for _, e := range seg.extents {
			for _, b := range e.blocks {
				for i := range b.rows {
					v := &b.rows[i]
					if v.deleted {
						continue
					}
					t.decode(v.data, row)
					if err := s.defaults(rd.r, t, row, set); err != nil {
						return err
					}
					v.data = t.encode(row)
				}
			}
		}
	}
	return nil
}

// rows counts what is not deleted.
func (t *Table) rows() int {
	n := 0
	for _, seg := range t.segments() {
		for _, e := range seg.extents {
			for _, b := range e.blocks {
				for i := range b.rows {
					if !b.rows[i].deleted {
						n++
					}
				}
			}
		}
	}
	return n
}

// modify changes a column's type, default or NOT NULL.
func (rd *tableReader) modify() error {
	p, t := rd.p, rd.t
	parens := p.Accept("(")
	name, err := p.Identifier()
	if err != nil {
		return err
	}
	i := t.column(name)
	if i < 0 {
		return ora.Errorf(904, "%q: invalid identifier", name)
	}
	if k := p.Peek(0); (k.Kind == store.Word || k.Kind == store.Quoted) && !p.Is("NOT") && !p.Is("NULL") && !p.Is("DEFAULT") {
		typ, err := rd.s.db.parseType(p)
		if err != nil {
			return err
		}
		old := t.cols[i].typ
		if t.rows() > 0 && (typ.Kind != old.Kind || typ.Length < old.Length || typ.Precision < old.Precision) {
			return ora.Errorf(1439, "column to be modified must be empty to change datatype")
		}
		t.cols[i].typ = typ
	}
	if err := rd.columnClauses(i); err != nil {
		return err
	}
	for _, late := range rd.late {
		if err := late(); err != nil {
			return err
		}
	}
	if parens {
		return p.Expect(")")
	}
	return nil
}
