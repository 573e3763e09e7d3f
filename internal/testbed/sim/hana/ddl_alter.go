package hana

import (
	"slices"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// altered finds a table that a statement changes the structure of, and holds it:
// DDL takes the exclusive lock (SQL reference, "LOCK TABLE Statement").
func (s *session) altered(tx *txn, name store.Name, privilege string) (*table, error) {
	t := s.db.relation(tx, s.full(name))
	if t == nil || t.rows == nil {
		return nil, noTable(store.Name{Schema: s.full(name).Schema, Name: name.Name, Pos: name.Pos})
	}
	if err := s.allow(tx, privilege, t.name); err != nil {
		return nil, err
	}
	if err := s.lockTable(tx, t, store.Exclusive); err != nil {
		return nil, err
	}
	if !t.visible(tx) {
		return nil, noTable(name)
	}
	return t, nil
}

func (s *session) parseAlter(p *store.Parser) (*command, error) {
	p.Next()
	switch {
	case p.Accept("TABLE"):
		return s.parseAlterTable(p)
	case p.Accept("SEQUENCE"):
		return s.parseAlterSequence(p)
	case p.Accept("SYSTEM"):
		return s.parseAlterSystem(p)
	}
	return nil, p.Unexpected()
}

func (s *session) parseAlterTable(p *store.Parser) (*command, error) {
	name, err := p.Name()
	if err != nil {
		return nil, err
	}
	var change func(tx *txn, t *table) error
	switch {
	case p.Accept("ENABLE", "AUTOMERGE"):
		change = autoMerge(true)
	case p.Accept("DISABLE", "AUTOMERGE"):
		change = autoMerge(false)
	case p.Accept("DROP", "CONSTRAINT"):
		name, err := p.Identifier()
		if err != nil {
			return nil, err
		}
		change = func(tx *txn, t *table) error { return s.dropConstraint(tx, t, name) }
	case p.Accept("DROP", "PRIMARY", "KEY"):
		change = func(tx *txn, t *table) error { return s.dropConstraint(tx, t, "") }
	case p.Accept("ADD"):
		if change, err = s.parseAdd(p); err != nil {
			return nil, err
		}
	default:
		return nil, p.Unexpected()
	}
	if err := p.Done(); err != nil {
		return nil, err
	}
	return &command{function: funcDDL, ddl: func(tx *txn) error {
		t, err := s.altered(tx, name, "ALTER")
		if err != nil {
			return err
		}
		return change(tx, t)
	}}, nil
}

func autoMerge(on bool) func(*txn, *table) error {
	return func(tx *txn, t *table) error {
		if !t.structure(tx).columnStore {
			return &Error{Code: 7, Text: "feature not supported: AUTOMERGE of a row table"}
		}
		t.alter(tx, func(d *tableDef) { d.autoMerge = on })
		return nil
	}
}

// parseAdd reads what stands behind ALTER TABLE ... ADD.
func (s *session) parseAdd(p *store.Parser) (func(*txn, *table) error, error) {
	if p.Accept("(") {
		return s.parseAddColumns(p)
	}
	name := ""
	var err error
	if p.Accept("CONSTRAINT") {
		if name, err = p.Identifier(); err != nil {
			return nil, err
		}
	}
	k, ck, err := parseConstraint(p)
	if err != nil {
		return nil, err
	}
	if ck != nil {
		return nil, &Error{Code: 7, Text: "feature not supported: ADD CONSTRAINT ... CHECK"}
	}
	k.name = name
	return func(tx *txn, t *table) error { return s.addConstraint(tx, t, *k) }, nil
}

func (s *session) parseAddColumns(p *store.Parser) (func(*txn, *table) error, error) {
	b := &builder{s: s, p: p, d: &tableDef{columnStore: true}}
	for {
		if err := b.column(); err != nil {
			return nil, err
		}
		if !p.Accept(",") {
			break
		}
	}
	if err := p.Expect(")"); err != nil {
		return nil, err
	}
	return func(tx *txn, t *table) error {
		d := t.structure(tx)
		snap := tx.Snapshot()
		filled := t.rows.Count(snap) > 0
		snap.Close()
		for _, c := range b.d.columns {
			if d.position(c.name) >= 0 {
				return &Error{Code: 308, Text: "column name already exists: " + c.name}
			}
			if filled && (c.typ.NotNull || c.hasDef || c.identity != nil || c.generated != nil) {
				return &Error{Code: 7, Text: "feature not supported: ADD of a column with a value to a table that has rows: " + c.name}
			}
		}
		t.alter(tx, func(d *tableDef) {
			for _, c := range b.d.columns {
				c.id = s.db.nextOID.Add(1)
				d.columns = append(d.columns, c)
			}
		})
		return nil
	}, nil
}

func (d *tableDef) hasConstraint(name string) bool {
	return d.primaryName == name && len(d.primary) > 0 || slices.ContainsFunc(d.uniques, func(u unique) bool { return u.name == name }) ||
		slices.ContainsFunc(d.foreign, func(f foreignKey) bool { return f.name == name }) || slices.ContainsFunc(d.checks, func(c check) bool { return c.name == name })
}

func (s *session) addConstraint(tx *txn, t *table, k keyClause) error {
	old := t.structure(tx)
	if k.name != "" && old.hasConstraint(k.name) {
		return &Error{Code: 457, Text: "duplicate constraint name: " + k.name}
	}
	d := *old
	d.columns = slices.Clone(old.columns)
	if err := d.addKey(s, k); err != nil {
		return err
	}
	x := &store.Index{Name: primaryIndex, Columns: d.primary}
	switch k.kind {
	case "FOREIGN":
		fk := d.foreign[len(d.foreign)-1]
		if err := s.checkReference(tx, t, &fk); err != nil {
			return err
		}
		if err := s.checkForeignRows(tx, t, fk); err != nil {
			return err
		}
		t.alter(tx, func(d *tableDef) { d.foreign = append(d.foreign, fk) })
		return nil
	case "UNIQUE":
		u := d.uniques[len(d.uniques)-1]
		x = &store.Index{Name: u.name, Columns: u.columns}
	case "PRIMARY":
		if d.partition != nil {
			if err := d.partition.check(&d); err != nil {
				return err
			}
		}
		if err := s.checkNotNull(tx, t, d.primary); err != nil {
			return err
		}
	}
	if err := t.rows.AddIndex(x); err != nil {
		return &Error{Code: codeDuplicateRow, Text: "unique constraint violated: duplicate key in " + t.name.Name}
	}
	t.alter(tx, func(next *tableDef) {
		next.columns, next.primary, next.primaryName, next.uniques = d.columns, d.primary, d.primaryName, d.uniques
	})
	tx.onEnd(func() {}, func() { t.rows.DropIndex(x.Name) })
	return nil
}

// checkNotNull looks for NULLs in the columns of a new primary key.
func (s *session) checkNotNull(tx *txn, t *table, columns []int) error {
	snap := tx.Snapshot()
	defer snap.Close()
	rel := t.relationOf(tx)
	return scan(t.rows, snap, func(h store.Hit) error {
		row := rel.Decode(h.Row)
		for _, at := range columns {
			if row[at].IsNull() {
				return &Error{Code: 287, Text: "cannot insert NULL or update to NULL: " + rel.Columns[at].Name}
			}
		}
		return nil
	})
}

// dropConstraint drops by name; "" is the primary key.
func (s *session) dropConstraint(tx *txn, t *table, name string) error {
	d := t.structure(tx)
	index := ""
	switch {
	case len(d.primary) > 0 && (name == "" || name == d.primaryName):
		index = primaryIndex
	case name == "" || !d.hasConstraint(name):
		return &Error{Code: 397, Text: "invalid object name: no constraint " + name + " on " + t.name.Name}
	case slices.ContainsFunc(d.uniques, func(u unique) bool { return u.name == name }):
		index = name
	}
	if index != "" {
		for _, x := range t.rows.Indexes() {
			if x.Name == index {
				t.rows.DropIndex(index)
				tx.onEnd(func() {}, func() { _ = t.rows.AddIndex(&store.Index{Name: x.Name, Columns: x.Columns}) })
			}
		}
	}
	t.alter(tx, func(d *tableDef) {
		if index == primaryIndex {
			d.primary, d.primaryName = nil, ""
			return
		}
		d.uniques = slices.DeleteFunc(d.uniques, func(u unique) bool { return u.name == name })
		d.foreign = slices.DeleteFunc(d.foreign, func(f foreignKey) bool { return f.name == name })
		d.checks = slices.DeleteFunc(d.checks, func(c check) bool { return c.name == name })
	})
	return nil
}

func (s *session) parseTruncate(p *store.Parser) (*command, error) {
	if err := p.Expect("TRUNCATE", "TABLE"); err != nil {
		return nil, err
	}
	name, err := p.Name()
	if err != nil {
		return nil, err
	}
	if err := p.Done(); err != nil {
		return nil, err
	}
	return &command{function: funcDDL, ddl: func(tx *txn) error {
		t, err := s.altered(tx, name, "DELETE")
		if err != nil {
			return err
		}
		if err := s.checkUnreferenced(tx, t); err != nil {
			return err
		}
		if s.ddlAuto || s.auto {
			t.rows.Truncate()
			t.merged.Store(0)
			return nil
		}
		// Part of the transaction (SQL reference, "TRUNCATE TABLE" and "SET TRANSACTION
		// AUTOCOMMIT DDL"): rows come back with a rollback.
		return s.removeAll(tx, t)
	}}, nil
}

func (s *session) removeAll(tx *txn, t *table) error {
	snap := tx.Snapshot()
	defer snap.Close()
	return scan(t.rows, snap, func(h store.Hit) error {
		cur, err := tx.Current(t.rows, h.Slot, s.wait())
		if err != nil || !cur.Alive {
			return err
		}
		_, err = tx.Apply(t.rows, h.Slot, cur, nil)
		return err
	})
}

// checkUnreferenced: a table that a foreign key with rows refers to is not truncated.
func (s *session) checkUnreferenced(tx *txn, t *table) error {
	snap := tx.Snapshot()
	defer snap.Close()
	for _, child := range s.db.relationsOf(tx) {
		if child.rows == nil || child == t {
			continue
		}
		for _, fk := range child.structure(tx).foreign {
			if fk.parent == t.name && child.rows.Count(snap) > 0 {
				return &Error{Code: 462, Text: "failed on update or delete by foreign key constraint violation: " + fk.name}
			}
		}
	}
	return nil
}

func (s *session) parseComment(p *store.Parser) (*command, error) {
	if err := p.Expect("COMMENT", "ON"); err != nil {
		return nil, err
	}
	onColumn := p.Accept("COLUMN")
	if !onColumn {
		if err := p.Expect("TABLE"); err != nil {
			return nil, err
		}
	}
	parts := []string{}
	for {
		part, err := p.Identifier()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		if !p.Accept(".") {
			break
		}
	}
	column := ""
	if onColumn {
		column = parts[len(parts)-1]
		parts = parts[:len(parts)-1]
	}
	if len(parts) < 1 || len(parts) > 2 {
		return nil, p.Unexpected()
	}
	name := store.Name{Name: parts[len(parts)-1]}
	if len(parts) == 2 {
		name.Schema = parts[0]
	}
	if err := p.Expect("IS"); err != nil {
		return nil, err
	}
	text, err := p.Text()
	if err != nil {
		return nil, err
	}
	if err := p.Done(); err != nil {
		return nil, err
	}
	return &command{function: funcDDL, ddl: func(tx *txn) error {
		t, err := s.altered(tx, name, "ALTER")
		if err != nil {
			return err
		}
		at := t.structure(tx).position(column)
		if onColumn && at < 0 {
			return noColumn(store.Name{Name: column})
		}
		t.alter(tx, func(d *tableDef) {
			if onColumn {
				d.columns[at].comment = text
			} else {
				d.comment = text
			}
		})
		return nil
	}}, nil
}

// parseMergeDelta reads MERGE DELTA OF t [PART n]; MERGE INTO is not offered.
func (s *session) parseMergeDelta(p *store.Parser) (*command, error) {
	if err := p.Expect("MERGE", "DELTA", "OF"); err != nil {
		return nil, err
	}
	name, err := p.Name()
	if err != nil {
		return nil, err
	}
	if p.Accept("PART") {
		if _, err := p.Integer(); err != nil {
			return nil, err
		}
	}
	if err := p.Done(); err != nil {
		return nil, err
	}
	return &command{function: funcNone, set: func() error {
		tx := s.current()
		t := s.db.relation(tx, s.full(name))
		if t == nil || t.rows == nil {
			return noTable(s.full(name))
		}
		// MERGE DELTA needs UPDATE (SQL reference, "MERGE DELTA Statement").
		if err := s.allow(tx, "UPDATE", t.name); err != nil {
			return err
		}
		if !t.structure(tx).columnStore {
			return &Error{Code: 7, Text: "feature not supported: MERGE DELTA of a row table"}
		}
		snap := s.db.engine.SnapshotAt(0)
		t.merged.Store(t.rows.Count(snap))
		snap.Close()
		t.mergeTime.Store(time.Now().Unix())
		return nil
	}}, nil
}
