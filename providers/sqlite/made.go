package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/fenced"
)

// tableID is the digest of the statement that made a table, "" where there is none. SQLite
// gives tables no number; the text is another one once somebody has altered the table.
func tableID(ctx context.Context, c *conn, name string) (string, error) {
	id := ""
	err := c.prepared(ctx, func(s *sqlite.Stmt) error { id = idOf(s.ColumnText(0)); return nil }, "SELECT sql FROM sqlite_schema WHERE name = ?", name)
	return id, err
}

func idOf(sql string) string {
	sum := sha256.Sum256([]byte(sql))
	return hex.EncodeToString(sum[:16])
}

// recordMade notes a table that was just made.
func recordMade(ctx context.Context, tx *txn, migration string, n catalog.Name) error {
	id, err := tableID(ctx, tx.conn, n.Name)
	if err != nil {
		return err
	}
	return fenced.RecordMade(ctx, tx, ledger.Object{Migration: migration, Kind: ledger.KindTable, Name: n, ID: id})
}

// dropTable drops a table where it exists, and forgets that anybody made it.
func dropTable(ctx context.Context, tx *txn, n catalog.Name) error {
	if err := tx.exec(ctx, "DROP TABLE IF EXISTS "+quote(n.Name)); err != nil {
		return err
	}
	return fenced.ForgetMade(ctx, tx, ledger.Object{Kind: ledger.KindTable, Name: n})
}

// dropMade drops a table that is still the one that dmoctl made.
func dropMade(ctx context.Context, tx *txn, o ledger.Object) error {
	id, err := tableID(ctx, tx.conn, o.Name.Name)
	if err != nil {
		return err
	}
	if id != "" && id != o.ID {
		return fenced.AnotherObject("drop", o)
	}
	return dropTable(ctx, tx, o.Name)
}

// dependents is what SQLite lets lose its footing without a word: views, and foreign keys of tables.
type dependents struct {
	views      map[string]bool    // that can be read
	references map[[2]string]bool // child and parent, of tables that exist
}

func readDependents(ctx context.Context, c *conn) (dependents, error) {
	h := dependents{make(map[string]bool), make(map[[2]string]bool)}
	var views []string
	err := c.rows(ctx, func(s *sqlite.Stmt) error { views = append(views, s.ColumnText(0)); return nil },
		"SELECT name FROM sqlite_schema WHERE type = 'view'")
	if err != nil {
		return h, err
	}
	for _, v := range views {
		if st, _, err := c.PrepareTransient("SELECT * FROM " + quote(v)); err == nil {
			_ = st.Finalize()
			h.views[v] = true
		}
	}
	err = c.rows(ctx, func(s *sqlite.Stmt) error {
		h.references[[2]string{s.ColumnText(0), s.ColumnText(1)}] = true
		return nil
	},
		`SELECT m.name, p.name FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f
JOIN sqlite_schema p ON p.type = 'table' AND p.name = f."table" COLLATE NOCASE WHERE m.type = 'table'`)
	return h, err
}

// lost says what hung on tables before they were dropped, and is still there.
func (h dependents) lost(ctx context.Context, c *conn) error {
	now, err := readDependents(ctx, c)
	if err != nil {
		return err
	}
	var out []string
	for v := range h.views {
		_, there, err := c.int64(ctx, "SELECT 1 FROM sqlite_schema WHERE type = 'view' AND name = ?", v)
		if err != nil {
			return err
		}
		if there && !now.views[v] {
			out = append(out, "view "+v)
		}
	}
	for r := range h.references {
		_, there, err := c.int64(ctx, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", r[0])
		if err != nil {
			return err
		}
		if there && !now.references[r] {
			out = append(out, "a foreign key of "+r[0]+" to "+r[1])
		}
	}
	if len(out) == 0 {
		return nil
	}
	slices.Sort(out)
	e := refuse(providers.InUse, "drop", catalog.Name{}, fmt.Errorf("the tables to be dropped have dependents: %s", strings.Join(out, ", ")))
	e.Fix = "Drop the dependents yourself, and recreate them after the migration."
	return e
}
