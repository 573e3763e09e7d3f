// Package oracle is a test server that speaks Oracle's wire protocol and understands a part of its SQL.
//
// Start gives a Server on a free loopback port, which github.com/sijms/go-ora/v2 and npm oracledb (thin)
// log in to. It refuses what a real server refuses, with its codes, and everything that it does not know.
// Load fills tables without the wire; Faults breaks connections and calls on command; docs/simulators.md
// lists what is refused and on what authority.
package oracle

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/engine"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ttc"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
)

// Options of a server. The zero value has the user DMO with the password "secret", who may do everything,
// and the service ORCL.
type Options struct {
	User, Password  string
	Privileges      []string // of User, as GRANT names them; nil is DBA with the dictionary
	Service         string
	TLS             *tls.Config
	UTF8            bool   // NLS_CHARACTERSET is UTF8 (CESU-8) instead of AL32UTF8
	ExtendedStrings bool   // MAX_STRING_SIZE=EXTENDED
	ShortNames      bool   // identifiers of 30 bytes, as before 12.2
	Version         string // as 19.0.0.0.0
}

// Server is a running server. Its methods are safe for concurrent use.
type Server struct {
	opt      Options
	db       *engine.DB
	listener net.Listener
	faults   *Faults

	mu         sync.Mutex
	sessions   map[*session]bool
	statements []string
	canned     map[string]int
	closed     bool
	wg         sync.WaitGroup
}

// Start listens on 127.0.0.1 until Close.
func Start(o Options) (*Server, error) {
	if o.User == "" {
		o.User = "DMO"
	}
	if o.Password == "" {
		o.Password = "secret"
	}
	if o.Service == "" {
		o.Service = "ORCL"
	}
	if o.Privileges == nil {
		o.Privileges = []string{"DBA", "SELECT_CATALOG_ROLE", "ANALYZE ANY", "EXECUTE ANY PROCEDURE"}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if o.TLS != nil {
		l = tls.NewListener(l, o.TLS)
	}
	cfg := engine.Config{ExtendedStrings: o.ExtendedStrings, LongNames: !o.ShortNames, Version: o.Version, Name: o.Service}
	if o.UTF8 {
		cfg.Charset = value.CESU8
	}
	s := &Server{opt: o, db: engine.Open(cfg), listener: l, faults: newFaults(), sessions: make(map[*session]bool), canned: make(map[string]int)}
	s.db.CreateUser(o.User, o.Password, o.Privileges...)
	s.wg.Add(1)
	go s.accept()
	return s, nil
}

// Addr is host and port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close ends all connections and waits for their goroutines.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	err := s.listener.Close()
	for c := range s.sessions {
		c.nc.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
	return err
}

func (s *Server) accept() {
	defer s.wg.Done()
	for {
		nc, err := s.listener.Accept()
		if err != nil {
			return
		}
		c := &session{srv: s, nc: nc}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			nc.Close()
			return
		}
		s.sessions[c] = true
		s.wg.Add(1)
		s.mu.Unlock()
		go func() {
			defer s.wg.Done()
			c.serve()
			nc.Close()
			s.mu.Lock()
			delete(s.sessions, c)
			s.mu.Unlock()
		}()
	}
}

func (s *Server) check(c ttc.Connect) error {
	switch {
	case c.SID != "" && c.SID != s.opt.Service:
		return ttc.UnknownSID
	case c.SID == "" && c.Service != s.opt.Service:
		return ttc.UnknownService
	}
	return nil
}

func (s *Server) charset() value.Charset {
	if s.opt.UTF8 {
		return value.CESU8
	}
	return value.AL32UTF8
}

func (s *Server) charsetID() uint16 {
	if s.opt.UTF8 {
		return ttc.CharsetUTF8
	}
	return ttc.CharsetAL32UTF8
}

// CreateUser makes a user with system privileges and roles; "EXECUTE ON DBMS_FLASHBACK" is one, too.
func (s *Server) CreateUser(name, password string, privileges ...string) {
	s.db.CreateUser(name, password, privileges...)
}

// ForgetUndo lets the undo of everything so far be overwritten: queries that need it end with ORA-01555.
func (s *Server) ForgetUndo() { s.db.ForgetUndo() }

// Statements are the texts that were executed, in order.
func (s *Server) Statements() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.statements...)
}

func (s *Server) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.statements) < 1<<20 {
		s.statements = append(s.statements, text)
	}
}

// Session is a login as Sessions shows it.
type Session struct {
	ID      int
	User    string
	Program string
}

// Sessions are the logins that are connected now.
func (s *Server) Sessions() []Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Session
	for c := range s.sessions {
		if u := c.login.Load(); u != nil {
			out = append(out, *u)
		}
	}
	return out
}

// errUnreadable is what a call cannot be read as: the client is out of step.
var errUnreadable = errors.New("unreadable call")

// asOra makes an answer of any error.
func asOra(err error) *ora.Error {
	var e *ora.Error
	if errors.As(err, &e) {
		return e
	}
	return ora.Errorf(600, "internal error code, arguments: [%s]", err)
}
