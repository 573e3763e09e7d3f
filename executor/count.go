package executor

import (
	"context"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/providers"
)

// count takes the source's COUNT(*), unsplit, of those tables of the work that
// have none in this round. A quiet source is counted and compared with the
// ledger before the first row is read. A snapshot shows the same rows whenever it
// is counted, so a table of several packages is counted beside them.
func (r *run) count(ctx context.Context, view providers.View, units []*work.Unit) error {
	now, others := r.uncounted(units)
	if len(now) == 1 && !r.p.Quiet && len(now[0].Plan.Packages) > 1 && r.target.Limits.Writers != 1 {
		t, c := now[0], now[0].Counting
		r.beside.Go(func() {
			err := control.Guard(func() error { return r.countBeside(ctx, t) })
			r.endCount(t, c, err)
		})
		return nil
	}
	if err := r.countNow(ctx, view, now); err != nil || !r.p.Quiet {
		return err
	}
	for _, c := range others {
		if err := c.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// uncounted returns the tables that the caller has to count now, and what others
// are counting.
func (r *run) uncounted(units []*work.Unit) (now []*work.Table, others []*work.Counting) {
	r.set.Lock()
	defer r.set.Unlock()
	for _, t := range work.TablesOf(units) {
		switch {
		case !r.counts(t) || left.Complete(t.Row.State):
		case t.Counting != nil:
			others = append(others, t.Counting)
		default:
			t.Counting = work.NewCounting()
			now = append(now, t)
		}
	}
	return now, others
}

// countBeside counts a table in a view of its own.
func (r *run) countBeside(ctx context.Context, t *work.Table) error {
	// One at a time: the snapshot has one view for counts.
	select {
	case r.counter <- struct{}{}:
		defer func() { <-r.counter }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return r.ctl.Retry(ctx, "count "+t.Name(), func(ctx context.Context) error {
		view, err := r.snapshot.Begin(ctx, []*catalog.Table{t.Source})
		if err != nil {
			return err
		}
		defer view.Close()
		got, err := view.Count(ctx, []*catalog.Table{t.Source})
		if err != nil {
			return err
		}
		r.counted(t, got[0])
		return r.target.PutTables(ctx, []*work.Table{t})
	})
}

// endCount ends a count. After a failure another try counts again.
func (r *run) endCount(t *work.Table, c *work.Counting, err error) {
	r.set.Lock()
	if err != nil {
		t.Counting = nil
	}
	r.set.Unlock()
	c.End(err)
}

// awaitCounts waits until the counts of the work's tables are recorded.
func (r *run) awaitCounts(ctx context.Context, units []*work.Unit) error {
	for _, t := range work.TablesOf(units) {
		r.set.Lock()
		c := t.Counting
		r.set.Unlock()
		if err := c.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) counted(t *work.Table, got providers.Counted) {
	r.set.Lock()
	defer r.set.Unlock()
	t.Row.Count, t.Row.Changes = got.Rows, got.Changes
}

// countNow counts in the package's own view, before its rows are read.
func (r *run) countNow(ctx context.Context, view providers.View, tables []*work.Table) error {
	if len(tables) == 0 {
		return nil
	}
	err := r.countIn(ctx, view, tables)
	for _, t := range tables {
		r.endCount(t, t.Counting, err)
	}
	return err
}

func (r *run) countIn(ctx context.Context, view providers.View, tables []*work.Table) error {
	var begun, fresh []*work.Table
	for _, t := range tables {
		if r.p.Quiet && t.Row.Count >= 0 && len(t.In) > 0 {
			begun = append(begun, t)
		} else {
			fresh = append(fresh, t)
		}
	}
	if err := r.stillQuiet(ctx, view, begun, func(_ *work.Table, err error) error { return err }); err != nil || len(fresh) == 0 {
		return err
	}
	got, err := view.Count(ctx, work.Asked(fresh))
	if err != nil {
		return err
	}
	for i, t := range fresh {
		r.counted(t, got[i])
	}
	return r.target.PutTables(ctx, fresh)
}
