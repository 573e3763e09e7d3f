// Package executor carries out plans.
//
// Apply does what a plan says and does not plan again; applied once more after
// any interruption it continues where the target's ledger says that it stands.
// Verify, Explain and Rollback work on a migration whether or not it is complete.
// docs/durability.md says why nothing is lost.
package executor

import (
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
	"github.com/dmoctl/dmoctl/providers"
)

// Deps are what a run works with. The executor closes none of them.
type Deps struct {
	Source  providers.Database
	Target  providers.Target
	Staging providers.Staging // of file mode; nil otherwise
	State   *state.Store      // nil: nothing is recorded
	Events  report.Sink       // nil: nobody listens
	Log     hclog.Logger      // nil: nothing is logged
	Owner   ledger.Owner
	// Stop, once closed, ends the run early: no step is started, running ones
	// finish. Cancelling the context rolls the running ones back. Nil never stops.
	Stop <-chan struct{}
	// Until is the last phase to carry out; empty is all.
	Until plan.Phase
	// LockTimeout bounds the wait for another run's last transactions; 0 is no bound.
	LockTimeout time.Duration
	Clock       func() time.Time // nil is time.Now
	Hooks       Hooks
}

// Hooks let tests stop the run at the points that package control names.
type Hooks struct {
	// Before is called when the run is about to do what the point names. Nil is fine.
	Before func(point string)
}

// Outcome is the error of a run that did not do all that was asked for. Exit is the
// exit code that stands for it; the report lists the single failures.
type Outcome struct {
	Exit    int
	ID      diag.ID
	Summary string        // fixed words, without user data: "Plan is stale"
	Fix     string        // what to do, full sentences; may be empty
	Owner   *ledger.Owner // of a lock that another run holds
	Err     error         // root cause; may be nil
	Listed  bool          // Err is one of the report's failures
}

func (o *Outcome) Error() string {
	if o.Err == nil {
		return o.Summary
	}
	return fmt.Sprintf("%s: %v", o.Summary, o.Err)
}

func (o *Outcome) Unwrap() error { return o.Err }

// control is what the parts of a run go by.
func (d Deps) control() *control.Control {
	return &control.Control{Events: d.Events, Stop: d.Stop, Clock: d.Clock, Hook: d.Hooks.Before}
}
