package store

import (
	"slices"
	"time"
)

// LockMode is how a transaction holds a table or a row.
type LockMode uint8

// Modes. Shared and Exclusive lock rows; IntentExclusive and Exclusive lock
// tables.
const (
	Shared LockMode = iota + 1
	IntentExclusive
	Exclusive
)

func compatible(a, b LockMode) bool { return a == b && a != Exclusive }

// Wait says how long to wait for a lock: forever, not at all, or so long.
type Wait struct {
	NoWait  bool
	Timeout time.Duration // 0: forever
}

type rowID struct {
	table *Table
	slot  uint32
}

// holders are the transactions that hold one thing.
type holders map[*Tx]LockMode

func (h holders) against(tx *Tx, mode LockMode) []*Tx {
	var out []*Tx
	for other, held := range h {
		if other != tx && !compatible(held, mode) {
			out = append(out, other)
		}
	}
	return out
}

func (h holders) take(tx *Tx, mode LockMode) {
	h[tx] = max(h[tx], mode)
}

// LockTable waits until tx holds t in a mode. Errors are LockTimeout, Deadlock,
// Busy and Canceled.
func (tx *Tx) LockTable(t *Table, mode LockMode, wait Wait) error {
	return tx.acquire(wait, func(e *Engine) []*Tx {
		h := e.tableLocks[t]
		if blockers := h.against(tx, mode); len(blockers) > 0 {
			return blockers
		}
		if h == nil {
			h = make(holders)
			e.tableLocks[t] = h
		}
		h.take(tx, mode)
		tx.tables[t] = true
		return nil
	})
}

// HoldsTable says whether tx holds t in a mode or a stronger one.
func (tx *Tx) HoldsTable(t *Table, mode LockMode) bool {
	tx.engine.lockMu.Lock()
	defer tx.engine.lockMu.Unlock()
	return tx.engine.tableLocks[t][tx] >= mode
}

// lockRow holds one row; the row's own uncommitted version counts as a lock too
// and is looked at by the caller.
func (tx *Tx) lockRow(id rowID, mode LockMode, wait Wait) error {
	return tx.acquire(wait, func(e *Engine) []*Tx {
		h := e.rowLocks[id]
		if blockers := h.against(tx, mode); len(blockers) > 0 {
			return blockers
		}
		if h == nil {
			h = make(holders)
			e.rowLocks[id] = h
		}
		h.take(tx, mode)
		tx.rows = append(tx.rows, id)
		return nil
	})
}

// rowLocked returns who holds a row against a mode.
func (e *Engine) rowLocked(tx *Tx, id rowID, mode LockMode) []*Tx {
	e.lockMu.Lock()
	defer e.lockMu.Unlock()
	return e.rowLocks[id].against(tx, mode)
}

// acquire calls take, which is run under the engine's lock, until it names no
// blockers, and waits for one of them in between.
func (tx *Tx) acquire(wait Wait, take func(*Engine) []*Tx) error {
	deadline := time.Now().Add(wait.Timeout)
	for {
		tx.engine.lockMu.Lock()
		blockers := take(tx.engine)
		tx.engine.lockMu.Unlock()
		if len(blockers) == 0 {
			return nil
		}
		if err := tx.waitFor(blockers, wait, deadline); err != nil {
			return err
		}
	}
}

// waitFor returns when one of the blockers has ended.
func (tx *Tx) waitFor(blockers []*Tx, wait Wait, deadline time.Time) error {
	if wait.NoWait {
		return fail(Busy, -1, "", "resource busy and NOWAIT specified")
	}
	e := tx.engine
	e.lockMu.Lock()
	tx.waits = blockers
	cycle := reaches(blockers, tx, make(map[*Tx]bool))
	if cycle {
		tx.waits = nil
	}
	e.lockMu.Unlock()
	if cycle {
		return fail(Deadlock, -1, "", "deadlock detected")
	}
	defer func() {
		e.lockMu.Lock()
		tx.waits = nil
		e.lockMu.Unlock()
	}()
	var timeout <-chan time.Time
	if wait.Timeout > 0 {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-blockers[0].done:
		return nil
	case <-tx.canceled:
		return fail(Canceled, -1, "", "canceled while waiting for a lock")
	case <-timeout:
		return fail(LockTimeout, -1, "", "lock wait timeout")
	}
}

// reaches follows who waits for whom.
func reaches(from []*Tx, to *Tx, seen map[*Tx]bool) bool {
	for _, tx := range from {
		if tx == to {
			return true
		}
		if !seen[tx] {
			seen[tx] = true
			if reaches(tx.waits, to, seen) {
				return true
			}
		}
	}
	return false
}

// release releases what a transaction holds.
func (e *Engine) release(tx *Tx) {
	e.lockMu.Lock()
	defer e.lockMu.Unlock()
	for t := range tx.tables {
		delete(e.tableLocks[t], tx)
		if len(e.tableLocks[t]) == 0 {
			delete(e.tableLocks, t)
		}
	}
	for _, id := range tx.rows {
		if h := e.rowLocks[id]; h != nil {
			delete(h, tx)
			if len(h) == 0 {
				delete(e.rowLocks, id)
			}
		}
	}
	tx.tables, tx.rows = make(map[*Table]bool), nil
}

// Blockers returns the transactions that tx waits for; none where it runs.
func (tx *Tx) Blockers() []*Tx {
	tx.engine.lockMu.Lock()
	defer tx.engine.lockMu.Unlock()
	return slices.Clone(tx.waits)
}
