package fenced

import (
	"context"
	"errors"
	"time"

	"github.com/dmoctl/dmoctl/internal/ledger"
)

const (
	patience     = 60 * time.Second // with package transactions of an older run, before they are ended
	pollInterval = time.Second      // a takeover says at most so often for what it waits
)

// takeOver renews the token, then waits until no transaction of an older token is open. Renewing
// comes first: what the older run begins after it ends by itself, and cannot starve this one.
func (s *Session[T]) takeOver(ctx context.Context, wait func(string)) error {
	w := waiting[T]{target: s.target, run: s.run, wait: wait, started: time.Now()}
	renewed := false
	for pause := pollInterval / 50; ; pause = min(2*pause, pollInterval/2) {
		var err error
		if !renewed {
			w.older, err = s.renew(ctx)
			renewed = err == nil
		}
		if renewed {
			err = s.holder.Exclude(ctx)
		}
		if !errors.Is(err, ErrBusy) {
			return err
		}
		if err := w.tell(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// renew writes token, owner and session, and returns the run that was there. It touches nothing else of the
// row: what a run stands for is written by Record, perhaps at this moment by the older run.
func (s *Session[T]) renew(ctx context.Context) (older *ledger.Run, err error) {
	tx, _, err := s.holder.Begin(ctx, opLock, Renew)
	if err != nil {
		return nil, err
	}
	s.run.Sessions = sessionsOf(s.holder.Session())
	err = func() error {
		if older, err = readRun(ctx, tx, s.run.Migration); err != nil {
			return err
		}
		if older == nil {
			return writeRun(ctx, tx, s.run)
		}
		_, err = tx.Update(ctx, Run(), []string{colToken, colOwner, colSessions}, []string{ColMigration},
			[][]any{{s.run.Token, encode(s.run.Owner), encode(s.run.Sessions), s.run.Migration}})
		return err
	}()
	if err != nil {
		_ = tx.Rollback() // the first error is the one that counts
		return nil, err
	}
	return older, tx.Commit(ctx, opLock)
}

func sessionsOf(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}

// waiting is a takeover that has something in its way.
type waiting[T Txn] struct {
	target        *Target[T]
	run           ledger.Run
	older         *ledger.Run // nil where it is not known
	wait          func(string)
	started, said time.Time
	terminated    bool
}

// tell says once a second for what it waits, and ends the sessions in the way after a while.
func (w *waiting[T]) tell(ctx context.Context) error {
	if w.wait != nil && time.Since(w.said) >= pollInterval {
		w.said = time.Now()
		var owner *ledger.Owner
		if w.older != nil {
			owner = &w.older.Owner
		}
		what, err := w.target.Engine.Blockers(ctx, w.run.Migration, runOf(owner))
		if err != nil {
			return err
		}
		if what != "" {
			w.wait(what)
		}
	}
	limit := w.target.Patience
	if limit == 0 {
		limit = patience
	}
	if !w.terminated && time.Since(w.started) > limit {
		w.terminated = true
		_, _ = w.target.Engine.Terminate(ctx, &w.run, false) // else the wait continues, and says so
	}
	return nil
}

// alive notices, at most once a second, that the session with the run's lock was cut off, and
// takes the lock again where nobody else has it.
func (s *Session[T]) alive(ctx context.Context, op string) (Holder[T], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holder == nil {
		return nil, misused(op, noTable, "the session is closed")
	}
	if time.Since(s.checked) < pollInterval {
		return s.holder, nil
	}
	if s.holder.Alive(ctx) != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err := s.retake(ctx); err != nil {
			return nil, err
		}
	}
	s.checked = time.Now()
	return s.holder, nil
}
