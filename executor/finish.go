package executor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
	"github.com/dmoctl/dmoctl/providers"
)

// closing is how a run ends: the migration is closed, and report and outcome are made.
type closing struct {
	*frame
	auditing *auditing
	settling settling
}

// finish makes the report, and the outcome of the whole.
func (r *closing) finish(ctx context.Context, err error) (*report.Report, error) {
	out := r.outcome(ctx, err)
	rep := r.report
	rep.Ended = r.ctl.Now()
	rep.Totals = *r.progress.totals()
	rep.Phases = append(r.progress.durations(), r.auditing.phases...)
	rep.Failures = r.fails.all()
	rep.Tables = r.results()
	if out != nil {
		rep.Exit = out.Exit
	}
	if r.target.Session != nil && !r.closed {
		rep.Until, rep.Left = r.d.Until, left.Summary(r.leftNow())
		for _, l := range r.p.LeftOut {
			if l.Reason == plan.NotAskedFor {
				rep.NotAsked++
			}
		}
	}
	if r.target.Session != nil && r.d.State != nil {
		back, cancel := control.Cleanup(ctx)
		defer cancel()
		if err := r.d.State.RecordRun(back, rep); err != nil && out == nil {
			out = r.stateOutcome(err)
			rep.Exit = out.Exit
		}
	}
	exit := rep.Exit
	e := report.Event{
		Event: report.RunDone, Exit: &exit, Progress: &rep.Totals, Seconds: rep.Ended.Sub(rep.Started).Seconds(),
	}
	if out != nil {
		e.Message = out.Error()
	}
	r.ctl.Emit(e)
	if out == nil {
		return rep, nil
	}
	return rep, out
}

// outcome says how the run ended; nil is well.
func (r *closing) outcome(ctx context.Context, err error) *Outcome {
	var o *Outcome
	if errors.As(err, &o) {
		return o
	}
	r.set.Lock()
	defer r.set.Unlock()
	codes, halted := r.fails.ends()
	cause, first := cmp.Or(halted, err), r.fails.first()
	if errors.As(cause, &o) {
		return o
	}
	if out := ofKind(cause); out != nil {
		return out
	}
	if ctx.Err() != nil || r.ctl.Stopped() && r.unfinished() {
		return &Outcome{Exit: report.Interrupted, ID: diag.Interrupted, Summary: "Interrupted", Err: first, Listed: first != nil,
			Fix: "Committed packages are kept. To continue, run: dmoctl apply"}
	}
	if cause != nil {
		codes = append(codes, report.Error)
	}
	switch exit := report.Exit(codes...); exit {
	case report.OK:
		return r.missing()
	case report.Different:
		return &Outcome{Exit: exit, ID: diag.VerificationFailed, Summary: "Verification failed", Err: first, Listed: true}
	case report.Stale:
		return &Outcome{Exit: exit, ID: diag.TablesChanged, Summary: "Tables changed", Err: first, Listed: true,
			Fix: "The other tables continued. Make a new plan: it says what to do about these."}
	default:
		return &Outcome{Exit: exit, ID: diag.RunFailed, Summary: "The run failed", Err: cmp.Or(cause, first), Listed: cause == nil || r.fails.lists(cause),
			Fix: "Committed packages are kept. Once the cause is fixed, run: dmoctl apply"}
	}
}

// ExitCode is what a provider's error means for a command's exit code.
func ExitCode(kind providers.Kind) int {
	switch kind {
	case providers.Locked, providers.Fenced:
		return report.Locked
	case providers.Changed:
		return report.Stale
	}
	return report.Error
}

// ofKind maps errors that end a run as a whole.
func ofKind(err error) *Outcome {
	var e *providers.Error
	var locked *state.LockedError
	switch {
	case errors.As(err, &locked):
		return &Outcome{Exit: report.Locked, ID: diag.Locked, Summary: "State is locked", Owner: &locked.Owner, Err: err}
	case !errors.As(err, &e):
		return nil
	case e.Kind == providers.Locked:
		return &Outcome{Exit: ExitCode(e.Kind), ID: diag.Locked, Summary: "Target is locked by another run", Owner: e.Owner, Err: err, Fix: e.Fix}
	case e.Kind == providers.Fenced:
		return &Outcome{Exit: ExitCode(e.Kind), ID: diag.FencedRun, Summary: "Another run has taken over", Owner: e.Owner, Err: err, Fix: e.Fix}
	}
	return nil
}

