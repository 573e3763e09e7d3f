// Package pool keeps the sessions of a database that nobody uses.
package pool

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/dmoctl/dmoctl/providers"
)

// Hooks are what a pool knows of an engine's sessions S, which differ in a K. They are called
// from any goroutine; Kind is called under the pool's lock.
type Hooks[K comparable, S any] struct {
	Open func(ctx context.Context, kind K) (S, error)
	Kind func(s S) K    // nil: all are alike
	Idle func(s S) bool // it is outside any transaction, and can be used again
	Dead func(s S) bool // it was cut off
	End  func(s S) error
	// Most is from how many idle sessions on one of another kind ends before a new one is opened;
	// 0 keeps them all.
	Most int
}

// Pool is safe for concurrent use. A session that it hands out is its caller's alone until Put.
type Pool[K comparable, S any] struct {
	hooks  Hooks[K, S]
	mu     sync.Mutex
	idle   []S
	closed bool
}

// New makes an empty pool.
func New[K comparable, S any](h Hooks[K, S]) *Pool[K, S] {
	if h.Kind == nil {
		h.Kind = func(S) (kind K) { return kind }
	}
	return &Pool[K, S]{hooks: h}
}

// Get returns a session outside any transaction. Once the database is open, a server that cannot be
// reached is one that went away: Disconnected.
func (p *Pool[K, S]) Get(ctx context.Context, kind K) (S, error) {
	var s S
	var spare []S
	p.mu.Lock()
	closed, at := p.closed, -1
	for i := len(p.idle) - 1; i >= 0 && at < 0; i-- {
		if p.hooks.Kind(p.idle[i]) == kind {
			at = i
		}
	}
	switch {
	case at >= 0:
		// Two statements: in one, Go may read the element after Delete has shifted the others, and the
		// session that is read then stays in the list: two would read by it, and lose rows to each other.
		s = p.idle[at]
		p.idle = slices.Delete(p.idle, at, at+1)
	case p.hooks.Most > 0 && len(p.idle) > p.hooks.Most:
		spare = []S{p.idle[0]}
		p.idle = slices.Delete(p.idle, 0, 1)
	}
	p.mu.Unlock()
	_ = p.end(spare) // it was kept for nothing
	if closed {
		return s, &providers.Error{Kind: providers.Internal, Op: "open a session", Err: errors.New("the database is closed")}
	}
	if at >= 0 {
		return s, nil
	}
	s, err := p.hooks.Open(ctx, kind)
	return s, WentAway(err)
}

// WentAway makes a Disconnected error of an Unreachable one, for a database that was open before.
func WentAway(err error) error {
	var e *providers.Error
	if errors.As(err, &e) && e.Kind == providers.Unreachable {
		e.Kind = providers.Disconnected
	}
	return err
}

// Put takes a session back, or ends it where it cannot be used again. One that was cut off
// takes the idle ones along: they would be found cut off one retry at a time.
func (p *Pool[K, S]) Put(s S) error {
	ended, idle := []S{s}, p.hooks.Idle(s)
	p.mu.Lock()
	switch {
	case idle && !p.closed:
		p.idle, ended = append(p.idle, s), nil
	case p.hooks.Dead(s):
		ended, p.idle = append(ended, p.idle...), nil
	}
	p.mu.Unlock()
	return p.end(ended)
}

// With runs f on a session.
func (p *Pool[K, S]) With(ctx context.Context, kind K, f func(S) error) (err error) {
	s, err := p.Get(ctx, kind)
	if err != nil {
		return err
	}
	defer func() {
		if ended := p.Put(s); err == nil {
			err = ended
		}
	}()
	return f(s)
}

// Close ends all idle sessions; those in use end when they are put back.
func (p *Pool[K, S]) Close() error {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	return p.end(idle)
}

func (p *Pool[K, S]) end(sessions []S) error {
	var errs []error
	for _, s := range sessions {
		errs = append(errs, p.hooks.End(s))
	}
	return errors.Join(errs...)
}
