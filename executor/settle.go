package executor

import (
	"context"
	"fmt"
	"slices"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/providers"
)

// settling looks at tables once more after their last package, and at all tables of a quiet
// source together.
type settling struct{ *frame }

// settler ends copy steps: it looks once more at tables whose last package is loaded.
// Steps that end while it looks are settled together, so that thousands of small
// tables cost a few looks and not one each.
func (r settling) settler(ctx context.Context, in <-chan *node, ended chan<- *node) {
	for n := range in {
		batch := []*node{n}
	more:
		for {
			select {
			case n, open := <-in:
				if !open {
					break more
				}
				batch = append(batch, n)
			default:
				break more
			}
		}
		for _, tables := range work.ByGroup(r.full(batch), func(t *work.Table) *work.Group { return t.Group }) {
			r.settleGroup(ctx, batch[0].step.ID, tables)
		}
		for _, n := range batch {
			ended <- n
		}
	}
}

// settleGroup settles tables that are read together.
func (r settling) settleGroup(ctx context.Context, step string, tables []*work.Table) {
	err := control.Guard(func() error { return r.settle(ctx, tables) })
	if err == nil || whole(err) && r.fails.fatal(err, tables...) {
		return
	}
	r.set.Lock()
	for _, t := range tables {
		if t.Broken == nil {
			t.Broken = err
		}
	}
	r.set.Unlock()
	r.fails.fail(report.Failure{Step: step}, err, tables...)
}

// full returns the tables of the steps whose packages are all in and that have
// not been looked at since.
func (r settling) full(steps []*node) []*work.Table {
	r.set.Lock()
	defer r.set.Unlock()
	seen := make(map[*work.Table]bool)
	var out []*work.Table
	for _, n := range steps {
		for _, id := range n.step.Packages {
			u := r.set.Packages[id]
			if u == nil || seen[u.Table] {
				continue
			}
			t := u.Table
			seen[t] = true
			if t.Ready && !t.Stopped && t.Broken == nil && t.Left() == 0 && !t.Row.State.Complete() {
				out = append(out, t)
			}
		}
	}
	return out
}

// settle compares tables with what they were when they were begun, and records
// those that are complete.
func (r settling) settle(ctx context.Context, tables []*work.Table) error {
	if len(tables) == 0 || ctx.Err() != nil {
		return nil
	}
	now, err := r.inspect(ctx, r.d.Source, work.Sources(tables))
	if err != nil {
		return fmt.Errorf("read structures again: %w", err)
	}
	if r.p.Quiet {
		begun := slices.DeleteFunc(slices.Clone(tables), func(t *work.Table) bool { return t.Row.Count < 0 })
		if err := r.compareAgain(ctx, beginIn, begun); err != nil {
			return err
		}
	}
	var complete []*work.Table
	for _, t := range tables {
		if err := r.unchanged(ctx, t, now[t.Plan.Source.Name]); err != nil {
			r.fails.stopTable(t, "", err)
			continue
		}
		r.set.Lock()
		if t.Broken == nil && !t.Stopped {
			t.Row.State = ledger.Complete
			complete = append(complete, t)
		}
		r.set.Unlock()
	}
	if len(complete) == 0 {
		return nil
	}
	if err := r.transport.Complete(ctx, complete); err != nil {
		return err
	}
	r.ctl.Before(control.PointComplete)
	return r.target.RecordTables(ctx, complete)
}

// unchanged looks at one table after its last package.
func (r settling) unchanged(ctx context.Context, t *work.Table, now *catalog.Table) error {
	if err := t.Counting.Wait(ctx); err != nil {
		return err
	}
	if t.Stopped {
		return nil
	}
	if now == nil {
		return changed(t, "it disappeared from the source while it was being copied")
	}
	if now.StructureDigest() != t.Plan.SourceStructure {
		return changed(t, "its structure changed while it was being copied")
	}
	if now.FileIdentity() != t.Row.File {
		return changed(t, "its stored rows were rewritten while it was being copied")
	}
	if !t.Counts(r.p.Quiet) || t.Row.Count < 0 {
		return nil
	}
	if got := t.LoadedRows(); got != t.Row.Count && !t.Excuses(t.Row.Count, got) {
		r.fails.differs(t, fmt.Sprintf("the source counted %d rows, the packages hold %d", t.Row.Count, got))
	}
	return nil
}

// beginIn opens a view of what tables of one group are read in.
func beginIn(ctx context.Context, tables []*work.Table) (providers.View, func(), error) {
	if len(tables) == 0 {
		return nil, func() {}, nil
	}
	view, err := tables[0].Group.Begin(ctx, tables)
	if err != nil {
		return nil, nil, err
	}
	return view, func() { view.Close() }, nil
}
