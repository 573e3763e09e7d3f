// Package left says what of a migration is not done yet.
//
// It derives it from the whole ledger, never from a table's mark alone. The planner plans
// what it says, apply ends well only where it says nothing, and status prints it.
package left

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// Kind is one sort of what can be left.
type Kind string

// Kinds, in the order in which they are done.
const (
	Emptying     Kind = "emptying"     // what is in the target's table does not count
	Structure    Kind = "structure"    // the table, or a part of it, is not as it shall be
	Rows         Kind = "rows"         // packages are missing
	Source       Kind = "source"       // the source was not read again after the last package
	Key          Kind = "key"          // primary keys and unique constraints
	Index        Kind = "index"        //
	ForeignKey   Kind = "foreign key"  //
	Sequence     Kind = "sequence"     // what generates numbers stands too low
	Verification Kind = "verification" // not compared at the level that the spec asks for
)

// Item is one thing that is left.
type Item struct {
	Table catalog.Name `json:"table,omitzero"` // source's name; zero for what is not a table's
	Kind  Kind         `json:"kind"`
	What  string       `json:"what"` // a clause for people
}

// String prints the table, the kind and what it is about.
func (i Item) String() string {
	if i.Table == (catalog.Name{}) {
		return string(i.Kind) + ": " + i.What
	}
	return i.Table.String() + ": " + string(i.Kind) + ": " + i.What
}

// Count is how many tables something is left of: none where it is not a table's.
type Count struct {
	Kind   Kind `json:"kind"`
	Tables int  `json:"tables"`
}

// Summary counts the tables by what is left of them, in the order in which it is done.
func Summary(items []Item) []Count {
	tables := make(map[Kind]map[catalog.Name]bool)
	for _, i := range items {
		if tables[i.Kind] == nil {
			tables[i.Kind] = make(map[catalog.Name]bool)
		}
		if i.Table != (catalog.Name{}) {
			tables[i.Kind][i.Table] = true
		}
	}
	var out []Count
	for _, k := range []Kind{Emptying, Structure, Rows, Source, Key, Index, ForeignKey, Sequence, Verification} {
		if of := tables[k]; of != nil {
			out = append(out, Count{Kind: k, Tables: len(of)})
		}
	}
	return out
}

// Want is what shall become of one table.
type Want struct {
	Source, Target catalog.Name
	Rows           bool // its rows are part of the migration
	Create         bool // dmoctl makes it; otherwise the target has it already
	Level          plan.Level
	Excepted       bool // an exception of the spec may excuse a difference
}

// Table is everything that the ledger says about one table. Planned and Loaded are sorted by id.
type Table struct {
	Entry   *ledger.Table // nil where it does not name the table
	Planned []*ledger.Package
	Loaded  []*ledger.Loaded
}

// Missing returns the packages that are planned and not loaded. A package counts only in
// the generation that is planned.
func (t Table) Missing() []*ledger.Package {
	in := make(map[string]string, len(t.Loaded))
	for _, l := range t.Loaded {
		in[l.ID] = l.Generation
	}
	var out []*ledger.Package
	for _, p := range t.Planned {
		if g, ok := in[p.ID]; !ok || g != p.Generation {
			out = append(out, p)
		}
	}
	return out
}

// Stale returns what is loaded and not planned, or planned in another generation: rows that
// do not count, and that have to go before others come.
func (t Table) Stale() []*ledger.Loaded {
	planned := make(map[string]string, len(t.Planned))
	for _, p := range t.Planned {
		planned[p.ID] = p.Generation
	}
	var out []*ledger.Loaded
	for _, l := range t.Loaded {
		if g, ok := planned[l.ID]; !ok || g != l.Generation {
			out = append(out, l)
		}
	}
	return out
}

// Nothing says whether dmoctl has made nothing of the table and loaded nothing into it:
// what is on the target under its name is somebody else's.
func (t Table) Nothing() bool {
	return t.Entry == nil || t.Entry.Untouched() && len(t.Loaded) == 0
}

// Emptying says why the target's table has to be emptied, or "".
func (t Table) Emptying(rows bool) string {
	switch {
	case t.Entry == nil:
		return ""
	case t.Entry.State == ledger.Emptying:
		return "emptying was requested and has not finished"
	case !rows && len(t.Loaded) > 0:
		return "its rows are no longer part of the migration"
	case len(t.Stale()) > 0:
		return fmt.Sprintf("%d of the loaded packages are not those that are planned", len(t.Stale()))
	case rows && t.contradicts():
		return "the ledger marks it as complete, but not all of its packages are loaded"
	}
	return ""
}

