package hana

import (
	"strings"
	"sync"
	"time"
)

// Fault is one thing that goes wrong. It applies to requests whose statement
// contains Match (ignoring case; "" matches every statement, COMMIT and ROLLBACK
// stand for those messages), from the Skip-th on, so many times (0: once).
type Fault struct {
	Match string
	// Exec limits the fault to requests that run a statement: a prepare is none.
	Exec  bool
	Skip  int
	Times int

	Delay      time.Duration // before the statement runs
	DelayAfter time.Duration // after it ran, before the reply
	DropBefore bool          // the connection goes down and the statement does not run
	DropAfter  bool          // it runs, and the reply is lost
	Code       int           // the statement does not run and fails with this code
	Text       string        // of that error
}

// Faults are those of one server. A server starts without.
type Faults struct {
	mu   sync.Mutex
	list []*pendingFault
	hits int
	stop chan struct{}
}

type pendingFault struct {
	Fault
	seen, done int
}

func newFaults() *Faults { return &Faults{stop: make(chan struct{})} }

// Add sets one more fault; those set first are looked at first.
func (f *Faults) Add(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fault.Times == 0 {
		fault.Times = 1
	}
	f.list = append(f.list, &pendingFault{Fault: fault})
}

// Clear removes all faults.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

// Hits counts the faults that have happened.
func (f *Faults) Hits() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hits
}

// release ends delays when the server closes.
func (f *Faults) release() { close(f.stop) }

func (f *Faults) match(req *request, text string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.list {
		running := req.kind == typeDirect || req.kind == typeExecute || req.kind == typeCommit || req.kind == typeRollback
		if p.done >= p.Times || p.Exec && !running || text == "" && p.Match != "" ||
			!strings.Contains(strings.ToUpper(text), strings.ToUpper(p.Match)) {
			continue
		}
		p.seen++
		if p.seen <= p.Skip {
			continue
		}
		p.done++
		f.hits++
		return &p.Fault
	}
	return nil
}

// before runs what comes before a statement; false drops the connection.
func (f *Fault) before(s *session) bool {
	if f == nil {
		return true
	}
	s.pause(f.Delay)
	return !f.DropBefore
}

func (f *Fault) after(s *session) bool {
	if f == nil {
		return true
	}
	s.pause(f.DelayAfter)
	return !f.DropAfter
}

func (s *session) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.srv.faults.stop:
	}
}
