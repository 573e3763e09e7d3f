package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// madeID finds the engine's own identity of objects v(k, s, n).
const madeID = `CASE k WHEN 'schema' THEN (SELECT n.oid FROM pg_namespace n WHERE n.nspname = v.n)
WHEN 'type' THEN (SELECT t.oid FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = v.s AND t.typname = v.n)
ELSE (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = v.s AND c.relname = v.n) END`

func madeRows(made []ledger.Object) [][]string {
	rows := make([][]string, len(made))
	for i, m := range made {
		rows[i] = []string{m.Kind, m.Name.Schema, m.Name.Name}
	}
	return rows
}

// recordMade notes what the statements before it have made, in their transaction.
func recordMade(ctx context.Context, s *session, migration string, made []ledger.Object) error {
	if len(made) == 0 {
		return nil
	}
	return s.query(ctx, opRecord, `INSERT INTO dmo.made (migration, kind, schema, name, id) SELECT $1, k, s, n, `+madeID+`::text
FROM `+unnested(3)+` v(k, s, n) ON CONFLICT (migration, kind, schema, name) DO UPDATE SET id = excluded.id`,
		append([]string{migration}, columnsOf(3, madeRows(made))...), nil)
}

// forgetMade removes objects that are gone from what any migration has made.
func forgetMade(ctx context.Context, s *session, gone []ledger.Object) error {
	if len(gone) == 0 {
		return nil
	}
	return s.query(ctx, opRecord, `DELETE FROM dmo.made WHERE (kind, schema, name) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))`,
		columnsOf(3, madeRows(gone)), nil)
}

// readIDs returns the identities of the objects that exist.
func readIDs(ctx context.Context, s *session, of []ledger.Object) (map[ledger.Object]string, error) {
	out := make(map[ledger.Object]string)
	if len(of) == 0 {
		return out, nil
	}
	err := s.query(ctx, opAlter, "SELECT k, s, n, "+madeID+" FROM unnest($1::text[], $2::text[], $3::text[]) v(k, s, n)", columnsOf(3, madeRows(of)), func(r row) error {
		if !r.null(3) {
			out[ledger.Object{Kind: r.text(0), Name: catalog.Name{Schema: r.text(1), Name: r.text(2)}}] = r.text(3)
		}
		return nil
	})
	return out, err
}

// lookAtMade reads which of the objects that are to be dropped are still those that dmoctl made.
// Tables are locked first, so that they stay what they are.
func lookAtMade(ctx context.Context, s *session, ddl []providers.DDL) (map[ledger.Object]string, error) {
	var of []ledger.Object
	for _, d := range ddl {
		if d, ok := d.(providers.Drop); ok {
			of = append(of, d.Object)
		}
	}
	ids, err := readIDs(ctx, s, of)
	if err != nil {
		return nil, err
	}
	var tables []string
	for _, m := range of {
		if m.Kind == ledger.KindTable && ids[object(m)] == m.ID {
			tables = append(tables, quoteName(m.Name))
		}
	}
	if len(tables) > 0 {
		if _, err := s.exec(ctx, opAlter, "LOCK TABLE "+strings.Join(tables, ", ")+" IN ACCESS EXCLUSIVE MODE"); err != nil {
			return nil, err
		}
		if ids, err = readIDs(ctx, s, of); err != nil {
			return nil, err
		}
	}
	for _, m := range of {
		if id, there := ids[object(m)]; there && id != m.ID {
			return nil, &providers.Error{Kind: providers.Exists, Op: opAlter, Table: m.Name,
				Err: fmt.Errorf("the %s is another one than dmoctl made", m.Kind), Fix: "Drop it yourself where nobody needs it."}
		}
	}
	return ids, nil
}

// object is what an identity is read by.
func object(m ledger.Object) ledger.Object { return ledger.Object{Kind: m.Kind, Name: m.Name} }

// drop drops one object that is still the one that was made. Without CASCADE the server
// refuses where others depend on it, now and not when somebody looked. Tables that follow each other
// go in one statement: what depends on one of them from within another keeps neither.
func (a *alteration) drop(m ledger.Object) {
	a.gone = append(a.gone, m)
	if _, there := a.ids[object(m)]; !there {
		return
	}
	switch m.Kind {
	case ledger.KindSchema:
		a.add(m.Name, "DROP SCHEMA "+quoteIdent(m.Name.Name))
	case ledger.KindType:
		a.add(m.Name, "DROP TYPE "+quoteName(m.Name))
	case ledger.KindSequence:
		a.add(m.Name, "DROP SEQUENCE "+quoteName(m.Name))
	default:
		a.dropTable(m.Name)
	}
}

const dropTables = "DROP TABLE IF EXISTS "

func (a *alteration) dropTable(n catalog.Name) {
	a.gone = append(a.gone, ledger.Object{Kind: ledger.KindTable, Name: n})
	a.dropped(n)
	if last := len(a.out) - 1; last >= 0 && strings.HasPrefix(a.out[last].sql, dropTables) {
		a.out[last].sql += ", " + quoteName(n)
		return
	}
	a.add(n, dropTables+quoteName(n))
}

// dropLedger removes the rows of one migration, and the whole ledger where no other has any.
func dropLedger(ctx context.Context, s *session, migration string) error {
	const op = "drop ledger"
	others := func() (bool, error) {
		r, err := s.one(ctx, op, "SELECT EXISTS (SELECT FROM dmo.run WHERE migration <> $1)", migration)
		return err != nil || r.bool(0), err
	}
	for _, t := range ledgerTables() {
		if err := s.query(ctx, op, "DELETE FROM dmo."+t.name+" WHERE migration = $1", []string{migration}, nil); err != nil {
			return err
		}
	}
	if more, err := others(); more || err != nil {
		return err
	}
	// Who makes a ledger waits here, and so does who takes a token in it.
	if _, err := s.exec(ctx, op, "SELECT pg_advisory_xact_lock("+lockKey("ledger", "")+"); LOCK TABLE dmo.run IN ACCESS EXCLUSIVE MODE"); err != nil {
		return err
	}
	if more, err := others(); more || err != nil {
		return err
	}
	own := ledger.Object{Kind: ledger.KindSchema, Name: catalog.Name{Name: ledgerSchema}}
	recorded, err := s.one(ctx, op, "SELECT id FROM dmo.made WHERE migration = '' AND kind = $1 AND name = $2", own.Kind, own.Name.Name)
	if err != nil {
		return err
	}
	ids, err := readIDs(ctx, s, []ledger.Object{own})
	if err != nil {
		return err
	}
	names := make([]string, 0, len(ledgerTables()))
	for _, t := range ledgerTables() {
		names = append(names, "dmo."+t.name)
	}
	if _, err := s.exec(ctx, op, "DROP TABLE "+strings.Join(names, ", ")); err != nil {
		return err
	}
	if recorded == nil || recorded.text(0) != ids[own] {
		return nil
	}
	return dropEmptySchema(ctx, s, op)
}

// dropEmptySchema drops the ledger's schema, unless somebody else has put something into it.
func dropEmptySchema(ctx context.Context, s *session, op string) error {
	_, err := s.exec(ctx, op, "SAVEPOINT schema; DROP SCHEMA dmo")
	if providers.KindOf(err) != providers.InUse {
		return err
	}
	_, back := s.exec(ctx, op, "ROLLBACK TO schema")
	return back
}

// undefinedTable says whether a statement met a ledger that another migration has just dropped.
func undefinedTable(err error) bool {
	var e *providers.Error
	return errors.As(err, &e) && e.Code == "42P01"
}
