package hana

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

const (
	opLock       = "lock target"
	patience     = 60 * time.Second // with package transactions of an older run, before they are ended
	pollInterval = time.Second
	migrationKey = "DMO_MIGRATION" // session variable of sessions that load packages
)

// writing is the right to write. It is safe for concurrent use.
//
// HANA has no advisory locks, and cancelling a client tells the server nothing. So every lock is
// a row of LOCKS that is never changed, and is asked for without waiting on the server:
//
//   - The run's row is locked by a transaction of the holder's session, which does nothing else and
//     ends with it: by Close, by the client's death, by ALTER SYSTEM DISCONNECT SESSION.
//   - The packages' row is locked in shared mode by every transaction that writes. Who takes over
//     renews the token first, in a row of its own, so that later transactions of the older run end by
//     themselves and cannot starve it; then it takes that row exclusively, which waits for
//     those that had compared the older token, and gives it back.
type writing struct {
	*target
	run ledger.Run

	mu      sync.Mutex // guards what follows
	holder  *session   // holds the run's lock; nil once closed
	checked time.Time  // when holder was last seen alive
}

// loading are the settings of sessions that write under the token.
func (w *writing) loading() settings {
	how := w.plain()
	how.migration = w.run.Migration
	return how
}

// lockRow spells the statement that locks a row of LOCKS. The migration stands in the text: it
// is one statement a migration, and costs one round trip.
func lockRow(migration, kind, how string) string {
	return `SELECT "KIND" FROM "DMO"."LOCKS" WHERE "MIGRATION" = ` + quoteLiteral(migration) + ` AND "KIND" = ` + quoteLiteral(kind) + " FOR " + how
}

// take gets the run's lock on a session of its own, or says who has it.
func (w *writing) take(ctx context.Context) (*session, error) {
	s, err := w.dial(ctx, w.plain())
	if err != nil {
		return nil, err
	}
	if err := s.begin(ctx, opLock, false); err != nil {
		s.close()
		return nil, err
	}
	_, err = s.one(ctx, opLock, lockRow(w.run.Migration, lockRun, "UPDATE NOWAIT"))
	if err == nil {
		return s, nil
	}
	defer s.close()
	if hasCode(err, codeBusy) {
		return nil, w.lockedBy(ctx)
	}
	return nil, err
}

// lockedBy says who has the lock, as far as the ledger knows.
func (w *writing) lockedBy(ctx context.Context) error {
	e := &providers.Error{Kind: providers.Locked, Op: opLock, Err: errors.New("another run holds the lock"),
		Fix: "Wait until it has ended, or end it with dmoctl state unlock ID."}
	err := w.with(ctx, func(s *session) error {
		run, err := readRun(ctx, s, w.run.Migration)
		if run != nil {
			e.Owner = &run.Owner
			e.Err = fmt.Errorf("run %s of %s@%s (pid %d) holds the lock", run.Owner.ID, run.Owner.User, run.Owner.Host, run.Owner.PID)
		}
		return err
	})
	if err != nil {
		return err
	}
	return e
}

// renew writes the new token, and returns once no package transaction of an older run is left.
func (w *writing) renew(ctx context.Context, wait func(string)) error {
	id, err := identify(ctx, w.holder)
	if err != nil {
		return err
	}
	var older *ledger.Run
	err = w.with(ctx, func(s *session) error {
		if err := s.begin(ctx, opLock, false); err != nil {
			return err
		}
		err := func() (err error) {
			run := w.run
			// A lock renews token and owner; what the run stands for is written by Record.
			if older, err = readRun(ctx, s, run.Migration); err != nil {
				return err
			}
			if older != nil {
				run = *older
				run.Token, run.Owner = w.run.Token, w.run.Owner
			}
			run.Sessions = []string{id}
			if err := writeRun(ctx, s, &run); err != nil {
				return err
			}
			w.run = run
			return s.commit(ctx, opLock)
		}()
		if err != nil {
			_ = s.rollback() // the first error is the one that counts
		}
		return err
	})
	if err != nil {
		return err
	}
	return w.exclude(ctx, older, wait)
}

