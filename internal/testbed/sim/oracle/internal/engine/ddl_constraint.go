package engine

import (
	"strconv"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

func itoa(n int) string { return strconv.Itoa(n) }

// constraint reads a constraint: of a column where i is not negative.
func (rd *tableReader) constraint(i int) error {
	p := rd.p
	con := &constraint{table: rd.t}
	con.owner = rd.t.owner
	if p.Accept("CONSTRAINT") {
		name, err := p.Identifier()
		if err != nil {
			return err
		}
		con.name = name
	}
	var names []string
	var refName qname
	var refCols []string
	var test store.Expr
	var err error
	switch {
	case i >= 0 && p.Accept("NOT", "NULL"):
		con.kind, con.notNull = "C", true
		con.text = `"` + rd.t.cols[i].name + `" IS NOT NULL`
	case i >= 0 && p.Accept("NULL"):
		return nil
	case p.Accept("PRIMARY", "KEY"):
		con.kind = "P"
	case p.Accept("UNIQUE"):
		con.kind = "U"
	case p.Accept("CHECK"):
		con.kind = "C"
		if err := p.Expect("("); err != nil {
			return err
		}
		from := p.Peek(0).Pos
		if test, err = p.Expression(); err != nil {
			return err
		}
		con.text = p.Since(from)
		err = p.Expect(")")
	case i < 0 && p.Accept("FOREIGN", "KEY"), i >= 0 && p.Is("REFERENCES"):
		con.kind = "R"
	default:
		err = ora.At(p.Peek(0).Pos, 904, ": invalid identifier")
	}
	if err != nil {
		return err
	}
	if i >= 0 {
		names = []string{rd.t.cols[i].name}
	} else if con.kind != "C" {
		if names, err = p.Identifiers(); err != nil {
			return err
		}
	}
	if con.kind == "R" {
		if refName, refCols, err = rd.references(con); err != nil {
			return err
		}
	}
	if err := rd.constraintState(con); err != nil {
		return err
	}
	want := wantedConstraint{con, names, test, refName, refCols}
	rd.late = append(rd.late, func() error { return rd.s.addConstraint(rd.r, want) })
	if con.notNull {
		rd.t.cols[i].notNull = !con.disabled
	}
	return nil
}

func (rd *tableReader) references(con *constraint) (qname, []string, error) {
	p := rd.p
	if err := p.Expect("REFERENCES"); err != nil {
		return qname{}, nil, err
	}
	n, err := p.Name()
	if err != nil {
		return qname{}, nil, err
	}
	q := qname{n.Schema, n.Name}
	if q.owner == "" {
		q.owner = rd.s.schema
	}
	var cols []string
	if p.Is("(") {
		if cols, err = p.Identifiers(); err != nil {
			return q, nil, err
		}
	}
	con.rule = "NO ACTION"
	if p.Accept("ON", "DELETE", "CASCADE") {
		con.rule = "CASCADE"
	} else if p.Accept("ON", "DELETE", "SET", "NULL") {
		con.rule = "SET NULL"
	}
	return q, cols, nil
}

// constraintState reads what stands behind a constraint.
func (rd *tableReader) constraintState(con *constraint) error {
	p := rd.p
	for {
		switch {
		case p.Accept("NOT", "DEFERRABLE"), p.Accept("ENABLE"), p.Accept("VALIDATE"), p.Accept("RELY"), p.Accept("INITIALLY", "IMMEDIATE"):
		case p.Accept("DISABLE"):
			con.disabled, con.novalidate = true, true
		case p.Accept("NOVALIDATE"):
			con.novalidate = true
		case p.Accept("DEFERRABLE"):
			con.deferrable = true
		case p.Accept("INITIALLY", "DEFERRED"):
			con.deferred = true
		case p.Accept("USING", "INDEX"):
			for p.Accept("TABLESPACE") || p.Accept("PCTFREE") {
				p.Next()
			}
			if p.Peek(0).Kind == store.Quoted {
				n, err := p.Name()
				if err != nil {
					return err
				}
				q := qname{n.Schema, n.Name}
				if q.owner == "" {
					q.owner = rd.s.schema
				}
				if con.index = rd.s.db.indexes[q]; con.index == nil {
					return ora.Errorf(1418, "specified index does not exist")
				}
			}
		default:
			return nil
		}
	}
}

// wantedConstraint is a constraint as it was read, with names that may not be there yet.
type wantedConstraint struct {
	*constraint
	names   []string
	test    store.Expr
	refName qname
	refCols []string
}

// addConstraint makes a constraint of a table that is there, with the index of a key.
func (s *Session) addConstraint(r *run, want wantedConstraint) error {
	con, t := want.constraint, want.table
	for _, name := range want.names {
		i := t.column(name)
		if i < 0 {
			return ora.Errorf(904, "%q: invalid identifier", name)
		}
		con.cols = append(con.cols, i)
	}
	if con.name == "" {
		con.name, con.generated = s.db.systemName("C"), true
	}
	for _, other := range s.db.tables() {
		for _, c := range other.constraints {
			if c.qname == con.qname {
				return ora.Errorf(2264, "name already used by an existing constraint")
			}
		}
	}
	switch con.kind {
	case "P", "U":
		if err := s.addKey(r, con); err != nil {
			return err
		}
	case "R":
		if err := s.addReference(con, want.refName, want.refCols); err != nil {
			return err
		}
	default:
		if want.test != nil {
			check, err := s.overTable(t).cond(want.test)
			if err != nil {
				return err
			}
			con.check = check
		}
	}
	t.constraints = append(t.constraints, con)
	return nil
}

func (s *Session) addKey(r *run, con *constraint) error {
	t := con.table
	if con.kind == "P" && t.key() != nil {
		return ora.Errorf(2260, "table can have only one primary key")
	}
	for _, i := range con.cols {
		if k := t.cols[i].typ; k.lob() || k.long() || k.Kind >= XML {
			return ora.Errorf(2329, "column of datatype %s cannot be unique or a primary key", k.Kind)
		}
	}
	for _, c := range t.constraints {
		if (c.kind == "P" || c.kind == "U") && equalInts(c.cols, con.cols) {
			return ora.Errorf(2261, "such unique or primary key already exists in the table")
		}
	}
	if con.kind == "P" {
		for _, i := range con.cols {
			if t.cols[i].notNull = true; t.cols[i].virtual {
				return ora.Errorf(54015, "Duplicate column expression was specified")
			}
		}
	}
	if con.index != nil || con.disabled {
		return nil
	}
	for _, x := range t.indexes { // an index that is there serves
		if equalInts(x.cols, con.cols) && x.unique {
			con.index = x
			return nil
		}
	}
	kind := "NORMAL"
	if t.iot && con.kind == "P" {
		kind = "IOT - TOP"
	}
	x := &Index{qname: qname{con.owner, con.name}, table: t, cols: con.cols, desc: make([]bool, len(con.cols)), unique: true, kind: kind, status: "VALID"}
	if err := s.addIndex(r, x); err != nil {
		return err
	}
	con.index = x
	return nil
}

func (s *Session) addReference(con *constraint, refName qname, refCols []string) error {
	o := s.db.objects[refName]
	if o == nil || o.table == nil {
		return ora.Errorf(942, "table or view does not exist")
	}
	for _, c := range o.table.constraints {
		if c.kind == "P" && refCols == nil {
			con.ref = c
		}
		if (c.kind == "P" || c.kind == "U") && refCols != nil && len(c.cols) == len(refCols) {
			same := true
			for k, i := range c.cols {
				same = same && o.table.cols[i].name == refCols[k]
			}
			if same {
				con.ref = c
			}
		}
	}
	switch {
	case con.ref == nil && refCols == nil:
		return ora.Errorf(2268, "referenced table does not have a primary key")
	case con.ref == nil:
		return ora.Errorf(2270, "no matching unique or primary key for this column-list")
	case len(con.ref.cols) != len(con.cols):
		return ora.Errorf(2256, "number of referencing columns must match referenced columns")
	}
	return nil
}

func equalInts(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func (t *Table) dropConstraint(c *constraint) {
	for i, o := range t.constraints {
		if o == c {
			t.constraints = append(t.constraints[:i:i], t.constraints[i+1:]...)
			return
		}
	}
}

// addIndex registers an index; one that is unique reads the table's rows.
func (s *Session) addIndex(r *run, x *Index) error {
	if s.db.indexes[x.qname] != nil {
		return ora.Errorf(955, "name is already used by an existing object")
	}
	for _, o := range x.table.indexes {
		if equalInts(o.cols, x.cols) {
			return ora.Errorf(1408, "such column list already indexed")
		}
	}
	if x.unique {
		if err := x.build(s, r, 1452); err != nil {
			return err
		}
		x.keys = nil // built again when a statement needs it
	}
	x.id = s.db.id()
	s.db.indexes[x.qname] = x
	x.table.indexes = append(x.table.indexes, x)
	return nil
}
