package main

import (
	"time"

	"github.com/dmoctl/dmoctl/internal/report"
)

// quiet is how long something may take before it is said what is waited for.
const quiet = 3 * time.Second

// waiting says for whom or what the process waits: among the events of a run where there
// is one, as a line elsewhere. It is safe for concurrent use.
func (a *app) waiting(what string) {
	if s := a.events.Load(); s != nil {
		(*s).Emit(report.Event{Version: report.EventVersion, Time: time.Now(), Event: report.Waiting, Message: what})
		return
	}
	a.notef("waiting: %s\n", what)
}

// saying does something that may have to wait, and says what for where it does.
func (a *app) saying(what string, do func() error) error {
	t := time.AfterFunc(quiet, func() { a.waiting(what) })
	defer t.Stop()
	return do()
}

// listen hands what is waited for to events from here on; the func it returns ends that.
func (a *app) listen(events report.Sink) func() {
	a.events.Store(&events)
	return func() { a.events.CompareAndSwap(&events, nil) }
}
