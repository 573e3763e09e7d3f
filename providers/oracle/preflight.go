package oracle

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

const opPreflight = "preflight"

// Preflight implements providers.Database. What the user may not see is not checked, and
// said so where it matters.
func (db *database) Preflight(ctx context.Context, tables []*catalog.Table) ([]providers.Finding, error) {
	var out []providers.Finding
	err := db.with(ctx, func(s *session) error {
		for _, check := range []func(context.Context, *session, []*catalog.Table) ([]providers.Finding, error){
			db.unreadable, db.policies, db.redactions, db.sessions, db.inDoubt, db.openTransactions, db.undo, db.movement,
		} {
			found, err := check(ctx, s, tables)
			switch {
			case isCode(err, 904): // the dictionary of another release
				found = []providers.Finding{{Summary: "A check of the source failed", Detail: err.Error() + ". Check it manually."}}
			case err != nil && !hidden(err):
				return err
			}
			out = append(out, found...)
		}
		return nil
	})
	return out, err
}

func (db *database) privileges(ctx context.Context, s *session) (map[string]bool, error) {
	out := make(map[string]bool)
	return out, s.query(ctx, opPreflight, "SELECT PRIVILEGE FROM SESSION_PRIVS", nil, func(r row) error {
		out[r.text(0)] = true
		return nil
	})
}

// unreadable lists tables that the user may not read, or not AS OF an SCN.
func (db *database) unreadable(ctx context.Context, s *session, tables []*catalog.Table) ([]providers.Finding, error) {
	unproven, err := db.unproven(ctx, s, tables)
	if err != nil {
		return nil, err
	}
	asOf := ""
	if !db.cfg.quiet {
		r, err := s.one(ctx, opPreflight, "SELECT DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER FROM DUAL")
		if noPackage(err) {
			r, err = s.one(ctx, opPreflight, "SELECT CURRENT_SCN FROM V$DATABASE")
		}
		if hidden(err) {
			return []providers.Finding{{Stop: true, Summary: "The system change number cannot be read",
				Detail: "A snapshot needs an SCN, which the user is not allowed to read. GRANT EXECUTE ON " +
					"SYS.DBMS_FLASHBACK, or SELECT ON SYS.V_$DATABASE."}}, nil
		}
		if err != nil || r == nil {
			return nil, err
		}
		asOf = " AS OF SCN " + formatInt(r.int(0))
	}
	var denied, noFlashback []string
	for _, t := range unproven {
		_, err := s.one(ctx, opPreflight, "SELECT 1 FROM "+relation(t, nil)+" WHERE 1 = 0")
		if err == nil && asOf != "" {
			if _, err = s.one(ctx, opPreflight, "SELECT 1 FROM "+relation(t, nil)+asOf+" WHERE 1 = 0"); isCode(err, 1031) {
				noFlashback = append(noFlashback, t.Name.String())
				continue
			}
			if isCode(err, 1466) { // altered a moment ago; readable all the same
				err = nil
			}
		}
		switch {
		case hidden(err):
			denied = append(denied, t.Name.String())
		case err != nil:
			return nil, err
		}
	}
	var out []providers.Finding
	if len(denied) > 0 {
		out = append(
			out,
			providers.Finding{
				Stop:    true,
				Summary: "Tables cannot be read",
				Detail:  "The user lacks SELECT on " + listed(denied) + ". Grant it, or SELECT ANY TABLE.",
			},
		)
	}
	if len(noFlashback) > 0 {
		out = append(out, providers.Finding{Stop: true, Summary: "Tables cannot be read in a snapshot",
			Detail: "The user lacks FLASHBACK on " + listed(noFlashback) +
				". Grant it, or FLASHBACK ANY TABLE; or stop all writers and set consistency = \"quiet\"."})
	}
	return out, nil
}

