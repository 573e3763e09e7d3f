package planner

import (
	"slices"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// Diff says what is to be done so that the target becomes what the spec asks for. It
// is pure: equal arguments give the same plan, byte for byte. With errors among the
// diagnostics the plan is nil.
func Diff(spec *desired.Spec, o *Observation, history *History, opts Options) (*plan.Plan, diag.Diagnostics) {
	a, ds := assign(spec, o)
	if ds.HasErrors() {
		return nil, ds.Sorted()
	}
	decisions, k := decide(spec, o, a, opts)
	others := others(o, a, k)
	o, there := settled(o, decisions)
	ds = append(ds, unmatchedFlags(o, opts)...)
	if !opts.Compare {
		ds = append(ds, refusals(decisions)...)
		ds = append(ds, targetErrors(spec, o, decisions)...)
	}
	p := newPlan(spec, o, opts)
	ds = append(ds, checkMemory(spec, p.Processes, decisions)...)
	if ds.HasErrors() {
		return nil, ds.Sorted()
	}

	pace := newPace(history)
	p.Structures = structures(decisions)
	p.Reach = reach(spec.Policies, decisions)
	p.Tables = planTables(spec, o, decisions, pace)
	forgotten := forget(o, a, k, opts)
	if len(forgotten) == 0 && len(opts.Tables) == 0 {
		p.Continues = p.continues(decisions, k)
	}
	p.addSchemas(o, decisions, k.unfinished())
	p.Wanted = wantedBesides(o)
	if !opts.Compare {
		ds = append(ds, nameErrors(o, p.Plan)...)
	}
	if ds.HasErrors() {
		return nil, ds.Sorted()
	}
	g := newGraph(p.Plan, o, pace, k)
	g.there = there
	g.build(decisions, forgotten, opts)
	p.Steps = g.ordered()
	p.Tables = append(p.Tables, forgotten...)
	slices.SortFunc(p.Tables, func(a, b *plan.Table) int { return a.Source.Compare(b.Source.Name) })
	p.NotMigrated = notMigrated(spec, o, decisions)
	p.Others = others
	p.LeftOut = leftOut(o, a, opts)
	p.Warnings = warnings(spec, o, decisions, forgotten)
	p.total(pace, decisions)
	p.ID = plan.Identify(p.Plan)
	return p.Plan, ds.Sorted()
}

// settled lets go of the tables of the target once everything about them is decided: there
// may be 100,000, and a plan with as many steps is to follow. It returns the observation without
// them, and their names.
func settled(o *Observation, ds []*decision) (*Observation, map[catalog.Name]bool) {
	for _, d := range ds {
		if d.found == nil {
			continue
		}
		if d.there = true; !d.create {
			d.targetStructure = d.found.StructureDigest()
		}
		d.found = nil
	}
	rest, target := *o, *o.Target
	there := make(map[catalog.Name]bool, len(target.Tables))
	for _, t := range target.Tables {
		there[t.Name] = true
	}
	target.Tables = nil
	rest.Target = &target
	return &rest, there
}

// draft is a plan that is being made.
type draft struct{ *plan.Plan }

func newPlan(spec *desired.Spec, o *Observation, opts Options) *draft {
	p := &plan.Plan{
		Format: plan.Format, Version: opts.Version, Migration: spec.Migration, Mode: spec.Transfer.Mode,
		SpecDigest: spec.Digest,
		Source:     plan.Endpoint{Type: spec.Source.Type, Name: spec.Source.Name, Identity: o.Source.Identity, Version: o.Source.Version},
		Target:     plan.Endpoint{Type: spec.Target.Type, Name: spec.Target.Name, Identity: o.Target.Identity, Version: o.Target.Version},
		Processes:  decideProcesses(spec, o.Limits, opts.Machine),
		Policies:   spec.Policies, Quiet: spec.Source.Quiet(), Existing: spec.Target.Existing(), Partial: len(opts.Tables) > 0,
	}
	if spec.Staging != nil {
		p.Staging = &plan.Endpoint{Type: spec.Staging.Type, Name: spec.Staging.Name}
	}
	if spec.Transfer.Mode == plan.File {
		p.Transfer = plan.Transfer{FileSize: spec.Transfer.FileSize, Compression: spec.Transfer.Compression}
		if spec.Staging != nil {
			p.Transfer.Retain = spec.Staging.Retain()
		}
	}
	if o.Ledger != nil && o.Ledger.Run != nil {
		p.Lineage, p.Serial = o.Ledger.Run.Lineage, o.Ledger.Run.Serial
	}
	return &draft{p}
}

// structures identifies what both sides shall look like. It does not depend on how
// far a run has come.
func structures(ds []*decision) string {
	all := newDigest()
	for _, d := range ds {
		all.add([3]string{tableID(d.source.Name), d.structureDigest, d.mapped.StructureDigest()})
	}
	return all.short()
}

func planTables(spec *desired.Spec, o *Observation, ds []*decision, pace *pace) []*plan.Table {
	splits := make(map[catalog.Name]*Split, len(o.Splits))
	for i := range o.Splits {
		splits[o.Splits[i].Table] = &o.Splits[i]
	}
	exceptions := make(map[catalog.Name]*plan.Exception)
	for _, e := range spec.Verify.Exceptions {
		exceptions[e.Table.Table(o.Source.Schema)] = &plan.Exception{Rule: e.Rule, Reason: e.Reason}
	}
	out := make([]*plan.Table, 0, len(ds))
	for _, d := range ds {
		d.fillPackages(splits[d.source.Name], o.SourceOffline)
		t := &plan.Table{
			Source: d.source, Target: d.mapped, Group: d.group, Action: d.action, Reason: d.reason,
			Edition: d.edition, Predecessor: d.predecessor,
			Create: d.create, Drop: d.drop, Foreign: d.foreign, DropForeignKeys: d.dropForeignKeys, Unwanted: d.unwantedLeft(),
			SplitReason: d.splitReason, Packages: d.packages,
			Verify: spec.Verify.Default, Exception: exceptions[d.source.Name],
			Conversions: d.conversions, SourceStructure: d.structureDigest, TargetStructure: d.targetStructure,
		}
		if d.structure {
			t.Verify, t.Exception = plan.LevelNone, nil
		}
		d.level, d.excepted = t.Verify, t.Exception != nil
		for _, k := range d.packages {
			if !k.In {
				k.Seconds = pace.copySeconds(d.source, k)
			}
		}
		if d.action == plan.Keep || d.action == plan.Resume {
			for _, l := range d.Loaded {
				if t.ReadAt.IsZero() || l.ReadAt.Before(t.ReadAt) {
					t.ReadAt = l.ReadAt
				}
			}
		}
		out = append(out, t)
	}
	return out
}

// forget lists the tables of the ledger that the migration no longer includes.
func forget(o *Observation, a *assignment, k *kept, opts Options) []*plan.Table {
	onSource := make(map[catalog.Name]bool, len(o.Source.Tables))
	for _, t := range o.Source.Tables {
		onSource[t.Name] = true
	}
	var out []*plan.Table
	for n, e := range k.tables {
		if _, included := a.names[n]; included || e.Entry == nil || !selected(opts.Tables, o.Source.Schema, n) || referredFromOutside(o, a, opts, n) {
			continue
		}
		reason := "it no longer exists on the source; the target's table is kept"
		if onSource[n] {
			reason = "the spec no longer includes it; the target's table is kept"
		}
		out = append(out, &plan.Table{
			Source: &catalog.Table{Name: n, Rows: -1, Bytes: -1}, Target: &catalog.Table{Name: e.Entry.Target, Rows: -1, Bytes: -1},
			Action: plan.Forget, Reason: reason, Verify: plan.LevelNone, SourceStructure: e.Entry.Structure,
		})
	}
	slices.SortFunc(out, func(a, b *plan.Table) int { return a.Source.Compare(b.Source.Name) })
	return out
}

// referredFromOutside says whether a table that --table leaves out refers to the table, so that a
// plan without it cannot drop the foreign key.
func referredFromOutside(o *Observation, a *assignment, opts Options, n catalog.Name) bool {
	return slices.ContainsFunc(a.tables, func(t assigned) bool {
		return !selected(opts.Tables, o.Source.Schema, t.source.Name) &&
			slices.ContainsFunc(t.source.ForeignKeys, func(f catalog.ForeignKey) bool { return f.Table == n })
	})
}

// continues returns the id of the unfinished plan that p continues with: one of the same
// spec and structures, with nothing in p that it did not have.
func (p *draft) continues(ds []*decision, k *kept) string {
	if !k.unfinished() {
		return ""
	}
	if k.run.Spec != plan.Binding(p.Plan) && k.run.Spec != p.SpecDigest {
		return ""
	}
	for _, d := range ds {
		known := d.Entry != nil && (d.Entry.Structure == "" || d.Entry.Structure == d.structureDigest)
		if !known || d.edition != d.Entry.Edition || d.drop {
			return ""
		}
	}
	return k.run.Plan
}
