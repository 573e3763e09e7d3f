package reading

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sync/semaphore"

	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// Depth is how many batches wait between a reader and its writer.
const Depth = 2

// copies is how often a row is in memory at once: as the driver received it, in
// its batch, and encoded for the target.
const copies = 3

// largeShare is from which part of the budget on a row is large beside it.
const largeShare = 4

// budget is the memory of wide rows. The batches that every process may hold are
// set aside before, so that a process with a wide row never waits for one with batches.
type budget struct {
	capacity int64
	free     *semaphore.Weighted
}

func newBudget(p plan.Processes) *budget {
	batches := int64(Depth+2) * copies * p.BatchBytes * int64(max(1, p.Downtime))
	capacity := max(p.Memory-batches, p.Memory/4)
	if p.Memory <= 0 {
		capacity = 1 << 62
	}
	return &budget{capacity: capacity, free: semaphore.NewWeighted(capacity)}
}

// Acquire implements providers.Budget. A reader holds one wide row at a time, so
// waiting readers never wait for each other in a circle.
func (b *budget) Acquire(ctx context.Context, n int64) (func(), error) {
	n *= copies
	if n > b.capacity {
		return nil, &providers.Error{
			Kind: providers.Value, Op: "hold",
			Err: fmt.Errorf("it needs %d bytes of memory, and the run's limit leaves %d", n, b.capacity),
			Fix: "Raise processes { memory }.",
		}
	}
	if err := b.free.Acquire(ctx, n); err != nil {
		return nil, err
	}
	return func() {
		// Garbage of this size would stand beside the next wide row: what is released has to
		// be free. Rows that are small beside the budget are left to the collector.
		if n > b.capacity/largeShare {
			runtime.GC()
		}
		b.free.Release(n)
	}, nil
}
