package engine

import (
	"encoding/binary"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// rowsOf compiles the WHERE of a change: it gives the rows that its snapshot sees, with their places.
func (c *compiler) rowsOf(t *Table, alias string, where store.Expr) (func(r *run, each func(a address, row [][]byte) error) error, error) {
	src, err := c.tableSource(t, &store.TableRef{Alias: alias})
	if err != nil {
		return nil, err
	}
	c.scope.sources = []*source{src}
	levels, err := c.plan([]joined{{src: src}}, where)
	if err != nil {
		return nil, err
	}
	filters := levels[0].filters
	return func(r *run, each func(a address, row [][]byte) error) error {
		it, err := src.open(r, &env{run: r})
		if err != nil {
			return err
		}
		type found struct {
			a   address
			row [][]byte
		}
		var list []found
		e := &env{run: r, rows: make([][][]byte, 1)}
		for {
			row, err := it()
			if err != nil {
				return err
			}
			if row == nil {
				break
			}
			e.rows[0] = row
			ok, err := pass(filters, e)
			if err != nil {
				return err
			}
			if ok {
				list = append(list, found{t.place(row[len(t.cols)]), append([][]byte(nil), row...)})
			}
		}
		for _, f := range list {
			if err := each(f.a, f.row); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// place finds the row of a ROWID that a scan of the table gave.
func (t *Table) place(id []byte) address {
	object, file := binary.BigEndian.Uint32(id), binary.BigEndian.Uint16(id[4:])
	number, slot := binary.BigEndian.Uint32(id[6:]), int(binary.BigEndian.Uint16(id[10:]))
	for _, seg := range t.segments() {
		if seg.object != object {
			continue
		}
		for _, e := range seg.extents {
			if e.file == file && number >= e.first && number < e.first+uint32(len(e.blocks)) {
				return address{seg, e.blocks[number-e.first], slot}
			}
		}
	}
	return address{}
}

// current claims a row and says whether it is still the one that the statement saw.
func (s *Session) current(r *run, a address) (bool, error) {
	if err := s.claim(r.ctx, a); err != nil {
		return false, err
	}
	return !a.row().deleted, nil
}

func (c *compiler) update(u *store.Update) (*change, error) {
	t, err := c.target(u.Table, "UPDATE")
	if err != nil {
		return nil, err
	}
	rows, err := c.rowsOf(t, u.Alias, u.Where)
	if err != nil {
		return nil, err
	}
	type set struct {
		col int
		x   expr
	}
	var sets []set
	for _, a := range u.Set {
		i := t.column(a.Column)
		if i < 0 {
			return nil, ora.At(a.Pos, 904, "%q: invalid identifier", a.Column)
		}
		if t.cols[i].virtual {
			return nil, ora.At(a.Pos, 54017, "UPDATE operation disallowed on virtual columns")
		}
		source := a.X
		if source == nil {
			if source = t.cols[i].dfltExpr; source == nil {
				source = &store.Literal{}
			}
		}
		x, err := c.expr(source)
		if err != nil {
			return nil, err
		}
		sets = append(sets, set{i, x})
	}
	return &change{run: func(r *run) (int, []byte, error) {
		n := 0
		var last []byte
		if err := c.s.writable(t); err != nil {
			return 0, nil, err
		}
		err := rows(r, func(a address, old [][]byte) error {
			if ok, err := c.s.current(r, a); err != nil || !ok {
				return err
			}
			values := append([][]byte(nil), old[:len(t.cols)]...)
			e := &env{run: r, rows: [][][]byte{old}}
			for _, s := range sets {
				v, err := s.x.eval(e)
				if err != nil {
					return err
				}
				if values[s.col], err = c.s.store(t, s.col, typed{s.x.typ, v}); err != nil {
					return err
				}
				if values[s.col] == nil && t.cols[s.col].notNull {
					return ora.Errorf(1407, "cannot update (%q.%q.%q) to NULL", t.owner, t.name, t.cols[s.col].name)
				}
			}
			if err := c.s.compute(t, values, r); err != nil {
				return err
			}
			if err := c.s.check(r, t, values); err != nil {
				return err
			}
			n++
			last = a.rowid()
			return c.s.replace(r, t, image{a, old[:len(t.cols)], values})
		})
		return n, last, err
	}}, nil
}

// image is a row that changes: where it lies, and its values. before is nil for a new row.
type image struct {
	at            address
	before, after [][]byte
}

// replace writes a row's new version; a row whose partition changes moves where row movement is on.
func (s *Session) replace(r *run, t *Table, im image) error {
	p, err := t.partition(im.after)
	if err != nil {
		return err
	}
	if p.seg != im.at.seg {
		if !t.rowMovement {
			return ora.Errorf(14402, "updating partition key column would cause a partition change")
		}
		s.write(im.at, nil, true)
		im.at = p.seg.insert(row{data: t.encode(im.after), tx: s.tx})
		s.tx.changes = append(s.tx.changes, im.at)
	} else {
		s.write(im.at, t.encode(im.after), false)
	}
	if err := s.enter(r, t, im); err != nil {
		return err
	}
	t.count(s.tx, func(m *modifications) *int { return &m.updates })
	return nil
}

func (c *compiler) delete(d *store.Delete) (*change, error) {
	t, err := c.target(d.Table, "DELETE")
	if err != nil {
		return nil, err
	}
	rows, err := c.rowsOf(t, d.Alias, d.Where)
	if err != nil {
		return nil, err
	}
	return &change{run: func(r *run) (int, []byte, error) {
		n := 0
		if err := c.s.writable(t); err != nil {
			return 0, nil, err
		}
		err := rows(r, func(a address, old [][]byte) error {
			if ok, err := c.s.current(r, a); err != nil || !ok {
				return err
			}
			c.s.write(a, nil, true)
			c.s.leave(t, old[:len(t.cols)])
			t.count(c.s.tx, func(m *modifications) *int { return &m.deletes })
			n++
			return nil
		})
		return n, nil, err
	}}, nil
}
