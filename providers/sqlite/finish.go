package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// checkForeignKey looks for rows without a parent: the load runs with foreign keys
// off, as SQLite recommends for schema changes.
func checkForeignKey(ctx context.Context, c *conn, t *catalog.Table, f catalog.ForeignKey) error {
	there, err := altered(ctx, c, "check foreign key", t)
	if err != nil {
		return err
	}
	id := -1
	for i, have := range there.ForeignKeys {
		have.Deferrable = f.Deferrable // it plays no part in which rows have a parent
		if loose.SameForeignKey(f, have) {
			id = len(there.ForeignKeys) - 1 - i // PRAGMA foreign_key_list counts from the last one
		}
	}
	if id < 0 {
		return refuse(
			providers.NotFound,
			"check foreign key",
			t.Name,
			fmt.Errorf("the table has no such foreign key on %s to %s", strings.Join(f.Columns, ", "), f.Table.Name),
		)
	}
	const named = 5
	var rowids []int64
	orphans := 0
	err = c.rows(ctx, func(s *sqlite.Stmt) error {
		if orphans++; len(rowids) < named && !s.ColumnIsNull(0) {
			rowids = append(rowids, s.ColumnInt64(0))
		}
		return nil
	}, "SELECT rowid FROM pragma_foreign_key_check(?) WHERE fkid = ?", t.Name.Name, id)
	if err != nil || orphans == 0 {
		return err
	}
	e := refuse(
		providers.Constraint,
		"check foreign key",
		t.Name,
		fmt.Errorf("%d rows have no parent in %s by (%s)", orphans, f.Table.Name, strings.Join(f.Columns, ", ")),
	)
	e.Column = f.Columns[0]
	e.Key, err = keysOf(ctx, c, there, rowids)
	e.Fix = "Correct the rows in the source, or copy both tables from one snapshot."
	if err != nil {
		return err
	}
	return e
}

// keysOf prints the keys of rows for a message.
func keysOf(ctx context.Context, c *conn, t *catalog.Table, rowids []int64) (string, error) {
	rowid := rowidName(t)
	if rowid == "" || len(rowids) == 0 {
		return "", nil
	}
	columns := rowid
	if t.Key != nil {
		columns = quoteAll(t.Key.Columns)
	}
	var keys []string
	for _, id := range rowids {
		err := c.rows(ctx, func(s *sqlite.Stmt) error {
			parts := make([]string, s.ColumnCount())
			for i := range parts {
				parts[i] = describe(s, i)
			}
			keys = append(keys, strings.Join(parts, ", "))
			return nil
		}, fmt.Sprintf("SELECT %s FROM %s WHERE %s = ?", columns, quote(t.Name.Name), rowid), id)
		if err != nil {
			return "", err
		}
	}
	return strings.Join(keys, "); ("), nil
}

// raise lifts the counter of an AUTOINCREMENT table. Any other table hands out the
// highest rowid plus one, so there is nothing to lift.
func raise(ctx context.Context, c *conn, t *catalog.Table, s catalog.Sequence) error {
	there, err := describeTable(ctx, c, t.Name.Name)
	if err != nil || there == nil || !s.Called {
		return err
	}
	if !slices.ContainsFunc(there.Columns, func(c catalog.Column) bool { return c.Identity == catalog.IdentityAutoincrement }) {
		return nil
	}
	err = c.exec(ctx, "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", s.Last, there.Name.Name)
	if err == nil && c.Changes() == 0 {
		err = c.exec(ctx, "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", there.Name.Name, s.Last)
	}
	return err
}
