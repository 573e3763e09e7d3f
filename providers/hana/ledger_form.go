package hana

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

// administrator is the user that may do everything: it need not plant a ledger.
const administrator = "SYSTEM"

// state of the ledger on the server.
type state int

const (
	ledgerNone state = iota
	ledgerPart       // somebody is making it, or was stopped while doing so
	ledgerWhole
)

// ledgerState says how much of the ledger is there, before anything is read from it or written
// to it: a trigger or a default of somebody else would run with the rights of this user. What is
// not dmoctl's to the letter is an error.
func (db *database) ledgerState(ctx context.Context, s *session) (state, error) {
	comments := make(map[string]string)
	err := s.query(
		ctx,
		opLedger,
		`SELECT "TABLE_NAME", "COMMENTS" FROM "SYS"."TABLES" WHERE "SCHEMA_NAME" = `+quoteLiteral(ledgerSchema),
		nil,
		func(r row) error {
			comments[r.text(0)] = r.text(1)
			return nil
		},
	)
	if err != nil {
		return ledgerNone, err
	}
	if err := db.ownsLedger(ctx, s); err != nil {
		return ledgerNone, err
	}
	columns, err := ledgerColumns(ctx, s)
	if err != nil {
		return ledgerNone, err
	}
	ours := 0
	for _, t := range ledgerTables() {
		comment, there := comments[t.name]
		switch {
		case !there:
			continue
		case comment != ledgerSignature && strings.HasPrefix(comment, ledgerMark):
			return ledgerNone, &providers.Error{Kind: providers.Unsupported, Op: opLedger, Table: catalog.Name{Schema: ledgerSchema, Name: t.name},
				Err: fmt.Errorf("it is a %s, but this dmoctl writes %q", comment, ledgerSignature),
				Fix: "Finish that migration with the version of dmoctl that started it, or drop schema " + ledgerSchema + " and start over."}
		case comment != ledgerSignature:
			return ledgerNone, notLedger(t.name, "it lacks dmoctl's comment")
		case columns[t.name] != columnsOnly(t.columns):
			return ledgerNone, notLedger(t.name, "its columns differ")
		}
		ours++
	}
	if err := untriggered(ctx, s); err != nil {
		return ledgerNone, err
	}
	switch ours {
	case 0:
		return ledgerNone, nil
	case len(ledgerTables()):
		return ledgerWhole, nil
	}
	return ledgerPart, nil
}

func notLedger(table, why string) error {
	return &providers.Error{Kind: providers.Exists, Op: opLedger, Table: catalog.Name{Schema: ledgerSchema, Name: table},
		Err: errors.New("it is not part of dmoctl's ledger: " + why), Fix: "Rename that schema, or load into another database."}
}

// ownsLedger refuses a schema of another user's.
func (db *database) ownsLedger(ctx context.Context, s *session) error {
	r, err := s.one(ctx, opLedger, `SELECT "SCHEMA_OWNER" FROM "SYS"."SCHEMAS" WHERE "SCHEMA_NAME" = `+quoteLiteral(ledgerSchema))
	if err != nil || r == nil || r.is(0, db.user) || r.is(0, administrator) {
		return err
	}
	return &providers.Error{Kind: providers.Permission, Op: opLedger, Table: catalog.Name{Name: ledgerSchema},
		Err: fmt.Errorf("schema %s belongs to user %s, which could change what dmoctl's statements do", ledgerSchema, r.text(0)),
		Fix: "Connect as that user, or inspect the schema and drop it if nothing needs it."}
}

// untriggered refuses triggers on the ledger's tables.
func untriggered(ctx context.Context, s *session) error {
	r, err := s.one(
		ctx,
		opLedger,
		`SELECT "TRIGGER_NAME", "SUBJECT_TABLE_NAME" FROM "SYS"."TRIGGERS" WHERE "SUBJECT_TABLE_SCHEMA" = `+quoteLiteral(ledgerSchema),
	)
	if err != nil || r == nil {
		return err
	}
	return notLedger(r.text(1), "something was added to it: trigger "+r.text(0))
}

// ledgerColumns prints the columns of the schema's tables as ledgerTables spells them.
func ledgerColumns(ctx context.Context, s *session) (map[string]string, error) {
	out := make(map[string]string)
	err := s.query(
		ctx,
		opLedger,
		`SELECT "TABLE_NAME", "COLUMN_NAME", "DATA_TYPE_NAME", "LENGTH", "IS_NULLABLE", "DEFAULT_VALUE", "GENERATED_ALWAYS_AS", "GENERATION_TYPE"
FROM "SYS"."TABLE_COLUMNS" WHERE "SCHEMA_NAME" = `+quoteLiteral(ledgerSchema)+` ORDER BY "TABLE_NAME", "POSITION"`,
		nil,
		func(r row) error {
			column := quoteIdent(r.text(1)) + " " + r.text(2)
			if r.is(2, "NVARCHAR") {
				column += "(" + r.text(3) + ")"
			}
			if r.is(4, "FALSE") {
				column += " NOT NULL"
			}
			if !r.null(5) || !r.null(6) || !r.null(7) {
				column += " computed"
			}
			if out[r.text(0)] != "" {
				column = ", " + column
			}
			out[r.text(0)] += column
			return nil
		},
	)
	return out, err
}

// columnsOnly leaves the primary key, and the breaks of lines, out of a table's text.
func columnsOnly(text string) string {
	text, _, _ = strings.Cut(strings.ReplaceAll(text, "\n", ""), ", PRIMARY KEY")
	return text
}
