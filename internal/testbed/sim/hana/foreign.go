package hana

import (
	"fmt"
	"slices"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// parentIndex is the unique index over the columns that a foreign key refers to,
// and where in it each of the key's own columns goes.
func (s *session) parentIndex(tx *txn, fk foreignKey) (*table, *store.Index, []int) {
	parent := s.db.relation(tx, fk.parent)
	if parent == nil || parent.rows == nil {
		return nil, nil, nil
	}
	d := parent.structure(tx)
	var refs []int
	for _, name := range fk.refs {
		refs = append(refs, d.position(name))
	}
	for _, x := range parent.rows.Indexes() {
		if len(x.Columns) != len(refs) {
			continue
		}
		order := make([]int, len(refs))
		for i, at := range x.Columns {
			order[i] = slices.Index(refs, at)
		}
		if !slices.Contains(order, -1) {
			return parent, x, order
		}
	}
	return parent, nil, nil
}

func errForeign(fk foreignKey) error {
	return &Error{Code: 461, Text: "foreign key constraint violation: " + fk.name}
}

// checkParents looks for the rows that a changed row refers to.
func (s *session) checkParents(x *change, t *table, d *tableDef, row []store.Value) error {
	for _, fk := range d.foreign {
		if fk.deferred {
			x.tx.checks[t] = true
			continue
		}
		snap := x.tx.Snapshot()
		ok := s.hasParent(x.tx, snap, fk, row)
		snap.Close()
		if !ok {
			return errForeign(fk)
		}
	}
	return nil
}

func (s *session) hasParent(tx *txn, snap store.Snapshot, fk foreignKey, row []store.Value) bool {
	parent, x, order := s.parentIndex(tx, fk)
	if x == nil {
		return false
	}
	key := make([]store.Value, len(order))
	for i, o := range order {
		key[i] = row[fk.columns[o]]
		if key[i].IsNull() {
			return true
		}
	}
	_, ok := parent.rows.Find(snap, x, key)
	return ok
}

// checkForeignRows looks at all rows of a table.
func (s *session) checkForeignRows(tx *txn, t *table, fk foreignKey) error {
	snap := tx.Snapshot()
	defer snap.Close()
	rel := t.relationOf(tx)
	return scan(t.rows, snap, func(h store.Hit) error {
		if !s.hasParent(tx, snap, fk, rel.Decode(h.Row)) {
			return errForeign(fk)
		}
		return nil
	})
}

// scan visits the rows that a snapshot sees.
func scan(t *store.Table, snap store.Snapshot, visit func(store.Hit) error) error {
	var hits []store.Hit
	for next, done := uint32(0), false; !done; {
		hits, next, done = t.Scan(snap, next, 1024, hits[:0])
		for _, h := range hits {
			if err := visit(h); err != nil {
				return err
			}
		}
	}
	return nil
}

// reference is a foreign key of a table that refers to the one that changes.
type reference struct {
	child *table
	d     *tableDef
	fk    foreignKey
	keys  map[string]bool // of the rows that are gone
}

// checkChildren looks at the rows that refer to rows that are gone.
func (s *session) checkChildren(x *change, t *table, d *tableDef, removed [][]store.Value) error {
	if len(removed) == 0 {
		return nil
	}
	for _, child := range s.db.relationsOf(x.tx) {
		if child.rows == nil {
			continue
		}
		cd := child.structure(x.tx)
		for _, fk := range cd.foreign {
			if fk.parent != t.name {
				continue
			}
			r := reference{child, cd, fk, make(map[string]bool)}
			for _, row := range removed {
				var key []store.Value
				for _, name := range fk.refs {
					key = append(key, row[d.position(name)])
				}
				r.keys[string(store.EncodeRow(nil, key))] = true
			}
			if err := s.settle(x, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle does what ON DELETE says to the rows that refer to a gone key; those whose
// key has come back, as after an update, stay.
func (s *session) settle(x *change, r reference) error {
	snap := x.tx.Snapshot()
	defer snap.Close()
	rel := r.child.relationOf(x.tx)
	var lost []store.Hit
	err := scan(r.child.rows, snap, func(h store.Hit) error {
		row := rel.Decode(h.Row)
		var key []store.Value
		for _, at := range r.fk.columns {
			key = append(key, row[at])
		}
		if r.keys[string(store.EncodeRow(nil, key))] && !s.hasParent(x.tx, snap, r.fk, row) {
			lost = append(lost, h)
		}
		return nil
	})
	if err != nil || len(lost) == 0 {
		return err
	}
	switch r.fk.onDelete {
	case "CASCADE", "SET NULL":
		return s.cascade(x, r, rel, lost)
	}
	return &Error{Code: 462, Text: fmt.Sprintf("failed on update or delete by foreign key constraint violation: %s", r.fk.name)}
}

func (s *session) cascade(x *change, r reference, rel *store.Relation, lost []store.Hit) error {
	if err := s.lockTable(x.tx, r.child, store.IntentExclusive); err != nil {
		return err
	}
	var removed [][]store.Value
	for _, h := range lost {
		for {
			cur, err := x.tx.Current(r.child.rows, h.Slot, x.wait)
			if err != nil {
				return err
			}
			if !cur.Alive {
				break
			}
			var encoded []byte
			old := rel.Decode(cur.Row)
			if r.fk.onDelete == "SET NULL" {
				row := slices.Clone(old)
				for _, at := range r.fk.columns {
					if row[at], err = store1(store.Value{}, r.d.columns[at]); err != nil {
						return err
					}
				}
				encoded = store.EncodeRow(nil, row)
			}
			applied, err := x.tx.Apply(r.child.rows, h.Slot, cur, encoded)
			if err != nil {
				return err
			}
			if applied {
				removed = append(removed, old)
				break
			}
		}
	}
	if r.fk.onDelete == "SET NULL" {
		return nil
	}
	return s.checkChildren(x, r.child, r.d, removed)
}
