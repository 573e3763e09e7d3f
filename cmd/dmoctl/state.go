package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
	"github.com/dmoctl/dmoctl/providers"
)

type stateCmd struct {
	List    stateListCmd    `cmd:"" help:"List the runs that the state knows."`
	Show    stateShowCmd    `cmd:"" help:"Show one run."`
	Rebuild stateRebuildCmd `cmd:"" help:"Rebuild the state from the target's ledger."`
	Unlock  stateUnlockCmd  `cmd:"" help:"Release the lock of a run that is gone."`
}

// reading opens the state for reading.
func (a *app) reading(k *kong.Context) (*spec, *state.Store, error) {
	s, err := a.load(k)
	if err != nil {
		return nil, nil, err
	}
	st, err := a.openState(s, state.ReadOnly)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, refuse(diag.NoState, "No recorded state", "No run was recorded in "+within(s.Dir, s.StatePath)+
			". If the file was lost, rebuild it from the target's ledger:\n\n  dmoctl state rebuild")
	}
	return s, st, err
}

type stateListCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run lists the migration's runs, newest first.
func (c *stateListCmd) Run(ctx context.Context, a *app, k *kong.Context) error {
	s, st, err := a.reading(k)
	if err != nil {
		return err
	}
	defer st.Close()
	runs, err := st.Runs(ctx, s.Migration)
	if err != nil {
		return err
	}
	owner, err := st.Owner(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(runs)
	}
	a.printf("%-10s %-20s %7s %6s %10s %9s  %s\n", "RUN", "STARTED", "TIME", "SERIAL", "ROWS", "FAILURES", "EXIT")
	for _, r := range runs {
		took, exit := "killed", "-"
		switch {
		case owner != nil && owner.ID == r.Run && alive(*owner):
			took = "running"
		case r.Rebuilt:
			took = "-"
		case !r.Ended.IsZero():
			took, exit = view.Seconds(r.Ended.Sub(r.Started).Seconds()), view.Number(int64(r.Exit))
		}
		a.printf("%-10s %-20s %7s %6d %10s %9d  %s\n", r.Run, r.Started.UTC().Format("2006-01-02 15:04:05"), took,
			r.Serial, view.Rows(r.Totals.Rows), len(r.Failures), exit)
	}
	return nil
}

type stateShowCmd struct {
	ID   string `arg:"" optional:"" name:"run" help:"Run to show; the last one by default."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Run shows one run with its tables.
func (c *stateShowCmd) Run(ctx context.Context, a *app, k *kong.Context) error {
	s, st, err := a.reading(k)
	if err != nil {
		return err
	}
	defer st.Close()
	r, err := c.find(ctx, st, s.Migration)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(r)
	}
	view.Report(a.printf, r)
	return nil
}

func (c *stateShowCmd) find(ctx context.Context, st *state.Store, migration string) (*report.Report, error) {
	var r *report.Report
	var err error
	if c.ID != "" {
		r, err = st.Run(ctx, c.ID)
	} else {
		r, err = st.Last(ctx, migration)
	}
	if errors.Is(err, state.ErrNotFound) || (err == nil && r == nil) {
		return nil, refuse(diag.UnknownRun, "Unknown run", "The state has no such run. To list them, run\n\n  dmoctl state list")
	}
	return r, err
}

type stateRebuildCmd struct{}

// Run reads the target's ledger, which is the truth, into the state.
func (c *stateRebuildCmd) Run(ctx context.Context, a *app, k *kong.Context) error {
	s, err := a.load(k)
	if err != nil {
		return err
	}
	sd, err := a.open(ctx, s, "state", which{target: true})
	if err != nil {
		return err
	}
	defer sd.Close()
	l, err := sd.target.Ledger(ctx, s.Migration)
	if err != nil {
		return onSide(s.Target.Address(), err)
	}
	if l == nil || l.Run == nil {
		return refuse(diag.NoLedger, "No ledger", "The target has no ledger of migration \""+s.Migration+"\", so there is nothing to rebuild the state from.")
	}
	r, err := a.rebuild(ctx, s, l)
	if errors.Is(err, state.ErrDamaged) {
		aside, failed := state.SetAside(within(s.Dir, s.StatePath))
		if failed != nil {
			return failed
		}
		a.notef("The state file was damaged; it is kept as %s.\n", aside)
		r, err = a.rebuild(ctx, s, l)
	}
	if err != nil {
		return err
	}
	a.printf("Rebuilt from the ledger of %s: serial %d, %s, %s loaded.\n", s.Target.Address(), r.Serial,
		view.Count(len(r.Tables), "table"), view.Count(r.Totals.PackagesIn, "package"))
	return nil
}

func (a *app) rebuild(ctx context.Context, s *spec, l *ledger.Contents) (*report.Report, error) {
	st, err := a.openState(s, state.ReadWrite)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	return st.Rebuild(ctx, l)
}

type stateUnlockCmd struct {
	ID string `arg:"" help:"Id of the run, as shown in the lock message."`
}

// Run releases the target's lock of a run, and the state's where it holds that too.
func (c *stateUnlockCmd) Run(ctx context.Context, a *app, k *kong.Context) error {
	s, err := a.load(k)
	if err != nil {
		return err
	}
	here, err := c.unlockState(ctx, a, s)
	if err != nil {
		return err
	}
	sd, err := a.open(ctx, s, "unlock", which{target: true})
	if err != nil {
		return err
	}
	defer sd.Close()
	err = sd.target.Unlock(ctx, s.Migration, c.ID)
	switch {
	case providers.KindOf(err) == providers.NotFound && here:
	case providers.KindOf(err) == providers.NotFound && err != nil:
		return refuse(diag.UnknownLock, "Unknown lock", "No run with the id \""+c.ID+"\" holds a lock on migration \""+s.Migration+"\".")
	case err != nil:
		return onSide(s.Target.Address(), err)
	}
	a.printf("Run %s no longer holds a lock. To continue, run\n\n  dmoctl apply\n", c.ID)
	return nil
}

// unlockState forgets the run in the state file, and says whether it was there.
func (c *stateUnlockCmd) unlockState(ctx context.Context, a *app, s *spec) (bool, error) {
	if _, err := os.Stat(within(s.Dir, s.StatePath)); err != nil {
		return false, nil // no file, no lock
	}
	st, err := a.openState(s, state.ReadWrite)
	if err != nil {
		return false, err
	}
	defer st.Close()
	err = st.Unlock(ctx, c.ID)
	var held *state.LockedError
	switch {
	case errors.Is(err, state.ErrNotFound):
		return false, nil
	case errors.As(err, &held):
		return false, &exitError{report.Locked, refuse(diag.RunLives, "The run is still active", fmt.Sprintf(
			"Run %s is process %d of %s on this machine, and holds the state's lock. To end it, run\n\n  kill %d",
			held.Owner.ID,
			held.Owner.PID,
			held.Owner.User,
			held.Owner.PID,
		))}
	}
	return err == nil, err
}

// printJSON prints a result as indented JSON.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.out)
	e.SetIndent("", " ")
	return e.Encode(v)
}
