package executor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
	"github.com/dmoctl/dmoctl/providers"
)

// finish makes the report, and the outcome of the whole.
func (r *run) finish(ctx context.Context, err error) (*report.Report, error) {
	out := r.outcome(ctx, err)
	rep := r.report
	rep.Ended = r.d.now()
	rep.Totals = *r.progress.totals()
	rep.Phases = append(r.progress.durations(), r.audits...)
	rep.Failures = r.failures
	rep.Tables = r.results()
	if out != nil {
		rep.Exit = out.Exit
	}
	if r.session != nil && !r.closed {
		rep.Until, rep.Left = r.d.Until, left.Summary(r.leftNow())
		for _, l := range r.p.LeftOut {
			if l.Reason == plan.NotAskedFor {
				rep.NotAsked++
			}
		}
	}
	if r.session != nil && r.d.State != nil {
		back, cancel := cleanup(ctx)
		defer cancel()
		if err := r.d.State.RecordRun(back, rep); err != nil && out == nil {
			out = r.stateOutcome(err)
			rep.Exit = out.Exit
		}
	}
	exit := rep.Exit
	e := report.Event{Event: report.RunDone, Exit: &exit, Progress: &rep.Totals, Seconds: rep.Ended.Sub(rep.Started).Seconds()}
	if out != nil {
		e.Message = out.Error()
	}
	r.emit(e)
	if out == nil {
		return rep, nil
	}
	return rep, out
}

