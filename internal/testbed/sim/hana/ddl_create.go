package hana

import (
	"slices"
	"strings"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

func (s *session) parseCreate(p *store.Parser) (*command, error) {
	p.Next()
	kind := p.Peek(0)
	switch {
	case p.Accept("SCHEMA"):
		return s.parseCreateSchema(p)
	case p.Accept("USER"):
		return s.parseCreateUser(p)
	case p.Accept("COLUMN", "TABLE"), p.Accept("TABLE"):
		return s.parseCreateTable(p, true)
	case p.Accept("ROW", "TABLE"):
		return s.parseCreateTable(p, false)
	case p.Accept("UNIQUE", "INDEX"):
		return s.parseCreateIndex(p, true)
	case p.Accept("INDEX"):
		return s.parseCreateIndex(p, false)
	case p.Accept("SEQUENCE"):
		return s.parseCreateSequence(p)
	case p.Accept("VIEW"):
		return s.parseCreateView(p)
	case p.Accept("TRIGGER"):
		return s.parseCreateTrigger(p)
	case kind.Text == "GLOBAL" || kind.Text == "LOCAL" || kind.Text == "VIRTUAL" || kind.Text == "PROCEDURE" || kind.Text == "FUNCTION":
		return nil, &Error{Code: 7, Pos: kind.Pos + 1, Text: "feature not supported: CREATE " + kind.Text}
	}
	return nil, p.Unexpected()
}

func (s *session) parseCreateSchema(p *store.Parser) (*command, error) {
	name, err := p.Identifier()
	if err != nil {
		return nil, err
	}
	owner := s.user.name
	if p.Accept("OWNED", "BY") {
		if owner, err = p.Identifier(); err != nil {
			return nil, err
		}
	}
	if err := p.Done(); err != nil {
		return nil, err
	}
	return &command{function: funcDDL, ddl: func(tx *txn) error {
		if err := s.system("CREATE SCHEMA"); err != nil {
			return err
		}
		if strings.HasPrefix(name, "_SYS_") || strings.HasPrefix(name, "_SAP_") {
			return &Error{Code: 362, Text: "invalid schema name: " + name + " is reserved"}
		}
		if err := s.reserve(tx, store.Name{Name: name}); err != nil {
			return err
		}
		if s.db.schema(tx, name) != nil {
			return &Error{Code: 386, Text: "cannot use duplicate schema name: " + name}
		}
		sc := &schema{name: name, owner: owner}
		sc.by = tx
		s.db.mu.Lock()
		s.db.schemas = append(s.db.schemas, sc)
		s.db.mu.Unlock()
		tx.onEnd(func() { s.db.settle(&sc.object) }, func() { s.db.removeSchema(sc) })
		return nil
	}}, nil
}

// settle makes an object everybody's.
func (db *database) settle(o *object) {
	db.mu.Lock()
	defer db.mu.Unlock()
	o.by = nil
}

func (db *database) removeSchema(sc *schema) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.schemas = slices.DeleteFunc(db.schemas, func(o *schema) bool { return o == sc })
}

// reserve holds a name until the transaction ends: who makes the same waits.
func (s *session) reserve(tx *txn, name store.Name) error {
	return tx.LockTable(s.db.nameLock(name), store.Exclusive, s.wait())
}

// qualify completes a name with the session's schema and checks that the schema is
// there and that the user may make something in it.
func (s *session) qualify(tx *txn, name store.Name) (store.Name, error) {
	name = s.full(name)
	if strings.HasPrefix(name.Name, "_SYS_") || strings.HasPrefix(name.Name, "_SAP_") {
		return name, &Error{Code: 259, Text: "invalid table name: prefix of " + name.Name + " is reserved"}
	}
	if s.db.schema(tx, name.Schema) == nil {
		return name, &Error{Code: 362, Text: "invalid schema name: " + name.Schema}
	}
	return name, s.allow(tx, "CREATE ANY", name)
}

func (s *session) full(name store.Name) store.Name {
	if name.Schema == "" {
		name.Schema = s.schema
	}
	name.Pos = 0
	return name
}

func (s *session) parseCreateTable(p *store.Parser, columnStore bool) (*command, error) {
	name, err := p.Name()
	if err != nil {
		return nil, err
	}
	d := &tableDef{columnStore: columnStore, autoMerge: true}
	b := &builder{s: s, p: p, d: d}
	if err := b.elements(); err != nil {
		return nil, err
	}
	if err := b.options(); err != nil {
		return nil, err
	}
	if err := p.Done(); err != nil {
		return nil, err
	}
	return &command{function: funcDDL, ddl: func(tx *txn) error {
		name, err := s.qualify(tx, name)
		if err != nil {
			return err
		}
		return s.createTable(tx, name, b)
	}}, nil
}

