package catalog

import (
	"fmt"
	"slices"
	"strings"
)

// Range is the predicate of one split of a table. The zero Range is the whole table.
//
// The ranges of a table are contiguous and cover the whole key space: the first
// is open below, the last open above, none overlap.
type Range struct {
	By By `json:"by,omitempty"`
	// Partition limits the range to one leaf.
	Partition *Name    `json:"partition,omitempty"`
	Columns   []string `json:"columns,omitempty"` // of a key range
	// Lower and Upper bound the range, Lower <= row < Upper, in a form that only
	// the provider that made them reads. Empty is open.
	Lower []string `json:"lower,omitempty"`
	Upper []string `json:"upper,omitempty"`
	// Rows and Bytes are estimates and no part of the range's identity; -1 is unknown.
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes"`
}

// Whole says whether the range is the whole table.
func (r Range) Whole() bool {
	return r.Partition == nil && len(r.Lower) == 0 && len(r.Upper) == 0
}

// WholeTable is the range of all rows of a table, whose estimates nobody needs.
func WholeTable() Range { return Range{Rows: -1, Bytes: -1} }

// ID prints what identifies a range: everything but estimates.
func (r Range) ID() string {
	var b strings.Builder
	b.WriteString(string(r.By))
	if r.Partition != nil {
		b.WriteString("\x1e" + r.Partition.Schema + "\x1f" + r.Partition.Name)
	}
	for _, part := range [][]string{r.Columns, r.Lower, r.Upper} {
		b.WriteString("\x1e")
		for _, s := range part {
			b.WriteString(s + "\x1f")
		}
	}
	return b.String()
}

// Contiguous says in what ranges do not cover a whole table once: within each partition, and
// without any, the first has to be open below, the last open above, and each has to begin
// where the one before it ends.
func Contiguous(ranges []Range) error {
	seen := make(map[string]bool)
	for i, r := range ranges {
		first := i == 0 || !samePart(r, ranges[i-1])
		last := i == len(ranges)-1 || !samePart(r, ranges[i+1])
		switch {
		case seen[r.ID()]:
			return fmt.Errorf("range %d appears twice", i+1)
		case first != (len(r.Lower) == 0), last != (len(r.Upper) == 0):
			return fmt.Errorf("range %d of %d is open where it must be closed, or closed where it must be open", i+1, len(ranges))
		case !first && !slices.Equal(r.Lower, ranges[i-1].Upper):
			return fmt.Errorf("range %d does not begin where the previous one ends", i+1)
		}
		seen[r.ID()] = true
	}
	return nil
}

func samePart(a, b Range) bool {
	if a.Partition == nil || b.Partition == nil {
		return a.Partition == b.Partition
	}
	return *a.Partition == *b.Partition
}

// SplitSpec says how a table is to be split.
type SplitSpec struct {
	By         By    `json:"by"`
	Parts      int   `json:"parts,omitempty"`       // wanted number of ranges; 0 leaves it to TargetSize
	TargetSize int64 `json:"target_size,omitempty"` // wanted bytes a range; 0 leaves it to Parts
}

// Count is how many ranges of a table of so many bytes, large values included, are wanted, at
// least 1 and at most most.
func (s SplitSpec) Count(bytes int64, most int) int {
	if s.Parts > 0 {
		return min(s.Parts, most)
	}
	if s.TargetSize <= 0 || bytes <= s.TargetSize {
		return 1
	}
	return int(min((bytes+s.TargetSize-1)/s.TargetSize, int64(most)))
}