// unproven are the tables whose grants do not show that they can be read; each is tried.
func (db *database) unproven(ctx context.Context, s *session, tables []*catalog.Table) ([]*catalog.Table, error) {
	has, err := db.privileges(ctx, s)
	if err != nil {
		return nil, err
	}
	flashbackAll := db.cfg.quiet || has["FLASHBACK ANY TABLE"]
	readAll := has["SELECT ANY TABLE"] || has["READ ANY TABLE"]
	mine := map[string]bool{db.user: true, "PUBLIC": true}
	if err := s.query(ctx, opPreflight, "SELECT ROLE FROM SESSION_ROLES", nil, func(r row) error { mine[r.text(0)] = true; return nil }); err != nil {
		return nil, err
	}
	var schemas []string
	for _, t := range tables {
		if !slices.Contains(schemas, t.Schema) {
			schemas = append(schemas, t.Schema)
		}
	}
	if len(schemas) == 0 {
		return nil, nil
	}
	read, flashback := make(map[catalog.Name]bool), make(map[catalog.Name]bool)
	err = s.query(ctx, opPreflight, "SELECT TABLE_SCHEMA, TABLE_NAME, GRANTEE, PRIVILEGE FROM ALL_TAB_PRIVS WHERE TABLE_SCHEMA IN ("+quoteLiterals(schemas)+
		") AND PRIVILEGE IN ('SELECT', 'READ', 'FLASHBACK')", nil, func(r row) error {
		if mine[r.text(2)] {
			into := read
			if r.text(3) == "FLASHBACK" {
				into = flashback
			}
			into[nameAt(r, 0, 1)] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []*catalog.Table
	for _, t := range tables {
		proven := (readAll || read[t.Name]) && (flashbackAll || flashback[t.Name])
		if t.Schema != db.user && !proven {
			out = append(out, t)
		}
	}
	return out, nil
}

// policies looks for fine-grained access control, which hides rows without a word.
func (db *database) policies(ctx context.Context, s *session, tables []*catalog.Table) ([]providers.Finding, error) {
	has, err := db.privileges(ctx, s)
	if err != nil || has["EXEMPT ACCESS POLICY"] || len(tables) == 0 {
		return nil, err
	}
	wanted, schemas := namesAndSchemas(tables)
	var hiding []string
	err = s.query(ctx, opPreflight, "SELECT OBJECT_OWNER, OBJECT_NAME, POLICY_NAME FROM "+db.view("POLICIES")+" WHERE OBJECT_OWNER IN ("+quoteLiterals(schemas)+
		") AND ENABLE = 'YES' AND SEL = 'YES'", nil, func(r row) error {
		if n := nameAt(r, 0, 1); wanted[n] {
			hiding = append(hiding, n.String())
		}
		return nil
	})
	if err != nil || len(hiding) == 0 {
		return nil, err
	}
	return []providers.Finding{{Stop: true, Summary: "Row security hides rows",
		Detail: "Policies (DBMS_RLS) apply to the user on " + listed(hiding) + ". GRANT EXEMPT ACCESS POLICY to the user."}}, nil
}

func namesAndSchemas(tables []*catalog.Table) (names map[catalog.Name]bool, schemas []string) {
	names = make(map[catalog.Name]bool)
	for _, t := range tables {
		names[t.Name] = true
		if !slices.Contains(schemas, t.Schema) {
			schemas = append(schemas, t.Schema)
		}
	}
	return names, schemas
}

// redactions looks for Data Redaction, which shows other values than those that are stored,
// the owner included. What is redacted is known to readers of the dictionary only: whoever is
// neither exempt nor may look could copy masks and find them equal.
func (db *database) redactions(ctx context.Context, s *session, tables []*catalog.Table) ([]providers.Finding, error) {
	has, err := db.privileges(ctx, s)
	if err != nil || has["EXEMPT REDACTION POLICY"] || len(tables) == 0 {
		return nil, err
	}
	wanted, schemas := namesAndSchemas(tables)
	in := "OBJECT_OWNER IN (" + quoteLiterals(schemas) + ")"
	enabled := make(map[catalog.Name]bool)
	var masked []string
	err = s.query(ctx, opPreflight, "SELECT OBJECT_OWNER, OBJECT_NAME FROM SYS.REDACTION_POLICIES WHERE "+in+" AND ENABLE LIKE 'Y%'", nil, func(r row) error {
		enabled[nameAt(r, 0, 1)] = true
		return nil
	})
	if err == nil {
		err = s.query(
			ctx,
			opPreflight,
			"SELECT OBJECT_OWNER, OBJECT_NAME, COLUMN_NAME FROM SYS.REDACTION_COLUMNS WHERE "+in+" ORDER BY OBJECT_OWNER, OBJECT_NAME, COLUMN_NAME",
			nil,
			func(r row) error {
				if n := nameAt(r, 0, 1); wanted[n] && enabled[n] {
					masked = append(masked, n.String()+"."+r.text(2))
				}
				return nil
			},
		)
	}
	if hidden(err) {
		return []providers.Finding{{Stop: true, Summary: "Redaction cannot be seen",
			Detail: "The user cannot see whether columns are redacted (DBMS_REDACT), so masks could be copied " +
				"instead of values. GRANT SELECT_CATALOG_ROLE, or SELECT ON SYS.REDACTION_POLICIES and " +
				"SYS.REDACTION_COLUMNS, or EXEMPT REDACTION POLICY to the user."}}, nil
	}
	if err != nil || len(masked) == 0 {
		return nil, err
	}
	return []providers.Finding{{Stop: true, Summary: "Redaction masks values",
		Detail: "Policies (DBMS_REDACT) apply to the user on " + listed(masked) + ". GRANT EXEMPT REDACTION POLICY to the user."}}, nil
}

// sessions compares what the run wants with what the instance has left.
func (db *database) sessions(ctx context.Context, s *session, _ []*catalog.Table) ([]providers.Finding, error) {
	most, err := strconv.ParseInt(db.parameters["sessions"], 10, 64)
	if err != nil {
		return nil, nil //nolint:nilerr // the user may not see the parameter
	}
	r, err := s.one(ctx, opPreflight, "SELECT COUNT(*) FROM V$SESSION")
	if err != nil || r == nil {
		return nil, err
	}
	want := int64(db.env.Readers + 1) // and one for questions
	if left := most - r.int(0); left < want {
		return []providers.Finding{{Stop: true, Summary: "Too few sessions on the source",
			Detail: fmt.Sprintf("The run needs %d sessions, but the instance has %d left. Raise sessions, or lower processes.", want, max(left, 0))}}, nil
	}
	return nil, nil
}

func (db *database) inDoubt(ctx context.Context, s *session, _ []*catalog.Table) ([]providers.Finding, error) {
	r, err := s.one(ctx, opPreflight, "SELECT COUNT(*) FROM DBA_2PC_PENDING")
	if err != nil || r == nil || r.int(0) == 0 {
		return nil, err
	}
	return []providers.Finding{{Stop: true, Summary: "Distributed transactions are in doubt",
		Detail: fmt.Sprintf("%d transactions are in DBA_2PC_PENDING: their rows may still appear. COMMIT FORCE them or ROLLBACK FORCE them.", r.int(0))}}, nil
}

func (db *database) openTransactions(ctx context.Context, s *session, _ []*catalog.Table) ([]providers.Finding, error) {
	r, err := s.one(ctx, opPreflight, "SELECT COUNT(*), MIN(START_DATE) FROM GV$TRANSACTION")
	if err != nil || r == nil || r.int(0) == 0 {
		return nil, err
	}
	return []providers.Finding{{Stop: db.cfg.quiet, Summary: "Transactions are open on the source",
		Detail: fmt.Sprintf(
			"%d transactions are open, the oldest since %s. What they commit later will not be in the copy.",
			r.int(0),
			r.time(1).Format("2006-01-02 15:04:05"),
		)}}, nil
}

// undo says how long the server can show the past, which bounds how long a snapshot can be read.
func (db *database) undo(ctx context.Context, s *session, _ []*catalog.Table) ([]providers.Finding, error) {
	if db.cfg.quiet {
		return nil, nil
	}
	r, err := s.one(ctx, opPreflight, "SELECT MAX(MAXQUERYLEN), MIN(TUNED_UNDORETENTION), SUM(SSOLDERRCNT) FROM V$UNDOSTAT")
	if err != nil {
		return nil, err
	}
	retention := cmp.Or(db.parameters["undo_retention"], "an unknown number of")
	f := providers.Finding{Summary: "The snapshot lasts only as long as its undo",
		Detail: "All tables are read AS OF one SCN until the last one is loaded. undo_retention is " + retention + " seconds"}
	if r != nil && !r.null(1) {
		f.Detail += fmt.Sprintf("; the server currently keeps undo for %d seconds, and its longest query took %d", r.int(1), r.int(0))
		if n := r.int(2); n > 0 {
			f.Detail += fmt.Sprintf(", and %d queries failed for lack of undo (ORA-01555)", n)
		}
	}
	f.Detail += ". Raise UNDO_RETENTION and the undo tablespace above the time that the plan expects; if the " +
		"snapshot is lost, incomplete tables are emptied and restarted."
	return []providers.Finding{f}, nil
}

// movement names tables that a quiet source is not read from by ROWID.
func (db *database) movement(_ context.Context, _ *session, tables []*catalog.Table) ([]providers.Finding, error) {
	var moving []string
	for _, t := range tables {
		if db.cfg.quiet && strings.Contains(t.Options, rowMovement) {
			moving = append(moving, t.Name.String())
		}
	}
	if len(moving) == 0 {
		return nil, nil
	}
	return []providers.Finding{{Summary: "Tables allow row movement",
		Detail: "On a quiet source " + listed(moving) +
			" are not split by ROWID, because a row that moved could be read twice or never. Run ALTER TABLE ... " +
			"DISABLE ROW MOVEMENT for the copy, or use consistency = \"snapshot\"."}}, nil
}

func listed(names []string) string {
	const most = 20
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
