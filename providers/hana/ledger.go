package hana

import (
	"context"
	"fmt"
	"strconv"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/fenced"
)

const (
	ledgerSchema = "DMO"
	opLedger     = "read ledger"
)

// ledgerTables are the tables of the ledger, and LOCKS: rows that are locked and never
// changed, because HANA has no advisory locks. Ranges may be longer than NVARCHAR allows.
func ledgerTables() []struct{ name, columns string } {
	return []struct{ name, columns string }{
		{
			"RUN",
			`"MIGRATION" NVARCHAR(256) NOT NULL, "LINEAGE" NVARCHAR(256) NOT NULL, "SERIAL" BIGINT NOT NULL,
 "PLAN" NVARCHAR(256) NOT NULL, "TOKEN" NVARCHAR(256) NOT NULL,
 "OWNER" NVARCHAR(5000) NOT NULL, "SESSIONS" NVARCHAR(5000) NOT NULL, "SPEC" NVARCHAR(5000) NOT NULL, "CLOSED" BOOLEAN NOT NULL, PRIMARY KEY ("MIGRATION")`,
		},
		{
			"TABLES",
			`"MIGRATION" NVARCHAR(256) NOT NULL, "SOURCE_SCHEMA" NVARCHAR(256) NOT NULL,
 "SOURCE_NAME" NVARCHAR(256) NOT NULL, "TARGET_SCHEMA" NVARCHAR(256) NOT NULL,
 "TARGET_NAME" NVARCHAR(256) NOT NULL, "STRUCTURE" NVARCHAR(256) NOT NULL, "FILE" NVARCHAR(5000) NOT NULL,
 "COUNT" BIGINT NOT NULL, "CHANGES" NVARCHAR(5000) NOT NULL,
 "SNAPSHOT" NVARCHAR(1000) NOT NULL, "STATE" NVARCHAR(40) NOT NULL, "SERIAL" BIGINT NOT NULL,
 "CREATED" BOOLEAN NOT NULL, "EDITION" BIGINT NOT NULL, PRIMARY KEY ("MIGRATION", "SOURCE_SCHEMA", "SOURCE_NAME")`,
		},
		{
			"PLANNED",
			`"MIGRATION" NVARCHAR(256) NOT NULL, "ID" NVARCHAR(600) NOT NULL, "SOURCE_SCHEMA" NVARCHAR(256) NOT NULL, "SOURCE_NAME" NVARCHAR(256) NOT NULL,
 "RANGE" NCLOB NOT NULL, "GENERATION" NVARCHAR(256) NOT NULL, PRIMARY KEY ("MIGRATION", "ID")`,
		},
		{
			"LOADED",
			`"MIGRATION" NVARCHAR(256) NOT NULL, "ID" NVARCHAR(600) NOT NULL, "SOURCE_SCHEMA" NVARCHAR(256) NOT NULL, "SOURCE_NAME" NVARCHAR(256) NOT NULL,
 "GENERATION" NVARCHAR(256) NOT NULL, "ROWS" BIGINT NOT NULL, "BYTES" BIGINT NOT NULL, "DIGEST" NVARCHAR(256) NOT NULL, "READ_AT" NVARCHAR(40) NOT NULL,
 "SNAPSHOT" NVARCHAR(1000) NOT NULL, "RUN" NVARCHAR(256) NOT NULL, "SECONDS" DOUBLE NOT NULL, PRIMARY KEY ("MIGRATION", "ID")`,
		},
		{
			"MADE",
			`"MIGRATION" NVARCHAR(256) NOT NULL, "KIND" NVARCHAR(40) NOT NULL, "SCHEMA" NVARCHAR(256) NOT NULL,
 "NAME" NVARCHAR(256) NOT NULL, "ID" NVARCHAR(256) NOT NULL,
 PRIMARY KEY ("MIGRATION", "KIND", "SCHEMA", "NAME")`,
		},
		{"LOCKS", `"MIGRATION" NVARCHAR(256) NOT NULL, "KIND" NVARCHAR(40) NOT NULL, PRIMARY KEY ("MIGRATION", "KIND")`},
	}
}

func isLedgerTable(n catalog.Name) bool {
	if n.Schema != ledgerSchema {
		return false
	}
	for _, t := range ledgerTables() {
		if t.name == n.Name {
			return true
		}
	}
	return false
}

// makeLedger creates what is missing of the ledger, and the migration's locks. It may be called by
// several runs at once, and again after it was stopped: each statement is repeated until it holds.
func (t *target) makeLedger(ctx context.Context, migration string) error {
	return t.with(ctx, func(s *session) error {
		have, err := t.ledgerState(ctx, s)
		if err == nil && have != ledgerWhole {
			if err = t.createLedger(ctx, s); err == nil {
				have, err = t.ledgerState(ctx, s)
			}
		}
		if err != nil {
			return err
		}
		if have != ledgerWhole {
			return &providers.Error{Kind: providers.NotFound, Op: "create ledger", Err: fmt.Errorf("the tables of schema %s cannot be seen", ledgerSchema),
				Fix: "Grant the user SELECT on schema " + ledgerSchema + ", or CATALOG READ."}
		}
		return makeLocks(ctx, s, migration)
	})
}

