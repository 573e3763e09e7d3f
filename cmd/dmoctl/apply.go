package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/executor"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/internal/state"
	"github.com/dmoctl/dmoctl/planner"
	"github.com/dmoctl/dmoctl/providers"
)

// plainInterval is how often progress is printed where there is no terminal.
const plainInterval = 5 * time.Second

// lockInterval is how often --lock-timeout looks whether the lock is free.
const lockInterval = time.Second

type applyCmd struct {
	planFlags
	File            string     `arg:"" optional:"" help:"A plan saved with \"dmoctl plan --out\"; without one, the spec is planned first."`
	Until           plan.Phase `placeholder:"PHASE" help:"Stop after preflight, structures, uptime, downtime, finalize, verify or postprocess."`
	AutoApprove     bool       `help:"Do not ask for \"yes\"."`
	ConfirmRecreate []string   `sep:"none" placeholder:"TARGET" help:"Let existing = \"recreate\" drop the tables of, e.g., target.postgres.s4."`
	JSON            bool       `name:"json" help:"Print events as JSON, one object per line."`
	Site            string     `hidden:"" help:"Not available in this version."`
}

// Run carries a plan out.
func (c *applyCmd) Run(ctx context.Context, a *app, k *kong.Context, stop *stopper) error {
	if err := c.check(); err != nil {
		return err
	}
	s, err := a.load(k)
	if err != nil {
		return err
	}
	owner, err := newOwner()
	if err != nil {
		return err
	}
	if c.JSON {
		_, ended := a.sink(nil, true) // planning may wait too
		defer ended()
	}
	sd, err := a.open(ctx, s, owner.ID, which{source: true, target: true, staging: true})
	if err != nil {
		return err
	}
	defer sd.Close()
	p, done, err := c.plan(ctx, a, s, sd)
	if err != nil {
		return err
	}
	if done {
		if !c.JSON {
			a.printf("No changes. This plan has been carried out already.\n")
		}
		return nil
	}
	shown := view.Of(p, time.Now())
	if err := c.show(a, p, &shown); err != nil {
		return err
	}
	if !p.Changes() {
		return nil
	}
	if err := c.approve(ctx, a, s, &shown); err != nil {
		return err
	}
	st, err := a.openState(s, state.ReadWrite)
	if err != nil {
		return err
	}
	defer st.Close()
	a.audit(ctx, st, owner, k)
	return c.carryOut(ctx, a, applying{plan: p, spec: s, sides: sd, state: st, owner: owner, stop: stop})
}

// check refuses what no later step would.
func (c *applyCmd) check() error {
	if c.Site != "" {
		return notAvailable("\"apply --site\", for migrations across two hosts,")
	}
	if c.Until != "" && !slices.Contains(plan.Phases(), c.Until) {
		return refuse(
			diag.UnknownPhase,
			"Unknown phase",
			fmt.Sprintf("There is no phase %q. The phases are %s.", c.Until, strings.Join(schema.Words(plan.Phases()), ", ")),
		)
	}
	if _, err := c.options(); err != nil {
		return err
	}
	if c.File != "" && len(c.Table)+len(c.Reload) > 0 {
		return refuse(
			diag.SavedPlanIsFixed,
			"A saved plan is fixed",
			"--table and --reload change what is planned. Pass them to \"dmoctl plan --out\", or apply without a file.",
		)
	}
	return nil
}

// plan returns the saved plan, if it still fits, or a new one. Done says that the
// saved plan was carried out to its end before.
func (c *applyCmd) plan(ctx context.Context, a *app, s *spec, sd *sides) (p *plan.Plan, done bool, err error) {
	if c.File == "" {
		p, err = a.planNow(ctx, s, sd, c.planFlags)
		return p, false, err
	}
	if p, err = a.readPlan(c.File); err != nil {
		return nil, false, err
	}
	l, err := sd.target.Ledger(ctx, s.Migration)
	if err != nil {
		return nil, false, onSide(s.Target.Address(), err)
	}
	if err := checkFresh(p, s, l); err != nil {
		return nil, false, err
	}
	done = l != nil && left.Resumes(p, l.Run) && l.Run.Closed
	if done || !p.Changes() {
		return p, done, a.nothingSince(ctx, s, sd)
	}
	return p, done, a.stillFits(ctx, s, sd, p)
}

// nothingSince plans again where a saved plan says that nothing is to be done, or was carried
// out: its word from then is not believed.
func (a *app) nothingSince(ctx context.Context, s *spec, sd *sides) error {
	now, err := a.planNow(ctx, s, sd, planFlags{})
	if err == nil && now.Changes() {
		err = stalePlan("there are new changes since it was carried out")
	}
	return err
}

// stillFits refuses a saved plan where the source has tables that it does not know, or where
// those that it keeps are others now.
func (a *app) stillFits(ctx context.Context, s *spec, sd *sides, p *plan.Plan) error {
	why, ds, err := planner.Outdated(ctx, s.Spec, planner.Sides{
		TargetDriver: a.driver(s.Target), Source: sd.source, Target: sd.target,
	}, p)
	switch {
	case err != nil || ds.HasErrors():
		return errors.Join(err, asError(s.locate(ds)))
	case len(why) > 0:
		return stalePlan(strings.Join(why, ", and "))
	}
	return nil
}

