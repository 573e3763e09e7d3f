// Package control is what every part of a run goes by: stops, hooks, events and retries.
//
// A Control belongs to one run and is safe for concurrent use.
package control

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/dmoctl/dmoctl/internal/report"
)

// Points at which tests can stop a run, in the order in which a package meets them.
const (
	PointLock     = "lock"
	PointRegister = "register"
	PointCreate   = "create"
	PointSnapshot = "snapshot"
	PointEmpty    = "empty"
	PointBegin    = "begin"
	PointClaim    = "claim"
	PointLoad     = "load"
	PointCommit   = "commit"
	PointLanded   = "landed"
	PointComplete = "complete"
	PointFinalize = "finalize"
	PointVerify   = "verify"
	PointAudit    = "audit"
	PointClose    = "close"
	PointExport   = "export"   // file mode: before a data object is committed
	PointManifest = "manifest" // file mode: before a manifest is committed
	PointReceipt  = "receipt"  // file mode: before objects of a loaded package are removed
)

// ErrStopped is the error of what was given up because the run is to stop.
var ErrStopped = errors.New("stopped")

// Control is the control of one run. Every field may be nil.
type Control struct {
	Events report.Sink
	Stop   <-chan struct{} // once closed, nothing more is begun
	Clock  func() time.Time
	Hook   func(point string) // called when the run is about to do what the point names
}

// Emit hands e to whoever listens, with the time of now.
func (c *Control) Emit(e report.Event) {
	e.Version, e.Time = report.EventVersion, c.Now()
	if c.Events != nil {
		c.Events.Emit(e)
	}
}

// Now is the time by the run's clock.
func (c *Control) Now() time.Time {
	if c.Clock == nil {
		return time.Now()
	}
	return c.Clock()
}

// Before tells the hook what comes next.
func (c *Control) Before(point string) {
	if c.Hook != nil {
		c.Hook(point)
	}
}

// Stopped says whether the run is to stop.
func (c *Control) Stopped() bool {
	select {
	case <-c.Stop:
		return true
	default:
		return false
	}
}

// Hold waits for a semaphore of one. What waits for a database is held by such, not by a
// mutex: the wait ends with the context.
func Hold(ctx context.Context, s *semaphore.Weighted) error {
	if s.Acquire(ctx, 1) != nil {
		return context.Cause(ctx)
	}
	return nil
}

// Cleanup returns a context for giving things back after ctx has ended.
func Cleanup(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
}

// Random returns n random bytes in hex.
func Random(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
