package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/providers"
)

// prepare fixes what this round's rows are read from, once a round, before the
// first package: the snapshot, the structures as they are now, and what an
// earlier run left incomplete.
func (r *run) prepare(ctx context.Context) error {
	if err := r.awaitEmptying(ctx); err != nil {
		return err
	}
	if err := control.Hold(ctx, r.snapshotLock); err != nil {
		return err
	}
	defer r.snapshotLock.Release(1)
	if r.prepared {
		return r.prepareErr
	}
	r.prepared = true
	r.prepareErr = r.prepareRound(ctx)
	return r.prepareErr
}

// awaitEmptying waits for the steps that empty tables: what such a table is begun with must
// not be forgotten when its step ends. They come before all copies, so one of them is at
// work or next.
func (r *run) awaitEmptying(ctx context.Context) error {
	select {
	case <-r.emptied:
		if r.ending(ctx) {
			return control.ErrStopped
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *run) prepareRound(ctx context.Context) error {
	r.ctl.Before(control.PointSnapshot)
	err := r.ctl.Retry(ctx, "take a snapshot", func(ctx context.Context) (err error) {
		// One view more than there are copies is for counts beside them.
		r.snapshot, err = r.d.Source.Snapshot(ctx, providers.SnapshotOptions{Readers: r.processes(false) + 1, Quiet: r.p.Quiet})
		return err
	})
	if err != nil {
		return fmt.Errorf("take a snapshot: %w", err)
	}
	r.ctl.Emit(report.Event{Event: report.SnapshotTaken, Phase: plan.Downtime, Message: r.snapshot.ID()})
	tables := r.toCopy()
	empty, err := r.compareAll(ctx, tables)
	if err != nil {
		return fmt.Errorf("read structures: %w", err)
	}
	var begun []*work.Table
	if err := r.emptyAll(ctx, "", empty); err != nil {
		return err
	}
	if err := r.openEpoch(ctx); err != nil {
		return err
	}
	if err := r.prove(ctx, tables); err != nil {
		return fmt.Errorf("compare counts: %w", err)
	}
	for _, t := range tables {
		begins, err := r.adoptTable(t)
		if err != nil {
			r.fails.stopTable(t, "", err)
			continue
		}
		if begins {
			begun = append(begun, t)
		}
	}
	if err := r.files.restart(ctx, begun); err != nil {
		return fmt.Errorf("restart tables in the staging: %w", err)
	}
	return r.target.RecordTables(ctx, begun)
}

// toCopy returns the tables that steps of the plan copy. No other is looked at, and no
// other is emptied.
func (r *run) toCopy() []*work.Table {
	copied := make(map[catalog.Name]bool)
	for _, s := range r.p.Steps {
		if s.Kind == plan.StepCopy && phaseRank(s.Phase) <= phaseRank(r.d.Until) {
			for _, n := range s.Tables {
				copied[n] = true
			}
		}
	}
	r.set.Lock()
	defer r.set.Unlock()
	var out []*work.Table
	for _, t := range r.set.Order {
		if copied[t.Plan.Source.Name] && !t.Stopped {
			out = append(out, t)
		}
	}
	return out
}

// inspectedTables is how many tables are read again at once: their structures are in
// memory meanwhile, beside the plan's.
const inspectedTables = 2000

// compareAll holds tables as they are now against the plan, and returns those that
// must be empty before rows go in.
func (r *run) compareAll(ctx context.Context, tables []*work.Table) (empty []*work.Table, err error) {
	for part := range slices.Chunk(tables, inspectedTables) {
		now, err := r.inspect(ctx, r.d.Source, work.Sources(part))
		if err != nil {
			return nil, err
		}
		for _, t := range part {
			if err := r.asPlanned(t, now[t.Plan.Source.Name]); err != nil {
				r.fails.stopTable(t, "", err)
				continue
			}
			r.set.Lock()
			t.Source = work.WithFiles(t.Plan.Source, now[t.Plan.Source.Name])
			if r.mustEmpty(t) {
				empty = append(empty, t)
			}
			r.set.Unlock()
		}
	}
	return empty, nil
}

// adoptTable makes a table's ledger row fit this round, and returns whether the table is
// begun now. Then it is begun in the round's epoch: what was exported in others does not count.
func (r *run) adoptTable(t *work.Table) (begins bool, err error) {
	r.set.Lock()
	defer r.set.Unlock()
	if t.Stopped {
		return false, nil
	}
	t.Ready = true
	if left.Complete(t.Row.State) || t.Copied() && t.Left() == 0 && len(t.In) > 0 {
		return false, nil
	}
	same := t.Row.File == t.Source.FileIdentity()
	switch {
	case len(t.In) > 0 && !same:
		return false, changed(t, "its stored rows were rewritten since its first packages were read")
	case len(t.In) > 0, same && r.goesOn(t):
		return false, nil
	}
	t.Row.Structure, t.Row.File = t.Plan.SourceStructure, t.Source.FileIdentity()
	t.Row.Snapshot, t.Row.Serial = r.epoch, r.led.Serial
	t.Row.Count, t.Row.Changes = -1, ""
	return true, nil
}

// mustEmpty says whether a table's rows on the target cannot stay. The caller holds the set's lock.
func (r *run) mustEmpty(t *work.Table) bool {
	if t.Voided() {
		return true
	}
	if len(t.In) == 0 {
		return false
	}
	if t.Mixed() {
		return true
	}
	if left.Complete(t.Row.State) {
		return false
	}
	if !r.p.Quiet && t.Plan.Action != plan.Resume && t.Row.File != t.Source.FileIdentity() {
		return true // rewritten since, and every package is copied anyway
	}
	if r.p.Quiet {
		return !ledger.IsQuiet(t.Row.Snapshot) // read before the source was declared quiet
	}
	if t.Left() == 0 && !ledger.IsQuiet(t.Row.Snapshot) {
		return false // all in, only not looked at since
	}
	return !r.files.covers(t)
}

// counts says whether the source's COUNT(*) of the table decides anything.
func (r *run) counts(t *work.Table) bool { return t.Plan.Verify != plan.LevelNone || r.p.Quiet }

// emptyAll empties tables together; where that fails for good, one by one, so that the
// others are copied. A table that could not be emptied is stopped: nothing tries again.
func (r *run) emptyAll(ctx context.Context, step string, tables []*work.Table) error {
	err := r.empty(ctx, tables)
	if err == nil || ctx.Err() != nil || errors.Is(err, control.ErrStopped) || hopeless(err) {
		return err
	}
	return r.oneByOne(ctx, step, tables, err, func(t *work.Table) error { return r.empty(ctx, []*work.Table{t}) })
}

// empty empties tables on the target, together with their rows in loaded.
func (r *run) empty(ctx context.Context, tables []*work.Table) error {
	if len(tables) == 0 {
		return nil
	}
	if err := r.files.restart(ctx, tables); err != nil {
		return fmt.Errorf("restart tables in the staging: %w", err)
	}
	r.ctl.Before(control.PointEmpty)
	if err := r.unrefer(ctx, tables); err != nil {
		return fmt.Errorf("drop foreign keys of tables to empty: %w", err)
	}
	reload, err := r.reloads(ctx, tables)
	if err != nil {
		return err
	}
	err = r.ctl.Retry(ctx, "empty tables", func(ctx context.Context) error {
		return r.target.Write(ctx, func(ctx context.Context) error { return r.target.Session.Reload(ctx, reload) })
	})
	if err != nil {
		return fmt.Errorf("empty tables: %w", err)
	}
	r.set.Lock()
	for _, t := range tables {
		t.In = nil
		t.Row.State, t.Row.Serial, t.Row.Count, t.Row.Changes, t.Row.Snapshot = ledger.Empty, r.led.Serial, -1, "", ""
	}
	r.progress.adopt(r.set.Order)
	r.set.Unlock()
	return r.target.RecordTables(ctx, tables)
}

// reloads says what is emptied. A table that has another name by now is emptied under the
// one that the ledger knows.
func (r *run) reloads(ctx context.Context, tables []*work.Table) ([]providers.ReloadTable, error) {
	out := make([]providers.ReloadTable, len(tables))
	var former []catalog.Name
	r.set.Lock()
	for i, t := range tables {
		out[i] = providers.ReloadTable{Source: t.Plan.Source.Name, Target: t.Target}
		if t.Row.Target != t.Target.Name {
			out[i].Target = &catalog.Table{Name: t.Row.Target}
			former = append(former, t.Row.Target)
		}
	}
	r.set.Unlock()
	there, err := r.inspect(ctx, r.d.Target, former)
	if err != nil {
		return nil, fmt.Errorf("read tables to empty: %w", err)
	}
	for i := range out {
		if t := there[out[i].Target.Name]; t != nil {
			out[i].Target = work.WithoutFiles(t)
		}
	}
	return out, nil
}

// inspect reads tables of one side as they are now, by name.
func (r *run) inspect(ctx context.Context, db providers.Database, names []catalog.Name) (map[catalog.Name]*catalog.Table, error) {
	out := make(map[catalog.Name]*catalog.Table, len(names))
	if len(names) == 0 {
		return out, nil
	}
	err := r.ctl.Retry(ctx, "read structures", func(ctx context.Context) error {
		c, err := db.Catalog(ctx, providers.Selector{Schemas: work.SchemasOf(names), Tables: names, StructureOnly: true})
		if err != nil {
			return err
		}
		for _, t := range c.Tables {
			out[t.Name] = t
		}
		return nil
	})
	return out, err
}

// asPlanned holds a table as it is now against the plan.
func (r *run) asPlanned(t *work.Table, now *catalog.Table) error {
	switch {
	case now == nil:
		return changed(t, "it is gone from the source since the plan was made")
	case now.StructureDigest() != t.Plan.SourceStructure:
		return changed(t, "its structure on the source is no longer the plan's")
	}
	return nil
}

func changed(t *work.Table, what string) error {
	return &providers.Error{
		Kind: providers.Changed, Op: "compare", Table: t.Plan.Source.Name, Err: fmt.Errorf("%s", what),
		Fix: "Make a new plan; it says what has to be done about the table.",
	}
}

// closeSnapshot ends the round's view of the source.
func (r *run) closeSnapshot() {
	if control.Hold(context.Background(), r.snapshotLock) != nil {
		return // never: that context has no end
	}
	defer r.snapshotLock.Release(1)
	r.beside.Wait()
	if r.snapshot != nil {
		r.snapshot.Close()
	}
	r.snapshot, r.prepared, r.prepareErr = nil, false, nil
}

func (r *run) closeViews() {
	r.closeSnapshot()
	r.compare.Close()
}
