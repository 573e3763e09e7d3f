package hana

import (
	"bytes"
	"encoding/binary"
	"iter"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// cursor is an open result set.
type cursor struct {
	id      uint64
	columns []store.Column
	codes   []byte
	tx      *txn      // the session's transaction that it ends with; nil in auto-commit
	own     *store.Tx // of a query in auto-commit
	next    func() ([]byte, bool)
	stop    func()
	err     error
	ahead   []byte // a row that was read to see whether there is one
	canned  *cannedPages
}

const rowBatch = 128

// open starts a query. Rows come encoded, because a query's row is its own only
// until the next one.
func (c *cursor) open(q *store.Query, env *store.Env, width int, done func()) {
	seq := func(yield func([][]byte) bool) {
		batch := make([][]byte, 0, rowBatch)
		err := q.Run(env, func(row []store.Value) (bool, error) {
			batch = append(batch, store.EncodeRow(nil, row[:width]))
			if len(batch) < rowBatch {
				return true, nil
			}
			more := yield(batch)
			batch = make([][]byte, 0, rowBatch)
			return more, nil
		})
		done()
		if err != nil {
			c.err = err
		}
		if len(batch) > 0 {
			yield(batch)
		}
	}
	pull, stop := iter.Pull(iter.Seq[[][]byte](seq))
	var batch [][]byte
	c.next = func() ([]byte, bool) {
		for len(batch) == 0 {
			var ok bool
			if batch, ok = pull(); !ok {
				return nil, false
			}
		}
		row := batch[0]
		batch = batch[1:]
		return row, true
	}
	c.stop = stop
}

// runQuery starts a SELECT and answers with its first rows.
func (s *session) runQuery(x *execution) (*reply, error) {
	values := make([]store.Value, len(x.cmd.params))
	if x.params != nil {
		if err := x.params.row(values); err != nil {
			return nil, err
		}
		for i, v := range values {
			if v.S != "" { // the cursor outlives the message
				values[i].S = string(bytes.Clone([]byte(v.S)))
			}
		}
	}
	c := &cursor{id: s.newID(), columns: x.cmd.columns}
	for _, col := range c.columns {
		c.codes = append(c.codes, wireCode(col.Type, s.format))
	}
	if pages := s.srv.canned.pages(s, x, c); pages != nil {
		c.canned = pages
	} else if err := s.start(x, c, values); err != nil {
		return nil, err
	}
	s.cursors[c.id] = c
	if s.auto && c.tx != nil && x.cmd.query.Lock != nil {
		c.tx = nil // its rows are here; the locks end with the statement
		if err := s.commit(); err != nil {
			return nil, err
		}
	}
	r := &reply{function: x.cmd.function}
	if x.direct {
		r.add(partResultMetadata, len(c.columns), s.resultMetadata(c.columns))
	}
	r.add(partResultSetID, 1, binary.LittleEndian.AppendUint64(nil, c.id))
	n := s.srv.options.Prefetch
	if x.fetch > 0 {
		n = x.fetch
	}
	if err := s.page(r, c, n); err != nil {
		s.closeCursor(c)
		return nil, s.settleAuto(err)
	}
	return r, nil
}

// start runs the query of a cursor: in the session's transaction, or in one of its
// own where the message is a transaction.
func (s *session) start(x *execution, c *cursor, values []store.Value) error {
	if x.cmd.query.Lock != nil {
		return s.startLocking(x, c, values)
	}
	var tx *store.Tx
	if s.auto && s.current() == nil {
		tx = s.db.engine.Begin()
		c.own = tx
	} else {
		c.tx = s.transaction()
		tx = c.tx.Tx
	}
	snap := tx.Snapshot()
	c.open(x.cmd.query, store.NewEnv(s.ctx, values, snap), len(c.columns), snap.Close)
	return nil
}

// startLocking holds the rows of FOR UPDATE and FOR SHARE LOCK before the first is
// sent. A row that changed while it was waited for is read again.
func (s *session) startLocking(x *execution, c *cursor, values []store.Value) error {
	tx := s.transaction()
	c.tx = tx
	l := x.cmd.query.Lock
	mode, wait := store.Exclusive, s.lockTime(l)
	if l.Share {
		mode = store.Shared
	}
	if err := s.lockTable(tx, x.cmd.base, store.IntentExclusive); err != nil {
		return s.settleAuto(lockError(l, err))
	}
	width := len(c.columns)
	for {
		var rows [][]byte
		var slots []uint32
		snap := tx.Snapshot()
		err := x.cmd.query.Run(store.NewEnv(s.ctx, values, snap), func(row []store.Value) (bool, error) {
			rows = append(rows, store.EncodeRow(nil, row[:width]))
			slots = append(slots, uint32(row[width].I))
			return true, nil
		})
		stable := true
		var kept [][]byte
		for i, slot := range slots {
			if err != nil {
				break
			}
			seen := x.cmd.base.rows.Get(snap, slot)
			var cur store.Current
			cur, err = tx.Lock(x.cmd.base.rows, slot, mode, wait)
			if asKind(err, store.Busy) && l.Skip {
				err = nil
				continue
			}
			stable = stable && cur.Alive && bytes.Equal(seen, cur.Row)
			kept = append(kept, rows[i])
		}
		snap.Close()
		if err != nil {
			return s.settleAuto(lockError(l, err))
		}
		if stable {
			c.next = func() ([]byte, bool) {
				if len(kept) == 0 {
					return nil, false
				}
				row := kept[0]
				kept = kept[1:]
				return row, true
			}
			c.stop = func() {}
			return nil
		}
	}
}

// page adds up to n rows to a reply.
func (s *session) page(r *reply, c *cursor, n int) error {
	if c.canned != nil {
		c.canned.page(r, n)
		return nil
	}
	var b []byte
	count := 0
	values := make([]store.Value, len(c.columns))
	row, more := c.ahead, c.ahead != nil
	if !more {
		row, more = c.next()
	}
	for ; more && count < n; count++ {
		store.DecodeRow(row, values)
		for i, v := range values {
			switch c.codes[i] {
			case codeBlob, codeClob, codeNclob, codeText:
				b = s.appendLob(b, v, c)
			default:
				b = appendField(b, v, c.columns[i].Type, c.codes[i])
			}
		}
		row, more = c.next()
	}
	if c.err != nil {
		return c.err
	}
	p := part{kind: partResultSet, count: count, data: b}
	c.ahead = row
	if !more {
		c.ahead = nil
		p.attrs = attrLast
		if !s.lobsOf(c) {
			p.attrs |= attrClosed
			s.closeCursor(c)
		}
	}
	r.parts = append(r.parts, p)
	return nil
}

func (s *session) cursorOf(req *request) *cursor {
	if p := req.part(partResultSetID); p != nil && len(p.data) == 8 {
		return s.cursors[binary.LittleEndian.Uint64(p.data)]
	}
	return nil
}

func (s *session) fetch(req *request) (*reply, error) {
	c := s.cursorOf(req)
	if c == nil {
		return nil, &Error{Code: 306, Text: "invalid cursor: it was closed, or its transaction has ended"}
	}
	n := fetchSize(req)
	if n <= 0 {
		n = s.srv.options.Prefetch
	}
	r := &reply{function: funcFetch}
	if err := s.page(r, c, n); err != nil {
		s.closeCursor(c)
		return nil, err
	}
	return r, nil
}

func (s *session) closeCursor(c *cursor) {
	if s.cursors[c.id] == nil {
		return
	}
	delete(s.cursors, c.id)
	if c.stop != nil {
		c.stop()
	}
	if c.own != nil {
		c.own.Rollback()
	}
}

// closeCursors closes those of a transaction; nil closes all.
func (s *session) closeCursors(tx *txn) {
	for _, c := range s.cursors {
		if tx == nil || c.tx == tx {
			s.closeCursor(c)
		}
	}
}
