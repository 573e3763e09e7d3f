package hana

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	hdb "github.com/SAP/go-hdb/driver"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

const (
	ledgerSchema = "DMO"
	opLedger     = "read ledger"
)

// ledgerTables are the tables of the ledger, and LOCKS: rows that are locked and never
// changed, because HANA has no advisory locks. Ranges may be longer than NVARCHAR allows.
func ledgerTables() []struct{ name, columns string } {
	return []struct{ name, columns string }{
		{"RUN", `"MIGRATION" NVARCHAR(256) NOT NULL, "LINEAGE" NVARCHAR(256) NOT NULL, "SERIAL" BIGINT NOT NULL, "PLAN" NVARCHAR(256) NOT NULL, "TOKEN" NVARCHAR(256) NOT NULL,
 "OWNER" NVARCHAR(5000) NOT NULL, "SESSIONS" NVARCHAR(5000) NOT NULL, "SPEC" NVARCHAR(5000) NOT NULL, "CLOSED" BOOLEAN NOT NULL, PRIMARY KEY ("MIGRATION")`},
		{"TABLES", `"MIGRATION" NVARCHAR(256) NOT NULL, "SOURCE_SCHEMA" NVARCHAR(256) NOT NULL, "SOURCE_NAME" NVARCHAR(256) NOT NULL, "TARGET_SCHEMA" NVARCHAR(256) NOT NULL,
 "TARGET_NAME" NVARCHAR(256) NOT NULL, "STRUCTURE" NVARCHAR(256) NOT NULL, "FILE" NVARCHAR(5000) NOT NULL, "COUNT" BIGINT NOT NULL, "CHANGES" NVARCHAR(5000) NOT NULL,
 "SNAPSHOT" NVARCHAR(1000) NOT NULL, "STATE" NVARCHAR(40) NOT NULL, "SERIAL" BIGINT NOT NULL, "CREATED" BOOLEAN NOT NULL, "EDITION" BIGINT NOT NULL, PRIMARY KEY ("MIGRATION", "SOURCE_SCHEMA", "SOURCE_NAME")`},
		{"PLANNED", `"MIGRATION" NVARCHAR(256) NOT NULL, "ID" NVARCHAR(600) NOT NULL, "SOURCE_SCHEMA" NVARCHAR(256) NOT NULL, "SOURCE_NAME" NVARCHAR(256) NOT NULL,
 "RANGE" NCLOB NOT NULL, "GENERATION" NVARCHAR(256) NOT NULL, PRIMARY KEY ("MIGRATION", "ID")`},
		{"LOADED", `"MIGRATION" NVARCHAR(256) NOT NULL, "ID" NVARCHAR(600) NOT NULL, "SOURCE_SCHEMA" NVARCHAR(256) NOT NULL, "SOURCE_NAME" NVARCHAR(256) NOT NULL,
 "GENERATION" NVARCHAR(256) NOT NULL, "ROWS" BIGINT NOT NULL, "BYTES" BIGINT NOT NULL, "DIGEST" NVARCHAR(256) NOT NULL, "READ_AT" NVARCHAR(40) NOT NULL,
 "SNAPSHOT" NVARCHAR(1000) NOT NULL, "RUN" NVARCHAR(256) NOT NULL, "SECONDS" DOUBLE NOT NULL, PRIMARY KEY ("MIGRATION", "ID")`},
		{"MADE", `"MIGRATION" NVARCHAR(256) NOT NULL, "KIND" NVARCHAR(40) NOT NULL, "SCHEMA" NVARCHAR(256) NOT NULL, "NAME" NVARCHAR(256) NOT NULL, "ID" NVARCHAR(256) NOT NULL,
 PRIMARY KEY ("MIGRATION", "KIND", "SCHEMA", "NAME")`},
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
	return recordMade(ctx, s, "", ledger.Object{Kind: ledger.KindSchema, Name: catalog.Name{Name: ledgerSchema}})
}

// Kinds of a migration's locks.
const (
	lockRun      = "run"      // held by the run's own session for as long as it lives
	lockPackages = "packages" // shared by package transactions, exclusive for who has renewed the token
)

// makeLocks inserts the rows that are locked.
func makeLocks(ctx context.Context, s *session, migration string) error {
	const op = "create locks"
	n, err := count(ctx, s, op, `SELECT COUNT(*) FROM "DMO"."LOCKS" WHERE "MIGRATION" = `+quoteLiteral(migration))
	if err != nil || n == 2 {
		return err
	}
	for _, kind := range []string{lockRun, lockPackages} {
		_, err := s.bulk(ctx, op, `INSERT INTO "DMO"."LOCKS" ("MIGRATION", "KIND") VALUES (?, ?)`, [][]any{{migration, kind}})
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

// Ledger implements providers.Target.
func (t *target) Ledger(ctx context.Context, migration string) (*ledger.Contents, error) {
	out := &ledger.Contents{}
	err := t.with(ctx, func(s *session) error {
		have, err := t.ledgerState(ctx, s)
		if err != nil || have != ledgerWhole {
			return err
		}
		// One snapshot for all tables. Ranges are large objects, which are read in a transaction.
		if err := s.begin(ctx, opLedger, true); err != nil {
			return err
		}
		out, err = readLedger(ctx, s, migration)
		if failed := s.rollback(); err == nil {
			err = failed
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func readLedger(ctx context.Context, s *session, migration string) (*ledger.Contents, error) {
	c := &ledger.Contents{}
	var err error
	if c.Run, err = readRun(ctx, s, migration); err != nil {
		return nil, err
	}
	key := []any{migration}
	err = s.query(ctx, opLedger, `SELECT "SOURCE_SCHEMA", "SOURCE_NAME", "TARGET_SCHEMA", "TARGET_NAME", "STRUCTURE", "FILE", "COUNT", "CHANGES", "SNAPSHOT", "STATE", "SERIAL", "CREATED", "EDITION"
FROM "DMO"."TABLES" WHERE "MIGRATION" = ? ORDER BY "SOURCE_SCHEMA", "SOURCE_NAME"`, key, func(r row) error {
		c.Tables = append(c.Tables, ledger.Table{Migration: migration, Source: catalog.Name{Schema: r.text(0), Name: r.text(1)},
			Target: catalog.Name{Schema: r.text(2), Name: r.text(3)}, Structure: r.text(4), File: r.text(5), Count: r.int(6), Changes: r.text(7),
			Snapshot: r.text(8), State: r.text(9), Serial: r.int(10), Created: r.bool(11), Edition: r.int(12)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = s.query(ctx, opLedger, `SELECT "ID", "SOURCE_SCHEMA", "SOURCE_NAME", "RANGE", "GENERATION" FROM "DMO"."PLANNED" WHERE "MIGRATION" = ? ORDER BY "ID"`, key, func(r row) error {
		p := ledger.Package{Migration: migration, ID: r.text(0), Source: catalog.Name{Schema: r.text(1), Name: r.text(2)}, Generation: r.text(4)}
		var text []byte
		if err := hdb.ScanLobBytes(r[3], &text); err != nil {
			return err
		}
		if err := json.Unmarshal(text, &p.Range); err != nil {
			return fmt.Errorf("range of package %s: %w", p.ID, err)
		}
		c.Packages = append(c.Packages, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = s.query(ctx, opLedger, `SELECT "ID", "SOURCE_SCHEMA", "SOURCE_NAME", "GENERATION", "ROWS", "BYTES", "DIGEST", "READ_AT", "SNAPSHOT", "RUN", "SECONDS"
FROM "DMO"."LOADED" WHERE "MIGRATION" = ? ORDER BY "ID"`, key, func(r row) error {
		l := ledger.Loaded{Migration: migration, ID: r.text(0), Source: catalog.Name{Schema: r.text(1), Name: r.text(2)}, Generation: r.text(3),
			Rows: r.int(4), Bytes: r.int(5), Digest: r.text(6), Snapshot: r.text(8), Run: r.text(9), Seconds: r.float(10)}
		var err error
		if l.ReadAt, err = time.Parse(time.RFC3339Nano, r.text(7)); err != nil {
			return fmt.Errorf("time of package %s: %w", l.ID, err)
		}
		c.Loaded = append(c.Loaded, l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = s.query(ctx, opLedger, `SELECT "KIND", "SCHEMA", "NAME", "ID" FROM "DMO"."MADE" WHERE "MIGRATION" = ? ORDER BY "KIND", "SCHEMA", "NAME"`, key, func(r row) error {
		c.Made = append(c.Made, ledger.Object{Migration: migration, Kind: r.text(0), Name: catalog.Name{Schema: r.text(1), Name: r.text(2)}, ID: r.text(3)})
		return nil
	})
	return c, err
}

// readRun reads the row of one migration; nil where there is none.
func readRun(ctx context.Context, s *session, migration string) (*ledger.Run, error) {
	r, err := s.one(ctx, opLedger, `SELECT "LINEAGE", "SERIAL", "PLAN", "TOKEN", "OWNER", "SESSIONS", "SPEC", "CLOSED" FROM "DMO"."RUN" WHERE "MIGRATION" = ?`, migration)
	if err != nil || r == nil {
		return nil, err
	}
	run := &ledger.Run{Migration: migration, Lineage: r.text(0), Serial: r.int(1), Plan: r.text(2), Token: r.text(3), Spec: r.text(6), Closed: r.bool(7)}
	if err := json.Unmarshal([]byte(r.text(4)), &run.Owner); err != nil {
		return nil, wrap(opLedger, fmt.Errorf("owner of the run: %w", err))
	}
	if err := json.Unmarshal([]byte(r.text(5)), &run.Sessions); err != nil {
		return nil, wrap(opLedger, fmt.Errorf("sessions of the run: %w", err))
	}
	return run, nil
}

func writeRun(ctx context.Context, s *session, run *ledger.Run) error {
	owner, err := json.Marshal(run.Owner)
	if err != nil {
		return err
	}
	sessions, err := json.Marshal(run.Sessions)
	if err != nil {
		return err
	}
	_, err = s.bulk(ctx, "write ledger", upsert("RUN", "MIGRATION", "LINEAGE", "SERIAL", "PLAN", "TOKEN", "OWNER", "SESSIONS", "SPEC", "CLOSED"),
		[][]any{{run.Migration, run.Lineage, run.Serial, run.Plan, run.Token, string(owner), string(sessions), run.Spec, run.Closed}})
	return err
}

// upsert spells the statement that writes rows of a ledger table by their primary key.
func upsert(table string, columns ...string) string {
	return "UPSERT " + quoteIdent(ledgerSchema) + "." + quoteIdent(table) + " (" + quoteIdents(columns) + ") VALUES (" + binds(len(columns)) + ") WITH PRIMARY KEY"
}

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }
