package hana

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// change is one execution of an INSERT, UPDATE or DELETE, over all of its rows of parameters.
type change struct {
	s    *session
	tx   *txn
	ctx  context.Context
	row  []byte // buffer of encoded rows
	lobs []lobInput
	slot uint32 // of the row inserted last
	wait store.Wait
}

func (x *change) env(params []store.Value) (*store.Env, func()) {
	snap := x.tx.Snapshot()
	return store.NewEnv(x.ctx, params, snap), snap.Close
}

// inserter is a compiled INSERT, UPSERT or REPLACE.
type inserter struct {
	t       *table
	d       *tableDef
	columns []int            // positions that the statement gives
	values  []store.Compiled // of VALUES; a plain placeholder has an entry in direct
	direct  []int            // the parameter that is a value as it is, or -1
	missing []int            // positions that get their default
	query   *store.Query
	rel     *store.Relation
	upsert  *store.Index
	gens    []generated
	checks  []store.Compiled
}

type generated struct {
	position int
	value    store.Compiled
}

func (s *session) compileInsert(p *store.Parser) (*command, error) {
	in, err := p.Insert()
	if err != nil {
		return nil, err
	}
	if err := p.Done(); err != nil {
		return nil, err
	}
	c, n := s.compiler()
	t, err := s.target(n, in.Table, "INSERT")
	if err != nil {
		return nil, err
	}
	i := &inserter{t: t, d: t.structure(n.tx), rel: t.relationOf(n.tx)}
	if err := i.targetColumns(in); err != nil {
		return nil, err
	}
	if err := i.compileValues(c, in); err != nil {
		return nil, err
	}
	if err := i.compileExpressions(c); err != nil {
		return nil, err
	}
	if in.Verb != "INSERT" {
		if err := i.byPrimaryKey(s, n, in); err != nil {
			return nil, err
		}
	}
	cmd := &command{function: funcInsert, params: c.Params, table: t, rows: i.run, lobs: make(map[int]int)}
	for at, param := range i.direct {
		if param >= 0 {
			cmd.lobs[param] = i.columns[at]
		}
	}
	return settleParams(p, cmd), nil
}

// targetColumns finds the columns that are given and those that get defaults.
func (i *inserter) targetColumns(in *store.Insert) error {
	given := make(map[int]bool)
	for _, n := range in.Columns {
		at := i.d.position(n.Name)
		if at < 0 {
			return noColumn(n)
		}
		if given[at] {
			return &Error{Code: 272, Pos: n.Pos + 1, Text: "duplicate column name: " + n.Name}
		}
		if c := i.d.columns[at]; c.generated != nil || c.always {
			return &Error{Code: 7, Pos: n.Pos + 1, Text: "feature not supported: cannot insert into generated column " + n.Name}
		}
		given[at] = true
		i.columns = append(i.columns, at)
	}
	for at, c := range i.d.columns {
		switch {
		case given[at]:
		case len(in.Columns) == 0 && c.generated == nil && !c.always:
			i.columns = append(i.columns, at)
		default:
			i.missing = append(i.missing, at)
		}
	}
	return nil
}

func noColumn(n store.Name) error {
	return &Error{Code: codeNoColumn, Pos: n.Pos + 1, Text: fmt.Sprintf("invalid column name: %s: line 1 col %d (at pos %d)", n.Name, n.Pos+1, n.Pos+1)}
}

func (i *inserter) compileValues(c *store.Compiler, in *store.Insert) error {
	width := len(in.Values)
	if in.Query != nil {
		q, err := c.Query(in.Query)
		if err != nil {
			return err
		}
		i.query, width = q, len(q.Columns)
	}
	switch {
	case width > len(i.columns):
		return &Error{Code: 269, Text: "too many values"}
	case width < len(i.columns):
		return &Error{Code: 270, Text: "not enough values"}
	}
	for at, x := range in.Values {
		col := i.d.columns[i.columns[at]]
		direct := -1
		if ph, ok := x.(*store.Placeholder); ok {
			direct = ph.Index
		}
		if x == nil {
			x = col.def
			if !col.hasDef {
				x = &store.Literal{}
			}
		}
		v, err := c.Value(x, col.typ)
		if err != nil {
			return err
		}
		i.values = append(i.values, v)
		i.direct = append(i.direct, direct)
	}
	return nil
}

