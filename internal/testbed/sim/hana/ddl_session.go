package hana

import (
	"strconv"
	"strings"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// nameLock is what a transaction holds while it makes an object of a name.
func (db *database) nameLock(name store.Name) *store.Table {
	name.Pos = 0
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.names == nil {
		db.names = make(map[store.Name]*store.Table)
	}
	if db.names[name] == nil {
		db.names[name] = db.engine.NewTable(name.Name)
	}
	return db.names[name]
}

// parseSession reads SET, UNSET, COMMIT and ROLLBACK.
func (s *session) parseSession(p *store.Parser) (*command, error) {
	cmd := &command{function: funcNone}
	switch {
	case p.Accept("COMMIT"):
		cmd.set = s.commit
	case p.Accept("ROLLBACK"):
		cmd.set = func() error { s.rollback(); return nil }
	case p.Accept("SET", "SCHEMA"):
		name, err := p.Identifier()
		if err != nil {
			return nil, err
		}
		cmd.set = func() error {
			if s.db.schema(s.current(), name) == nil {
				return &Error{Code: 362, Text: "invalid schema name: " + name}
			}
			s.schema = name
			return nil
		}
	case p.Accept("SET", "TRANSACTION"):
		var err error
		if cmd.set, err = s.parseSetTransaction(p); err != nil {
			return nil, err
		}
	default:
		unset := p.Next().Text == "UNSET"
		p.Accept("SESSION")
		key, err := p.Text()
		if err != nil {
			return nil, err
		}
		value := ""
		if !unset {
			if err := p.Expect("="); err != nil {
				return nil, err
			}
			if value, err = p.Text(); err != nil {
				return nil, err
			}
		}
		cmd.set = func() error { return s.setVariable(key, value, unset) }
	}
	return cmd, p.Done()
}

func (s *session) setVariable(key, value string, unset bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if unset {
		delete(s.vars, key)
		return nil
	}
	if len(key) > 512 || len(value) > 512 {
		return &Error{Code: 611, Text: "maximum length of value for session variable exceeded"}
	}
	s.vars[key] = value
	return nil
}

// parseSetTransaction reads what stands behind SET TRANSACTION.
func (s *session) parseSetTransaction(p *store.Parser) (func() error, error) {
	switch {
	case p.Accept("ISOLATION", "LEVEL"):
		level := ""
		for _, l := range []string{readCommitted, repeatableRead, serializable} {
			if p.Accept(strings.Fields(l)...) {
				level = l
				break
			}
		}
		if level == "" {
			return nil, p.Unexpected()
		}
		return func() error {
			s.mu.Lock()
			s.isolation = level
			s.mu.Unlock()
			if tx := s.current(); tx != nil && level != readCommitted && !tx.Changed() {
				tx.Fix(0)
			}
			return nil
		}, nil
	case p.Accept("READ", "ONLY"):
		return func() error { s.readOnly = true; return nil }, nil
	case p.Accept("READ", "WRITE"):
		return func() error { s.readOnly = false; return nil }, nil
	case p.Accept("AUTOCOMMIT", "DDL"):
		on := p.Accept("ON")
		if !on && !p.Accept("OFF") {
			return nil, p.Unexpected()
		}
		return func() error {
			if s.ddlAuto == on {
				return nil
			}
			s.ddlAuto = on
			return s.commit() // toggling commits (SQL reference, "SET TRANSACTION AUTOCOMMIT DDL")
		}, nil
	case p.Accept("LOCK", "WAIT", "TIMEOUT"):
		n, err := p.Integer()
		if err != nil {
			return nil, err
		}
		return func() error { s.lockWait = time.Duration(n) * time.Millisecond; return nil }, nil
	}
	return nil, p.Unexpected()
}

// parseAlterSystem reads the few system statements that a migration needs.
func (s *session) parseAlterSystem(p *store.Parser) (*command, error) {
	cmd := &command{function: funcNone}
	switch {
	case p.Accept("SAVEPOINT"):
		cmd.set = func() error { return s.system("SAVEPOINT ADMIN") }
	case p.Accept("DISCONNECT", "SESSION"):
		other, err := s.otherSession(p)
		if err != nil {
			return nil, err
		}
		cmd.set = func() error { return other((*session).kill) }
	case p.Accept("CANCEL", "SESSION"), p.Accept("CANCEL", "WORK", "IN", "SESSION"):
		other, err := s.otherSession(p)
		if err != nil {
			return nil, err
		}
		cmd.set = func() error {
			return other(func(o *session) {
				if tx := o.current(); tx != nil {
					tx.Cancel()
				}
			})
		}
	default:
		return nil, p.Unexpected()
	}
	return cmd, p.Done()
}

// otherSession reads the number of a connection and finds it when the statement runs.
func (s *session) otherSession(p *store.Parser) (func(func(*session)) error, error) {
	text, err := p.Text()
	if err != nil {
		return nil, err
	}
	return func(do func(*session)) error {
		if err := s.system("SESSION ADMIN"); err != nil {
			return err
		}
		id, err := strconv.ParseInt(text, 10, 64)
		o := s.srv.session(id)
		if err != nil || o == nil {
			return &Error{Code: 729, Text: "unknown session id: " + text}
		}
		do(o)
		return nil
	}, nil
}

// parseLoad reads LOAD t ALL|DELTA and UNLOAD t.
func (s *session) parseLoad(p *store.Parser) (*command, error) {
	load := p.Next().Text == "LOAD"
	name, err := p.Name()
	if err != nil {
		return nil, err
	}
	if load && !p.Accept("ALL") && !p.Accept("DELTA") {
		return nil, p.Unexpected()
	}
	if err := p.Done(); err != nil {
		return nil, err
	}
	return &command{function: funcNone, set: func() error {
		t := s.db.relation(s.current(), s.full(name))
		if t == nil || t.rows == nil {
			return noTable(s.full(name))
		}
		if !s.user.has(grant{privilege: "TABLE ADMIN"}) {
			return errPrivilege
		}
		t.loaded.Store(load)
		return nil
	}}, nil
}
