package hana

import (
	"context"
	"errors"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers/fenced"
)

const (
	opLock       = "lock target"
	opRecord     = "write ledger"
	opClaim      = "claim packages"
	opReload     = "empty tables"
	migrationKey = "DMO_MIGRATION" // session variable of sessions that load packages
)

// holder is a session with the run's lock. HANA has no advisory locks, and cancelling a client
// tells the server nothing. So every lock is a row of LOCKS that is never changed, and is asked
// for without waiting on the server:
//
//   - The run's row is locked by a transaction of the holder's session, which does nothing else and
//     ends with it: by Close, by the client's death, by ALTER SYSTEM DISCONNECT SESSION.
//   - The packages' row is locked in shared mode by every transaction that writes. Who has renewed
//     the token asks for that row exclusively until it is free, and gives it back.
type holder struct {
	*session
	target    *target
	migration string
	name      string
}

// loading are the settings of sessions that write under the token.
func (h *holder) loading() settings {
	how := h.target.plain()
	how.migration = h.migration
	return how
}

// lockRow spells the statement that locks a row of LOCKS. The migration stands in the text: it
// is one statement a migration, and costs one round trip.
func lockRow(migration, kind, how string) string {
	return `SELECT "KIND" FROM ` + locksTable + ` WHERE "MIGRATION" = ` + quoteLiteral(migration) +
		` AND "KIND" = ` + quoteLiteral(kind) + " FOR " + how
}

// Hold implements fenced.Engine.
func (t *target) Hold(ctx context.Context, run ledger.Run) (fenced.Holder[*txn], error) {
	if err := t.makeLedger(ctx, run.Migration); err != nil {
		return nil, err
	}
	s, err := t.dial(ctx, t.plain())
	if err != nil {
		return nil, err
	}
	h := &holder{session: s, target: t, migration: run.Migration}
	h.name, err = identify(ctx, s)
	if err == nil {
		err = s.begin(ctx, opLock, false)
	}
	if err == nil {
		_, err = s.one(ctx, opLock, lockRow(run.Migration, lockRun, "UPDATE NOWAIT"))
	}
	if err == nil {
		return h, nil
	}
	s.close()
	if hasCode(err, codeBusy) {
		err = fenced.Locked(nil)
	}
	return nil, err
}

// Begin implements fenced.Holder. The shared lock comes first, in a statement of its own, so that the token is
// read after who has it exclusively has ended.
func (h *holder) Begin(ctx context.Context, op string, how fenced.Mode) (*txn, string, error) {
	s, err := h.target.pool.Get(ctx, h.loading())
	if err != nil {
		return nil, "", err
	}
	tx := &txn{session: s, db: h.target.database}
	token, err := h.start(ctx, s, op, how)
	if err != nil {
		_ = tx.Rollback() // the first error is the one that counts
		return nil, "", err
	}
	return tx, token, nil
}

func (h *holder) start(ctx context.Context, s *session, op string, how fenced.Mode) (string, error) {
	if err := s.begin(ctx, op, false); err != nil || how == fenced.Renew {
		return "", err
	}
	if how == fenced.Define {
		if err := s.holdDDL(ctx, op); err != nil {
			return "", err
		}
	}
	locked, err := s.one(ctx, op, lockRow(h.migration, lockPackages, "SHARE LOCK"))
	if err != nil || locked == nil {
		return "", err
	}
	sql := `SELECT "TOKEN" FROM ` + ledgerTable(fenced.Run()) + ` WHERE "MIGRATION" = ` + quoteLiteral(h.migration)
	r, err := s.one(ctx, op, sql)
	if err != nil || r == nil {
		return "", err
	}
	return r.text(0), nil
}

// Exclude implements fenced.Holder: nobody has the packages' row in shared mode.
func (h *holder) Exclude(ctx context.Context) error {
	return h.target.with(ctx, func(s *session) error {
		if err := s.begin(ctx, opLock, false); err != nil {
			return err
		}
		_, err := s.one(ctx, opLock, lockRow(h.migration, lockPackages, "UPDATE NOWAIT"))
		if hasCode(err, codeBusy) {
			err = fenced.ErrBusy
		}
		return errors.Join(err, s.rollback())
	})
}

// Alive implements fenced.Holder.
func (h *holder) Alive(ctx context.Context) error {
	h.wire.within(controlTime)
	_, err := h.one(ctx, opLock, `SELECT CURRENT_CONNECTION FROM "SYS"."DUMMY"`)
	if err == nil {
		h.wire.within(0)
	}
	return err
}

// Session implements fenced.Holder.
func (h *holder) Session() string { return h.name }

// Close implements fenced.Holder.
func (h *holder) Close() error {
	_ = h.rollback() // the server frees a closed session's locks a little later
	h.close()
	return nil
}
