package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/alecthomas/kong"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/executor"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/state"
)

type rollbackCmd struct {
	EmptyTarget bool `help:"Drop what dmoctl created, and empty the tables that it only loaded. Else the target is kept for inspection."`
	AutoApprove bool `help:"Do not ask for \"yes\"."`
}

// Run falls back. This version makes no objects on the source, so without
// --empty-target there is nothing to undo.
func (c *rollbackCmd) Run(ctx context.Context, a *app, k *kong.Context) error {
	s, err := a.load(k)
	if err != nil {
		return err
	}
	if !c.EmptyTarget {
		a.printf("dmoctl leaves nothing on the source, and the target is kept for inspection. To empty the target, run\n\n  dmoctl rollback --empty-target\n")
		return nil
	}
	if !c.AutoApprove {
		question := fmt.Sprintf(
			"Everything that dmoctl created on %s will be dropped: tables, types, sequences, schemas. Tables that it only loaded will be emptied.",
			s.Target.Address(),
		)
		if err := a.confirm(ctx, question, "--auto-approve"); err != nil {
			return err
		}
	}
	owner, err := newOwner()
	if err != nil {
		return err
	}
	sd, err := a.open(ctx, s, owner.ID, which{target: true})
	if err != nil {
		return err
	}
	defer sd.Close()
	st := a.record(ctx, s, owner, k)
	if st != nil {
		defer st.Close()
	}
	events, ended := a.sink(nil, false)
	undone, err := executor.Rollback(ctx, s.Migration, true, executor.Deps{
		Target: sd.target, State: st, Events: events, Log: a.log.Named("rollback"), Owner: owner, LockTimeout: a.globals.LockTimeout,
	})
	ended()
	if undone != nil {
		a.printUndone("Dropped", undone.Dropped)
		a.printUndone("Emptied", undone.Emptied)
		for _, o := range undone.Removed {
			a.printf("Dropped %s %s.\n", o.Kind, o.Name)
		}
		for _, l := range undone.Left {
			a.printf("Kept %s %s: %s.\n", l.Object.Kind, l.Object.Name, l.Why)
		}
	}
	if err != nil {
		return err
	}
	if undone.Again {
		a.printf(
			"Of migration %q, the target now holds only these objects and the ledger that records them. Once nothing uses them, run rollback again.\n",
			s.Migration,
		)
		return nil
	}
	a.printf("The target no longer holds anything of migration %q.\n", s.Migration)
	return nil
}

// record opens the state to record a rollback in, nil where it cannot be: a target can
// be released without it. The caller closes it.
func (a *app) record(ctx context.Context, s *spec, owner ledger.Owner, k *kong.Context) *state.Store {
	st, err := a.openState(s, state.ReadWrite)
	if err != nil {
		a.diagnose(diag.Diagnostics{diag.Warning(diag.UnwrittenState, "The rollback is not recorded",
			said(err)+" "+state.Advice(err))})
		return nil
	}
	a.audit(ctx, st, owner, k)
	return st
}

func (a *app) printUndone(what string, names []catalog.Name) {
	if len(names) == 0 {
		return
	}
	var texts []string
	for _, n := range names {
		texts = append(texts, n.String())
	}
	slices.Sort(texts)
	a.printf("%s %s: %s.\n", what, view.Count(len(names), "table"), view.Some(texts, view.Listed, ", "))
}
