package engine

import (
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

func (s *Session) alterDrop(p *store.Parser, t *Table) error {
	switch {
	case p.Accept("CONSTRAINT"):
		name, err := p.Identifier()
		if err != nil {
			return err
		}
		for _, c := range t.constraints {
			if c.name == name {
				t.dropConstraint(c)
				if x := c.index; x != nil && x.name == c.name {
					delete(s.db.indexes, x.qname)
					for i, y := range t.indexes {
						if x == y {
							t.indexes = append(t.indexes[:i:i], t.indexes[i+1:]...)
							break
						}
					}
				}
				if c.notNull {
					t.cols[c.cols[0]].notNull = false
				}
				p.Accept("CASCADE")
				return nil
			}
		}
		return ora.Errorf(2443, "Cannot drop constraint  - nonexistent constraint")
	case p.Accept("PARTITION"):
		name, err := p.Identifier()
		if err != nil {
			return err
		}
		for i, q := range t.parts {
			if q.name == name && name != "" {
				for _, leaf := range t.named(name) {
					leaf.seg.gone = true
				}
				t.parts = append(t.parts[:i:i], t.parts[i+1:]...)
				return nil
			}
		}
		return ora.Errorf(2149, "Specified partition does not exist")
	case p.Accept("COLUMN"):
		name, err := p.Identifier()
		if err != nil {
			return err
		}
		return s.dropColumn(t, name)
	}
	return ora.At(p.Peek(0).Pos, 905, "missing keyword")
}

// dropColumn writes the rows again without a column.
func (s *Session) dropColumn(t *Table, name string) error {
	at := t.column(name)
	if at < 0 {
		return ora.Errorf(904, "%q: invalid identifier", name)
	}
	for _, x := range t.indexes {
		for _, i := range x.cols {
			if i >= at {
				return ora.Errorf(12991, "column is referenced in a multi-column constraint")
			}
		}
	}
	cols := append(append([]*column(nil), t.cols[:at]...), t.cols[at+1:]...)
	after := &Table{object: t.object, cols: cols}
	row := make([][]byte, len(t.cols))
	for _, seg := range t.segments() {
		for _, e := range seg.extents {
			for _, b := range e.blocks {
				for i := range b.rows {
					v := &b.rows[i]
					if v.deleted {
						continue
					}
					t.decode(v.data, row)
					v.data = after.encode(append(append([][]byte(nil), row[:at]...), row[at+1:]...))
				}
			}
		}
	}
	for i, c := range cols {
		c.id = i + 1
	}
	t.cols = cols
	return nil
}

func (s *Session) rename(p *store.Parser, t *Table) error {
	if p.Accept("COLUMN") {
		from, err := p.Identifier()
		if err != nil {
			return err
		}
		if err := p.Expect("TO"); err != nil {
			return err
		}
		to, err := p.Identifier()
		if err != nil {
			return err
		}
		i := t.column(from)
		if i < 0 {
			return ora.Errorf(904, "%q: invalid identifier", from)
		}
		if t.column(to) >= 0 {
			return ora.Errorf(957, "duplicate column name")
		}
		t.cols[i].name = to
		return nil
	}
	if err := p.Expect("TO"); err != nil {
		return err
	}
	to, err := p.Identifier()
	if err != nil {
		return err
	}
	n := qname{t.owner, to}
	if s.db.objects[n] != nil {
		return ora.Errorf(955, "name is already used by an existing object")
	}
	delete(s.db.objects, t.qname)
	t.name = to
	s.db.objects[n] = t.object
	return nil
}
