package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// exact compares as PostgreSQL does.
var exact = catalog.Comparison{}

// existing is what the target has of what changes are about. Whether something is
// there is decided by its kind, its table and its definition; a name alone only says
// that another thing cannot have it.
type existing struct {
	tables      map[catalog.Name]*catalog.Table        // with their columns, of those to be created
	altered     map[catalog.Name]*catalog.Table        // with keys, indexes and references, of those to be altered
	constraints map[catalog.Name]map[string]constraint // of those to be altered
	relations   map[catalog.Name]occupant
	types       map[catalog.Name]occupant
	schemas     map[string]bool
}

// occupant is what has a name: a relation or a type.
type occupant struct {
	Kind     string // in words
	Name     catalog.Name
	Table    catalog.Name      // that it belongs to; zero for what stands alone
	Sequence *catalog.Sequence // of a sequence
	Type     *catalog.UserType // of an enum or a domain
}

func (o occupant) String() string {
	s := o.Kind + " " + o.Name.String()
	if o.Table != (catalog.Name{}) {
		s += " of table " + o.Table.String()
	}
	switch {
	case o.Sequence != nil:
		s += " (" + sequenceWords(*o.Sequence) + ")"
	case o.Type != nil:
		s += " (" + typeWords(*o.Type) + ")"
	}
	return s
}

// constraint is one that exists.
type constraint struct {
	kind string // in words
	kept bool   // it only stands for a foreign key
}

// taken is the error for a name that something else has.
func taken(table catalog.Name, wanted, there string) error {
	return &providers.Error{Kind: providers.Exists, Op: opAlter, Table: table,
		Err: fmt.Errorf("the %s cannot be created: its name is already used by the %s", wanted, there),
		Fix: "Rename or drop that object, if nothing else needs it. Then run dmoctl plan and apply again."}
}

func typeWords(t catalog.UserType) string {
	if t.Kind == "domain" {
		return "domain over " + t.Definition
	}
	labels := make([]string, len(t.Labels))
	for i, l := range t.Labels {
		labels[i] = quoteLiteral(l)
	}
	return "enum of " + strings.Join(labels, ", ")
}

func sequenceWords(q catalog.Sequence) string {
	return strings.TrimSpace(strings.ToLower(strings.TrimPrefix(createSequence(q), "CREATE SEQUENCE "+quoteName(q.Name))))
}