// exclude waits until no transaction holds the packages' row in shared mode.
func (w *writing) exclude(ctx context.Context, older *ledger.Run, wait func(string)) error {
	started, said, terminated := time.Now(), time.Time{}, false
	for pause := pollInterval / 50; ; pause = min(2*pause, pollInterval/2) {
		free, err := w.tryExclude(ctx)
		if err != nil || free {
			return err
		}
		if time.Since(said) >= pollInterval {
			said = time.Now()
			if err := w.tellWait(ctx, older, wait); err != nil {
				return err
			}
		}
		if !terminated && time.Since(started) > w.patience {
			terminated = true
			_ = w.with(ctx, func(s *session) error { return w.endPackages(ctx, s) }) // else the wait goes on, and says so
		}
		select {
		case <-ctx.Done():
			return wrap(opLock, ctx.Err())
		case <-time.After(pause):
		}
	}
}

func (w *writing) tryExclude(ctx context.Context) (free bool, err error) {
	err = w.with(ctx, func(s *session) error {
		if err := s.begin(ctx, opLock, false); err != nil {
			return err
		}
		_, err := s.one(ctx, opLock, lockRow(w.run.Migration, lockPackages, "UPDATE NOWAIT"))
		free = err == nil
		if hasCode(err, codeBusy) {
			err = nil
		}
		return errors.Join(err, s.rollback())
	})
	return free, err
}

func (w *writing) endPackages(ctx context.Context, s *session) error {
	busy, err := packageSessions(ctx, s, w.run.Migration)
	for _, c := range busy {
		err = errors.Join(err, disconnect(ctx, s, c.id))
	}
	return err
}

// tellWait names the sessions in the way and the run that they belong to.
func (w *writing) tellWait(ctx context.Context, older *ledger.Run, wait func(string)) error {
	if wait == nil {
		return nil
	}
	owner := "an older run"
	if older != nil {
		owner = fmt.Sprintf("run %s of %s@%s (pid %d)", older.Owner.ID, older.Owner.User, older.Owner.Host, older.Owner.PID)
	}
	var names []string
	err := w.with(ctx, func(s *session) error {
		busy, err := packageSessions(ctx, s, w.run.Migration)
		for _, c := range busy {
			names = append(names, fmt.Sprintf("session %d of %s (pid %d), open since %s", c.id, c.host, c.pid, c.since))
		}
		return err
	})
	if err != nil {
		return err
	}
	if len(names) == 0 {
		names = []string{"of sessions that this user cannot see"}
	}
	wait("package transactions of " + owner + ": " + strings.Join(names, "; "))
	return nil
}

// connection is a session as the server shows it.
type connection struct {
	id, pid     int64
	host, since string
}

const aliveStatus = `"CONNECTION_STATUS" IN ('RUNNING', 'IDLE', 'QUEUEING')` // anything else is history

// packageSessions are the sessions that load packages of the migration and have a transaction.
func packageSessions(ctx context.Context, s *session, migration string) (out []connection, err error) {
	err = s.query(ctx, opLock, `SELECT DISTINCT c."CONNECTION_ID", c."CLIENT_HOST", c."CLIENT_PID", t."START_TIME"
FROM "SYS"."M_SESSION_CONTEXT" s JOIN "SYS"."M_CONNECTIONS" c ON c."CONNECTION_ID" = s."CONNECTION_ID" JOIN "SYS"."M_TRANSACTIONS" t ON t."CONNECTION_ID" = s."CONNECTION_ID"
WHERE s."KEY" = '`+migrationKey+`' AND s."VALUE" = ? AND c.`+aliveStatus+` AND t."TRANSACTION_STATUS" <> 'INACTIVE' AND c."CONNECTION_ID" <> CURRENT_CONNECTION
ORDER BY c."CONNECTION_ID"`, []any{migration}, func(r row) error {
		out = append(out, connection{id: r.int(0), host: r.text(1), pid: r.int(2), since: strings.TrimRight(r.text(3), "0.")})
		return nil
	})
	return out, err
}

// identify names a session so that another one that is given its number is not taken for it.
func identify(ctx context.Context, s *session) (string, error) {
	r, err := s.one(ctx, opLock, `SELECT "CONNECTION_ID", "START_TIME" FROM "SYS"."M_CONNECTIONS" WHERE "CONNECTION_ID" = CURRENT_CONNECTION AND `+aliveStatus)
	if err != nil {
		return "", err
	}
	if r == nil {
		return "", &providers.Error{Kind: providers.Permission, Op: opLock, Err: errors.New("the session does not see itself in SYS.M_CONNECTIONS"),
			Fix: "Grant the user CATALOG READ."}
	}
	return r.text(0) + " " + r.text(1), nil
}

