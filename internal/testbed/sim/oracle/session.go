package oracle

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/engine"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ttc"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
)

// Function codes of calls (node-oracledb, protocol/constants.js).
const (
	funcReexecute = 0x04
	funcFetch     = 0x05
	funcLogoff    = 0x09
	funcCommit    = 0x0E
	funcRollback  = 0x0F
	funcVersion   = 0x3B
	funcReFetch   = 0x4E
	funcExecute   = 0x5E
	funcLob       = 0x60
	funcClose     = 0x69
	funcCancel    = 0x78
	funcEndToEnd  = 0x87
	funcPing      = 0x93
	funcSchema    = 0x98
)

// session is a connection. One goroutine serves it.
type session struct {
	srv     *Server
	nc      net.Conn
	conn    *ttc.Conn
	nego    ttc.Negotiated
	sess    *engine.Session
	login   atomic.Pointer[Session]
	recode  bool // the client's charset is another than the database's
	utf8    bool // it is AL32UTF8
	cursors map[int]*cursor
	lobs    lobTable
	out     *ttc.Writer
	pending []oac // binds of a statement that has no cursor yet
}

// serve runs a connection to its end.
func (s *session) serve() {
	conn, err := ttc.Accept(s.nc, s.srv.check)
	if err != nil {
		return
	}
	defer conn.Close()
	s.conn, s.out = conn, ttc.NewWriter()
	s.cursors = make(map[int]*cursor)
	s.lobs.all = make(map[uint64]*lob)
	s.nego = ttc.Negotiated{ExtendedStrings: s.srv.opt.ExtendedStrings, Charset: s.srv.charsetID()}
	if err := conn.Negotiate(&s.nego); err != nil {
		return
	}
	if err := s.logon(); err != nil {
		return
	}
	defer s.sess.Close()
	for {
		if err := s.message(); err != nil {
			return
		}
	}
}

// logon authenticates the client, and tells it about the session.
func (s *session) logon() error {
	l, err := s.conn.Authenticate(ttc.Account{Password: s.srv.db.Password})
	if errors.Is(err, ttc.ErrLogin) {
		err = ora.Errorf(1017, "invalid username/password; logon denied")
	}
	if err == nil {
		s.sess, err = s.srv.db.Login(l.User, l.Options["AUTH_PROGRAM_NM"])
	}
	if err == nil {
		if err = s.sess.AlterSession(l.Options["AUTH_ALTER_SESSION"]); err != nil {
			s.sess.Close()
		}
	}
	var refused *ora.Error
	if errors.As(err, &refused) {
		s.out.Summary(&ttc.Summary{Code: refused.Code, Message: refused.Message})
		return errors.Join(err, s.conn.Send(s.out))
	}
	if err != nil {
		return err
	}
	s.utf8 = l.Options["SESSION_CLIENT_CHARSET"] != fmt.Sprint(ttc.CharsetUTF8)
	s.recode = s.utf8 == s.srv.opt.UTF8
	id, serial := s.sess.ID()
	s.login.Store(&Session{ID: id, User: s.sess.User(), Program: l.Options["AUTH_PROGRAM_NM"]})
	pairs := [][2]string{
		{"AUTH_VERSION_STRING", "- Production"}, {"AUTH_VERSION_NO", "318767104"}, {"AUTH_VERSION_SQL", "25"},
		{"AUTH_SESSION_ID", fmt.Sprint(id)}, {"AUTH_SERIAL_NUM", fmt.Sprint(serial)}, {"AUTH_INSTANCENAME", s.srv.opt.Service},
		{"AUTH_SC_INSTANCE_NAME", s.srv.opt.Service}, {"AUTH_SC_SERVICE_NAME", s.srv.opt.Service}, {"AUTH_SC_DBUNIQUE_NAME", s.srv.opt.Service},
		{"AUTH_SC_REAL_DBUNIQUE_NAME", s.srv.opt.Service}, {"AUTH_DBNAME", s.srv.opt.Service}, {"AUTH_SC_DB_DOMAIN", ""},
		{"AUTH_SC_SERVER_HOST", "localhost"}, {"AUTH_MAX_OPEN_CURSORS", "300"}, {"AUTH_MAX_IDEN_LENGTH", "128"},
		{"AUTH_SVR_RESPONSE", l.Answer},
	}
	s.out.U8(ttc.MsgParameter)
	s.out.Int(len(pairs))
	for _, p := range pairs {
		s.out.KeyValue(p[0], p[1], 0)
	}
	// With the session's language go-ora need not ask for it.
	s.out.U8(ttc.MsgServerPiggy, 5)
	s.out.U8(0, 0)
	s.out.Int(1)
	s.out.U8(0)
	s.out.KeyValue("AUTH_NLS_LXLAN", "AMERICAN", 16)
	s.out.U8(0)
	s.out.Summary(&ttc.Summary{})
	return s.conn.Send(s.out)
}

