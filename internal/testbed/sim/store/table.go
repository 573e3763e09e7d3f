package store

import (
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

// Table holds rows with their versions. A row's slot is its stable number; slots
// are not used again. All methods may be called concurrently.
type Table struct {
	Name    string
	Parts   int                  // partitions; 0 and 1 are one
	PartOf  func(row []byte) int // which one a row belongs to
	MaxRows func() int64         // of one partition; nil has no bound

	mu      sync.RWMutex
	slots   []*version
	indexes []*Index
	counts  []int64 // rows a partition, uncommitted ones included
	seed    maphash.Seed
	spare   []version
	arena   []byte
}

type version struct {
	row        []byte
	begin, end uint64 // commit times, or pending|transaction; end is 0 while the version lives
	prev       *version
}

// Index is a unique index. A key with a NULL in it is unlike every other.
type Index struct {
	Name    string
	Columns []int

	first map[uint64]uint32
	more  map[uint64][]uint32
}

// NewTable makes an empty table of so many columns.
func (e *Engine) NewTable(name string) *Table {
	return &Table{Name: name, seed: maphash.MakeSeed(), counts: make([]int64, 1)}
}

// Hit is one row that a scan found.
type Hit struct {
	Slot uint32
	Row  []byte
}

func (s Snapshot) sees(v *version) *version {
	own := uint64(0)
	if s.Tx != nil {
		own = pending | s.Tx.ID
	}
	for ; v != nil; v = v.prev {
		if v.begin == own && own != 0 || v.begin&pending == 0 && v.begin <= s.At {
			if v.end == 0 || v.end != own && (v.end&pending != 0 || v.end > s.At) {
				return v
			}
			return nil
		}
	}
	return nil
}

// Scan appends the rows that a snapshot sees from a slot on, until it has looked
// at so many slots, and returns where to continue; done is set at the end.
func (t *Table) Scan(s Snapshot, from uint32, slots int, dst []Hit) (hits []Hit, next uint32, done bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	end := min(int(from)+slots, len(t.slots))
	for i := int(from); i < end; i++ {
		if v := s.sees(t.slots[i]); v != nil {
			dst = append(dst, Hit{Slot: uint32(i), Row: v.row})
		}
	}
	return dst, uint32(max(end, int(from))), end >= len(t.slots)
}

// Get returns the row of one slot as a snapshot sees it; nil where there is none.
func (t *Table) Get(s Snapshot, slot uint32) []byte {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if int(slot) >= len(t.slots) {
		return nil
	}
	if v := s.sees(t.slots[slot]); v != nil {
		return v.row
	}
	return nil
}

// Count counts the rows that a snapshot sees.
func (t *Table) Count(s Snapshot) int64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n := int64(0)
	for _, v := range t.slots {
		if s.sees(v) != nil {
			n++
		}
	}
	return n
}

// PartCounts returns the rows of each partition, uncommitted ones included.
func (t *Table) PartCounts() []int64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Clone(t.counts)
}

// Bytes returns the encoded size of the newest versions.
func (t *Table) Bytes() int64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n := int64(0)
	for _, v := range t.slots {
		if v != nil {
			n += int64(len(v.row))
		}
	}
	return n
}

// Insert adds an encoded row, which is copied. Errors are Duplicate, Full and
// those of waiting for a transaction that holds the same key.
func (tx *Tx) Insert(t *Table, row []byte, wait Wait) (slot uint32, err error) {
	deadline := time.Now().Add(wait.Timeout)
	for {
		t.mu.Lock()
		blocker, err := t.place(tx, row, noSlot)
		if err == nil && blocker == nil {
			slot, err = t.add(tx, row)
		}
		t.mu.Unlock()
		if err != nil || blocker == nil {
			return slot, err
		}
		if err := tx.waitFor([]*Tx{blocker}, wait, deadline); err != nil {
			return 0, err
		}
	}
}

func (t *Table) add(tx *Tx, row []byte) (uint32, error) {
	part := t.part(row)
	if t.MaxRows != nil && t.counts[part] >= t.MaxRows() {
		return 0, fail(Full, -1, t.Name, "maximum number of rows reached")
	}
	t.counts[part]++
	slot := uint32(len(t.slots))
	row = t.keep(row)
	v := t.version()
	v.row, v.begin = row, pending|tx.ID
	t.slots = append(t.slots, v)
	for _, x := range t.indexes {
		x.enter(t, row, slot)
	}
	tx.record(undo{table: t, kind: undoInsert, slot: slot, count: 1})
	return slot, nil
}

