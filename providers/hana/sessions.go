package hana

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// Blockers implements fenced.Engine.
func (t *target) Blockers(ctx context.Context, migration, owner string) (string, error) {
	var names []string
	err := t.with(ctx, func(s *session) error {
		busy, err := packageSessions(ctx, s, migration)
		for _, c := range busy {
			names = append(names, fmt.Sprintf("session %d of %s (pid %d), open since %s", c.id, c.host, c.pid, c.since))
		}
		return err
	})
	if err != nil {
		return "", err
	}
	if len(names) == 0 {
		names = []string{"of sessions that this user cannot see"}
	}
	return "package transactions of " + owner + ": " + strings.Join(names, "; "), nil
}

// Terminate implements fenced.Engine: it disconnects the sessions, and waits until the server
// shows none of them any more.
func (t *target) Terminate(ctx context.Context, run *ledger.Run, lock bool) (n int, err error) {
	err = t.with(ctx, func(s *session) error {
		n, err = endSessions(ctx, s, run, lock)
		return err
	})
	if err != nil {
		err = &providers.Error{Kind: providers.KindOf(err), Op: "end sessions", Err: err,
			Fix: "Grant the user SESSION ADMIN, or let an administrator disconnect these sessions."}
	}
	return n, err
}

func endSessions(ctx context.Context, s *session, run *ledger.Run, lock bool) (int, error) {
	most := 0
	for range 10 {
		busy, err := packageSessions(ctx, s, run.Migration)
		if err == nil && lock {
			var holders []connection
			holders, err = aliveSessions(ctx, s, run.Sessions)
			busy = append(busy, holders...)
		}
		if err != nil || len(busy) == 0 {
			return most, err
		}
		most = max(most, len(busy))
		for _, c := range busy {
			if err := disconnect(ctx, s, c.id); err != nil {
				return most, err
			}
		}
		select {
		case <-ctx.Done():
			return most, ctx.Err()
		case <-time.After(time.Second / 2):
		}
	}
	return most, errors.New("the sessions have not ended within 5 s")
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
FROM "SYS"."M_SESSION_CONTEXT" s JOIN "SYS"."M_CONNECTIONS" c ON c."CONNECTION_ID" = s."CONNECTION_ID"
JOIN "SYS"."M_TRANSACTIONS" t ON t."CONNECTION_ID" = s."CONNECTION_ID"
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
		err := s.query(
			ctx,
			opLock,
			`SELECT "CONNECTION_ID", "START_TIME" FROM "SYS"."M_CONNECTIONS" WHERE "CONNECTION_ID" = ? AND `+aliveStatus,
			[]any{id},
			func(r row) error {
				if r.text(0)+" "+r.text(1) == name {
					out = append(out, connection{id: id})
				}
				return nil
			},
		)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// disconnect ends a session; one that is gone already is not an error. It needs SESSION ADMIN.
func disconnect(ctx context.Context, s *session, id int64) error {
	_, err := s.exec(ctx, "end a session", "ALTER SYSTEM DISCONNECT SESSION "+quoteLiteral(formatInt(id)))
	if hasCode(err, codeNoSession) {
		return nil
	}
	return err
}
