package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

const opPreflight = "preflight"

// Preflight implements providers.Database.
func (db *database) Preflight(ctx context.Context, tables []*catalog.Table) ([]providers.Finding, error) {
	var out []providers.Finding
	checks := []func(context.Context, *session, []*catalog.Table) ([]providers.Finding, error){db.connections, db.undecidedSettings, db.comparableMoney}
	if db.role == source {
		checks = append(checks, preparedTransactions, unreadable, unreadableSequences, largeObjects, longTransactions)
	} else {
		checks = append(checks, writable, db.creatable, parents, acting, eventTriggers, drawn, powerful)
	}
	err := db.with(ctx, func(s *session) error {
		for _, check := range checks {
			found, err := check(ctx, s, tables)
			if err != nil {
				return err
			}
			out = append(out, found...)
		}
		return nil
	})
	return out, err
}

// connections compares what the run wants with what the server has left.
func (db *database) connections(ctx context.Context, s *session, _ []*catalog.Table) ([]providers.Finding, error) {
	r, err := s.one(ctx, opPreflight, `SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
- (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())`)
	if err != nil {
		return nil, err
	}
	want := int64(max(db.env.Readers, db.env.Writers) + 2) // and one that holds snapshot or lock, one for questions
	if r.int(0) >= want {
		return nil, nil
	}
	return []providers.Finding{{Stop: true, Summary: "Too few sessions on the " + string(db.role),
		Detail: fmt.Sprintf("The run needs %d sessions, but the server has %d left. Raise max_connections, or lower processes.", want, max(r.int(0), 0))}}, nil
}

func preparedTransactions(ctx context.Context, s *session, _ []*catalog.Table) ([]providers.Finding, error) {
	r, err := s.one(ctx, opPreflight, "SELECT count(*), min(prepared) FROM pg_prepared_xacts WHERE database = current_database()")
	if err != nil || r.int(0) == 0 {
		return nil, err
	}
	return []providers.Finding{{Stop: true, Summary: "Prepared transactions are open",
		Detail: fmt.Sprintf(
			"%d transactions are prepared, the oldest since %s: their rows may still appear. Commit them or roll them back.",
			r.int(0),
			r.text(1),
		)}}, nil
}

func largeObjects(ctx context.Context, s *session, _ []*catalog.Table) ([]providers.Finding, error) {
	r, err := s.one(ctx, opPreflight, "SELECT EXISTS (SELECT FROM pg_largeobject_metadata)")
	if err != nil || !r.bool(0) {
		return nil, err
	}
	return []providers.Finding{{Stop: true, Summary: "The database holds large objects",
		Detail: "Large objects (pg_largeobject) belong to no table and are not migrated. Store them in bytea columns, or remove them with lo_unlink."}}, nil
}

func longTransactions(ctx context.Context, s *session, _ []*catalog.Table) ([]providers.Finding, error) {
	r, err := s.one(ctx, opPreflight, `SELECT count(*), min(xact_start) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start < now() - interval '10 minutes' AND backend_xid IS NOT NULL`)
	if err != nil || r.int(0) == 0 {
		return nil, err
	}
	return []providers.Finding{{Summary: "Long transactions are open on the source",
		Detail: fmt.Sprintf(
			"%d transactions have written and are open, the oldest since %s. What they commit later will not be in the copy.",
			r.int(0),
			r.text(1),
		)}}, nil
}

