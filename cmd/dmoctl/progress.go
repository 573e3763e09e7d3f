package main

import (
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/dmoctl/dmoctl/internal/report"
)

// barEvents shows a run on a terminal: one bar a phase, failures above them.
type barEvents struct {
	out io.Writer

	mu      sync.Mutex
	bars    *mpb.Progress
	current *phaseBar
}

// phaseBar is one phase's bar. Its numbers are read by the drawing goroutine.
type phaseBar struct {
	bar  *mpb.Bar
	name string

	mu     sync.Mutex
	totals report.Totals
}

func newBarEvents(out io.Writer) *barEvents {
	return &barEvents{
		out:  out,
		bars: mpb.New(mpb.WithOutput(out), mpb.WithWidth(32), mpb.WithRefreshRate(200*time.Millisecond)),
	}
}

// Emit implements report.Sink.
func (s *barEvents) Emit(e report.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Event {
	case report.PhaseStarted:
		s.finish()
		s.start(e.Phase)
	case report.PhaseDone:
		if s.current != nil && s.current.name == e.Phase {
			s.finish()
		}
	case report.Progress:
		if e.Progress != nil && s.current != nil && (e.Progress.Phase == "" || e.Progress.Phase == s.current.name) {
			s.current.update(*e.Progress)
		}
	case report.Waiting, report.Retry, report.PackageFailed, report.TableFailed:
		// Lines go above the bars.
		_, _ = io.WriteString(s.bars, eventLine(e)+"\n")
	}
}

func (s *barEvents) start(phase string) {
	p := &phaseBar{name: phase}
	p.bar = s.bars.AddBar(0,
		mpb.PrependDecorators(decor.Name(phase, decor.WC{W: 12, C: decor.DindentRight}), decor.Percentage(decor.WC{W: 5})),
		mpb.AppendDecorators(decor.Any(p.text)),
	)
	s.current = p
}

func (s *barEvents) finish() {
	if s.current == nil {
		return
	}
	s.current.bar.SetTotal(-1, true)
	s.current = nil
}

// Close ends the bars and waits until the last picture is drawn.
func (s *barEvents) Close() {
	s.mu.Lock()
	s.finish()
	s.mu.Unlock()
	s.bars.Wait()
}

func (p *phaseBar) update(t report.Totals) {
	p.mu.Lock()
	p.totals = t
	p.mu.Unlock()
	done, planned := t.Bytes, t.BytesPlanned
	if planned == 0 {
		done, planned = int64(t.Packages), int64(t.PackagesPlanned)
	}
	// Never above 100 %: what turns out larger than estimated raises the estimate.
	p.bar.SetTotal(max(done, planned), false)
	p.bar.SetCurrent(min(done, max(done, planned)-1))
}

// text is what stands behind the bar.
func (p *phaseBar) text(decor.Statistics) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.totals == (report.Totals{}) {
		return ""
	}
	t := p.totals
	t.Phase = ""
	return " " + progressLine(t)
}
