package hana

import (
	"context"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

const opCatalog = "read catalog"

// reading collects what the views say about the tables of some schemas.
type reading struct {
	s      *session
	out    *catalog.Catalog
	sel    providers.Selector
	tables map[catalog.Name]*catalog.Table
	wanted map[catalog.Name]bool // nil is all
	ids    map[int64]*catalog.Column
}

// readCatalog asks each view once a schema, or once for up to 200 tables of it where few are wanted.
func readCatalog(ctx context.Context, s *session, schemas []string, sel providers.Selector) (*catalog.Catalog, error) {
	rd := &reading{s: s, sel: sel, out: &catalog.Catalog{Engine: engine}, tables: make(map[catalog.Name]*catalog.Table), ids: make(map[int64]*catalog.Column)}
	if sel.Tables != nil {
		rd.wanted = make(map[catalog.Name]bool)
		schemas = nil
		for _, n := range sel.Tables {
			rd.wanted[n] = true
			if !slices.Contains(schemas, n.Schema) {
				schemas = append(schemas, n.Schema)
			}
		}
	}
	for _, schema := range schemas {
		if err := rd.schema(ctx, schema); err != nil {
			return nil, err
		}
	}
	for _, t := range rd.tables {
		chooseKey(t)
		rd.out.Tables = append(rd.out.Tables, t)
	}
	slices.SortFunc(rd.out.Tables, func(a, b *catalog.Table) int { return a.Name.Compare(b.Name) })
	return rd.out, nil
}

func (rd *reading) schema(ctx context.Context, schema string) error {
	const few = 200
	if rd.wanted == nil {
		return rd.part(ctx, schema, nil)
	}
	var names []string
	for _, n := range rd.sel.Tables {
		if n.Schema == schema {
			names = append(names, n.Name)
		}
	}
	if len(names) > 10*few {
		return rd.part(ctx, schema, nil) // a few statements over all of them are cheaper
	}
	for start := 0; start < len(names); start += few {
		if err := rd.part(ctx, schema, names[start:min(start+few, len(names))]); err != nil {
			return err
		}
	}
	return nil
}

// view asks one view about the tables; where names is nil about all of the schema.
func (rd *reading) view(ctx context.Context, what selection, schema string, names []string, each func(t *catalog.Table, r row) error) error {
	sql := "SELECT " + what.columns + ` FROM "SYS".` + quoteIdent(what.view) + " WHERE " + quoteIdent(what.schema) + " = ?"
	args := []any{schema}
	if names != nil {
		width := 1
		for width < len(names) {
			width *= 4
		}
		sql += " AND " + quoteIdent(what.table) + " IN (" + binds(width) + ")"
		for i := range width {
			args = append(args, names[min(i, len(names)-1)]) // the last one fills up: few lengths, few plans
		}
	}
	if what.filter != "" {
		sql += " AND " + what.filter
	}
	if what.order != "" {
		sql += " ORDER BY " + what.order
	}
	return rd.s.query(ctx, opCatalog, sql, args, func(r row) error {
		n := catalog.Name{Schema: schema, Name: r.text(0)}
		if rd.wanted != nil && !rd.wanted[n] || isLedgerTable(n) {
			return nil
		}
		return each(rd.tables[n], r)
	})
}

// selection is what is asked of one view. Its first column is the table's name.
type selection struct{ view, columns, schema, table, filter, order string }

func of(view, columns, order string) selection {
	return selection{view: view, columns: columns, schema: "SCHEMA_NAME", table: "TABLE_NAME", order: order}
}

// part reads everything about tables of one schema.
func (rd *reading) part(ctx context.Context, schema string, names []string) error {
	base := of("TABLES", `"TABLE_NAME", "IS_COLUMN_TABLE", "COMMENTS"`, "")
	base.filter = `"IS_USER_DEFINED_TYPE" = 'FALSE' AND "IS_TEMPORARY" = 'FALSE'`
	err := rd.view(ctx, base, schema, names, func(_ *catalog.Table, r row) error {
		t := &catalog.Table{Name: catalog.Name{Schema: schema, Name: r.text(0)}, Comment: r.text(2), Rows: -1, Bytes: -1}
		if r.is(1, "FALSE") {
			t.Options = rowStore
		}
		rd.tables[t.Name] = t
		return nil
	})
	if err != nil {
		return err
	}
	for _, read := range []func(context.Context, string, []string) error{rd.columns, rd.constraints, rd.indexes, rd.foreignKeys, rd.partitions, rd.sizes} {
		if err := read(ctx, schema, names); err != nil {
			return err
		}
	}
	if rd.sel.IDs || rd.sel.Dependents {
		if err := rd.tableIDs(ctx, schema, names); err != nil {
			return err
		}
	}
	if rd.sel.Dependents {
		if err := rd.dependents(ctx, schema, names); err != nil {
			return err
		}
	}
	if rd.wanted != nil {
		return rd.identities(ctx, schema)
	}
	if rd.sel.Names {
		if err := rd.names(ctx, schema); err != nil {
			return err
		}
	}
	return rd.others(ctx, schema)
}

func (rd *reading) columns(ctx context.Context, schema string, names []string) error {
	q := of(
		"TABLE_COLUMNS",
		`"TABLE_NAME", "COLUMN_NAME", "DATA_TYPE_NAME", "LENGTH", "SCALE", "IS_NULLABLE", "DEFAULT_VALUE",
 "GENERATION_TYPE", "GENERATED_ALWAYS_AS", "COLUMN_ID"`,
		`"TABLE_NAME", "POSITION"`,
	)
	type at struct {
		t *catalog.Table
		i int
	}
	identities := make(map[int64]at)
	err := rd.view(ctx, q, schema, names, func(t *catalog.Table, r row) error {
		if t == nil {
			return nil // made meanwhile
		}
		dataType, length, scale, hasScale := r.text(2), int(r.int(3)), int(r.int(4)), !r.null(4)
		c := catalog.Column{
			Name:     r.text(1),
			Type:     neutral(dataType, length, scale, hasScale),
			Declared: spelled(dataType, length, scale, hasScale),
			Nullable: r.is(5, "TRUE"),
		}
		switch r.text(7) {
		case "ALWAYS AS IDENTITY":
			c.Identity = catalog.IdentityAlways
		case "BY DEFAULT AS IDENTITY":
			c.Identity = catalog.IdentityDefault
		case "ALWAYS AS":
			c.Generated = r.text(8)
		}
		if c.Identity == "" && c.Generated == "" && !r.null(6) {
			c.Default = defaultOf(r.text(6), c.Type)
		}
		if c.Identity != "" {
			identities[r.int(9)] = at{t, len(t.Columns)}
		}
		t.Columns = append(t.Columns, c)
		return nil
	})
	for id, a := range identities {
		rd.ids[id] = &a.t.Columns[a.i]
	}
	return err
}

// defaultOf writes a default the way CREATE TABLE has it: the view shows text without quotes.
func defaultOf(value string, t catalog.Type) string {
	switch t.Kind {
	case catalog.String, catalog.Text, catalog.Date, catalog.Time, catalog.Timestamp, catalog.Timestamp9:
		if strings.HasPrefix(value, "CURRENT_") {
			return value
		}
		return quoteLiteral(value)
	case catalog.Binary, catalog.Blob:
		return "X" + quoteLiteral(value)
	}
	return value
}

// constraints reads the primary key, unique constraints and checks.
func (rd *reading) constraints(ctx context.Context, schema string, names []string) error {
	q := of(
		"CONSTRAINTS",
		`"TABLE_NAME", "CONSTRAINT_NAME", "COLUMN_NAME", "IS_PRIMARY_KEY", "IS_UNIQUE_KEY", "CHECK_CONDITION"`,
		`"TABLE_NAME", "CONSTRAINT_NAME", "POSITION"`,
	)
	var last catalog.Name
	lastName := ""
	return rd.view(ctx, q, schema, names, func(t *catalog.Table, r row) error {
		if t == nil {
			return nil
		}
		name := r.text(1)
		first := t.Name != last || name != lastName
		last, lastName = t.Name, name
		switch {
		case r.is(3, "TRUE"):
			if first {
				t.Key = &catalog.Key{Primary: true, Name: ownName(name)}
			}
			t.Key.Columns = append(t.Key.Columns, r.text(2))
		case r.is(4, "TRUE"):
			if first {
				t.Uniques = append(t.Uniques, catalog.Key{Name: name}) // the server's own name is dropped once the indexes are read
			}
			k := &t.Uniques[len(t.Uniques)-1]
			k.Columns = append(k.Columns, r.text(2))
		case !r.null(5) && first:
			t.Checks = append(t.Checks, catalog.Check{Name: ownName(name), Expression: r.text(5)})
		}
		return nil
	})
}

// ownName drops the names that the server chose.
func ownName(name string) string {
	if strings.HasPrefix(name, "_SYS_") {
		return ""
	}
	return name
}

// indexes reads secondary indexes that no constraint owns.
func (rd *reading) indexes(ctx context.Context, schema string, names []string) error {
	unique := make(map[catalog.Name]string)
	err := rd.view(ctx, of("INDEXES", `"TABLE_NAME", "INDEX_NAME", "CONSTRAINT"`, ""), schema, names, func(_ *catalog.Table, r row) error {
		unique[catalog.Name{Schema: r.text(0), Name: r.text(1)}] = r.text(2)
		return nil
	})
	if err != nil {
		return err
	}
	q := of("INDEX_COLUMNS", `"TABLE_NAME", "INDEX_NAME", "COLUMN_NAME", "ASCENDING_ORDER"`, `"TABLE_NAME", "INDEX_NAME", "POSITION"`)
	var found []catalog.Index
	var at *catalog.Table
	flush := func() {
		for _, x := range found {
			addIndex(at, x, unique[catalog.Name{Schema: at.Name.Name, Name: x.Name}])
		}
		found = nil
	}
	err = rd.view(ctx, q, schema, names, func(t *catalog.Table, r row) error {
		if t == nil {
			return nil
		}
		if t != at {
			flush()
			at = t
		}
		if len(found) == 0 || found[len(found)-1].Name != r.text(1) {
			found = append(found, catalog.Index{Name: r.text(1)})
		}
		x := &found[len(found)-1]
		x.Columns = append(x.Columns, catalog.IndexColumn{Name: r.text(2), Desc: r.is(3, "FALSE")})
		return nil
	})
	flush()
	for _, t := range rd.tables {
		for i := range t.Uniques {
			t.Uniques[i].Name = ownName(t.Uniques[i].Name)
		}
	}
	return err
}

func addIndex(t *catalog.Table, x catalog.Index, constraint string) {
	if constraint == "PRIMARY KEY" || constraint == "PRIMARY_KEY" { // both spellings have been seen
		return
	}
	if constraint == "" {
		t.Indexes = append(t.Indexes, x)
		return
	}
	for _, k := range t.Uniques {
		if k.Name == x.Name {
			return
		}
	}
	x.Unique = true
	t.Indexes = append(t.Indexes, x)
}

// chooseKey takes the best unique key over NOT NULL columns where there is no primary key: a
// constraint, else a unique index.
func chooseKey(t *catalog.Table) {
	if t.Key != nil {
		return
	}
	certain := func(columns []string) bool {
		return !slices.ContainsFunc(columns, func(n string) bool { c := t.Column(n); return c == nil || c.Nullable })
	}
	for i, k := range t.Uniques {
		if certain(k.Columns) {
			t.Key = &k
			t.Uniques = without(t.Uniques, i)
			return
		}
	}
	for i, x := range t.Indexes {
		k := catalog.Key{Name: x.Name, Index: true}
		for _, c := range x.Columns {
			k.Columns = append(k.Columns, c.Name)
		}
		if x.Unique && certain(k.Columns) {
			t.Key = &k
			t.Indexes = without(t.Indexes, i)
			return
		}
	}
}

// without leaves one element out; nil is none left.
func without[T any](in []T, i int) []T {
	if len(in) == 1 {
		return nil
	}
	return append(in[:i:i], in[i+1:]...)
}

func (rd *reading) foreignKeys(ctx context.Context, schema string, names []string) error {
	q := of(
		"REFERENTIAL_CONSTRAINTS",
		`"TABLE_NAME", "CONSTRAINT_NAME", "COLUMN_NAME", "REFERENCED_SCHEMA_NAME", "REFERENCED_TABLE_NAME",
 "REFERENCED_COLUMN_NAME", "UPDATE_RULE", "DELETE_RULE"`,
		`"TABLE_NAME", "CONSTRAINT_NAME", "POSITION"`,
	)
	var last catalog.Name
	lastName := ""
	return rd.view(ctx, q, schema, names, func(t *catalog.Table, r row) error {
		if t == nil {
			return nil
		}
		if t.Name != last || r.text(1) != lastName {
			t.ForeignKeys = append(t.ForeignKeys, catalog.ForeignKey{Name: ownName(r.text(1)), Table: catalog.Name{Schema: r.text(3), Name: r.text(4)},
				OnUpdate: rule(r.text(6)), OnDelete: rule(r.text(7))})
		}
		last, lastName = t.Name, r.text(1)
		f := &t.ForeignKeys[len(t.ForeignKeys)-1]
		f.Columns, f.References = append(f.Columns, r.text(2)), append(f.References, r.text(5))
		return nil
	})
}

// tableIDs reads what tells a table from another one of its name.
func (rd *reading) tableIDs(ctx context.Context, schema string, names []string) error {
	return rd.view(ctx, of("TABLES", `"TABLE_NAME", "TABLE_OID"`, ""), schema, names, func(t *catalog.Table, r row) error {
		if t != nil {
			t.ID = r.text(1)
		}
		return nil
	})
}

// dependents lists what DROP TABLE takes along without a word: foreign keys of other tables.
func (rd *reading) dependents(ctx context.Context, schema string, names []string) error {
	q := selection{view: "REFERENTIAL_CONSTRAINTS", columns: `DISTINCT "REFERENCED_TABLE_NAME", "CONSTRAINT_NAME", "SCHEMA_NAME", "TABLE_NAME"`,
		schema: "REFERENCED_SCHEMA_NAME", table: "REFERENCED_TABLE_NAME", order: `"SCHEMA_NAME", "TABLE_NAME", "CONSTRAINT_NAME"`}
	return rd.view(ctx, q, schema, names, func(t *catalog.Table, r row) error {
		if of := (catalog.Name{Schema: r.text(2), Name: r.text(3)}); t != nil && of != t.Name {
			t.Dependents = append(t.Dependents, catalog.Dependent{Kind: "foreign key", Name: r.text(1), Table: of})
		}
		return nil
	})
}

// rule drops what is the default.
func rule(s string) string {
	if s == "RESTRICT" || s == "NO ACTION" {
		return ""
	}
	return s
}
