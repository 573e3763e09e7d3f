package executor

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/semaphore"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
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
	log hclog.Logger

	session  providers.Session
	led      ledger.Run // as recorded
	closed   bool       // the migration was closed before this run
	limits   providers.Limits
	budget   *budget
	tables   map[catalog.Name]*table
	order    []*table // by source name
	packages map[string]*unit
	progress *progress
	done     map[string]bool // ids of steps that need not be done again in this run
	sequence atomic.Bool     // sequences that no column owns are raised, or being raised
	readBack *shared         // the target's view for verification
	files    *fileMode       // nil in pipe mode
	// madeIDs are the ids of the tables that dmoctl made, by their names on the target.
	madeIDs map[catalog.Name]string
	// emptied is closed once no step of the round is left that empties tables, or none is
	// started any more.
	emptied chan struct{}

	cancel context.CancelCauseFunc
	halted atomic.Bool // no new steps, for halt's cause
	lost   atomic.Bool // the snapshot is gone: this round ends, another follows

	snapshotLock *semaphore.Weighted // held while the round's view is opened or closed
	snapshot     providers.Snapshot  // of the round
	epoch        string              // of the round: tables that begin in it are read in it
	prepared     bool
	prepareErr   error

	rowLock *semaphore.Weighted // held while tables' ledger rows are written

	beside  sync.WaitGroup // counts beside the copies
	counter chan struct{}  // held by the one that counts

	// gate is held for every transaction on a target that takes one writer only.
	gate *semaphore.Weighted

	mu       sync.Mutex // guards tables' changing parts, failures, cause
	failures []report.Failure
	codes    []int
	cause    error // of halt
	audited  bool
	audits   []report.Phase
	report   *report.Report
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
	err = guard(func() error { return r.apply(ctx) })
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
		p: p, d: d, log: d.Log,
		tables:   make(map[catalog.Name]*table, len(p.Tables)),
		packages: make(map[string]*unit),
		done:     make(map[string]bool),
		budget:   newBudget(p.Processes),
		gate:     semaphore.NewWeighted(1),
		rowLock:  semaphore.NewWeighted(1), snapshotLock: semaphore.NewWeighted(1),
		counter: make(chan struct{}, 1),
	}
	// Nobody but this run writes to the target's tables: each view of it sees what
	// was committed before.
	r.readBack = newShared(d.Target, providers.SnapshotOptions{Readers: r.processes(true), Quiet: true})
	if r.log == nil {
		r.log = hclog.NewNullLogger()
	}
	for _, pt := range p.Tables {
		t := newTable(pt)
		r.tables[pt.Source.Name] = t
		r.order = append(r.order, t)
		for _, k := range pt.Packages {
			r.packages[k.ID] = &unit{table: t, pkg: k}
		}
	}
	r.report = &report.Report{
		Format: report.Format, Migration: p.Migration, Lineage: p.Lineage, Serial: p.Serial, Plan: p.ID,
		Run: d.Owner.ID, Mode: p.Mode, Processes: p.Processes.Downtime, Started: d.now(), NotCarried: p.NotCarried,
	}
	r.progress = newProgress(r)
	return r
}

func (r *run) apply(ctx context.Context) error {
	if !r.p.Changes() {
		r.closed = true
		return nil
	}
	ctx, r.cancel = context.WithCancelCause(ctx)
	defer r.cancel(nil)
	if err := r.open(ctx); err != nil || r.closed {
		return err
	}
	defer r.session.Close()
	if err := r.openFiles(ctx); err != nil {
		return err
	}
	r.emit(report.Event{Event: report.RunStarted, Message: r.p.ID, Progress: r.progress.totals()})
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
		r.lost.Store(false)
		r.execute(ctx)
		if !r.lost.Load() || r.halted.Load() || ctx.Err() != nil || r.d.stopped() {
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
		r.emit(report.Event{Event: report.Retry, Kind: string(providers.SnapshotLost),
			Message: "the snapshot is lost: tables that are not complete start again under a new one"})
		r.closeSnapshot()
		if !r.pause(ctx, roundPause<<(n-1)) {
			return nil
		}
		if err := r.reread(ctx); err != nil {
			return err
		}
	}
}

// write runs do as the target's only writer where it takes just one.
func (r *run) write(ctx context.Context, do func(context.Context) error) error {
	if r.limits.Writers == 1 {
		if err := hold(ctx, r.gate); err != nil {
			return err
		}
		defer r.gate.Release(1)
	}
	return do(ctx)
}

// hold waits for a semaphore of one. What waits for a database is held by such, not by a
// mutex: the wait ends with the context.
func hold(ctx context.Context, s *semaphore.Weighted) error {
	if s.Acquire(ctx, 1) != nil {
		return context.Cause(ctx)
	}
	return nil
}

// recordTables writes the tables' ledger rows as they are now.
func (r *run) recordTables(ctx context.Context, tables []*table) error {
	if len(tables) == 0 {
		return nil
	}
	return r.retry(ctx, "record in the ledger", func(ctx context.Context) error {
		return r.write(ctx, func(ctx context.Context) error { return r.putTables(ctx, tables) })
	})
}

