package executor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/providers"
)

// opening is how a run begins: what it finds has to be what was planned, and what it is about to
// do is in the ledger before it does it.
type opening struct{ *frame }

// open makes sure that the databases are the plan's and fit to run, takes the
// right to write, and only then reads the ledger.
func (r opening) open(ctx context.Context) error {
	if err := r.identify(ctx); err != nil {
		return err
	}
	if err := r.refuseSame(ctx); err != nil {
		return err
	}
	if err := r.preflight(ctx); err != nil {
		return err
	}
	if err := r.lock(ctx); err != nil {
		return err
	}
	err := r.refuseSame(ctx) // a path, or a host's name, may lead elsewhere meanwhile
	if err == nil {
		err = r.begin(ctx)
	}
	if err == nil && !r.closed {
		return nil
	}
	r.target.Session.Close()
	return err
}

func (r opening) identify(ctx context.Context) error {
	sides := []struct {
		side string
		db   providers.Database
		want plan.Endpoint
	}{{"source", r.d.Source, r.p.Source}, {"target", r.d.Target, r.p.Target}}
	for _, s := range sides {
		var id string
		err := r.ctl.Retry(ctx, "identify the "+s.side, func(ctx context.Context) (err error) {
			id, err = s.db.Identity(ctx)
			return err
		})
		if err != nil {
			return fmt.Errorf("identify the %s: %w", s.side, err)
		}
		if id != s.want.Identity {
			return stale(fmt.Errorf("the %s %s is not the database that was planned for", s.side, s.want.Name))
		}
	}
	return nil
}

func stale(err error) *Outcome {
	return &Outcome{Exit: report.Stale, ID: diag.StalePlan, Summary: "Plan is stale", Err: err,
		Fix: "Nothing was changed. Make a new plan and review it."}
}

// preflight refuses what would fail later. It changes nothing.
func (r opening) preflight(ctx context.Context) error {
	var source, target []*catalog.Table
	for _, t := range r.set.Order {
		if t.Plan.Action == plan.Forget {
			continue
		}
		source = append(source, t.Source)
		if t.Plan.Action != plan.Keep { // what others do with a table that is done is no business of a run
			target = append(target, t.Target)
		}
	}
	stops := 0
	look := func(side string, db providers.Database, tables []*catalog.Table) error {
		found, err := db.Preflight(ctx, tables)
		if err != nil {
			return fmt.Errorf("check the %s: %w", side, err)
		}
		for _, f := range found {
			if !f.Stop {
				r.ctl.Emit(report.Event{
					Event: report.Notice, Phase: plan.Preflight, Message: side + ": " + f.Summary + ": " + f.Detail,
				})
				continue
			}
			stops++
			r.fails.refuse(report.Failure{
				Step: string(plan.Preflight), Kind: string(providers.Unsupported), Message: side + ": " + f.Summary, Fix: f.Detail,
			})
		}
		return nil
	}
	if err := look("source", r.d.Source, source); err != nil {
		return err
	}
	if err := look("target", r.d.Target, target); err != nil {
		return err
	}
	if stops > 0 {
		return &Outcome{Exit: report.Error, ID: diag.PreflightRefused, Summary: "Preflight refuses the run", Fix: "Nothing was changed."}
	}
	return nil
}

// lock takes the right to write. What the last run recorded stays as it is until
// it was read under the new token.
func (r opening) lock(ctx context.Context) error {
	r.ctl.Before(control.PointLock)
	r.target.Limits = r.d.Target.Limits()
	waiting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if r.d.LockTimeout > 0 {
		timer := time.AfterFunc(r.d.LockTimeout, func() { cancel(errLockTimeout) })
		defer timer.Stop()
	}
	locked := make(chan struct{})
	defer close(locked)
	go func() {
		select {
		case <-r.ctl.Stop:
			cancel(control.ErrStopped)
		case <-locked:
		}
	}()
	return r.lockIn(waiting)
}

func (r opening) lockIn(ctx context.Context) error {
	before, err := r.d.Target.Ledger(ctx, r.p.Migration)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	own := ledger.Run{Migration: r.p.Migration, Lineage: control.Random(8)}
	if before != nil && before.Run != nil {
		own = *before.Run
	}
	own.Token, own.Owner, own.Sessions = control.Random(16), r.d.Owner, nil
	wait := func(what string) { r.ctl.Emit(report.Event{Event: report.Waiting, Message: what}) }
	r.target.Session, err = r.d.Target.Lock(ctx, own, wait)
	if err != nil && errors.Is(context.Cause(ctx), errLockTimeout) {
		return &Outcome{Exit: report.Locked, ID: diag.Locked, Summary: "Another run has not ended yet", Err: err,
			Fix: "Run apply again, or end that run with: dmoctl state unlock ID"}
	}
	if err != nil && errors.Is(context.Cause(ctx), control.ErrStopped) {
		return &Outcome{
			Exit: report.Interrupted, ID: diag.Interrupted, Summary: "Interrupted", Fix: "Nothing was changed. To try again, run: dmoctl apply",
		}
	}
	return err
}

// begin reads the ledger under the token and decides whose plan this is.
func (r opening) begin(ctx context.Context) error {
	c, err := r.contents(ctx)
	if err != nil {
		return err
	}
	if err := r.enter(*c.Run); err != nil || r.closed {
		return err
	}
	r.adopt(c)
	return nil
}

// enter compares the plan with the run that the ledger names.
func (r opening) enter(led ledger.Run) error {
	p := r.p
	fresh := led.Plan == "" && led.Serial == 0
	switch {
	case fresh && p.Lineage != "" && p.Lineage != led.Lineage:
		return stale(errors.New("the target's ledger, from which the plan was made, is gone"))
	case left.Resumes(p, &led):
		r.closed = led.Closed // else a resume: the serial stays, and so does the plan it stands for
	case fresh || p.Lineage == led.Lineage && p.Serial == led.Serial:
		led.Serial++
		led.Plan, led.Spec, led.Closed = p.ID, plan.Binding(p), false
	case p.Lineage != led.Lineage && p.Lineage != "":
		return stale(errors.New("it was made for another lineage of this migration"))
	default:
		return stale(fmt.Errorf("it was made at serial %d; the ledger is now at serial %d", p.Serial, led.Serial))
	}
	r.led = led
	r.report.Lineage, r.report.Serial = led.Lineage, led.Serial
	return nil
}

// errLockTimeout is the cause of a wait for the lock that took too long.
var errLockTimeout = errors.New("the lock was not released in time")
