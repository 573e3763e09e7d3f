package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// ledgerTables returns the statements that make the ledger, by table. SQLite keeps
// them to the letter, so a table of such a name with another text is a user's.
func ledgerTables() map[string]string {
	return map[string]string{
		"dmo_run": `CREATE TABLE dmo_run (migration TEXT NOT NULL PRIMARY KEY, lineage TEXT NOT NULL, serial INTEGER NOT NULL,
  plan TEXT NOT NULL, token TEXT NOT NULL, owner TEXT NOT NULL, sessions TEXT NOT NULL, spec TEXT NOT NULL,
  closed INTEGER NOT NULL) WITHOUT ROWID /* dmoctl ledger 2 */`,
		"dmo_tables": `CREATE TABLE dmo_tables (migration TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, structure TEXT NOT NULL,
  file TEXT NOT NULL, count INTEGER NOT NULL, changes TEXT NOT NULL, snapshot TEXT NOT NULL, state TEXT NOT NULL,
  serial INTEGER NOT NULL, created INTEGER NOT NULL, edition INTEGER NOT NULL, PRIMARY KEY (migration, source)) WITHOUT ROWID /* dmoctl ledger 2 */`,
		"dmo_planned": `CREATE TABLE dmo_planned (migration TEXT NOT NULL, id TEXT NOT NULL, source TEXT NOT NULL, range TEXT NOT NULL,
  generation TEXT NOT NULL, PRIMARY KEY (migration, id)) WITHOUT ROWID /* dmoctl ledger 2 */`,
		"dmo_loaded": `CREATE TABLE dmo_loaded (migration TEXT NOT NULL, id TEXT NOT NULL, source TEXT NOT NULL, generation TEXT NOT NULL,
  rows INTEGER NOT NULL, bytes INTEGER NOT NULL, digest TEXT NOT NULL, read_at TEXT NOT NULL, snapshot TEXT NOT NULL,
  run TEXT NOT NULL, seconds REAL NOT NULL, PRIMARY KEY (migration, id)) WITHOUT ROWID /* dmoctl ledger 2 */`,
		"dmo_made": `CREATE TABLE dmo_made (migration TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL,
  PRIMARY KEY (migration, kind, name)) WITHOUT ROWID /* dmoctl ledger 2 */`,
	}
}

// olderLedger says whether a statement made a ledger of another format.
func olderLedger(sql string) bool {
	return regexp.MustCompile(`/\* dmoctl ledger \d+ \*/$`).MatchString(sql) && !strings.HasSuffix(sql, "/* dmoctl ledger 2 */")
}

// ledgerTable says whether a table is one of ours.
func ledgerTable(name, sql string) bool { return sql != "" && ledgerTables()[name] == sql }

// findLedger says whether the ledger is there. What is not dmoctl's to the letter is an Exists
// error: a trigger of somebody else would act on what dmoctl writes.
func findLedger(ctx context.Context, c *conn) (bool, error) {
	found := 0
	for name, want := range ledgerTables() {
		err := c.rows(ctx, func(s *sqlite.Stmt) error {
			kind, sql := s.ColumnText(0), s.ColumnText(2)
			switch {
			case kind == "table" && sql == want:
				found++
				return nil
			case kind == "table" && olderLedger(sql):
				e := refuse(providers.Unsupported, "open ledger", catalog.Name{Name: name}, errors.New("the ledger was made by another version of dmoctl"))
				e.Fix = "Finish that migration with the dmoctl that began it, or drop the tables " + strings.Join(ledgerNames(), ", ") + " and begin again."
				return e
			case kind == "index" && sql == "": // of the primary key
				return nil
			}
			e := refuse(providers.Exists, "open ledger", catalog.Name{Name: name}, fmt.Errorf("the %s %s is not of dmoctl's ledger", kind, s.ColumnText(1)))
			e.Fix = "Rename or drop it: dmoctl keeps its ledger under this name, and nobody else adds to it."
			return e
		}, "SELECT type, name, sql FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE OR tbl_name = ?1 COLLATE NOCASE", name)
		if err != nil {
			return false, err
		}
	}
	return found == len(ledgerTables()), nil
}

func ledgerNames() []string { return slices.Sorted(maps.Keys(ledgerTables())) }

