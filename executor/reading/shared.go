package reading

import (
	"context"

	"golang.org/x/sync/semaphore"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// Shared is a snapshot of one side that several readers have in common. It never
// has more views open than it was opened for.
type Shared struct {
	db    providers.Database
	how   providers.SnapshotOptions
	lock  *semaphore.Weighted // held while snap is opened or closed
	snap  providers.Snapshot
	views chan struct{} // one element for each open view
}

// NewShared returns a snapshot that is taken when its first view is opened.
func NewShared(db providers.Database, how providers.SnapshotOptions) *Shared {
	return &Shared{db: db, how: how, lock: semaphore.NewWeighted(1), views: make(chan struct{}, how.Readers)}
}

// Begin opens a view; it is closed by the returned func.
func (s *Shared) Begin(ctx context.Context, tables []*catalog.Table) (providers.View, func(), error) {
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

func (s *Shared) view(ctx context.Context, tables []*catalog.Table) (providers.View, error) {
	snap, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	return snap.Begin(ctx, tables)
}

func (s *Shared) open(ctx context.Context) (providers.Snapshot, error) {
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

// Close ends the snapshot; the next view takes another.
func (s *Shared) Close() {
	if control.Hold(context.Background(), s.lock) != nil {
		return // never: that context has no end
	}
	defer s.lock.Release(1)
	if s.snap != nil {
		s.snap.Close()
		s.snap = nil
	}
}
