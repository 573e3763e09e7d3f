package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

const (
	ledgerSchema    = "dmo"
	ledgerSignature = "dmoctl ledger, format 2" // comment of the ledger's tables, by which ours are known
	opLedger        = "read ledger"
)

// ledgerDDL makes the four tables. Ranges are JSON text, because jsonb would
// not keep them byte for byte.
const ledgerDDL = `
CREATE SCHEMA IF NOT EXISTS dmo;
CREATE TABLE dmo.run (
  migration text PRIMARY KEY, lineage text NOT NULL, serial bigint NOT NULL, plan text NOT NULL, token text NOT NULL,
  owner text NOT NULL, sessions text NOT NULL, spec text NOT NULL, closed boolean NOT NULL);
CREATE TABLE dmo.tables (
  migration text, source_schema text, source_name text, target_schema text NOT NULL, target_name text NOT NULL,
  structure text NOT NULL, file text NOT NULL, count bigint NOT NULL, changes text NOT NULL, snapshot text NOT NULL,
  state text NOT NULL, serial bigint NOT NULL, created boolean NOT NULL, edition bigint NOT NULL, PRIMARY KEY (migration, source_schema, source_name));
CREATE TABLE dmo.planned (
  migration text, id text, source_schema text NOT NULL, source_name text NOT NULL, range text NOT NULL, generation text NOT NULL,
  PRIMARY KEY (migration, id));
CREATE TABLE dmo.loaded (
  migration text, id text, source_schema text NOT NULL, source_name text NOT NULL, generation text NOT NULL, rows bigint NOT NULL,
  bytes bigint NOT NULL, digest text NOT NULL, read_at text NOT NULL, snapshot text NOT NULL, run text NOT NULL, seconds float8 NOT NULL,
  PRIMARY KEY (migration, id));
COMMENT ON TABLE dmo.run IS '` + ledgerSignature + `';
COMMENT ON TABLE dmo.tables IS '` + ledgerSignature + `';
COMMENT ON TABLE dmo.planned IS '` + ledgerSignature + `';
COMMENT ON TABLE dmo.loaded IS '` + ledgerSignature + `';`