// message reads one message and answers it. An error ends the connection.
func (s *session) message() error {
	kind, err := s.conn.U8()
	if err != nil {
		return err
	}
	function, err := s.conn.U8()
	if err != nil {
		return err
	}
	if err := s.conn.Skip(1); err != nil { // sequence number
		return err
	}
	switch kind {
	case ttc.MsgPiggyback:
		return s.piggyback(function)
	case ttc.MsgFunction:
		return s.call(function)
	}
	return s.outOfStep()
}

// outOfStep tells a client that sends what is not a call, and ends the connection.
func (s *session) outOfStep() error {
	s.out.Reset()
	s.out.Summary(&ttc.Summary{Code: 3106, Message: "fatal two-task communication protocol error"})
	return errors.Join(errUnreadable, s.conn.Send(s.out))
}

// call reads a call and answers it.
func (s *session) call(function byte) error {
	var run func(ctx context.Context) (*ttc.Summary, error)
	var err error
	name, text := "", ""
	switch function {
	case funcExecute, funcReexecute, funcReFetch:
		var x *execution
		if x, err = s.readExecution(function); err == nil {
			name, text = "execute", x.text()
			run = func(ctx context.Context) (*ttc.Summary, error) { return s.execute(ctx, x) }
		}
	case funcFetch:
		var id, n int
		if id, n, err = s.readFetch(); err == nil {
			name = "fetch"
			if c := s.cursors[id]; c != nil {
				text = c.text
			}
			run = func(ctx context.Context) (*ttc.Summary, error) { return s.fetch(ctx, id, n) }
		}
	case funcLob:
		var l *lobCall
		if l, err = s.readLob(false); err == nil {
			name = "lob"
			run = func(context.Context) (*ttc.Summary, error) { return &ttc.Summary{}, s.lob(l, s.out) }
		}
	case funcVersion:
		s.conn.Rest()
		name, run = "version", s.version
	case funcCommit, funcRollback:
		name = map[byte]string{funcCommit: "commit", funcRollback: "rollback"}[function]
		run = func(context.Context) (*ttc.Summary, error) {
			if function == funcCommit {
				s.sess.Commit()
			} else {
				s.sess.Rollback()
			}
			return &ttc.Summary{}, nil
		}
	case funcPing, funcLogoff:
		name = map[byte]string{funcPing: "ping", funcLogoff: "logoff"}[function]
		run = func(context.Context) (*ttc.Summary, error) { return &ttc.Summary{}, nil }
	default:
		return s.outOfStep()
	}
	if errors.Is(err, errUnreadable) || err == nil && len(s.conn.Rest()) > 0 {
		// What is left of a message shows that a field was read as another: the client has corrupted it.
		return s.outOfStep()
	}
	if err != nil {
		if ora.Code(err) == 0 {
			return errors.Join(err, s.outOfStep())
		}
		return s.refuse(name, &ttc.Summary{}, err)
	}
	return s.answer(name, text, run)
}