// aliveSessions are those of the named sessions that the server still shows.
func aliveSessions(ctx context.Context, s *session, named []string) (out []connection, err error) {
	for _, name := range named {
		var id int64
		if _, err := fmt.Sscan(name, &id); err != nil {
			continue
		}
		err := s.query(ctx, opLock, `SELECT "CONNECTION_ID", "START_TIME" FROM "SYS"."M_CONNECTIONS" WHERE "CONNECTION_ID" = ? AND `+aliveStatus, []any{id}, func(r row) error {
			if r.text(0)+" "+r.text(1) == name {
				out = append(out, connection{id: id})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// disconnect ends a session; one that is gone already is no error. It needs SESSION ADMIN.
func disconnect(ctx context.Context, s *session, id int64) error {
	_, err := s.exec(ctx, "end a session", "ALTER SYSTEM DISCONNECT SESSION "+quoteLiteral(formatInt(id)))
	if hasCode(err, codeNoSession) {
		return nil
	}
	return err
}

// guard starts a transaction that may write: the shared lock comes first, in a statement of
// its own, so that the token is read after an exclusive holder has ended. With ddl, structure
// changes are part of the transaction.
func (w *writing) guard(ctx context.Context, s *session, op string, ddl bool) error {
	if err := s.begin(ctx, op, false); err != nil {
		return err
	}
	if ddl {
		if err := s.holdDDL(ctx, op); err != nil {
			return err
		}
	}
	locked, err := s.one(ctx, op, lockRow(w.run.Migration, lockPackages, "SHARE LOCK"))
	if err != nil {
		return err
	}
	r, err := s.one(ctx, op, `SELECT "TOKEN" FROM "DMO"."RUN" WHERE "MIGRATION" = `+quoteLiteral(w.run.Migration))
	if err != nil {
		return err
	}
	if locked != nil && r != nil && r.is(0, w.run.Token) {
		return nil
	}
	return w.deposed(ctx, s, op)
}

func (w *writing) deposed(ctx context.Context, s *session, op string) error {
	e := &providers.Error{Kind: providers.Deposed, Op: op, Err: errors.New("another run has taken over")}
	if run, err := readRun(ctx, s, w.run.Migration); err == nil && run != nil {
		e.Owner = &run.Owner
	}
	return e
}

// guarded runs f in one transaction under the token.
func (w *writing) guarded(ctx context.Context, op string, ddl bool, f func(*session) error) error {
	if err := w.alive(ctx); err != nil {
		return err
	}
	s, err := w.pool.Get(ctx, w.loading())
	if err != nil {
		return err
	}
	defer w.put(s)
	if err = w.guard(ctx, s, op, ddl); err == nil {
		err = f(s)
	}
	if err != nil {
		_ = s.rollback() // the first error is the one that counts
		return err
	}
	return s.commit(ctx, op)
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
	w.holder.wire.within(controlTime)
	if _, err := w.holder.one(ctx, opLock, `SELECT CURRENT_CONNECTION FROM "SYS"."DUMMY"`); err == nil {
		w.holder.wire.within(0)
		w.checked = time.Now()
		return nil
	}
	if ctx.Err() != nil {
		return wrap(opLock, ctx.Err())
	}
	return w.retake(ctx)
}

// retake gets the run's lock on another session, while the token is still ours.
func (w *writing) retake(ctx context.Context) error {
	s, err := w.take(ctx)
	var e *providers.Error
	if errors.As(err, &e) && e.Kind == providers.Locked {
		return &providers.Error{Kind: providers.Deposed, Op: opLock, Owner: e.Owner, Err: errors.New("the session with the lock was cut off, and another run has the lock now")}
	}
	if err != nil {
		return err
	}
	// Another run may have come and gone meanwhile: the name of the session is written where the token is ours only.
	id, err := identify(ctx, s)
	if err == nil {
		err = w.with(ctx, func(x *session) error {
			n, err := x.bulk(ctx, opLock, `UPDATE "DMO"."RUN" SET "SESSIONS" = ? WHERE "MIGRATION" = ? AND "TOKEN" = ?`,
				[][]any{{`["` + id + `"]`, w.run.Migration, w.run.Token}})
			if err == nil && n == 0 {
				err = w.deposed(ctx, x, opLock)
			}
			return err
		})
	}
	if err != nil {
		s.close()
		return err
	}
	w.holder.close()
	w.holder, w.checked, w.run.Sessions = s, time.Now(), []string{id}
	return nil
}

// Close implements providers.Session.
func (w *writing) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.holder == nil {
		return nil
	}
	_ = w.holder.rollback() // the server frees a closed session's locks a little later
	w.holder.close()
	w.holder = nil
	return nil
}
