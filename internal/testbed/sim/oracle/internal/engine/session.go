package engine

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
)

// Session is a login. It belongs to one goroutine.
type Session struct {
	db      *DB
	user    *user
	schema  string // CURRENT_SCHEMA
	id      int
	serial  int
	program string
	tx      *tx
	readSCN uint64 // of SET TRANSACTION READ ONLY; 0 is none
	zone    int    // TIME_ZONE in minutes
	nls     map[string]string
	lastSeq map[*sequence]value.Dec
	killed  atomic.Bool
}

// Login opens a session; the password has been checked.
func (db *DB) Login(name, program string) (*Session, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	u := db.users[UserName(name)]
	switch {
	case u == nil:
		return nil, ora.Errorf(1017, "invalid username/password; logon denied")
	case u.locked:
		return nil, ora.Errorf(28000, "The account is locked.")
	case !u.has("CREATE SESSION", "CONNECT"):
		return nil, ora.Errorf(1045, "user %s lacks CREATE SESSION privilege; logon denied", u.name)
	}
	db.sids++
	s := &Session{db: db, user: u, schema: u.name, id: db.sids, serial: int(db.scn % 60000), program: program,
		lastSeq: make(map[*sequence]value.Dec), nls: map[string]string{
			"NLS_LANGUAGE": "AMERICAN", "NLS_TERRITORY": "AMERICA", "NLS_CURRENCY": "$", "NLS_ISO_CURRENCY": "AMERICA",
			"NLS_NUMERIC_CHARACTERS": ".,", "NLS_CALENDAR": "GREGORIAN", "NLS_DATE_FORMAT": "DD-MON-RR",
			"NLS_DATE_LANGUAGE": "AMERICAN", "NLS_SORT": "BINARY", "NLS_COMP": "BINARY", "NLS_LENGTH_SEMANTICS": "BYTE",
			"NLS_TIMESTAMP_FORMAT":    "DD-MON-RR HH.MI.SSXFF AM",
			"NLS_TIMESTAMP_TZ_FORMAT": "DD-MON-RR HH.MI.SSXFF AM TZR", "NLS_NCHAR_CONV_EXCP": "FALSE", "NLS_DUAL_CURRENCY": "$",
			"QUERY_REWRITE_ENABLED": "TRUE", "RESULT_CACHE_MODE": "MANUAL"}}
	db.sessions[s] = true
	return s, nil
}

// Close ends the session and takes back what is not committed.
func (s *Session) Close() {
	s.Rollback()
	s.db.mu.Lock()
	delete(s.db.sessions, s)
	s.db.mu.Unlock()
}

// ID and serial number, as V$SESSION shows them.
func (s *Session) ID() (id, serial int) { return s.id, s.serial }

// User is the session's user.
func (s *Session) User() string { return s.user.name }

// InTransaction says whether changes wait for a commit.
func (s *Session) InTransaction() bool {
	s.db.mu.RLock()
	defer s.db.mu.RUnlock()
	return s.tx != nil
}

// Kill ends another session at its next call.
func (db *DB) Kill(id int) bool {
	db.mu.RLock()
	defer db.mu.RUnlock()
	for s := range db.sessions {
		if s.id == id {
			s.killed.Store(true)
			return true
		}
	}
	return false
}

// snapshot is what a query of the session sees that begins now; db.mu is held.
func (s *Session) snapshot() snapshot {
	if s.readSCN > 0 {
		return snapshot{scn: s.readSCN}
	}
	return snapshot{scn: s.db.scn, tx: s.tx}
}

// setNLS changes one parameter of ALTER SESSION SET.
func (s *Session) setParameter(name, v string) error {
	switch {
	case name == "TIME_ZONE":
		if v == "LOCAL" || v == "DBTIMEZONE" {
			v = "+00:00"
		}
		zone, err := value.ParseOffset(v)
		if err != nil {
			return err
		}
		s.zone = zone
	case name == "CURRENT_SCHEMA":
		if s.db.users[v] == nil {
			return ora.Errorf(1435, "user does not exist")
		}
		s.schema = v
	case name == "NLS_NUMERIC_CHARACTERS":
		if len(v) != 2 || v[0] == v[1] || strings.ContainsAny(v, "0123456789+-<>") {
			return ora.Errorf(12705, "Cannot access NLS data files or invalid environment specified")
		}
		s.nls[name] = v
	case s.nls[name] != "":
		s.nls[name] = v
	default:
		return ora.Errorf(2248, "invalid option for ALTER SESSION")
	}
	return nil
}

// text decodes a text value.
func (s *Session) text(t Type, v []byte) string { return t.charset(s.db.Charset).Decode(v) }

// errBroken is checked now and then by what runs long.
func broken(ctx context.Context) error {
	if ctx.Err() != nil {
		return errCanceled()
	}
	return nil
}