func (s *session) createTable(tx *txn, name store.Name, b *builder) error {
	if err := s.reserve(tx, name); err != nil {
		return err
	}
	if s.db.relation(tx, name) != nil {
		return &Error{Code: 288, Text: "cannot use duplicate table name: " + name.Name}
	}
	d := *b.d
	d.columns = slices.Clone(d.columns)
	t := &table{name: name, oid: s.db.nextOID.Add(1), created: time.Now().UTC(), def: &d}
	t.by = tx
	t.loaded.Store(true)
	t.rows = s.db.engine.NewTable(name.Name)
	t.rows.MaxRows = s.db.rowLimit.Load
	for i := range d.columns {
		c := &d.columns[i]
		c.id = s.db.nextOID.Add(1)
		if c.identity != nil {
			q := *copySequence(c.identity)
			c.identity = &q
			c.identity.name = store.Name{Schema: name.Schema, Name: identityName(c.id)}
			c.identity.oid = s.db.nextOID.Add(1)
			s.db.addSequence(tx, c.identity)
		}
	}
	if err := b.checkKeys(&d); err != nil {
		return err
	}
	if d.partition != nil {
		t.rows.Parts = d.partition.count()
		t.rows.PartOf = d.partition.of(&d)
	}
	s.db.mu.Lock()
	s.db.relations[name] = append(s.db.relations[name], t)
	s.db.mu.Unlock()
	tx.onEnd(func() { s.db.settle(&t.object) }, func() { s.db.removeTable(t) })
	if len(d.primary) > 0 {
		if err := t.rows.AddIndex(&store.Index{Name: primaryIndex, Columns: d.primary}); err != nil {
			return err
		}
	}
	for _, u := range d.uniques {
		if err := t.rows.AddIndex(&store.Index{Name: u.name, Columns: u.columns}); err != nil {
			return err
		}
	}
	for i := range d.foreign {
		if err := s.checkReference(tx, t, &d.foreign[i]); err != nil {
			return err
		}
	}
	return b.checkExpressions(tx, t)
}

// primaryIndex names the store's index of every primary key.
const primaryIndex = "_SYS_PRIMARY_KEY"

func (db *database) removeTable(t *table) {
	db.mu.Lock()
	defer db.mu.Unlock()
	list := slices.DeleteFunc(db.relations[t.name], func(o *table) bool { return o == t })
	if len(list) == 0 {
		delete(db.relations, t.name)
	} else {
		db.relations[t.name] = list
	}
}

// checkReference checks that a foreign key refers to a unique key (error 365) and
// names its columns.
func (s *session) checkReference(tx *txn, t *table, fk *foreignKey) error {
	parent := s.db.relation(tx, fk.parent)
	if parent == nil || parent.rows == nil {
		return noTable(fk.parent)
	}
	if err := s.allow(tx, "REFERENCES", fk.parent); err != nil {
		return err
	}
	d := parent.structure(tx)
	if len(fk.refs) == 0 {
		if len(d.primary) == 0 {
			return &Error{Code: 366, Text: "referenced table does not have a primary key: " + fk.parent.Name}
		}
		for _, at := range d.primary {
			fk.refs = append(fk.refs, d.columns[at].name)
		}
	}
	if len(fk.refs) != len(fk.columns) {
		return &Error{Code: 367, Text: "number of referencing columns must match referenced columns"}
	}
	child := t.structure(tx)
	for i, name := range fk.refs {
		at := d.position(name)
		if at < 0 {
			return noColumn(store.Name{Name: name})
		}
		if a, b := d.columns[at].typ, child.columns[fk.columns[i]].typ; a.Name != b.Name || a.Precision != b.Precision || a.Scale != b.Scale {
			return &Error{Code: 266, Text: "inconsistent datatype: foreign key column " + child.columns[fk.columns[i]].name}
		}
	}
	if _, x, _ := s.parentIndex(tx, *fk); x == nil {
		return &Error{Code: 365, Text: "no matching primary key for this column list: " + fk.parent.Name}
	}
	return nil
}

