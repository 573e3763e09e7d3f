package executor

import (
	"context"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/digest"
	"github.com/dmoctl/dmoctl/providers"
)

// shared is a snapshot of one side that several readers have in common. It never
// has more views open than it was opened for.
type shared struct {
	db    providers.Database
	how   providers.SnapshotOptions
	lock  *semaphore.Weighted // held while snap is opened or closed
	snap  providers.Snapshot
	views chan struct{} // one element for each open view
}

func newShared(db providers.Database, how providers.SnapshotOptions) *shared {
	return &shared{db: db, how: how, lock: semaphore.NewWeighted(1), views: make(chan struct{}, how.Readers)}
}

// begin opens a view; it is closed by the returned func.
func (s *shared) begin(ctx context.Context, tables []*catalog.Table) (providers.View, func(), error) {
	select {
	case s.views <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	view, err := s.view(ctx, tables)
	if err != nil {
		<-s.views
		return nil, nil, err
	}
	return view, func() {
		view.Close()
		<-s.views
	}, nil
}

func (s *shared) view(ctx context.Context, tables []*catalog.Table) (providers.View, error) {
	snap, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	return snap.Begin(ctx, tables)
}

func (s *shared) open(ctx context.Context) (providers.Snapshot, error) {
	if err := control.Hold(ctx, s.lock); err != nil {
		return nil, err
	}
	defer s.lock.Release(1)
	if s.snap == nil {
		snap, err := s.db.Snapshot(ctx, s.how)
		if err != nil {
			return nil, err
		}
		s.snap = snap
	}
	return s.snap, nil
}

func (s *shared) close() {
	if control.Hold(context.Background(), s.lock) != nil {
		return // never: that context has no end
	}
	defer s.lock.Release(1)
	if s.snap != nil {
		s.snap.Close()
		s.snap = nil
	}
}

// splitRows is from how many rows on a table is read by several readers.
const splitRows = 200_000

// contentOf digests a table of the target. Several readers share a large one.
func (r *run) contentOf(ctx context.Context, t *catalog.Table, rows int64) (digest.Sum, error) {
	ranges := []catalog.Range{{Rows: -1, Bytes: -1}}
	if n := r.processes(true); n > 1 && rows > splitRows {
		var err error
		ranges, _, err = r.d.Target.Split(ctx, t, catalog.SplitSpec{By: "auto", Parts: n})
		if err != nil {
			return digest.Sum{}, err
		}
	}
	sums := make([]digest.Sum, len(ranges))
	group, ctx := errgroup.WithContext(ctx)
	for i, rng := range ranges {
		group.Go(func() error {
			return control.Guard(func() error {
				view, end, err := r.readBack.begin(ctx, []*catalog.Table{t})
				if err != nil {
					return err
				}
				defer end()
				sums[i], err = sumOfRange(ctx, view, t, rng, r.readOptions())
				return err
			})
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
