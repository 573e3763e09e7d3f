package work

import (
	"context"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

// Table is one table of a plan while a run is at it. The set's mutex guards what is
// below the line.
type Table struct {
	Plan *plan.Table
	// Source is what the source is asked for, Target what is written and read back;
	// neither carries a file identity that a later look could contradict.
	Source, Target *catalog.Table
	Group          *Group // that it is read with
	// ---
	Row          ledger.Table // as the ledger has it
	Known        bool         // the ledger has it
	In           Loaded
	Broken       error     // a package or step failed: what needs the whole table is not done
	Stopped      bool      // nothing more is done with it
	Proven       bool      // begun in an earlier quiet period, and the same still
	Gone         bool      // the target has no such table any more: what was loaded went with it
	Ready        bool      // compared with the plan, may be copied in this round
	Counting     *Counting // of this round; nil before
	Result       string    // of the verification, see report
	Detail       string
	IndexSeconds float64
	CopiedHere   bool
}

// Counting is one taking of a table's COUNT(*).
type Counting struct {
	done chan struct{}
	err  error // valid once done is closed
}

// NewCounting returns a counting that has begun.
func NewCounting() *Counting { return &Counting{done: make(chan struct{})} }

// Counted returns a counting that need not be done.
func Counted() *Counting {
	c := NewCounting()
	c.End(nil)
	return c
}

// End ends it for all who wait; once.
func (c *Counting) End(err error) {
	c.err = err
	close(c.done)
}

// Wait waits for the end. A nil counting has ended.
func (c *Counting) Wait(ctx context.Context) error {
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

// Unit is one package at work.
type Unit struct {
	Table   *Table
	Package *plan.Package
}

func newTable(p *plan.Table) *Table {
	t := &Table{Plan: p, Source: p.Source, Result: report.NotVerified}
	t.Target = WithoutFiles(p.Target)
	return t
}

// WithoutFiles returns t without stored identities: the run itself changes those of
// a target. It is a copy where t has any.
func WithoutFiles(t *catalog.Table) *catalog.Table {
	stored := func(p catalog.Partition) bool { return p.File != "" }
	if t == nil || t.File == "" && !slices.ContainsFunc(t.Partitions, stored) {
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

// WithFiles returns t with the stored identities of now; a copy where they differ.
func WithFiles(t, now *catalog.Table) *catalog.Table {
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

// Copied says whether the table's rows travel in this plan.
func (t *Table) Copied() bool { return len(t.Plan.Packages) > 0 }

// Left counts the packages that are not in.
func (t *Table) Left() int {
	n := 0
	for _, p := range t.Plan.Packages {
		if !t.Has(p) {
			n++
		}
	}
	return n
}

// Loaded are the packages of a table that are in, by id. Most tables have one: a map of each
// would take more than the rest of them.
type Loaded []ledger.Loaded

// Find returns the package of an id.
func (all Loaded) Find(id string) (ledger.Loaded, bool) {
	i, there := slices.BinarySearchFunc(all, id, func(l ledger.Loaded, id string) int { return strings.Compare(l.ID, id) })
	if !there {
		return ledger.Loaded{}, false
	}
	return all[i], true
}

// With returns the packages with l, which replaces one of its id.
func (all Loaded) With(l ledger.Loaded) Loaded {
	i, there := slices.BinarySearchFunc(all, l.ID, func(l ledger.Loaded, id string) int {
		return strings.Compare(l.ID, id)
	})
	if there {
		all[i] = l
		return all
	}
	if all == nil {
		return Loaded{l}
	}
	return slices.Insert(all, i, l)
}

// Has says whether the package is loaded, as the plan has it.
func (t *Table) Has(p *plan.Package) bool {
	l, ok := t.In.Find(p.ID)
	return ok && l.Generation == p.Generation
}

// Stale says whether packages are loaded that the plan does not have: they do not count, and
// have to go before others come.
func (t *Table) Stale() bool {
	planned := make(map[string]string, len(t.Plan.Packages))
	for _, p := range t.Plan.Packages {
		planned[p.ID] = p.Generation
	}
	for _, l := range t.In {
		if planned[l.ID] != l.Generation {
			return true
		}
	}
	return false
}

// Nothing says whether dmoctl has made nothing of the table and loaded nothing into it.
func (t *Table) Nothing() bool {
	return !t.Known || t.Row.Untouched() && len(t.In) == 0
}

// Mixed says whether packages are loaded that were read under different views.
func (t *Table) Mixed() bool {
	for _, l := range t.In {
		if l.Snapshot != t.Row.Snapshot {
			return true
		}
	}
	return false
}

// LoadedRows sums the loaded rows.
func (t *Table) LoadedRows() int64 {
	var n int64
	for _, l := range t.In {
		n += l.Rows
	}
	return n
}

// Name is the table's name in events and reports.
func (t *Table) Name() string { return t.Plan.Source.String() }

// ToDrop says whether the plan's drop of the table is still to be done. The caller holds run.set.
func (t *Table) ToDrop() bool {
	moves := t.Row.Target != t.Target.Name
	own := t.Row.Created && t.Row.State == ledger.Empty
	return moves || t.Plan.Drop && (own || t.Nothing())
}

// Drops returns the tables that go for the plan's sake. The caller holds run.set.
func (t *Table) Drops() []catalog.Name {
	var names []catalog.Name
	if t.Row.Target != t.Target.Name && t.Row.Created {
		names = append(names, t.Row.Target)
	}
	if t.Plan.Drop {
		names = append(names, t.Target.Name)
	}
	return names
}

// Dropped is the table's ledger row once nothing of it is there. The caller holds run.set.
func (t *Table) Dropped() ledger.Table {
	after := t.Row
	after.Target, after.State, after.Created = t.Target.Name, ledger.Planned, false
	return after
}

// Made is the table's ledger row once dmoctl has made it. The caller holds run.set.
func (t *Table) Made() ledger.Table {
	after := t.Row
	after.Created = true
	if after.State == ledger.Planned {
		after.State = ledger.Made
	}
	return after
}

// DropsForeignKey says whether a step of the plan drops that foreign key of the table.
func (t *Table) DropsForeignKey(name string) bool {
	return slices.ContainsFunc(t.Plan.DropForeignKeys, func(f catalog.ForeignKey) bool { return f.Name == name })
}

// Voided says whether the ledger has it that what is in the target's table does not count.
func (t *Table) Voided() bool { return t.Known && (t.Row.State == ledger.Emptying || t.Stale()) }

// Want is what shall become of the table.
func (t *Table) Want() left.Want {
	return left.Want{
		Source: t.Plan.Source.Name, Target: t.Target.Name, Rows: t.Copied(), Create: t.Plan.Create, Level: t.Plan.Verify,
		Excepted: t.Plan.Exception != nil,
	}
}

// Ledger is what the ledger says of the table, as the run has it. The caller holds run.set.
func (t *Table) Ledger(migration string) left.Table {
	out := left.Table{}
	if t.Known {
		out.Entry = &t.Row
	}
	for _, p := range t.Plan.Packages {
		out.Planned = append(out.Planned, &ledger.Package{
			Migration: migration, ID: p.ID, Source: t.Plan.Source.Name, Range: p.Range, Generation: p.Generation,
		})
	}
	for _, l := range t.In {
		out.Loaded = append(out.Loaded, &l)
	}
	return out
}

// Excuses says whether the table's exception allows the difference.
func (t *Table) Excuses(source, target int64) bool {
	e := t.Plan.Exception
	return e != nil && e.Rule.Excuses(source, target)
}

// Take takes over what the ledger says now of where the table is and whose it is. What else
// stands in its row may have changed meanwhile. The caller holds the set's lock.
func (t *Table) Take(row ledger.Table) {
	t.Row.Target, t.Row.State, t.Row.Created = row.Target, row.State, row.Created
}

// Counts says whether the source's COUNT(*) of the table decides anything.
func (t *Table) Counts(quiet bool) bool { return t.Plan.Verify != plan.LevelNone || quiet }
