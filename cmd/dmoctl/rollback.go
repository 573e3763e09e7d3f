package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/alecthomas/kong"

	"github.com/dmoctl/dmoctl/executor"
	"github.com/dmoctl/dmoctl/internal/catalog"
)

type rollbackCmd struct {
	EmptyTarget bool `help:"Drop the tables that dmoctl made, and empty those that it only loaded. Without it the target stays for inspection."`
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
		a.printf("The source carries nothing of dmoctl's, and the target stays for inspection. To give it back empty, run\n\n  dmoctl rollback --empty-target\n")
		return nil
	}
	if !c.AutoApprove {
		question := fmt.Sprintf("The tables that dmoctl made on %s will be dropped, those that it only loaded emptied.", s.Target.Address())
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
	events, ended := a.sink(nil, false)
	undone, err := executor.Rollback(ctx, s.Migration, true, executor.Deps{
		Target: sd.target, Events: events, Log: a.log.Named("rollback"), Owner: owner, LockTimeout: a.globals.LockTimeout,
	})
	ended()
	if undone != nil {
		a.printUndone("Dropped", undone.Dropped)
		a.printUndone("Emptied", undone.Emptied)
	}
	if err == nil {
		a.printf("The target holds nothing of migration %q any more.\n", s.Migration)
	}
	return err
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
	a.printf("%s %s: %s.\n", what, count(len(names), "table"), some(texts, textList, ", "))
}
