package hana

import (
	"errors"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

func asKind(err error, kind store.ErrorKind) bool {
	var e *store.Error
	return errors.As(err, &e) && e.Kind == kind
}

// lockTime is what WAIT and NOWAIT say.
func (s *session) lockTime(l *store.Locking) store.Wait {
	switch {
	case l.NoWait || l.Skip:
		return store.Wait{NoWait: true}
	case l.Wait != nil:
		return store.Wait{Timeout: time.Duration(*l.Wait) * time.Second}
	}
	return s.wait()
}

// lockError keeps the transaction where the statement said how long to wait (SQL
// reference, "LOCK TABLE": "the current transaction is not rolled back").
func lockError(l *store.Locking, err error) error {
	if l.Wait != nil && asKind(err, store.LockTimeout) {
		e := asError(err)
		return &Error{Code: e.Code, Text: e.Text, keeps: true}
	}
	return err
}

// parseLock reads LOCK TABLE t [PARTITION (n)] IN EXCLUSIVE MODE [WAIT n | NOWAIT].
func (s *session) parseLock(p *store.Parser) (*command, error) {
	if err := p.Expect("LOCK", "TABLE"); err != nil {
		return nil, err
	}
	name, err := p.Name()
	if err != nil {
		return nil, err
	}
	if p.Accept("PARTITION", "(") {
		if _, err := p.Integer(); err != nil {
			return nil, err
		}
		if err := p.Expect(")"); err != nil {
			return nil, err
		}
	}
	if err := p.Expect("IN"); err != nil {
		return nil, err
	}
	mode := store.Exclusive
	if p.Accept("INTENTIONAL") {
		mode = store.IntentExclusive
	}
	if err := p.Expect("EXCLUSIVE", "MODE"); err != nil {
		return nil, err
	}
	l := &store.Locking{}
	switch {
	case p.Accept("NOWAIT"):
		l.NoWait = true
	case p.Accept("WAIT"):
		n, err := p.Integer()
		if err != nil {
			return nil, err
		}
		l.Wait, l.NoWait = &n, n == 0
	}
	if err := p.Done(); err != nil {
		return nil, err
	}
	_, n := s.compiler()
	t, err := s.target(n, name, "UPDATE")
	if err != nil {
		return nil, err
	}
	return &command{function: funcNone, set: func() error {
		err := s.transaction().LockTable(t.rows, mode, s.lockTime(l))
		return s.settleAuto(lockError(l, err))
	}}, nil
}