// unreadable lists tables that the role may not read, partitions included.
func unreadable(ctx context.Context, s *session, tables []*catalog.Table) ([]providers.Finding, error) {
	var denied, hidden []string
	err := s.query(ctx, opPreflight, `SELECT v.name, coalesce(has_schema_privilege(c.relnamespace, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'), true),
  coalesce(row_security_active(c.oid), false)
FROM unnest($1::text[], $2::text[]) v(nsp, name) LEFT JOIN pg_namespace n ON n.nspname = v.nsp
LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = v.name ORDER BY v.nsp COLLATE "C",
v.name COLLATE "C"`, columnsOf(2, read(tables)), func(r row) error {
		if !r.bool(1) {
			denied = append(denied, r.text(0))
		}
		if r.bool(2) {
			hidden = append(hidden, r.text(0))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []providers.Finding
	if len(denied) > 0 {
		out = append(out, providers.Finding{Stop: true, Summary: "Tables cannot be read",
			Detail: "The role lacks SELECT on " + listed(denied) + ", or USAGE on their schema. Grant both."})
	}
	if len(hidden) > 0 {
		out = append(out, providers.Finding{Stop: true, Summary: "Row security hides rows",
			Detail: "Policies apply to the role on " + listed(hidden) + ". Connect as the owner, or as a role with BYPASSRLS."})
	}
	return out, nil
}

// read are the tables that rows are read from: of a partitioned one the leaves.
func read(tables []*catalog.Table) [][]string {
	rows := schemaAndName(tables)
	for _, t := range tables {
		for _, p := range leaves(t) {
			rows = append(rows, []string{p.name.Schema, p.name.Name})
		}
	}
	return rows
}

func schemaAndName(tables []*catalog.Table) [][]string {
	rows := make([][]string, len(tables))
	for i, t := range tables {
		rows[i] = []string{t.Schema, t.Name.Name}
	}
	return rows
}

// unreadableSequences matter because a sequence of unknown position would start at 1 on the target.
func unreadableSequences(ctx context.Context, s *session, tables []*catalog.Table) ([]providers.Finding, error) {
	var rows [][]string
	for _, t := range tables {
		for _, c := range t.Columns {
			if c.Sequence != nil {
				rows = append(rows, []string{quoteName(c.Sequence.Name)})
			}
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	var denied []string
	err := s.query(ctx, opPreflight, `SELECT v.name FROM unnest($1::text[]) v(name)
WHERE NOT has_sequence_privilege(to_regclass(v.name)::oid, 'USAGE, SELECT')`, columnsOf(1, rows), func(r row) error {
		denied = append(denied, r.text(0))
		return nil
	})
	if err != nil || len(denied) == 0 {
		return nil, err
	}
	return []providers.Finding{{Stop: true, Summary: "Sequences cannot be read", Detail: "The role lacks SELECT on " + listed(denied) + ". Grant it."}}, nil
}

// creatable checks that the role may make the ledger and the tables' schemas.
func (db *database) creatable(ctx context.Context, s *session, tables []*catalog.Table) ([]providers.Finding, error) {
	schemas := map[string]bool{db.schema: true, ledgerSchema: true}
	for _, t := range tables {
		schemas[t.Schema] = true
	}
	var rows [][]string
	for n := range schemas {
		rows = append(rows, []string{n})
	}
	var denied []string
	err := s.query(ctx, opPreflight, `SELECT v.name FROM unnest($1::text[]) v(name) LEFT JOIN pg_namespace n ON n.nspname = v.name
WHERE NOT CASE WHEN n.oid IS NULL THEN has_database_privilege(current_database(), 'CREATE')
ELSE has_schema_privilege(n.oid, 'CREATE') AND has_schema_privilege(n.oid, 'USAGE') END
ORDER BY v.name`, columnsOf(1, rows), func(r row) error {
		denied = append(denied, r.text(0))
		return nil
	})
	if err != nil || len(denied) == 0 {
		return nil, err
	}
	return []providers.Finding{{Stop: true, Summary: "Privileges on schemas are missing",
		Detail: "The role cannot create " + listed(denied) + ", or tables in it. Grant CREATE on the database, or CREATE and USAGE on the schema."}}, nil
}

// parents lists tables of the target that others inherit from: who queries such a table sees
// rows that dmoctl has neither loaded nor compared.
func parents(ctx context.Context, s *session, tables []*catalog.Table) ([]providers.Finding, error) {
	var found []string
	err := s.query(ctx, opPreflight, `SELECT format('%s (child %s)', c.oid::regclass, min(i.inhrelid::regclass::text))
FROM unnest($1::text[], $2::text[]) v(nsp, name) JOIN pg_namespace n ON n.nspname = v.nsp
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = v.name AND c.relkind = 'r' JOIN pg_inherits i ON i.inhparent = c.oid
GROUP BY c.oid ORDER BY 1`, columnsOf(2, schemaAndName(tables)), func(r row) error {
		found = append(found, r.text(0))
		return nil
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return []providers.Finding{{Stop: true, Summary: "Tables have children",
		Detail: "Queries of " + listed(found) + " also show rows of the tables that inherit from them, which the source's tables do not have. Detach " +
			"them with ALTER TABLE ... NO INHERIT, or load into another schema."}}, nil
}

func listed(names []string) string {
	const most = 20
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
