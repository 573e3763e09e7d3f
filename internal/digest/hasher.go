package digest

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// Hasher digests record batches of one table. It is for one goroutine: it keeps
// its lanes between batches, so that a batch allocates nothing.
type Hasher struct {
	columns []column
	keys    []int // positions of the key columns among columns
	a, b    []uint64
	hashes  []Hash
}

// column mixes one column into the lanes.
type column struct {
	name   string
	id     arrow.Type
	tag    uint64
	absorb func(arrow.Array, lanes)
}

// New returns a Hasher for batches of the copied columns among cols, in their
// order and in the types that cols say. Key names the columns that Keys hashes.
func New(cols []catalog.Column, key []string) (*Hasher, error) {
	h := &Hasher{}
	at := make(map[string]int)
	for _, c := range cols {
		if !c.Copied() {
			continue
		}
		col, err := newColumn(c)
		if err != nil {
			return nil, fmt.Errorf("digest column %s: %w", c.Name, err)
		}
		at[c.Name] = len(h.columns)
		h.columns = append(h.columns, col)
	}
	for _, name := range key {
		i, ok := at[name]
		if !ok {
			return nil, fmt.Errorf("digest key: no copied column %s", name)
		}
		h.keys = append(h.keys, i)
	}
	return h, nil
}

// Sum returns the digest of one batch. It fails only where the batch's schema is
// not that of the columns.
func (h *Hasher) Sum(rec arrow.RecordBatch) (Sum, error) {
	if err := h.mix(rec, nil, false); err != nil {
		return Sum{}, err
	}
	var s Sum
	for i := range h.a {
		row := finish(h.a[i], h.b[i])
		s = s.Add(Sum{Rows: 1, Hi: row.Hi, Lo: row.Lo})
	}
	return s, nil
}

// Rows returns the hash of each row; their sum is the batch's Sum. The slice is
// valid until the Hasher's next use.
func (h *Hasher) Rows(rec arrow.RecordBatch) ([]Hash, error) {
	if err := h.mix(rec, nil, false); err != nil {
		return nil, err
	}
	return h.finished(), nil
}

// Keys returns the hash of each row's key columns. The slice is valid until the
// Hasher's next use.
func (h *Hasher) Keys(rec arrow.RecordBatch) ([]Hash, error) {
	if err := h.mix(rec, h.keys, true); err != nil {
		return nil, err
	}
	return h.finished(), nil
}

func (h *Hasher) finished() []Hash {
	h.hashes = h.hashes[:0]
	for i := range h.a {
		h.hashes = append(h.hashes, finish(h.a[i], h.b[i]))
	}
	return h.hashes
}

// mix fills the lanes with all columns, or with some of them.
func (h *Hasher) mix(rec arrow.RecordBatch, chosen []int, only bool) error {
	if int(rec.NumCols()) != len(h.columns) {
		return fmt.Errorf("digest batch: %d columns, want %d", rec.NumCols(), len(h.columns))
	}
	n := int(rec.NumRows())
	h.a, h.b = filled(h.a, n, seedA), filled(h.b, n, seedB)
	if only {
		for _, i := range chosen {
			if err := h.columns[i].mix(rec.Column(i), h.a, h.b); err != nil {
				return err
			}
		}
		return nil
	}
	for i := range h.columns {
		if err := h.columns[i].mix(rec.Column(i), h.a, h.b); err != nil {
			return err
		}
	}
	return nil
}

func (c *column) mix(arr arrow.Array, a, b []uint64) error {
	if got := arr.DataType().ID(); got != c.id {
		return fmt.Errorf("digest column %s: batch holds %s, want %s", c.name, got, c.id)
	}
	c.absorb(arr, lanes{c.tag, a, b})
	return nil
}

func filled(s []uint64, n int, v uint64) []uint64 {
	if cap(s) < n {
		s = make([]uint64, n)
	}
	s = s[:n]
	for i := range s {
		s[i] = v
	}
	return s
}
