package fenced

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// Session is the right to write under one token. It is safe for concurrent use.
type Session[T Txn] struct {
	target *Target[T]
	run    ledger.Run // its Sessions are guarded by mu

	mu      sync.Mutex // guards what follows
	holder  Holder[T]  // nil once closed
	checked time.Time  // when it was last seen alive
}

// noTable is for errors that are about none.
var noTable = catalog.Name{}

// Migration names the migration that the session writes for.
func (s *Session[T]) Migration() string { return s.run.Migration }

// Do runs f in one transaction under the token.
func (s *Session[T]) Do(ctx context.Context, op string, how Mode, f func(tx T) error) error {
	tx, err := s.begin(ctx, op, how)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // the first error is the one that counts
		return err
	}
	return tx.Commit(ctx, op)
}

// begin starts a transaction under the token.
func (s *Session[T]) begin(ctx context.Context, op string, how Mode) (none T, err error) {
	h, err := s.alive(ctx, op)
	if err != nil {
		return none, err
	}
	tx, token, err := h.Begin(ctx, op, how)
	if err != nil {
		return none, err
	}
	if token != s.run.Token {
		err := superseded(ctx, tx, op, s.run.Migration)
		_ = tx.Rollback() // it has changed nothing
		return none, err
	}
	return tx, nil
}

// retake gets the run's lock on another session, while the token is still ours.
func (s *Session[T]) retake(ctx context.Context) error {
	h, err := s.target.hold(ctx, s.run)
	var e *providers.Error
	if errors.As(err, &e) && e.Kind == providers.Locked {
		return cutOff(e.Owner)
	}
	if err != nil {
		return err
	}
	// Another run may have come and gone meanwhile: the name of the session is written where the token is ours only.
	tx, token, err := h.Begin(ctx, opLock, Load)
	if err == nil {
		if token != s.run.Token {
			err = superseded(ctx, tx, opLock, s.run.Migration)
		} else {
			_, err = tx.Update(ctx, Run(), []string{colSessions}, []string{ColMigration, colToken},
				[][]any{{encode(sessionsOf(h.Session())), s.run.Migration, s.run.Token}})
		}
		if err == nil {
			err = tx.Commit(ctx, opLock)
		} else {
			_ = tx.Rollback() // the first error is the one that counts
		}
	}
	if err != nil {
		return errors.Join(err, h.Close())
	}
	_ = s.holder.Close() // it was cut off
	s.holder, s.run.Sessions = h, sessionsOf(h.Session())
	return nil
}

// Read implements providers.Session.
func (s *Session[T]) Read(ctx context.Context) (out *ledger.Contents, err error) {
	err = s.Do(ctx, opLedger, Load, func(tx T) (err error) {
		out, err = Contents(ctx, tx, s.run.Migration)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Record implements providers.Session. Whose run it is, is not the caller's to change: of the run's
// row it writes what the run stands for, and only while the token is ours.
func (s *Session[T]) Record(ctx context.Context, c ledger.Change) error {
	return s.Do(ctx, opRecord, Load, func(tx T) error {
		if r := c.Run; r != nil {
			set := []string{"lineage", "serial", "plan", "spec", "closed"}
			n, err := tx.Update(ctx, Run(), set, []string{ColMigration, colToken},
				[][]any{{r.Lineage, r.Serial, r.Plan, r.Spec, r.Closed, s.run.Migration, s.run.Token}})
			if err == nil && n == 0 { // it was renewed since the transaction began
				err = superseded(ctx, tx, opRecord, s.run.Migration)
			}
			if err != nil {
				return err
			}
		}
		return Apply(ctx, tx, s.run.Migration, c)
	})
}

// Alter implements providers.Session.
func (s *Session[T]) Alter(ctx context.Context, ddl []providers.DDL) error {
	if len(ddl) == 0 {
		return nil
	}
	return s.target.Engine.Alter(ctx, s, ddl)
}

// Reload implements providers.Session: in one transaction where the engine can. Where emptying may
// commit by itself, the ledger first forgets the packages and says "emptying": a crash in between leaves
// that, which is resumed by emptying again.
func (s *Session[T]) Reload(ctx context.Context, tables []providers.ReloadTable) error {
	if len(tables) == 0 {
		return nil
	}
	sources, targets := make([]catalog.Name, len(tables)), make([]*catalog.Table, len(tables))
	for i, t := range tables {
		sources[i], targets[i] = t.Source, t.Target
	}
	forget := func(tx T) error { return removeSources(ctx, tx, Loaded(), s.run.Migration, sources) }
	if s.target.SelfCommitting {
		err := s.Do(ctx, opReload, Load, func(tx T) error {
			if err := forget(tx); err != nil {
				return err
			}
			return setState(ctx, tx, s.run.Migration, ledger.Emptying, sources)
		})
		if err != nil {
			return err
		}
	}
	return s.Do(ctx, opReload, Define, func(tx T) error {
		if !s.target.SelfCommitting {
			if err := forget(tx); err != nil {
				return err
			}
		}
		if err := tx.Empty(ctx, targets); err != nil {
			return err
		}
		return setState(ctx, tx, s.run.Migration, ledger.Empty, sources)
	})
}

// Close implements providers.Session.
func (s *Session[T]) Close() error {
	s.mu.Lock()
	h := s.holder
	s.holder = nil
	s.mu.Unlock()
	if h == nil {
		return nil
	}
	return h.Close()
}
