package hana

import (
	"context"
	"encoding/json"

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
	err := w.guarded(ctx, opLedger, false, func(s *session) (err error) {
		out, err = readLedger(ctx, s, w.run.Migration)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Record implements providers.Session.
func (w *writing) Record(ctx context.Context, c ledger.Change) error {
	return w.guarded(ctx, opRecord, false, func(s *session) error {
		if c.Run != nil {
			run := *c.Run
			w.mu.Lock()
			run.Migration, run.Token, run.Sessions = w.run.Migration, w.run.Token, w.run.Sessions
			w.mu.Unlock()
			if err := writeRun(ctx, s, &run); err != nil {
				return err
			}
		}
		return w.writeChange(ctx, s, c)
	})
}

// writeChange writes what a change says of tables and packages, inside the caller's transaction.
func (w *writing) writeChange(ctx context.Context, s *session, c ledger.Change) error {
	if err := w.remove(ctx, s, c.RemoveTables, "TABLES", "PLANNED", "LOADED"); err != nil {
		return err
	}
	if err := w.remove(ctx, s, c.RemovePackages, "PLANNED"); err != nil {
		return err
	}
	if err := w.writeTables(ctx, s, c.Tables); err != nil {
		return err
	}
	return w.writePackages(ctx, s, c.Packages)
}

// remove deletes the rows of source tables from the ledger's tables.
func (w *writing) remove(ctx context.Context, s *session, sources []catalog.Name, from ...string) error {
	rows := w.keysOf(sources)
	for _, table := range from {
		_, err := s.bulk(ctx, opRecord, "DELETE FROM "+quoteIdent(ledgerSchema)+"."+quoteIdent(table)+ofSource, rows)
		if err != nil {
			return err
		}
	}
	return nil
}

const ofSource = ` WHERE "MIGRATION" = ? AND "SOURCE_SCHEMA" = ? AND "SOURCE_NAME" = ?`

func (w *writing) keysOf(sources []catalog.Name) [][]any {
	rows := make([][]any, len(sources))
	for i, n := range sources {
		rows[i] = []any{w.run.Migration, n.Schema, n.Name}
	}
	return rows
}

func (w *writing) writeTables(ctx context.Context, s *session, tables []ledger.Table) error {
	rows := make([][]any, len(tables))
	for i, t := range tables {
		rows[i] = []any{w.run.Migration, t.Source.Schema, t.Source.Name, t.Target.Schema, t.Target.Name, t.Structure, t.File, t.Count, t.Changes,
			t.Snapshot, t.State, t.Serial, t.Created, t.Edition}
	}
	_, err := s.bulk(ctx, opRecord, upsert("TABLES", "MIGRATION", "SOURCE_SCHEMA", "SOURCE_NAME", "TARGET_SCHEMA", "TARGET_NAME", "STRUCTURE", "FILE",
		"COUNT", "CHANGES", "SNAPSHOT", "STATE", "SERIAL", "CREATED", "EDITION"), rows)
	return err
}

func (w *writing) writePackages(ctx context.Context, s *session, packages []ledger.Package) error {
	rows := make([][]any, len(packages))
	for i, p := range packages {
		b, err := json.Marshal(p.Range)
		if err != nil {
			return wrap(opRecord, err)
		}
		rows[i] = []any{w.run.Migration, p.ID, p.Source.Schema, p.Source.Name, b, p.Generation}
	}
	_, err := s.bulk(ctx, opRecord, upsert("PLANNED", "MIGRATION", "ID", "SOURCE_SCHEMA", "SOURCE_NAME", "RANGE", "GENERATION"), rows)
	return err
}

// Reload implements providers.Session. The ledger first forgets the packages and says "emptying",
// then the tables are truncated. DDL is part of that transaction, so a run that lost its token
// while it waited for a table cannot truncate; and should a server commit it by itself all the
// same, a crash in between leaves "emptying", which is resumed by emptying again.
func (w *writing) Reload(ctx context.Context, tables []providers.ReloadTable) error {
	if len(tables) == 0 {
		return nil
	}
	sources := make([]catalog.Name, len(tables))
	for i, t := range tables {
		sources[i] = t.Source
	}
	err := w.guarded(ctx, opReload, false, func(s *session) error {
		if err := w.remove(ctx, s, sources, "LOADED"); err != nil {
			return err
		}
		return w.setState(ctx, s, sources, ledger.Emptying)
	})
	if err != nil {
		return err
	}
	return w.guarded(ctx, opReload, true, func(s *session) error {
		for _, t := range tables {
			_, err := s.exec(ctx, opReload, "TRUNCATE TABLE "+quoteName(t.Target.Name))
			if err != nil && !hasCode(err, codeNoTable, codeNoSchema) {
				return wrapTable(opReload, t.Target.Name, err)
			}
		}
		return w.setState(ctx, s, sources, ledger.Empty)
	})
}

func (w *writing) setState(ctx context.Context, s *session, sources []catalog.Name, state string) error {
	rows := w.keysOf(sources)
	for i := range rows {
		rows[i] = append([]any{state}, rows[i]...)
	}
	_, err := s.bulk(ctx, opReload, `UPDATE "DMO"."TABLES" SET "STATE" = ?`+ofSource, rows)
	return err
}
