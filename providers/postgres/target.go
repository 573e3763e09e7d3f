package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// target is a database that is written to. It is safe for concurrent use.
type target struct {
	*database
	maintenanceMemory int64         // bytes; 0 is the server's setting
	patience          time.Duration // with package transactions of an older run, before they are ended
}

// Limits implements providers.Target.
func (t *target) Limits() providers.Limits { return limits() }

// Lock implements providers.Target.
func (t *target) Lock(ctx context.Context, run ledger.Run, wait func(string)) (providers.Session, error) {
	s, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	w := &writing{target: t, run: run, holder: s, keys: keysOf(run.Migration), elements: make(map[string]columnForms)}
	if err := w.take(ctx, wait); err != nil {
		s.close()
		return nil, err
	}
	return w, nil
}

// take gets the run's lock, makes the ledger where it is missing, and renews the token.
func (w *writing) take(ctx context.Context, wait func(string)) error {
	r, err := w.holder.one(ctx, opLock, "SELECT pg_try_advisory_lock($1::bigint)", w.keys.run)
	if err != nil {
		return err
	}
	exists, err := ledgerExists(ctx, w.holder)
	if err != nil {
		return err
	}
	if !r.bool(0) {
		return w.lockedBy(ctx, exists)
	}
	for {
		if !exists {
			if err := makeLedger(ctx, w.holder); err != nil {
				return err
			}
		}
		if err := w.renew(ctx, wait); !undefinedTable(err) {
			return err
		}
		// Another migration was rolled back meanwhile, and took the empty ledger along.
		if err := w.holder.rollback(); err != nil {
			return err
		}
		exists = false
	}
}

// lockedBy says who has the lock, as far as the ledger knows.
func (w *writing) lockedBy(ctx context.Context, exists bool) error {
	e := &providers.Error{Kind: providers.Locked, Op: opLock, Err: errors.New("another run holds the lock"),
		Fix: "Wait until it has ended, or end it with dmoctl state unlock ID."}
	if exists {
		run, err := readRun(ctx, w.holder, w.run.Migration, "")
		if err != nil {
			return err
		}
		if run != nil {
			e.Owner = &run.Owner
			e.Err = fmt.Errorf("run %s of %s@%s (pid %d) holds the lock", run.Owner.ID, run.Owner.User, run.Owner.Host, run.Owner.PID)
		}
	}
	return e
}

// makeLedger creates the tables, all or none; two runs that try at once queue.
func makeLedger(ctx context.Context, s *session) error {
	const op = "create ledger"
	if _, err := s.exec(ctx, op, beginWriter+"; SELECT pg_advisory_xact_lock("+lockKey("ledger", "")+")"); err != nil {
		return err
	}
	there, err := lookAtLedger(ctx, s)
	if err == nil && !there.schema {
		_, err = s.exec(ctx, op, "CREATE SCHEMA dmo")
	}
	if err == nil && !there.tables {
		_, err = s.exec(ctx, op, ledgerDDL())
	}
	if err == nil && !there.schema {
		err = recordMade(ctx, s, "", []ledger.Object{{Kind: ledger.KindSchema, Name: catalog.Name{Name: ledgerSchema}}})
	}
	if err != nil {
		return errors.Join(err, s.rollback())
	}
	_, err = s.exec(ctx, op, "COMMIT")
	return err
}

// Unlock implements providers.Target.
func (t *target) Unlock(ctx context.Context, migration, owner string) error {
	const op = "unlock"
	return t.with(ctx, func(s *session) error {
		exists, err := ledgerExists(ctx, s)
		if err != nil {
			return err
		}
		var run *ledger.Run
		if exists {
			if run, err = readRun(ctx, s, migration, ""); err != nil {
				return err
			}
		}
		if run == nil || run.Owner.ID != owner {
			return &providers.Error{Kind: providers.NotFound, Op: op, Err: fmt.Errorf("no run %q has this migration", owner),
				Fix: "Read the id from the message that says who holds the lock."}
		}
		keys := keysOf(migration)
		if err := terminate(ctx, s, keys.run, keys.token); err != nil {
			return &providers.Error{Kind: providers.Locked, Op: op, Owner: &run.Owner, Err: err,
				Fix: "Connect as the role of that run, or as a member of pg_signal_backend."}
		}
		return nil
	})
}
