package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/printable"
	"github.com/dmoctl/dmoctl/internal/report"
)

// barEvents shows a run on a terminal: one bar a phase, what happens besides as
// lines above them. Phases overlap, so several bars move at once.
type barEvents struct {
	guard  *guard
	screen *screen
	steps  map[plan.Phase]int // planned, by phase

	mu   sync.Mutex
	bars *mpb.Progress
	open map[plan.Phase]*phaseBar
}

// phaseBar is one phase's bar. Its numbers are read by the drawing goroutine.
type phaseBar struct {
	bar   *mpb.Bar
	steps int // planned

	mu     sync.Mutex
	done   int           // steps
	totals report.Totals // of the phase that copies; zero otherwise
}

// newBarEvents draws on a terminal. The caller closes it. Without a plan no phase
// has a known number of steps.
func newBarEvents(on *screen, g *guard, p *plan.Plan) *barEvents {
	s := &barEvents{
		guard:  g,
		screen: on,
		steps:  map[plan.Phase]int{},
		bars:   mpb.New(mpb.WithOutput(on.file), mpb.WithRefreshRate(200*time.Millisecond)),
		open:   map[plan.Phase]*phaseBar{},
	}
	on.draw(s.bars)
	if p != nil {
		for _, step := range p.Steps {
			s.steps[step.Phase]++
		}
	}
	return s
}

// Emit implements report.Sink.
func (s *barEvents) Emit(e report.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Event {
	case report.PhaseStarted:
		s.start(e.Phase)
	case report.StepDone:
		if p := s.open[e.Phase]; p != nil {
			p.step()
		}
	case report.PhaseDone:
		s.finish(e.Phase)
	case report.Progress:
		if p := s.open[plan.Downtime]; p != nil && e.Progress != nil {
			p.progress(*e.Progress)
		}
	case report.Waiting, report.Retry, report.PackageFailed, report.TableFailed:
		// Lines go above the bars. What cannot be drawn is no reason to stop.
		_, _ = s.bars.Write(visible(s.guard.mask([]byte(printable.Line(eventLine(e))+"\n")), false))
	}
}

func (s *barEvents) start(phase plan.Phase) {
	if s.open[phase] != nil {
		return
	}
	p := &phaseBar{steps: s.steps[phase]}
	// A total given here would end the bar once it is reached, and could not be raised.
	p.bar = s.bars.AddBar(0,
		mpb.BarWidth(24),
		mpb.PrependDecorators(decor.Name(string(phase), decor.WC{W: 12, C: decor.DindentRight}), decor.Any(share, decor.WC{W: 5})),
		mpb.AppendDecorators(decor.Any(p.text)),
	)
	p.bar.SetTotal(int64(max(1, p.steps)), false)
	s.open[phase] = p
}

// share is how much of a bar is done; 100% stands only where all of it is.
func share(s decor.Statistics) string { return fmt.Sprintf("%d%%", percent(s.Current, s.Total)) }

func (s *barEvents) finish(phase plan.Phase) {
	if p := s.open[phase]; p != nil {
		p.bar.SetTotal(-1, true)
	}
}

// Close ends the bars and waits until the last picture is drawn. A bar of a phase
// that did not end stays where it is.
func (s *barEvents) Close() {
	s.mu.Lock()
	for _, p := range s.open {
		p.bar.Abort(false)
	}
	s.mu.Unlock()
	s.bars.Wait()
	s.screen.draw(nil)
}

// step counts a step of a phase that moves no rows.
func (p *phaseBar) step() {
	p.mu.Lock()
	p.done++
	done, copies := p.done, p.totals.PackagesPlanned > 0
	p.mu.Unlock()
	if !copies {
		p.bar.SetCurrent(int64(done))
	}
}

// progress moves the bar of the phase that copies, by bytes. It never exceeds its
// end: what turns out larger than estimated raises the estimate.
func (p *phaseBar) progress(t report.Totals) {
	p.mu.Lock()
	p.totals = t
	p.mu.Unlock()
	done, planned := t.Bytes, max(t.Bytes, t.BytesPlanned)
	if planned == 0 {
		done, planned = int64(t.Packages), int64(max(1, t.PackagesPlanned))
	}
	p.bar.SetTotal(planned, false)
	p.bar.SetCurrent(done)
}

// text is what stands behind the bar.
func (p *phaseBar) text(decor.Statistics) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.totals; t.PackagesPlanned > 0 {
		t.Phase = ""
		return " " + progressLine(t)
	}
	if p.steps == 0 {
		return ""
	}
	return fmt.Sprintf(" %d of %s", p.done, view.Count(p.steps, "step"))
}