// show prints a new plan, and of a saved one, which has been read, what it comes to.
func (c *applyCmd) show(a *app, p *plan.Plan, shown *view.Plan) error {
	switch {
	case c.JSON:
		return nil
	case c.File == "":
		return view.Text(a.out, p, time.Now(), a.style())
	}
	a.printf("%s: %s\n", c.File, shown.Summary())
	return nil
}

// approve asks for yes where nobody has said it yet. Dropping tables is asked
// about by the target's name, whatever else was approved.
func (c *applyCmd) approve(ctx context.Context, a *app, s *spec, shown *view.Plan) error {
	f := shown.Fates()
	target := s.Target.Address()
	if len(f.Foreign) > 0 && !slices.Contains(c.ConfirmRecreate, target) && !slices.Contains(c.ConfirmRecreate, s.Target.Name) {
		question := fmt.Sprintf("\nexisting = \"recreate\": %s on %s, with all rows, will be dropped: %s.",
			view.Count(len(f.Foreign), "table"), target, strings.Join(f.Foreign, ", "))
		if err := a.confirm(ctx, question, "--confirm-recreate "+target); err != nil {
			return err
		}
	}
	if c.File != "" || c.AutoApprove {
		return nil
	}
	question := "\nDo you want to carry out this plan?"
	if lost := f.Question(); lost != "" {
		question = "\n" + lost + question
	}
	return a.confirm(ctx, question, "--auto-approve, or apply a saved plan")
}

// applying is one run of apply.
type applying struct {
	plan  *plan.Plan
	spec  *spec
	sides *sides
	state *state.Store
	owner ledger.Owner
	stop  *stopper
}

func (c *applyCmd) carryOut(ctx context.Context, a *app, run applying) error {
	events, ended := a.sink(run.plan, c.JSON)
	deps := executor.Deps{
		Source: run.sides.source, Target: run.sides.target, Staging: run.sides.staging,
		State: run.state, Events: events, Log: a.log.Named("run"), Owner: run.owner,
		Stop: run.stop.draining(), Until: c.Until, LockTimeout: a.globals.LockTimeout,
	}
	r, err := executor.Apply(ctx, run.plan, deps)
	if heldByOther(err) && a.globals.LockTimeout > 0 {
		events.Emit(report.Event{Version: report.EventVersion, Time: time.Now(), Event: report.Waiting, Message: "for another run to end: " + err.Error()})
	}
	for end := time.Now().Add(a.globals.LockTimeout); heldByOther(err) && time.Now().Before(end) && wait(ctx, deps.Stop); {
		r, err = executor.Apply(ctx, run.plan, deps)
	}
	ended()
	if r.Exit == report.Locked {
		return a.unsaid(r, quietly(err)) // the report is the other run's to write
	}
	if path, saving := saveReport(run.spec, r); saving != nil {
		a.notef("The report could not be written: %v\n", saving)
	} else {
		a.log.Info("report written", "path", path)
	}
	if c.JSON {
		view.Failures(a.notef, r)
	} else {
		view.Summary(a.printf, a.notef, r)
	}
	return a.unsaid(r, quietly(err))
}

// unsaid keeps an outcome's exit code where its cause has been printed among the
// run's failures already; of one that needs another plan it says so.
func (a *app) unsaid(r *report.Report, err error) error {
	var o *executor.Outcome
	if !errors.As(err, &o) || !o.Listed {
		return err
	}
	if o.Exit == report.Stale {
		a.notef("%s\n", view.Ours(o.Fix))
	}
	return &exitError{Code: o.Exit}
}

// heldByOther says whether a run could not start because another one is at work.
// A run that was taken over holds the same exit code and is not started again.
func heldByOther(err error) bool {
	var held *state.LockedError
	var o *executor.Outcome
	return errors.As(err, &held) || errors.As(err, &o) && o.Exit == report.Locked && providers.KindOf(err) == providers.Locked
}

// wait waits a little, and says whether to continue.
func wait(ctx context.Context, stop <-chan struct{}) bool {
	select {
	case <-ctx.Done():
	case <-stop:
	case <-time.After(lockInterval):
		return true
	}
	return false
}

// sink returns where a run's events go, and what is to be called at its end.
func (a *app) sink(p *plan.Plan, asJSON bool) (report.Sink, func()) {
	var events report.Sink
	var bars *barEvents
	switch {
	case asJSON:
		events = &jsonEvents{out: a.out}
	case a.colour(a.errTerminal):
		bars = newBarEvents(a.screen, a.guard, p)
		events = bars
	default:
		events = &plainEvents{app: a, interval: plainInterval}
	}
	deaf := a.listen(events)
	return events, func() {
		deaf()
		if bars != nil {
			bars.Close()
		}
	}
}

// audit records who ran what. History is never a reason to stop.
func (a *app) audit(ctx context.Context, st *state.Store, o ledger.Owner, k *kong.Context) {
	words := []string{"dmoctl"}
	for _, p := range k.Path {
		switch {
		case p.Command != nil:
			words = append(words, p.Command.Name)
		case p.Flag != nil && p.Flag.Name == "var":
			words = append(words, "--var=...") // a value may be a secret, in spite of the advice
		case p.Flag != nil:
			words = append(words, "--"+p.Flag.Name)
		case p.Positional != nil:
			words = append(words, p.Positional.Name)
		}
	}
	err := st.RecordCommand(ctx, state.Command{At: time.Now(), User: o.User, Host: o.Host, PID: o.PID, Words: strings.Join(words, " ")})
	if err != nil {
		a.log.Warn("the command was not recorded in the audit", "error", err)
	}
}
