package store

import (
	"bytes"
	"hash/maphash"
	"slices"
)

// noSlot is the slot of a row that is not in the table yet.
const noSlot = ^uint32(0)

// key returns the encoded key of a row and whether it has to be unique.
func (x *Index) key(row []byte) (key []byte, counts bool) {
	width := slices.Max(x.Columns) + 1
	values := make([]Value, width)
	DecodeRow(row, values)
	nulls := 0
	for _, c := range x.Columns {
		if values[c].IsNull() {
			nulls++
		}
		key = AppendValue(key, values[c])
	}
	return key, nulls == 0
}

func (x *Index) enter(t *Table, row []byte, slot uint32) {
	key, counts := x.key(row)
	if counts {
		x.put(maphash.Bytes(t.seed, key), slot)
	}
}

func (x *Index) put(hash uint64, slot uint32) {
	if first, taken := x.first[hash]; !taken {
		x.first[hash] = slot
	} else if first != slot && !slices.Contains(x.more[hash], slot) {
		x.more[hash] = append(x.more[hash], slot)
	}
}

func (x *Index) remove(t *Table, row []byte, slot uint32) {
	key, counts := x.key(row)
	if !counts {
		return
	}
	hash := maphash.Bytes(t.seed, key)
	rest := slices.DeleteFunc(x.more[hash], func(s uint32) bool { return s == slot })
	if x.first[hash] == slot {
		delete(x.first, hash)
		if len(rest) > 0 {
			x.first[hash] = rest[0]
			rest = rest[1:]
		}
	}
	if len(rest) == 0 {
		delete(x.more, hash)
	} else {
		x.more[hash] = rest
	}
}

// move enters a changed row's key; the old one stays for older snapshots until
// the old version is pruned.
func (x *Index) move(t *Table, _, row []byte, slot uint32) { x.enter(t, row, slot) }

// candidates are the slots that may hold a key.
func (x *Index) candidates(t *Table, key []byte) []uint32 {
	hash := maphash.Bytes(t.seed, key)
	first, ok := x.first[hash]
	if !ok {
		return nil
	}
	return append([]uint32{first}, x.more[hash]...)
}

// place says whether a row's keys are free. It returns a transaction to wait for
// where that depends on how it ends. The caller holds t.mu.
func (t *Table) place(tx *Tx, row []byte, own uint32) (*Tx, error) {
	for _, x := range t.indexes {
		key, counts := x.key(row)
		if !counts {
			continue
		}
		for _, slot := range x.candidates(t, key) {
			if slot == own || t.slots[slot] == nil {
				continue
			}
			blocker, taken := t.slots[slot].holds(tx, x, key)
			if blocker != nil {
				return blocker, nil
			}
			if taken {
				return nil, fail(Duplicate, -1, x.Name, "unique constraint violated")
			}
		}
	}
	return nil, nil
}

// holds says whether a slot's newest version has a key, or may have it again
// when another transaction rolls back.
func (v *version) holds(tx *Tx, x *Index, key []byte) (blocker *Tx, taken bool) {
	same := func(v *version) bool {
		k, counts := x.key(v.row)
		return counts && bytes.Equal(k, key)
	}
	if other := tx.other(v.begin); other != nil {
		if same(v) || v.prev != nil && same(v.prev) {
			return other, false
		}
		return nil, false
	}
	if !same(v) {
		return nil, false
	}
	if v.end == 0 {
		return nil, true
	}
	return tx.other(v.end), false
}

// Find returns the row of a unique key as a snapshot sees it; ok is false where
// there is none.
func (t *Table) Find(s Snapshot, x *Index, key []Value) (hit Hit, ok bool) {
	wanted := EncodeRow(nil, key)
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, slot := range x.candidates(t, wanted) {
		if v := s.sees(t.slots[slot]); v != nil {
			if k, counts := x.key(v.row); counts && bytes.Equal(k, wanted) {
				return Hit{Slot: slot, Row: v.row}, true
			}
		}
	}
	return Hit{}, false
}

// Indexes returns the unique indexes.
func (t *Table) Indexes() []*Index {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Clone(t.indexes)
}

