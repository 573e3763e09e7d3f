package sqlite

import (
	"context"
	"math"
	"slices"
	"sort"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// tableReader reads tables within one read transaction.
type tableReader struct {
	conn     *conn
	sizes    sizes
	triggers map[string][]string // names, by table
	indexed  map[string]string   // CREATE INDEX, by index
	tables   map[string]string   // spelling of table names, folded
	found    []catalog.Column    // of the table being read
	texts    map[string]string   // names and types, which thousands of tables have in common
}

func newTableReader(c *conn, objects []object, z sizes) *tableReader {
	r := &tableReader{conn: c, sizes: z, triggers: make(map[string][]string), indexed: make(map[string]string), tables: make(map[string]string),
		texts: make(map[string]string)}
	for _, o := range objects {
		switch o.kind {
		case "trigger":
			r.triggers[fold(o.table)] = append(r.triggers[fold(o.table)], o.name)
		case "index":
			r.indexed[o.name] = o.sql
		case "table":
			r.tables[fold(o.name)] = o.name
		}
	}
	return r
}

func (r *tableReader) read(ctx context.Context, o object, k tableKind) (*catalog.Table, error) {
	t := &catalog.Table{Name: catalog.Name{Name: o.name}, Options: k.options(), Definition: o.sql, File: fileOf(o.sql)}
	text := parse(o.sql)
	primary, err := r.columns(ctx, t, text)
	if err != nil {
		return nil, err
	}
	indexes, err := r.indexes(ctx, o.name)
	if err != nil {
		return nil, err
	}
	alias := len(primary) == 1 && !k.withoutRowid && !slices.ContainsFunc(indexes, func(i indexRow) bool { return i.origin == "pk" })
	for _, name := range primary {
		if c := t.Column(name); alias || k.withoutRowid {
			c.Nullable = false
		}
	}
	if alias && text.autoincrement {
		if err := r.autoincrement(ctx, t, primary[0]); err != nil {
			return nil, err
		}
	}
	if len(primary) > 0 {
		t.Key = &catalog.Key{Name: text.primary, Columns: primary, Primary: true}
	}
	r.keys(t, indexes, text)
	if err := r.foreignKeys(ctx, t, text); err != nil {
		return nil, err
	}
	t.Checks = text.checks
	t.Code = code(t)
	for _, name := range r.triggers[fold(o.name)] {
		t.NotMigrated = append(t.NotMigrated, catalog.Object{Kind: "trigger", Name: name})
	}
	t.Rows, t.Bytes, err = r.sizes.of(ctx, r.conn, t)
	return t, err
}

// columns fills in the columns and returns the primary key's, in its order.
func (r *tableReader) columns(ctx context.Context, t *catalog.Table, text *statement) ([]string, error) {
	type part struct {
		at   int
		name string
	}
	var key []part
	r.found = r.found[:0]
	err := r.conn.prepared(ctx, func(s *sqlite.Stmt) error {
		c := catalog.Column{Name: r.text(s, 0), Declared: r.text(s, 1), Nullable: !s.ColumnBool(2), Default: s.ColumnText(3)}
		c.Type = neutral(c.Declared)
		c.Loose = c.Type.Length > 0
		said := text.columns[c.Name]
		c.Collation = said.collation
		switch s.ColumnInt(5) {
		case 2:
			c.Generated, c.Virtual = said.generated, true
		case 3:
			c.Generated = said.generated
		}
		if at := s.ColumnInt(4); at > 0 {
			key = append(key, part{at, c.Name})
		}
		r.found = append(r.found, c)
		return nil
	}, `SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid`, t.Name.Name)
	t.Columns = slices.Clone(r.found)
	sort.Slice(key, func(i, j int) bool { return key[i].at < key[j].at })
	var names []string
	for _, p := range key {
		names = append(names, p.name)
	}
	return names, err
}

// text returns a column's text, the same string for the same text.
func (r *tableReader) text(s *sqlite.Stmt, i int) string {
	text := s.ColumnText(i)
	if known, ok := r.texts[text]; ok {
		return known
	}
	r.texts[text] = text
	return text
}

func (r *tableReader) autoincrement(ctx context.Context, t *catalog.Table, column string) error {
	last, called, err := r.conn.int64(ctx, "SELECT seq FROM sqlite_sequence WHERE name = ?", t.Name.Name)
	if err != nil {
		return err
	}
	if !called {
		last = 1
	}
	c := t.Column(column)
	c.Identity = catalog.IdentityAutoincrement
	c.Sequence = &catalog.Sequence{Increment: 1, Start: 1, Min: 1, Max: math.MaxInt64, Last: last, Called: called}
	return nil
}

// indexRow is one row of PRAGMA index_list with its columns.
type indexRow struct {
	name, origin string // origin is "c", "u" or "pk"
	unique       bool
	partial      bool
	expressions  bool // over an expression or the rowid
	collated     bool // by another collation than its column's: unknown, so told apart from none
	columns      []catalog.IndexColumn
}

func (r *tableReader) indexes(ctx context.Context, table string) ([]indexRow, error) {
	var out []indexRow
	err := r.conn.prepared(ctx, func(s *sqlite.Stmt) error {
		out = append(out, indexRow{name: s.ColumnText(0), unique: s.ColumnBool(1), origin: s.ColumnText(2), partial: s.ColumnBool(3)})
		return nil
	}, `SELECT name, "unique", origin, partial FROM pragma_index_list(?)`, table)
	if err != nil {
		return nil, err
	}
	for i := range out {
		x := &out[i]
		err := r.conn.prepared(ctx, func(s *sqlite.Stmt) error {
			if s.ColumnInt(0) < 0 {
				x.expressions = true
				return nil
			}
			x.columns = append(x.columns, catalog.IndexColumn{Name: s.ColumnText(1), Desc: s.ColumnBool(2)})
			x.collated = x.collated || s.ColumnText(3) != "BINARY"
			return nil
		}, `SELECT cid, name, "desc", coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno`, x.name)
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b indexRow) int { return compare(a.name, b.name) })
	return out, nil
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// keys sorts the indexes into unique constraints and secondary indexes, and finds
// a key where the table declares none: the shortest unique one over NOT NULL columns.
func (r *tableReader) keys(t *catalog.Table, indexes []indexRow, text *statement) {
	best := -1
	for i, x := range indexes {
		if t.Key == nil && x.total(t) && (best < 0 || len(x.columns) < len(indexes[best].columns)) {
			best = i
		}
	}
	for i, x := range indexes {
		names := x.names()
		switch {
		case x.origin == "pk":
		case x.origin == "u":
			k := catalog.Key{Name: text.uniqueName(names), Columns: names}
			if i == best {
				t.Key = &k
			} else {
				t.Uniques = append(t.Uniques, k)
			}
		case i == best:
			t.Key = &catalog.Key{Name: x.name, Columns: names, Index: true, Definition: r.indexed[x.name]}
		default:
			index := catalog.Index{Name: x.name, Unique: x.unique, Definition: r.indexed[x.name], Special: x.partial || x.expressions || x.collated}
			if !x.expressions {
				index.Columns = x.columns
			}
			t.Indexes = append(t.Indexes, index)
		}
	}
}

// total says whether an index identifies every row.
func (x indexRow) total(t *catalog.Table) bool {
	if !x.unique || x.partial || x.expressions || len(x.columns) == 0 {
		return false
	}
	for _, c := range x.columns {
		if col := t.Column(c.Name); col == nil || col.Nullable {
			return false
		}
	}
	return true
}

func (x indexRow) names() []string {
	var out []string
	for _, c := range x.columns {
		out = append(out, c.Name)
	}
	return out
}

func (s *statement) uniqueName(columns []string) string {
	for _, u := range s.uniques {
		if slices.EqualFunc(u.columns, columns, sameName) {
			return u.name
		}
	}
	return ""
}

func (r *tableReader) foreignKeys(ctx context.Context, t *catalog.Table, text *statement) error {
	byID := make(map[int]*catalog.ForeignKey)
	most := -1
	err := r.conn.prepared(ctx, func(s *sqlite.Stmt) error {
		id := s.ColumnInt(0)
		most = max(most, id)
		f := byID[id]
		if f == nil {
			f = &catalog.ForeignKey{Table: catalog.Name{Name: s.ColumnText(1)}, OnUpdate: action(s.ColumnText(4)), OnDelete: action(s.ColumnText(5))}
			byID[id] = f
		}
		f.Columns = append(f.Columns, s.ColumnText(2))
		if !s.ColumnIsNull(3) {
			f.References = append(f.References, s.ColumnText(3))
		}
		return nil
	}, `SELECT id, "table", "from", "to", on_update, on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq`, t.Name.Name)
	// Ids count from the last constraint of the text to the first.
	for id := most; id >= 0; id-- {
		f := byID[id]
		if f == nil {
			continue
		}
		if at := most - id; at < len(text.references) && len(text.references) == most+1 {
			f.Name, f.Deferrable = text.references[at].name, text.references[at].deferrable
		}
		t.ForeignKeys = append(t.ForeignKeys, *f)
	}
	return err
}

func action(a string) string {
	if a == "NO ACTION" {
		return ""
	}
	return a
}

// resolve spells the parents of foreign keys as their tables do, and adds the
// columns that are left out where a parent's primary key is meant.
func (r *tableReader) resolve(ctx context.Context, c *catalog.Catalog) error {
	keys := make(map[string][]string)
	for _, t := range c.Tables {
		if t.Key != nil && t.Key.Primary {
			keys[fold(t.Name.Name)] = t.Key.Columns
		}
	}
	for _, t := range c.Tables {
		for i := range t.ForeignKeys {
			f := &t.ForeignKeys[i]
			parent := fold(f.Table.Name)
			if err := r.parent(ctx, parent, keys); err != nil {
				return err
			}
			if s, ok := r.tables[parent]; ok {
				f.Table.Name = s
			}
			if len(f.References) == 0 {
				f.References = slices.Clone(keys[parent])
			}
		}
	}
	return nil
}

// parent reads spelling and key of a foreign key's parent that is not among the tables read.
func (r *tableReader) parent(ctx context.Context, name string, keys map[string][]string) error {
	if _, known := r.tables[name]; known {
		return nil
	}
	err := r.conn.prepared(ctx, func(s *sqlite.Stmt) error { r.tables[name] = s.ColumnText(0); return nil },
		"SELECT name FROM pragma_table_list(?) WHERE schema = 'main' AND type = 'table'", name)
	if err != nil {
		return err
	}
	return r.conn.prepared(ctx, func(s *sqlite.Stmt) error { keys[name] = append(keys[name], s.ColumnText(0)); return nil },
		"SELECT name FROM pragma_table_xinfo(?) WHERE pk > 0 ORDER BY pk", name)
}
