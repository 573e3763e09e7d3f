package hana

import (
	"bytes"
	"slices"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// modifier is a compiled UPDATE or DELETE.
type modifier struct {
	t     *table
	d     *tableDef
	rel   *store.Relation
	find  *store.Query // the slots of the rows that match
	where *store.Compiled
	set   []assignment // none for DELETE
	ins   inserter     // for what UPDATE computes and checks
}

type assignment struct {
	position int
	value    store.Compiled
}

func (s *session) compileUpdate(p *store.Parser) (*command, error) {
	u, err := p.Update()
	if err != nil {
		return nil, err
	}
	if err := p.Done(); err != nil {
		return nil, err
	}
	c, n := s.compiler()
	t, err := s.target(n, u.Table, "UPDATE")
	if err != nil {
		return nil, err
	}
	m := &modifier{t: t, d: t.structure(n.tx), rel: t.relationOf(n.tx)}
	lobs := make(map[int]int)
	for _, a := range u.Set {
		at := m.d.position(a.Column)
		if at < 0 {
			return nil, noColumn(store.Name{Name: a.Column, Pos: a.Pos})
		}
		col := m.d.columns[at]
		x := a.X
		if x == nil {
			x = col.def
			if !col.hasDef {
				x = &store.Literal{}
			}
		}
		v, err := c.Over(m.rel, u.Alias, x, col.typ)
		if err != nil {
			return nil, err
		}
		m.set = append(m.set, assignment{at, v})
		if ph, ok := a.X.(*store.Placeholder); ok {
			lobs[ph.Index] = at
		}
	}
	m.ins = inserter{t: t, d: m.d, rel: m.rel}
	if err := m.ins.compileExpressions(c); err != nil {
		return nil, err
	}
	if err := m.compileWhere(c, n, u.Alias, u.Where); err != nil {
		return nil, err
	}
	return settleParams(p, &command{function: funcUpdate, params: c.Params, table: t, rows: m.run, lobs: lobs}), nil
}

func (s *session) compileDelete(p *store.Parser) (*command, error) {
	d, err := p.Delete()
	if err != nil {
		return nil, err
	}
	if err := p.Done(); err != nil {
		return nil, err
	}
	c, n := s.compiler()
	t, err := s.target(n, d.Table, "DELETE")
	if err != nil {
		return nil, err
	}
	m := &modifier{t: t, d: t.structure(n.tx), rel: t.relationOf(n.tx)}
	if err := m.compileWhere(c, n, d.Alias, d.Where); err != nil {
		return nil, err
	}
	return settleParams(p, &command{function: funcDelete, params: c.Params, table: t, rows: m.run}), nil
}

// compileWhere compiles the condition twice: as a query that finds slots, and over
// one row, for rows that change while the statement waits for them. Finding rows
// for a change needs no SELECT privilege.
func (m *modifier) compileWhere(c *store.Compiler, n *names, alias string, where store.Expr) error {
	sub := &store.Compiler{D: c.D, Names: &unchecked{names: n, t: m.t, rel: m.rel}, Params: c.Params}
	q := &store.Select{Items: []store.Item{{X: &store.Ref{Column: slotColumn}}}, Where: where,
		From: []store.From{&store.TableRef{Name: store.Name{Schema: m.t.name.Schema, Name: m.t.name.Name}, Alias: alias}}}
	var err error
	if m.find, err = sub.Query(q); err != nil {
		return err
	}
	c.Params = sub.Params
	if where == nil {
		return nil
	}
	v, err := sub.Over(m.rel, alias, where, store.Type{})
	m.where = &v
	c.Params = sub.Params
	return err
}

// unchecked resolves one table without asking for privileges.
type unchecked struct {
	*names
	t   *table
	rel *store.Relation
}

// Relation implements store.Resolver.
func (u *unchecked) Relation(ref *store.TableRef) (*store.Relation, error) {
	if ref.Name.Name == u.t.name.Name && (ref.Name.Schema == u.t.name.Schema || ref.Name.Schema == "" && u.s.schema == u.t.name.Schema) {
		return u.rel, nil
	}
	return u.names.Relation(ref)
}

func (m *modifier) run(x *change, params []store.Value) (int64, error) {
	env, done := x.env(params)
	defer done()
	var slots []uint32
	err := m.find.Run(env, func(row []store.Value) (bool, error) {
		slots = append(slots, uint32(row[0].I))
		return true, nil
	})
	if err != nil {
		return 0, err
	}
	n := int64(0)
	var removed [][]store.Value
	for _, slot := range slots {
		old, changed, err := m.one(x, env, slot)
		if err != nil {
			return 0, err
		}
		if old != nil {
			n++
		}
		if changed {
			removed = append(removed, old)
		}
	}
	return n, x.s.checkChildren(x, m.t, m.d, removed)
}

// one changes one row; old is nil where it does not match any more. removed says that
// its old keys are gone, so that rows which refer to them have to be looked at.
func (m *modifier) one(x *change, env *store.Env, slot uint32) (old []store.Value, removed bool, err error) {
	var seen []byte
	for {
		cur, err := x.tx.Current(m.t.rows, slot, x.wait)
		if err != nil || !cur.Alive {
			return nil, false, err
		}
		old := m.rel.Decode(cur.Row)
		if m.where != nil && !bytes.Equal(seen, cur.Row) {
			v, err := m.where.Eval(env.Over(old, store.Hit{Slot: slot, Row: cur.Row}))
			if err != nil || !v.True() {
				return nil, false, err
			}
			seen = cur.Row
		}
		var row []store.Value
		var encoded []byte
		if len(m.set) > 0 {
			if row, err = m.changed(x, env, old); err != nil {
				return nil, false, err
			}
			x.row = store.EncodeRow(x.row[:0], row)
			encoded = x.row
		}
		applied, err := x.tx.Apply(m.t.rows, slot, cur, encoded)
		if err != nil {
			if row == nil {
				row = old
			}
			return nil, false, m.t.named(err, row)
		}
		if !applied {
			continue
		}
		x.slot = slot
		if row == nil {
			return old, true, nil
		}
		return old, m.keysMoved(old, row), x.s.checkParents(x, m.t, m.d, row)
	}
}

func (m *modifier) changed(x *change, env *store.Env, old []store.Value) ([]store.Value, error) {
	row := slices.Clone(old)
	over := env.Over(old, store.Hit{})
	for _, a := range m.set {
		v, err := a.value.Eval(over)
		if err == nil {
			row[a.position], err = store1(v, m.d.columns[a.position])
		}
		if err != nil {
			return nil, err
		}
	}
	return row, m.ins.finish(x, nil, row)
}

// keysMoved says whether a column that others may refer to has another value.
func (m *modifier) keysMoved(old, row []store.Value) bool {
	for _, list := range append([]unique{{columns: m.d.primary}}, m.d.uniques...) {
		for _, at := range list.columns {
			if old[at] != row[at] {
				return true
			}
		}
	}
	return false
}
