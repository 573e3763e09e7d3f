package executor

import (
	"context"
	"fmt"
	"slices"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/structure"
	"github.com/dmoctl/dmoctl/providers"
)

// auditing holds the target against the plan, whatever the steps have said.
type auditing struct {
	*frame
	audited bool
	phases  []report.Phase // that it took
}

// audit is the last act of a run: it reads the ledger and the catalogs again and lists what
// is missing, whatever the steps have said. The migration is not closed before it.
func (r *auditing) audit(ctx context.Context) error {
	if r.audited || !r.fails.clean() || r.ending(ctx) || !plan.Structures.Within(r.d.Until) {
		return nil
	}
	r.audited = true
	r.ctl.Before(control.PointAudit)
	started := r.ctl.Now()
	r.ctl.Emit(report.Event{Event: report.PhaseStarted, Phase: report.Audit})
	err := r.auditLedger(ctx)
	var found []structure.Difference
	if err == nil {
		found, err = r.compareStructures(ctx, r.set.Order)
	}
	took := r.ctl.Now().Sub(started).Seconds()
	r.ctl.Emit(report.Event{Event: report.PhaseDone, Phase: report.Audit, Seconds: took})
	r.phases = []report.Phase{{Name: report.Audit, Started: started, Seconds: took}}
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	r.misshapen(found, report.Error)
	return nil
}

// auditLedger reads the ledger again, and lists what it says is left of the plan's tables.
func (r *auditing) auditLedger(ctx context.Context) error {
	c, err := r.contents(ctx)
	if err != nil {
		return err
	}
	r.set.Lock()
	r.learnIDs(c)
	r.set.Unlock()
	if !plan.Downtime.Within(r.d.Until) {
		return nil
	}
	known := left.Tables(c)
	for _, t := range r.set.Order {
		if t.Plan.Action == plan.Forget || t.Plan.Target == nil {
			continue
		}
		var now left.Table
		if x := known[t.Plan.Source.Name]; x != nil {
			now = *x
		}
		for _, item := range left.Of(t.Want(), now) {
			if item.Kind == left.Verification && !plan.Verify.Within(r.d.Until) {
				continue
			}
			r.fails.fail(report.Failure{Table: t.Name(), Step: report.Audit, Fix: "To complete it, run: dmoctl apply"},
				fmt.Errorf("according to the ledger, this is incomplete: %s", item))
		}
	}
	return nil
}

// compareStructures compares what is on the target with what the plan wants.
func (r *auditing) compareStructures(ctx context.Context, tables []*work.Table) ([]structure.Difference, error) {
	a := auditor{
		frame: r.frame, outside: make(map[catalog.Name][]structure.Difference), raised: make(map[catalog.Name]bool),
		refers: make(map[catalog.Name]bool), planned: make(map[catalog.Name]bool),
	}
	for _, s := range r.p.Steps {
		a.raises = a.raises || s.Kind == plan.StepSequence
		for _, n := range s.Tables {
			switch s.Kind {
			case plan.StepSequence:
				a.raised[n] = true
			case plan.StepForeignKey:
				a.refers[n] = true
			}
		}
	}
	for _, t := range r.set.Order {
		if t.Target != nil {
			a.planned[t.Target.Name] = true
		}
	}
	err := a.all(ctx, tables)
	r.set.Lock()
	r.report.Structure = a.found
	r.set.Unlock()
	return a.found, err
}

// auditor compares structures, some tables at a time.
type auditor struct {
	*frame
	found []structure.Difference
	// outside are references to tables that the plan leaves out, by such a table: they are
	// made where it is there.
	outside map[catalog.Name][]structure.Difference
	// raised are the tables whose identities the plan raises, raises says that it raises any.
	// Of a source that others write to, all others may have gone on since they were.
	raised map[catalog.Name]bool
	raises bool
	// refers are the tables of which a step of the plan makes foreign keys. None does where one refers
	// to a table that --table leaves out, and whose rows are not all in.
	refers map[catalog.Name]bool
	// planned are the target's tables that are in the plan.
	planned map[catalog.Name]bool
}

// follows says whether sequences have to be where the source's are: after steps that raise
// them, of a quiet source, and where nothing else than the comparison was asked for.
func (a *auditor) follows(raised bool) bool {
	return raised || a.p.Quiet || a.target.Session == nil
}

func (a *auditor) all(ctx context.Context, tables []*work.Table) error {
	tables = slices.DeleteFunc(slices.Clone(tables), func(t *work.Table) bool {
		return t.Plan.Action == plan.Forget || t.Target == nil
	})
	for part := range slices.Chunk(tables, inspectedTables) {
		if err := a.part(ctx, part); err != nil {
			return err
		}
	}
	if err := a.sequences(ctx, tables); err != nil {
		return err
	}
	return a.references(ctx)
}

// part compares some tables. A quiet source has to be what it was; where others write to
// it, it may have gone on since the plan was made.
func (a *auditor) part(ctx context.Context, tables []*work.Table) error {
	r := a.frame
	have, err := r.structures(ctx, r.d.Target, providers.Selector{Tables: work.Targets(tables), IDs: true})
	if err != nil {
		return err
	}
	source := make(map[catalog.Name]*catalog.Table)
	if r.p.Quiet {
		if source, err = r.inspect(ctx, r.d.Source, work.Sources(tables)); err != nil {
			return err
		}
	}
	there := make(map[catalog.Name]*catalog.Table, len(have.Tables))
	for _, t := range have.Tables {
		there[t.Name] = t
	}
	for _, t := range tables {
		from := t.Plan.Source
		if now := source[from.Name]; now != nil {
			from = now
		}
		h, how := there[t.Target.Name], a.howCompared(t)
		ds := structure.Compare(t.Target, h, how)
		if h != nil && r.replaced(t, h) {
			ds = append(ds, structure.Difference{
				Table: h.Name, Part: structure.Table, Kind: structure.Different, Found: "a different one",
				Wanted: "the one that dmoctl created",
			})
		}
		if a.follows(a.raised[t.Plan.Source.Name]) {
			ds = append(ds, structure.Positions(from, t.Target, h, how)...)
		}
		a.take(t, ds)
	}
	a.found = append(a.found, structure.Types(r.p.Wanted.Types, have.Types)...)
	return nil
}