// answer runs a call, with the faults that are set for it.
func (s *session) answer(name, text string, run func(ctx context.Context) (*ttc.Summary, error)) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s.conn.OnBreak(cancel)
	s.out.Reset()
	f := s.srv.faults.match(name, text)
	err := f.before(ctx)
	sum := &ttc.Summary{}
	if err == nil {
		sum, err = run(ctx)
	}
	s.conn.OnBreak(nil)
	if err == nil && s.conn.Broken() {
		err = ora.Errorf(1013, "user requested cancel of current operation")
	}
	if errors.Is(err, errDrop) {
		return err
	}
	if sum == nil {
		sum = &ttc.Summary{}
	}
	if err == nil {
		if err := f.after(s); err != nil {
			return err
		}
	}
	sum.Open = s.sess.InTransaction()
	if err != nil {
		return s.refuse(name, sum, err)
	}
	s.out.Summary(sum)
	return s.conn.Send(s.out)
}

// refuse answers with an error. Calls that run statements are taken out of by markers first, as are those
// that the client broke.
func (s *session) refuse(name string, sum *ttc.Summary, err error) error {
	e := asOra(err)
	sum.Code, sum.Message, sum.Position = e.Code, string(s.toClient(e.Message)), e.Position
	s.out.Reset()
	if name == "execute" || name == "fetch" || s.conn.Broken() {
		if err := s.conn.Reset(); err != nil {
			return err
		}
	}
	s.out.Summary(sum)
	if err := s.conn.Send(s.out); err != nil {
		return err
	}
	if e.Code == 28 || e.Code == 1012 || e.Code == 3113 {
		return err
	}
	return nil
}

func (s *session) version(context.Context) (*ttc.Summary, error) {
	text := "Oracle Database 19c Enterprise Edition Release 19.0.0.0.0 - Production"
	s.out.U8(ttc.MsgParameter)
	s.out.Int(len(text))
	s.out.CLR([]byte(text))
	s.out.Int(318767104)
	return &ttc.Summary{}, nil
}

func (s *session) clientCharset() value.Charset {
	if s.utf8 {
		return value.AL32UTF8
	}
	return value.CESU8
}

// toClient writes text in the client's charset.
func (s *session) toClient(text string) []byte {
	if s.conn == nil {
		return []byte(text)
	}
	return s.clientCharset().Encode(text)
}

// piggyback reads what precedes a call and has no answer of its own.
func (s *session) piggyback(function byte) error {
	switch function {
	case funcClose, funcCancel:
		if err := s.conn.Skip(1); err != nil {
			return err
		}
		n, err := s.conn.Int()
		if err != nil {
			return err
		}
		for range n {
			id, err := s.conn.Int()
			if err != nil {
				return err
			}
			if function == funcClose {
				delete(s.cursors, id)
			}
		}
		return nil
	case funcLob:
		call, err := s.readLob(true)
		if err == nil {
			s.freeLobs(call)
		}
		return err
	case funcSchema:
		if err := s.conn.Skip(1); err != nil {
			return err
		}
		if _, err := s.conn.Int(); err != nil {
			return err
		}
		name, err := s.conn.Text()
		if err != nil {
			return err
		}
		return s.sess.AlterSession("ALTER SESSION SET CURRENT_SCHEMA = \"" + name + "\"")
	case funcEndToEnd:
		return s.endToEnd()
	}
	return s.outOfStep()
}

// endToEnd reads module, action and the like, and leaves them.
func (s *session) endToEnd() error {
	if err := s.conn.Skip(2); err != nil {
		return err
	}
	if _, err := s.conn.UB(4); err != nil {
		return err
	}
	texts := 0
	for k := range 9 { // client identifier, module, action, ECID, -, client info, -, -, operation
		set, err := s.conn.U8()
		if err != nil {
			return err
		}
		n, err := s.conn.Int()
		if err != nil {
			return err
		}
		if set != 0 && n > 0 && k != 4 {
			texts++
		}
	}
	for range texts {
		if _, err := s.conn.Text(); err != nil {
			return err
		}
	}
	return nil
}

// cursor makes a cursor.
func (s *session) newCursor(st *engine.Statement, text string) *cursor {
	id := len(s.cursors) + 1
	for s.cursors[id] != nil {
		id++
	}
	c := &cursor{id: id, st: st, text: text}
	s.cursors[id] = c
	return c
}