func (t *target) createLedger(ctx context.Context, s *session) error {
	const op = "create ledger"
	n, err := count(ctx, s, op, `SELECT COUNT(*) FROM "SYS"."SCHEMAS" WHERE "SCHEMA_NAME" = `+quoteLiteral(ledgerSchema))
	if err != nil {
		return err
	}
	var sql []string
	if n == 0 {
		sql = append(sql, "CREATE SCHEMA "+quoteIdent(ledgerSchema))
	}
	for _, t := range ledgerTables() {
		sql = append(sql, "CREATE COLUMN TABLE "+quoteIdent(ledgerSchema)+"."+quoteIdent(t.name)+" ("+t.columns+") COMMENT "+quoteLiteral(ledgerSignature))
	}
	madeSchema := false
	for i, statement := range sql {
		// Each commits by itself; one that another run has made meanwhile is as good.
		_, err := s.exec(ctx, op, statement)
		if err != nil && !hasCode(err, codeExistsTable, codeExistsSchema) {
			return err
		}
		madeSchema = madeSchema || n == 0 && i == 0 && err == nil
	}
	if !madeSchema {
		return nil
	}
	return recordMade(ctx, &txn{session: s}, "", ledger.Object{Kind: ledger.KindSchema, Name: catalog.Name{Name: ledgerSchema}})
}

// locksTable holds rows that are locked and never changed.
const locksTable = `"DMO"."LOCKS"`

// Kinds of a migration's locks.
const (
	lockRun      = "run"      // held by the run's own session for as long as it lives
	lockPackages = "packages" // shared by package transactions, exclusive for who has renewed the token
)

// makeLocks inserts the rows that are locked.
func makeLocks(ctx context.Context, s *session, migration string) error {
	const op = "create locks"
	n, err := count(ctx, s, op, "SELECT COUNT(*) FROM "+locksTable+` WHERE "MIGRATION" = `+quoteLiteral(migration))
	if err != nil || n == 2 {
		return err
	}
	for _, kind := range []string{lockRun, lockPackages} {
		_, err := s.bulk(ctx, op, "INSERT INTO "+locksTable+` ("MIGRATION", "KIND") VALUES (?, ?)`, [][]any{{migration, kind}})
		if err != nil && !hasCode(err, codeUnique) {
			return err
		}
	}
	return nil
}

func count(ctx context.Context, s *session, op, sql string, args ...any) (int64, error) {
	r, err := s.one(ctx, op, sql, args...)
	if err != nil || r == nil {
		return 0, err
	}
	return r.int(0), nil
}

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }

// dropLedger removes what the ledger says of the migration, and the ledger itself where no other
// migration has a run in it. The run's lock is a row of it, so that is released first.
func (t *target) dropLedger(ctx context.Context, w *fenced.Session[*txn]) error {
	const op = "drop ledger"
	err := w.Do(ctx, op, fenced.Load, func(tx *txn) error { return fenced.Forget(ctx, tx, w.Migration()) })
	if err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return t.with(ctx, func(s *session) error {
		if err := s.begin(ctx, op, false); err != nil {
			return err
		}
		err := dropUnused(ctx, &txn{session: s}, op, w.Migration())
		if err == nil {
			return s.commit(ctx, op)
		}
		_ = s.rollback() // the first error is the one that counts
		return err
	})
}

// dropUnused drops the ledger's tables where no migration has a run, and its schema where dmoctl made it.
func dropUnused(ctx context.Context, tx *txn, op, migration string) error {
	s, run := tx.session, ledgerTable(fenced.Run())
	if err := s.holdDDL(ctx, op); err != nil {
		return err
	}
	if _, err := s.exec(ctx, op, "LOCK TABLE "+run+" IN EXCLUSIVE MODE"); err != nil {
		return err
	}
	runs, err := count(ctx, s, op, "SELECT COUNT(*) FROM "+run)
	if err != nil {
		return err
	}
	if runs > 0 {
		_, err := s.bulk(ctx, op, "DELETE FROM "+locksTable+` WHERE "MIGRATION" = ?`, [][]any{{migration}})
		return err
	}
	ours, err := fenced.MadeForAll(ctx, tx)
	if err != nil {
		return err
	}
	for _, t := range ledgerTables() {
		if _, err := s.exec(ctx, op, "DROP TABLE "+quoteIdent(ledgerSchema)+"."+quoteIdent(t.name)+" RESTRICT"); err != nil {
			return err
		}
	}
	others, err := count(ctx, s, op, `SELECT COUNT(*) FROM "SYS"."TABLES" WHERE "SCHEMA_NAME" = `+quoteLiteral(ledgerSchema))
	if err != nil || len(ours) == 0 || others > 0 {
		return err
	}
	_, err = s.exec(ctx, op, "DROP SCHEMA "+quoteIdent(ledgerSchema)+" RESTRICT")
	if hasCode(err, codeRestricted) { // a view or a sequence of somebody's
		return nil
	}
	return err
}
