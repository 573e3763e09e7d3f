package histories_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/dmoctl/dmoctl/executor"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
	"github.com/dmoctl/dmoctl/planner"
	"github.com/dmoctl/dmoctl/providers/memory"
)

// flags are those of plan and apply.
type flags struct {
	table, reload string
	until         plan.Phase
	saved         *savedPlan
}

func (f flags) String() string {
	var out []string
	for _, x := range [][2]string{{"--table", f.table}, {"--reload", f.reload}, {"--until", string(f.until)}} {
		if x[1] != "" {
			out = append(out, x[0]+" "+x[1])
		}
	}
	if f.saved != nil {
		out = append(out, "the saved plan")
	}
	return strings.Join(out, " ")
}

// whole says whether the command is about the whole migration.
func (f flags) whole() bool { return f.table == "" && f.until == "" && (f.saved == nil || f.saved.all) }

func globs(text string) (out []desired.Pattern) {
	if text != "" {
		out = append(out, pattern(text))
	}
	return out
}

// failed makes a result of diagnostics and errors, as the command line does.
func failed(ds diag.Diagnostics, err error) result {
	r := result{exit: report.Error}
	for _, d := range ds {
		if d.Severity == diag.SeverityError {
			r.ids = append(r.ids, string(d.ID))
			r.text += string(d.ID) + ": " + d.Detail + " "
		}
	}
	if err != nil {
		r.text += err.Error()
	}
	return r
}

// plan is "dmoctl plan".
func (p *process) plan(f flags) (*plan.Plan, result) {
	ctx := context.Background()
	spec := p.w.spec.desired(p.w.has)
	driver := memory.Driver()
	opts := planner.Options{Tables: globs(f.table), Reload: globs(f.reload), Version: "test", Machine: planner.Machine{Memory: 1 << 30, CPUs: 1}}
	seen, ds, err := planner.Observe(ctx, spec, planner.Sides{TargetDriver: driver, Source: p.src, Target: p.tgt}, opts)
	if err != nil || ds.HasErrors() {
		return nil, failed(ds, err)
	}
	made, ds := planner.Diff(spec, seen, nil, opts)
	if ds.HasErrors() {
		return nil, failed(ds, nil)
	}
	return made, result{nothing: !made.Changes()}
}

// apply is "dmoctl apply".
func (p *process) apply(f flags) result {
	ctx := context.Background()
	var made *plan.Plan
	if f.saved != nil {
		l, err := p.tgt.Ledger(ctx, migration)
		if err != nil {
			return failed(nil, err)
		}
		made = f.saved.plan
		if why, stale := planner.Stale(made, l, p.w.spec.desired(p.w.has).Digest); stale {
			return result{exit: report.Stale, text: "stale: " + why}
		}
		if r, goes := p.stillSo(made, l); !goes {
			return r
		}
	} else {
		var r result
		if made, r = p.plan(f); made == nil {
			return r
		}
	}
	if !made.Changes() {
		return result{nothing: true}
	}
	deps := executor.Deps{Source: p.src, Target: p.tgt, Owner: p.owner, Until: f.until}
	if made.Mode == "file" {
		deps.Staging = p.stg
	}
	if p.w.directory != "" {
		st, err := state.Open(filepath.Join(p.w.directory, "state.db"), state.ReadWrite)
		if err != nil {
			return failed(nil, err)
		}
		defer st.Close()
		deps.State = st
	}
	rep, err := executor.Apply(ctx, made, deps)
	return ended(rep, err)
}

// stillSo holds a saved plan against what is there now, as the command does.
func (p *process) stillSo(made *plan.Plan, l *ledger.Contents) (r result, goes bool) {
	if done := left.Resumes(made, l.Run) && l.Run.Closed; done || !made.Changes() {
		now, r := p.plan(flags{})
		if now != nil && now.Changes() {
			r = result{exit: report.Stale, text: "stale: there is something to be done again"}
		}
		return r, false
	}
	sides := planner.Sides{Source: p.src, TargetDriver: memory.Driver()}
	why, ds, err := planner.Outdated(context.Background(), p.w.spec.desired(p.w.has), sides, made)
	switch {
	case err != nil || ds.HasErrors():
		return failed(ds, err), false
	case len(why) > 0:
		return result{exit: report.Stale, text: fmt.Sprintf("stale: %v", why)}, false
	}
	return result{}, true
}

func ended(rep *report.Report, err error) result {
	r := result{report: rep}
	if rep != nil {
		r.exit = rep.Exit
		for _, f := range rep.Failures {
			r.text += fmt.Sprintf("%s %s [%s]: %s; ", f.Table, f.Step, f.Kind, f.Message)
		}
	}
	var o *executor.Outcome
	if errors.As(err, &o) {
		r.exit, r.text = o.Exit, o.Summary+": "+r.text+o.Error()
	} else if err != nil {
		r.exit, r.text = report.Error, err.Error()
	}
	return r
}

// rollback is "dmoctl rollback --empty-target".
func (p *process) rollback() result {
	_, err := executor.Rollback(context.Background(), migration, true, executor.Deps{Target: p.tgt, Owner: p.owner})
	return ended(nil, err)
}

// reread writes a plan and reads it again, as "plan --out" and "apply FILE" do.
func reread(made *plan.Plan) (*plan.Plan, error) {
	var b bytes.Buffer
	if err := plan.Encode(&b, made); err != nil {
		return nil, err
	}
	return plan.Decode(&b)
}
