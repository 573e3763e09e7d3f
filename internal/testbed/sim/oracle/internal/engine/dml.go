package engine

import (
	"errors"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// change is a compiled INSERT, UPDATE or DELETE. run changes the rows of one set of binds and says how
// many, and where the last one is.
type change struct {
	run func(r *run) (int, []byte, error)
}

// target finds the table of a change.
func (c *compiler) target(n store.Name, right string) (*Table, error) {
	name := qname{n.Schema, n.Name}
	if name.owner == "" {
		name.owner = c.s.schema
	}
	o, err := c.db().find(c.s.user, name, n.Pos)
	if err != nil {
		return nil, err
	}
	switch {
	case o.table == nil:
		return nil, ora.At(n.Pos, 1732, "data manipulation operation not legal on this view")
	case !c.s.user.may(right, o):
		return nil, ora.At(n.Pos, 1031, "insufficient privileges")
	case o.table.external || o.table.mview:
		return nil, ora.At(n.Pos, 30657, "operation not supported on external organized table")
	}
	return o.table, nil
}

// writable says whether rows of a table can be changed in the session's transaction.
func (s *Session) writable(t *Table) error {
	if s.readSCN > 0 {
		return ora.Errorf(1456, "may not perform insert/delete/update operation inside a READ ONLY transaction")
	}
	if t.readOnly {
		return ora.Errorf(12081, "update operation not allowed on table %q.%q", t.owner, t.name)
	}
	return nil
}

func (c *compiler) insert(in *store.Insert) (*change, error) {
	if in.Verb != "INSERT" {
		return nil, ora.At(in.Pos, 900, "invalid SQL statement")
	}
	t, err := c.target(in.Table, "INSERT")
	if err != nil {
		return nil, err
	}
	cols, err := insertColumns(t, in.Columns)
	if err != nil {
		return nil, err
	}
	if in.Query != nil {
		return c.insertQuery(t, cols, in)
	}
	if len(in.Values) > len(cols) {
		return nil, ora.At(in.Pos, 913, "too many values")
	}
	if len(in.Values) < len(cols) {
		return nil, ora.At(in.Pos, 947, "not enough values")
	}
	list := make([]*expr, len(cols))
	for i, x := range in.Values {
		if x == nil {
			continue
		}
		e, err := c.expr(x)
		if err != nil {
			return nil, err
		}
		list[i] = &e
	}
	return &change{run: func(r *run) (int, []byte, error) {
		row := make([]*typed, len(cols))
		e := &env{run: r}
		for i, x := range list {
			if x == nil {
				continue
			}
			v, err := x.eval(e)
			if err != nil {
				return 0, nil, err
			}
			row[i] = &typed{x.typ, v}
		}
		id, err := c.s.insertRow(r, t, cols, row)
		return 1, id, err
	}}, nil
}

// insertColumns are the columns of an INSERT's list, or all that are seen.
func insertColumns(t *Table, names []store.Name) ([]int, error) {
	if names == nil {
		return t.visibleColumns(), nil
	}
	var out []int
	for _, n := range names {
		i := t.column(n.Name)
		if i < 0 || t.cols[i].system {
			return nil, ora.At(n.Pos, 904, "%q: invalid identifier", n.Name)
		}
		for _, j := range out {
			if i == j {
				return nil, ora.At(n.Pos, 957, "duplicate column name")
			}
		}
		out = append(out, i)
	}
	return out, nil
}

func (c *compiler) insertQuery(t *Table, cols []int, in *store.Insert) (*change, error) {
	q, err := c.sub(in.Query)
	if err != nil {
		return nil, err
	}
	switch {
	case len(q.cols) > len(cols):
		return nil, ora.At(in.Pos, 913, "too many values")
	case len(q.cols) < len(cols):
		return nil, ora.At(in.Pos, 947, "not enough values")
	}
	return &change{run: func(r *run) (int, []byte, error) {
		it, err := q.open(r, nil)
		if err != nil {
			return 0, nil, err
		}
		var id []byte
		for n := 0; ; n++ {
			out, err := it()
			if err != nil || out == nil {
				return n, id, err
			}
			row := make([]*typed, len(cols))
			for i := range cols {
				row[i] = &typed{q.cols[i].Type, out[i]}
			}
			if id, err = c.s.insertRow(r, t, cols, row); err != nil {
				return 0, nil, err
			}
		}
	}}, nil
}

// insertRow checks and adds one row; what is nil in it gets its default.
func (s *Session) insertRow(r *run, t *Table, cols []int, row []*typed) ([]byte, error) {
	if err := s.writable(t); err != nil {
		return nil, err
	}
	values := make([][]byte, len(t.cols))
	set := make([]bool, len(t.cols))
	for k, i := range cols {
		col := t.cols[i]
		if row[k] == nil {
			continue
		}
		if col.virtual {
			return nil, ora.Errorf(54013, "INSERT operation disallowed on virtual columns")
		}
		if col.identity == "ALWAYS" {
			return nil, ora.Errorf(32795, "cannot insert into a generated always identity column")
		}
		v, err := s.store(t, i, *row[k])
		if err != nil {
			return nil, err
		}
		values[i], set[i] = v, true
	}
	if err := s.defaults(r, t, values, set); err != nil {
		return nil, err
	}
	return s.put(r, t, values)
}

// defaults fills what a row was not given.
func (s *Session) defaults(r *run, t *Table, values [][]byte, set []bool) error {
	for i, col := range t.cols {
		if set[i] || col.virtual {
			continue
		}
		var v typed
		switch {
		case col.sequence != nil:
			n, err := s.sequence(col.sequence, false)
			if err != nil {
				return err
			}
			v = typed{number(), n}
		case col.dfltExpr != nil:
			c := &compiler{s: s, scope: &scope{}}
			e, err := c.expr(col.dfltExpr)
			if err != nil {
				return err
			}
			n, err := e.eval(&env{run: r})
			if err != nil {
				return err
			}
			v = typed{e.typ, n}
		default:
			continue
		}
		b, err := s.store(t, i, v)
		if err != nil {
			return err
		}
		values[i] = b
	}
	return nil
}

// store brings a value into a column.
func (s *Session) store(t *Table, i int, v typed) ([]byte, error) {
	col := t.cols[i]
	b, err := s.assign(col.typ, v.typ, v.v)
	var long *tooLong
	if errors.As(err, &long) {
		return nil, ora.Errorf(12899, "value too large for column %q.%q.%q (actual: %d, maximum: %d)", t.owner, t.name, col.name, long.actual, long.most)
	}
	if ora.Code(err) == 1438 {
		return nil, ora.Errorf(1438, "value larger than specified precision allowed for this column")
	}
	return b, err
}

// put checks a whole row and adds it.
func (s *Session) put(r *run, t *Table, values [][]byte) ([]byte, error) {
	if err := s.compute(t, values, r); err != nil {
		return nil, err
	}
	if err := s.check(r, t, values); err != nil {
		return nil, err
	}
	p, err := t.partition(values)
	if err != nil {
		return nil, err
	}
	tx := s.begin()
	a := p.seg.insert(row{data: t.encode(values), tx: tx})
	tx.changes = append(tx.changes, a)
	if err := s.enter(r, t, image{at: a, after: values}); err != nil {
		return nil, err
	}
	t.count(tx, func(m *modifications) *int { return &m.inserts })
	return a.rowid(), nil
}

func (t *Table) count(tx *tx, of func(*modifications) *int) {
	*of(&t.mods)++
	tx.undo = append(tx.undo, func() { *of(&t.mods)-- })
}

// check tests NOT NULL, CHECK and foreign keys.
func (s *Session) check(r *run, t *Table, values [][]byte) error {
	for i, col := range t.cols {
		if col.notNull && values[i] == nil {
			return ora.Errorf(1400, "cannot insert NULL into (%q.%q.%q)", t.owner, t.name, col.name)
		}
	}
	for _, con := range t.constraints {
		if con.disabled {
			continue
		}
		if con.check != nil {
			ok, err := con.check(&env{run: r, rows: [][][]byte{values}})
			if err != nil {
				return err
			}
			if ok == no {
				return ora.Errorf(2290, "check constraint (%s.%s) violated", con.owner, con.name)
			}
		}
		if con.kind == "R" {
			if err := s.parent(r, con, values); err != nil {
				return err
			}
		}
	}
	return nil
}

// parent looks for the row that a foreign key names.
func (s *Session) parent(r *run, con *constraint, values [][]byte) error {
	x := con.ref.index
	var key []byte
	for _, i := range con.cols {
		if values[i] == nil {
			return nil
		}
		key = appendValue(key, values[i])
	}
	if x.keys == nil {
		if err := x.build(s, r, 1); err != nil {
			return err
		}
	}
	if a, ok := x.keys[string(key)]; !ok || a.row().deleted {
		return ora.Errorf(2291, "integrity constraint (%s.%s) violated - parent key not found", con.owner, con.name)
	}
	return nil
}

// partition finds where a row belongs.
func (t *Table) partition(values [][]byte) (*part, error) {
	p, err := choose(t.kind.method, t.kind.keys, t.parts, values)
	if err != nil || len(p.subs) == 0 {
		return p, err
	}
	return choose(t.kind.sub, t.kind.subKeys, p.subs, values)
}

func choose(method string, keys []int, parts []*part, values [][]byte) (*part, error) {
	switch method {
	case "":
		return parts[0], nil
	case "RANGE":
		for _, p := range parts {
			if below(keys, p.bounds, values) {
				return p, nil
			}
		}
	case "LIST":
		for _, p := range parts {
			if p.values == nil {
				return p, nil
			}
			for _, v := range p.values {
				if compareBytes(v[0], values[keys[0]]) == 0 && (v[0] == nil) == (values[keys[0]] == nil) {
					return p, nil
				}
			}
		}
	default: // HASH; the server's hash is not known (assumption)
		h := 0
		for _, i := range keys {
			for _, b := range values[i] {
				h = h*31 + int(b)
			}
		}
		return parts[(h&0x7FFFFFFF)%len(parts)], nil
	}
	return nil, ora.Errorf(14400, "inserted partition key does not map to any partition")
}

// below says whether a row lies below a partition's upper bound; NULL is above all but MAXVALUE.
func below(keys []int, bounds, values [][]byte) bool {
	for k, i := range keys {
		if bounds[k] == nil {
			return true
		}
		if values[i] == nil {
			return false
		}
		if n := compareBytes(values[i], bounds[k]); n != 0 {
			return n < 0
		}
	}
	return false
}

// sequence gives NEXTVAL or CURRVAL; db.mu is held.
func (s *Session) sequence(o *object, current bool) ([]byte, error) {
	q := o.seq
	if current {
		v, ok := s.lastSeq[q]
		if !ok {
			return nil, ora.Errorf(8002, "sequence %s.CURRVAL is not yet defined in this session", o.name)
		}
		return v.Encode()
	}
	v := q.next
	if up := !q.step.Neg; up && value.Compare(v, q.max) > 0 || !up && value.Compare(v, q.min) < 0 {
		if !q.cycle {
			return nil, ora.Errorf(8004, "sequence %s.NEXTVAL exceeds MAXVALUE and cannot be instantiated", o.name)
		}
		if v = q.min; !up {
			v = q.max
		}
	}
	q.next = value.Add(v, q.step)
	if value.Compare(v, q.last)*value.Compare(q.step, value.Dec{}) >= 0 { // what is cached counts as used
		q.last = value.Add(v, value.Mul(q.step, value.IntDec(int64(max(1, q.cache)))))
	}
	s.lastSeq[q] = v
	return v.Encode()
}
