package hana

import (
	"context"
	"fmt"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/fenced"
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
func recordMade(ctx context.Context, tx *txn, migration string, o ledger.Object) (err error) {
	o.Migration = migration
	if o.ID, err = objectID(ctx, tx.session, o); err != nil {
		return err
	}
	return fenced.RecordMade(ctx, tx, o)
}

// execute sends one statement, in a transaction that holds DDL, with what the ledger says of it.
func (a *alteration) execute(ctx context.Context, tx *txn, st statement) error {
	if st.drops != nil {
		there, err := mayDrop(ctx, tx.session, *st.drops)
		if err != nil {
			return err
		}
		if !there {
			return fenced.ForgetMade(ctx, tx, *st.drops)
		}
	}
	if _, err := tx.exec(ctx, opAlter, st.sql); err != nil {
		return alterError(err, st.table)
	}
	if st.drops != nil {
		return fenced.ForgetMade(ctx, tx, *st.drops)
	}
	if st.makes != nil {
		return recordMade(ctx, tx, a.w.Migration(), *st.makes)
	}
	return nil
}

// mayDrop says whether an object that is to be dropped is there. One that is another than
// dmoctl made is an error, and so are foreign keys that would go with a table: the
// server drops them without a word, unless it is told to refuse, which views make it do as well.
func mayDrop(ctx context.Context, s *session, o ledger.Object) (bool, error) {
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
		return false, fenced.AnotherObject(opAlter, o)
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

const dependedOn = "Drop the dependents yourself, and recreate them after the migration."

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
