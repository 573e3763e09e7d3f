package hana

import (
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// Options say what a server is like. The zero value works.
type Options struct {
	User, Password string      // of the user with all system privileges; SYSTEM and "Manager1"
	Users          []User      // further ones
	TLS            *tls.Config // nil: plain TCP
	Methods        []string    // of authentication, the preferred first; both SCRAM ones
	Version        string      // M_DATABASE.VERSION; "4.00.000.00.1700000000"
	Database       string      // the tenant's name; "H00"
	RowLimit       int64       // of one partition; HANA's own
	Prefetch       int         // rows in the reply that executes a query; 32
	LobInline      int         // bytes of a LOB in a row; 1024
	LockWait       time.Duration
}

// User is one more login, with privileges as GRANT names them: system privileges, and
// by schema those on everything in it.
type User struct {
	Name, Password string
	System         []string
	Schemas        map[string][]string
}

func (o *Options) defaults() {
	set := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	set(&o.User, "SYSTEM")
	set(&o.Password, "Manager1")
	set(&o.Version, "4.00.000.00.1700000000")
	set(&o.Database, "H00")
	if len(o.Methods) == 0 {
		o.Methods = []string{SCRAMPBKDF2SHA256, SCRAMSHA256}
	}
	if o.RowLimit == 0 {
		o.RowLimit = maxRows
	}
	if o.Prefetch == 0 {
		o.Prefetch = 32
	}
	if o.LobInline == 0 {
		o.LobInline = 1024
	}
	if o.LockWait == 0 {
		o.LockWait = 30 * time.Minute // lock_wait_timeout, 1,800,000 ms
	}
}

// Server is one running simulator. All methods may be called concurrently.
type Server struct {
	options  Options
	methods  []string
	db       *database
	listener net.Listener
	faults   *Faults
	canned   canned

	mu         sync.Mutex
	closed     bool
	nextID     int64
	sessions   map[int64]*session
	statements []string
	done       sync.WaitGroup
}

// Start listens on a free port of the loopback interface.
func Start(o Options) (*Server, error) {
	o.defaults()
	db, err := newDatabase(&o)
	if err != nil {
		return nil, err
	}
	db.rowLimit.Store(o.RowLimit)
	for _, u := range o.Users {
		added, err := db.addUser(u.Name, u.Password)
		if err != nil {
			return nil, err
		}
		for _, p := range u.System {
			added.grants[grant{privilege: p}] = true
		}
		for schema, list := range u.Schemas {
			for _, p := range list {
				added.grants[grant{p, schema, ""}] = true
			}
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if o.TLS != nil {
		l = tls.NewListener(l, o.TLS)
	}
	s := &Server{options: o, methods: o.Methods, db: db, listener: l, faults: newFaults(), nextID: 200000, sessions: make(map[int64]*session)}
	s.done.Go(s.accept)
	return s, nil
}

// Addr is the host and port to connect to.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close ends all sessions and waits for them.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	open := make([]*session, 0, len(s.sessions))
	for _, sess := range s.sessions {
		open = append(open, sess)
	}
	s.mu.Unlock()
	err := s.listener.Close()
	for _, sess := range open {
		sess.kill()
	}
	s.faults.release()
	s.done.Wait()
	return err
}

// Faults breaks things on command.
func (s *Server) Faults() *Faults { return s.faults }

// SetRowLimit changes how many rows a partition may have.
func (s *Server) SetRowLimit(rows int64) { s.db.rowLimit.Store(rows) }

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			conn.Close()
			return
		}
		s.nextID++
		sess := newSession(s, conn, s.nextID)
		s.sessions[sess.id] = sess
		s.done.Go(func() {
			sess.serve()
			s.mu.Lock()
			delete(s.sessions, sess.id)
			s.mu.Unlock()
		})
		s.mu.Unlock()
	}
}

// list returns the sessions that have logged in, by number.
func (s *Server) list() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*session
	for _, sess := range s.sessions {
		if sess.loggedIn.Load() {
			out = append(out, sess)
		}
	}
	slices.SortFunc(out, func(a, b *session) int { return int(a.id - b.id) })
	return out
}

func (s *Server) session(id int64) *session {
	for _, sess := range s.list() {
		if sess.id == id {
			return sess
		}
	}
	return nil
}

// note keeps a statement's text.
func (s *Server) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statements = append(s.statements, text)
}
