package engine

import (
	"bytes"
	"context"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
)

// tx is a transaction: what it changed, so that commit and rollback find it. DB.mu guards it.
type tx struct {
	id      uint64
	start   uint64 // SCN
	began   time.Time
	changes []address
	undo    []func() // of unique indexes and counters, the newest last
	done    chan struct{}
	waits   *tx // whose row it waits for
}

func compareBytes(a, b []byte) int { return bytes.Compare(a, b) }

// begin opens the session's transaction where none is open.
func (s *Session) begin() *tx {
	if s.tx == nil {
		s.db.txs++
		s.tx = &tx{id: s.db.txs, start: s.db.scn, began: now(), done: make(chan struct{})}
		s.db.open[s.tx] = s
	}
	return s.tx
}

// Commit makes the session's changes visible. It ends a read-only transaction too.
func (s *Session) Commit() {
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	s.commit()
}

func (s *Session) commit() {
	s.readSCN = 0
	t := s.tx
	if t == nil {
		return
	}
	s.db.advance()
	for _, a := range t.changes {
		if r := a.row(); r.tx == t {
			r.scn, r.tx = s.db.scn, nil
		}
	}
	s.endTx()
}

// Rollback takes the session's changes back.
func (s *Session) Rollback() {
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	s.rollback(savepoint{})
	s.readSCN = 0
	if s.tx != nil {
		s.endTx()
	}
}

func (s *Session) endTx() {
	close(s.tx.done)
	delete(s.db.open, s.tx)
	s.tx = nil
}

// savepoint is a place in a transaction.
type savepoint struct{ changes, undo int }

func (s *Session) savepoint() savepoint {
	if s.tx == nil {
		return savepoint{}
	}
	return savepoint{len(s.tx.changes), len(s.tx.undo)}
}

// rollback takes back what came after a savepoint.
func (s *Session) rollback(to savepoint) {
	t := s.tx
	if t == nil {
		return
	}
	for i := len(t.changes) - 1; i >= to.changes; i-- {
		r := t.changes[i].row()
		if r.before != nil {
			*r = *r.before
		} else {
			*r = row{deleted: true, scn: 1}
		}
	}
	for i := len(t.undo) - 1; i >= to.undo; i-- {
		t.undo[i]()
	}
	t.changes, t.undo = t.changes[:to.changes], t.undo[:to.undo]
}

// write puts a new version of a row in place of the newest; the caller holds DB.mu and has made sure
// that no other transaction has it.
func (s *Session) write(a address, data []byte, deleted bool) {
	t := s.begin()
	r := a.row()
	old := *r
	*r = row{data: data, tx: t, before: &old, deleted: deleted}
	t.changes = append(t.changes, a)
}

// claim waits until no other transaction has a row. It gives DB.mu back while it waits; a circle of
// waiting transactions is ORA-00060, a break ORA-01013.
func (s *Session) claim(ctx context.Context, a address) error {
	for {
		holder := a.row().tx
		if holder == nil || holder == s.tx {
			return nil
		}
		me := s.begin()
		me.waits = holder
		for t := holder; t != nil; t = t.waits {
			if t == me {
				me.waits = nil
				return ora.Errorf(60, "deadlock detected while waiting for resource")
			}
		}
		s.db.mu.Unlock()
		var err error
		select {
		case <-holder.done:
		case <-ctx.Done():
			err = errCanceled()
		}
		s.db.mu.Lock()
		me.waits = nil
		if err != nil {
			return err
		}
	}
}

func errCanceled() error {
	return ora.Errorf(1013, "user requested cancel of current operation")
}

// snapshot is what a query sees.
type snapshot struct {
	scn uint64
	tx  *tx // its own changes
}

// visible finds the version that a snapshot sees; nil is none. Versions that are needed and whose undo
// was overwritten are ORA-01555.
func (db *DB) visible(r *row, at snapshot) (*row, error) {
	for v := r; v != nil; v = v.before {
		if v.tx != nil && v.tx == at.tx || v.tx == nil && v.scn <= at.scn {
			if v.deleted {
				return nil, nil
			}
			return v, nil
		}
		if at.scn < db.undoFrom {
			return nil, ora.Errorf(1555, "snapshot too old: rollback segment number 9 with name \"_SYSSMU9_1$\" too small")
		}
	}
	return nil, nil
}
