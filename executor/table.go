package executor

import (
	"context"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

// table is one table of the plan while the run is at it. run.mu guards what is
// below the line.
type table struct {
	plan *plan.Table
	// source is what the source is asked for, target what is written and read back;
	// neither carries a file identity that a later look could contradict.
	source, target *catalog.Table
	// ---
	row        ledger.Table // as the ledger has it
	known      bool         // the ledger has it
	in         loaded
	broken     error // a package or step failed: what needs the whole table is not done
	stopped    bool  // nothing more is done with it
	proven     bool  // begun in an earlier quiet period, and the same still
	gone       bool  // the target has no such table any more: what was loaded went with it
	ready      bool  // compared with the plan, may be copied in this round
	count      int64 // source's COUNT(*) of this round; -1 not taken
	changes    string
	counting   *counting // of this round; nil before
	result     string    // of the verification, see report
	detail     string
	indexSecs  float64
	copiedHere bool
}

// counting is one taking of a table's COUNT(*).
type counting struct {
	done chan struct{}
	err  error // valid once done is closed
}

func (c *counting) end(err error) {
	c.err = err
	close(c.done)
}

// wait waits for the end. A nil counting has ended.
func (c *counting) wait(ctx context.Context) error {
	if c == nil {
		return nil
	}
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// unit is one package at work.
type unit struct {
	table *table
	pkg   *plan.Package
}

func newTable(p *plan.Table) *table {
	t := &table{plan: p, source: p.Source, count: -1, result: report.NotVerified}
	t.target = withoutFiles(p.Target)
	return t
}

// withoutFiles returns t without stored identities: the run itself changes those of
// a target. It is a copy where t has any.
func withoutFiles(t *catalog.Table) *catalog.Table {
	if t == nil || t.File == "" && !slices.ContainsFunc(t.Partitions, func(p catalog.Partition) bool { return p.File != "" }) {
		return t
	}
	c := *t
	c.File = ""
	c.Partitions = append([]catalog.Partition(nil), t.Partitions...)
	for i := range c.Partitions {
		c.Partitions[i].File = ""
	}
	return &c
}

// withFiles returns t with the stored identities of now; a copy where they differ.
func withFiles(t, now *catalog.Table) *catalog.Table {
	if len(t.Partitions) == 0 && t.File == now.File {
		return t
	}
	c := *t
	c.File = now.File
	c.Partitions = append([]catalog.Partition(nil), t.Partitions...)
	for i := range c.Partitions {
		for _, p := range now.Partitions {
			if p.Name == c.Partitions[i].Name {
				c.Partitions[i].File = p.File
			}
		}
	}
	return &c
}

// copied says whether the table's rows travel in this plan.
func (t *table) copied() bool { return len(t.plan.Packages) > 0 }

// left counts the packages that are not in.
func (t *table) left() int {
	n := 0
	for _, p := range t.plan.Packages {
		if !t.has(p) {
			n++
		}
	}
	return n
}

// loaded are the packages of a table that are in, by id. Most tables have one: a map of each
// would take more than the rest of them.
type loaded []ledger.Loaded

func (all loaded) find(id string) (ledger.Loaded, bool) {
	i, there := slices.BinarySearchFunc(all, id, func(l ledger.Loaded, id string) int { return strings.Compare(l.ID, id) })
	if !there {
		return ledger.Loaded{}, false
	}
	return all[i], true
}

// with returns the packages with l, which replaces one of its id.
func (all loaded) with(l ledger.Loaded) loaded {
	i, there := slices.BinarySearchFunc(all, l.ID, func(l ledger.Loaded, id string) int { return strings.Compare(l.ID, id) })
	if there {
		all[i] = l
		return all
	}
	if all == nil {
		return loaded{l}
	}
	return slices.Insert(all, i, l)
}

func (t *table) has(p *plan.Package) bool {
	l, ok := t.in.find(p.ID)
	return ok && l.Generation == p.Generation
}

// stale says whether packages are in that the plan does not have: they do not count, and
// have to go before others come.
func (t *table) stale() bool {
	planned := make(map[string]string, len(t.plan.Packages))
	for _, p := range t.plan.Packages {
		planned[p.ID] = p.Generation
	}
	for _, l := range t.in {
		if planned[l.ID] != l.Generation {
			return true
		}
	}
	return false
}

// nothing says whether dmoctl has made nothing of the table and loaded nothing into it.
func (t *table) nothing() bool {
	return !t.known || t.row.State == ledger.Planned && !t.row.Created && len(t.in) == 0
}

// mixed says whether packages are in that were read under different views.
func (t *table) mixed() bool {
	for _, l := range t.in {
		if l.Snapshot != t.row.Snapshot {
			return true
		}
	}
	return false
}

// loadedRows sums the rows that are in.
func (t *table) loadedRows() int64 {
	var n int64
	for _, l := range t.in {
		n += l.Rows
	}
	return n
}

// name is the table's name in events and reports.
func (t *table) name() string { return t.plan.Source.String() }
