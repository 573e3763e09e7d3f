package engine

import (
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// ddl runs a statement that is neither a query nor a change; db.mu is held. ok is false where the
// first word is none of them. All but those of transactions and sessions commit before and after.
func (s *Session) ddl(r *run, p *store.Parser) (ok bool, err error) {
	word := p.Peek(0).Text
	switch word {
	case "COMMIT", "ROLLBACK", "SET", "LOCK", "SAVEPOINT":
		return true, s.transaction(p, word)
	case "ALTER":
		if p.Is("ALTER", "SESSION") {
			return true, s.alterSession(p)
		}
	case "CREATE", "DROP", "TRUNCATE", "COMMENT", "GRANT", "REVOKE", "RENAME":
	default:
		return false, nil
	}
	s.commit()
	p.Next()
	switch word {
	case "CREATE":
		err = s.create(r, p)
	case "ALTER":
		err = s.alter(r, p)
	case "DROP":
		err = s.drop(p)
	case "TRUNCATE":
		err = s.truncate(p)
	case "COMMENT":
		err = s.commentOn(p)
	case "GRANT", "REVOKE":
		err = s.grant(p, word == "GRANT")
	default:
		err = ora.Errorf(3001, "unimplemented feature")
	}
	s.commit()
	s.db.scn++
	return true, err
}

// done fails where anything is left of a statement.
func done(p *store.Parser) error {
	if t := p.Peek(0); t.Kind != store.End {
		if t.Text == ";" {
			return ora.At(t.Pos, 911, "invalid character")
		}
		return ora.At(t.Pos, 933, "SQL command not properly ended")
	}
	return nil
}

func (s *Session) create(r *run, p *store.Parser) error {
	replace := p.Accept("OR", "REPLACE")
	_ = p.Accept("EDITIONABLE") || p.Accept("FORCE")
	switch {
	case p.Accept("GLOBAL", "TEMPORARY", "TABLE"):
		return s.createTable(r, p, true)
	case p.Accept("TABLE"):
		return s.createTable(r, p, false)
	case p.Accept("UNIQUE", "INDEX"):
		return s.createIndex(r, p, true, "NORMAL")
	case p.Accept("BITMAP", "INDEX"):
		return s.createIndex(r, p, false, "BITMAP")
	case p.Accept("INDEX"):
		return s.createIndex(r, p, false, "NORMAL")
	case p.Accept("SEQUENCE"):
		return s.createSequence(p)
	case p.Accept("VIEW"):
		return s.createView(p, replace)
	case p.Accept("MATERIALIZED", "VIEW", "LOG"):
		return s.createMaterializedLog(p)
	case p.Accept("MATERIALIZED", "VIEW"):
		return s.createMaterialized(r, p)
	case p.Accept("TRIGGER"):
		return s.createTrigger(p, replace)
	case p.Accept("USER"):
		return s.createUser(p)
	}
	for _, kind := range []string{"PROCEDURE", "FUNCTION", "PACKAGE", "TYPE", "SYNONYM", "CLUSTER"} {
		if p.Accept(kind) {
			n, err := s.newName(p)
			if err != nil {
				return err
			}
			if old := s.db.objects[n]; old != nil && replace && old.kind == kind {
				delete(s.db.objects, n)
			}
			o, err := s.db.add(kind, n)
			if err == nil {
				o.text = rest(p)
			}
			return err
		}
	}
	return ora.At(p.Peek(0).Pos, 901, "invalid CREATE command")
}

// rest takes what is left of a statement, as the bodies of programs are.
func rest(p *store.Parser) string {
	from := p.Peek(0).Pos
	for p.Peek(0).Kind != store.End {
		p.Next()
	}
	return p.SQL[min(from, len(p.SQL)):]
}

// newName reads the name of what is created, in the session's schema unless it says another.
func (s *Session) newName(p *store.Parser) (qname, error) {
	n, err := p.Name()
	if err != nil {
		return qname{}, err
	}
	q := qname{n.Schema, n.Name}
	if q.owner == "" {
		q.owner = s.schema
	}
	if s.db.users[q.owner] == nil {
		return q, ora.At(n.Pos, 1918, "user '%s' does not exist", q.owner)
	}
	if q.owner != s.user.name && !s.user.has("CREATE ANY TABLE") {
		return q, ora.At(n.Pos, 1031, "insufficient privileges")
	}
	return q, nil
}

// own finds an object that the session may change.
func (s *Session) own(p *store.Parser, kinds ...string) (*object, error) {
	n, err := p.Name()
	if err != nil {
		return nil, err
	}
	q := qname{n.Schema, n.Name}
	if q.owner == "" {
		q.owner = s.schema
	}
	o := s.db.objects[q]
	for _, k := range kinds {
		if o != nil && o.kind == k {
			if q.owner != s.user.name && !s.user.has("ALTER ANY TABLE", "DROP ANY TABLE") {
				return nil, ora.At(n.Pos, 1031, "insufficient privileges")
			}
			return o, nil
		}
	}
	code := map[string]int{"SEQUENCE": 2289}[kinds[0]]
	if code == 2289 {
		return nil, ora.At(n.Pos, 2289, "sequence does not exist")
	}
	return nil, ora.At(n.Pos, 942, "table or view does not exist")
}

func (s *Session) drop(p *store.Parser) error {
	kind := p.Next().Text
	if kind == "MATERIALIZED" {
		if err := p.Expect("VIEW"); err != nil {
			return err
		}
		kind = "MATERIALIZED VIEW"
	}
	switch kind {
	case "TABLE":
		o, err := s.own(p, "TABLE")
		if err != nil {
			return err
		}
		cascade := p.Accept("CASCADE", "CONSTRAINTS")
		p.Accept("PURGE")
		if err := done(p); err != nil {
			return err
		}
		return s.dropTable(o, cascade)
	case "INDEX":
		return s.dropIndex(p)
	case "TRIGGER":
		n, err := p.Name()
		if err != nil {
			return err
		}
		q := qname{n.Schema, n.Name}
		if q.owner == "" {
			q.owner = s.schema
		}
		if s.db.triggers[q] == nil {
			return ora.Errorf(4080, "trigger '%s' does not exist", q.name)
		}
		delete(s.db.triggers, q)
		return done(p)
	case "USER":
		return s.dropUser(p)
	case "VIEW", "SEQUENCE", "MATERIALIZED VIEW", "PROCEDURE", "FUNCTION", "PACKAGE", "TYPE", "SYNONYM", "CLUSTER":
		o, err := s.own(p, kind)
		if err != nil {
			return err
		}
		delete(s.db.objects, o.qname)
		return done(p)
	}
	return ora.Errorf(950, "invalid DROP option")
}

func (s *Session) dropTable(o *object, cascade bool) error {
	for _, t := range s.db.tables() {
		for _, c := range t.constraints {
			if c.ref != nil && c.ref.table == o.table && t != o.table {
				if !cascade {
					return ora.Errorf(2449, "unique/primary keys in table referenced by foreign keys")
				}
				t.dropConstraint(c)
			}
		}
	}
	if err := s.idle(o.table); err != nil {
		return err
	}
	for _, x := range o.table.indexes {
		delete(s.db.indexes, x.qname)
	}
	for n, tr := range s.db.triggers {
		if tr.table == o.qname {
			delete(s.db.triggers, n)
		}
	}
	for _, seg := range o.table.segments() {
		seg.gone = true
	}
	for _, c := range o.table.cols {
		if c.sequence != nil {
			delete(s.db.objects, c.sequence.qname)
		}
	}
	delete(s.db.objects, o.qname)
	return nil
}

// idle fails where another transaction has rows of a table: DDL does not wait.
func (s *Session) idle(t *Table) error {
	for tx := range s.db.open {
		for _, a := range tx.changes {
			for _, seg := range t.segments() {
				if a.seg == seg {
					return ora.Errorf(54, "resource busy and acquire with NOWAIT specified or timeout expired")
				}
			}
		}
	}
	return nil
}

func (s *Session) dropIndex(p *store.Parser) error {
	n, err := p.Name()
	if err != nil {
		return err
	}
	q := qname{n.Schema, n.Name}
	if q.owner == "" {
		q.owner = s.schema
	}
	x := s.db.indexes[q]
	if x == nil {
		return ora.Errorf(1418, "specified index does not exist")
	}
	for _, c := range x.table.constraints {
		if c.index == x {
			return ora.Errorf(2429, "cannot drop index used for enforcement of unique/primary key")
		}
	}
	delete(s.db.indexes, q)
	for i, y := range x.table.indexes {
		if x == y {
			x.table.indexes = append(x.table.indexes[:i:i], x.table.indexes[i+1:]...)
			break
		}
	}
	return done(p)
}

// truncate empties a table or a partition: the rows get new segments, with other data object ids.
func (s *Session) truncate(p *store.Parser) error {
	if err := p.Expect("TABLE"); err != nil {
		return ora.Errorf(3290, "Invalid truncate command - missing CLUSTER or TABLE keyword")
	}
	o, err := s.own(p, "TABLE")
	if err != nil {
		return err
	}
	for p.Peek(0).Kind == store.Word { // DROP STORAGE, REUSE STORAGE
		p.Next()
	}
	if err := done(p); err != nil {
		return err
	}
	if err := s.idle(o.table); err != nil {
		return err
	}
	if o.table.readOnly {
		return ora.Errorf(12081, "update operation not allowed on table %q.%q", o.owner, o.name)
	}
	for _, part := range o.table.leaves() {
		s.db.empty(part)
	}
	o.table.mods.truncated = true
	s.changed(o.table)
	return nil
}

// empty gives a partition a new segment.
func (db *DB) empty(p *part) {
	if p.seg != nil {
		p.seg.gone = true
	}
	p.seg = &segment{object: db.id(), space: db.space}
}

// changed notes that a table's definition or segments are others: older snapshots cannot read it.
func (s *Session) changed(t *Table) {
	s.db.scn++
	t.ddlSCN = s.db.scn
	t.ddl = now()
	for _, x := range t.indexes {
		x.keys = nil
	}
}

func (s *Session) commentOn(p *store.Parser) error {
	if err := p.Expect("ON"); err != nil {
		return err
	}
	column := p.Accept("COLUMN")
	if !column {
		if err := p.Expect("TABLE"); err != nil {
			return err
		}
		o, err := s.own(p, "TABLE", "VIEW")
		if err != nil {
			return err
		}
		text, err := comment(p)
		if o.table != nil {
			o.table.comment = text
		}
		return err
	}
	var parts []string
	for {
		name, err := p.Identifier()
		if err != nil {
			return err
		}
		parts = append(parts, name)
		if !p.Accept(".") {
			break
		}
	}
	text, err := comment(p)
	if err != nil || len(parts) < 2 {
		return err
	}
	q := qname{s.schema, parts[len(parts)-2]}
	if len(parts) > 2 {
		q.owner = parts[0]
	}
	o := s.db.objects[q]
	if o == nil || o.table == nil {
		return ora.Errorf(942, "table or view does not exist")
	}
	i := o.table.column(parts[len(parts)-1])
	if i < 0 {
		return ora.Errorf(904, "%q: invalid identifier", parts[len(parts)-1])
	}
	o.table.cols[i].comment = text
	return nil
}

func comment(p *store.Parser) (string, error) {
	if err := p.Expect("IS"); err != nil {
		return "", err
	}
	text, err := p.Text()
	if err != nil {
		return "", err
	}
	return text, done(p)
}
