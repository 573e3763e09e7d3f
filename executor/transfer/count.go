package transfer

import (
	"context"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// counter takes the source's COUNT(*) of tables.
type counter struct {
	ctl    *control.Control
	set    *work.Set
	quiet  bool
	alone  bool // the target takes one writer, who records counts as well
	record func(context.Context, []*work.Table) error
	beside func(func())
	one    chan struct{}  // held by the one that counts beside the copies
	ended  *work.Counting // of every table whose count is taken: there may be 100,000
}

func newCounter(r Room, record func(context.Context, []*work.Table) error) *counter {
	return &counter{
		ctl: r.Control, set: r.Set, quiet: r.Plan.Quiet, alone: r.Target.Limits.Writers == 1, record: record,
		beside: r.Beside, one: make(chan struct{}, 1), ended: work.Counted(),
	}
}

// count takes the source's COUNT(*), unsplit, of those tables of the work that
// have none in this round. A quiet source is counted and compared with the
// ledger before the first row is read. A snapshot shows the same rows whenever it
// is counted, so a table of several packages is counted beside them.
func (c *counter) count(ctx context.Context, view providers.View, units []*work.Unit) error {
	now, others := c.uncounted(units)
	if len(now) == 1 && !c.quiet && len(now[0].Plan.Packages) > 1 && !c.alone {
		t, taken := now[0], now[0].Counting
		c.beside(func() {
			err := control.Guard(func() error { return c.countBeside(ctx, t) })
			c.end(t, taken, err)
		})
		return nil
	}
	if err := c.countNow(ctx, view, now); err != nil || !c.quiet {
		return err
	}
	for _, o := range others {
		if err := o.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// uncounted returns the tables that the caller has to count now, and what others
// are counting.
func (c *counter) uncounted(units []*work.Unit) (now []*work.Table, others []*work.Counting) {
	c.set.Lock()
	defer c.set.Unlock()
	for _, t := range work.TablesOf(units) {
		switch {
		case !t.Counts(c.quiet) || t.Row.State.Complete():
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
func (c *counter) countBeside(ctx context.Context, t *work.Table) error {
	// One at a time: the snapshot has one view for counts.
	select {
	case c.one <- struct{}{}:
		defer func() { <-c.one }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return c.ctl.Retry(ctx, "count "+t.Name(), func(ctx context.Context) error {
		view, err := t.Group.Begin(ctx, []*work.Table{t})
		if err != nil {
			return err
		}
		defer view.Close()
		got, err := view.Count(ctx, []*catalog.Table{t.Source})
		if err != nil {
			return err
		}
		c.counted(t, got[0])
		return c.record(ctx, []*work.Table{t})
	})
}

// end ends a count. After a failure another try counts again.
func (c *counter) end(t *work.Table, taken *work.Counting, err error) {
	c.set.Lock()
	if t.Counting = c.ended; err != nil {
		t.Counting = nil
	}
	c.set.Unlock()
	taken.End(err)
}

func (c *counter) counted(t *work.Table, got providers.Counted) {
	c.set.Lock()
	defer c.set.Unlock()
	t.Row.Count, t.Row.Changes = got.Rows, got.Changes
}

// countNow counts in the package's own view, before its rows are read.
func (c *counter) countNow(ctx context.Context, view providers.View, tables []*work.Table) error {
	if len(tables) == 0 {
		return nil
	}
	err := c.countIn(ctx, view, tables)
	for _, t := range tables {
		c.end(t, t.Counting, err)
	}
	return err
}

func (c *counter) countIn(ctx context.Context, view providers.View, tables []*work.Table) error {
	var begun, fresh []*work.Table
	for _, t := range tables {
		if c.quiet && t.Row.Count >= 0 && len(t.In) > 0 {
			begun = append(begun, t)
		} else {
			fresh = append(fresh, t)
		}
	}
	err := c.set.StillQuiet(ctx, view, begun, func(_ *work.Table, err error) error { return err })
	if err != nil || len(fresh) == 0 {
		return err
	}
	got, err := view.Count(ctx, work.Asked(fresh))
	if err != nil {
		return err
	}
	for i, t := range fresh {
		c.counted(t, got[i])
	}
	return c.record(ctx, fresh)
}
