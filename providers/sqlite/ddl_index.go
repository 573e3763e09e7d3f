package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// loose compares as SQLite does.
var loose = catalog.Comparison{IgnoreCase: true}

// altered reads the table that a change is about.
func altered(ctx context.Context, c *conn, op string, t *catalog.Table) (*catalog.Table, error) {
	there, err := describeTable(ctx, c, t.Name.Name)
	if err == nil && there == nil {
		return nil, refuse(providers.NotFound, op, t.Name, errors.New("the table does not exist"))
	}
	return there, err
}

// addKey makes a key that is a unique index, and checks for any other that it is there. Whatever
// makes rows unique by the same columns in the same order is the key: SQLite itself makes one index
// of a primary key and a unique constraint over the same columns.
func addKey(ctx context.Context, c *conn, t *catalog.Table, k catalog.Key) error {
	there, err := altered(ctx, c, "add key", t)
	if err != nil {
		return err
	}
	if k.Index && loose.FindIndex(t, there, catalog.KeyIndex(k)) != nil {
		return nil
	}
	keys := catalog.KeysOf(there)
	for _, x := range there.Indexes {
		if x.Unique && !x.Special {
			keys = append(keys, catalog.Key{Name: x.Name, Columns: columnNames(x)})
		}
	}
	for _, have := range keys {
		if slices.EqualFunc(have.Columns, k.Columns, sameName) {
			return nil
		}
	}
	if !k.Index {
		return refuse(providers.NotFound, "add key", t.Name, fmt.Errorf("the table has no key on %s", strings.Join(k.Columns, ", ")))
	}
	if err := unoccupied(ctx, c, k.Name, "key "+k.Name+" of table "+t.Name.Name, t); err != nil {
		return err
	}
	return c.exec(ctx, indexSQL(t.Name.Name, catalog.KeyIndex(k)))
}

func columnNames(x catalog.Index) []string {
	out := make([]string, len(x.Columns))
	for i, c := range x.Columns {
		out[i] = c.Name
	}
	return out
}

// createIndex makes an index where the table has none of its definition.
func createIndex(ctx context.Context, c *conn, t *catalog.Table, x catalog.Index) error {
	there, err := altered(ctx, c, "create index", t)
	if err != nil || loose.FindIndex(t, there, x) != nil {
		return err
	}
	if err := unoccupied(ctx, c, x.Name, "index "+x.Name+" of table "+t.Name.Name, t); err != nil {
		return err
	}
	return c.exec(ctx, indexSQL(t.Name.Name, x))
}

// unoccupied says that nothing has a name. Tables, views and indexes of a file share one set of names.
func unoccupied(ctx context.Context, c *conn, name, wanted string, t *catalog.Table) error {
	there, err := exists(ctx, c, name)
	if err == nil && !there {
		err = c.prepared(ctx, func(*sqlite.Stmt) error { there = true; return nil }, "SELECT 1 FROM pragma_index_xinfo(?) LIMIT 1", name)
	}
	if err != nil || !there {
		return err
	}
	what := "something"
	err = c.rows(ctx, func(s *sqlite.Stmt) error {
		what = s.ColumnText(0) + " " + s.ColumnText(1)
		if table := s.ColumnText(2); table != s.ColumnText(1) {
			what += " of table " + table
		}
		return nil
	}, "SELECT type, name, tbl_name FROM sqlite_schema WHERE name = ? COLLATE NOCASE AND type <> 'trigger'", name)
	if err != nil {
		return err
	}
	e := refuse(providers.Exists, "alter", t.Name, fmt.Errorf("the %s cannot be created: its name is already used by the %s", wanted, what))
	e.Fix = "Tables, views and indexes share one namespace in SQLite. Rename or drop that object, if nothing else " +
		"needs it. Then run dmoctl plan and apply again."
	return e
}
