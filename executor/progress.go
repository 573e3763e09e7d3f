package executor

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
)

// rateWindow is how far back the rate looks.
const rateWindow = 15 * time.Second

// progress counts what a run has done. It is safe for concurrent use.
type progress struct {
	run *frame

	mu       sync.Mutex
	counts   report.Totals
	flying   map[string]moved // of packages that are not in yet
	inFlight moved            // sum of flying
	samples  []sample         // of the last rateWindow
	byPhase  map[plan.Phase]*state.PhaseTotals
	times    map[plan.Phase]*report.Phase
}

type moved struct{ rows, bytes int64 }

type sample struct {
	at          time.Time
	rows, bytes int64
}

func newProgress(r *frame) *progress {
	return &progress{
		run: r, flying: make(map[string]moved),
		byPhase: make(map[plan.Phase]*state.PhaseTotals), times: make(map[plan.Phase]*report.Phase),
	}
}

// adopt counts again what is planned, and what is in by an earlier run. Rows that are
// about to be emptied are not in, so that no counter falls back. The caller holds run.set.
func (p *progress) adopt(tables []*work.Table) {
	p.mu.Lock()
	defer p.mu.Unlock()
	failures := p.counts.Failures
	p.counts = report.Totals{Failures: failures}
	for _, t := range tables {
		emptied := t.Voided()
		for _, k := range t.Plan.Packages {
			p.counts.PackagesPlanned++
			l, in := t.In.Find(k.ID)
			if emptied || !in || l.Generation != k.Generation {
				p.counts.RowsPlanned += max(0, k.Rows)
				p.counts.BytesPlanned += max(0, k.Bytes)
				continue
			}
			if l.Run != p.run.d.Owner.ID {
				p.counts.PackagesIn++
			}
			p.counts.Packages++
			p.counts.Rows += l.Rows
			p.counts.RowsPlanned += l.Rows
			p.counts.Bytes += l.Bytes
			p.counts.BytesPlanned += l.Bytes
		}
	}
	p.samples = nil
}

// Moved counts rows of a package that the target has taken and not committed.
func (p *progress) Moved(k *plan.Package, rows, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.flying[k.ID]
	m.rows += rows
	m.bytes += bytes
	p.flying[k.ID] = m
	p.inFlight.rows += rows
	p.inFlight.bytes += bytes
}

// Dropped forgets the rows of a package whose transaction is rolled back.
func (p *progress) Dropped(k *plan.Package) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(k)
}

func (p *progress) drop(k *plan.Package) {
	m := p.flying[k.ID]
	delete(p.flying, k.ID)
	p.inFlight.rows -= m.rows
	p.inFlight.bytes -= m.bytes
}

// landed counts a loaded package. What it really was replaces its estimate.
func (p *progress) landed(k *plan.Package, l ledger.Loaded) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(k)
	p.counts.Packages++
	p.counts.Rows += l.Rows
	p.counts.Bytes += l.Bytes
	p.counts.RowsPlanned += l.Rows - max(0, k.Rows)
	p.counts.BytesPlanned += l.Bytes - max(0, k.Bytes)
}

func (p *progress) failed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Failures++
}

// totals returns the counters of now; what is done never exceeds what is planned.
func (p *progress) totals() *report.Totals {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.counts
	t.Rows += p.inFlight.rows
	t.Bytes += p.inFlight.bytes
	t.RowsPlanned = max(t.RowsPlanned, t.Rows)
	t.BytesPlanned = max(t.BytesPlanned, t.Bytes)
	t.PackagesPlanned = max(t.PackagesPlanned, t.Packages)
	t.ETA = -1
	if len(p.samples) > 1 {
		first, last := p.samples[0], p.samples[len(p.samples)-1]
		if took := last.at.Sub(first.at).Seconds(); took > 0 {
			t.Rate = max(0, float64(last.bytes-first.bytes)/took)
			if speed := float64(last.rows-first.rows) / took; speed > 0 {
				t.ETA = float64(t.RowsPlanned-t.Rows) / speed
			}
		}
	}
	return &t
}

func (p *progress) sample(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.samples = append(p.samples, sample{
		at: now, rows: p.counts.Rows + p.inFlight.rows, bytes: p.counts.Bytes + p.inFlight.bytes,
	})
	for len(p.samples) > 2 && now.Sub(p.samples[0].at) > rateWindow {
		p.samples = p.samples[1:]
	}
}

// start emits progress once a second, until the returned func is called.
func (p *progress) start(ctx context.Context) (stop func()) {
	done := make(chan struct{})
	var wait sync.WaitGroup
	p.sample(time.Now())
	wait.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.sample(time.Now())
				p.tell(ctx)
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		wait.Wait()
		p.tell(ctx)
	}
}

// tell emits an event and records it for other terminals.
func (p *progress) tell(ctx context.Context) {
	t := p.totals()
	p.run.ctl.Emit(report.Event{Event: report.Progress, Progress: t})
	if p.run.d.State == nil {
		return
	}
	p.mu.Lock()
	row := state.Progress{Run: p.run.d.Owner.ID, At: p.run.ctl.Now(), Totals: *t}
	for _, phase := range plan.Phases() {
		if s := p.byPhase[phase]; s != nil {
			row.Phases = append(row.Phases, *s)
		}
	}
	p.mu.Unlock()
	back, cancel := control.Cleanup(ctx)
	defer cancel()
	if err := p.run.d.State.RecordProgress(back, p.run.p.Migration, row); err != nil {
		p.run.stateFailed(err)
	}
}

// phases counts the steps that a round has to do.
func (p *progress) phases(nodes []*node) {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.byPhase)
	for _, n := range nodes {
		s := p.byPhase[n.step.Phase]
		if s == nil {
			s = &state.PhaseTotals{Phase: n.step.Phase}
			p.byPhase[n.step.Phase] = s
		}
		s.Planned++
	}
}

func (p *progress) stepStarted(s *plan.Step) {
	p.mu.Lock()
	first := p.times[s.Phase] == nil
	if first {
		p.times[s.Phase] = &report.Phase{Name: s.Phase, Started: p.run.ctl.Now()}
	}
	if c := p.byPhase[s.Phase]; c != nil {
		c.Running++
	}
	p.mu.Unlock()
	if first {
		p.run.ctl.Emit(report.Event{Event: report.PhaseStarted, Phase: s.Phase})
	}
	p.run.ctl.Emit(report.Event{Event: report.StepStarted, Phase: s.Phase, Step: s.ID})
}

// stepEnded counts a step that has ended. One that failed, for one of its tables or
// packages only, is not done, and neither is its phase.
func (p *progress) stepEnded(s *plan.Step, done bool) {
	event := report.StepDone
	if !done {
		event = report.StepFailed
	}
	p.run.ctl.Emit(report.Event{Event: event, Phase: s.Phase, Step: s.ID})
	p.mu.Lock()
	c := p.byPhase[s.Phase]
	c.Running--
	if done {
		c.Done++
	} else {
		c.Failed++
	}
	last := c.Done == c.Planned
	times := p.times[s.Phase]
	times.Seconds = p.run.ctl.Now().Sub(times.Started).Seconds()
	took := times.Seconds
	p.mu.Unlock()
	if last {
		p.run.ctl.Emit(report.Event{Event: report.PhaseDone, Phase: s.Phase, Seconds: took})
	}
}

// durations returns each phase's time, in order.
func (p *progress) durations() []report.Phase {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []report.Phase
	times := maps.Clone(p.times)
	for _, phase := range plan.Phases() {
		if t := times[phase]; t != nil {
			out = append(out, *t)
		}
	}
	return out
}
