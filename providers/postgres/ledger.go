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
)

const (
	ledgerSchema = "dmo"
	opLedger     = "read ledger"
)

// Ledger implements providers.Target.
func (t *target) Ledger(ctx context.Context, migration string) (*ledger.Contents, error) {
	var out *ledger.Contents
	err := t.with(ctx, func(s *session) error {
		exists, err := ledgerExists(ctx, s)
		if err != nil || !exists {
			out = &ledger.Contents{}
			return err
		}
		// One snapshot for all tables.
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
	var pool catalog.Pool // most of what the rows say, they say of each other's tables and packages
	name := func(r row, i int) catalog.Name {
		return catalog.Name{Schema: pool.Bytes(r[i]), Name: pool.Bytes(r[i+1])}
	}
	err = s.query(ctx, opLedger, `SELECT source_schema, source_name, target_schema, target_name, structure, file, count, changes, snapshot, state, serial, created, edition
FROM dmo.tables WHERE migration = $1 ORDER BY source_schema COLLATE "C", source_name COLLATE "C"`, key, func(r row) error {
		c.Tables = append(c.Tables, ledger.Table{Migration: migration, Source: name(r, 0), Target: name(r, 2), Structure: r.text(4), File: r.text(5), Count: r.int(6), Changes: r.text(7),
			Snapshot: pool.Bytes(r[8]), State: pool.Bytes(r[9]), Serial: r.int(10), Created: r.bool(11), Edition: r.int(12)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	// No list is larger than it must be, for there may be 100,000 tables; most have one package.
	n := len(c.Tables)
	if n > 0 {
		c.Tables = append(make([]ledger.Table, 0, n), c.Tables...)
	}
	err = s.query(ctx, opLedger, `SELECT id, source_schema, source_name, range, generation
FROM dmo.planned WHERE migration = $1 ORDER BY id COLLATE "C"`, key, func(r row) error {
		p := ledger.Package{Migration: migration, ID: pool.Bytes(r[0]), Source: name(r, 1), Generation: pool.Bytes(r[4])}
		if err := json.Unmarshal(r[3], &p.Range); err != nil {
			return fmt.Errorf("range of package %s: %w", p.ID, err)
		}
		if c.Packages == nil {
			c.Packages = make([]ledger.Package, 0, n)
		}
		c.Packages = append(c.Packages, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = s.query(ctx, opLedger, `SELECT id, source_schema, source_name, generation, rows, bytes, digest, read_at, snapshot, run, seconds
FROM dmo.loaded WHERE migration = $1 ORDER BY id COLLATE "C"`, key, func(r row) error {
		l := ledger.Loaded{Migration: migration, ID: pool.Bytes(r[0]), Source: name(r, 1), Generation: pool.Bytes(r[3]),
			Rows: r.int(4), Bytes: r.int(5), Digest: r.text(6), Snapshot: pool.Bytes(r[8]), Run: pool.Bytes(r[9])}
		if _, err := fmt.Sscan(r.text(10), &l.Seconds); err != nil {
			return fmt.Errorf("seconds of package %s: %w", l.ID, err)
		}
		var err error
		if l.ReadAt, err = time.Parse(time.RFC3339Nano, r.text(7)); err != nil {
			return fmt.Errorf("time of package %s: %w", l.ID, err)
		}
		if c.Loaded == nil {
			c.Loaded = make([]ledger.Loaded, 0, n)
		}
		c.Loaded = append(c.Loaded, l)
		return nil
	})
	if err != nil {
		return nil, wrap(opLedger, err)
	}
	err = s.query(ctx, opLedger, `SELECT kind, schema, name, id FROM dmo.made WHERE migration = $1
ORDER BY kind COLLATE "C", schema COLLATE "C", name COLLATE "C"`, key, func(r row) error {
		c.Made = append(c.Made, ledger.Object{Migration: migration, Kind: pool.Bytes(r[0]), Name: name(r, 1), ID: r.text(3)})
		return nil
	})
	return c, err
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
