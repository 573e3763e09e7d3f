package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// setting is one that changes what is sent, read or locked, so that no session is left
// to what a role, a database or the server's configuration says.
type setting struct {
	name, value, why string
	when             moment
	keep             []string // values that do as well
	sourceOnly       bool
}

// moment says when a setting is pinned.
type moment int

const (
	// atStart: sent with the connection request, so that it is the value that RESET returns to.
	atStart moment = iota
	// connected: later, because not every version has it or because the server's own value matters too.
	connected
	// privileged: later, and only a superuser may. Another value that the role may not change is refused.
	privileged
)

// startSettings are sent with the connection request.
func startSettings(application string, as role) map[string]string {
	out := map[string]string{"application_name": application}
	for _, p := range pinnedSettings() {
		if p.when == atStart && (as == source || !p.sourceOnly) {
			out[p.name] = p.value
		}
	}
	return out
}

// pinSQL sets what can only be set once connected, and what a pooler has kept from the
// server. $1 names, $2 values, $3 values that do as well, $4 moments: 0 atStart, 1 connected, 2 privileged.
const pinSQL = `
SELECT set_config(v.name, CASE WHEN current_setting(v.name) = ANY (string_to_array(v.keep, ' ')) THEN current_setting(v.name) ELSE v.value END, false)
FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) v(name, value, keep, moment)
WHERE current_setting(v.name, true) IS NOT NULL
  AND (v.moment = 1 OR current_setting(v.name) <> v.value OR v.moment = 2 AND current_setting('is_superuser') = 'on')`

// pin makes a new session one whose meaning depends on nothing but this package.
func (db *database) pin(ctx context.Context, s *session) error {
	const op = "set up a session"
	var rows [][]string
	for _, p := range pinnedSettings() {
		if db.role == source || !p.sourceOnly {
			rows = append(rows, []string{p.name, p.value, strings.Join(p.keep, " "), formatInt(int64(p.when))})
		}
	}
	err := s.query(ctx, op, pinSQL, columnsOf(4, rows), nil)
	var e *providers.Error
	if errors.As(err, &e) && e.Code == "42501" {
		e.Fix = "A superuser has changed it for this role, this database or the server, which would change what is " +
			"read or written. Revert it with ALTER ROLE ... RESET or ALTER DATABASE ... RESET."
	}
	return err
}

// undecidedSettings finds settings that somebody has changed and that this version knows
// nothing about: those of a newer server or of an extension.
func (db *database) undecidedSettings(ctx context.Context, s *session, _ []*catalog.Table) ([]providers.Finding, error) {
	var known []string
	for _, p := range pinnedSettings() {
		known = append(known, p.name)
	}
	for _, g := range harmlessSettings() {
		known = append(known, strings.Fields(g.names)...)
	}
	var changed []string
	err := s.query(ctx, opPreflight, `SELECT name FROM pg_settings WHERE context IN ('user','superuser','backend','superuser-backend')
AND setting IS DISTINCT FROM boot_val AND source NOT IN ('default', 'override', 'client', 'environment variable')
AND name <> ALL ($1::text[]) ORDER BY name COLLATE "C"`,
		[]string{textArray(known)}, func(r row) error {
			changed = append(changed, r.text(0))
			return nil
		})
	if err != nil || len(changed) == 0 {
		return nil, err
	}
	return []providers.Finding{{Summary: "Settings unknown to dmoctl",
		Detail: "On the " + string(db.role) + ", " + listed(
			changed,
		) + " differ from the server's built-in defaults. If one changes what a query returns or stores, reset it for the role that dmoctl connects as."}}, nil
}

// writable says by name what keeps a target from being written to; dmoctl does not override it.
func writable(ctx context.Context, s *session, _ []*catalog.Table) ([]providers.Finding, error) {
	r, err := s.one(ctx, opPreflight, "SELECT current_setting('default_transaction_read_only'), pg_is_in_recovery(), current_user, current_database()")
	if err != nil {
		return nil, err
	}
	switch {
	case r.bool(1):
		return []providers.Finding{
			{Stop: true, Summary: "The target is a standby", Detail: "A standby accepts no writes. Name its primary in the target block."},
		}, nil
	case r.text(0) == "on":
		return []providers.Finding{{Stop: true, Summary: "The target is read-only",
			Detail: fmt.Sprintf("default_transaction_read_only is on for role %s in database %s. It protects the database, so dmoctl does not override it. "+
				"To allow writes, run ALTER ROLE %s IN DATABASE %s SET default_transaction_read_only = off.",
				r.text(2), r.text(3), quoteIdent(r.text(2)), quoteIdent(r.text(3)))}}, nil
	}
	return nil, nil
}
