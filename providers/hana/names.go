package hana

import (
	"context"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// Sets of names of a schema. Tables share theirs with views and sequences; every unique constraint has
// an index of its name. Names of constraints are kept apart within a schema, too: that is more than the server asks for.
func relationsOf(schema string) string { return "tables of " + schema }

func indexesOf(schema string) string { return "indexes and constraints of " + schema }

// namesOf implements providers.Driver.Names. What has no name is named by the server, with a prefix that nobody else may use.
func namesOf(t *catalog.Table) []catalog.Named {
	out := []catalog.Named{{Kind: catalog.NamedTable, Name: t.Name, Table: t.Name, Spaces: []string{relationsOf(t.Schema)}}}
	own := func(kind, name string, at int) {
		if name != "" {
			out = append(out, catalog.Named{Kind: kind, Name: catalog.Name{Schema: t.Schema, Name: name}, Table: t.Name, At: at,
				Spaces: []string{indexesOf(t.Schema)}, Chosen: kind != catalog.NamedCheck})
		}
	}
	for i, c := range t.Checks {
		own(catalog.NamedCheck, c.Name, i)
	}
	for i, k := range catalog.KeysOf(t) {
		own(catalog.NamedKey, k.Name, i)
	}
	for i, x := range t.Indexes {
		own(catalog.NamedIndex, x.Name, i)
	}
	for i, f := range t.ForeignKeys {
		own(catalog.NamedForeignKey, f.Name, i)
	}
	return out
}

// names lists what takes names in a schema and is of no table that was read.
func (rd *reading) names(ctx context.Context, schema string) error {
	known := make(map[string]bool)
	for _, t := range rd.tables {
		for _, n := range namesOf(t) {
			known[n.Spaces[0]+"\x00"+n.Name.Name] = true
		}
	}
	for _, x := range []struct{ kind, sql, space string }{
		{"table", `SELECT "TABLE_NAME", "TABLE_NAME" FROM "SYS"."TABLES" WHERE "SCHEMA_NAME" = ? ORDER BY 1`, relationsOf(schema)},
		{"view", `SELECT "VIEW_NAME", "VIEW_NAME" FROM "SYS"."VIEWS" WHERE "SCHEMA_NAME" = ? ORDER BY 1`, relationsOf(schema)},
		{"sequence", `SELECT "SEQUENCE_NAME", "SEQUENCE_NAME" FROM "SYS"."SEQUENCES" WHERE "SCHEMA_NAME" = ? ORDER BY 1`, relationsOf(schema)},
		{"index", `SELECT "INDEX_NAME", "TABLE_NAME" FROM "SYS"."INDEXES" WHERE "SCHEMA_NAME" = ? ORDER BY 1`, indexesOf(schema)},
	} {
		err := rd.s.query(ctx, opCatalog, x.sql, []any{schema}, func(r row) error {
			n := catalog.Named{
				Kind:   x.kind,
				Name:   catalog.Name{Schema: schema, Name: r.text(0)},
				Table:  catalog.Name{Schema: schema, Name: r.text(1)},
				Spaces: []string{x.space},
			}
			if ownName(n.Name.Name) != "" && !known[x.space+"\x00"+n.Name.Name] {
				rd.out.Names = append(rd.out.Names, n)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
