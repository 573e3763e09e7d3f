package planner

import (
	"slices"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/structure"
	"github.com/dmoctl/dmoctl/providers"
)

// decision is what is to be done about one table, and why.
type decision struct {
	*assigned
	source          *catalog.Table // in the types in which its rows are asked for
	structureDigest string
	mapped          *catalog.Table // on the target, as it shall be
	found           *catalog.Table // on the target, as it is; nil where it is not, and once all is decided
	there           bool           // once all is decided: it is on the target
	targetStructure string         // digest of what is there and stays
	conversions     []plan.Conversion
	refusals        []plan.Conversion // of the target's driver
	ownRefusals     []plan.Conversion // of the planner

	*left.Table             // what the ledger says of it
	expected    *generation // without a range

	action          plan.Action
	reason          string
	edition         int64 // of the copies that were asked for
	create, drop    bool
	foreign         bool                 // with drop: nobody of ours made it
	empty           bool                 // through a step of its own, before drop and create
	predecessor     *catalog.Name        // where it was on the target before a rename
	reuse           bool                 // the ledger's ranges stay
	occupied        bool                 // on the target, and nobody of ours made it
	replaced        bool                 // somebody has put another table in the place of ours
	resplit         bool                 // the spec's split is no longer that of the packages which are in
	dropForeignKeys []catalog.ForeignKey // of found: dropped until rows are loaded
	unwanted        []catalog.ForeignKey // of found: made by dmoctl, and no longer migrated
	misplaced       []catalog.ForeignKey // of found: made with a table of dmoctl, and not as they shall be now
	// parts of found that are not as the mapping wants them.
	parts       []structure.Difference
	behind      bool // what generates its numbers stands below the source's
	packages    []*plan.Package
	splitReason string
	level       plan.Level
	excepted    bool // an exception of the spec may excuse a difference
}

// stands says whether the table is on the target.
func (d *decision) stands() bool { return d.found != nil || d.there }

// copies says whether rows of the table travel under this plan.
func (d *decision) copies() bool { return d.action.Copies() }

// kept is what the ledger holds, indexed.
type kept struct {
	run    *ledger.Run
	tables map[catalog.Name]*left.Table
	made   map[catalog.Name]string // ids of the tables that dmoctl made, by name on the target, where tables have any
}

func index(c *ledger.Contents, limits providers.Limits) *kept {
	k := &kept{tables: left.Tables(c), made: make(map[catalog.Name]string)}
	if c == nil {
		return k
	}
	k.run = c.Run
	for _, o := range c.Made {
		if o.Kind == ledger.KindTable && !limits.TextIDs {
			k.made[o.Name] = o.ID
		}
	}
	return k
}

// of returns what the ledger says of a source's table; never nil.
func (k *kept) of(n catalog.Name) *left.Table {
	if t := k.tables[n]; t != nil {
		return t
	}
	return &left.Table{}
}

// replaced says whether somebody has put another table in the place of one that dmoctl made:
// what was loaded went with the first, and the second is not ours.
func (k *kept) replaced(e ledger.Table, now *catalog.Table) bool {
	id, ours := k.made[e.Target]
	return e.Created && now != nil && ours && id != now.ID
}

// forgetMade is what the ledger would say of a table if nothing of it had been made.
func forgetMade(e ledger.Table) *left.Table {
	e.State, e.Created, e.Edition = ledger.Planned, false, e.Edition+1
	return &left.Table{Entry: &e}
}

// unfinished says whether a run of the migration has begun a plan and not closed it.
func (k *kept) unfinished() bool { return k.run != nil && !k.run.Closed }

// decide says for every table what is to be done. It is pure; Observe asks it which
// tables need boundaries, Diff builds the plan on it and on the ledger as it is indexed for that.
func decide(spec *desired.Spec, o *Observation, a *assignment, opts Options) ([]*decision, *kept) {
	k := index(o.Ledger, o.Limits)
	found := make(map[catalog.Name]*catalog.Table, len(o.Target.Tables))
	for _, t := range o.Target.Tables {
		found[fold(t.Name, o.Limits)] = t
	}
	mappings := make(map[catalog.Name]*Mapping, len(o.Mappings))
	for i := range o.Mappings {
		mappings[o.Mappings[i].Source] = &o.Mappings[i]
	}
	j := &judge{spec: spec, o: o, k: k, opts: opts, names: a.names, vacated: vacated(o, a, k, opts)}
	out := make([]*decision, 0, len(a.tables))
	for i := range a.tables {
		t := &a.tables[i]
		if !selected(opts.Tables, o.Source.Schema, t.source.Name) {
			continue
		}
		m := mappings[t.source.Name]
		if m == nil || m.Target == nil {
			continue // an observation of another spec
		}
		d := &decision{assigned: t, mapped: m.Target, conversions: m.Conversions, refusals: m.Refusals,
			found: found[fold(t.target, o.Limits)], Table: k.of(t.source.Name)}
		if d.Entry != nil && k.replaced(*d.Entry, found[fold(d.Entry.Target, o.Limits)]) {
			d.Table, d.replaced = forgetMade(*d.Entry), true
		}
		if d.structureDigest = m.Structure; d.structureDigest == "" {
			d.structureDigest = t.source.StructureDigest()
		}
		d.source = asked(t.source, m.Target)
		j.compare(d)
		j.judge(d)
		out = append(out, d)
	}
	j.refuseDependents(out)
	j.refuseChildren(out)
	j.dropForeignKeys(out)
	return out, k
}

// vacated are the places on the target that tables of ours leave under this plan, because
// the spec gives them another name.
func vacated(o *Observation, a *assignment, k *kept, opts Options) map[catalog.Name]bool {
	out := make(map[catalog.Name]bool)
	for _, t := range a.tables {
		e := k.of(t.source.Name).Entry
		if e != nil && e.Created && e.Target != t.target && selected(opts.Tables, o.Source.Schema, t.source.Name) {
			out[fold(e.Target, o.Limits)] = true
		}
	}
	return out
}

// selected says whether --table, where given, takes the table.
func selected(patterns []desired.Pattern, schema string, n catalog.Name) bool {
	return len(patterns) == 0 || matches(patterns, schema, n)
}

func matches(patterns []desired.Pattern, schema string, n catalog.Name) bool {
	return slices.ContainsFunc(patterns, func(p desired.Pattern) bool { return p.Match(schema, n) })
}

// asked is the source's table in the types in which its rows are asked for: where the
// target takes the engine's own form, the source hands out that form. Columns that are
// then the same on both sides are held once.
func asked(source, mapped *catalog.Table) *catalog.Table {
	if slices.Equal(source.Columns, mapped.Columns) {
		return source
	}
	if !slices.ContainsFunc(mapped.Columns, func(c catalog.Column) bool { return c.Type.Kind == catalog.Native }) {
		return source
	}
	as := func(i int) catalog.Column {
		c := source.Columns[i]
		if i < len(mapped.Columns) && mapped.Columns[i].Type.Kind == catalog.Native {
			c.Type, c.Loose = mapped.Columns[i].Type, mapped.Columns[i].Loose
		}
		return c
	}
	same := len(source.Columns) == len(mapped.Columns)
	for i := 0; same && i < len(source.Columns); i++ {
		same = as(i) == mapped.Columns[i]
	}
	t := *source
	if same {
		t.Columns = mapped.Columns
		return &t
	}
	t.Columns = make([]catalog.Column, len(source.Columns))
	for i := range t.Columns {
		t.Columns[i] = as(i)
	}
	return &t
}
