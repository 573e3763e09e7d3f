package executor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/semaphore"

	"github.com/dmoctl/dmoctl/executor/compare"
	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/reading"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
	"github.com/dmoctl/dmoctl/providers"
)

// rounds is how often a run takes a snapshot at most, when the one before was lost.
// Before each but the first it waits, twice as long each time: what ended the snapshot
// may end the next one as fast.
const (
	rounds     = 4
	roundPause = time.Second
)

// run is one Apply.
type run struct {
	p   *plan.Plan
	d   Deps
	ctl *control.Control
	log hclog.Logger

	set      *work.Set
	target   *work.Target
	fails    *failures
	led      ledger.Run // as recorded
	closed   bool       // the migration was closed before this run
	reading  *reading.Reading
	progress *progress
	done     map[string]bool // ids of steps that need not be done again in this run
	sequence atomic.Bool     // sequences that no column owns are raised, or being raised
	compare  *compare.Comparison
	files    *fileMode // nil in pipe mode
	// madeIDs are the ids of the tables that dmoctl made, by their names on the target.
	madeIDs map[catalog.Name]string
	// emptied is closed once no step of the round is left that empties tables, or none is
	// started any more.
	emptied chan struct{}

	snapshotLock *semaphore.Weighted // held while the round's view is opened or closed
	snapshot     providers.Snapshot  // of the round
	epoch        string              // of the round: tables that begin in it are read in it
	prepared     bool
	prepareErr   error

	beside  sync.WaitGroup // counts beside the copies
	counter chan struct{}  // held by the one that counts

	audited bool
	audits  []report.Phase
	report  *report.Report
}

// Apply carries out p. The report is never nil; the error is an *Outcome. A plan
// that a killed run left unfinished is applied again to go on with it.
func Apply(ctx context.Context, p *plan.Plan, d Deps) (*report.Report, error) {
	r := newRun(p, d)
	release, err := r.lockState(ctx)
	if err != nil {
		return r.finish(ctx, err)
	}
	defer release()
	err = control.Guard(func() error { return r.apply(ctx) })
	return r.finish(ctx, err)
}

// lockState makes this process the only one that runs with its state, and tells
// other terminals who that is.
func (r *run) lockState(ctx context.Context) (release func(), err error) {
	if r.d.State == nil {
		return func() {}, nil
	}
	release, err = r.d.State.Lock(ctx, r.d.Owner)
	var held *state.LockedError
	if err != nil && !errors.As(err, &held) {
		return nil, r.stateOutcome(err)
	}
	return release, err
}

func newRun(p *plan.Plan, d Deps) *run {
	r := &run{
		p: p, d: d, ctl: d.control(), log: d.Log, set: work.NewSet(p),
		done:         make(map[string]bool),
		reading:      reading.New(p, d.Source, d.Target),
		snapshotLock: semaphore.NewWeighted(1),
		counter:      make(chan struct{}, 1),
	}
	if r.log == nil {
		r.log = hclog.NewNullLogger()
	}
	r.target = work.NewTarget(r.ctl, r.set)
	r.progress = newProgress(r)
	r.fails = &failures{
		ctl: r.ctl, log: r.log, policies: p.Policies, set: r.set, target: r.target, progress: r.progress,
		cancel: func(error) {},
	}
	r.compare = compare.New(r.reading, r.processes(true))
	r.report = &report.Report{
		Format: report.Format, Migration: p.Migration, Lineage: p.Lineage, Serial: p.Serial, Plan: p.ID,
		Run: d.Owner.ID, Mode: p.Mode, Processes: p.Processes.Downtime, Started: r.ctl.Now(), NotCarried: p.NotCarried,
	}
	return r
}

func (r *run) apply(ctx context.Context) error {
	if !r.p.Changes() {
		r.closed = true
		return nil
	}
	ctx, r.fails.cancel = context.WithCancelCause(ctx)
	defer r.fails.cancel(nil)
	if err := r.open(ctx); err != nil || r.closed {
		return err
	}
	defer r.target.Session.Close()
	if err := r.openFiles(ctx); err != nil {
		return err
	}
	r.ctl.Emit(report.Event{Event: report.RunStarted, Message: r.p.ID, Progress: r.progress.totals()})
	if err := r.recordRun(ctx); err != nil {
		return err
	}
	stop := r.progress.start(ctx)
	defer stop()
	if err := r.places(ctx); err != nil {
		return err
	}
	if err := r.register(ctx); err != nil {
		return err
	}
	defer r.closeViews()
	defer r.files.close()
	for n := 1; ; n++ {
		r.fails.lost.Store(false)
		r.execute(ctx)
		if !r.fails.lost.Load() || r.fails.halted.Load() || ctx.Err() != nil || r.ctl.Stopped() {
			if err := r.compareUnclosed(ctx); err != nil {
				return err
			}
			return r.audit(ctx) // where the migration is not closed: a phase or tables were asked for
		}
		if n == rounds {
			return &providers.Error{Kind: providers.SnapshotLost, Op: "read source",
				Err: fmt.Errorf("the snapshot was lost %d times", rounds),
				Fix: "Look why the source ends long transactions, then run apply again."}
		}
		r.ctl.Emit(report.Event{Event: report.Retry, Kind: string(providers.SnapshotLost),
			Message: "the snapshot is lost: tables that are not complete start again under a new one"})
		r.closeSnapshot()
		if !r.ctl.Pause(ctx, roundPause<<(n-1)) {
			return nil
		}
		if err := r.reread(ctx); err != nil {
			return err
		}
	}
}

func seconds(start time.Time) float64 { return time.Since(start).Seconds() }
