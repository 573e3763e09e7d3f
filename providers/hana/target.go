package hana

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// target is a database that is written to. It is safe for concurrent use.
type target struct {
	*database
	placements placements
	patience   time.Duration // with package transactions of an older run, before they are ended
}

// Limits implements providers.Target.
func (t *target) Limits() providers.Limits { return limits() }

// Lock implements providers.Target.
func (t *target) Lock(ctx context.Context, run ledger.Run, wait func(string)) (providers.Session, error) {
	s, err := t.lock(ctx, run, wait)
	if hasCode(err, codeNoTable, codeNoSchema) {
		// Another migration was rolled back meanwhile, and took the empty ledger along.
		s, err = t.lock(ctx, run, wait)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (t *target) lock(ctx context.Context, run ledger.Run, wait func(string)) (*writing, error) {
	if err := t.makeLedger(ctx, run.Migration); err != nil {
		return nil, err
	}
	w := &writing{target: t, run: run}
	s, err := w.take(ctx)
	if err != nil {
		return nil, err
	}
	w.holder = s
	if err := w.renew(ctx, wait); err != nil {
		s.close()
		return nil, err
	}
	w.checked = time.Now()
	return w, nil
}

// Unlock implements providers.Target.
func (t *target) Unlock(ctx context.Context, migration, owner string) error {
	const op = "unlock"
	return t.with(ctx, func(s *session) error {
		state, err := t.ledgerState(ctx, s)
		if err != nil {
			return err
		}
		var run *ledger.Run
		if state == ledgerWhole {
			if run, err = readRun(ctx, s, migration); err != nil {
				return err
			}
		}
		if run == nil || run.Owner.ID != owner {
			return &providers.Error{Kind: providers.NotFound, Op: op, Err: fmt.Errorf("no run %q has this migration", owner),
				Fix: "Read the id from the message that says who holds the lock."}
		}
		if err := t.endRun(ctx, s, run); err != nil {
			return &providers.Error{Kind: providers.Locked, Op: op, Owner: &run.Owner, Err: err,
				Fix: "Grant the user SESSION ADMIN, or let an administrator disconnect these sessions."}
		}
		return nil
	})
}

// endRun disconnects the session that holds the run's lock and those that load packages,
// and waits until the server shows none of them any more.
func (t *target) endRun(ctx context.Context, s *session, run *ledger.Run) error {
	for range 10 {
		busy, err := packageSessions(ctx, s, run.Migration)
		if err != nil {
			return err
		}
		holders, err := aliveSessions(ctx, s, run.Sessions)
		if err != nil {
			return err
		}
		holders = append(holders, busy...)
		if len(holders) == 0 {
			return nil
		}
		for _, c := range holders {
			if err := disconnect(ctx, s, c.id); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollInterval / 2):
		}
	}
	return errors.New("the sessions have not ended within 5 s")
}
