package hana

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Isolation levels (SQL reference, "SET TRANSACTION").
const (
	readCommitted  = "READ COMMITTED"
	repeatableRead = "REPEATABLE READ"
	serializable   = "SERIALIZABLE"
)

// session is one connection. Its goroutine owns it; others look at what mu guards.
type session struct {
	srv  *Server
	db   *database
	conn net.Conn
	id   int64
	out  *bufio.Writer

	user     *user
	loggedIn atomic.Bool
	started  time.Time
	format   int32 // data format that was agreed on

	schema   string
	readOnly bool
	ddlAuto  bool // DDL commits
	auto     bool // the message at hand ends its transaction
	lockWait time.Duration

	ctx    context.Context
	cancel context.CancelFunc

	nextID     uint64
	statements map[uint64]*statement
	cursors    map[uint64]*cursor
	locators   map[uint64]*locator
	currvals   map[*sequence]int64

	mu        sync.Mutex
	isolation string // written by the session alone
	tx        *txn
	vars      map[string]string
	text      string // of the statement that runs; "" between statements
	lastText  string
	killed    bool
}

func newSession(srv *Server, conn net.Conn, id int64) *session {
	ctx, cancel := context.WithCancel(context.Background())
	return &session{srv: srv, db: srv.db, conn: conn, id: id, out: bufio.NewWriterSize(conn, 64<<10), started: time.Now().UTC(),
		isolation: readCommitted, ddlAuto: true, lockWait: srv.options.LockWait, ctx: ctx, cancel: cancel,
		statements: make(map[uint64]*statement), cursors: make(map[uint64]*cursor), locators: make(map[uint64]*locator),
		currvals: make(map[*sequence]int64), vars: make(map[string]string)}
}

// kill ends a session from outside: what it waits for is canceled, its socket closed.
func (s *session) kill() {
	s.mu.Lock()
	s.killed = true
	tx := s.tx
	s.mu.Unlock()
	if tx != nil {
		tx.Cancel()
	}
	s.cancel()
	s.conn.Close()
}

// serve runs the session to its end, which rolls back what is open.
func (s *session) serve() {
	defer s.conn.Close()
	defer s.cancel()
	in := bufio.NewReaderSize(s.conn, 64<<10)
	if s.handshake(in) != nil {
		return
	}
	defer func() {
		s.rollback()
		s.closeCursors(nil)
	}()
	requests := make(chan *request)
	go s.read(in, requests)
	for req := range requests {
		if req.kind == typeDisconnect || !s.answer(req) {
			break
		}
	}
	s.conn.Close()
	for range requests { //nolint:revive // the reader ends with the socket
	}
}

// read takes requests from the socket. A socket that closes while a statement runs
// ends that statement: its locks are free when the client is gone.
func (s *session) read(in *bufio.Reader, requests chan<- *request) {
	defer close(requests)
	for {
		req, err := readRequest(in)
		if err != nil {
			if tx := s.current(); tx != nil {
				tx.Cancel()
			}
			s.cancel()
			return
		}
		requests <- req
	}
}

// initReply is what the server sends to a client's 14 bytes: the protocol's version.
var initReply = []byte{0x04, 0x14, 0x00, 0x04, 0x01, 0x00, 0x00, 0x00}

