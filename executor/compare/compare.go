// Package compare compares rows of the two sides.
//
// A Comparison reads the target back, and the source again where that is asked for. Judge holds
// tables of the target against the ledger, Sides both sides against each other, and Explain
// names the rows of a table that differ. Nothing is changed, and no verdict is recorded.
package compare

import (
	"github.com/dmoctl/dmoctl/executor/reading"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/providers"
)

// Comparison compares tables. It is safe for concurrent use.
type Comparison struct {
	reading        *reading.Reading
	readers        int // of a side at once
	source, target *reading.Shared
}

// New returns a comparison with that many readers of each side. Close it.
func New(r *reading.Reading, readers int) *Comparison {
	return &Comparison{
		reading: r, readers: readers,
		source: reading.NewShared(r.Source, providers.SnapshotOptions{Readers: readers, Quiet: r.Quiet}),
		// Nobody but the run writes to the target's tables: each view of it sees what was
		// committed before.
		target: reading.NewShared(r.Target, providers.SnapshotOptions{Readers: readers, Quiet: true}),
	}
}

// Close ends what both sides are read in.
func (c *Comparison) Close() {
	c.source.Close()
	c.target.Close()
}

// Portions cuts tables into parts that one reader takes: many small ones, or one large.
func Portions(tables []*work.Table) [][]*work.Table {
	var out [][]*work.Table
	var part []*work.Table
	for _, t := range tables {
		if t.LoadedRows() > splitRows/10 {
			out = append(out, []*work.Table{t})
			continue
		}
		if part = append(part, t); len(part) == work.BundleTables {
			out, part = append(out, part), nil
		}
	}
	if len(part) > 0 {
		out = append(out, part)
	}
	return out
}