// compileExpressions compiles what the table computes and checks.
func (i *inserter) compileExpressions(c *store.Compiler) error {
	for at, col := range i.d.columns {
		if col.generated == nil {
			continue
		}
		v, err := c.Over(i.rel, "", col.generated, col.typ)
		if err != nil {
			return err
		}
		i.gens = append(i.gens, generated{at, v})
	}
	for _, ck := range i.d.checks {
		v, err := c.Over(i.rel, "", ck.expr, store.Type{})
		if err != nil {
			return err
		}
		i.checks = append(i.checks, v)
	}
	return nil
}

// byPrimaryKey makes an UPSERT of it. UPSERT with neither WHERE nor WITH PRIMARY KEY
// inserts (SQL reference, "UPSERT Statement").
func (i *inserter) byPrimaryKey(s *session, n *names, in *store.Insert) error {
	if in.Where != nil {
		return &Error{Code: 7, Text: "feature not supported: UPSERT with WHERE"}
	}
	if !in.PrimaryKey && in.Query == nil {
		return nil
	}
	for _, x := range i.t.rows.Indexes() {
		if x.Name == primaryIndex {
			i.upsert = x
		}
	}
	if i.upsert == nil {
		return &Error{Code: 259, Text: "invalid table name: UPSERT needs a table with a primary key: " + i.t.name.Name}
	}
	for _, at := range i.d.primary {
		if !slices.Contains(i.columns, at) {
			return &Error{Code: 270, Text: "not enough values: primary key column " + i.d.columns[at].name + " is missing"}
		}
	}
	return s.allow(n.tx, "UPDATE", i.t.name)
}

// run inserts the row of one row of parameters, or those of a query.
func (i *inserter) run(x *change, params []store.Value) (int64, error) {
	if i.query == nil {
		return i.one(x, params, nil)
	}
	env, done := x.env(params)
	defer done()
	var rows [][]store.Value
	err := i.query.Run(env, func(row []store.Value) (bool, error) {
		rows = append(rows, slices.Clone(row))
		return true, nil
	})
	n := int64(0)
	for _, row := range rows {
		if err != nil {
			break
		}
		_, err = i.one(x, params, row)
		n++
	}
	return n, err
}

// one makes a row of the given values, or of the statement's own where there are none.
func (i *inserter) one(x *change, params, given []store.Value) (int64, error) {
	row := make([]store.Value, len(i.d.columns))
	for at, position := range i.columns {
		var v store.Value
		var err error
		switch {
		case given != nil:
			v = given[at]
		case i.direct[at] >= 0:
			v = params[i.direct[at]]
		default:
			v, err = i.evaluate(x, params, i.values[at], nil)
		}
		if err == nil {
			row[position], err = store1(v, i.d.columns[position])
		}
		if err != nil {
			return 0, err
		}
	}
	if err := i.fill(x, row, i.missing); err != nil {
		return 0, err
	}
	if err := i.finish(x, params, row); err != nil {
		return 0, err
	}
	if i.upsert != nil {
		if done, err := i.replace(x, row); err != nil || done {
			return 1, err
		}
	}
	x.row = store.EncodeRow(x.row[:0], row)
	slot, err := x.tx.Insert(i.t.rows, x.row, x.wait)
	if err != nil {
		return 0, i.t.named(err, row)
	}
	x.slot = slot
	return 1, x.s.checkParents(x, i.t, i.d, row)
}

