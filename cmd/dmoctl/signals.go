package main

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// stopper turns Ctrl-C, SIGTERM and a terminal that is closed into the two ways to stop. By default the first
// signal cancels the command's context. A command that drains finishes what is
// in progress after the first, and is cancelled by the second.
type stopper struct {
	app     *app
	cancel  context.CancelFunc
	drains  atomic.Bool
	signals chan os.Signal
	drain   chan struct{} // closed by the first signal
	ended   chan struct{} // closed by close
}

// newStopper starts to listen. The caller closes the stopper, which ends the context.
func newStopper(a *app) (context.Context, *stopper) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &stopper{
		app: a, cancel: cancel,
		signals: make(chan os.Signal, 2), drain: make(chan struct{}), ended: make(chan struct{}),
	}
	signal.Notify(s.signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signal.Notify(s.signals, syscall.SIGHUP)
	}
	go s.listen()
	return ctx, s
}

func (s *stopper) listen() {
	for n := 1; ; n++ {
		select {
		case <-s.ended:
			return
		case <-s.signals:
		}
		if n == 1 {
			close(s.drain)
		}
		if n == 1 && s.drains.Load() {
			s.app.notef("\nStopping: packages in progress will finish, no new ones will start. Interrupt again to roll them back.\n")
			continue
		}
		s.cancel()
	}
}

// draining makes the first signal ask for no new work only. The channel is closed by it.
func (s *stopper) draining() <-chan struct{} {
	s.drains.Store(true)
	return s.drain
}

// asked says whether a signal has come.
func (s *stopper) asked() bool {
	select {
	case <-s.drain:
		return true
	default:
		return false
	}
}

func (s *stopper) close() {
	signal.Stop(s.signals)
	close(s.ended)
	s.cancel()
}
