package engine

import (
	"math/big"
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

func (s *Session) createSequence(p *store.Parser) error {
	n, err := s.newName(p)
	if err != nil {
		return err
	}
	q, err := s.sequenceOptions(p, false)
	if err != nil {
		return err
	}
	if err := done(p); err != nil {
		return err
	}
	o, err := s.db.add("SEQUENCE", n)
	if err == nil {
		o.seq = q
	}
	return err
}

// sequenceOptions reads what stands behind CREATE SEQUENCE, or in the parentheses of an identity.
func (s *Session) sequenceOptions(p *store.Parser, parens bool) (*sequence, error) {
	q := &sequence{step: value.IntDec(1), cache: 20, min: value.IntDec(1),
		max: value.BigDec(new(big.Int).Sub(new(big.Int).Exp(big.NewInt(10), big.NewInt(28), nil), big.NewInt(1)), 0)}
	var start *value.Dec
	number := func(into *value.Dec) error {
		neg := p.Accept("-")
		t := p.Next()
		d, err := value.ParseDec(t.Text)
		if t.Kind != store.Number || err != nil {
			return ora.At(t.Pos, 1722, "invalid number")
		}
		if *into = d; neg {
			*into = d.Negate()
		}
		return nil
	}
	for loop := true; loop; {
		var err error
		switch {
		case p.Accept("START", "WITH"):
			start = &value.Dec{}
			err = number(start)
		case p.Accept("INCREMENT", "BY"):
			err = number(&q.step)
		case p.Accept("MINVALUE"):
			err = number(&q.min)
		case p.Accept("MAXVALUE"):
			err = number(&q.max)
		case p.Accept("CACHE"):
			var n int64
			n, err = p.Integer()
			q.cache = int(n)
		case p.Accept("NOCACHE"):
			q.cache = 0
		case p.Accept("CYCLE"):
			q.cycle = true
		case p.Accept("NOCYCLE"), p.Accept("ORDER"), p.Accept("NOORDER"), p.Accept("NOMINVALUE"), p.Accept("NOMAXVALUE"), p.Accept("KEEP"), p.Accept("NOKEEP"):
		default:
			loop = false
		}
		if err != nil {
			return nil, err
		}
	}
	if parens {
		if err := p.Expect(")"); err != nil {
			return nil, err
		}
	}
	if q.step.Zero() {
		return nil, ora.Errorf(4002, "INCREMENT must be a nonzero integer")
	}
	if q.next = q.min; q.step.Neg {
		q.next = value.IntDec(-1)
		if q.max = q.next; value.Compare(q.min, value.IntDec(1)) == 0 {
			q.min = value.BigDec(new(big.Int).Neg(new(big.Int).Exp(big.NewInt(10), big.NewInt(27), nil)), 0)
		}
	}
	if start != nil {
		q.next = *start
	}
	q.last = q.next
	return q, nil
}

func (s *Session) createView(p *store.Parser, replace bool) error {
	n, err := s.newName(p)
	if err != nil {
		return err
	}
	var cols []string
	if p.Is("(") {
		if cols, err = p.Identifiers(); err != nil {
			return err
		}
	}
	if err := p.Expect("AS"); err != nil {
		return ora.At(p.Peek(0).Pos, 905, "missing keyword")
	}
	from := p.Peek(0).Pos
	if _, err := p.Query(); err != nil {
		return err
	}
	text := p.Since(from)
	_ = p.Accept("WITH", "READ", "ONLY") || p.Accept("WITH", "CHECK", "OPTION")
	if err := done(p); err != nil {
		return err
	}
	if old := s.db.objects[n]; old != nil && old.view != nil && replace {
		delete(s.db.objects, n)
	}
	o, err := s.db.add("VIEW", n)
	if err != nil {
		return err
	}
	o.view = &view{text: text, cols: cols}
	if _, err := s.viewQuery(o); err != nil {
		delete(s.db.objects, n)
		return err
	}
	return nil
}

func (s *Session) createTrigger(p *store.Parser, replace bool) error {
	n, err := s.newName(p)
	if err != nil {
		return err
	}
	for !p.Is("ON") && p.Peek(0).Kind != store.End {
		p.Next()
	}
	if err := p.Expect("ON"); err != nil {
		return ora.Errorf(4079, "invalid trigger specification")
	}
	o, err := s.own(p, "TABLE", "VIEW")
	if err != nil {
		return err
	}
	rest(p)
	if s.db.triggers[n] != nil && !replace {
		return ora.Errorf(4081, "trigger '%s' already exists", n.name)
	}
	s.db.triggers[n] = &trigger{qname: n, table: o.qname, status: "ENABLED", id: s.db.id()}
	return nil
}

func (s *Session) createMaterialized(r *run, p *store.Parser) error {
	n, err := s.newName(p)
	if err != nil {
		return err
	}
	for !p.Is("AS") && p.Peek(0).Kind != store.End {
		p.Next()
	}
	t := &Table{object: &object{qname: n, kind: "MATERIALIZED VIEW", created: now(), ddl: now()}, mview: true}
	t.table = t
	if s.db.objects[n] != nil {
		return ora.Errorf(955, "name is already used by an existing object")
	}
	rd := &tableReader{s: s, r: r, p: p, t: t}
	if err := p.Expect("AS"); err != nil {
		return err
	}
	return rd.asSelect(n)
}

func (s *Session) createMaterializedLog(p *store.Parser) error {
	if err := p.Expect("ON"); err != nil {
		return err
	}
	o, err := s.own(p, "TABLE")
	if err != nil {
		return err
	}
	rest(p)
	n := qname{o.owner, "MLOG$_" + o.name}
	if s.db.objects[n] != nil {
		return ora.Errorf(12000, "a materialized view log already exists on table '%s'", o.name)
	}
	t := &Table{object: &object{qname: n, kind: "TABLE", created: now(), ddl: now()}}
	t.table = t
	t.cols = []*column{{name: "SNAPTIME$$", typ: Type{Kind: Date}}}
	rd := &tableReader{s: s, p: p, t: t}
	t.text = o.name
	return rd.finish(n)
}

// transaction reads COMMIT, ROLLBACK, SET TRANSACTION and LOCK TABLE.
func (s *Session) transaction(p *store.Parser, word string) error {
	p.Next()
	switch word {
	case "COMMIT", "ROLLBACK":
		p.Accept("WORK")
		if err := done(p); err != nil {
			return err
		}
		if word == "COMMIT" {
			s.commit()
			return nil
		}
		s.rollback(savepoint{})
		s.readSCN = 0
		if s.tx != nil {
			s.endTx()
		}
		return nil
	case "SET":
		switch {
		case p.Accept("TRANSACTION", "READ", "ONLY"), p.Accept("TRANSACTION", "ISOLATION", "LEVEL", "SERIALIZABLE"):
			if s.tx != nil {
				return ora.Errorf(1453, "SET TRANSACTION must be first statement of transaction")
			}
			s.readSCN = s.db.scn
			return done(p)
		case p.Accept("TRANSACTION", "READ", "WRITE"), p.Accept("TRANSACTION", "ISOLATION", "LEVEL", "READ", "COMMITTED"):
			return done(p)
		}
		return ora.At(p.Peek(0).Pos, 922, "missing or invalid option")
	case "LOCK":
		return ora.Errorf(3001, "unimplemented feature")
	}
	return ora.Errorf(3001, "unimplemented feature")
}

// block runs BEGIN ... END with calls of procedures that the server brings along.
func (s *Session) block(p *store.Parser) error {
	p.Next()
	for !p.Accept("END") {
		name := p.Next().Text
		for p.Accept(".") {
			name += "." + p.Next().Text
		}
		var args map[string]string
		if p.Accept("(") {
			var err error
			if args, err = arguments(p); err != nil {
				return err
			}
		}
		if err := p.Expect(";"); err != nil {
			return ora.Errorf(6550, "line 1, column 7:\nPLS-00103: Encountered the symbol %q", p.Peek(0).Text)
		}
		if err := s.procedure(name, args); err != nil {
			return err
		}
	}
	p.Accept(";")
	return done(p)
}

func (s *Session) procedure(name string, args map[string]string) error {
	switch pkg, what, _ := strings.Cut(name, "."); what {
	case "ADD_POLICY":
		return s.addPolicy(pkg, args)
	case "DROP_POLICY":
		return s.dropPolicy(pkg, args)
	}
	switch name {
	case "NULL":
		return nil
	case "COMMIT":
		s.commit()
		return nil
	case "DBMS_STATS.FLUSH_DATABASE_MONITORING_INFO":
		if !s.user.has("ANALYZE ANY") {
			return ora.Errorf(20000, "Insufficient privileges\nORA-06512: at \"SYS.DBMS_STATS\"")
		}
		for _, t := range s.db.tables() {
			t.flushed = t.mods
		}
		return nil
	case "DBMS_STATS.GATHER_SCHEMA_STATS", "DBMS_STATS.GATHER_DATABASE_STATS":
		for _, t := range s.db.tables() {
			t.gather()
		}
		return nil
	}
	return ora.Errorf(6550, "line 1, column 7:\nPLS-00201: identifier '%s' must be declared", name)
}

// gather counts rows, as statistics do; they reset the counters of changes.
func (t *Table) gather() {
	st := &statistics{}
	size := 0
	for _, seg := range t.segments() {
		for _, e := range seg.extents {
			st.blocks += len(e.blocks)
			for _, b := range e.blocks {
				for i := range b.rows {
					if !b.rows[i].deleted {
						st.rows++
						size += len(b.rows[i].data)
					}
				}
			}
		}
	}
	st.length = size / max(1, st.rows)
	t.stats, t.mods, t.flushed = st, modifications{}, modifications{}
}
