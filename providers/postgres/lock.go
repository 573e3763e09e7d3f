package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/pool"
)

const (
	opLock       = "lock target"
	patience     = 60 * time.Second // with package transactions of an older run, before they are ended
	pollInterval = time.Second
)

// lockKeys are the advisory locks of one migration, which the server keeps per database.
type lockKeys struct {
	run   string // held by the run's own session for as long as it lives
	token string // shared by package transactions, exclusive for who renews the token
}

func keysOf(migration string) lockKeys {
	return lockKeys{run: lockKey("run", migration), token: lockKey("token", migration)}
}

func lockKey(what, migration string) string {
	sum := sha256.Sum256([]byte("dmoctl/" + what + "/" + migration))
	return formatInt(int64(binary.BigEndian.Uint64(sum[:8])))
}

// writing is the right to write. It is safe for concurrent use.
type writing struct {
	*target
	run  ledger.Run
	keys lockKeys

	mu       sync.Mutex // guards what follows
	holder   *session   // holds the run's lock; nil once closed
	checked  time.Time  // when holder was last seen alive
	elements map[string]columnForms
}

// renew writes the new token once no package transaction of an older run is left.
func (w *writing) renew(ctx context.Context, wait func(string)) error {
	s := w.holder
	if _, err := s.exec(ctx, opLock, beginWriter); err != nil {
		return err
	}
	if err := w.exclude(ctx, wait); err != nil {
		return err // the session is closed with its transaction
	}
	pid := formatInt(int64(s.pg.PID()))
	r, err := s.one(ctx, opLock, "SELECT to_char(backend_start, 'YYYY-MM-DD HH24:MI:SS.US') FROM pg_stat_activity WHERE pid = $1::int", pid)
	if err != nil {
		return err
	}
	run := w.run
	// A lock renews token and owner; what the run stands for is written by Record.
	before, err := readRun(ctx, s, run.Migration, " FOR UPDATE")
	if err != nil {
		return err
	}
	if before != nil {
		run = *before
		run.Token, run.Owner = w.run.Token, w.run.Owner
	}
	run.Sessions = []string{pid}
	if r != nil {
		run.Sessions = []string{pid + " " + r.text(0)}
	}
	if err := writeRun(ctx, s, &run); err != nil {
		return err
	}
	if _, err := s.exec(ctx, opLock, "COMMIT"); err != nil {
		return err
	}
	w.run = run
	return nil
}

// exclude takes the token's lock exclusively. It queues fairly: package
// transactions that come later wait behind it.
func (w *writing) exclude(ctx context.Context, wait func(string)) error {
	taken := make(chan error, 1)
	w.holder.said.Store(true)
	defer w.holder.said.Store(false)
	go func() {
		_, err := w.holder.exec(ctx, opLock, "SELECT pg_advisory_xact_lock("+w.keys.token+")")
		taken <- err
	}()
	select {
	case err := <-taken:
		return err
	case <-time.After(pollInterval / 4): // the usual case needs no second session
	}
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	started, terminated := time.Now(), false
	for {
		if err := w.tellWait(ctx, wait); err != nil {
			w.holder.dead = true
			_ = w.holder.pg.Conn().Close() // ends the goroutine
			<-taken                        //nolint:errcheck // err says why already
			return err
		}
		if !terminated && time.Since(started) > w.patience {
			terminated = true
			_ = w.with(ctx, func(s *session) error { return terminate(ctx, s, w.keys.token) }) // else the wait goes on, and says so
		}
		select {
		case err := <-taken:
			return err
		case <-tick.C:
		}
	}
}

// tellWait names the sessions in the way and the run that they belong to.
func (w *writing) tellWait(ctx context.Context, wait func(string)) error {
	if wait == nil {
		return nil
	}
	return w.with(ctx, func(s *session) error {
		run, err := readRun(ctx, s, w.run.Migration, "")
		if err != nil {
			return err
		}
		owner := "an older run"
		if run != nil {
			owner = fmt.Sprintf("run %s of %s@%s (pid %d)", run.Owner.ID, run.Owner.User, run.Owner.Host, run.Owner.PID)
		}
		var sessions []string
		err = s.query(ctx, opLock, holdersSQL+" AND l.mode = 'ShareLock'", []string{"{" + w.keys.token + "}"}, func(r row) error {
			sessions = append(sessions, fmt.Sprintf("session %s of %q, open since %s", r.text(0), r.text(1), r.text(2)))
			return nil
		})
		if err == nil && len(sessions) > 0 {
			wait("package transactions of " + owner + ": " + strings.Join(sessions, "; "))
		}
		return err
	})
}

