package executor

import (
	"context"
	"fmt"
	"slices"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/providers"
)

// preparation makes a group of tables ready to be read, once before its first package and once
// more where its snapshot is lost.
type preparation struct {
	*frame
	emptying emptying
	group    *work.Group
}

// prepare fixes what the rows of a step's tables are read from: the snapshot, the structures as
// they are now, and what an earlier run left incomplete.
func (r copying) prepare(ctx context.Context, s *plan.Step) error {
	if r.ending(ctx) {
		return control.ErrStopped
	}
	for _, g := range r.groupsOf(s) {
		p := &preparation{frame: r.frame, emptying: r.emptying, group: g}
		if err := g.Prepare(ctx, p.prepare); err != nil {
			return err
		}
	}
	return nil
}

func (r *preparation) prepare(ctx context.Context) error {
	r.ctl.Before(control.PointSnapshot)
	err := r.ctl.Retry(ctx, "take a snapshot", func(ctx context.Context) error {
		// One view more than there are copies is for counts beside them.
		how := providers.SnapshotOptions{Readers: r.processes(false) + 1, Quiet: r.p.Quiet}
		snapshot, err := r.d.Source.Snapshot(ctx, how)
		if err == nil {
			r.group.Open(snapshot)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("take a snapshot: %w", err)
	}
	r.ctl.Emit(report.Event{Event: report.SnapshotTaken, Phase: plan.Downtime, Message: r.group.SnapshotID()})
	tables := r.toCopy()
	empty, err := r.compareAll(ctx, tables)
	if err != nil {
		return fmt.Errorf("read structures: %w", err)
	}
	if err := r.emptying.emptyAll(ctx, "", empty); err != nil {
		return err
	}
	r.group.Enter(ledger.Epoch(r.group.SnapshotID(), r.p.Quiet, control.Random(8)))
	if err := r.transport.Enter(ctx, r.group); err != nil {
		return err
	}
	if err := r.prove(ctx, tables); err != nil {
		return fmt.Errorf("compare counts: %w", err)
	}
	return r.begin(ctx, tables)
}

// begin begins those of the tables that do not continue from where they are.
func (r *preparation) begin(ctx context.Context, tables []*work.Table) error {
	var begun []*work.Table
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
	if err := r.transport.Restart(ctx, begun); err != nil {
		return fmt.Errorf("restart tables in the staging: %w", err)
	}
	return r.target.RecordTables(ctx, begun)
}

// toCopy returns the tables of the group that steps of the plan copy. No other is looked at, and no
// other is emptied.
func (r *preparation) toCopy() []*work.Table {
	copied := make(map[catalog.Name]bool)
	for _, s := range r.p.Steps {
		if s.Kind == plan.StepCopy && s.Phase.Within(r.d.Until) {
			for _, n := range s.Tables {
				copied[n] = true
			}
		}
	}
	r.set.Lock()
	defer r.set.Unlock()
	var out []*work.Table
	for _, t := range r.group.Tables {
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
func (r *preparation) compareAll(ctx context.Context, tables []*work.Table) (empty []*work.Table, err error) {
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
func (r *preparation) adoptTable(t *work.Table) (begins bool, err error) {
	r.set.Lock()
	defer r.set.Unlock()
	if t.Stopped {
		return false, nil
	}
	t.Ready = true
	if t.Row.State.Complete() || t.Copied() && t.Left() == 0 && len(t.In) > 0 {
		return false, nil
	}
	same := t.Row.File == t.Source.FileIdentity()
	switch {
	case len(t.In) > 0 && !same:
		return false, changed(t, "its stored rows were rewritten since its first packages were read")
	case len(t.In) > 0, same && r.continues(t):
		return false, nil
	}
	t.Row.Structure, t.Row.File = t.Plan.SourceStructure, t.Source.FileIdentity()
	t.Row.Snapshot, t.Row.Serial = r.group.Epoch(), r.led.Serial
	t.Row.Count, t.Row.Changes = -1, ""
	return true, nil
}

// mustEmpty says whether a table's rows on the target cannot stay. The caller holds the set's lock.
func (r *preparation) mustEmpty(t *work.Table) bool {
	if t.Voided() {
		return true
	}
	if len(t.In) == 0 {
		return false
	}
	if t.Mixed() {
		return true
	}
	if t.Row.State.Complete() {
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
	return !r.covered(t)
}
