package executor

import (
	"context"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/providers"
)

// count takes the source's COUNT(*), unsplit, of those tables of the work that
// have none in this round. A quiet source is counted and compared with the
// ledger before the first row is read. A snapshot shows the same rows whenever it
// is counted, so a table of several packages is counted beside them.
func (r *run) count(ctx context.Context, view providers.View, work []*unit) error {
	now, others := r.uncounted(work)
	if len(now) == 1 && !r.p.Quiet && len(now[0].plan.Packages) > 1 && r.limits.Writers != 1 {
		t, c := now[0], now[0].counting
		r.beside.Go(func() {
			err := guard(func() error { return r.countBeside(ctx, t) })
			r.endCount(t, c, err)
		})
		return nil
	}
	if err := r.countNow(ctx, view, now); err != nil || !r.p.Quiet {
		return err
	}
	for _, c := range others {
		if err := c.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// uncounted returns the tables that the caller has to count now, and what others
// are counting.
func (r *run) uncounted(work []*unit) (now []*table, others []*counting) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range tablesOf(work) {
		switch {
		case !r.counts(t) || left.Complete(t.row.State):
		case t.counting != nil:
			others = append(others, t.counting)
		default:
			t.counting = &counting{done: make(chan struct{})}
			now = append(now, t)
		}
	}
	return now, others
}

// countBeside counts a table in a view of its own.
func (r *run) countBeside(ctx context.Context, t *table) error {
	// One at a time: the snapshot has one view for counts.
	select {
	case r.counter <- struct{}{}:
		defer func() { <-r.counter }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return r.retry(ctx, "count "+t.name(), func(ctx context.Context) error {
		view, err := r.snapshot.Begin(ctx, []*catalog.Table{t.source})
		if err != nil {
			return err
		}
		defer view.Close()
		got, err := view.Count(ctx, []*catalog.Table{t.source})
		if err != nil {
			return err
		}
		r.counted(t, got[0])
		return r.putTables(ctx, []*table{t})
	})
}

// endCount ends a count. After a failure another try counts again.
func (r *run) endCount(t *table, c *counting, err error) {
	r.mu.Lock()
	if err != nil {
		t.counting = nil
	}
	r.mu.Unlock()
	c.end(err)
}

// awaitCounts waits until the counts of the work's tables are recorded.
func (r *run) awaitCounts(ctx context.Context, work []*unit) error {
	for _, t := range tablesOf(work) {
		r.mu.Lock()
		c := t.counting
		r.mu.Unlock()
		if err := c.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) counted(t *table, got providers.Counted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t.count, t.changes = got.Rows, got.Changes
	t.row.Count, t.row.Changes = got.Rows, got.Changes
}

// countNow counts in the package's own view, before its rows are read.
func (r *run) countNow(ctx context.Context, view providers.View, tables []*table) error {
	if len(tables) == 0 {
		return nil
	}
	err := r.countIn(ctx, view, tables)
	for _, t := range tables {
		r.endCount(t, t.counting, err)
	}
	return err
}

func (r *run) countIn(ctx context.Context, view providers.View, tables []*table) error {
	var begun, fresh []*table
	for _, t := range tables {
		if r.p.Quiet && t.row.Count >= 0 && len(t.in) > 0 {
			begun = append(begun, t)
		} else {
			fresh = append(fresh, t)
		}
	}
	if err := r.stillQuiet(ctx, view, begun, func(_ *table, err error) error { return err }); err != nil || len(fresh) == 0 {
		return err
	}
	got, err := view.Count(ctx, asked(fresh))
	if err != nil {
		return err
	}
	for i, t := range fresh {
		r.counted(t, got[i])
	}
	return r.putTables(ctx, fresh)
}

// asked returns what the source is asked for.
func asked(tables []*table) []*catalog.Table {
	out := make([]*catalog.Table, len(tables))
	for i, t := range tables {
		out[i] = t.source
	}
	return out
}
