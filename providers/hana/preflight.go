package hana

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

const opPreflight = "preflight"

// check is one question of the preflight.
type check struct {
	about string
	run   func(context.Context, *session, []*catalog.Table) ([]providers.Finding, error)
}

// Preflight implements providers.Database. A view that the user may not read is a finding, and
// does not stop.
func (db *database) Preflight(ctx context.Context, tables []*catalog.Table) ([]providers.Finding, error) {
	checks := []check{{"the licence", licence}, {"privileges", db.privileges}, {"triggers", triggers}, {"memory", memoryLeft}, {"the disks", disksLeft},
		{"blocked transactions", blocked}, {"the number of sessions", db.sessionsLeft}}
	var out []providers.Finding
	err := db.with(ctx, func(s *session) error {
		for _, c := range checks {
			found, err := c.run(ctx, s, tables)
			if hasCode(err, codeNoPrivilege, codeNoTable, 260) {
				found, err = []providers.Finding{{Summary: "The target could not be checked: " + c.about,
					Detail: fmt.Sprintf("The view does not exist, or the user cannot read it: %v. To enable the check, grant CATALOG READ.", err)}}, nil
			}
			if err != nil {
				return err
			}
			out = append(out, found...)
		}
		return nil
	})
	return out, err
}

// triggers stops where a trigger would act on rows that are loaded. TRUNCATE fires none.
func triggers(ctx context.Context, s *session, tables []*catalog.Table) ([]providers.Finding, error) {
	wanted := make(map[catalog.Name]bool)
	for _, t := range tables {
		wanted[t.Name] = true
	}
	var found []string
	err := s.query(ctx, opPreflight, `SELECT "SCHEMA_NAME", "TRIGGER_NAME", "SUBJECT_TABLE_SCHEMA", "SUBJECT_TABLE_NAME" FROM "SYS"."TRIGGERS"
WHERE "IS_ENABLED" = 'TRUE' AND "TRIGGER_EVENT" <> 'UPDATE' ORDER BY "SCHEMA_NAME", "TRIGGER_NAME"`, nil, func(r row) error {
		if on := (catalog.Name{Schema: r.text(2), Name: r.text(3)}); wanted[on] {
			found = append(found, fmt.Sprintf("%s on %s", catalog.Name{Schema: r.text(0), Name: r.text(1)}, on))
		}
		return nil
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	const most = 20
	more := ""
	if n := len(found) - most; n > 0 {
		found, more = found[:most], fmt.Sprintf(" and %d more", n)
	}
	return []providers.Finding{{Stop: true, Summary: "Target tables have triggers",
		Detail: "These would act on rows while they are loaded: " + strings.Join(
			found,
			", ",
		) + more + ". Disable them with ALTER TABLE ... DISABLE TRIGGER, and re-enable them after the migration."}}, nil
}

func licence(ctx context.Context, s *session, _ []*catalog.Table) ([]providers.Finding, error) {
	var out []providers.Finding
	err := s.query(ctx, opPreflight, `SELECT "VALID", "LOCKED_DOWN", "EXPIRATION_DATE" FROM "SYS"."M_LICENSE"`, nil, func(r row) error {
		expires, limited := r[2].(time.Time)
		switch {
		case r.is(1, "TRUE"):
			out = append(
				out,
				providers.Finding{
					Stop:    true,
					Summary: "The target is locked down",
					Detail:  "Without a valid licence it allows nothing but installing one. Install a valid licence.",
				},
			)
		case r.is(0, "FALSE"):
			out = append(
				out,
				providers.Finding{
					Summary: "The target's licence is not valid",
					Detail:  "SAP HANA may lock itself down during the migration. Install a valid licence.",
				},
			)
		case limited && time.Until(expires) < 14*24*time.Hour:
			out = append(
				out,
				providers.Finding{
					Summary: "The target's licence expires soon",
					Detail:  "It expires on " + expires.Format(time.DateOnly) + ". Install a new one before then.",
				},
			)
		}
		return nil
	})
	return out, err
}

// privileges checks that the user may make and fill the ledger and the tables' schemas.
func (db *database) privileges(ctx context.Context, s *session, tables []*catalog.Table) ([]providers.Finding, error) {
	has := make(map[string]bool) // "PRIVILEGE" of the system, "SCHEMA.PRIVILEGE" of a schema
	err := s.query(
		ctx,
		opPreflight,
		`SELECT "OBJECT_TYPE", "SCHEMA_NAME", "PRIVILEGE" FROM "SYS"."EFFECTIVE_PRIVILEGES" WHERE "USER_NAME" = `+quoteLiteral(db.user)+
			` AND "IS_VALID" = 'TRUE'
AND "OBJECT_TYPE" IN ('SYSTEMPRIVILEGE', 'SCHEMA')`,
		nil,
		func(r row) error {
			if r.is(0, "SCHEMA") {
				has[r.text(1)+"."+r.text(2)] = true
			} else {
				has[r.text(2)] = true
			}
			return nil
		},
	)
	if err != nil {
		return nil, err
	}
	owners := make(map[string]string)
	err = s.query(
		ctx,
		opPreflight,
		`SELECT "SCHEMA_NAME", "SCHEMA_OWNER" FROM "SYS"."SCHEMAS"`,
		nil,
		func(r row) error { owners[r.text(0)] = r.text(1); return nil },
	)
	if err != nil {
		return nil, err
	}
	wanted := []string{ledgerSchema, db.schema}
	for _, t := range tables {
		if !slices.Contains(wanted, t.Schema) {
			wanted = append(wanted, t.Schema)
		}
	}
	slices.Sort(wanted)
	var out []providers.Finding
	for _, schema := range slices.Compact(wanted) {
		if missing := db.missing(schema, owners, has); len(missing) > 0 {
			out = append(out, providers.Finding{Stop: true, Summary: "Privileges on a schema are missing",
				Detail: fmt.Sprintf(
					"For schema %s the user %s lacks %s. Grant it; docs/providers/hana.md has the statements.",
					schema,
					db.user,
					strings.Join(missing, ", "),
				)})
		}
	}
	if db.user == administrator {
		out = append(out, providers.Finding{Review: true, Summary: "The user is SYSTEM",
			Detail: "It can do anything on the target, and so can every expression and trigger that runs while " +
				"rows are loaded. Load as a dedicated user; docs/providers/hana.md has the statements."})
	}
	if !has["CATALOG READ"] {
		out = append(out, providers.Finding{Summary: "The user sees only its own objects",
			Detail: "Without CATALOG READ, tables and sessions of other users are not visible. Grant CATALOG READ."})
	}
	if !has["SESSION ADMIN"] {
		out = append(out, providers.Finding{Summary: "The user cannot end sessions",
			Detail: "Without SESSION ADMIN neither state unlock nor a run that takes over can end the sessions of " +
				"a dead client; an administrator must do so. Grant SESSION ADMIN."})
	}
	return out, nil
}

func (db *database) missing(schema string, owners map[string]string, has map[string]bool) (out []string) {
	owner, exists := owners[schema]
	if !exists {
		if !has["CREATE SCHEMA"] {
			out = append(out, "CREATE SCHEMA")
		}
		return out
	}
	if owner == db.user {
		return nil
	}
	for _, p := range []string{"CREATE ANY", "SELECT", "INSERT", "UPDATE", "DELETE"} {
		if !has[schema+"."+p] {
			out = append(out, p)
		}
	}
	return out
}

// compressed is by how much a column store is smaller than the rows of a row store, to be
// careful (assumption; it is more for SAP's tables).
const compressed = 3

func expected(tables []*catalog.Table) (bytes int64) {
	for _, t := range tables {
		bytes += max(t.Bytes, 0) / compressed
	}
	return bytes
}

func memoryLeft(ctx context.Context, s *session, tables []*catalog.Table) ([]providers.Finding, error) {
	var left int64
	err := s.query(
		ctx,
		opPreflight,
		`SELECT "ALLOCATION_LIMIT", "INSTANCE_TOTAL_MEMORY_USED_SIZE" FROM "SYS"."M_HOST_RESOURCE_UTILIZATION"`,
		nil,
		func(r row) error {
			left += max(r.int(0)-r.int(1), 0)
			return nil
		},
	)
	if want := expected(tables); err == nil && want > left {
		return []providers.Finding{{Summary: "The target may run out of memory",
			Detail: fmt.Sprintf(
				"The tables may take %s of memory, a third of their size on the source; %s are left below the "+
					"allocation limit. SAP HANA unloads unused data, but a load needs the delta in memory.",
				gigabytes(want),
				gigabytes(left),
			)}}, nil
	}
	return nil, err
}

func disksLeft(ctx context.Context, s *session, tables []*catalog.Table) ([]providers.Finding, error) {
	var out []providers.Finding
	want := expected(tables)
	err := s.query(
		ctx,
		opPreflight,
		`SELECT "USAGE_TYPE", "TOTAL_SIZE", "USED_SIZE" FROM "SYS"."M_DISKS" WHERE "USAGE_TYPE" IN ('DATA', 'LOG')`,
		nil,
		func(r row) error {
			left := r.int(1) - r.int(2)
			switch {
			case r.is(0, "DATA") && r.int(1) > 0 && left < want:
				out = append(out, providers.Finding{Summary: "The target's data disk may run full",
					Detail: fmt.Sprintf("The tables may take %s, a third of their size on the source; %s are left.", gigabytes(want), gigabytes(left))})
			case r.is(0, "LOG") && r.int(1) > 0 && left*10 < r.int(1):
				out = append(out, providers.Finding{Summary: "The target's log disk is nearly full",
					Detail: fmt.Sprintf("%s are left. A load writes as much log as data; run log backups often, or the server stops.", gigabytes(left))})
			}
			return nil
		},
	)
	return out, err
}

func gigabytes(n int64) string { return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30)) }

