package executor_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/dmoctl/dmoctl/executor"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/providers"
)

// losingOrders loses a snapshot once, while orders are read in it for the third time.
type losingOrders struct {
	providers.Database
	begun atomic.Int64
}

func (s *losingOrders) Snapshot(ctx context.Context, how providers.SnapshotOptions) (providers.Snapshot, error) {
	snap, err := s.Database.Snapshot(ctx, how)
	return &ordersView{snap, s}, err
}

type ordersView struct {
	providers.Snapshot
	source *losingOrders
}

func (v *ordersView) Begin(ctx context.Context, tables []*catalog.Table) (providers.View, error) {
	if tables[0].Name.Name == "orders" && v.source.begun.Add(1) == 3 {
		return nil, &providers.Error{Kind: providers.SnapshotLost, Op: "begin", Err: errors.New("gone")}
	}
	return v.Snapshot.Begin(ctx, tables)
}

func TestLostSnapshotRestartsOwnGroup(t *testing.T) {
	// Invariant 7: a snapshot that is lost restarts the tables that are read in it; those of another continue, and are done before it is taken again
	b := newEnvironment(t, numbered(3_000))
	p := b.plan()
	b.source = &losingOrders{Database: b.source}
	if _, err := executor.ApplyApart(t.Context(), p, b.deps(), "orders"); err != nil {
		t.Fatalf("%v\n%s", err, b.events)
	}
	b.same("orders", "loose", "hollow")
	copied := map[string]int{}
	for _, e := range b.events.of(report.PackageDone) {
		copied[e.Package]++
	}
	if copied["orders/0001"] != 2 || copied["loose/0001"] != 1 || copied["hollow/0001"] != 1 {
		t.Errorf("copied %v", copied)
	}
	if n := len(b.events.of(report.SnapshotTaken)); n != 3 {
		t.Errorf("%d snapshots, want one for each group and one more for that of orders", n)
	}
	lost := slices.IndexFunc(b.events.list, func(e report.Event) bool { return e.Event == report.Retry })
	for _, name := range []string{"loose", "hollow"} {
		verified := slices.IndexFunc(b.events.list, func(e report.Event) bool {
			return e.Event == report.TableVerified && e.Table == name
		})
		if verified < 0 || verified > lost {
			t.Errorf("%s waited for a snapshot that is not its own\n%s", name, b.events)
		}
	}
}