// unfinished says whether steps of the phases asked for are left.
func (r *closing) unfinished() bool {
	if r.closed {
		return false
	}
	for _, s := range r.p.Steps {
		if s.Phase.Within(r.d.Until) && !r.done[s.ID] && s.Kind != plan.StepCopy {
			return true
		}
	}
	return r.absent() > 0
}

// absent counts packages of the phases asked for that are not in.
func (r *closing) absent() int {
	n := 0
	for _, s := range r.p.Steps {
		if s.Kind != plan.StepCopy || !s.Phase.Within(r.d.Until) {
			continue
		}
		for _, id := range s.Packages {
			if u := r.set.Packages[id]; u != nil && !u.Table.Has(u.Package) {
				n++
			}
		}
	}
	return n
}

// missing holds the promise that a run ends well only where every package of the
// phases asked for is in and every table is verified, or excepted by name.
func (r *closing) missing() *Outcome {
	if r.closed {
		return nil
	}
	if n := r.absent(); n > 0 {
		return &Outcome{
			Exit: report.Error, ID: diag.MissingPackages, Summary: "Packages are missing",
			Err: fmt.Errorf("%d packages are not loaded, and no failure explains why", n),
		}
	}
	if t := r.unverified(); t != nil {
		return &Outcome{
			Exit: report.Error, ID: diag.UnverifiedTables, Summary: "Tables are not verified",
			Err: fmt.Errorf("%s is %s, and no failure explains why", t.Name(), t.Result),
		}
	}
	if r.unfinished() {
		return &Outcome{
			Exit: report.Error, ID: diag.MissingSteps, Summary: "Steps are missing",
			Err: errors.New("steps of the plan were not done, and no failure explains why"),
		}
	}
	return nil
}

// unverified returns a table that the phases asked for should have verified.
func (r *closing) unverified() *work.Table {
	for _, s := range r.p.Steps {
		if s.Kind != plan.StepVerify || !s.Phase.Within(r.d.Until) {
			continue
		}
		for _, name := range s.Tables {
			t := r.set.ByName[name]
			if t != nil && t.Result == report.NotVerified && t.Plan.Verify != plan.LevelNone && t.Plan.Action != plan.Structure {
				return t
			}
		}
	}
	return nil
}

// results lists the tables of the plan.
func (r *closing) results() []report.Table {
	r.set.Lock()
	defer r.set.Unlock()
	out := make([]report.Table, 0, len(r.set.Order))
	for _, t := range r.set.Order {
		if t.Plan.Target == nil {
			continue
		}
		e := report.Table{
			Table: t.Name(), Target: t.Plan.Target.String(), Packages: len(t.Plan.Packages), In: len(t.In),
			IndexSeconds: t.IndexSeconds, Verify: t.Plan.Verify, Result: t.Result, Detail: t.Detail,
		}
		for _, l := range t.In {
			e.Rows += l.Rows
			e.Bytes += l.Bytes
			e.Seconds += l.Seconds
			if e.ReadAt.IsZero() || l.ReadAt.Before(e.ReadAt) {
				e.ReadAt = l.ReadAt
			}
		}
		switch {
		case t.Broken != nil && t.Result != report.Unequal:
			e.Result, e.Detail = report.Failed, t.Broken.Error()
		case t.Result == report.NotVerified && t.Row.State.Verified():
			e.Result, e.Detail = report.Equal, report.ByEarlierRun
		case t.Result == report.NotVerified && t.Row.State == ledger.Excused:
			e.Result, e.Detail = report.Excepted, report.ByEarlierRun
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b report.Table) int { return cmp.Compare(a.Table, b.Table) })
	return out
}