func blocked(ctx context.Context, s *session, _ []*catalog.Table) ([]providers.Finding, error) {
	n, err := count(ctx, s, opPreflight, `SELECT COUNT(*) FROM "SYS"."M_BLOCKED_TRANSACTIONS"`)
	if err != nil || n == 0 {
		return nil, err
	}
	return []providers.Finding{{Summary: "Transactions are blocked on the target",
		Detail: fmt.Sprintf("%d transactions are waiting for locks. SYS.M_BLOCKED_TRANSACTIONS shows who holds them.", n)}}, nil
}

// sessionsLeft compares what the run wants with what the server takes.
func (db *database) sessionsLeft(ctx context.Context, s *session, _ []*catalog.Table) ([]providers.Finding, error) {
	r, err := s.one(ctx, opPreflight, `SELECT "VALUE" FROM "SYS"."M_SYSTEM_LIMITS" WHERE "NAME" = 'MAXIMUM_NUMBER_OF_SESSIONS'`)
	if err != nil || r == nil || r.int(0) == 0 {
		return nil, err
	}
	used, err := count(ctx, s, opPreflight, `SELECT COUNT(*) FROM "SYS"."M_CONNECTIONS" WHERE `+aliveStatus)
	if err != nil {
		return nil, err
	}
	want := int64(max(db.env.Readers, db.env.Writers) + 3) // and one that holds the lock, two for questions
	if used+want <= r.int(0) {
		return nil, nil
	}
	return []providers.Finding{{Stop: true, Summary: "Too few sessions on the target",
		Detail: fmt.Sprintf(
			"The run needs %d sessions; the server allows %d and has %d in use. Lower processes, or raise max_sessions.",
			want,
			r.int(0),
			used,
		)}}, nil
}
