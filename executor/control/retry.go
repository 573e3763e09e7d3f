package control

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/providers"
)

// Bounds of retry: about three minutes of trying.
const (
	retryTries = 16
	retryFirst = 50 * time.Millisecond
	retryMost  = 20 * time.Second
	retryTime  = 3 * time.Minute
)

// Retry calls try until it succeeds, fails for good, or the bounds are reached.
// It is the one place of retries: by the error's kind, never by its text.
func (c *Control) Retry(ctx context.Context, what string, try func(context.Context) error) error {
	start := time.Now()
	wait := retryFirst
	for n := 1; ; n++ {
		err := Guard(func() error { return try(ctx) })
		if err == nil || ctx.Err() != nil || !again(err) {
			return err
		}
		if n == retryTries || time.Since(start) > retryTime {
			return err
		}
		c.Emit(report.Event{
			Event: report.Retry, Message: fmt.Sprintf("%s: attempt %d: %v", what, n, err), Kind: string(providers.KindOf(err)),
		})
		if !c.Pause(ctx, wait) {
			return err
		}
		wait = min(2*wait, retryMost)
	}
}

// Pause waits and says whether there is still something to wait for. Half of it is
// random, so that processes that failed together do not come back together.
func (c *Control) Pause(ctx context.Context, wait time.Duration) bool {
	t := time.NewTimer(wait/2 + rand.N(wait/2))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-c.Stop:
	}
	return false
}

func again(err error) bool {
	kind := providers.KindOf(err)
	return kind == providers.Transient || kind == providers.Disconnected
}

// Guard turns a panic into an error. The panic's own value may hold a row's, so
// only what the runtime itself says is repeated.
func Guard(do func() error) (err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		cause := fmt.Errorf("panic of type %T", v)
		if e, ok := v.(runtime.Error); ok {
			cause = fmt.Errorf("panic: %w", e)
		}
		err = &providers.Error{
			Kind: providers.Internal, Op: "work", Err: &Crash{cause: cause, Stack: debug.Stack()},
			Fix: "This is a bug in dmoctl. None of the package is on the target; the log at level debug has the stack trace.",
		}
	}()
	return do()
}

// Crash is a recovered panic.
type Crash struct {
	Stack []byte
	cause error
}

func (c *Crash) Error() string { return c.cause.Error() }
func (c *Crash) Unwrap() error { return c.cause }