func (s *session) parseCreateView(p *store.Parser) (*command, error) {
	name, err := p.Name()
	if err != nil {
		return nil, err
	}
	var columns []string
	if p.Is("(") {
		if columns, err = p.Identifiers(); err != nil {
			return nil, err
		}
	}
	if err := p.Expect("AS"); err != nil {
		return nil, err
	}
	pos := p.Peek(0).Pos
	sel, err := p.Query()
	if err != nil {
		return nil, err
	}
	text := p.Since(pos)
	if err := p.Done(); err != nil {
		return nil, err
	}
	return &command{function: funcDDL, ddl: func(tx *txn) error {
		name, err := s.qualify(tx, name)
		if err != nil {
			return err
		}
		if err := s.reserve(tx, name); err != nil {
			return err
		}
		if s.db.relation(tx, name) != nil {
			return &Error{Code: 322, Text: "cannot use duplicate view name: " + name.Name}
		}
		c, _ := s.compiler()
		q, err := c.Query(sel)
		if err != nil {
			return err
		}
		if len(c.Params) > 0 || columns != nil && len(columns) != len(q.Columns) {
			return &Error{Code: 418, Text: "invalid view query for creation"}
		}
		v := &table{name: name, oid: s.db.nextOID.Add(1), created: time.Now().UTC(), view: &viewDef{text: text, query: sel, cols: q.Columns}, def: &tableDef{}}
		v.by = tx
		for i, n := range columns {
			v.view.cols[i].Name = n
		}
		s.db.mu.Lock()
		s.db.relations[name] = append(s.db.relations[name], v)
		s.db.mu.Unlock()
		tx.onEnd(func() { s.db.settle(&v.object) }, func() { s.db.removeTable(v) })
		return nil
	}}, nil
}

func (s *session) parseCreateIndex(p *store.Parser, uniq bool) (*command, error) {
	name, err := p.Name()
	if err != nil {
		return nil, err
	}
	if err := p.Expect("ON"); err != nil {
		return nil, err
	}
	on, err := p.Name()
	if err != nil {
		return nil, err
	}
	if err := p.Expect("("); err != nil {
		return nil, err
	}
	type element struct {
		name store.Name
		desc bool
	}
	var list []element
	for {
		e := element{name: store.Name{Pos: p.Peek(0).Pos}}
		if e.name.Name, err = p.Identifier(); err != nil {
			return nil, err
		}
		e.desc = p.Accept("DESC")
		if !e.desc {
			p.Accept("ASC")
		}
		list = append(list, e)
		if !p.Accept(",") {
			break
		}
	}
	if err := p.Expect(")"); err != nil {
		return nil, err
	}
	if err := p.Done(); err != nil {
		return nil, err
	}
	return &command{function: funcDDL, ddl: func(tx *txn) error {
		t, err := s.altered(tx, on, "INDEX")
		if err != nil {
			return err
		}
		if name.Schema == "" {
			name.Schema = t.name.Schema
		}
		name := s.full(name)
		if name.Schema != t.name.Schema {
			return &Error{Code: 261, Text: "invalid index name: an index is in the schema of its table"}
		}
		if s.db.index(tx, name) != nil {
			return &Error{Code: 289, Text: "cannot use duplicate index name: " + name.Name}
		}
		x := &indexDef{name: name, table: t, unique: uniq, oid: s.db.nextOID.Add(1)}
		d := t.structure(tx)
		for _, e := range list {
			at := d.position(e.name.Name)
			if at < 0 {
				return noColumn(e.name)
			}
			if families[d.columns[at].typ.Name].lob {
				return &Error{Code: 320, Text: "cannot create index on expression with datatype LOB: " + e.name.Name}
			}
			x.cols = append(x.cols, indexColumn{at, e.desc})
		}
		return s.addIndex(tx, t, x)
	}}, nil
}

func (s *session) addIndex(tx *txn, t *table, x *indexDef) error {
	x.by = tx
	if x.unique {
		var cols []int
		for _, c := range x.cols {
			cols = append(cols, c.position)
		}
		if err := t.rows.AddIndex(&store.Index{Name: x.name.Name, Columns: cols}); err != nil {
			return &Error{Code: 349, Text: "cannot CREATE UNIQUE INDEX; duplicate key found: " + x.name.Name}
		}
		tx.onEnd(func() {}, func() { t.rows.DropIndex(x.name.Name) })
	}
	t.alter(tx, func(d *tableDef) { d.indexes = append(d.indexes, x) })
	s.db.mu.Lock()
	s.db.indexes[x.name] = append(s.db.indexes[x.name], x)
	s.db.mu.Unlock()
	tx.onEnd(func() { s.db.settle(&x.object) }, func() { s.db.removeIndex(x) })
	return nil
}

func (db *database) removeIndex(x *indexDef) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.indexes[x.name] = slices.DeleteFunc(db.indexes[x.name], func(o *indexDef) bool { return o == x })
}
