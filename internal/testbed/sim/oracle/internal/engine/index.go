package engine

import (
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
)

// key is an index's value for a row; null is true where all columns are NULL, which no index holds.
func (x *Index) key(values [][]byte) (key string, null bool) {
	null = true
	var out []byte
	for _, i := range x.cols {
		null = null && values[i] == nil
		out = appendValue(out, values[i])
	}
	return string(out), null
}

// build reads the table's rows into the index; two rows of one key are ORA-00001 or, where the index
// is new, ORA-01452.
func (x *Index) build(s *Session, r *run, code int) error {
	keys := make(map[string]address)
	t := x.table
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
					if err := s.compute(t, row, r); err != nil {
						return err
					}
					key, null := x.key(row)
					if null {
						continue
					}
					if _, ok := keys[key]; ok {
						if code == 1452 {
							return ora.Errorf(1452, "cannot CREATE UNIQUE INDEX; duplicate keys found")
						}
						return ora.Errorf(code, "unique constraint (%s.%s) violated", x.owner, x.name)
					}
					keys[key] = address{seg, b, i}
				}
			}
		}
	}
	x.keys = keys
	return nil
}

// enter puts a row into the unique indexes of its table. The transaction's rollback takes it out again.
func (s *Session) enter(r *run, t *Table, im image) error {
	a := im.at
	for _, x := range t.indexes {
		if !x.unique || x.status == "UNUSABLE" {
			continue
		}
		if x.keys == nil {
			if err := x.build(s, r, 1); err != nil {
				return err
			}
		}
		key, null := x.key(im.after)
		if im.before != nil {
			before, wasNull := x.key(im.before)
			if before == key {
				continue
			}
			if !wasNull {
				x.drop(s, before)
			}
		}
		if null {
			continue
		}
		if other, ok := x.keys[key]; ok && other != a && !other.row().deleted {
			return ora.Errorf(1, "unique constraint (%s.%s) violated", x.owner, x.constraintName())
		}
		was, had := x.keys[key]
		x.keys[key] = a
		s.tx.undo = append(s.tx.undo, func() {
			if had {
				x.keys[key] = was
			} else {
				delete(x.keys, key)
			}
		})
	}
	return nil
}

func (x *Index) drop(s *Session, key string) {
	was, had := x.keys[key]
	if !had {
		return
	}
	delete(x.keys, key)
	s.tx.undo = append(s.tx.undo, func() { x.keys[key] = was })
}

// leave takes a deleted row out of the unique indexes.
func (s *Session) leave(t *Table, values [][]byte) {
	for _, x := range t.indexes {
		if !x.unique || x.keys == nil {
			continue
		}
		if key, null := x.key(values); !null {
			x.drop(s, key)
		}
	}
}

func (x *Index) constraintName() string {
	for _, c := range x.table.constraints {
		if c.index == x {
			return c.name
		}
	}
	return x.name
}
