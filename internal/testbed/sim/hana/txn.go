package hana

import (
	"slices"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// txn is a transaction of a session: its rows and locks are the store's, its
// changes of the catalog are done and undone by what is noted here.
type txn struct {
	*store.Tx
	s       *session
	started time.Time
	commits []func()
	undos   []func()
	checks  map[*table]bool // tables with deferred foreign keys that were changed
	ended   bool
}

// onEnd notes what a change of the catalog does at the end of its transaction.
func (tx *txn) onEnd(commit, rollback func()) {
	tx.commits = append(tx.commits, commit)
	tx.undos = append(tx.undos, rollback)
	tx.s.db.changes.Add(1)
}

// transaction is the session's, begun where there is none.
func (s *session) transaction() *txn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tx == nil {
		s.tx = &txn{Tx: s.db.engine.Begin(), s: s, started: time.Now().UTC(), checks: make(map[*table]bool)}
		if s.isolation != readCommitted {
			s.tx.Fix(0)
		}
	}
	return s.tx
}

// current is the session's transaction, or nil.
func (s *session) current() *txn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tx
}

// commit ends the session's transaction; cursors and locators end with it.
func (s *session) commit() error {
	tx := s.current()
	if tx == nil {
		return nil
	}
	for _, l := range s.locators {
		if l.writer != nil {
			s.rollback()
			return &Error{Code: 603, Text: "invalid LOB: not written to its end when its transaction was committed"}
		}
	}
	if err := s.checkDeferred(tx); err != nil {
		s.rollback()
		return err
	}
	for _, f := range tx.commits {
		f()
	}
	// Objects first: their rows appear with one clock tick, names are looked up before.
	tx.Commit()
	s.endTransaction(tx)
	return nil
}

func (s *session) rollback() {
	tx := s.current()
	if tx == nil {
		return
	}
	for _, f := range slices.Backward(tx.undos) {
		f()
	}
	tx.Rollback()
	s.endTransaction(tx)
}

func (s *session) endTransaction(tx *txn) {
	if len(tx.commits) > 0 {
		s.db.changes.Add(1)
	}
	s.mu.Lock()
	tx.ended = true
	s.tx = nil
	s.mu.Unlock()
	s.closeCursors(tx)
	s.dropLocators()
}

// checkDeferred looks at foreign keys that are checked at the end only.
func (s *session) checkDeferred(tx *txn) error {
	for t := range tx.checks {
		for _, fk := range t.structure(tx).foreign {
			if fk.deferred {
				if err := s.checkForeignRows(tx, t, fk); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// wait is how long the session waits for locks: its own setting, as a statement
// without WAIT does.
func (s *session) wait() store.Wait { return store.Wait{Timeout: s.lockWait} }

// lockTable holds a table for a change of rows or of structure.
func (s *session) lockTable(tx *txn, t *table, mode store.LockMode) error {
	if t.rows == nil || tx.HoldsTable(t.rows, mode) {
		return nil
	}
	return tx.LockTable(t.rows, mode, s.wait())
}
