package planner

import (
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/schema"
)

// Bounds of packages that the planner chooses by itself.
const (
	largestPackage  = 1 << 30  // bytes
	smallestPackage = 64 << 20 // below it a split costs more than it gains
	mostPackages    = 9999     // of one table
	guessedColumn   = 16       // bytes of a column where only rows are known
)

// wantedSplit is a table that the source is asked to cut.
type wantedSplit struct {
	table *catalog.Table
	how   catalog.SplitSpec
}

// wantedSplits lists the tables to cut, by source name: those that are copied, have no
// ranges of their own in the ledger, and are large enough or cut by the spec.
func wantedSplits(spec *desired.Spec, o *Observation, ds []*decision, opts Options) []wantedSplit {
	size := packageSize(spec, o, ds, opts)
	var out []wantedSplit
	for _, d := range ds {
		if !d.copies() || d.reuse || d.occupied {
			continue
		}
		if how, ok := howToSplit(d, size); ok {
			out = append(out, wantedSplit{table: d.source, how: how})
		}
	}
	return out
}

// packageSize is the size above which a table is cut where the spec says nothing: no
// table may keep one process busy for longer than its share of the whole.
func packageSize(spec *desired.Spec, o *Observation, ds []*decision, opts Options) int64 {
	var total int64
	for _, d := range ds {
		if d.copies() {
			total += max(0, bytesOf(d.source))
		}
	}
	processes := int64(decideProcesses(spec, o.Limits, opts.Machine).Downtime)
	return min(largestPackage, max(smallestPackage, total/processes))
}

func howToSplit(d *decision, size int64) (catalog.SplitSpec, bool) {
	how, bytes := d.split, bytesOf(d.source)
	if how.By == "" {
		how.By = catalog.ByAuto
	}
	switch {
	case how.By == catalog.ByNone:
		return how, false
	case how.Parts > 1:
		return how, true
	case how.Parts == 1:
		return how, false
	case how.TargetSize == 0:
		how.TargetSize = size
	}
	if bytes > 0 {
		how.TargetSize = max(how.TargetSize, bytes/mostPackages+1)
	}
	return how, bytes < 0 || bytes > how.TargetSize
}

// bytesOf estimates a table's size, large objects included; -1 is unknown.
func bytesOf(t *catalog.Table) int64 {
	if t.Bytes >= 0 || t.Rows < 0 {
		return t.Bytes
	}
	return t.Rows * int64(len(t.Columns)) * guessedColumn
}

// fillPackages gives a table its packages: those of the ledger where they stay, else
// those that the source's ranges make.
func (d *decision) fillPackages(split *Split, offline bool) {
	if d.structure {
		return
	}
	if d.reuse || d.action == plan.Keep {
		d.keepPackages()
		return
	}
	ranges := []catalog.Range{{Rows: d.source.Rows, Bytes: bytesOf(d.source)}}
	if split != nil && len(split.Ranges) > 0 {
		ranges = split.Ranges
	}
	d.splitReason = explainSplit(d, split, offline)
	for i, r := range ranges {
		d.packages = append(d.packages, &plan.Package{
			ID: packageID(d.source.Name, i), Range: r, Generation: d.expected.of(r).String(), Rows: r.Rows, Bytes: r.Bytes,
		})
	}
}

// keepPackages takes the ledger's packages over, with what it measured of those that are in.
func (d *decision) keepPackages() {
	in := make(map[string]int, len(d.Loaded))
	for i, l := range d.Loaded {
		in[l.ID] = i
	}
	for _, p := range d.Planned {
		k := &plan.Package{ID: p.ID, Range: p.Range, Generation: p.Generation, Rows: p.Range.Rows, Bytes: p.Range.Bytes}
		if i, ok := in[p.ID]; ok {
			l := d.Loaded[i]
			k.Rows, k.Bytes, k.Seconds = l.Rows, l.Bytes, l.Seconds
			k.In = d.action == plan.Keep || d.action == plan.Resume
		}
		d.packages = append(d.packages, k)
	}
	d.splitReason = "as in the ledger"
}

// explainSplit says why a table is split as it is.
func explainSplit(d *decision, split *Split, offline bool) string {
	switch {
	case split != nil:
		return split.Reason
	case d.split.By == catalog.ByNone || d.split.Parts == 1:
		return "set in the spec"
	case offline && bytesOf(d.source) > smallestPackage:
		return "finding boundaries needs a connection to the source"
	case bytesOf(d.source) > 0:
		return schema.ShowSize(bytesOf(d.source)) + " is too small to split"
	}
	return ""
}
