package postgres

import (
	"context"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/fenced"
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

// identified are objects that the statements before it have made, as the ledger records them.
func identified(ctx context.Context, s *session, migration string, made []ledger.Object) ([]ledger.Object, error) {
	ids, err := readIDs(ctx, s, made)
	out := make([]ledger.Object, len(made))
	for i, o := range made {
		out[i] = ledger.Object{Migration: migration, Kind: o.Kind, Name: o.Name, ID: ids[object(o)]}
	}
	return out, err
}

// readIDs returns the identities of the objects that exist.
func readIDs(ctx context.Context, s *session, of []ledger.Object) (map[ledger.Object]string, error) {
	out := make(map[ledger.Object]string)
	if len(of) == 0 {
		return out, nil
	}
	err := s.query(
		ctx,
		opAlter,
		"SELECT k, s, n, "+madeID+" FROM unnest($1::text[], $2::text[], $3::text[]) v(k, s, n)",
		columnsOf(3, madeRows(of)),
		func(r row) error {
			if !r.null(3) {
				out[ledger.Object{Kind: r.text(0), Name: catalog.Name{Schema: r.text(1), Name: r.text(2)}}] = r.text(3)
			}
			return nil
		},
	)
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
			return nil, fenced.AnotherObject(opAlter, m)
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