// contradicts says whether the table's mark says more than its packages do. No run leaves that
// behind; whoever did, what is in the target's table is not known.
func (t Table) contradicts() bool {
	return t.Entry.State.Complete() && (len(t.Loaded) == 0 || len(t.Missing()) > 0)
}

// Requested says whether emptying was asked for, and stands in the ledger.
func (t Table) Requested() bool {
	return t.Entry != nil && (t.Entry.State == ledger.Emptying || len(t.Stale()) > 0)
}

// Gap says in what the planned packages do not cover the table, or "".
func (t Table) Gap() string {
	if len(t.Planned) == 0 {
		return "none of its packages is planned"
	}
	ranges := make([]catalog.Range, len(t.Planned))
	for i, p := range t.Planned {
		if want := fmt.Sprintf("/%04d", i+1); !strings.HasSuffix(p.ID, want) {
			return "package " + want[1:] + " is not planned"
		}
		ranges[i] = p.Range
	}
	if err := catalog.Contiguous(ranges); err != nil {
		return err.Error()
	}
	return ""
}

// Of returns what the ledger says is left of one table.
func Of(w Want, t Table) []Item {
	var out []Item
	add := func(k Kind, what string) { out = append(out, Item{Table: w.Source, Kind: k, What: what}) }
	switch {
	case t.Entry == nil:
		add(Structure, "the ledger does not list it")
		return out
	case t.Entry.Target != w.Target:
		add(Structure, fmt.Sprintf("it is %s on the target, and should be %s", t.Entry.Target, w.Target))
	case t.Entry.Untouched() && !w.Rows && w.Create:
		add(Structure, "it has not been created")
	}
	if why := t.Emptying(w.Rows); why != "" {
		add(Emptying, why)
	}
	if !w.Rows {
		return out
	}
	if gap, n := t.Gap(), len(t.Missing()); gap != "" {
		add(Rows, gap)
	} else if n > 0 {
		add(Rows, fmt.Sprintf("%d of %d packages", n, len(t.Planned)))
	} else if !t.Entry.State.Complete() {
		add(Source, "its structure on the source was not rechecked after its last package")
	}
	if !Verified(w.Level, w.Excepted, t.Entry.State) {
		add(Verification, "by "+string(w.Level))
	}
	return out
}

// Resumes says whether a run is the one that carries out the plan, or that the plan continues:
// to apply the plan is to continue with it or, where it is closed, to do nothing.
func Resumes(p *plan.Plan, run *ledger.Run) bool {
	return run != nil && (run.Plan == p.ID ||
		p.Continues != "" && p.Continues == run.Plan && p.Serial == run.Serial && p.Lineage == run.Lineage)
}

// Verified says whether a state meets a level of verification.
func Verified(level plan.Level, excepted bool, state ledger.State) bool {
	switch level {
	case plan.LevelNone:
		return true
	case plan.LevelCount:
		return state.Verified() || excepted && state == ledger.Excused
	}
	return state == ledger.Compared || excepted && state == ledger.Excused
}

// Tables indexes a ledger by source name. A nil ledger, or one without a run, has none.
func Tables(c *ledger.Contents) map[catalog.Name]*Table {
	out := make(map[catalog.Name]*Table)
	if c == nil || c.Run == nil {
		return out
	}
	of := func(n catalog.Name) *Table {
		t := out[n]
		if t == nil {
			t = &Table{}
			out[n] = t
		}
		return t
	}
	for i := range c.Tables {
		of(c.Tables[i].Source).Entry = &c.Tables[i]
	}
	for i := range c.Packages {
		t := of(c.Packages[i].Source)
		t.Planned = append(t.Planned, &c.Packages[i])
	}
	for i := range c.Loaded {
		t := of(c.Loaded[i].Source)
		t.Loaded = append(t.Loaded, &c.Loaded[i])
	}
	for _, t := range out {
		slices.SortFunc(t.Planned, func(a, b *ledger.Package) int { return strings.Compare(a.ID, b.ID) })
		slices.SortFunc(t.Loaded, func(a, b *ledger.Loaded) int { return strings.Compare(a.ID, b.ID) })
	}
	return out
}