// store1 brings a value to what a column stores.
func store1(v store.Value, c column) (store.Value, error) {
	if v.IsNull() {
		if c.typ.NotNull {
			return v, &Error{Code: 287, Text: "cannot insert NULL or update to NULL: " + c.name}
		}
		return v, nil
	}
	if v.K != c.typ.Kind {
		var err error
		if v, err = toKind(v, store.Type{Name: c.typ.Name, Kind: c.typ.Kind}); err != nil {
			return v, err
		}
	}
	return fit(v, c.typ, c.name)
}

// fill puts defaults and identity values into columns that the statement does not name.
func (i *inserter) fill(x *change, row []store.Value, positions []int) error {
	for _, at := range positions {
		c := i.d.columns[at]
		var v store.Value
		var err error
		switch {
		case c.generated != nil:
			continue
		case c.identity != nil:
			var n int64
			n, err = c.identity.advance()
			v = store.IntValue(n)
		case c.hasDef:
			comp := &store.Compiler{D: x.s.db.dialect, Names: &names{s: x.s, tx: x.tx}}
			var def store.Compiled
			if def, err = comp.Value(c.def, c.typ); err == nil {
				v, err = i.evaluate(x, nil, def, nil)
			}
		}
		if err == nil {
			row[at], err = store1(v, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (i *inserter) evaluate(x *change, params []store.Value, c store.Compiled, row []store.Value) (store.Value, error) {
	env, done := x.env(params)
	defer done()
	return c.Eval(env.Over(row, store.Hit{}))
}

// finish computes generated columns and checks constraints.
func (i *inserter) finish(x *change, params, row []store.Value) error {
	for _, g := range i.gens {
		v, err := i.evaluate(x, params, g.value, row)
		if err == nil {
			row[g.position], err = store1(v, i.d.columns[g.position])
		}
		if err != nil {
			return err
		}
	}
	for n, c := range i.checks {
		v, err := i.evaluate(x, params, c, row)
		if err != nil {
			return err
		}
		if !v.IsNull() && !v.True() {
			return &Error{Code: 677, Text: "check constraint violation: " + i.d.checks[n].name}
		}
	}
	return nil
}

// replace changes the row that has the primary key, where there is one.
func (i *inserter) replace(x *change, row []store.Value) (bool, error) {
	key := make([]store.Value, len(i.upsert.Columns))
	for n, at := range i.upsert.Columns {
		key[n] = row[at]
	}
	for {
		snap := x.tx.Snapshot()
		hit, ok := i.t.rows.Find(snap, i.upsert, key)
		snap.Close()
		if !ok {
			return false, nil
		}
		cur, err := x.tx.Current(i.t.rows, hit.Slot, x.wait)
		if err != nil {
			return false, err
		}
		if !cur.Alive {
			continue
		}
		old := i.rel.Decode(cur.Row)
		for _, at := range i.missing {
			if i.d.columns[at].generated == nil {
				row[at] = old[at]
			}
		}
		x.row = store.EncodeRow(x.row[:0], row)
		applied, err := x.tx.Apply(i.t.rows, hit.Slot, cur, x.row)
		if err != nil {
			return false, i.t.named(err, row)
		}
		if applied {
			x.slot = hit.Slot
			return true, x.s.checkParents(x, i.t, i.d, row)
		}
	}
}

// named adds to an error of a unique index which one it is, and the key.
func (t *table) named(err error, row []store.Value) error {
	var e *store.Error
	if !errors.As(err, &e) || e.Kind != store.Duplicate {
		return err
	}
	for _, x := range t.rows.Indexes() {
		if x.Name != e.Name {
			continue
		}
		key := ""
		for n, at := range x.Columns {
			if n > 0 {
				key += ","
			}
			key += textOf(row[at])
		}
		return &Error{Code: codeDuplicateRow, Text: fmt.Sprintf("unique constraint violated: Table(%s), Index(%s), Key(%.200s)", t.name.Name, x.Name, key)}
	}
	return err
}
