package oracle

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
)

// Fault is something that goes wrong on command.
type Fault struct {
	Call  string // "execute", "fetch", "commit", "rollback", "lob", "ping"; "" is any
	Match string // part of the statement's text, in any case; "" is any
	Nth   int    // the n-th call that matches, from 1; 0 is every one
	Delay time.Duration
	Code  int // the call is answered with this ORA- instead of being run
	// Drop ends the connection before the call is run; DropAfter once it has been run, without a reply: a
	// commit whose acknowledgement is lost. DropMid sends the first half of the reply.
	Drop, DropAfter, DropMid bool
}

// Faults are those of a server. They are safe for concurrent use.
type Faults struct {
	mu   sync.Mutex
	list []*armed
}

type armed struct {
	Fault
	seen, hit int
}

func newFaults() *Faults { return &Faults{} }

// Faults are set on the server that this returns them of.
func (s *Server) Faults() *Faults { return s.faults }

// Add sets a fault; hits says how often it has struck.
func (f *Faults) Add(x Fault) (hits func() int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := &armed{Fault: x}
	f.list = append(f.list, a)
	return func() int {
		f.mu.Lock()
		defer f.mu.Unlock()
		return a.hit
	}
}

// Clear takes all faults back.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

// match finds the fault that strikes a call; nil is none.
func (f *Faults) match(call, text string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out *Fault
	for _, a := range f.list {
		if a.Call != "" && a.Call != call || !strings.Contains(strings.ToUpper(text), strings.ToUpper(a.Match)) {
			continue
		}
		a.seen++
		if out == nil && (a.Nth == 0 || a.Nth == a.seen) {
			a.hit++
			out = &a.Fault
		}
	}
	return out
}

// errDrop ends a connection.
var errDrop = errors.New("connection dropped on command")

// before strikes ahead of the call.
func (f *Fault) before(ctx context.Context) error {
	if f == nil {
		return nil
	}
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-ctx.Done():
			return ora.Errorf(1013, "user requested cancel of current operation")
		}
	}
	switch {
	case f.Drop:
		return errDrop
	case f.Code != 0:
		return ora.Errorf(f.Code, "fault on command")
	}
	return nil
}

// after strikes when the call has been run and its reply is written.
func (f *Fault) after(s *session) error {
	switch {
	case f == nil:
		return nil
	case f.DropAfter:
		return errDrop
	case f.DropMid:
		s.out.Halve()
		return errors.Join(errDrop, s.conn.Send(s.out))
	}
	return nil
}
