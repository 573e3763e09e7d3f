package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/ledger"
)

// LockedError says that another process holds the state.
type LockedError struct{ Owner ledger.Owner }

func (e *LockedError) Error() string {
	return fmt.Sprintf("the state is locked by %s@%s (pid %d) since %s",
		e.Owner.User, e.Owner.Host, e.Owner.PID, e.Owner.Started.Format("15:04"))
}

// Lock makes owner the only one that runs with this state, until release is
// called or the process ends: the lock is a flock, which dies with its holder.
// *LockedError says who has it.
func (s *Store) Lock(ctx context.Context, owner ledger.Owner) (release func(), err error) {
	f, err := s.flock()
	if errors.Is(err, unix.EWOULDBLOCK) {
		held, err := s.Owner(ctx)
		if err != nil {
			return nil, err
		}
		if held == nil {
			held = &ledger.Owner{User: "unknown"}
		}
		return nil, &LockedError{Owner: *held}
	}
	if err != nil {
		return nil, fmt.Errorf("lock state: %w", err)
	}
	text, err := json.Marshal(owner)
	if err == nil {
		err = s.execute(ctx, `INSERT INTO owner VALUES (1, ?) ON CONFLICT DO UPDATE SET owner = excluded.owner`, []any{string(text)}, nil)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock state: %w", err)
	}
	return func() {
		// The row only names the holder; where it cannot be removed the next holder overwrites it.
		_ = s.execute(context.WithoutCancel(ctx), `DELETE FROM owner`, nil, nil)
		f.Close()
	}, nil
}

func (s *Store) flock() (*os.File, error) {
	f, err := os.OpenFile(s.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Owner returns who locked the state last and has not released it, nil where nobody.
func (s *Store) Owner(ctx context.Context) (*ledger.Owner, error) {
	var out *ledger.Owner
	err := s.execute(ctx, `SELECT owner FROM owner`, nil, func(stmt *sqlite.Stmt) error {
		out = new(ledger.Owner)
		return json.Unmarshal([]byte(stmt.ColumnText(0)), out)
	})
	if err != nil {
		return nil, fmt.Errorf("read the state's owner: %w", err)
	}
	return out, nil
}

// Unlock forgets an owner whose process is gone. *LockedError where it still runs:
// then the process has to be ended. ErrNotFound where id does not hold the state.
func (s *Store) Unlock(ctx context.Context, id string) error {
	held, err := s.Owner(ctx)
	if err != nil {
		return err
	}
	if held == nil || held.ID != id {
		return fmt.Errorf("owner %s: %w", id, ErrNotFound)
	}
	f, err := s.flock()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return &LockedError{Owner: *held}
	}
	if err != nil {
		return fmt.Errorf("unlock state: %w", err)
	}
	defer f.Close()
	return s.execute(ctx, `DELETE FROM owner`, nil, nil)
}