func (s *session) handshake(in *bufio.Reader) error {
	var hello [14]byte
	if _, err := io.ReadFull(in, hello[:]); err != nil {
		return err
	}
	if !bytes.Equal(hello[:4], []byte{0xff, 0xff, 0xff, 0xff}) {
		return errProtocol
	}
	if _, err := s.conn.Write(initReply); err != nil {
		return err
	}
	var l *login
	for !s.loggedIn.Load() {
		req, err := readRequest(in)
		if err != nil {
			return err
		}
		p := req.part(partAuthentication)
		r := &reply{function: funcConnect}
		switch {
		case req.kind == typeConnectInfo:
			r.add(partConnectInfo, 1, appendOptions([]option{{4, true}}))
		case req.kind == typeAuthenticate && p != nil:
			var b []byte
			if l, b, err = s.srv.beginLogin(p); err == nil {
				r.add(partAuthentication, 1, b)
			}
		case req.kind == typeConnect && p != nil && l != nil:
			err = s.finishLogin(l, req, r)
		default:
			err = fmt.Errorf("%w: message %d before the login", errProtocol, req.kind)
		}
		if errors.Is(err, errProtocol) {
			return err
		}
		if err != nil {
			return errors.Join(err, s.respond(req, failure(err)))
		}
		if err := s.respond(req, r); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) finishLogin(l *login, req *request, r *reply) error {
	b, err := l.finish(req.part(partAuthentication))
	if err != nil {
		return err
	}
	wanted := int32(1)
	if p := req.part(partConnectOptions); p != nil {
		options, err := readOptions(p)
		if err != nil {
			return err
		}
		if v, ok := options[optDataFormat2].(int32); ok {
			wanted = v
		}
	}
	s.format = min(wanted, dataFormat)
	s.user, s.schema = l.user, l.user.name
	s.takeClientInfo(req)
	s.loggedIn.Store(true)
	r.add(partAuthentication, 1, b)
	options := []option{{optConnectionID, int32(s.id)}, {optLargeBulk, true}, {optSystemID, "H00"}, {optManyParams, true}, {optForUpdate, true},
		{optDataFormat2, s.format}, {optFullVersion, s.db.version}, {optDatabaseName, s.db.name}}
	r.add(partConnectOptions, len(options), appendOptions(options))
	host := []option{{1, "127.0.0.1"}, {2, int32(s.conn.LocalAddr().(*net.TCPAddr).Port)}, {6, true}, {7, true}, {8, int32(3)}}
	topology := binary.LittleEndian.AppendUint16(nil, uint16(len(host)))
	r.add(partTopology, 1, append(topology, appendOptions(host)...))
	return nil
}

// takeClientInfo sets session variables that come with a request.
func (s *session) takeClientInfo(req *request) {
	p := req.part(partClientInfo)
	if p == nil {
		return
	}
	in := parameters{b: p.data}
	s.mu.Lock()
	defer s.mu.Unlock()
	for range p.count {
		key, err1 := in.counted(codeNstring)
		value, err2 := in.counted(codeNstring)
		if err1 != nil || err2 != nil {
			return
		}
		s.vars[key.S] = value.S
	}
}

// respond sends a reply.
func (s *session) respond(req *request, r *reply) error {
	b := r.encode(s.id, req.packet)
	if _, err := s.out.Write(b); err != nil {
		return err
	}
	return s.out.Flush()
}

func failure(err error) *reply {
	r := &reply{failed: true}
	r.addErrors([]*Error{asError(err)})
	return r
}

// answer runs one request and sends its reply, with the faults that are set in
// between; false ends the session.
func (s *session) answer(req *request) bool {
	text := s.textOf(req)
	s.mu.Lock()
	s.text, s.lastText = text, text
	s.mu.Unlock()
	fault := s.srv.faults.match(req, text)
	if !fault.before(s) {
		return false
	}
	var r *reply
	if fault != nil && fault.Code != 0 {
		r = failure(&Error{Code: fault.Code, Text: fault.Text})
		if rollsBack[fault.Code] {
			s.rollback()
		}
	} else {
		r = s.handle(req)
	}
	s.mu.Lock()
	s.text = ""
	killed := s.killed
	s.mu.Unlock()
	if killed || !fault.after(s) {
		return false
	}
	return s.respond(req, r) == nil
}

// textOf is the statement that a request runs or prepares.
func (s *session) textOf(req *request) string {
	if p := req.part(partCommand); p != nil {
		text, _ := fromCESU8(p.data)
		return text
	}
	if req.kind == typeCommit {
		return "COMMIT"
	}
	if req.kind == typeRollback {
		return "ROLLBACK"
	}
	if st := s.statementOf(req); st != nil {
		return st.text
	}
	return ""
}

func (s *session) statementOf(req *request) *statement {
	if p := req.part(partStatementID); p != nil && len(p.data) == 8 {
		return s.statements[binary.LittleEndian.Uint64(p.data)]
	}
	return nil
}

func (s *session) newID() uint64 {
	s.nextID++
	return uint64(s.id)<<24 | s.nextID
}
