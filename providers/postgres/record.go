package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

const (
	opRecord = "write ledger"
	opReload = "empty tables"
)

// Read implements providers.Session.
func (w *writing) Read(ctx context.Context) (*ledger.Contents, error) {
	var out *ledger.Contents
	err := w.guarded(ctx, opLedger, func(s *session) (err error) {
		out, err = readLedger(ctx, s, w.run.Migration)
		return err
	})
	return out, err
}

// Record implements providers.Session.
func (w *writing) Record(ctx context.Context, c ledger.Change) error {
	return w.guarded(ctx, opRecord, func(s *session) error {
		if c.Run != nil {
			run := *c.Run
			run.Migration, run.Token, run.Sessions = w.run.Migration, w.run.Token, w.run.Sessions
			if err := writeRun(ctx, s, &run); err != nil {
				return err
			}
		}
		return w.writeChange(ctx, s, c)
	})
}

// writeChange writes what a change says of tables and packages, inside the caller's transaction.
func (w *writing) writeChange(ctx context.Context, s *session, c ledger.Change) error {
	if err := w.remove(ctx, s, c.RemoveTables, "tables", "planned", "loaded"); err != nil {
		return err
	}
	if err := w.remove(ctx, s, c.RemovePackages, "planned"); err != nil {
		return err
	}
	for some := range slices.Chunk(c.Tables, ledgerRows) {
		if err := w.writeTables(ctx, s, some); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(c.Packages, ledgerRows) {
		if err := w.writePackages(ctx, s, some); err != nil {
			return err
		}
	}
	return nil
}

// ledgerRows is how many rows a statement writes: their texts are in memory several times
// meanwhile, and a plan of a hundred thousand tables is recorded at once.
const ledgerRows = 5000

// remove deletes the rows of source tables from the ledger's tables.
func (w *writing) remove(ctx context.Context, s *session, sources []catalog.Name, from ...string) error {
	for some := range slices.Chunk(sources, ledgerRows) {
		if err := w.removeSome(ctx, s, some, from); err != nil {
			return err
		}
	}
	return nil
}

func (w *writing) removeSome(ctx context.Context, s *session, sources []catalog.Name, from []string) error {
	rows := make([][]string, len(sources))
	for i, n := range sources {
		rows[i] = []string{n.Schema, n.Name}
	}
	params := append([]string{w.run.Migration}, columnsOf(2, rows)...)
	for _, table := range from {
		err := s.query(ctx, opRecord, "DELETE FROM dmo."+table+" WHERE migration = $1 AND (source_schema, source_name) IN (SELECT * FROM "+unnested(2)+")", params, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writing) writeTables(ctx context.Context, s *session, tables []ledger.Table) error {
	rows := make([][]string, len(tables))
	for i, t := range tables {
		rows[i] = []string{t.Source.Schema, t.Source.Name, t.Target.Schema, t.Target.Name, t.Structure, t.File, formatInt(t.Count), t.Changes,
			t.Snapshot, t.State, formatInt(t.Serial), fmt.Sprint(t.Created), formatInt(t.Edition)}
	}
	return s.query(ctx, opRecord, `INSERT INTO dmo.tables (migration, source_schema, source_name, target_schema, target_name, structure, file, count, changes, snapshot, state, serial, created, edition)
SELECT $1, ss, sn, ts, tn, st, fi, co::bigint, ch, sp, sa, se::bigint, cr::boolean, ed::bigint FROM `+unnested(13)+` v(ss, sn, ts, tn, st, fi, co, ch, sp, sa, se, cr, ed)
ON CONFLICT (migration, source_schema, source_name) DO UPDATE SET target_schema = excluded.target_schema, target_name = excluded.target_name,
structure = excluded.structure, file = excluded.file, count = excluded.count, changes = excluded.changes, snapshot = excluded.snapshot,
state = excluded.state, serial = excluded.serial, created = excluded.created, edition = excluded.edition`, append([]string{w.run.Migration}, columnsOf(13, rows)...), nil)
}

func (w *writing) writePackages(ctx context.Context, s *session, packages []ledger.Package) error {
	rows := make([][]string, len(packages))
	for i, p := range packages {
		b, err := json.Marshal(p.Range)
		if err != nil {
			return wrap(opRecord, err)
		}
		rows[i] = []string{p.ID, p.Source.Schema, p.Source.Name, string(b), p.Generation}
	}
	return s.query(ctx, opRecord, `INSERT INTO dmo.planned (migration, id, source_schema, source_name, range, generation)
SELECT $1, * FROM `+unnested(5)+` ON CONFLICT (migration, id) DO UPDATE SET source_schema = excluded.source_schema,
source_name = excluded.source_name, range = excluded.range, generation = excluded.generation`, append([]string{w.run.Migration}, columnsOf(5, rows)...), nil)
}

// Reload implements providers.Session. Everything is one transaction.
func (w *writing) Reload(ctx context.Context, tables []providers.ReloadTable) error {
	if len(tables) == 0 {
		return nil
	}
	return w.guarded(ctx, opReload, func(s *session) error {
		sources, targets := make([]catalog.Name, len(tables)), make([]*catalog.Table, len(tables))
		for i, t := range tables {
			sources[i], targets[i] = t.Source, t.Target
		}
		if err := w.remove(ctx, s, sources, "loaded"); err != nil {
			return err
		}
		if err := empty(ctx, s, targets); err != nil {
			return err
		}
		rows := make([][]string, len(sources))
		for i, n := range sources {
			rows[i] = []string{n.Schema, n.Name}
		}
		return s.query(ctx, opReload, "UPDATE dmo.tables SET state = '"+ledger.Empty+"' WHERE migration = $1 AND (source_schema, source_name) IN (SELECT * FROM "+unnested(2)+")",
			append([]string{w.run.Migration}, columnsOf(2, rows)...), nil)
	})
}

const reloadTogether = "Reload the tables that refer to it together with it, or drop their foreign keys first."

// empty truncates tables that exist. TRUNCATE refuses one that a table outside
// the set refers to: such a table is emptied by DELETE, which checks the references.
// A reference that would change the other table's rows instead is refused.
func empty(ctx context.Context, s *session, tables []*catalog.Table) error {
	rows := make([][]string, len(tables))
	for i, t := range tables {
		rows[i] = []string{quoteName(t.Name)}
	}
	referenced, cascades, exists := make([]bool, len(tables)), make([]bool, len(tables)), make([]bool, len(tables))
	err := s.query(ctx, opReload, `WITH w AS (SELECT v.ord, to_regclass(v.name)::oid AS id FROM unnest($1::text[]) WITH ORDINALITY v(name, ord))
SELECT w.ord, w.id IS NOT NULL, count(k.oid) > 0, count(k.oid) FILTER (WHERE k.confdeltype IN ('c', 'n', 'd')) > 0
FROM w LEFT JOIN pg_constraint k ON k.contype = 'f' AND k.confrelid = w.id AND k.conrelid NOT IN (SELECT id FROM w WHERE id IS NOT NULL)
  AND NOT EXISTS (SELECT FROM pg_partition_ancestors(k.conrelid) a JOIN w o ON o.id = a.relid)
GROUP BY w.ord, w.id`, columnsOf(1, rows), func(r row) error {
		i := r.int(0) - 1
		exists[i], referenced[i], cascades[i] = r.bool(1), r.bool(2), r.bool(3)
		return nil
	})
	if err != nil {
		return err
	}
	var truncate []string
	for i, t := range tables {
		switch {
		case !exists[i]:
		case cascades[i]:
			return &providers.Error{Kind: providers.Constraint, Op: opReload, Table: t.Name, Fix: reloadTogether,
				Err: errors.New("another table refers to it ON DELETE CASCADE or SET, so emptying it would change that table's rows")}
		case referenced[i]:
			if _, err := s.exec(ctx, opReload, "DELETE FROM "+from(t, catalog.Range{})); err != nil {
				var e *providers.Error
				if errors.As(err, &e) && e.Kind == providers.Constraint {
					e.Fix = reloadTogether
				}
				return wrapTable(opReload, t.Name, err)
			}
		default:
			truncate = append(truncate, from(t, catalog.Range{}))
		}
	}
	if len(truncate) == 0 {
		return nil
	}
	_, err = s.exec(ctx, opReload, "TRUNCATE "+strings.Join(truncate, ", "))
	return err
}
