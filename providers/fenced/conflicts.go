package fenced

import (
	"context"
	"errors"
	"fmt"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// Locked is the error of a lock that is taken. Owner may be nil: then the ledger says who has it.
func Locked(owner *ledger.Owner) error {
	e := &providers.Error{Kind: providers.Locked, Op: opLock, Owner: owner, Err: errors.New("another run holds the lock"),
		Fix: "Wait until it has ended, or end it with: dmoctl state unlock ID"}
	if owner != nil {
		e.Err = fmt.Errorf("%s holds the lock", runOf(owner))
	}
	return e
}

// runOf names a run for people.
func runOf(o *ledger.Owner) string {
	if o == nil {
		return "an older run"
	}
	return fmt.Sprintf("run %s of %s@%s (pid %d)", o.ID, o.User, o.Host, o.PID)
}

// superseded is the error of a transaction that found another run's token.
func superseded(ctx context.Context, tx Rows, op, migration string) error {
	e := &providers.Error{Kind: providers.Fenced, Op: op, Err: errors.New("another run has taken over")}
	if run, err := readRun(ctx, tx, migration); err == nil && run != nil {
		e.Owner = &run.Owner
	}
	return e
}

// cutOff is the error of a run that lost its lock to another one.
func cutOff(owner *ledger.Owner) error {
	return &providers.Error{Kind: providers.Fenced, Op: opLock, Owner: owner,
		Err: errors.New("the session that held the lock was terminated, and another run now holds the lock")}
}

func otherGeneration(p ledger.Loaded) error {
	return &providers.Error{Kind: providers.Constraint, Op: opClaim, Table: p.Source,
		Err: fmt.Errorf("package %s is loaded with a different generation", p.ID),
		Fix: "Copy the table again: plan with --reload."}
}

func noRun(owner string) error {
	return &providers.Error{Kind: providers.NotFound, Op: opUnlock,
		Err: fmt.Errorf("no run %q holds the lock on this migration", owner),
		Fix: "Take the id from the message that says who holds the lock."}
}

// misused is the error of a call that the contract does not allow.
func misused(op string, table catalog.Name, format string, args ...any) error {
	return &providers.Error{Kind: providers.Internal, Op: op, Table: table, Err: fmt.Errorf(format, args...)}
}

// AnotherObject is the error of a drop of an object that is not the one that was made.
func AnotherObject(op string, o ledger.Object) error {
	return &providers.Error{Kind: providers.Exists, Op: op, Table: o.Name,
		Err: fmt.Errorf("the %s is not the one that dmoctl created, or was altered since", o.Kind),
		Fix: "Drop it yourself if nothing needs it."}
}