// lookFirst reads what exists of what the changes are about.
func lookFirst(ctx context.Context, s *session, ddl []providers.DDL) (*existing, error) {
	x := &existing{tables: make(map[catalog.Name]*catalog.Table), altered: make(map[catalog.Name]*catalog.Table),
		constraints: make(map[catalog.Name]map[string]constraint), relations: make(map[catalog.Name]occupant),
		types: make(map[catalog.Name]occupant), schemas: make(map[string]bool)}
	about := subjectsOf(ddl)
	steps := []func() error{
		func() error { return x.readTables(ctx, s, about.created) },
		func() error { return x.readAltered(ctx, s, about.altered) },
		func() error { return x.readRelations(ctx, s, about.named) },
		func() error { return x.readTypes(ctx, s, about.types) },
	}
	if about.schemas {
		steps = append(steps, func() error {
			return s.query(ctx, opAlter, "SELECT nspname FROM pg_namespace", nil, func(r row) error { x.schemas[r.text(0)] = true; return nil })
		})
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// subjects are the names that changes speak of.
type subjects struct {
	created, altered []catalog.Name // tables
	named            []catalog.Name // relations of any kind
	types            []catalog.Name
	schemas          bool
}

func subjectsOf(ddl []providers.DDL) subjects {
	var out subjects
	alter := func(t *catalog.Table, relation string) {
		out.altered = append(out.altered, t.Name)
		if relation != "" {
			out.named = append(out.named, catalog.Name{Schema: t.Schema, Name: relation})
		}
	}
	for _, d := range ddl {
		switch d := d.(type) {
		case providers.CreateTable:
			out.created = append(out.created, d.Table.Name)
			out.named, out.types = append(out.named, d.Table.Name), append(out.types, d.Table.Name)
			for _, p := range d.Table.Partitions {
				out.named, out.types = append(out.named, p.Name), append(out.types, p.Name)
			}
			for _, c := range d.Table.Columns {
				if c.Sequence != nil {
					out.named = append(out.named, c.Sequence.Name)
				}
			}
		case providers.CreateSchema:
			out.schemas = true
		case providers.CreateType:
			out.types = append(out.types, d.Type.Name)
		case providers.CreateSequence:
			out.named = append(out.named, d.Sequence.Name)
		case providers.AddKey:
			alter(d.Table, d.Key.Name)
		case providers.CreateIndex:
			alter(d.Table, d.Index.Name)
		case providers.AddForeignKey:
			alter(d.Table, "")
		case providers.DropForeignKey:
			out.altered = append(out.altered, d.Table)
		}
	}
	return out
}

func (x *existing) readTables(ctx context.Context, s *session, tables []catalog.Name) error {
	if len(tables) == 0 {
		return nil
	}
	c, err := readCatalog(ctx, s, nil, providers.Selector{Tables: tables, StructureOnly: true})
	if err != nil {
		return err
	}
	for _, t := range c.Tables {
		x.tables[t.Name] = t
	}
	return nil
}

// of returns a table to be altered as it is, with what this call has added to it.
func (x *existing) of(n catalog.Name) *catalog.Table {
	if x.altered[n] == nil {
		x.altered[n] = &catalog.Table{Name: n}
	}
	return x.altered[n]
}

// dropped forgets a table and all that it owns.
func (x *existing) dropped(n catalog.Name) {
	delete(x.tables, n)
	delete(x.altered, n)
	delete(x.constraints, n)
	delete(x.types, n)
	for name, o := range x.relations {
		if name == n || o.Table == n {
			delete(x.relations, name)
			delete(x.types, name)
		}
	}
}

// free says that no other object has the name of a key or index of a table. Constraints are
// named within their table, what has an index within its schema.
func (x *existing) free(table catalog.Name, name, wanted string) error {
	wanted += " of table " + table.String()
	if c, there := x.constraints[table][name]; there {
		return taken(table, wanted, c.kind+" "+name+" of the same table")
	}
	if o, there := x.relations[catalog.Name{Schema: table.Schema, Name: name}]; there {
		return taken(table, wanted, o.String())
	}
	return nil
}

// noted notes a constraint, so that the same change twice in one call makes it once.
func (x *existing) noted(table catalog.Name, name string, c constraint) {
	if x.constraints[table] == nil {
		x.constraints[table] = make(map[string]constraint)
	}
	x.constraints[table][name] = c
}

func pairs(names []catalog.Name) []string {
	rows := make([][]string, len(names))
	for i, n := range names {
		rows[i] = []string{n.Schema, n.Name}
	}
	return columnsOf(2, rows)
}

// readAltered reads keys, indexes and references of tables, and the names of all constraints.
func (x *existing) readAltered(ctx context.Context, s *session, tables []catalog.Name) error {
	if len(tables) == 0 {
		return nil
	}
	c, err := readKeys(ctx, s, tables)
	if err != nil {
		return err
	}
	for _, t := range c.Tables {
		x.altered[t.Name] = t
	}
	return s.query(ctx, opAlter, `SELECT n.nspname, c.relname, k.conname,
  CASE k.contype WHEN 'c' THEN 'check' WHEN 'f' THEN 'foreign key' WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique constraint'
    WHEN 'x' THEN 'exclusion constraint' WHEN 't' THEN 'constraint trigger' ELSE 'constraint' END,
  CASE WHEN k.contype = 'c' AND NOT k.convalidated THEN obj_description(k.oid, 'pg_constraint') END
FROM unnest($1::text[], $2::text[]) w(schema, name) JOIN pg_namespace n ON n.nspname = w.schema::name
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name::name JOIN pg_constraint k ON k.conrelid = c.oid`, pairs(tables), func(r row) error {
		x.noted(catalog.Name{Schema: r.text(0), Name: r.text(1)}, r.text(2), constraint{kind: r.text(3), kept: keptForeignKey(r.text(4)) != nil})
		return nil
	})
}

// relationKind spells pg_class.relkind.
const relationKind = `CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'i' THEN 'index' WHEN 'I' THEN 'partitioned index'
    WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'c' THEN 'composite type'
    WHEN 'f' THEN 'foreign table' ELSE 'relation' END`

// relationOwner names the table that an index, a sequence or a partition belongs to.
const relationOwner = `LEFT JOIN pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_depend d ON c.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = c.oid
AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a','i')
LEFT JOIN pg_inherits h ON h.inhrelid = c.oid AND c.relispartition AND c.relkind NOT IN ('i','I')
LEFT JOIN pg_class oc ON oc.oid = coalesce(i.indrelid, d.refobjid, h.inhparent) LEFT JOIN pg_namespace o ON o.oid = oc.relnamespace`

func (x *existing) readRelations(ctx context.Context, s *session, names []catalog.Name) error {
	if len(names) == 0 {
		return nil
	}
	return s.query(ctx, opAlter, `SELECT n.nspname, c.relname, `+relationKind+`, o.nspname, oc.relname,
  s.seqincrement, s.seqstart, s.seqmin, s.seqmax, s.seqcycle, s.seqcache, format_type(s.seqtypid, NULL)
FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[])) w(schema, name) JOIN pg_namespace n ON n.nspname = w.schema::name
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name::name
LEFT JOIN pg_sequence s ON s.seqrelid = c.oid
`+relationOwner, pairs(names), func(r row) error {
		o := occupant{Kind: r.text(2), Name: catalog.Name{Schema: r.text(0), Name: r.text(1)}, Table: catalog.Name{Schema: r.text(3), Name: r.text(4)}}
		if !r.null(5) {
			o.Sequence = &catalog.Sequence{
				Name:      o.Name,
				Increment: r.int(5),
				Start:     r.int(6),
				Min:       r.int(7),
				Max:       r.int(8),
				Cycle:     r.bool(9),
				Cache:     r.int(10),
				DataType:  r.text(11),
			}
		}
		x.relations[o.Name] = o
		return nil
	})
}

// readTypes reads what has the names of types. A relation has a type of its name as well.
func (x *existing) readTypes(ctx context.Context, s *session, names []catalog.Name) error {
	if len(names) == 0 {
		return nil
	}
	var ids []string
	err := s.query(
		ctx,
		opAlter,
		`SELECT t.oid, n.nspname, t.typname, CASE t.typtype WHEN 'c' THEN `+relationKind+` WHEN 'r' THEN 'range type'
 WHEN 'm' THEN 'multirange type' ELSE 'type' END,
  t.typtype IN ('e','d')
FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[])) w(schema, name) JOIN pg_namespace n ON n.nspname = w.schema::name
JOIN pg_type t ON t.typnamespace = n.oid AND t.typname = w.name::name LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE NOT (t.typcategory = 'A' AND t.typelem <> 0)`,
		pairs(names),
		func(r row) error {
			n := catalog.Name{Schema: r.text(1), Name: r.text(2)}
			x.types[n] = occupant{Kind: r.text(3), Name: n}
			if r.bool(4) {
				ids = append(ids, r.text(0))
			}
			return nil
		},
	)
	if err != nil || len(ids) == 0 {
		return err
	}
	found, err := readUserTypes(ctx, s, ids)
	for _, t := range found {
		if o, asked := x.types[t.Name]; asked {
			o.Type = &t
			x.types[t.Name] = o
		}
	}
	return err
}
