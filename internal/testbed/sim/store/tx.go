package store

import "sync"

// pending marks a version's begin or end as the number of a transaction that
// has not ended, instead of a commit time.
const pending = uint64(1) << 63

// Engine is the clock and the transactions of one simulated server. Commit times
// are whole numbers that grow by one a commit.
type Engine struct {
	mu        sync.Mutex // clock, snapshots; held during a commit
	clock     uint64
	snapshots map[uint64]int

	lockMu     sync.Mutex // what follows
	nextTx     uint64
	active     map[uint64]*Tx
	tableLocks map[*Table]holders
	rowLocks   map[rowID]holders
}

// NewEngine starts at time 1, with nothing in it.
func NewEngine() *Engine {
	return &Engine{clock: 1, snapshots: make(map[uint64]int), active: make(map[uint64]*Tx),
		tableLocks: make(map[*Table]holders), rowLocks: make(map[rowID]holders)}
}

// Tx is a transaction. One goroutine uses it at a time; Cancel and Blockers may
// be called by others.
type Tx struct {
	ID     uint64
	engine *Engine
	undo   []undo
	sealed bool
	fixed  *Snapshot // of a transaction that reads one point in time

	tables map[*Table]bool
	rows   []rowID
	waits  []*Tx
	done   chan struct{}

	cancelOnce sync.Once
	canceled   chan struct{}
}

// undo is how one change is taken back, and where its versions are when the
// transaction commits.
type undo struct {
	table *Table
	kind  undoKind
	slot  uint32
	count uint32 // of undoInsert: so many slots from slot on
}

type undoKind uint8

const (
	undoInsert undoKind = iota
	undoReplace
	undoRemove
)

// Begin starts a transaction whose statements each see the newest committed state.
func (e *Engine) Begin() *Tx {
	e.lockMu.Lock()
	defer e.lockMu.Unlock()
	e.nextTx++
	tx := &Tx{ID: e.nextTx, engine: e, tables: make(map[*Table]bool), done: make(chan struct{}), canceled: make(chan struct{})}
	e.active[tx.ID] = tx
	return tx
}

// Fix makes the transaction see one point in time from now on; at 0 is now.
func (tx *Tx) Fix(at uint64) {
	if tx.fixed == nil {
		s := tx.engine.snapshot(tx, at)
		tx.fixed = &s
	}
}

// Changed says whether the transaction has changed rows.
func (tx *Tx) Changed() bool { return len(tx.undo) > 0 }

// Snapshot is a point in time as one transaction sees it. Close lets its versions go.
type Snapshot struct {
	At     uint64
	Tx     *Tx
	engine *Engine
	shared bool
}

// Snapshot opens the state that the next statement of tx sees.
func (tx *Tx) Snapshot() Snapshot {
	if tx.fixed != nil {
		s := *tx.fixed
		s.shared = true
		return s
	}
	return tx.engine.snapshot(tx, 0)
}

// SnapshotAt opens a past state; own changes are not seen in it.
func (e *Engine) SnapshotAt(at uint64) Snapshot { return e.snapshot(nil, at) }

func (e *Engine) snapshot(tx *Tx, at uint64) Snapshot {
	e.mu.Lock()
	defer e.mu.Unlock()
	if at == 0 {
		at = e.clock
	}
	e.snapshots[at]++
	return Snapshot{At: at, Tx: tx, engine: e}
}

// Close ends the snapshot. It may be called once.
func (s Snapshot) Close() {
	if s.shared || s.engine == nil {
		return
	}
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	if s.engine.snapshots[s.At]--; s.engine.snapshots[s.At] <= 0 {
		delete(s.engine.snapshots, s.At)
	}
}

// Cancel ends a wait for a lock, now or when it comes, with Canceled.
func (tx *Tx) Cancel() { tx.cancelOnce.Do(func() { close(tx.canceled) }) }

// Canceled is closed by Cancel.
func (tx *Tx) Canceled() <-chan struct{} { return tx.canceled }

// Savepoint is a point to roll back to, within one transaction.
type Savepoint int

// Savepoint marks the present state.
func (tx *Tx) Savepoint() Savepoint {
	tx.sealed = true
	return Savepoint(len(tx.undo))
}

// RollbackTo takes back what came after a savepoint; locks stay.
func (tx *Tx) RollbackTo(s Savepoint) {
	for i := len(tx.undo) - 1; i >= int(s); i-- {
		tx.undo[i].table.takeBack(tx, tx.undo[i])
	}
	tx.undo = tx.undo[:s]
	tx.sealed = true
}

// Rollback takes everything back and ends the transaction.
func (tx *Tx) Rollback() {
	tx.RollbackTo(0)
	tx.end()
}

// Commit makes the changes visible to snapshots opened from now on, all at once,
// and returns their commit time.
func (tx *Tx) Commit() uint64 {
	e := tx.engine
	e.mu.Lock()
	at := e.clock
	if len(tx.undo) > 0 {
		at++
		for _, u := range tx.undo {
			u.table.stamp(u, at)
		}
		e.clock = at
	}
	oldest := at
	for s := range e.snapshots {
		oldest = min(oldest, s)
	}
	e.mu.Unlock()
	if oldest >= at {
		for _, u := range tx.undo {
			u.table.prune(u, oldest)
		}
	}
	tx.undo = nil
	tx.end()
	return at
}

func (tx *Tx) end() {
	if tx.fixed != nil {
		tx.fixed.Close()
		tx.fixed = nil
	}
	tx.engine.release(tx)
	tx.engine.lockMu.Lock()
	delete(tx.engine.active, tx.ID)
	tx.engine.lockMu.Unlock()
	close(tx.done)
}

// other returns the transaction that a version's begin or end names, where that
// is another one which has not ended.
func (tx *Tx) other(mark uint64) *Tx {
	if mark&pending == 0 || mark == pending|tx.ID {
		return nil
	}
	tx.engine.lockMu.Lock()
	defer tx.engine.lockMu.Unlock()
	return tx.engine.active[mark&^pending]
}

// record notes a change; inserts into neighboring slots are one record.
func (tx *Tx) record(u undo) {
	if n := len(tx.undo); n > 0 && !tx.sealed && u.kind == undoInsert {
		if last := &tx.undo[n-1]; last.kind == undoInsert && last.table == u.table && last.slot+last.count == u.slot {
			last.count++
			return
		}
	}
	tx.sealed = false
	tx.undo = append(tx.undo, u)
}
