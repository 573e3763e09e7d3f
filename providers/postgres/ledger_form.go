package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// The comment of the ledger's tables, by which ours are known, and its beginning in every format.
const (
	ledgerMark      = "dmoctl ledger, format "
	ledgerSignature = ledgerMark + "2"
)

// ledgerForm is one table of the ledger.
type ledgerForm struct{ name, columns, key string }

// ledgerTables are the ledger as format_type and pg_get_constraintdef print it. Ranges are JSON
// text, because jsonb would not keep them byte for byte.
func ledgerTables() []ledgerForm {
	return []ledgerForm{
		{"run", "migration text NOT NULL, lineage text NOT NULL, serial bigint NOT NULL, plan text NOT NULL, token text NOT NULL, " +
			"owner text NOT NULL, sessions text NOT NULL, spec text NOT NULL, closed boolean NOT NULL", "migration"},
		{"tables", "migration text NOT NULL, source_schema text NOT NULL, source_name text NOT NULL, target_schema text NOT NULL, target_name text NOT NULL, " +
			"structure text NOT NULL, file text NOT NULL, count bigint NOT NULL, changes text NOT NULL, snapshot text NOT NULL, " +
			"state text NOT NULL, serial bigint NOT NULL, created boolean NOT NULL, edition bigint NOT NULL", "migration, source_schema, source_name"},
		{"planned", "migration text NOT NULL, id text NOT NULL, source_schema text NOT NULL, source_name text NOT NULL, range text NOT NULL, " +
			"generation text NOT NULL", "migration, id"},
		{"loaded", "migration text NOT NULL, id text NOT NULL, source_schema text NOT NULL, source_name text NOT NULL, generation text NOT NULL, " +
			"rows bigint NOT NULL, bytes bigint NOT NULL, digest text NOT NULL, read_at text NOT NULL, snapshot text NOT NULL, run text NOT NULL, " +
			"seconds double precision NOT NULL", "migration, id"},
		{"made", "migration text NOT NULL, kind text NOT NULL, schema text NOT NULL, name text NOT NULL, id text NOT NULL", "migration, kind, schema, name"},
	}
}

// ledgerDDL makes the tables.
func ledgerDDL() string {
	var b strings.Builder
	for _, t := range ledgerTables() {
		fmt.Fprintf(&b, "CREATE TABLE dmo.%s (%s, PRIMARY KEY (%s));\nCOMMENT ON TABLE dmo.%[1]s IS '%[4]s';\n", t.name, t.columns, t.key, ledgerSignature)
	}
	return b.String()
}

// ledgerSQL shows schema and tables of the ledger as they are: kind, owner, whether that one may be
// trusted, comment, columns, key, and whatever else acts when somebody reads or writes there. Trusted
// are the role itself, superusers, and roles that it is a member of; that a superuser counts as
// a member of all roles must not help them.
const ledgerSQL = `
WITH me AS (SELECT oid, rolsuper FROM pg_roles WHERE rolname = current_user), trusted AS (
  SELECT o.oid, o.rolname, o.rolsuper OR o.oid = me.oid OR NOT me.rolsuper AND pg_has_role(o.oid, 'USAGE') AS yes FROM pg_roles o, me)
SELECT '', 'n', o.rolname, o.yes, '', '', '', '' FROM pg_namespace n JOIN trusted o ON o.oid = n.nspowner WHERE n.nspname = 'dmo'
UNION ALL
SELECT c.relname, c.relkind::text || c.relpersistence::text, o.rolname, o.yes, coalesce(obj_description(c.oid, 'pg_class'), ''),
  (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END, ', ' ORDER BY a.attnum)
   FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  (SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p'),
  (SELECT string_agg(x, ', ') FROM (
    SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal
    UNION ALL SELECT 'rule ' || rulename FROM pg_rewrite WHERE ev_class = c.oid
    UNION ALL SELECT 'policy ' || polname FROM pg_policy WHERE polrelid = c.oid
    UNION ALL SELECT 'row security' WHERE c.relrowsecurity OR c.relforcerowsecurity
    UNION ALL SELECT 'default of column ' || attname FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND (atthasdef OR attidentity <> '')
    UNION ALL SELECT 'constraint ' || conname FROM pg_constraint WHERE conrelid = c.oid AND contype NOT IN ('p', 'n') OR confrelid = c.oid
    UNION ALL SELECT 'index ' || indexrelid::regclass FROM pg_index WHERE indrelid = c.oid AND NOT indisprimary
    UNION ALL SELECT 'inheritance' FROM pg_inherits WHERE inhrelid = c.oid OR inhparent = c.oid) extra(x))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN trusted o ON o.oid = c.relowner
WHERE n.nspname = 'dmo' AND c.relname = ANY ($1::text[])`

