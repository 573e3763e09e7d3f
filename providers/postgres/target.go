package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/fenced"
)

const (
	opLock   = "lock target"
	opRecord = "write ledger"
	opClaim  = "claim packages"
	opReload = "empty tables"
	opEnd    = "end sessions"
)

// target is a database that is written to. It is safe for concurrent use.
type target struct {
	*database
	*fenced.Target[*txn]
	maintenanceMemory int64 // bytes; 0 is the server's setting
}

func newTarget(db *database, maintenanceMemory int64) *target {
	t := &target{database: db, maintenanceMemory: maintenanceMemory}
	t.Target = &fenced.Target[*txn]{Engine: t}
	return t
}

// Limits implements providers.Target.
func (t *target) Limits() providers.Limits { return limits() }

// begin runs the statements that begin a transaction on a session of the pool, and returns what the last one says.
func (t *target) begin(ctx context.Context, op, sql string, forms *forms) (*txn, string, error) {
	s, err := t.get(ctx)
	if err != nil {
		return nil, "", err
	}
	tx := &txn{session: s, db: t.database, forms: forms}
	results, err := s.exec(ctx, op, sql)
	if err != nil {
		_ = tx.Rollback() // the first error is the one that counts
		return nil, "", err
	}
	if last := results[len(results)-1].Rows; len(last) == 1 {
		return tx, string(last[0][0]), nil
	}
	return tx, "", nil
}

// View implements fenced.Engine: one snapshot for all tables.
func (t *target) View(ctx context.Context, op string) (tx *txn, there bool, err error) {
	err = t.with(ctx, func(s *session) (err error) { there, err = ledgerExists(ctx, s); return err })
	if err == nil && there {
		tx, _, err = t.begin(ctx, op, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", nil)
	}
	return tx, there && err == nil, err
}

// Blockers implements fenced.Engine.
func (t *target) Blockers(ctx context.Context, migration, owner string) (string, error) {
	var sessions []string
	err := t.with(ctx, func(s *session) error {
		key := []string{"{" + keysOf(migration).token + "}"}
		return s.query(ctx, opLock, holdersSQL+" AND l.mode = 'ShareLock'", key, func(r row) error {
			sessions = append(sessions, fmt.Sprintf("session %s of %q, open since %s", r.text(0), r.text(1), r.text(2)))
			return nil
		})
	})
	if err != nil || len(sessions) == 0 {
		return "", err
	}
	return "package transactions of " + owner + ": " + strings.Join(sessions, "; "), nil
}

// holdersSQL finds the sessions that hold one of the advisory locks $1. A lock
// of 64 bits stands in pg_locks as two halves, with objsubid 1.
const holdersSQL = `
SELECT l.pid, a.application_name, to_char(a.xact_start, 'YYYY-MM-DD HH24:MI:SS')
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND ((l.classid::bigint << 32) | l.objid::bigint) = ANY ($1::bigint[]) AND l.pid <> pg_backend_pid()`

// Terminate implements fenced.Engine. Who holds such a lock now is one of ours, so a process
// id that was used again is never hit.
func (t *target) Terminate(ctx context.Context, run *ledger.Run, lock bool) (n int, err error) {
	keys := keysOf(run.Migration)
	held := keys.token
	if lock {
		held += "," + keys.run
	}
	refusals := 0
	err = t.with(ctx, func(s *session) error {
		sql := "SELECT pg_terminate_backend(h.pid, 5000) FROM (" + holdersSQL + ") h"
		return s.query(ctx, opEnd, sql, []string{"{" + held + "}"}, func(r row) error {
			if n++; !r.bool(0) {
				refusals++
			}
			return nil
		})
	})
	if err == nil && refusals > 0 {
		err = fmt.Errorf("%d sessions have not ended within 5 s", refusals)
	}
	if err != nil {
		err = &providers.Error{Kind: providers.KindOf(err), Op: opEnd, Err: err,
			Fix: "Connect as the role of that run, or as a member of pg_signal_backend."}
	}
	return n, err
}
