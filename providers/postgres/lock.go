package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers/fenced"
	"github.com/dmoctl/dmoctl/providers/pool"
)

// beginWriter says its level: the token is read in a view taken after the lock is held,
// whatever the default is. Under repeatable read the first statement, which waits for
// the lock, would fix the view, and a fenced run would find its own token.
const beginWriter = "BEGIN ISOLATION LEVEL READ COMMITTED NOT DEFERRABLE"

// lockKeys are the advisory locks of one migration, which the server keeps per database.
type lockKeys struct {
	run   string // held by the run's own session for as long as it lives
	token string // shared by transactions that write under the token, exclusive for who has renewed it
}

func keysOf(migration string) lockKeys {
	return lockKeys{run: lockKey("run", migration), token: lockKey("token", migration)}
}

func lockKey(what, migration string) string {
	sum := sha256.Sum256([]byte("dmoctl/" + what + "/" + migration))
	return formatInt(int64(binary.BigEndian.Uint64(sum[:8])))
}

// holder is a session with the run's lock.
type holder struct {
	*session
	target *target
	keys   lockKeys
	begin  string // what begins a transaction that writes
	name   string
	forms  *forms
}

// Hold implements fenced.Engine.
func (t *target) Hold(ctx context.Context, run ledger.Run) (fenced.Holder[*txn], error) {
	s, err := t.dial(ctx)
	if err != nil {
		return nil, pool.WentAway(err)
	}
	keys := keysOf(run.Migration)
	r, err := s.one(ctx, opLock, `SELECT pg_try_advisory_lock($1::bigint),
  (SELECT to_char(backend_start, 'YYYY-MM-DD HH24:MI:SS.US') FROM pg_stat_activity WHERE pid = pg_backend_pid())`, keys.run)
	if err == nil && !r.bool(0) {
		err = fenced.Locked(nil)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	h := &holder{session: s, target: t, keys: keys, name: formatInt(int64(s.pg.PID())), forms: newForms()}
	if !r.null(1) {
		h.name += " " + r.text(1)
	}
	// The shared lock comes first, in a statement of its own, so that the token is read after it is held.
	h.begin = beginWriter + "; SELECT pg_advisory_xact_lock_shared(" + keys.token + "); " +
		"SELECT token FROM " + ledgerTable(fenced.Run()) + " WHERE migration = " + quoteLiteral(run.Migration)
	return h, nil
}

// Begin implements fenced.Holder.
func (h *holder) Begin(ctx context.Context, op string, how fenced.Mode) (*txn, string, error) {
	if how != fenced.Renew {
		return h.target.begin(ctx, op, h.begin, h.forms)
	}
	err := h.target.with(ctx, func(s *session) error {
		exists, err := ledgerExists(ctx, s)
		if err == nil && !exists {
			err = makeLedger(ctx, s)
		}
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return h.target.begin(ctx, op, beginWriter, nil)
}

// Exclude implements fenced.Holder: nobody has the token's lock in shared mode.
func (h *holder) Exclude(ctx context.Context) error {
	r, err := h.one(ctx, opLock, "SELECT pg_try_advisory_xact_lock($1::bigint)", h.keys.token)
	if err == nil && !r.bool(0) {
		err = fenced.ErrBusy
	}
	return err
}

// Alive implements fenced.Holder.
func (h *holder) Alive(ctx context.Context) error {
	_, err := h.exec(ctx, opLock, "SELECT")
	return err
}

// Session implements fenced.Holder.
func (h *holder) Session() string { return h.name }

// Close implements fenced.Holder.
func (h *holder) Close() error {
	if h.idle() { // the server frees a closed session's locks a little later
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_, _ = h.exec(ctx, opLock, "SELECT pg_advisory_unlock_all()")
	}
	h.close()
	return nil
}
