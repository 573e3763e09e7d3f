package hana

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// look reads what exists of what the changes are about.
func (a *alteration) look(ctx context.Context, s *session, ddl []providers.DDL) error {
	names := make(map[catalog.Name]bool)
	indexes := make(map[string][]string) // by schema
	schemas := make(map[string]bool)
	sequences := false
	for _, d := range ddl {
		switch d := d.(type) {
		case providers.CreateSchema:
			schemas[d.Schema] = true
		case providers.CreateTable:
			names[d.Table.Name] = true
		case providers.DropTable:
			names[d.Table] = true
		case providers.AddKey:
			names[d.Table.Name] = true
			indexes[d.Table.Schema] = append(indexes[d.Table.Schema], d.Key.Name)
		case providers.CreateIndex:
			names[d.Table.Name] = true
			indexes[d.Table.Schema] = append(indexes[d.Table.Schema], d.Index.Name)
		case providers.AddForeignKey:
			names[d.Table.Name] = true
		case providers.DropForeignKey:
			names[d.Table] = true
		case providers.Analyze:
			names[d.Table] = true
		case providers.CreateSequence:
			sequences = true
		}
	}
	if err := a.lookTables(ctx, s, names); err != nil {
		return err
	}
	if len(schemas) > 0 {
		err := s.query(ctx, opAlter, `SELECT "SCHEMA_NAME" FROM "SYS"."SCHEMAS"`, nil, func(r row) error { a.schemas[r.text(0)] = true; return nil })
		if err != nil {
			return err
		}
	}
	for schema, wanted := range indexes {
		if err := a.lookIndexes(ctx, s, schema, wanted); err != nil {
			return err
		}
	}
	if !sequences {
		return nil
	}
	return s.query(
		ctx,
		opAlter,
		`SELECT "SCHEMA_NAME", "SEQUENCE_NAME", "START_NUMBER", "MIN_VALUE", "MAX_VALUE", "INCREMENT_BY", "IS_CYCLED", "CACHE_SIZE" FROM "SYS"."SEQUENCES"`,
		nil,
		func(r row) error {
			n := catalog.Name{Schema: r.text(0), Name: r.text(1)}
			a.sequences[n] = catalog.Sequence{
				Name:      n,
				Start:     whole(r, 2),
				Min:       whole(r, 3),
				Max:       whole(r, 4),
				Increment: whole(r, 5),
				Cycle:     r.is(6, "TRUE"),
				Cache:     r.int(7),
			}
			return nil
		},
	)
}

func (a *alteration) lookTables(ctx context.Context, s *session, names map[catalog.Name]bool) error {
	if len(names) == 0 {
		return nil
	}
	sel := providers.Selector{StructureOnly: true}
	in := make(map[string]bool)
	for n := range names {
		sel.Tables = append(sel.Tables, n)
		in[n.Schema] = true
	}
	for n := range in {
		sel.Schemas = append(sel.Schemas, n)
	}
	c, err := readCatalog(ctx, s, sel.Schemas, sel)
	if err != nil {
		return err
	}
	for _, t := range c.Tables {
		a.tables[t.Name] = t
	}
	return nil
}

// lookIndexes reads which tables have indexes of these names: the names of a schema's indexes,
// of which each key has one, are one set.
func (a *alteration) lookIndexes(ctx context.Context, s *session, schema string, wanted []string) error {
	for part := range slices.Chunk(wanted, 200) {
		args := []any{schema}
		for _, n := range part {
			args = append(args, n)
		}
		err := s.query(
			ctx,
			opAlter,
			`SELECT "INDEX_NAME", "TABLE_NAME" FROM "SYS"."INDEXES" WHERE "SCHEMA_NAME" = ? AND "INDEX_NAME" IN (`+binds(len(part))+")",
			args,
			func(r row) error {
				a.indexes[catalog.Name{Schema: schema, Name: r.text(0)}] = catalog.Name{Schema: schema, Name: r.text(1)}
				return nil
			},
		)
		if err != nil {
			return err
		}
	}
	return nil
}

// exact compares as HANA does, where every name is in quotes.
var exact = catalog.Comparison{}

// free says that nothing has the name of a key, an index or a reference of a table.
func (a *alteration) free(have *catalog.Table, kind, name string) error {
	if name == "" {
		return nil
	}
	there := constraintOf(have, name)
	if of, ok := a.indexes[catalog.Name{Schema: have.Schema, Name: name}]; ok && there == "" {
		there = "index " + name + " of table " + of.String()
	}
	if there == "" {
		return nil
	}
	return taken(have.Name, kind+" "+name, there)
}

// taken is the error for a name that something else has.
func taken(table catalog.Name, wanted, there string) error {
	return &providers.Error{Kind: providers.Exists, Op: opAlter, Table: table,
		Err: fmt.Errorf("the %s cannot be created: its name is already used by the %s", wanted, there),
		Fix: "Rename or drop that object, if nothing else needs it. Then run dmoctl plan and apply again."}
}

// constraintOf says what a table has under a name, or "".
func constraintOf(t *catalog.Table, name string) string {
	for _, k := range catalog.KeysOf(t) {
		if k.Name == name {
			return "key " + name + " over " + strings.Join(k.Columns, ", ")
		}
	}
	for _, f := range t.ForeignKeys {
		if f.Name == name {
			return "foreign key " + name + " over " + strings.Join(f.Columns, ", ")
		}
	}
	for _, x := range t.Indexes {
		if x.Name == name {
			return "index " + name + " of the same table"
		}
	}
	if slices.ContainsFunc(t.Checks, func(c catalog.Check) bool { return c.Name == name }) {
		return "check " + name
	}
	return ""
}

// hasKey compares by columns: the server names what has no name, keeps a unique constraint as an index, and
// a primary key makes rows unique as well.
func hasKey(t *catalog.Table, k catalog.Key) bool {
	same := func(o catalog.Key) bool { return (o.Primary || !k.Primary) && slices.Equal(o.Columns, k.Columns) }
	return slices.ContainsFunc(catalog.KeysOf(t), same) || slices.ContainsFunc(t.Indexes, func(x catalog.Index) bool {
		return x.Unique && !k.Primary && slices.EqualFunc(x.Columns, k.Columns, func(c catalog.IndexColumn, n string) bool { return c.Name == n })
	})
}
