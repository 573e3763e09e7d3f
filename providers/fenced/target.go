package fenced

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

const (
	opLedger = "read ledger"
	opRecord = "write ledger"
	opReload = "empty tables"
	opLock   = "lock target"
	opUnlock = "unlock"
	opClaim  = "claim packages"
	opWrite  = "write"
	opCommit = "commit packages"
)

// Target is the part of a providers.Target that is the same for all engines, for them to embed.
// It is safe for concurrent use.
type Target[T Txn] struct {
	Engine Engine[T]
	// Patience is how long a takeover waits for package transactions of an older run before it
	// ends their sessions; 0 is 60 s.
	Patience time.Duration
	// SelfCommitting: Empty may commit by itself, so that the ledger has to say before it that
	// tables are being emptied.
	SelfCommitting bool
}

// Ledger implements providers.Target.
func (t *Target[T]) Ledger(ctx context.Context, migration string) (*ledger.Contents, error) {
	out := &ledger.Contents{}
	err := t.view(ctx, opLedger, func(tx T) (err error) {
		out, err = Contents(ctx, tx, migration)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// view runs f in a transaction that reads, where there is a ledger.
func (t *Target[T]) view(ctx context.Context, op string, f func(T) error) error {
	tx, there, err := t.Engine.View(ctx, op)
	if err != nil || !there {
		return err
	}
	return errors.Join(f(tx), tx.Rollback())
}

// run reads the migration's run; nil where there is none.
func (t *Target[T]) run(ctx context.Context, op, migration string) (run *ledger.Run, err error) {
	err = t.view(ctx, op, func(tx T) error {
		run, err = readRun(ctx, tx, migration)
		return err
	})
	return run, err
}

// Lock implements providers.Target.
func (t *Target[T]) Lock(ctx context.Context, run ledger.Run, wait func(string)) (providers.Session, error) {
	if run.Token == "" {
		run.Token = rand.Text()
	}
	const attempts = 3
	for n := 1; ; n++ {
		s, err := t.lock(ctx, run, wait)
		if err == nil {
			return s, nil
		}
		// Another migration was rolled back meanwhile, and took the empty ledger along.
		if n == attempts || providers.KindOf(err) != providers.NotFound {
			return nil, err
		}
	}
}

func (t *Target[T]) lock(ctx context.Context, run ledger.Run, wait func(string)) (*Session[T], error) {
	h, err := t.hold(ctx, run)
	if err != nil {
		return nil, err
	}
	s := &Session[T]{target: t, run: run, holder: h}
	if err := s.takeOver(ctx, wait); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.checked = time.Now()
	return s, nil
}

// hold takes the run's lock, or says who has it as far as anybody knows.
func (t *Target[T]) hold(ctx context.Context, run ledger.Run) (Holder[T], error) {
	h, err := t.Engine.Hold(ctx, run)
	var e *providers.Error
	if !errors.As(err, &e) || e.Kind != providers.Locked || e.Owner != nil {
		return h, err
	}
	holds, failed := t.run(ctx, opLock, run.Migration)
	switch {
	case failed != nil:
		return nil, failed
	case holds != nil:
		return nil, Locked(&holds.Owner)
	}
	return nil, err
}

// Unlock implements providers.Target.
func (t *Target[T]) Unlock(ctx context.Context, migration, owner string) error {
	run, err := t.run(ctx, opUnlock, migration)
	if err != nil {
		return err
	}
	if run == nil || run.Owner.ID != owner {
		return noRun(owner)
	}
	n, err := t.Engine.Terminate(ctx, run, true)
	if err != nil {
		e := &providers.Error{Kind: providers.Locked, Op: opUnlock, Owner: &run.Owner, Err: err}
		var known *providers.Error
		if errors.As(err, &known) {
			e.Fix = known.Fix
		}
		return e
	}
	if n == 0 {
		return noRun(owner)
	}
	return nil
}