// ledgerExists says whether the ledger is there. Tables of its names that are not ours are an error.
func ledgerExists(ctx context.Context, s *session) (bool, error) {
	ours, others := 0, ""
	err := s.query(ctx, opLedger, `SELECT c.relname, coalesce(obj_description(c.oid, 'pg_class') = $1, false)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'dmo' AND c.relname IN ('run', 'tables', 'planned', 'loaded')`, []string{ledgerSignature}, func(r row) error {
		if r.bool(1) {
			ours++
		} else {
			others = r.text(0)
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	if others != "" || ours != 0 && ours != 4 {
		return false, &providers.Error{Kind: providers.Exists, Op: opLedger, Table: catalog.Name{Schema: ledgerSchema, Name: others},
			Err: errors.New("schema dmo holds tables that are not dmoctl's ledger"), Fix: "Rename that schema, or load into another database."}
	}
	return ours == 4, nil
}

// Ledger implements providers.Target.
func (t *target) Ledger(ctx context.Context, migration string) (*ledger.Contents, error) {
	var out *ledger.Contents
	err := t.with(ctx, func(s *session) error {
		exists, err := ledgerExists(ctx, s)
		if err != nil || !exists {
			out = &ledger.Contents{}
			return err
		}
		// One snapshot for all four tables.
		if _, err := s.exec(ctx, opLedger, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil {
			return err
		}
		out, err = readLedger(ctx, s, migration)
		if err != nil {
			return errors.Join(err, s.rollback())
		}
		_, err = s.exec(ctx, opLedger, "COMMIT")
		return err
	})
	return out, err
}

func readLedger(ctx context.Context, s *session, migration string) (*ledger.Contents, error) {
	c := &ledger.Contents{}
	var err error
	if c.Run, err = readRun(ctx, s, migration, ""); err != nil {
		return nil, err
	}
	key := []string{migration}
	err = s.query(ctx, opLedger, `SELECT source_schema, source_name, target_schema, target_name, structure, file, count, changes, snapshot, state, serial, created, edition
FROM dmo.tables WHERE migration = $1 ORDER BY source_schema COLLATE "C", source_name COLLATE "C"`, key, func(r row) error {
		c.Tables = append(c.Tables, ledger.Table{Migration: migration, Source: catalog.Name{Schema: r.text(0), Name: r.text(1)},
			Target: catalog.Name{Schema: r.text(2), Name: r.text(3)}, Structure: r.text(4), File: r.text(5), Count: r.int(6), Changes: r.text(7),
			Snapshot: r.text(8), State: r.text(9), Serial: r.int(10), Created: r.bool(11), Edition: r.int(12)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = s.query(ctx, opLedger, `SELECT id, source_schema, source_name, range, generation
FROM dmo.planned WHERE migration = $1 ORDER BY id COLLATE "C"`, key, func(r row) error {
		p := ledger.Package{Migration: migration, ID: r.text(0), Source: catalog.Name{Schema: r.text(1), Name: r.text(2)}, Generation: r.text(4)}
		if err := json.Unmarshal(r[3], &p.Range); err != nil {
			return fmt.Errorf("range of package %s: %w", p.ID, err)
		}
		c.Packages = append(c.Packages, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = s.query(ctx, opLedger, `SELECT id, source_schema, source_name, generation, rows, bytes, digest, read_at, snapshot, run, seconds
FROM dmo.loaded WHERE migration = $1 ORDER BY id COLLATE "C"`, key, func(r row) error {
		l := ledger.Loaded{Migration: migration, ID: r.text(0), Source: catalog.Name{Schema: r.text(1), Name: r.text(2)}, Generation: r.text(3),
			Rows: r.int(4), Bytes: r.int(5), Digest: r.text(6), Snapshot: r.text(8), Run: r.text(9)}
		if _, err := fmt.Sscan(r.text(10), &l.Seconds); err != nil {
			return fmt.Errorf("seconds of package %s: %w", l.ID, err)
		}
		var err error
		if l.ReadAt, err = time.Parse(time.RFC3339Nano, r.text(7)); err != nil {
			return fmt.Errorf("time of package %s: %w", l.ID, err)
		}
		c.Loaded = append(c.Loaded, l)
		return nil
	})
	return c, wrap(opLedger, err)
}

// readRun reads the row of one migration; nil where there is none. Tail is added to the statement.
func readRun(ctx context.Context, s *session, migration, tail string) (*ledger.Run, error) {
	r, err := s.one(ctx, opLedger, "SELECT lineage, serial, plan, token, owner, sessions, spec, closed FROM dmo.run WHERE migration = $1"+tail, migration)
	if err != nil || r == nil {
		return nil, err
	}
	run := &ledger.Run{Migration: migration, Lineage: r.text(0), Serial: r.int(1), Plan: r.text(2), Token: r.text(3), Spec: r.text(6), Closed: r.bool(7)}
	if err := json.Unmarshal(r[4], &run.Owner); err != nil {
		return nil, wrap(opLedger, fmt.Errorf("owner of the run: %w", err))
	}
	if err := json.Unmarshal(r[5], &run.Sessions); err != nil {
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
	return s.query(ctx, "write ledger", `INSERT INTO dmo.run (migration, lineage, serial, plan, token, owner, sessions, spec, closed)
VALUES ($1, $2, $3::bigint, $4, $5, $6, $7, $8, $9::boolean) ON CONFLICT (migration) DO UPDATE SET lineage = excluded.lineage,
serial = excluded.serial, plan = excluded.plan, token = excluded.token, owner = excluded.owner, sessions = excluded.sessions,
spec = excluded.spec, closed = excluded.closed`, []string{run.Migration, run.Lineage, formatInt(run.Serial), run.Plan, run.Token,
		string(owner), string(sessions), run.Spec, fmt.Sprint(run.Closed)}, nil)
}

// columnsOf turns rows of strings into one array parameter a column.
func columnsOf(width int, rows [][]string) []string {
	out := make([]string, width)
	for i := range out {
		column := make([]string, len(rows))
		for j, r := range rows {
			column[j] = r[i]
		}
		out[i] = textArray(column)
	}
	return out
}

// unnested spells unnest($2::text[], ...) over width parameters; $1 is the migration.
func unnested(width int) string {
	parts := make([]string, width)
	for i := range parts {
		parts[i] = fmt.Sprintf("$%d::text[]", i+2)
	}
	return "unnest(" + strings.Join(parts, ", ") + ")"
}