// AddIndex makes a unique index over the rows there are. It fails with Duplicate
// where two of them have the same key. The caller keeps writers away.
func (t *Table) AddIndex(x *Index) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	x.first, x.more = make(map[uint64]uint32, len(t.slots)), make(map[uint64][]uint32)
	for slot, v := range t.slots {
		if v == nil || v.end != 0 {
			continue
		}
		key, counts := x.key(v.row)
		if !counts {
			continue
		}
		for _, other := range x.candidates(t, key) {
			if k, _ := x.key(t.slots[other].row); bytes.Equal(k, key) {
				return fail(Duplicate, -1, x.Name, "duplicate key found")
			}
		}
		x.enter(t, v.row, uint32(slot))
	}
	t.indexes = append(t.indexes, x)
	return nil
}

// DropIndex removes an index by its name.
func (t *Table) DropIndex(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.indexes = slices.DeleteFunc(t.indexes, func(x *Index) bool { return x.Name == name })
}

// takeBack undoes one change of a transaction that rolls back.
func (t *Table) takeBack(_ *Tx, u undo) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if int(u.slot) >= len(t.slots) {
		return // the table was truncated
	}
	switch u.kind {
	case undoInsert:
		for slot := u.slot; slot < u.slot+u.count; slot++ {
			v := t.slots[slot]
			t.counts[t.part(v.row)]--
			for _, x := range t.indexes {
				x.remove(t, v.row, slot)
			}
			t.slots[slot] = nil
		}
	case undoReplace:
		v := t.slots[u.slot]
		t.counts[t.part(v.row)]--
		t.counts[t.part(v.prev.row)]++
		for _, x := range t.indexes {
			x.forget(t, v.row, v.prev, u.slot)
		}
		v.prev.end = 0
		t.slots[u.slot] = v.prev
	case undoRemove:
		v := t.slots[u.slot]
		v.end = 0
		t.counts[t.part(v.row)]++
	}
}

// forget removes the entry of a version's key, unless one of the versions that
// stay has the same key.
func (x *Index) forget(t *Table, row []byte, stay *version, slot uint32) {
	key, _ := x.key(row)
	for v := stay; v != nil; v = v.prev {
		if k, _ := x.key(v.row); bytes.Equal(k, key) {
			return
		}
	}
	x.remove(t, row, slot)
}

// stamp gives a transaction's versions their commit time.
func (t *Table) stamp(u undo, at uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if int(u.slot) >= len(t.slots) {
		return
	}
	if u.kind != undoInsert {
		u.count = 1
	}
	for slot := u.slot; slot < u.slot+u.count; slot++ {
		for v := t.slots[slot]; v != nil && (v.begin&pending != 0 || v.end&pending != 0); v = v.prev {
			if v.begin&pending != 0 {
				v.begin = at
			}
			if v.end&pending != 0 {
				v.end = at
			}
		}
	}
}

// prune drops versions that no snapshot can see any more.
func (t *Table) prune(u undo, oldest uint64) {
	if u.kind == undoInsert {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pruneSlot(u.slot, oldest)
}

func (t *Table) pruneSlot(slot uint32, oldest uint64) {
	if int(slot) >= len(t.slots) || t.slots[slot] == nil {
		return
	}
	head := t.slots[slot]
	if head.end != 0 && head.end&pending == 0 && head.end <= oldest {
		for v := head; v != nil; v = v.prev {
			for _, x := range t.indexes {
				x.remove(t, v.row, slot)
			}
		}
		t.slots[slot] = nil
		return
	}
	v := head
	for v != nil && (v.begin&pending != 0 || v.begin > oldest) {
		v = v.prev
	}
	if v == nil || v.prev == nil {
		return
	}
	gone := v.prev
	v.prev = nil
	for ; gone != nil; gone = gone.prev {
		for _, x := range t.indexes {
			x.forget(t, gone.row, head, slot)
		}
	}
}

// Truncate removes all rows at once, for every snapshot. The caller keeps writers away.
func (t *Table) Truncate() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.slots, t.spare, t.arena = nil, nil, nil
	clear(t.counts)
	for _, x := range t.indexes {
		x.first, x.more = make(map[uint64]uint32), make(map[uint64][]uint32)
	}
}