// putTables is recordTables for who holds the gate. Rows are copied while rowLock is
// held, so that an older copy never overwrites a newer one.
func (r *run) putTables(ctx context.Context, tables []*table) error {
	if err := hold(ctx, r.rowLock); err != nil {
		return err
	}
	defer r.rowLock.Release(1)
	rows := make([]ledger.Table, len(tables))
	r.mu.Lock()
	for i, t := range tables {
		rows[i] = t.row
	}
	r.mu.Unlock()
	return r.session.Record(ctx, ledger.Change{Tables: rows})
}

// record writes ledger rows that are not tables'.
func (r *run) record(ctx context.Context, c ledger.Change) error {
	return r.retry(ctx, "record in the ledger", func(ctx context.Context) error {
		return r.write(ctx, func(ctx context.Context) error { return r.session.Record(ctx, c) })
	})
}

// alter carries out structure changes.
func (r *run) alter(ctx context.Context, ddl []providers.DDL) error {
	if len(ddl) == 0 {
		return nil
	}
	return r.retry(ctx, "alter the target", func(ctx context.Context) error {
		return r.write(ctx, func(ctx context.Context) error { return r.session.Alter(ctx, ddl) })
	})
}

// fatal acts on errors that concern the whole run, and says whether err was one.
func (r *run) fatal(err error) bool {
	switch providers.KindOf(err) {
	case providers.Deposed:
		r.halt(err)
		r.cancel(err)
		return true
	case providers.Full, providers.Disconnected, providers.Unreachable:
		// A full disk, or a server that did not come back while it was retried, would
		// fail every package after this one as well; this one is listed as failed.
		r.halt(err)
		return false
	case providers.SnapshotLost:
		r.lost.Store(true)
		return true
	}
	return false
}

// whole says whether an error is about the run and no table's fault.
func whole(err error) bool {
	kind := providers.KindOf(err)
	return kind == providers.Deposed || kind == providers.SnapshotLost
}

// hopeless says whether an error would meet every other package as well.
func hopeless(err error) bool {
	switch providers.KindOf(err) {
	case providers.Full, providers.Disconnected, providers.Unreachable:
		return true
	}
	return whole(err)
}

// halt starts nothing more; what runs is finished. It says whether cause is the first.
func (r *run) halt(cause error) bool {
	r.mu.Lock()
	first := r.cause == nil
	if first {
		r.cause = cause
	}
	r.mu.Unlock()
	r.halted.Store(true)
	return first
}

// fail lists a failure. Interruptions and what concerns the whole run are not
// failures of a table.
func (r *run) fail(f report.Failure, err error) {
	if err == nil || errors.Is(err, errStopped) || errors.Is(err, context.Canceled) || r.fatal(err) {
		return
	}
	var c *crash
	if errors.As(err, &c) {
		r.log.Debug("recovered", "stack", string(c.stack))
	}
	kind := providers.KindOf(err)
	f.Kind, f.Message = string(kind), err.Error()
	var e *providers.Error
	if errors.As(err, &e) && e.Fix != "" {
		f.Fix = e.Fix
	}
	code := report.Error
	if kind == providers.Changed {
		code = report.Stale
	}
	r.mu.Lock()
	r.failures = append(r.failures, f)
	r.codes = append(r.codes, code)
	r.mu.Unlock()
	r.progress.failed()
	event := report.TableFailed
	if f.Package != "" {
		event = report.PackageFailed
	}
	r.emit(report.Event{Event: event, Step: f.Step, Table: f.Table, Package: f.Package, Message: f.Message, Kind: f.Kind})
}

// stopTable ends the work on a table.
func (r *run) stopTable(t *table, step string, err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, errStopped) || whole(err) && r.fatal(err) {
		return
	}
	r.mu.Lock()
	already := t.stopped
	t.stopped = true
	if t.broken == nil {
		t.broken = err
	}
	r.mu.Unlock()
	if already {
		return
	}
	if providers.KindOf(err) == providers.Changed {
		r.void(t)
	}
	r.fail(report.Failure{Table: t.name(), Step: step, Fix: r.constraintFix(t, err)}, err)
}

// void records that what is in of a table does not count, because its source is not what it
// was: the next plan empties it and copies it again.
func (r *run) void(t *table) {
	r.mu.Lock()
	begun := t.known && r.session != nil && (len(t.in) > 0 || left.Complete(t.row.State))
	if begun {
		t.row.State = ledger.Emptying
	}
	r.mu.Unlock()
	if !begun {
		return
	}
	ctx, cancel := cleanup(context.Background())
	defer cancel()
	if err := r.recordTables(ctx, []*table{t}); err != nil {
		r.fail(report.Failure{Table: t.name()}, err)
	}
}

func (r *run) emit(e report.Event) {
	e.Version, e.Time = report.EventVersion, r.d.now()
	if r.d.Events != nil {
		r.d.Events.Emit(e)
	}
}

// random returns n random bytes in hex.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

func seconds(start time.Time) float64 { return time.Since(start).Seconds() }
