package oracle

import (
	"context"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/engine"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ttc"
)

// Options of an execution (TNS_EXEC_OPTION of node-oracledb).
const (
	optParse    = 0x1
	optDefine   = 0x10
	optExecute  = 0x20
	optFetch    = 0x40
	optCommit   = 0x100
	optDescribe = 0x20000
	optBatch    = 0x80000
	flagCounts  = 0x4000 // rows of each set of binds
	optRecommit = 1      // of a re-execution
)

// execution is a call that parses or runs a statement.
type execution struct {
	s       *session
	options int
	cursor  *cursor // nil for a new one
	sql     string
	rows    int // to send with the reply
	counts  bool
	defines []oac
	binds   []engine.Bind
	err     error // of the call's values: refused once the whole call has been read
}

func (x *execution) text() string {
	if x.sql != "" || x.cursor == nil {
		return x.sql
	}
	return x.cursor.text
}

// readExecution reads the three calls that run a statement.
func (s *session) readExecution(function byte) (*execution, error) {
	if function == funcExecute {
		return s.readFull()
	}
	x := &execution{s: s, options: optExecute}
	id, err := s.conn.UB(2)
	if err != nil {
		return nil, errUnreadable
	}
	n, err := s.conn.UB(4)
	if err != nil {
		return nil, errUnreadable
	}
	if _, err := s.conn.UB(4); err != nil {
		return nil, errUnreadable
	}
	flags, err := s.conn.UB(4)
	if err != nil {
		return nil, errUnreadable
	}
	if x.cursor = s.cursors[int(id)]; x.cursor == nil {
		s.conn.Rest()
		return nil, ora.Errorf(1001, "invalid cursor")
	}
	if function == funcReFetch {
		x.rows = int(n)
	} else if flags&optRecommit != 0 {
		x.options |= optCommit
	}
	if len(x.cursor.maxes) == 0 {
		return x, nil
	}
	sets := int(n)
	if function == funcReFetch || sets == 0 {
		sets = 1
	}
	return x, x.readBinds(x.cursor.maxes, sets)
}

// readFull reads call 5E (basicWrite of go-ora, writeExecuteMessage of node-oracledb).
func (s *session) readFull() (*execution, error) {
	c, ints := s.conn, s.ints
	x := &execution{s: s}
	var id, sqlLen, vector, prefetch, nbinds, ndefines int
	if err := ints(&x.options, &id); err != nil {
		return nil, err
	}
	if err := c.Skip(1); err != nil {
		return nil, err
	}
	if err := ints(&sqlLen); err != nil {
		return nil, err
	}
	if err := c.Skip(1); err != nil {
		return nil, err
	}
	if err := ints(&vector); err != nil || vector != 13 {
		return nil, errUnreadable
	}
	if err := c.Skip(2); err != nil {
		return nil, err
	}
	if err := ints(nil, &prefetch, nil); err != nil {
		return nil, err
	}
	if err := c.Skip(1); err != nil {
		return nil, err
	}
	if err := ints(&nbinds); err != nil {
		return nil, err
	}
	if err := c.Skip(6); err != nil { // five pointers, and that of the defines
		return nil, err
	}
	if err := ints(&ndefines, nil); err != nil { // and the registration
		return nil, err
	}
	if err := s.skipTail(); err != nil {
		return nil, err
	}
	if sqlLen > 0 {
		text, _, err := c.CLR()
		if err != nil {
			return nil, err
		}
		x.sql = s.clientCharset().Decode(text)
	}
	var al [13]int
	for i := range al {
		if err := ints(&al[i]); err != nil {
			return nil, err
		}
	}
	x.counts = al[9]&flagCounts != 0
	x.rows = prefetch
	if x.options&optFetch != 0 && prefetch == 0 {
		x.rows = al[1]
	}
	if x.options&optParse == 0 && id != 0 {
		if x.cursor = s.cursors[id]; x.cursor == nil {
			c.Rest()
			return nil, ora.Errorf(1001, "invalid cursor")
		}
	}
	sets := max(1, al[1])
	if al[7] == 1 { // of a query it is the size of a fetch: go-ora with LOB FETCH=STREAM
		sets = 1
	}
	return x, x.readColumns(ndefines, nbinds, sets)
}

// ints reads integers; nil moves over one.
func (s *session) ints(into ...*int) error {
	for _, p := range into {
		v, err := s.conn.UB(8)
		if err != nil {
			return errUnreadable
		}
		if p != nil {
			*p = int(v)
		}
	}
	return nil
}