// ledgerState is what schema dmo holds.
type ledgerState struct{ schema, tables bool }

// lookAtLedger says what is there of the ledger, before anything is read from it or
// written to it: a trigger, a policy or a default of somebody else would run with the rights of
// this role. What is not dmoctl's to the letter is an error.
func lookAtLedger(ctx context.Context, s *session) (ledgerState, error) {
	var out ledgerState
	names := make([]string, 0, len(ledgerTables()))
	for _, t := range ledgerTables() {
		names = append(names, t.name)
	}
	ours, wrong := 0, error(nil)
	err := s.query(ctx, opLedger, ledgerSQL, []string{textArray(names)}, func(r row) error {
		if r.text(0) == "" {
			out.schema = true
		} else {
			ours++
		}
		if wrong == nil {
			wrong = unlikeLedger(r)
		}
		return nil
	})
	switch {
	case err != nil:
		return ledgerState{}, err
	case wrong != nil:
		return ledgerState{}, wrong
	case ours != 0 && ours != len(names):
		return ledgerState{}, notLedger("", fmt.Sprintf("%d of its %d tables are missing", len(names)-ours, len(names)))
	}
	out.tables = ours > 0
	return out, nil
}

// unlikeLedger says what is wrong with one row of ledgerSQL; nil is nothing.
func unlikeLedger(r row) error {
	name := r.text(0)
	if !r.bool(3) {
		return &providers.Error{Kind: providers.Permission, Op: opLedger, Table: ledgerName(name),
			Err: fmt.Errorf("it belongs to role %s, which could change what dmoctl's statements do", r.text(2)),
			Fix: "Connect as that role, or inspect schema dmo and drop it if nothing needs it."}
	}
	if name == "" {
		return nil
	}
	comment := r.text(4)
	if comment != ledgerSignature && strings.HasPrefix(comment, ledgerMark) {
		return &providers.Error{Kind: providers.Unsupported, Op: opLedger, Table: ledgerName(name),
			Err: fmt.Errorf("it is a %s, but this dmoctl writes %q", comment, ledgerSignature),
			Fix: "Finish that migration with the version of dmoctl that started it, or drop schema dmo and start over."}
	}
	for _, t := range ledgerTables() {
		switch {
		case t.name != name:
		case comment != ledgerSignature:
			return notLedger(name, "it lacks dmoctl's comment")
		case r.text(1) != "rp":
			return notLedger(name, "it is not an ordinary table")
		case r.text(5) != t.columns || r.text(6) != "PRIMARY KEY ("+t.key+")":
			return notLedger(name, "its columns differ")
		case r.text(7) != "":
			return notLedger(name, "something was added to it: "+r.text(7))
		}
	}
	return nil
}

func ledgerName(table string) catalog.Name {
	if table == "" {
		return catalog.Name{Name: ledgerSchema}
	}
	return catalog.Name{Schema: ledgerSchema, Name: table}
}

func notLedger(table, why string) error {
	return &providers.Error{Kind: providers.Exists, Op: opLedger, Table: ledgerName(table),
		Err: errors.New("it is not part of dmoctl's ledger: " + why), Fix: "Rename schema dmo, or load into another database."}
}

// ledgerExists says whether the ledger is there and ours.
func ledgerExists(ctx context.Context, s *session) (bool, error) {
	state, err := lookAtLedger(ctx, s)
	return state.tables, err
}
