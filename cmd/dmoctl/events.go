package main

import (
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/internal/report"
)

// jsonEvents prints every event as one line of JSON, for programs.
type jsonEvents struct {
	mu  sync.Mutex
	out io.Writer
}

// Emit implements report.Sink.
func (s *jsonEvents) Emit(e report.Event) {
	if e.Version == 0 {
		e.Version = report.EventVersion
	}
	line, err := json.Marshal(e)
	if err != nil {
		return // plain data always marshals
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// An event that cannot be printed must not stop a migration.
	_, _ = s.out.Write(append(line, '\n'))
}

// plainEvents prints what matters as plain lines, for logs: progress at most once
// every interval.
type plainEvents struct {
	app      *app
	interval time.Duration

	mu   sync.Mutex
	last time.Time
}

// Emit implements report.Sink.
func (s *plainEvents) Emit(e report.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Event == report.Progress {
		if e.Progress == nil || e.Time.Sub(s.last) < s.interval {
			return
		}
		s.last = e.Time
	}
	if line := eventLine(e); line != "" {
		s.app.notef("%s %s\n", e.Time.Local().Format("15:04:05"), line)
	}
}

// eventLine says an event in one line; "" for those that only programs need.
func eventLine(e report.Event) string {
	switch e.Event {
	case report.Waiting:
		return "waiting: " + e.Message
	case report.PhaseStarted:
		return string(e.Phase)
	case report.PhaseDone:
		return string(e.Phase) + " done in " + view.Seconds(e.Seconds)
	case report.SnapshotTaken:
		return "source read as of " + e.Time.UTC().Format(time.RFC3339)
	case report.Retry:
		return "retry " + subject(e) + ": " + e.Message
	case report.PackageFailed, report.TableFailed:
		return "FAILED " + subject(e) + ": " + e.Message
	case report.Progress:
		return progressLine(*e.Progress)
	}
	return ""
}

func subject(e report.Event) string {
	switch {
	case e.Package != "":
		return e.Package
	case e.Table != "":
		return e.Table
	case e.Step != "":
		return e.Step
	}
	return string(e.Phase)
}

func progressLine(t report.Totals) string {
	line := string(t.Phase)
	if line != "" {
		line += ": "
	}
	line += view.Number(int64(t.Packages)) + " of " + view.Count(t.PackagesPlanned, "package") + ", " +
		view.Rows(t.Rows) + " rows, " + view.Bytes(t.Bytes)
	if t.Rate > 0 {
		line += ", " + view.Bytes(int64(t.Rate)) + "/s"
	}
	if t.ETA >= 0 && t.Packages < t.PackagesPlanned {
		line += ", " + view.Seconds(t.ETA) + " left"
	}
	if t.Failures > 0 {
		line += ", " + view.Count(t.Failures, "failure")
	}
	return line
}
