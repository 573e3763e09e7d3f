package control

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Group is an errgroup whose goroutines are guarded: a panic in one, whose value may hold a row's, becomes its error
// and never reaches standard error.
type Group struct{ group *errgroup.Group }

// NewGroup returns a group and the context of its goroutines, which ends with their first error. At most limit
// of them run at once; 0 is no limit.
func NewGroup(ctx context.Context, limit int) (*Group, context.Context) {
	group, ctx := errgroup.WithContext(ctx)
	if limit > 0 {
		group.SetLimit(limit)
	}
	return &Group{group}, ctx
}

// Go runs do in a goroutine of its own, once the limit has room for it.
func (g *Group) Go(do func() error) { g.group.Go(func() error { return Guard(do) }) }

// Wait returns the first error, when all have ended.
func (g *Group) Wait() error { return g.group.Wait() }
