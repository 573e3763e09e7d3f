package compare

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/reading"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/digest"
)

// record is a batch in the target's form. Who visits it does not own it.
type record = arrow.RecordBatch

// visit is called with every batch of a table.
type visit func(record) error

// scanSource visits a table's rows on the source, policies applied.
func (c *Comparison) scanSource(ctx context.Context, t *work.Table, each visit) error {
	view, end, err := c.source.Begin(ctx, []*catalog.Table{t.Source})
	if err != nil {
		return err
	}
	defer end()
	rows, err := c.reading.Rows(ctx, view, t.Source, t.Target, catalog.WholeTable())
	if err != nil {
		return err
	}
	defer rows.Close()
	if err := reading.Drain(ctx, rows.Next, each); err != nil {
		return err
	}
	return view.Confirm(ctx)
}

// scanTarget visits a table's rows on the target.
func (c *Comparison) scanTarget(ctx context.Context, t *work.Table, each visit) error {
	view, end, err := c.target.Begin(ctx, []*catalog.Table{t.Target})
	if err != nil {
		return err
	}
	defer end()
	reader, err := view.Read(ctx, t.Target, catalog.WholeTable(), c.reading.Options)
	if err != nil {
		return err
	}
	defer reader.Close()
	return reading.Drain(ctx, reader.Next, each)
}

// sums digests a table on both sides at once.
func (c *Comparison) sums(ctx context.Context, t *work.Table) (source, target digest.Sum, err error) {
	group, ctx := control.NewGroup(ctx, 0)
	sum := func(into *digest.Sum, scan func(context.Context, *work.Table, visit) error) func() error {
		return func() error {
			hasher, err := digest.New(t.Target.Columns, nil)
			if err != nil {
				return err
			}
			return scan(ctx, t, func(rec record) error {
				part, err := hasher.Sum(rec)
				*into = into.Add(part)
				return err
			})
		}
	}
	group.Go(sum(&source, c.scanSource))
	group.Go(sum(&target, c.scanTarget))
	return source, target, group.Wait()
}
