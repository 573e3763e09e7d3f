package oracle

import (
	"context"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/engine"
)

// cannedPage is a page of rows that was written once and is sent again and again.
type cannedPage struct {
	page []byte
	size int // rows of the page
	left int // rows to send
}

// Canned lets queries of a table, named OWNER.TABLE, give so many rows in all: the rows of their first page
// over and over, as bytes that are made once. It measures clients, not the server. 0 takes it back.
func (s *Server) Canned(table string, rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.canned[table] = rows
}

func (s *Server) cannedFor(q *engine.Cursor) *cannedPage {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range q.Tables() {
		if n := s.canned[t]; n > 0 {
			return &cannedPage{left: n}
		}
	}
	return nil
}

func (p *cannedPage) read(ctx context.Context, c *cursor, n int, r *rowWriter) (end bool, err error) {
	if p.page == nil {
		before := r.w.Len()
		if _, err := c.query.Fetch(ctx, n, r.row); err != nil {
			return false, err
		}
		p.page, p.size = append([]byte(nil), r.w.Bytes()[before:]...), r.rows
	} else {
		r.w.Raw(p.page)
		r.rows = p.size
	}
	p.left -= r.rows
	return p.left <= 0 || r.rows == 0, nil
}
