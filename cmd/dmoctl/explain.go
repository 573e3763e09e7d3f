package main

import (
	"errors"
	"reflect"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/executor"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/printable"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/internal/state"
	"github.com/dmoctl/dmoctl/providers"
)

// diagnosed is an error that consists of diagnostics.
type diagnosed struct{ list diag.Diagnostics }

func (e *diagnosed) Error() string {
	if len(e.list) == 0 {
		return "no diagnostic"
	}
	return e.list[0].Summary
}

// refuse makes an error of one diagnostic.
func refuse(id diag.ID, summary, detail string) error {
	return &diagnosed{diag.Diagnostics{diag.Error(id, summary, detail)}}
}

// sided is an error that came from one side of the migration.
type sided struct {
	address string // source.postgres.erp
	err     error
}

func (e *sided) Error() string { return e.address + ": " + e.err.Error() }
func (e *sided) Unwrap() error { return e.err }

// onSide says which side err came from; nil stays nil.
func onSide(address string, err error) error {
	if err == nil {
		return nil
	}
	return &sided{address, err}
}

// explain turns a command's error into what the user reads.
func (a *app) explain(err error) diag.Diagnostics {
	if exit, ok := err.(*exitError); ok { //nolint:errorlint // only the outermost is looked through
		if exit.Err == nil {
			return nil
		}
		return a.explain(exit.Err)
	}
	if branches := joined(err); branches != nil {
		var out diag.Diagnostics
		for _, branch := range branches {
			out = append(out, a.explain(branch)...)
		}
		return out
	}
	var list *diagnosed
	if errors.As(err, &list) {
		return list.list
	}
	where, side := "", ""
	var s *sided
	if errors.As(err, &s) {
		side, _, _ = strings.Cut(s.address, ".")
		where = s.address
	}
	var outcome *executor.Outcome
	if errors.As(err, &outcome) {
		return diag.Diagnostics{a.outcomeDiagnostic(outcome)}
	}
	var held *state.LockedError
	if errors.As(err, &held) {
		return diag.Diagnostics{lockedDiagnostic(providers.Locked, held.Owner)}
	}
	var unset *schema.UnsetError
	if errors.As(err, &unset) {
		return diag.Diagnostics{diag.Error(diag.UnsetEnvironment, "Missing environment variable",
			view.Sentence(printable.Line(strings.TrimSpace(where+": "+unset.Error())))+" First run\n\n  export "+strings.Join(unset.Envs, "=... ")+"=...")}
	}
	var failed *providers.Error
	if errors.As(err, &failed) {
		return diag.Diagnostics{providerDiagnostic(failed, err, side)}
	}
	if advice := state.Advice(err); advice != "" {
		return diag.Diagnostics{diag.Error(diag.UnusableState, "The state cannot be used", said(err)+" "+advice)}
	}
	return diag.Diagnostics{diag.Error(diag.Failed, "The command failed", said(err))}
}

// joined returns the errors that errors.Join has put side by side; nil where err is
// one error, also where that wraps several.
func joined(err error) []error {
	if reflect.TypeOf(err) != reflect.TypeOf(errors.Join(err)) { // whose type has no name
		return nil
	}
	several, _ := err.(interface{ Unwrap() []error })
	return several.Unwrap()
}

// outcomeDiagnostic says why a run did not do all that was asked for.
func (a *app) outcomeDiagnostic(o *executor.Outcome) diag.Diagnostic {
	var failed *providers.Error
	owner := o.Owner
	if errors.As(o.Err, &failed) && owner == nil {
		owner = failed.Owner
	}
	if owner != nil && o.Exit == report.Locked {
		return lockedDiagnostic(providers.KindOf(o.Err), *owner)
	}
	detail := ""
	if o.Err != nil {
		detail = said(o.Err) + " "
	}
	if failed != nil && failed.Fix != "" && failed.Fix != o.Fix {
		detail += view.Sentence(failed.Fix) + " "
	}
	return diag.Error(o.ID, o.Summary, strings.TrimSpace(detail+o.Fix))
}

// providerDiagnostic says which side failed at what, and what a user can do.
func providerDiagnostic(e *providers.Error, whole error, side string) diag.Diagnostic {
	if e.Owner != nil {
		return lockedDiagnostic(e.Kind, *e.Owner)
	}
	id, summary := ofKind(e.Kind)
	if side != "" && (e.Kind == providers.Unreachable || e.Kind == providers.Auth || e.Kind == providers.Permission || e.Kind == providers.Unsupported) {
		summary = strings.ToUpper(side[:1]) + side[1:] + ": " + strings.ToLower(summary[:1]) + summary[1:]
	}
	detail := said(whole)
	if e.Fix != "" {
		detail += " " + view.Sentence(e.Fix)
	}
	return diag.Error(id, summary, detail)
}

func lockedDiagnostic(kind providers.Kind, o ledger.Owner) diag.Diagnostic {
	o = printable.Of(o)
	held := "Held by " + o.User + "@" + o.Host + " (pid " + strconv.Itoa(o.PID) + ") since " +
		o.Started.Local().Format("2006-01-02 15:04:05") + "."
	if kind == providers.Fenced {
		return diag.Error(diag.FencedRun, "Another run has taken over",
			held+" This run has stopped and can no longer write; the packages it committed are kept.")
	}
	return diag.Error(diag.Locked, "The migration is locked by another run",
		held+" To wait for it, pass --lock-timeout. If that process is gone, run\n\n  dmoctl state unlock "+o.ID)
}

// ofKind returns the id and the fixed short text of an error kind.
func ofKind(k providers.Kind) (diag.ID, string) {
	switch k {
	case providers.Transient:
		return diag.Transient, "The connection failed"
	case providers.Disconnected:
		return diag.Disconnected, "The connection failed"
	case providers.SnapshotLost:
		return diag.SnapshotLost, "Snapshot lost"
	case providers.Changed:
		return diag.Changed, "A table has changed"
	case providers.Value:
		return diag.Value, "A value does not fit"
	case providers.Constraint:
		return diag.Constraint, "A constraint is violated"
	case providers.Full:
		return diag.Full, "No space left"
	case providers.Exhausted:
		return diag.Exhausted, "A server limit was reached"
	case providers.Corrupt:
		return diag.Corrupt, "Stored data is corrupt"
	case providers.Fenced:
		return diag.FencedRun, "Another run has taken over"
	case providers.Locked:
		return diag.Locked, "The migration is locked by another run"
	case providers.Permission:
		return diag.Permission, "Permission denied"
	case providers.Auth:
		return diag.Auth, "Authentication failed"
	case providers.Unreachable:
		return diag.Unreachable, "Cannot be reached"
	case providers.NotFound:
		return diag.NotFound, "Not found"
	case providers.Exists:
		return diag.Exists, "Already exists"
	case providers.InUse:
		return diag.InUse, "Still in use"
	case providers.Unsupported:
		return diag.Unsupported, "Not supported"
	case providers.Config:
		return diag.Config, "Invalid configuration"
	}
	return diag.Internal, "The command failed"
}

// said makes an error's text a sentence. A server's words, or a name in them, stay within its line.
func said(err error) string { return view.Sentence(printable.Line(err.Error())) }