// outcome says how the run ended; nil is well.
func (r *run) outcome(ctx context.Context, err error) *Outcome {
	var o *Outcome
	if errors.As(err, &o) {
		return o
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	cause := cmp.Or(err, r.cause)
	if r.cause != nil {
		cause = r.cause
	}
	if errors.As(cause, &o) {
		return o
	}
	if out := ofKind(cause); out != nil {
		return out
	}
	if ctx.Err() != nil || r.d.stopped() && r.unfinished() {
		return &Outcome{Exit: report.Interrupted, Summary: "Interrupted", Err: r.first(),
			Fix: "Committed packages are kept. To go on, run: dmoctl apply"}
	}
	codes := r.codes
	if cause != nil {
		codes = append(codes, report.Error)
	}
	switch exit := report.Exit(codes...); exit {
	case report.OK:
		return r.missing()
	case report.Different:
		return &Outcome{Exit: exit, Summary: "Verification failed", Err: r.first()}
	case report.Stale:
		return &Outcome{Exit: exit, Summary: "Tables changed", Err: r.first(),
			Fix: "The other tables went on. Make a new plan: it says what has to be done about these."}
	default:
		return &Outcome{Exit: exit, Summary: "The run failed", Err: cmp.Or(cause, r.first()),
			Fix: "Committed packages are kept. When the cause is gone, run: dmoctl apply"}
	}
}

// ofKind maps errors that end a run as a whole.
func ofKind(err error) *Outcome {
	var e *providers.Error
	var locked *state.LockedError
	switch {
	case errors.As(err, &locked):
		return &Outcome{Exit: report.Locked, Summary: "State is locked", Owner: &locked.Owner, Err: err}
	case !errors.As(err, &e):
		return nil
	case e.Kind == providers.Locked:
		return &Outcome{Exit: report.Locked, Summary: "Target is locked by another run", Owner: e.Owner, Err: err, Fix: e.Fix}
	case e.Kind == providers.Deposed:
		return &Outcome{Exit: report.Locked, Summary: "Another run has taken over", Owner: e.Owner, Err: err, Fix: e.Fix}
	}
	return nil
}

func (r *run) first() error {
	if len(r.failures) == 0 {
		return nil
	}
	text := r.failures[0].Message
	if n := len(r.failures); n > 1 {
		text = fmt.Sprintf("%s (and %d more)", text, n-1)
	}
	return errors.New(text)
}

// unfinished says whether steps of the phases asked for are left.
func (r *run) unfinished() bool {
	if r.closed {
		return false
	}
	for _, s := range r.p.Steps {
		if phaseRank(s.Phase) <= phaseRank(r.d.Until) && !r.done[s.ID] && s.Kind != plan.StepCopy {
			return true
		}
	}
	return r.absent() > 0
}

// absent counts packages of the phases asked for that are not in.
func (r *run) absent() int {
	n := 0
	for _, s := range r.p.Steps {
		if s.Kind != plan.StepCopy || phaseRank(s.Phase) > phaseRank(r.d.Until) {
			continue
		}
		for _, id := range s.Packages {
			if u := r.packages[id]; u != nil && !u.table.has(u.pkg) {
				n++
			}
		}
	}
	return n
}

// missing holds the promise that a run ends well only where every package of the
// phases asked for is in and every table is verified, or excepted by name.
func (r *run) missing() *Outcome {
	if r.closed {
		return nil
	}
	if n := r.absent(); n > 0 {
		return &Outcome{Exit: report.Error, Summary: "Packages are missing", Err: fmt.Errorf("%d packages are not in, and no failure says why", n)}
	}
	if t := r.unverified(); t != nil {
		return &Outcome{Exit: report.Error, Summary: "Tables are not verified", Err: fmt.Errorf("%s is %s, and no failure says why", t.name(), t.result)}
	}
	if r.unfinished() {
		return &Outcome{Exit: report.Error, Summary: "Steps are missing", Err: errors.New("steps of the plan were not done, and no failure says why")}
	}
	return nil
}

// unverified returns a table that the phases asked for should have verified.
func (r *run) unverified() *table {
	for _, s := range r.p.Steps {
		if s.Kind != plan.StepVerify || phaseRank(s.Phase) > phaseRank(r.d.Until) {
			continue
		}
		for _, name := range s.Tables {
			t := r.tables[name]
			if t != nil && t.result == report.NotVerified && t.plan.Verify != plan.LevelNone && t.plan.Action != plan.Structure {
				return t
			}
		}
	}
	return nil
}

// results lists the tables of the plan.
func (r *run) results() []report.Table {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]report.Table, 0, len(r.order))
	for _, t := range r.order {
		if t.plan.Target == nil {
			continue
		}
		e := report.Table{
			Table: t.name(), Target: t.plan.Target.String(), Packages: len(t.plan.Packages), In: len(t.in),
			IndexSeconds: t.indexSecs, Verify: t.plan.Verify, Result: t.result, Detail: t.detail,
		}
		for _, l := range t.in {
			e.Rows += l.Rows
			e.Bytes += l.Bytes
			e.Seconds += l.Seconds
			if e.ReadAt.IsZero() || l.ReadAt.Before(e.ReadAt) {
				e.ReadAt = l.ReadAt
			}
		}
		switch {
		case t.broken != nil && t.result != report.Unequal:
			e.Result, e.Detail = report.Failed, t.broken.Error()
		case t.result == report.NotVerified && (t.row.State == ledger.Counted || t.row.State == ledger.Compared):
			e.Result, e.Detail = report.Equal, report.ByEarlierRun
		case t.result == report.NotVerified && t.row.State == ledger.Excused:
			e.Result, e.Detail = report.Excepted, report.ByEarlierRun
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b report.Table) int { return cmp.Compare(a.Table, b.Table) })
	return out
}

func (r *run) recordRun(ctx context.Context) error {
	if r.d.State == nil {
		return nil
	}
	if err := r.d.State.RecordRun(ctx, r.report); err != nil {
		return r.stateOutcome(err)
	}
	return nil
}

// stateFailed ends the run cleanly: a migration without a record of it cannot be
// reported on, but nothing that is in is lost.
func (r *run) stateFailed(err error) { r.halt(r.stateOutcome(err)) }

func (r *run) stateOutcome(err error) *Outcome {
	fix := "Committed packages are kept. " + cmp.Or(state.Advice(err), "See to it that the state's folder can be written.") + " To go on, run: dmoctl apply"
	return &Outcome{Exit: report.Error, Summary: "State cannot be written", Err: err, Fix: fix}
}

// started says that a package's rows have begun to move.
func (r *run) started(u *unit) {
	r.emit(report.Event{Event: report.PackageStarted, Phase: plan.Downtime, Table: u.table.name(), Package: u.pkg.ID})
}

// emitCorrupt says that export files were damaged and are written again.
func (r *run) emitCorrupt(work []*unit, err error) {
	r.emit(report.Event{Event: report.Retry, Phase: plan.Downtime, Package: work[0].pkg.ID, Kind: string(providers.Corrupt),
		Message: err.Error() + ": exported again"})
}
