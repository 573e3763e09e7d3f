package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/providers"
)

// failures are what has failed in a run, and what that means for the rest of it. They are
// safe for concurrent use.
type failures struct {
	ctl      *control.Control
	log      hclog.Logger
	policies catalog.Policies
	set      *work.Set
	target   *work.Target
	progress *progress
	cancel   context.CancelCauseFunc // rolls back what runs

	halted atomic.Bool // no new steps, for cause

	mu    sync.Mutex // guards what follows
	list  []report.Failure
	errs  []error // that failed what is in the list
	codes []int
	cause error // of halt
}

// fatal acts on errors that concern the whole run, or all of a group, and says whether err was
// one. It is about the groups of those tables, or about all.
func (x *failures) fatal(err error, tables ...*work.Table) bool {
	switch providers.KindOf(err) {
	case providers.Fenced:
		x.halt(err)
		x.cancel(err)
		return true
	case providers.Full, providers.Disconnected, providers.Unreachable:
		// A full disk, or a server that did not come back while it was retried, would
		// fail every package after this one as well; this one is listed as failed.
		x.halt(err)
		return false
	case providers.SnapshotLost:
		for _, t := range tables {
			t.Group.Lose()
		}
		if len(tables) == 0 {
			for _, g := range x.set.Groups {
				g.Lose()
			}
		}
		return true
	}
	return false
}

// halt starts nothing more; what runs is finished. It says whether cause is the first.
func (x *failures) halt(cause error) bool {
	x.mu.Lock()
	first := x.cause == nil
	if first {
		x.cause = cause
	}
	x.mu.Unlock()
	x.halted.Store(true)
	return first
}

// fail lists a failure. Interruptions and what concerns the whole run are not
// failures of a table. Of names the tables that the error is about, where it is about some.
func (x *failures) fail(f report.Failure, err error, of ...*work.Table) {
	if err == nil || errors.Is(err, control.ErrStopped) || errors.Is(err, context.Canceled) || x.fatal(err, of...) {
		return
	}
	var c *control.Crash
	if errors.As(err, &c) {
		x.log.Debug("recovered", "stack", string(c.Stack))
	}
	kind := providers.KindOf(err)
	f.Kind, f.Message = string(kind), err.Error()
	var e *providers.Error
	if errors.As(err, &e) && e.Fix != "" {
		f.Fix = e.Fix
	}
	x.mu.Lock()
	x.errs = append(x.errs, err)
	x.mu.Unlock()
	x.add(f, ExitCode(kind))
}

// lists says whether an error has failed what is in the list.
func (x *failures) lists(err error) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.ContainsFunc(x.errs, func(e error) bool { return errors.Is(err, e) })
}

// add lists a failure that stands for an exit code.
func (x *failures) add(f report.Failure, code int) {
	x.note(f, code)
	event := report.TableFailed
	if f.Package != "" {
		event = report.PackageFailed
	}
	x.ctl.Emit(report.Event{
		Event: event, Step: f.Step, Table: f.Table, Package: f.Package, Message: f.Message, Kind: f.Kind,
	})
}

// note is add without an event.
func (x *failures) note(f report.Failure, code int) {
	x.mu.Lock()
	x.list = append(x.list, f)
	x.codes = append(x.codes, code)
	x.mu.Unlock()
	x.progress.failed()
}

// refuse lists what stands against the run before it changes anything: the error that it
// ends with has the exit code.
func (x *failures) refuse(f report.Failure) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.list = append(x.list, f)
}

// all are the failures so far.
func (x *failures) all() []report.Failure {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.list)
}

// ends are the exit codes that the failures stand for, and what nothing more was started for.
func (x *failures) ends() (codes []int, cause error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.codes), x.cause
}

// count is how many failures there are.
func (x *failures) count() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.list)
}

// stopTable ends the work on a table.
func (x *failures) stopTable(t *work.Table, step string, err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, control.ErrStopped) || whole(err) && x.fatal(err, t) {
		return
	}
	x.set.Lock()
	already := t.Stopped
	t.Stopped = true
	if t.Broken == nil {
		t.Broken = err
	}
	x.set.Unlock()
	if already {
		return
	}
	if providers.KindOf(err) == providers.Changed {
		x.void(t)
	}
	x.fail(report.Failure{Table: t.Name(), Step: step, Fix: x.constraintFix(t, err)}, err, t)
}

// void records that what is loaded of a table does not count, because its source is not what it
// was: the next plan empties it and copies it again.
func (x *failures) void(t *work.Table) {
	x.set.Lock()
	begun := t.Known && x.target.Session != nil && (len(t.In) > 0 || t.Row.State.Complete())
	if begun {
		t.Row.State = ledger.Emptying
	}
	x.set.Unlock()
	if !begun {
		return
	}
	ctx, cancel := control.Cleanup(context.Background())
	defer cancel()
	if err := x.target.RecordTables(ctx, []*work.Table{t}); err != nil {
		x.fail(report.Failure{Table: t.Name()}, err, t)
	}
}

// differs lists a table whose rows are not what the source has.
func (x *failures) differs(t *work.Table, detail string) {
	x.set.Lock()
	t.Result, t.Detail = report.Unequal, detail
	if t.Broken == nil {
		t.Broken = fmt.Errorf("%s", detail)
	}
	x.set.Unlock()
	x.note(report.Failure{
		Table: t.Name(), Step: string(plan.Verify), Kind: report.Unequal, Message: t.Name() + ": " + detail,
		Fix: "To see which rows differ, run: dmoctl verify --explain " + t.Name(),
	}, report.Different)
	x.ctl.Emit(report.Event{
		Event: report.TableVerified, Phase: plan.Verify, Table: t.Name(), Kind: report.Unequal, Message: detail,
	})
}

// clean says whether nothing has failed so far.
func (x *failures) clean() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.codes) == 0 && x.cause == nil
}

// first is the first failure, as an error.
func (x *failures) first() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.list) == 0 {
		return nil
	}
	text := x.list[0].Message
	if n := len(x.list); n > 1 {
		text = fmt.Sprintf("%s (and %d more)", text, n-1)
	}
	return errors.New(text)
}

// whole says whether an error is about the run and no table's fault.
func whole(err error) bool {
	kind := providers.KindOf(err)
	return kind == providers.Fenced || kind == providers.SnapshotLost
}

// hopeless says whether an error would meet every other package as well.
func hopeless(err error) bool {
	switch providers.KindOf(err) {
	case providers.Full, providers.Disconnected, providers.Unreachable:
		return true
	}
	return whole(err)
}

// failPackage lists a package that was not brought in by a step.
func (x *failures) failPackage(s *plan.Step, u *work.Unit, err error) {
	if whole(err) || errors.Is(err, context.Canceled) {
		x.fail(report.Failure{Step: s.ID}, err, u.Table)
		return
	}
	// A limit that one package meets, its table's others meet as well.
	if kind := providers.KindOf(err); kind == providers.Changed || kind == providers.Exhausted {
		x.stopTable(u.Table, s.ID, err)
		return
	}
	x.set.Lock()
	if u.Table.Broken == nil {
		u.Table.Broken = err
	}
	x.set.Unlock()
	x.fail(report.Failure{
		Table: u.Table.Name(), Package: u.Package.ID, Step: s.ID, Fix: x.constraintFix(u.Table, err),
	}, err, u.Table)
}
