package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dmoctl/dmoctl/executor/compare"
	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/transfer"
	"github.com/dmoctl/dmoctl/executor/work"
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

// run is one Apply: rooms in which the work is done, what they share, and the schedule.
type run struct {
	*frame
	beside    beside
	opening   opening
	building  *building
	emptying  emptying
	copying   copying
	settling  settling
	verifying *verifying
	auditing  *auditing
	closing   *closing
}

// Apply carries out p. The report is never nil; the error is an *Outcome. A plan
// that a killed run left unfinished is applied again to continue with it.
func Apply(ctx context.Context, p *plan.Plan, d Deps) (*report.Report, error) {
	return newRun(p, d).carryOut(ctx)
}

func (r *run) carryOut(ctx context.Context) (*report.Report, error) {
	release, err := r.lockState(ctx)
	if err != nil {
		return r.closing.finish(ctx, err)
	}
	defer release()
	err = control.Guard(func() error { return r.apply(ctx) })
	return r.closing.finish(ctx, err)
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
	f := newFrame(p, d)
	r := &run{
		frame: f, opening: opening{f}, building: &building{frame: f}, emptying: emptying{f}, settling: settling{f},
		auditing: &auditing{frame: f},
	}
	r.copying = copying{frame: f, emptying: r.emptying}
	r.verifying = &verifying{frame: f, compare: compare.New(f.reading, f.processes(true)), auditing: r.auditing}
	r.closing = &closing{frame: f, auditing: r.auditing, settling: r.settling}
	return r
}

func (r *run) apply(ctx context.Context) error {
	if !r.p.Changes() {
		r.closed = true
		return nil
	}
	ctx, r.fails.cancel = context.WithCancelCause(ctx)
	defer r.fails.cancel(nil)
	if err := r.opening.open(ctx); err != nil || r.closed {
		return err
	}
	defer r.target.Session.Close()
	if err := r.openTransport(ctx); err != nil {
		return err
	}
	defer r.transport.Close()
	r.ctl.Emit(report.Event{Event: report.RunStarted, Message: r.p.ID, Progress: r.progress.totals()})
	if err := r.recordRun(ctx); err != nil {
		return err
	}
	stop := r.progress.start(ctx)
	defer stop()
	if err := r.opening.places(ctx); err != nil {
		return err
	}
	if err := r.opening.register(ctx); err != nil {
		return err
	}
	defer r.closeViews()
	for n := 1; ; n++ {
		r.execute(ctx)
		if !r.lost() || r.fails.halted.Load() || ctx.Err() != nil || r.ctl.Stopped() {
			if err := r.settling.compareUnclosed(ctx); err != nil {
				return err
			}
			return r.auditing.audit(ctx) // where the migration is not closed: a phase or tables were asked for
		}
		if n == rounds {
			return &providers.Error{Kind: providers.SnapshotLost, Op: "read source",
				Err: fmt.Errorf("the snapshot was lost %d times", rounds),
				Fix: "Find out why the source ends long transactions, then run apply again."}
		}
		r.ctl.Emit(report.Event{Event: report.Retry, Kind: string(providers.SnapshotLost),
			Message: "the snapshot was lost: incomplete tables are restarted under a new one"})
		r.closeLost()
		if !r.ctl.Pause(ctx, roundPause<<(n-1)) {
			return nil
		}
		c, err := r.contents(ctx)
		if err != nil {
			return err
		}
		r.adopt(c)
	}
}

// openTransport opens what packages travel through.
func (r *run) openTransport(ctx context.Context) (err error) {
	room := transfer.Room{
		Control: r.ctl, Plan: r.p, Owner: r.d.Owner, Set: r.set, Reading: r.reading, Target: r.target,
		Watch: &landings{progress: r.progress, frame: r.frame}, Beside: r.beside.start,
	}
	if r.p.Mode != plan.File {
		r.transport = transfer.NewPipe(room)
		return nil
	}
	r.transport, err = transfer.NewFiles(ctx, room, r.d.Staging, r.led.Lineage)
	return err
}

// lost says whether tables start again because the snapshot that they are read in is gone.
func (r *run) lost() bool { return slices.ContainsFunc(r.set.Groups, (*work.Group).Lost) }

// closeLost ends what is lost of the snapshots.
func (r *run) closeLost() {
	for _, g := range r.set.Groups {
		if g.Lost() {
			g.Close()
		}
	}
}

func (r *run) closeViews() {
	for _, g := range r.set.Groups {
		g.Close()
	}
	r.verifying.compare.Close()
}

func seconds(start time.Time) float64 { return time.Since(start).Seconds() }