// holdersSQL finds the sessions that hold one of the advisory locks $1. A lock
// of 64 bits stands in pg_locks as two halves, with objsubid 1.
const holdersSQL = `
SELECT l.pid, a.application_name, to_char(a.xact_start, 'YYYY-MM-DD HH24:MI:SS')
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND ((l.classid::bigint << 32) | l.objid::bigint) = ANY ($1::bigint[]) AND l.pid <> pg_backend_pid()`

// terminate ends the sessions that hold one of the locks. Who holds such a lock
// now is one of ours, so a process id that was used again is never hit.
func terminate(ctx context.Context, s *session, keys ...string) error {
	refusals := 0
	err := s.query(ctx, "end sessions", `SELECT pg_terminate_backend(h.pid, 5000) FROM (`+holdersSQL+`) h`,
		[]string{"{" + strings.Join(keys, ",") + "}"}, func(r row) error {
			if !r.bool(0) {
				refusals++
			}
			return nil
		})
	if err != nil {
		return err
	}
	if refusals > 0 {
		return fmt.Errorf("%d sessions have not ended within 5 s", refusals)
	}
	return nil
}

// guard starts a transaction that may write: the shared lock comes first, in a
// statement of its own, so that the token is read after an exclusive holder has committed.
func (w *writing) guard(ctx context.Context, s *session, op string) error {
	results, err := s.exec(ctx, op, beginWriter+"; SELECT pg_advisory_xact_lock_shared("+w.keys.token+"); SELECT token, owner FROM dmo.run WHERE migration = "+quoteLiteral(w.run.Migration))
	if err != nil {
		return err
	}
	last := results[len(results)-1].Rows
	if len(last) == 1 && string(last[0][0]) == w.run.Token {
		return nil
	}
	e := &providers.Error{Kind: providers.Deposed, Op: op, Err: errors.New("another run has taken over")}
	if run, err := readRun(ctx, s, w.run.Migration, ""); err == nil && run != nil {
		e.Owner = &run.Owner
	}
	return e
}

// guarded runs f in one transaction under the token.
func (w *writing) guarded(ctx context.Context, op string, f func(*session) error) error {
	if err := w.alive(ctx); err != nil {
		return err
	}
	return w.with(ctx, func(s *session) error {
		err := w.guard(ctx, s, op)
		if err == nil {
			err = f(s)
		}
		if err != nil {
			_ = s.rollback() // the first error is the one that counts
			return err
		}
		return commit(ctx, s, op)
	})
}

// commit is sent only after all results before it have been read.
func commit(ctx context.Context, s *session, op string) error {
	results, err := s.exec(ctx, op, "COMMIT")
	if err != nil {
		return err
	}
	if tag := results[len(results)-1].CommandTag.String(); tag != "COMMIT" {
		return &providers.Error{Kind: providers.Internal, Op: op, Err: fmt.Errorf("the server answered COMMIT with %s", tag)}
	}
	return nil
}

// alive notices, at most once a second, that the session with the run's lock was cut off, and
// takes the lock again where nobody else has it.
func (w *writing) alive(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.holder == nil {
		return &providers.Error{Kind: providers.Internal, Op: opLock, Err: errors.New("the session is closed")}
	}
	if time.Since(w.checked) < pollInterval {
		return nil
	}
	if _, err := w.holder.exec(ctx, opLock, "SELECT"); err == nil {
		w.checked = time.Now()
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return w.retake(ctx)
}

func (w *writing) retake(ctx context.Context) error {
	s, err := w.dial(ctx)
	if err != nil {
		return pool.WentAway(err)
	}
	r, err := s.one(ctx, opLock, "SELECT pg_try_advisory_lock($1::bigint)", w.keys.run)
	if err == nil && !r.bool(0) {
		err = &providers.Error{Kind: providers.Deposed, Op: opLock, Err: errors.New("the session with the lock was cut off, and another run has the lock now")}
	}
	if err != nil {
		s.close()
		return err
	}
	w.holder.close()
	w.holder, w.checked = s, time.Now() // whether the token is still ours is seen by every transaction
	return nil
}

// Close implements providers.Session.
func (w *writing) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.holder == nil {
		return nil
	}
	if w.holder.idle() { // the server frees a closed session's locks a little later
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_, _ = w.holder.exec(ctx, opLock, "SELECT pg_advisory_unlock_all()")
	}
	w.holder.close()
	w.holder = nil
	return nil
}
