package hana

import (
	"sync"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// canned is the mode for benchmarks: it answers without storing or computing, so
// that what is measured is the client.
type canned struct {
	mu     sync.RWMutex
	silent map[store.Name]bool
	stream map[store.Name]int64
}

// Swallow makes the server accept rows for a table without reading them: inserts
// report their number of rows and nothing is stored.
func (s *Server) Swallow(schema, table string) {
	s.canned.mu.Lock()
	defer s.canned.mu.Unlock()
	if s.canned.silent == nil {
		s.canned.silent = make(map[store.Name]bool)
	}
	s.canned.silent[store.Name{Schema: schema, Name: table}] = true
}

// Stream makes a query over one table without conditions return the table's rows
// again and again, encoded once a page, until there were so many.
func (s *Server) Stream(schema, table string, rows int64) {
	s.canned.mu.Lock()
	defer s.canned.mu.Unlock()
	if s.canned.stream == nil {
		s.canned.stream = make(map[store.Name]int64)
	}
	s.canned.stream[store.Name{Schema: schema, Name: table}] = rows
}

func (c *canned) swallow(x *execution) (*reply, bool) {
	if x.cmd.table == nil {
		return nil, false
	}
	c.mu.RLock()
	on := c.silent[x.cmd.table.name]
	c.mu.RUnlock()
	if !on {
		return nil, false
	}
	affected := make([]byte, 4*x.rows)
	for i := range x.rows {
		affected[4*i] = 1
	}
	r := &reply{function: x.cmd.function}
	r.add(partRowsAffected, x.rows, affected)
	return r, true
}

// cannedPages is a cursor over pages that are encoded once.
type cannedPages struct {
	s     *session
	c     *cursor
	rows  [][]byte // encoded for the wire, one a row
	left  int64
	pages map[int][]byte // by number of rows
}

func (c *canned) pages(s *session, x *execution, cur *cursor) *cannedPages {
	base := x.cmd.query.Base
	if base == nil || !x.cmd.query.Plain || x.cmd.query.Lock != nil {
		return nil
	}
	c.mu.RLock()
	left := c.stream[store.Name{Schema: base.Schema, Name: base.Name}]
	c.mu.RUnlock()
	if left == 0 {
		return nil
	}
	p := &cannedPages{s: s, c: cur, left: left, pages: make(map[int][]byte)}
	snap := s.db.engine.SnapshotAt(0)
	defer snap.Close()
	err := x.cmd.query.Run(store.NewEnv(s.ctx, nil, snap), func(row []store.Value) (bool, error) {
		var b []byte
		for i, v := range row {
			switch cur.codes[i] {
			case codeBlob, codeClob, codeNclob, codeText:
				b = s.appendLob(b, v, cur)
			default:
				b = appendField(b, v, cur.columns[i].Type, cur.codes[i])
			}
		}
		p.rows = append(p.rows, b)
		return len(p.rows) < 1000, nil
	})
	if err != nil || len(p.rows) == 0 {
		return nil
	}
	return p
}

func (p *cannedPages) page(r *reply, n int) {
	n = int(min(int64(n), p.left))
	b, ok := p.pages[n]
	if !ok {
		for i := range n {
			b = append(b, p.rows[i%len(p.rows)]...)
		}
		p.pages[n] = b
	}
	p.left -= int64(n)
	out := part{kind: partResultSet, count: n, data: b}
	if p.left == 0 {
		out.attrs = attrLast | attrClosed
		p.s.closeCursor(p.c)
	}
	r.parts = append(r.parts, out)
}
