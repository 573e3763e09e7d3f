package compare

import (
	"context"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/digest"
)

// splitRows is from how many rows on a table is read by several readers.
const splitRows = 200_000

// content digests a table of the target. Several readers share a large one.
func (c *Comparison) content(ctx context.Context, t *catalog.Table, rows int64) (digest.Sum, error) {
	ranges := []catalog.Range{catalog.WholeTable()}
	if n := c.readers; n > 1 && rows > splitRows {
		var err error
		ranges, _, err = c.reading.Target.Split(ctx, t, catalog.SplitSpec{By: catalog.ByAuto, Parts: n})
		if err != nil {
			return digest.Sum{}, err
		}
	}
	sums := make([]digest.Sum, len(ranges))
	group, ctx := control.NewGroup(ctx, 0)
	for i, rng := range ranges {
		group.Go(func() error {
			view, end, err := c.target.Begin(ctx, []*catalog.Table{t})
			if err != nil {
				return err
			}
			defer end()
			sums[i], err = c.reading.Sum(ctx, view, t, rng)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return digest.Sum{}, err
	}
	var total digest.Sum
	for _, s := range sums {
		total = total.Add(s)
	}
	return total, nil
}
