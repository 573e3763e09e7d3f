package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// Catalog reads the schema in one read transaction. Names have no schema; ledger
// tables are listed as not carried.
func (d *database) Catalog(ctx context.Context, sel providers.Selector) (*catalog.Catalog, error) {
	identity, err := d.Identity(ctx)
	if err != nil {
		return nil, err
	}
	out := &catalog.Catalog{Engine: engine, Version: sqliteVersion, Identity: identity}
	if d.optional && d.missing() {
		return out, nil
	}
	err = d.with(ctx, "read catalog", func(c *conn) error {
		return c.reading(ctx, func() error { return readCatalog(ctx, c, out, sel) })
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// object is one row of sqlite_schema.
type object struct{ kind, name, table, sql string }

// readObjects reads all objects, or those of some tables.
func readObjects(ctx context.Context, c *conn, tables []catalog.Name) ([]object, error) {
	of, args := "", []any(nil)
	if len(tables) > 0 {
		names := make([]string, len(tables))
		for i, n := range tables {
			names[i] = n.Name
		}
		// A trigger keeps the spelling of its CREATE statement.
		of, args = " AND tbl_name COLLATE NOCASE IN (SELECT value FROM json_each(?))", []any{toJSON(names)}
	}
	var out []object
	err := c.rows(ctx, func(s *sqlite.Stmt) error {
		out = append(out, object{s.ColumnText(0), s.ColumnText(1), s.ColumnText(2), s.ColumnText(3)})
		return nil
	}, `SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'`+of+` ORDER BY name`, args...)
	return out, err
}

func readCatalog(ctx context.Context, c *conn, out *catalog.Catalog, sel providers.Selector) error {
	if v, err := version(ctx, c); err != nil {
		return err
	} else if v != "" {
		out.Version = v
	}
	objects, err := readObjects(ctx, c, sel.Tables)
	if err != nil {
		return err
	}
	kinds, err := readKinds(ctx, c)
	if err != nil {
		return err
	}
	sizes := sizes{unread: true}
	if !sel.StructureOnly {
		if sizes, err = readSizes(ctx, c, kinds); err != nil {
			return err
		}
	}
	wanted := selected(sel)
	r := newTableReader(c, objects, sizes)
	for _, o := range objects {
		k := kinds[o.name]
		switch {
		case o.kind == "view":
			out.NotCarried = append(out.NotCarried, catalog.Object{Kind: "view", Name: o.name})
		case o.kind != "table":
		case k.kind == "virtual":
			out.NotCarried = append(out.NotCarried, catalog.Object{Kind: "virtual table", Name: o.name, Reason: "its rows are made by a module"})
		case k.kind == "shadow":
			out.NotCarried = append(out.NotCarried, catalog.Object{Kind: "shadow table", Name: o.name, Reason: "it belongs to a virtual table"})
		case isLedgerTable(o.name, o.sql):
			out.NotCarried = append(out.NotCarried, catalog.Object{Kind: "table", Name: o.name, Reason: "it is dmoctl's ledger"})
		case wanted(o.name):
			t, err := r.read(ctx, o, k)
			if err != nil {
				return err
			}
			if sel.IDs || sel.Dependents {
				t.ID = idOf(o.sql)
			}
			out.Tables = append(out.Tables, t)
		}
	}
	if sel.Names {
		if err := readNames(ctx, c, out); err != nil {
			return err
		}
	}
	return r.resolve(ctx, out)
}

// selected returns what says whether a table is asked for.
func selected(sel providers.Selector) func(name string) bool {
	if len(sel.Schemas) > 0 && !slices.Contains(sel.Schemas, "") {
		return func(string) bool { return false }
	}
	names := make(map[string]bool, len(sel.Tables))
	for _, n := range sel.Tables {
		if n.Schema == "" {
			names[n.Name] = true
		}
	}
	return func(name string) bool { return len(sel.Tables) == 0 || names[name] }
}

const sqliteVersion = "SQLite"

func version(ctx context.Context, c *conn) (v string, err error) {
	err = c.rows(ctx, func(s *sqlite.Stmt) error { v = sqliteVersion + " " + s.ColumnText(0); return nil }, "SELECT sqlite_version()")
	return v, err
}

// tableKind is what PRAGMA table_list says.
type tableKind struct {
	kind         string // "table", "view", "virtual" or "shadow"
	withoutRowid bool
	strict       bool
}

func readKinds(ctx context.Context, c *conn) (map[string]tableKind, error) {
	out := make(map[string]tableKind)
	err := c.rows(ctx, func(s *sqlite.Stmt) error {
		out[s.ColumnText(0)] = tableKind{s.ColumnText(1), s.ColumnBool(2), s.ColumnBool(3)}
		return nil
	}, "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'")
	return out, err
}

func (k tableKind) options() string {
	var out []string
	if k.withoutRowid {
		out = append(out, "WITHOUT ROWID")
	}
	if k.strict {
		out = append(out, "STRICT")
	}
	return strings.Join(out, ", ")
}

// fileOf names what a table's CREATE statement says. Rows under one snapshot never
// move, so nothing else identifies them.
func fileOf(sql string) string {
	sum := sha256.Sum256([]byte(sql))
	return "sql:" + hex.EncodeToString(sum[:8])
}
