package sqlite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/fenced"
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

// isLedgerTable says whether a table is one of ours.
func isLedgerTable(name, sql string) bool { return sql != "" && ledgerTables()[name] == sql }

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
				e := refuse(
					providers.Unsupported,
					"open ledger",
					catalog.Name{Name: name},
					errors.New("the ledger was created by a different version of dmoctl"),
				)
				e.Fix = "Finish that migration with the version of dmoctl that started it, or drop the tables " + strings.Join(
					ledgerNames(),
					", ",
				) + " and start over."
				return e
			case kind == "index" && sql == "": // of the primary key
				return nil
			}
			e := refuse(
				providers.Exists,
				"open ledger",
				catalog.Name{Name: name},
				fmt.Errorf("the %s %s is not part of dmoctl's ledger", kind, s.ColumnText(1)),
			)
			e.Fix = "Rename or drop it: this name is reserved for dmoctl's ledger."
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

// dropLedger removes the rows of one migration, and the tables where no other has any.
func dropLedger(ctx context.Context, tx *txn, migration string) error {
	if err := fenced.Forget(ctx, tx, migration); err != nil {
		return err
	}
	_, others, err := tx.int64(ctx, "SELECT 1 FROM "+ledgerTable(fenced.Run())+" LIMIT 1")
	if err != nil || others {
		return err
	}
	for _, name := range ledgerNames() {
		if err := tx.exec(ctx, "DROP TABLE "+name); err != nil {
			return err
		}
	}
	return nil
}
