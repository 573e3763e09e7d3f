package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"os/user"
	"time"

	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/planner"
	"github.com/dmoctl/dmoctl/providers"
)

// sides are the opened ends of a migration. Close gives all of them back.
type sides struct {
	source  providers.Database
	target  providers.Target
	staging providers.Staging
}

// Close closes what is open.
func (s *sides) Close() error {
	var errs []error
	if s.source != nil {
		errs = append(errs, s.source.Close())
	}
	if s.target != nil {
		errs = append(errs, s.target.Close())
	}
	if s.staging != nil {
		errs = append(errs, s.staging.Close())
	}
	return errors.Join(errs...)
}

// which says which ends a command needs.
type which struct{ source, target, staging bool }

// open opens the ends that a command needs. Each failure names its end; all of a
// call are reported together.
func (a *app) open(ctx context.Context, s *spec, run string, want which) (*sides, error) {
	out := &sides{}
	var errs []error
	if want.source {
		err := a.saying("for an answer from "+s.Source.Address(), func() (err error) {
			out.source, err = a.openSource(ctx, s, run)
			return err
		})
		errs = append(errs, onSide(s.Source.Address(), err))
	}
	if want.target {
		err := a.saying("for an answer from "+s.Target.Address(), func() (err error) {
			out.target, err = a.openTarget(ctx, s, run)
			return err
		})
		errs = append(errs, onSide(s.Target.Address(), err))
	}
	if want.staging && s.Staging != nil {
		st, err := a.openStaging(ctx, s, run)
		out.staging = st
		errs = append(errs, onSide(s.Staging.Address(), err))
	}
	if err := errors.Join(errs...); err != nil {
		out.Close()
		return nil, err
	}
	return out, nil
}

func (a *app) openSource(ctx context.Context, s *spec, run string) (providers.Database, error) {
	if err := s.Source.Config.Check(); err != nil {
		return nil, err
	}
	db, err := a.driver(s.Source).OpenSource(ctx, s.Source.Config, a.env(s, s.Source, run))
	if err != nil {
		return nil, err
	}
	return db, nil
}

func (a *app) openTarget(ctx context.Context, s *spec, run string) (providers.Target, error) {
	if err := s.Target.Config.Check(); err != nil {
		return nil, err
	}
	t, err := a.driver(s.Target).OpenTarget(ctx, s.Target.Config, a.env(s, s.Target, run))
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (a *app) openStaging(ctx context.Context, s *spec, run string) (providers.Staging, error) {
	if err := s.Staging.Config.Check(); err != nil {
		return nil, err
	}
	st, err := a.driver(*s.Staging).OpenStaging(ctx, s.Staging.Config, a.env(s, *s.Staging, run))
	if err != nil {
		return nil, err
	}
	return st, nil
}

// env is what a provider gets from this process.
func (a *app) env(s *spec, e desired.Endpoint, run string) providers.Env {
	machine := planner.ReadMachine()
	// The planner may choose up to two processes a CPU where the spec names no number.
	writers := max(s.Processes.Downtime, 2*machine.CPUs)
	return providers.Env{
		Log:         a.log.Named(e.Address()),
		Dir:         s.Dir,
		Application: "dmoctl " + s.Migration + " " + run,
		Readers:     max(writers, s.Processes.Verify),
		Writers:     writers,
		Waiting:     func(what string) { a.waiting(e.Address() + ": " + what) },
	}
}

// newOwner names this process in locks and messages.
func newOwner() (ledger.Owner, error) {
	id := make([]byte, 4)
	if _, err := rand.Read(id); err != nil {
		return ledger.Owner{}, err
	}
	o := ledger.Owner{ID: hex.EncodeToString(id), PID: os.Getpid(), Started: time.Now().UTC()}
	if u, err := user.Current(); err == nil {
		o.User = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		o.Host = host
	}
	return o, nil
}
