package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// oneSpace is the set of names that tables, views and indexes of a file share. Triggers and
// constraints are in none.
const oneSpace = "names of the database"

// namesOf implements providers.Driver.Names. Keys that are made with the table have no name of that kind.
func namesOf(t *catalog.Table) []catalog.Named {
	out := []catalog.Named{{Kind: catalog.NamedTable, Name: t.Name, Table: t.Name, Spaces: []string{oneSpace}}}
	own := func(kind, name string, at int) {
		out = append(out, catalog.Named{Kind: kind, Name: catalog.Name{Name: name}, Table: t.Name, Spaces: []string{oneSpace}, At: at, Chosen: true})
	}
	for i, k := range catalog.KeysOf(t) {
		if k.Index {
			own(catalog.NamedKey, k.Name, i)
		}
	}
	for i, x := range t.Indexes {
		own(catalog.NamedIndex, x.Name, i)
	}
	return out
}

// readNames lists what takes names and is of no table that was read.
func readNames(ctx context.Context, c *conn, out *catalog.Catalog) error {
	known := make(map[string]bool)
	for _, t := range out.Tables {
		for _, n := range namesOf(t) {
			known[fold(n.Name.Name)] = true
		}
	}
	return c.rows(ctx, func(s *sqlite.Stmt) error {
		n := catalog.Named{
			Kind:   s.ColumnText(0),
			Name:   catalog.Name{Name: s.ColumnText(1)},
			Table:  catalog.Name{Name: s.ColumnText(2)},
			Spaces: []string{oneSpace},
		}
		if !known[fold(n.Name.Name)] {
			out.Names = append(out.Names, n)
		}
		return nil
	}, `SELECT type, name, tbl_name FROM sqlite_schema WHERE type <> 'trigger' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`)
}
