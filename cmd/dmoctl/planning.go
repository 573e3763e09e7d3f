package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
	"github.com/dmoctl/dmoctl/planner"
)

// planFlags are the flags of every command that plans.
type planFlags struct {
	Table   []string `sep:"none" placeholder:"GLOB" help:"Plan only these tables."`
	compare bool     // both sides are only compared
	Reload  []string `sep:"none" aliases:"replace" placeholder:"GLOB" help:"Empty these tables and copy them again."`
}

// options returns the planner's options.
func (f planFlags) options() (planner.Options, error) {
	o := planner.Options{Version: dmoctlVersion(), Machine: planner.ReadMachine(), Compare: f.compare}
	var err error
	if o.Tables, err = patterns("--table", f.Table); err != nil {
		return o, err
	}
	o.Reload, err = patterns("--reload", f.Reload)
	return o, err
}

func patterns(flag string, texts []string) ([]desired.Pattern, error) {
	var out []desired.Pattern
	for _, text := range texts {
		p, err := desired.ParsePattern(text)
		if err != nil {
			return nil, refuse(diag.InvalidPattern, "Invalid table pattern", "In "+flag+": "+err.Error()+".")
		}
		out = append(out, p)
	}
	return out, nil
}

// planNow makes a plan of what the open sides say.
func (a *app) planNow(ctx context.Context, s *spec, sd *sides, f planFlags) (*plan.Plan, error) {
	return a.planFrom(ctx, s, planner.Sides{
		TargetDriver: a.driver(s.Target),
		Source:       sd.source, Target: sd.target,
	}, f)
}

// planOffline makes a plan from a catalog that "inspect" wrote, without a connection.
func (a *app) planOffline(ctx context.Context, s *spec, file string, f planFlags) (*plan.Plan, error) {
	c, err := readCatalog(a.path(file))
	if err != nil {
		return nil, err
	}
	return a.planFrom(ctx, s, planner.Sides{
		TargetDriver: a.driver(s.Target), Catalog: c,
	}, f)
}

func (a *app) planFrom(ctx context.Context, s *spec, sd planner.Sides, f planFlags) (*plan.Plan, error) {
	opts, err := f.options()
	if err != nil {
		return nil, err
	}
	history, err := a.history(ctx, s)
	if err != nil {
		return nil, err
	}
	seen, ds, err := planner.Observe(ctx, s.Spec, sd, opts)
	a.lines.Learn(seen)
	if err != nil || ds.HasErrors() {
		return nil, errors.Join(err, asError(s.locate(ds)))
	}
	p, more := planner.Diff(s.Spec, seen, history, opts)
	ds = s.locate(append(ds, more...))
	if ds.HasErrors() {
		return nil, &diagnosed{ds}
	}
	a.diagnose(ds)
	return p, nil
}

// asError returns diagnostics as an error where one of them is.
func asError(ds diag.Diagnostics) error {
	if ds.HasErrors() {
		return &diagnosed{ds}
	}
	return nil
}

// history collects durations of earlier runs: those that the spec names, then the
// state's own.
func (a *app) history(ctx context.Context, s *spec) (*planner.History, error) {
	out := &planner.History{}
	for _, name := range s.History {
		r, err := readReport(within(s.Dir, name))
		if err != nil {
			return nil, refuse(diag.InvalidHistory, "A report cannot be read",
				fmt.Sprintf("dmo { history } names %q: %v.", name, err))
		}
		out.Add(r)
	}
	st, err := a.openState(s, state.ReadOnly)
	if errors.Is(err, os.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		a.noHistory(err)
		return out, nil
	}
	defer st.Close()
	if err := st.EachRun(ctx, s.Migration, out.Add); err != nil {
		a.noHistory(err)
	}
	return out, nil
}

// noHistory warns that the state's runs could not be read. Without them a plan is
// as right, only its estimates are rougher.
func (a *app) noHistory(err error) {
	a.diagnose(diag.Diagnostics{diag.Warning(diag.UnreadState, "Earlier runs cannot be read",
		"Estimates are made without them. "+said(err)+" "+state.Advice(err))})
}

// openState opens the spec's state file. The error wraps os.ErrNotExist where it
// is opened for reading and there is none.
func (a *app) openState(s *spec, mode state.Mode) (*state.Store, error) {
	path := within(s.Dir, s.StatePath)
	if mode == state.ReadOnly {
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
	}
	var st *state.Store
	err := a.saying("for another process to release its lock on "+path, func() (err error) {
		st, err = state.Open(path, mode)
		return err
	})
	return st, err
}

func readCatalog(path string) (*catalog.Catalog, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fileProblem("catalog", err)
	}
	var c catalog.Catalog
	if err := json.Unmarshal(b, &c); err != nil || c.Engine == "" {
		return nil, refuse(diag.InvalidCatalog, "Not a catalog", "The file "+path+" was not written by \"dmoctl inspect --out\".")
	}
	return &c, nil
}

// readPlan reads a saved plan.
func (a *app) readPlan(name string) (*plan.Plan, error) {
	f, err := os.Open(a.path(name))
	if err != nil {
		return nil, fileProblem("plan", err)
	}
	defer f.Close()
	p, err := plan.Decode(f)
	if errors.Is(err, plan.ErrFormat) {
		return nil, refuse(diag.InvalidPlan, "Not a plan", view.Sentence(fmt.Sprintf("%s is %v", name, err))+" Make a new one:\n\n  dmoctl plan --out FILE")
	}
	a.lines.Learn(p)
	return p, err
}

func readReport(path string) (*report.Report, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r report.Report
	if err := json.Unmarshal(b, &r); err != nil || r.Format != report.Format {
		return nil, errors.New("it was not written by \"dmoctl report --json\"")
	}
	return &r, nil
}

// fileProblem explains a file that cannot be opened.
func fileProblem(what string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		var path *os.PathError
		name := ""
		if errors.As(err, &path) {
			name = path.Path
		}
		return refuse(diag.MissingFile, "File not found", "There is no "+what+" file "+name+".")
	}
	return refuse(diag.UnreadableFile, "A file cannot be read", said(err))
}

// checkFresh refuses a saved plan that does not fit the spec or the target's ledger any more.
func checkFresh(p *plan.Plan, s *spec, l *ledger.Contents) error {
	reason, stale := planner.Stale(p, l, s.Digest)
	if p.Migration != s.Migration {
		reason, stale = fmt.Sprintf("it is for migration %q, the spec is for %q", p.Migration, s.Migration), true
	}
	if !stale {
		return nil
	}
	return stalePlan(reason)
}

func stalePlan(reason string) error {
	return &exitError{report.Stale, refuse(diag.StalePlan, "Plan is stale", "The saved plan no longer applies: "+reason+
		". Nothing was changed. Make a new plan and review it:\n\n  dmoctl plan --out FILE")}
}
