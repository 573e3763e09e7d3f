package hana

import (
	"fmt"
	"slices"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// Row is one row of a table as the server stores it: nil, bool, int64, float64,
// string (text, dates and decimals in HANA's default format) or []byte.
type Row []any

// Rows returns the committed rows of a table in the order in which they came.
func (s *Server) Rows(schema, table string) ([]Row, error) {
	t := s.db.relation(nil, store.Name{Schema: schema, Name: table})
	if t == nil || t.rows == nil {
		return nil, fmt.Errorf("no table %s.%s", schema, table)
	}
	snap := s.db.engine.SnapshotAt(0)
	defer snap.Close()
	rel := t.relationOf(nil)
	var out []Row
	err := scan(t.rows, snap, func(h store.Hit) error {
		var row Row
		for _, v := range rel.Decode(h.Row) {
			row = append(row, plain(v))
		}
		out = append(out, row)
		return nil
	})
	return out, err
}

// Count returns the number of committed rows.
func (s *Server) Count(schema, table string) (int64, error) {
	t := s.db.relation(nil, store.Name{Schema: schema, Name: table})
	if t == nil || t.rows == nil {
		return 0, fmt.Errorf("no table %s.%s", schema, table)
	}
	snap := s.db.engine.SnapshotAt(0)
	defer snap.Close()
	return t.rows.Count(snap), nil
}

func plain(v store.Value) any {
	switch v.K {
	case store.Null:
		return nil
	case store.Bool:
		return v.I != 0
	case store.Int:
		return v.I
	case store.Float:
		return v.Float()
	case store.Bytes:
		return []byte(v.S)
	}
	return textOf(v)
}

// Statements returns the texts that were run, in order; COMMIT and ROLLBACK stand
// for those messages. A prepared statement appears each time it is executed.
func (s *Server) Statements() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.statements)
}

// ForgetStatements empties what Statements returns.
func (s *Server) ForgetStatements() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statements = nil
}

// Session is one connection that has logged in.
type Session struct {
	ID            int64
	Variables     map[string]string
	Statement     string // that runs, or ran last
	InTransaction bool
}

// Sessions returns the connections that are open, by number.
func (s *Server) Sessions() []Session {
	var out []Session
	for _, sess := range s.list() {
		sess.mu.Lock()
		vars := make(map[string]string, len(sess.vars))
		for k, v := range sess.vars {
			vars[k] = v
		}
		out = append(out, Session{ID: sess.id, Variables: vars, Statement: sess.lastText, InTransaction: sess.tx != nil})
		sess.mu.Unlock()
	}
	return out
}

// Disconnect ends one connection, as ALTER SYSTEM DISCONNECT SESSION does.
func (s *Server) Disconnect(id int64) {
	if sess := s.session(id); sess != nil {
		sess.kill()
	}
}
