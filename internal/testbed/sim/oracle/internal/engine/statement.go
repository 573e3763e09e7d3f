package engine

import (
	"context"
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// Statement is a parsed statement of a session.
type Statement struct {
	s      *Session
	sql    string
	verb   string // the first word
	tree   any    // *store.Select, *store.Insert, ...; nil for the others
	params int
}

// Result is what became of a statement that is not a query.
type Result struct {
	Rows   int
	RowID  []byte
	Counts []int      // rows of each set of binds
	Errors []RowError // with Options.Batch
}

// RowError is what became of one set of binds.
type RowError struct {
	Row int // from 0
	Err error
}

// Options of an execution.
type Options struct {
	Commit bool // afterwards
	Batch  bool // continue after sets of binds that fail
}

// Prepare parses a statement. Names are looked up when it is executed.
func (s *Session) Prepare(sql string) (*Statement, error) {
	if s.killed.Load() {
		return nil, ora.Errorf(28, "your session has been killed")
	}
	p, err := store.NewParser(s.db.syntax, sql)
	if err != nil {
		return nil, syntax(err, sql)
	}
	st := &Statement{s: s, sql: sql, verb: p.Peek(0).Text}
	if p.Peek(0).Kind == store.End {
		return nil, ora.Errorf(24373, "invalid length specified for statement")
	}
	s.db.mu.RLock()
	defer s.db.mu.RUnlock()
	switch st.verb {
	case "SELECT", "WITH", "(":
		st.verb = "SELECT"
		if err := foreign(p); err != nil {
			return nil, err
		}
		st.tree, err = p.Query()
	case "INSERT":
		st.tree, err = p.Insert()
	case "UPDATE":
		st.tree, err = p.Update()
	case "DELETE":
		st.tree, err = p.Delete()
	case "BEGIN", "DECLARE", "COMMIT", "ROLLBACK", "SET", "LOCK", "ALTER", "CREATE", "DROP", "TRUNCATE", "COMMENT", "GRANT", "REVOKE", "RENAME", "SAVEPOINT":
		return st, nil
	default:
		return nil, ora.Errorf(900, "invalid SQL statement")
	}
	if err == nil {
		err = done(p)
	}
	if err != nil {
		return nil, syntax(err, sql)
	}
	st.params = p.Params()
	return st, nil
}

// foreign refuses what the shared parser reads and Oracle does not know: AS before the alias of a source
// (SQL Language Reference, SELECT, table_reference).
func foreign(p *store.Parser) error {
	clauses := []string{""} // of the query at each depth of parentheses
	for i := 0; ; i++ {
		t := p.Peek(i)
		top := len(clauses) - 1
		switch {
		case t.Kind == store.End:
			return nil
		case t.Kind == store.Op && t.Text == "(":
			clauses = append(clauses, "")
		case t.Kind == store.Op && t.Text == ")" && top > 0:
			clauses = clauses[:top]
		case t.Kind != store.Word:
		case t.Text == "AS" && clauses[top] == "FROM" && p.Peek(i+1).Text != "OF":
			return ora.At(t.Pos, 933, "SQL command not properly ended")
		case t.Text == "FROM" && clauses[top] == "SELECT", t.Text == "JOIN":
			clauses[top] = "FROM"
		default:
			switch t.Text {
			case "SELECT", "WHERE", "ON", "GROUP", "ORDER", "HAVING", "UNION", "MINUS", "INTERSECT", "FETCH":
				clauses[top] = t.Text
			}
		}
	}
}

// Query says whether the statement gives rows.
func (st *Statement) Query() bool { return st.verb == "SELECT" }

// DML says whether the statement changes rows.
func (st *Statement) DML() bool {
	return st.verb == "INSERT" || st.verb == "UPDATE" || st.verb == "DELETE"
}

func (s *Session) newRun(ctx context.Context, binds []Bind) *run {
	return &run{s: s, ctx: ctx, at: s.snapshot(), binds: binds, now: now(), cache: make(map[any]any)}
}

func (st *Statement) checkBinds(binds []Bind) error {
	if len(binds) < st.params {
		return ora.Errorf(1008, "not all variables bound")
	}
	if len(binds) > st.params {
		return ora.Errorf(1036, "illegal variable name/number")
	}
	return nil
}

// Open begins a query. The cursor sees what was committed now, and the session's own changes.
func (st *Statement) Open(ctx context.Context, binds []Bind) (*Cursor, error) {
	s := st.s
	if err := st.checkBinds(binds); err != nil {
		return nil, err
	}
	cur := &Cursor{s: s, exclusive: strings.Contains(strings.ToUpper(st.sql), "NEXTVAL")}
	defer cur.lock()()
	c := &compiler{s: s, scope: &scope{}, binds: binds}
	q, err := c.query(st.tree.(*store.Select))
	if err != nil {
		return nil, err
	}
	if q.locks != nil {
		return nil, ora.Errorf(3001, "unimplemented feature")
	}
	cur.Columns = q.cols
	for _, src := range q.sources {
		if src.table != nil {
			cur.tables = append(cur.tables, src.owner+"."+src.table.name)
		}
	}
	cur.open = func(ctx context.Context) error {
		cur.run = s.newRun(ctx, binds)
		it, err := q.open(cur.run, nil)
		cur.rows = it
		return err
	}
	return cur, nil
}

// Cursor reads a query's rows.
type Cursor struct {
	Columns   []OutColumn
	s         *Session
	run       *run
	rows      rowIter
	open      func(ctx context.Context) error
	exclusive bool // the query changes sequences
	tables    []string
}

// Tables names the tables of the query's FROM clause.
func (c *Cursor) Tables() []string { return c.tables }

func (c *Cursor) lock() func() {
	if c.exclusive {
		c.s.db.mu.Lock()
		return c.s.db.mu.Unlock
	}
	c.s.db.mu.RLock()
	return c.s.db.mu.RUnlock
}

// Execute begins the rows; Fetch does it by itself.
func (c *Cursor) Execute(ctx context.Context) error {
	defer c.lock()()
	return c.open(ctx)
}

// Fetch gives up to n rows to each, whose values are valid during the call only. end is true when there
// are no more.
func (c *Cursor) Fetch(ctx context.Context, n int, each func(row [][]byte) error) (end bool, err error) {
	if c.s.killed.Load() {
		return false, ora.Errorf(28, "your session has been killed")
	}
	defer c.lock()()
	c.run.ctx = ctx
	for range n {
		if err := c.run.step(); err != nil {
			return false, err
		}
		row, err := c.rows()
		if err != nil {
			return false, err
		}
		if row == nil {
			return true, nil
		}
		if err := each(row); err != nil {
			return false, err
		}
	}
	return false, nil
}

// Execute runs a statement that is not a query, once a set of binds.
func (st *Statement) Execute(ctx context.Context, binds []Bind, o Options) (Result, error) {
	s := st.s
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	if s.killed.Load() {
		return Result{}, ora.Errorf(28, "your session has been killed")
	}
	if st.DML() {
		res, err := st.change(ctx, binds, o)
		if err == nil && o.Commit {
			s.commit()
		}
		return res, err
	}
	p, err := store.NewParser(s.db.syntax, st.sql)
	if err != nil {
		return Result{}, syntax(err, st.sql)
	}
	if st.verb == "BEGIN" {
		return Result{}, syntax(s.block(p), st.sql)
	}
	ok, err := s.ddl(s.newRun(ctx, nil), p)
	if !ok && err == nil {
		err = ora.Errorf(3001, "unimplemented feature")
	}
	return Result{}, syntax(err, st.sql)
}

// change runs INSERT, UPDATE or DELETE.
func (st *Statement) change(ctx context.Context, binds []Bind, o Options) (Result, error) {
	s := st.s
	if err := st.checkBinds(binds); err != nil {
		return Result{}, err
	}
	c := &compiler{s: s, scope: &scope{}, binds: binds}
	var ch *change
	var err error
	switch t := st.tree.(type) {
	case *store.Insert:
		ch, err = c.insert(t)
	case *store.Update:
		ch, err = c.update(t)
	case *store.Delete:
		ch, err = c.delete(t)
	}
	if err != nil {
		return Result{}, err
	}
	sets := 1
	if len(binds) > 0 {
		sets = len(binds[0].Rows)
	}
	var res Result
	one := make([]Bind, len(binds))
	for i := range sets {
		for k, b := range binds {
			one[k] = Bind{Type: b.Type, Rows: b.Rows[i : i+1]}
		}
		before := s.savepoint()
		if s.readSCN == 0 {
			s.begin()
		}
		n, id, err := ch.run(s.newRun(ctx, one))
		if err != nil {
			s.rollback(before)
			if !o.Batch || ora.Code(err) == 1013 {
				return res, err
			}
			res.Errors = append(res.Errors, RowError{Row: i, Err: err})
			n = 0
		}
		res.Rows += n
		res.Counts = append(res.Counts, n)
		if id != nil {
			res.RowID = id
		}
	}
	return res, nil
}
