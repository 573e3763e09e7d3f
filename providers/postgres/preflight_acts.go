package postgres

import (
	"context"
	"fmt"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/fenced"
)

// actsSQL lists what a table of the target, or a partition of it, does by itself while rows are
// loaded into it or it is emptied. Sessions of dmoctl's are of origin, so what is enabled for replicas
// only does not act, nor does what is about UPDATE alone: bit 4 of tgtype is INSERT, 8 DELETE, 32 TRUNCATE.
const actsSQL = `
WITH wanted AS (
  SELECT c.oid FROM unnest($1::text[], $2::text[]) v(nsp, name) JOIN pg_namespace n ON n.nspname = v.nsp
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = v.name),
own AS (SELECT oid AS id FROM wanted UNION SELECT t.relid FROM wanted w, pg_partition_tree(w.oid) t)
SELECT x FROM (
  SELECT format('trigger %I on %s', t.tgname, t.tgrelid::regclass) FROM own JOIN pg_trigger t ON t.tgrelid = own.id
    WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND (t.tgtype & 44) <> 0
  UNION ALL SELECT format('rule %I on %s', r.rulename, r.ev_class::regclass) FROM own JOIN pg_rewrite r ON r.ev_class = own.id
    WHERE r.ev_enabled IN ('O', 'A') AND r.ev_type IN ('3', '4')
  UNION ALL SELECT format('row security on %s', c.oid::regclass) FROM own JOIN pg_class c ON c.oid = own.id WHERE c.relrowsecurity) acts(x)
ORDER BY x COLLATE "C"`

// acting stops where the target's tables would change, add or refuse rows by themselves.
func acting(ctx context.Context, s *session, tables []*catalog.Table) ([]providers.Finding, error) {
	var found []string
	err := s.query(ctx, opPreflight, actsSQL, columnsOf(2, schemaAndName(tables)), func(r row) error {
		found = append(found, r.text(0))
		return nil
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return []providers.Finding{{Stop: true, Summary: "Target tables have triggers, rules or policies",
		Detail: "These would act on rows while they are loaded: " + listed(found) +
			". Disable them (ALTER TABLE ... DISABLE TRIGGER, DISABLE RULE, DISABLE ROW LEVEL SECURITY), and re-enable them after the migration."}}, nil
}

// eventTriggers act on the DDL of a migration.
func eventTriggers(ctx context.Context, s *session, _ []*catalog.Table) ([]providers.Finding, error) {
	var found []string
	err := s.query(
		ctx,
		opPreflight,
		`SELECT format('%I (%s)', evtname, evtevent) FROM pg_event_trigger WHERE evtenabled IN ('O', 'A') ORDER BY evtname`,
		nil,
		func(r row) error {
			found = append(found, r.text(0))
			return nil
		},
	)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return []providers.Finding{{Review: true, Summary: "Event triggers fire on structure changes",
		Detail: "When dmoctl creates, alters or drops an object, these run with its privileges: " + listed(found) +
			". Disable those that the migration does not need."}}, nil
}

// drawn names defaults that take numbers from a sequence which their table does not own, nor
// dmoctl has made: nobody moves such a sequence to where the loaded rows end.
func drawn(ctx context.Context, s *session, tables []*catalog.Table) ([]providers.Finding, error) {
	state, err := lookAtLedger(ctx, s)
	if err != nil {
		return nil, err
	}
	ours := "false"
	if state.tables {
		ours = "q.oid::text IN (SELECT id FROM " + ledgerTable(fenced.Made()) + " WHERE kind = 'sequence')"
	}
	var found []string
	err = s.query(ctx, opPreflight, `SELECT format('%s of %s from %s', quote_ident(a.attname), a.attrelid::regclass, q.oid::regclass)
FROM unnest($1::text[], $2::text[]) v(nsp, name) JOIN pg_namespace n ON n.nspname = v.nsp JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = v.name
JOIN pg_attrdef f ON f.adrelid = c.oid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = f.adnum
JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass
JOIN pg_class q ON q.oid = d.refobjid AND q.relkind = 'S'
WHERE NOT EXISTS (SELECT FROM pg_depend o WHERE o.classid = 'pg_class'::regclass AND o.objid = q.oid
AND o.refclassid = 'pg_class'::regclass AND o.refobjid = c.oid AND o.deptype IN ('a', 'i'))
  AND NOT `+ours+` ORDER BY 1`, columnsOf(2, schemaAndName(tables)), func(r row) error {
		found = append(found, r.text(0))
		return nil
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return []providers.Finding{{Review: true, Summary: "Defaults use sequences of other tables",
		Detail: "These columns of the target take numbers from a sequence that their table does not own: " + listed(found) +
			". dmoctl advances it only if the source has a sequence of that name that no column owns. Otherwise " +
			"set it with setval after the migration, or the next insert may violate a key."}}, nil
}

// powerful warns of a role that may do everything: what somebody has planted on the target, or
// carried from the source, would run with its rights.
func powerful(ctx context.Context, s *session, _ []*catalog.Table) ([]providers.Finding, error) {
	r, err := s.one(ctx, opPreflight, "SELECT rolname, rolsuper FROM pg_roles WHERE rolname = current_user")
	if err != nil || r == nil || !r.bool(1) {
		return nil, err
	}
	return []providers.Finding{{Review: true, Summary: "The role is a superuser",
		Detail: fmt.Sprintf("Role %s can do anything on the target, and so can every expression, trigger and function that runs while rows are loaded. "+
			"Load as an ordinary role that owns the target's schema; docs/providers/postgres.md has the statements.", r.text(0))}}, nil
}