// makeLedger creates what is missing, inside the caller's transaction.
func makeLedger(ctx context.Context, c *conn) error {
	if there, err := findLedger(ctx, c); there || err != nil {
		return err
	}
	for name, sql := range ledgerTables() {
		_, there, err := c.int64(ctx, "SELECT 1 FROM sqlite_schema WHERE name = ?", name)
		if err == nil && !there {
			err = c.exec(ctx, sql)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readLedger reads everything of one migration, inside the caller's transaction.
func readLedger(ctx context.Context, c *conn, migration string) (*ledger.Contents, error) {
	out := &ledger.Contents{}
	there, err := findLedger(ctx, c)
	if err != nil || !there {
		return out, err
	}
	if out.Run, err = readRun(ctx, c, migration); err != nil {
		return nil, err
	}
	err = c.rows(ctx, func(s *sqlite.Stmt) error {
		t := ledger.Table{Migration: migration, Structure: s.ColumnText(2), File: s.ColumnText(3), Count: s.ColumnInt64(4), Changes: s.ColumnText(5),
			Snapshot: s.ColumnText(6), State: s.ColumnText(7), Serial: s.ColumnInt64(8), Created: s.ColumnBool(9), Edition: s.ColumnInt64(10)}
		out.Tables = append(out.Tables, t)
		t2 := &out.Tables[len(out.Tables)-1]
		return errors.Join(fromJSON(s.ColumnText(0), &t2.Source), fromJSON(s.ColumnText(1), &t2.Target))
	}, `SELECT source, target, structure, file, count, changes, snapshot, state, serial, created, edition
		FROM dmo_tables WHERE migration = ? ORDER BY source`, migration)
	if err != nil {
		return nil, err
	}
	err = c.rows(ctx, func(s *sqlite.Stmt) error {
		out.Packages = append(out.Packages, ledger.Package{Migration: migration, ID: s.ColumnText(0), Generation: s.ColumnText(3)})
		p := &out.Packages[len(out.Packages)-1]
		return errors.Join(fromJSON(s.ColumnText(1), &p.Source), fromJSON(s.ColumnText(2), &p.Range))
	}, "SELECT id, source, range, generation FROM dmo_planned WHERE migration = ? ORDER BY id", migration)
	if err != nil {
		return nil, err
	}
	err = c.rows(ctx, func(s *sqlite.Stmt) (err error) {
		l := ledger.Loaded{Migration: migration, ID: s.ColumnText(0), Generation: s.ColumnText(2), Rows: s.ColumnInt64(3), Bytes: s.ColumnInt64(4),
			Digest: s.ColumnText(5), Snapshot: s.ColumnText(7), Run: s.ColumnText(8), Seconds: s.ColumnFloat(9)}
		l.ReadAt, err = time.Parse(time.RFC3339Nano, s.ColumnText(6))
		err = errors.Join(err, fromJSON(s.ColumnText(1), &l.Source))
		out.Loaded = append(out.Loaded, l)
		return err
	}, `SELECT id, source, generation, rows, bytes, digest, read_at, snapshot, run, seconds
		FROM dmo_loaded WHERE migration = ? ORDER BY id`, migration)
	if err != nil {
		return nil, err
	}
	err = c.rows(ctx, func(s *sqlite.Stmt) error {
		out.Made = append(out.Made, ledger.Object{Migration: migration, Kind: s.ColumnText(0), ID: s.ColumnText(2)})
		return fromJSON(s.ColumnText(1), &out.Made[len(out.Made)-1].Name)
	}, "SELECT kind, name, id FROM dmo_made WHERE migration = ? ORDER BY kind, name", migration)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// readRun returns nil where the migration has none.
func readRun(ctx context.Context, c *conn, migration string) (*ledger.Run, error) {
	var run *ledger.Run
	err := c.prepared(ctx, func(s *sqlite.Stmt) error {
		run = &ledger.Run{Migration: migration, Lineage: s.ColumnText(0), Serial: s.ColumnInt64(1), Plan: s.ColumnText(2),
			Token: s.ColumnText(3), Spec: s.ColumnText(6), Closed: s.ColumnBool(7)}
		return errors.Join(fromJSON(s.ColumnText(4), &run.Owner), fromJSON(s.ColumnText(5), &run.Sessions))
	}, "SELECT lineage, serial, plan, token, owner, sessions, spec, closed FROM dmo_run WHERE migration = ?", migration)
	return run, err
}

func writeRun(ctx context.Context, c *conn, r *ledger.Run) error {
	return c.prepared(ctx, nil, "INSERT OR REPLACE INTO dmo_run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		r.Migration, r.Lineage, r.Serial, r.Plan, r.Token, toJSON(r.Owner), toJSON(r.Sessions), r.Spec, r.Closed)
}

// writeChange writes a set of rows, inside the caller's transaction.
func writeChange(ctx context.Context, c *conn, migration string, change ledger.Change) error {
	if change.Run != nil {
		if err := writeRun(ctx, c, change.Run); err != nil {
			return err
		}
	}
	if len(change.RemoveTables) > 0 {
		for _, table := range []string{"dmo_tables", "dmo_planned", "dmo_loaded"} {
			if err := removeRows(ctx, c, table, migration, change.RemoveTables); err != nil {
				return err
			}
		}
	}
	if len(change.RemovePackages) > 0 {
		if err := removeRows(ctx, c, "dmo_planned", migration, change.RemovePackages); err != nil {
			return err
		}
	}
	for _, t := range change.Tables {
		err := c.prepared(ctx, nil, "INSERT OR REPLACE INTO dmo_tables VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", migration, toJSON(t.Source), toJSON(t.Target),
			t.Structure, t.File, t.Count, t.Changes, t.Snapshot, t.State, t.Serial, t.Created, t.Edition)
		if err != nil {
			return err
		}
	}
	for _, p := range change.Packages {
		err := c.prepared(ctx, nil, "INSERT OR REPLACE INTO dmo_planned VALUES (?, ?, ?, ?, ?)", migration, p.ID, toJSON(p.Source), toJSON(p.Range), p.Generation)
		if err != nil {
			return err
		}
	}
	return nil
}

// removeRows deletes the rows of tables, by source name. No index leads to a source,
// so all of them go at once.
func removeRows(ctx context.Context, c *conn, table, migration string, sources []catalog.Name) error {
	names := make([]string, len(sources))
	for i, n := range sources {
		names[i] = toJSON(n)
	}
	return c.exec(ctx, "DELETE FROM "+table+" WHERE migration = ? AND source IN (SELECT value FROM json_each(?))", migration, toJSON(names))
}

// claim inserts a package; in is true where it is in already, with the same generation.
func claim(ctx context.Context, c *conn, p ledger.Loaded) (in bool, err error) {
	err = c.prepared(ctx, nil, `INSERT INTO dmo_loaded VALUES (?, ?, ?, ?, -1, -1, '', ?, '', ?, 0) ON CONFLICT DO NOTHING`,
		p.Migration, p.ID, toJSON(p.Source), p.Generation, time.Time{}.Format(time.RFC3339Nano), p.Run)
	if err != nil || c.Changes() == 1 {
		return false, err
	}
	generation := ""
	err = c.prepared(ctx, func(s *sqlite.Stmt) error { generation = s.ColumnText(0); return nil },
		"SELECT generation FROM dmo_loaded WHERE migration = ? AND id = ?", p.Migration, p.ID)
	if err == nil && generation != p.Generation {
		err = refuse(providers.Constraint, "claim package", p.Source, fmt.Errorf("package %s is in with another generation", p.ID))
	}
	return true, err
}

// fill writes what a claimed package has become.
func fill(ctx context.Context, c *conn, p ledger.Loaded) error {
	err := c.prepared(ctx, nil, `UPDATE dmo_loaded SET rows = ?, bytes = ?, digest = ?, read_at = ?, snapshot = ?, run = ?, seconds = ?
		WHERE migration = ? AND id = ? AND generation = ?`, p.Rows, p.Bytes, p.Digest, p.ReadAt.UTC().Format(time.RFC3339Nano),
		p.Snapshot, p.Run, p.Seconds, p.Migration, p.ID, p.Generation)
	if err == nil && c.Changes() != 1 {
		err = refuse(providers.Internal, "commit", p.Source, fmt.Errorf("package %s was not claimed", p.ID))
	}
	return err
}

func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("sqlite: marshal: " + err.Error()) // plain data always marshals
	}
	return string(b)
}

func fromJSON(s string, v any) error {
	if err := json.Unmarshal([]byte(s), v); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	return nil
}
