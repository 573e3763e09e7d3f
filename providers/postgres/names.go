package postgres

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// Sets of names: relations of all kinds of a schema are one, types another, in which every table has
// one of its own name, and the constraints of a table a third.
func relationsOf(schema string) string { return "relations of " + schema }

func typesOf(schema string) string { return "types of " + schema }

func constraintsOf(t catalog.Name) string { return "constraints of " + t.String() }

// namesOf implements providers.Driver.Names.
func namesOf(t *catalog.Table) []catalog.Named {
	out := []catalog.Named{{Kind: catalog.NamedTable, Name: t.Name, Table: t.Name, Spaces: []string{relationsOf(t.Schema), typesOf(t.Schema)}}}
	for i, p := range t.Partitions {
		out = append(
			out,
			catalog.Named{Kind: catalog.NamedPartition, Name: p.Name, Table: t.Name, At: i, Spaces: []string{relationsOf(p.Schema), typesOf(p.Schema)}},
		)
	}
	own := func(kind, name string, at int, spaces ...string) {
		out = append(
			out,
			catalog.Named{
				Kind:   kind,
				Name:   catalog.Name{Schema: t.Schema, Name: name},
				Table:  t.Name,
				At:     at,
				Spaces: spaces,
				Chosen: kind != catalog.NamedCheck,
			},
		)
	}
	constraints, relations := constraintsOf(t.Name), relationsOf(t.Schema)
	for i, c := range t.Checks {
		if c.Name != "" {
			own(catalog.NamedCheck, c.Name, i, constraints)
		}
	}
	for i, k := range catalog.KeysOf(t) {
		if k.Index {
			own(catalog.NamedKey, k.Name, i, relations)
		} else {
			own(catalog.NamedKey, k.Name, i, relations, constraints)
		}
	}
	for i, x := range t.Indexes {
		if isExclusion(x) {
			own(catalog.NamedIndex, x.Name, i, relations, constraints)
		} else {
			own(catalog.NamedIndex, x.Name, i, relations)
		}
	}
	for i, f := range t.ForeignKeys {
		own(catalog.NamedForeignKey, f.Name, i, constraints)
	}
	for i, c := range t.Columns {
		switch s := c.Sequence; {
		case s != nil && s.Name.Name != "":
			out = append(
				out,
				catalog.Named{Kind: catalog.NamedSequence, Name: s.Name, Table: t.Name, At: i, Spaces: []string{relationsOf(s.Schema)}, Chosen: true},
			)
		case c.Identity != "":
			own(catalog.NamedSequence, serverName(t.Name.Name, c.Name, "seq"), i, relations)
			out[len(out)-1].Server = true
		}
	}
	return out
}

// isExclusion says whether an index is that of an exclusion constraint.
func isExclusion(x catalog.Index) bool { return strings.HasPrefix(x.Definition, "EXCLUDE ") }

// serverName is what the server calls the sequence of an identity column (makeObjectName): the longer of
// both names is cut until all fits.
func serverName(table, column, suffix string) string {
	room := maxIdentifier - len(suffix) - 2
	a, b := len(table), len(column)
	for a+b > room {
		if a > b {
			a--
		} else {
			b--
		}
	}
	return clip(table, a) + "_" + clip(column, b) + "_" + suffix
}

// clip cuts a name to n bytes of whole characters.
func clip(name string, n int) string {
	if n >= len(name) {
		return name
	}
	for n > 0 && !utf8.RuneStart(name[n]) {
		n--
	}
	return name[:n]
}

// otherNamesSQL: $1 schemas: relations and types that are no relation's nor an array's.
const otherNamesSQL = `SELECT n.nspname, c.relname, ` + relationKind + `, o.nspname, oc.relname, true, c.relkind NOT IN ('i','I','S'), NULL::oid
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
` + relationOwner + ` WHERE n.nspname = ANY ($1::text[])
UNION ALL SELECT n.nspname, t.typname, CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain'
WHEN 'r' THEN 'range type' WHEN 'm' THEN 'multirange type' ELSE 'type' END, NULL, NULL, false, true,
  CASE WHEN t.typtype IN ('e','d') THEN t.oid END
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname = ANY ($1::text[]) AND t.typrelid = 0 AND NOT (t.typcategory = 'A' AND t.typelem <> 0)
ORDER BY 1, 2, 3`

// names reads what takes names in the schemas and is of no table that was read, and the types that no column has.
func (r *catalogReader) names(ctx context.Context) error {
	if !r.wanted.Names {
		return nil
	}
	known := make(map[catalog.Name]bool)
	for _, t := range r.out.Tables {
		for _, n := range namesOf(t) {
			if n.Spaces[0] == relationsOf(n.Schema) && !n.Server {
				known[n.Name] = true
			}
		}
	}
	var ids []string
	err := r.s.query(ctx, opCatalog, otherNamesSQL, []string{textArray(r.schemas)}, func(v row) error {
		n := catalog.Named{Name: catalog.Name{Schema: v.text(0), Name: v.text(1)}, Kind: v.text(2), Table: catalog.Name{Schema: v.text(3), Name: v.text(4)}}
		relation, typed := v.bool(5), v.bool(6)
		if relation && known[n.Name] {
			return nil
		}
		if relation {
			n.Spaces = append(n.Spaces, relationsOf(n.Schema))
		}
		if typed {
			n.Spaces = append(n.Spaces, typesOf(n.Schema))
		}
		if !v.null(7) {
			ids = append(ids, v.text(7))
		}
		r.out.Names = append(r.out.Names, n)
		return nil
	})
	if err != nil || len(ids) == 0 {
		return err
	}
	all, err := readUserTypes(ctx, r.s, ids)
	for _, t := range all {
		if !slices.ContainsFunc(r.out.Types, func(u catalog.UserType) bool { return u.Name == t.Name }) {
			r.out.Types = append(r.out.Types, t)
		}
	}
	return err
}
