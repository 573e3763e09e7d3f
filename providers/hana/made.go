package hana

import (
	"context"
	"fmt"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// objectID returns what the server numbers an object with, "" where there is none. Schemas
// have no number: only an empty one is ever dropped.
func objectID(ctx context.Context, s *session, o ledger.Object) (string, error) {
	var sql string
	args := []any{o.Name.Schema, o.Name.Name}
	switch o.Kind {
	case ledger.KindSchema:
		sql, args = `SELECT "SCHEMA_NAME" FROM "SYS"."SCHEMAS" WHERE "SCHEMA_NAME" = ?`, args[1:]
	case ledger.KindSequence:
		sql = `SELECT "SEQUENCE_OID" FROM "SYS"."SEQUENCES" WHERE "SCHEMA_NAME" = ? AND "SEQUENCE_NAME" = ?`
	default:
		sql = `SELECT "TABLE_OID" FROM "SYS"."TABLES" WHERE "SCHEMA_NAME" = ? AND "TABLE_NAME" = ?`
	}
	r, err := s.one(ctx, opAlter, sql, args...)
	if err != nil || r == nil {
		return "", err
	}
	return r.text(0), nil
}

// recordMade notes what was just made, in the same transaction where there is one.
func recordMade(ctx context.Context, s *session, migration string, o ledger.Object) error {
	id, err := objectID(ctx, s, o)
	if err == nil {
		_, err = s.bulk(ctx, opRecord, upsert("MADE", "MIGRATION", "KIND", "SCHEMA", "NAME", "ID"), [][]any{{migration, o.Kind, o.Name.Schema, o.Name.Name, id}})
	}
	return err
}

// forgetMade removes what is gone from what any migration has made.
func forgetMade(ctx context.Context, s *session, o ledger.Object) error {
	_, err := s.bulk(ctx, opRecord, `DELETE FROM "DMO"."MADE" WHERE "KIND" = ? AND "SCHEMA" = ? AND "NAME" = ?`, [][]any{{o.Kind, o.Name.Schema, o.Name.Name}})
	return err
}

// execute sends one statement, in a transaction that holds DDL, with what the ledger says of it.
func (a *alteration) execute(ctx context.Context, s *session, st statement) error {
	if st.drops != nil {
		there, err := a.mayDrop(ctx, s, *st.drops)
		if err != nil {
			return err
		}
		if !there {
			return forgetMade(ctx, s, *st.drops)
		}
	}
	if _, err := s.exec(ctx, opAlter, st.sql); err != nil {
		return alterError(err, st.table)
	}
	if st.drops != nil {
		return forgetMade(ctx, s, *st.drops)
	}
	if st.makes != nil {
		return recordMade(ctx, s, a.w.run.Migration, *st.makes)
	}
	return nil
}

// mayDrop says whether an object that is to be dropped is there. One that is another than
// dmoctl made is an error, and so are foreign keys that would go with a table: the
// server drops them without a word, unless it is told to refuse, which views make it do as well.
func (a *alteration) mayDrop(ctx context.Context, s *session, o ledger.Object) (bool, error) {
	id, err := objectID(ctx, s, o)
	if err != nil || id == "" {
		return false, err
	}
	if o.Kind == ledger.KindTable {
		if _, err := s.exec(ctx, opAlter, "LOCK TABLE "+quoteName(o.Name)+" IN EXCLUSIVE MODE"); err != nil {
			return false, wrapTable(opAlter, o.Name, err)
		}
		if id, err = objectID(ctx, s, o); err != nil {
			return false, err
		}
	}
	if o.ID != "" && o.ID != id {
		return false, &providers.Error{Kind: providers.Exists, Op: opAlter, Table: o.Name,
			Err: fmt.Errorf("the %s is another one than dmoctl made", o.Kind), Fix: "Drop it yourself where nobody needs it."}
	}
	if o.Kind != ledger.KindTable {
		return true, nil
	}
	r, err := s.one(ctx, opAlter, `SELECT "CONSTRAINT_NAME", "SCHEMA_NAME", "TABLE_NAME" FROM "SYS"."REFERENTIAL_CONSTRAINTS"
WHERE "REFERENCED_SCHEMA_NAME" = ? AND "REFERENCED_TABLE_NAME" = ? AND NOT ("SCHEMA_NAME" = ? AND "TABLE_NAME" = ?)`,
		o.Name.Schema, o.Name.Name, o.Name.Schema, o.Name.Name)
	if err != nil || r == nil {
		return true, err
	}
	return false, &providers.Error{Kind: providers.InUse, Op: opAlter, Table: o.Name, Fix: dependedOn,
		Err: fmt.Errorf("foreign key %s of %s refers to it", r.text(0), catalog.Name{Schema: r.text(1), Name: r.text(2)})}
}

const dependedOn = "Drop what depends on it yourself, and make it again after the migration."

// drop drops what the ledger says that dmoctl made. RESTRICT makes the server refuse where others depend on it.
func (a *alteration) drop(o ledger.Object) {
	kinds := map[string]string{ledger.KindSchema: "SCHEMA", ledger.KindSequence: "SEQUENCE", ledger.KindTable: "TABLE"}
	name := quoteName(o.Name)
	if o.Kind == ledger.KindSchema {
		name = quoteIdent(o.Name.Name)
	}
	delete(a.tables, o.Name)
	a.out = append(a.out, statement{sql: "DROP " + kinds[o.Kind] + " " + name + " RESTRICT", table: o.Name, long: o.Kind == ledger.KindTable, drops: &o})
}

// dropLedger removes what the ledger says of the migration, and the ledger itself where no other
// migration has a run in it. The run's lock is a row of it, so that is given back first.
func (w *writing) dropLedger(ctx context.Context) error {
	const op = "drop ledger"
	err := w.guarded(ctx, op, false, func(s *session) error {
		for _, t := range ledgerTables() {
			if t.name == "LOCKS" {
				continue
			}
			if _, err := s.bulk(ctx, op, "DELETE FROM "+quoteIdent(ledgerSchema)+"."+quoteIdent(t.name)+` WHERE "MIGRATION" = ?`, [][]any{{w.run.Migration}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return w.with(ctx, func(s *session) error {
		if err := s.begin(ctx, op, false); err != nil {
			return err
		}
		err := dropUnused(ctx, s, op, w.run.Migration)
		if err == nil {
			return s.commit(ctx, op)
		}
		_ = s.rollback() // the first error is the one that counts
		return err
	})
}

// dropUnused drops the ledger's tables where no migration has a run, and its schema where dmoctl made it.
func dropUnused(ctx context.Context, s *session, op, migration string) error {
	if err := s.holdDDL(ctx, op); err != nil {
		return err
	}
	if _, err := s.exec(ctx, op, `LOCK TABLE "DMO"."RUN" IN EXCLUSIVE MODE`); err != nil {
		return err
	}
	runs, err := count(ctx, s, op, `SELECT COUNT(*) FROM "DMO"."RUN"`)
	if err != nil {
		return err
	}
	if runs > 0 {
		_, err := s.bulk(ctx, op, `DELETE FROM "DMO"."LOCKS" WHERE "MIGRATION" = ?`, [][]any{{migration}})
		return err
	}
	ours, err := count(ctx, s, op, `SELECT COUNT(*) FROM "DMO"."MADE" WHERE "MIGRATION" = '' AND "KIND" = ?`, ledger.KindSchema)
	if err != nil {
		return err
	}
	for _, t := range ledgerTables() {
		if _, err := s.exec(ctx, op, "DROP TABLE "+quoteIdent(ledgerSchema)+"."+quoteIdent(t.name)+" RESTRICT"); err != nil {
			return err
		}
	}
	others, err := count(ctx, s, op, `SELECT COUNT(*) FROM "SYS"."TABLES" WHERE "SCHEMA_NAME" = `+quoteLiteral(ledgerSchema))
	if err != nil || ours == 0 || others > 0 {
		return err
	}
	_, err = s.exec(ctx, op, "DROP SCHEMA "+quoteIdent(ledgerSchema)+" RESTRICT")
	if hasCode(err, codeRestricted) { // a view or a sequence of somebody's
		return nil
	}
	return err
}