func (a *auditor) howCompared(t *work.Table) structure.Options {
	return structure.Options{
		Same: a.p.Source.Type == a.p.Target.Type, IgnoreCase: a.d.Target.Limits().IgnoreCase,
		Foreign: t.Known && !t.Row.Created,
	}
}

// take keeps the differences that the phases asked for should not have left.
func (a *auditor) take(t *work.Table, ds []structure.Difference) {
	for _, d := range ds {
		if d.Made() && d.Part != structure.Table && !plan.Finalize.Within(a.d.Until) {
			continue
		}
		if d.Part == structure.ForeignKey && d.Kind == structure.Missing && !a.d.Target.Limits().InlineKeys {
			if to, out := a.leftOut(t, d.Name); out {
				if a.refers[t.Plan.Source.Name] {
					a.outside[to] = append(a.outside[to], d)
				}
				continue
			}
		}
		a.found = append(a.found, d)
	}
}

// leftOut says whether a foreign key refers to a table that is not in the plan, as --table
// may have it.
func (a *auditor) leftOut(t *work.Table, name string) (to catalog.Name, out bool) {
	for _, f := range t.Target.ForeignKeys {
		if f.Name == name {
			return f.Table, !a.planned[f.Table]
		}
	}
	return catalog.Name{}, false
}

// references keeps those to tables outside of the plan that are there.
func (a *auditor) references(ctx context.Context) error {
	names := make([]catalog.Name, 0, len(a.outside))
	for n := range a.outside {
		names = append(names, n)
	}
	slices.SortFunc(names, catalog.Name.Compare)
	for part := range slices.Chunk(names, inspectedTables) {
		have, err := a.inspect(ctx, a.d.Target, part)
		if err != nil {
			return err
		}
		for _, n := range part {
			if have[n] != nil {
				a.found = append(a.found, a.outside[n]...)
			}
		}
	}
	return nil
}

// sequences compares those that no column owns.
func (a *auditor) sequences(ctx context.Context, tables []*work.Table) error {
	r := a.frame
	if len(r.p.Wanted.Sequences) == 0 || len(tables) == 0 {
		return nil
	}
	var names []catalog.Name
	for _, s := range r.p.Wanted.Sequences {
		names = append(names, s.Name)
	}
	var have *catalog.Catalog
	err := r.ctl.Retry(ctx, "read sequences", func(ctx context.Context) (err error) {
		have, err = r.d.Target.Catalog(ctx, providers.Selector{
			Schemas: work.SchemasOf(names), Tables: work.Targets(tables[:1]), StructureOnly: true, Free: true,
		})
		return err
	})
	if err != nil {
		return err
	}
	want := slices.Clone(r.p.Wanted.Sequences)
	if r.p.Quiet {
		now, err := r.sequencesNow(ctx)
		if err != nil {
			return err
		}
		for i := range want {
			if s := now.Becomes(want[i].Name); s != nil {
				want[i].Last, want[i].Called = s.Last, s.Called
			}
		}
	}
	for _, d := range structure.Sequences(want, have.Sequences) {
		raised := a.raises && len(r.p.Sequences) > 0
		if d.Part != structure.SequencePlace || plan.Finalize.Within(r.d.Until) && a.follows(raised) {
			a.found = append(a.found, d)
		}
	}
	return nil
}

// misshapen lists tables whose structure differs as failures, and what is not a table's.
func (r *auditing) misshapen(found []structure.Difference, code int) {
	bySource := make(map[catalog.Name]*work.Table, len(r.set.Order))
	for _, t := range r.set.Order {
		if t.Target != nil {
			bySource[t.Target.Name] = t
		}
	}
	for len(found) > 0 {
		n := 1
		for n < len(found) && found[n].Table == found[0].Table {
			n++
		}
		f := report.Failure{Step: report.Audit, Kind: report.Structure, Message: structure.Summary(found[:n])}
		made := !slices.ContainsFunc(found[:n], func(d structure.Difference) bool { return !d.Made() })
		t := bySource[found[0].Table]
		if t != nil {
			f.Table = t.Name()
		}
		f.Fix = fixOf(t, made)
		if slices.ContainsFunc(found[:n], func(d structure.Difference) bool {
			return d.Part == structure.Table && d.Kind == structure.Different
		}) {
			f.Fix = "Rename it, or drop it, and run: dmoctl apply"
		}
		found = found[n:]
		r.fails.add(f, code)
	}
}

// fixOf says how a table gets the structure that was asked for.
func fixOf(t *work.Table, made bool) string {
	switch {
	case made:
		return "To create what is missing, run: dmoctl apply"
	case t == nil:
		return "Alter it on the target to match; apply does not do so."
	case t.Known && !t.Row.Created:
		return "Alter the table on the target to match: dmoctl did not create it, and does not alter such tables."
	}
	return "Alter the table on the target to match, or have dmoctl drop it, create it and copy it again: " +
		"dmoctl apply --reload " + t.Name()
}