// skipTail moves over the pointers between the numbers of binds and the text.
func (s *session) skipTail() error {
	// Each is a pointer of one byte, or an integer.
	for _, kind := range []byte("pppipiipippipippi") {
		var err error
		if kind == 'p' {
			_, err = s.conn.U8()
		} else {
			_, err = s.conn.UB(8)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readColumns reads defines or binds, and the binds' values.
func (x *execution) readColumns(ndefines, nbinds, sets int) error {
	for range ndefines {
		o, err := x.s.readOAC()
		if err != nil {
			return err
		}
		x.defines = append(x.defines, o)
	}
	if nbinds == 0 {
		return nil
	}
	list := make([]oac, nbinds)
	for i := range list {
		o, err := x.s.readOAC()
		if err != nil {
			return err
		}
		list[i] = o
	}
	return x.readBinds(list, sets)
}

// execute parses and runs, and writes the reply up to its summary.
func (s *session) execute(ctx context.Context, x *execution) (*ttc.Summary, error) {
	sum := &ttc.Summary{}
	c := x.cursor
	if c == nil || x.options&optParse != 0 {
		st, err := s.sess.Prepare(x.sql)
		if err != nil {
			return sum, err
		}
		c = s.newCursor(st, x.sql)
	}
	sum.Cursor = c.id
	if len(x.binds) > 0 && x.cursor == nil {
		c.maxes = s.pending
	}
	if x.err != nil {
		s.forget(c, x)
		return sum, x.err
	}
	if c.st.Query() {
		err := s.runQuery(ctx, x, c, sum)
		if err != nil && ora.Code(err) != 1013 {
			s.forget(c, x)
		}
		return sum, err
	}
	if x.options&optExecute == 0 {
		return sum, nil
	}
	s.srv.note(c.text)
	res, err := c.st.Execute(ctx, x.binds, engine.Options{Commit: x.options&optCommit != 0, Batch: x.options&optBatch != 0})
	sum.Rows = uint64(res.Rows)
	if err != nil {
		return sum, err
	}
	s.dmlReply(x, res, sum)
	return sum, nil
}

// forget drops the cursor of a statement that failed; the client does not close it.
func (s *session) forget(c *cursor, x *execution) {
	if x.cursor == nil {
		delete(s.cursors, c.id)
	}
}

func (s *session) dmlReply(x *execution, res engine.Result, sum *ttc.Summary) {
	s.returnParameters()
	if x.counts {
		s.out.Int(len(res.Counts))
		for _, n := range res.Counts {
			s.out.Int(n)
		}
	}
	if id := res.RowID; id != nil {
		sum.RowID = rowIDOf(id)
	}
	for _, e := range res.Errors {
		o := asOra(e.Err)
		sum.Errors = append(sum.Errors, ttc.RowError{Code: o.Code, Row: e.Row, Message: o.Message})
	}
	if len(res.Errors) > 0 {
		sum.Code, sum.Message = 24381, "error(s) in array DML"
	}
}

func rowIDOf(b []byte) ttc.RowID {
	n := func(b []byte) uint32 {
		v := uint32(0)
		for _, x := range b {
			v = v<<8 | uint32(x)
		}
		return v
	}
	return ttc.RowID{Object: n(b[:4]), File: uint16(n(b[4:6])), Block: n(b[6:10]), Slot: uint16(n(b[10:]))}
}

// returnParameters writes message 8 of an execution: an SCN, no keys, no registration.
func (s *session) returnParameters() {
	s.out.U8(ttc.MsgParameter)
	s.out.Int(2)
	s.out.U8(0, 0)
	s.out.U8(0, 0, 0)
}

func (s *session) runQuery(ctx context.Context, x *execution, c *cursor, sum *ttc.Summary) error {
	if x.options&optExecute != 0 {
		s.srv.note(c.text)
		q, err := c.st.Open(ctx, x.binds)
		if err != nil {
			return err
		}
		c.query, c.done, c.fetched, c.opened, c.canned = q, false, 0, true, s.srv.cannedFor(q)
		c.wire = nil
		for _, col := range q.Columns {
			w, err := describe(col.Type)
			if err != nil {
				return err
			}
			c.wire = append(c.wire, w)
		}
		if x.options&optParse != 0 {
			if err := s.writeDescribe(s.out, q.Columns); err != nil {
				return err
			}
		}
		if err := q.Execute(ctx); err != nil {
			return err
		}
	}
	if c.query == nil { // parsed only
		q, err := c.st.Open(ctx, x.binds)
		if err != nil {
			return err
		}
		return s.writeDescribe(s.out, q.Columns)
	}
	if x.options&optDefine != 0 {
		if len(x.defines) != len(c.wire) {
			return ora.Errorf(1007, "variable not in select list")
		}
		c.defines = nil
		for _, d := range x.defines {
			c.defines = append(c.defines, define{dty: d.dty, prefetch: d.flags&lobPrefetch != 0})
		}
	}
	n := x.rows
	if c.large() && c.defines == nil {
		n = 0
	}
	return s.page(ctx, c, n, sum)
}

const lobPrefetch = 0x2000000

// readFetch reads call 05.
func (s *session) readFetch() (id, n int, err error) {
	a, err := s.conn.UB(2)
	if err != nil {
		return 0, 0, errUnreadable
	}
	b, err := s.conn.UB(4)
	if err != nil {
		return 0, 0, errUnreadable
	}
	return int(a), int(b), nil
}

func (s *session) fetch(ctx context.Context, id, n int) (*ttc.Summary, error) {
	c := s.cursors[id]
	sum := &ttc.Summary{Cursor: id}
	if c == nil || !c.opened {
		return sum, ora.Errorf(1001, "invalid cursor")
	}
	if c.done {
		return sum, ora.Errorf(1002, "fetch out of sequence")
	}
	return sum, s.page(ctx, c, n, sum)
}

// page writes up to n rows, and the end as code 1403.
func (s *session) page(ctx context.Context, c *cursor, n int, sum *ttc.Summary) error {
	sum.Rows = c.fetched
	if n == 0 {
		s.returnParameters()
		return nil
	}
	r := &rowWriter{s: s, c: c, w: s.out}
	r.header()
	end, err := c.read(ctx, n, r)
	if err != nil {
		return err
	}
	c.fetched += uint64(r.rows)
	sum.Rows = c.fetched
	if end {
		c.done = true
		sum.Code, sum.Message = 1403, "no data found"
	}
	return nil
}

// read writes rows of the query, or of a page that was written before.
func (c *cursor) read(ctx context.Context, n int, r *rowWriter) (end bool, err error) {
	if c.canned != nil {
		return c.canned.read(ctx, c, n, r)
	}
	return c.query.Fetch(ctx, n, r.row)
}