func (t *Table) part(row []byte) int {
	if t.PartOf == nil {
		return 0
	}
	p := t.PartOf(row)
	for len(t.counts) <= p {
		t.counts = append(t.counts, 0)
	}
	return p
}

// version takes one of a block that is allocated together.
func (t *Table) version() *version {
	if len(t.spare) == 0 {
		t.spare = make([]version, min(512, max(8, len(t.slots))))
	}
	v := &t.spare[0]
	t.spare = t.spare[1:]
	return v
}

// keep copies a row into a block that many rows share.
func (t *Table) keep(row []byte) []byte {
	const block = 64 << 10
	if len(row) > block/4 {
		return slices.Clone(row)
	}
	if len(t.arena) < len(row) {
		t.arena = make([]byte, max(len(row), min(block, 256+len(t.slots)*len(row)/4)))
	}
	out := t.arena[:len(row):len(row)]
	copy(out, row)
	t.arena = t.arena[len(row):]
	return out
}

// Current is a row as its next writer finds it.
type Current struct {
	Row   []byte
	Alive bool
	head  *version
	wait  Wait
}

// Current waits until no other transaction holds a row and returns its newest
// version. A transaction that reads one point in time fails with Serialization
// where the row has changed since.
func (tx *Tx) Current(t *Table, slot uint32, wait Wait) (Current, error) {
	return tx.newest(rowID{t, slot}, Exclusive, wait)
}

func (tx *Tx) newest(id rowID, mode LockMode, wait Wait) (Current, error) {
	t, slot := id.table, id.slot
	deadline := time.Now().Add(wait.Timeout)
	for {
		t.mu.RLock()
		head := t.slots[slot]
		var begin, end uint64
		if head != nil {
			begin, end = head.begin, head.end
		}
		t.mu.RUnlock()
		if head == nil {
			return Current{}, nil
		}
		blocker := tx.other(begin)
		if blocker == nil {
			blocker = tx.other(end)
		}
		blockers := []*Tx{blocker}
		if blocker == nil {
			blockers = tx.engine.rowLocked(tx, id, mode)
		}
		if len(blockers) > 0 {
			if err := tx.waitFor(blockers, wait, deadline); err != nil {
				return Current{}, err
			}
			continue
		}
		if begin&pending != 0 && begin != pending|tx.ID || end&pending != 0 && end != pending|tx.ID {
			continue // it ended between the two looks
		}
		if s := tx.fixed; s != nil && (begin&pending == 0 && begin > s.At || end&pending == 0 && end > s.At) {
			return Current{}, fail(Serialization, -1, t.Name, "row changed after the snapshot")
		}
		return Current{Row: head.row, Alive: end == 0, head: head, wait: wait}, nil
	}
}

// Lock is Current, and holds the row until the transaction ends.
func (tx *Tx) Lock(t *Table, slot uint32, mode LockMode, wait Wait) (Current, error) {
	id := rowID{t, slot}
	for {
		c, err := tx.newest(id, mode, wait)
		if err == nil {
			err = tx.lockRow(id, mode, wait)
		}
		if err != nil {
			return c, err
		}
		t.mu.RLock()
		same := t.slots[slot] == c.head && (c.head == nil || c.head.end&pending == 0 || c.head.end == pending|tx.ID)
		t.mu.RUnlock()
		if same {
			return c, nil
		}
	}
}

// Apply replaces the row that Current returned, or removes it where row is nil.
// applied is false where another writer came first: the caller starts again with Current.
func (tx *Tx) Apply(t *Table, slot uint32, c Current, row []byte) (applied bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(tx.engine.rowLocked(tx, rowID{t, slot}, Exclusive)) > 0 {
		return false, nil
	}
	head := t.slots[slot]
	if head != c.head || head == nil || head.end != 0 {
		return false, nil
	}
	if row == nil {
		head.end = pending | tx.ID
		t.counts[t.part(head.row)]--
		tx.record(undo{table: t, kind: undoRemove, slot: slot})
		return true, nil
	}
	blocker, err := t.place(tx, row, slot)
	if err != nil {
		return false, err
	}
	if blocker != nil {
		t.mu.Unlock()
		err := tx.waitFor([]*Tx{blocker}, c.wait, time.Now().Add(c.wait.Timeout))
		t.mu.Lock()
		return false, err
	}
	t.counts[t.part(head.row)]--
	t.counts[t.part(row)]++
	row = t.keep(row)
	v := t.version()
	*v = version{row: row, begin: pending | tx.ID, prev: head}
	head.end = pending | tx.ID
	t.slots[slot] = v
	for _, x := range t.indexes {
		x.move(t, head.row, row, slot)
	}
	tx.record(undo{table: t, kind: undoReplace, slot: slot})
	return true, nil
}
