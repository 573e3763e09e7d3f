package hana

import (
	"slices"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

func (s *session) parseDrop(p *store.Parser) (*command, error) {
	p.Next()
	kind := p.Next()
	if kind.Kind != store.Word || !slices.Contains([]string{"SCHEMA", "TABLE", "VIEW", "INDEX", "SEQUENCE", "TRIGGER"}, kind.Text) {
		p.Reset(p.Mark() - 1)
		return nil, p.Unexpected()
	}
	name, err := p.Name()
	if err != nil {
		return nil, err
	}
	cascade := p.Accept("CASCADE")
	restrict := !cascade && p.Accept("RESTRICT")
	if err := p.Done(); err != nil {
		return nil, err
	}
	drop := map[string]func(*txn) error{
		"SCHEMA":   func(tx *txn) error { return s.dropSchema(tx, name, cascade) },
		"TABLE":    func(tx *txn) error { return s.dropTable(tx, name, restrict) },
		"VIEW":     func(tx *txn) error { return s.dropView(tx, name) },
		"INDEX":    func(tx *txn) error { return s.dropIndex(tx, name) },
		"SEQUENCE": func(tx *txn) error { return s.dropSequence(tx, name) },
		"TRIGGER":  func(tx *txn) error { return s.dropTrigger(tx, name) },
	}
	return &command{function: funcDDL, ddl: drop[kind.Text]}, nil
}

// hide makes an object invisible to its transaction, and gone when that commits.
func (db *database) hide(tx *txn, o *object, remove func()) {
	db.mu.Lock()
	o.dropped = tx
	db.mu.Unlock()
	tx.onEnd(remove, func() {
		db.mu.Lock()
		defer db.mu.Unlock()
		o.dropped = nil
	})
}

func (s *session) dropSchema(tx *txn, name store.Name, cascade bool) error {
	sc := s.db.schema(tx, name.Name)
	if sc == nil {
		return &Error{Code: 362, Text: "invalid schema name: " + name.Name}
	}
	if sc.owner != s.user.name {
		return errPrivilege
	}
	for _, t := range s.db.relationsOf(tx) {
		if t.name.Schema != sc.name {
			continue
		}
		if !cascade {
			return &Error{Code: 419, Text: "can't drop with RESTRICT specification: schema " + sc.name + " is not empty"}
		}
		if err := s.removeRelation(tx, t); err != nil {
			return err
		}
	}
	for _, q := range s.db.sequencesOf(tx) {
		if q.name.Schema == sc.name {
			s.db.hide(tx, &q.object, func() { s.db.removeSequence(q) })
		}
	}
	s.db.hide(tx, &sc.object, func() { s.db.removeSchema(sc) })
	return nil
}

func (db *database) sequencesOf(tx *txn) []*sequence {
	db.mu.RLock()
	defer db.mu.RUnlock()
	var out []*sequence
	for _, list := range db.sequences {
		for _, q := range list {
			if q.visible(tx) {
				out = append(out, q)
			}
		}
	}
	slices.SortFunc(out, func(a, b *sequence) int { return compareNames(a.name, b.name) })
	return out
}

// dropTable drops a table with its indexes; foreign keys of others that refer to it
// go too, with RESTRICT they keep it.
func (s *session) dropTable(tx *txn, name store.Name, restrict bool) error {
	t := s.db.relation(tx, s.full(name))
	if t == nil || t.rows == nil {
		return noTable(store.Name{Schema: s.full(name).Schema, Name: name.Name, Pos: name.Pos})
	}
	if err := s.allow(tx, "DROP", t.name); err != nil {
		return err
	}
	for _, child := range s.db.relationsOf(tx) {
		if child == t || child.rows == nil {
			continue
		}
		for _, fk := range child.structure(tx).foreign {
			if fk.parent != t.name {
				continue
			}
			if restrict {
				return &Error{Code: 419, Text: "can't drop with RESTRICT specification: " + fk.name + " refers to " + t.name.Name}
			}
			child.alter(tx, func(d *tableDef) {
				d.foreign = slices.DeleteFunc(d.foreign, func(f foreignKey) bool { return f.name == fk.name })
			})
		}
	}
	return s.removeRelation(tx, t)
}

func (s *session) removeRelation(tx *txn, t *table) error {
	if err := s.lockTable(tx, t, store.Exclusive); err != nil {
		return err
	}
	if !t.visible(tx) {
		return noTable(t.name)
	}
	for _, x := range t.structure(tx).indexes {
		s.db.hide(tx, &x.object, func() { s.db.removeIndex(x) })
	}
	for _, c := range t.structure(tx).columns {
		if q := c.identity; q != nil {
			s.db.hide(tx, &q.object, func() { s.db.removeSequence(q) })
		}
	}
	s.db.hide(tx, &t.object, func() { s.db.removeTable(t) })
	return nil
}

func (s *session) dropView(tx *txn, name store.Name) error {
	t := s.db.relation(tx, s.full(name))
	if t == nil || t.view == nil {
		return &Error{Code: 321, Text: "invalid view name: " + name.Name}
	}
	if err := s.allow(tx, "DROP", t.name); err != nil {
		return err
	}
	return s.removeRelation(tx, t)
}

func (s *session) dropSequence(tx *txn, name store.Name) error {
	q := s.db.sequence(tx, s.full(name))
	if q == nil || q.identity {
		return &Error{Code: 313, Text: "invalid sequence: " + name.Name}
	}
	if err := s.allow(tx, "DROP", q.name); err != nil {
		return err
	}
	s.db.hide(tx, &q.object, func() { s.db.removeSequence(q) })
	return nil
}

func (s *session) dropIndex(tx *txn, name store.Name) error {
	x := s.db.index(tx, s.full(name))
	if x == nil {
		return &Error{Code: 261, Text: "invalid index name: " + name.Name}
	}
	t, err := s.altered(tx, x.table.name, "INDEX")
	if err != nil {
		return err
	}
	if x.unique {
		var cols []int
		for _, c := range x.cols {
			cols = append(cols, c.position)
		}
		t.rows.DropIndex(x.name.Name)
		tx.onEnd(func() {}, func() { _ = t.rows.AddIndex(&store.Index{Name: x.name.Name, Columns: cols}) })
	}
	t.alter(tx, func(d *tableDef) {
		d.indexes = slices.DeleteFunc(d.indexes, func(o *indexDef) bool { return o == x })
	})
	s.db.hide(tx, &x.object, func() { s.db.removeIndex(x) })
	return nil
}

// parseRename reads RENAME TABLE a TO b and RENAME COLUMN t.a TO b, RENAME INDEX a TO b.
func (s *session) parseRename(p *store.Parser) (*command, error) {
	p.Next()
	if !p.Accept("TABLE") {
		return nil, p.Unexpected()
	}
	from, err := p.Name()
	if err != nil {
		return nil, err
	}
	if err := p.Expect("TO"); err != nil {
		return nil, err
	}
	to, err := p.Name()
	if err != nil {
		return nil, err
	}
	if err := p.Done(); err != nil {
		return nil, err
	}
	return &command{function: funcDDL, ddl: func(tx *txn) error {
		t, err := s.altered(tx, from, "DROP")
		if err != nil {
			return err
		}
		if to.Schema == "" {
			to.Schema = t.name.Schema
		}
		if to.Schema != t.name.Schema {
			return &Error{Code: 7, Text: "feature not supported: RENAME into another schema"}
		}
		target, err := s.qualify(tx, to)
		if err != nil {
			return err
		}
		if err := s.reserve(tx, target); err != nil {
			return err
		}
		if s.db.relation(tx, target) != nil {
			return &Error{Code: 288, Text: "cannot use duplicate table name: " + target.Name}
		}
		old := t.name
		s.db.rename(t, target)
		tx.onEnd(func() {}, func() { s.db.rename(t, old) })
		return nil
	}}, nil
}

func (db *database) rename(t *table, to store.Name) {
	db.removeTable(t)
	db.mu.Lock()
	defer db.mu.Unlock()
	t.name = to
	db.relations[to] = append(db.relations[to], t)
}
