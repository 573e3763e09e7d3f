package oracle

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// catalogQuestion says what is read.
type catalogQuestion struct {
	schemas       []string
	wanted        []catalog.Name // empty is all of schemas
	structureOnly bool
}

// namesAtOnce is how many names stand in one IN list: Oracle takes 1,000 (ORA-01795).
const namesAtOnce = 1000

// filters returns conditions on a view's columns of owner and table: one for whole schemas,
// else one for each thousand tables, which is a statement each.
func (q catalogQuestion) filters(owner, table string) []string {
	if len(q.wanted) == 0 {
		return []string{q.inSchemas(owner)}
	}
	return filters(q.wanted, owner, table)
}

func (q catalogQuestion) inSchemas(owner string) string {
	return owner + " IN (" + quoteLiterals(q.schemas) + ")"
}

func filters(names []catalog.Name, owner, table string) []string {
	bySchema := make(map[string][]string)
	var schemas []string
	for _, n := range names {
		if bySchema[n.Schema] == nil {
			schemas = append(schemas, n.Schema)
		}
		bySchema[n.Schema] = append(bySchema[n.Schema], n.Name)
	}
	var out []string
	for _, schema := range schemas {
		for part := range slices.Chunk(bySchema[schema], namesAtOnce) {
			out = append(out, owner+" = "+quoteLiteral(schema)+" AND "+table+" IN ("+quoteLiterals(part)+")")
		}
	}
	return out
}

// catalogReader puts one Catalog together from the results of single-view statements: joins
// of the dictionary's views are slow, and slow in other ways on every release.
type catalogReader struct {
	db  *database
	s   *session
	q   catalogQuestion
	out *catalog.Catalog

	tables   map[catalog.Name]*catalog.Table
	skipped  map[catalog.Name]bool // materialized views, external tables and their like
	keys     map[catalog.Name]*constraint
	indexes  map[catalog.Name]*indexed
	iots     map[catalog.Name]bool
	segments map[catalog.Name]*catalog.Table // whose bytes count for which table
	blocks   map[catalog.Name]int64          // from statistics, where segments cannot be seen
}

// readCatalog reads structures and sizes. Without wanted tables it also reads what of the
// schemas is not migrated.
func readCatalog(ctx context.Context, db *database, s *session, q catalogQuestion) (*catalog.Catalog, error) {
	r := &catalogReader{db: db, s: s, q: q, out: &catalog.Catalog{Engine: engine}, tables: make(map[catalog.Name]*catalog.Table),
		skipped: make(map[catalog.Name]bool), keys: make(map[catalog.Name]*constraint), indexes: make(map[catalog.Name]*indexed),
		iots: make(map[catalog.Name]bool), segments: make(map[catalog.Name]*catalog.Table), blocks: make(map[catalog.Name]int64)}
	steps := []func(context.Context) error{r.others, r.relations, r.columns, r.defaults, r.constraints, r.constraintColumns, r.references,
		r.readIndexes, r.indexColumns, r.indexExpressions, r.finishKeys, r.partitions, r.partitionKeys, r.leaves, r.subpartitions,
		r.files, r.sequences, r.identities, r.comments, r.tableRest}
	if !q.structureOnly {
		steps = append(steps, r.lobSegments, r.sizes)
	}
	if len(q.wanted) == 0 {
		steps = append(steps, r.schemaRest)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, wrap(opCatalog, err)
		}
	}
	return r.out, nil
}

// each runs a statement for each filter; %s in sql stands for the filter.
func (r *catalogReader) each(ctx context.Context, sql string, filters []string, each func(row) error) error {
	for _, f := range filters {
		if err := r.s.query(ctx, opCatalog, fmt.Sprintf(sql, f), nil, each); err != nil {
			return err
		}
	}
	return nil
}

// view spells "FROM view".
func (r *catalogReader) from(view string) string { return " FROM " + r.db.view(view) }

func nameAt(v row, owner, name int) catalog.Name {
	return catalog.Name{Schema: v.text(owner), Name: v.text(name)}
}

// estimate returns a number that the server may not know.
func estimate(v row, i int) int64 {
	if v.null(i) {
		return -1
	}
	return v.int(i)
}

// others finds what ALL_TABLES lists, too, and is not a table of rows.
func (r *catalogReader) others(ctx context.Context) error {
	for _, o := range []struct{ view, owner, name, kind string }{
		{"MVIEWS", "OWNER", "MVIEW_NAME", "materialized view"},
		{"EXTERNAL_TABLES", "OWNER", "TABLE_NAME", "external table"},
		{"MVIEW_LOGS", "LOG_OWNER", "LOG_TABLE", "materialized view log"},
	} {
		sql := "SELECT " + o.owner + ", " + o.name + r.from(o.view) + " WHERE %s ORDER BY " + o.owner + ", " + o.name
		err := r.each(ctx, sql, r.q.filters(o.owner, o.name), func(v row) error {
			r.skipped[nameAt(v, 0, 1)] = true
			if len(r.q.wanted) == 0 && o.kind != "materialized view" { // which schemaRest lists
				r.out.NotMigrated = append(r.out.NotMigrated, catalog.Object{Kind: o.kind, Name: v.text(1)})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *catalogReader) relations(ctx context.Context) error {
	sql := "SELECT OWNER, TABLE_NAME, NUM_ROWS, BLOCKS, AVG_ROW_LEN, PARTITIONED, IOT_TYPE, CLUSTER_NAME, ROW_MOVEMENT, TEMPORARY" + r.from("TABLES") +
		" WHERE %s AND SECONDARY = 'N' AND NESTED = 'NO' AND NVL(DROPPED, 'NO') = 'NO' AND (IOT_TYPE IS NULL OR IOT_TYPE = 'IOT') ORDER BY OWNER, TABLE_NAME"
	err := r.each(ctx, sql, r.q.filters("OWNER", "TABLE_NAME"), func(v row) error {
		name := nameAt(v, 0, 1)
		switch {
		case r.skipped[name] || strings.HasPrefix(name.Name, "BIN$"): // the recycle bin
			return nil
		case v.text(9) == "Y":
			if len(r.q.wanted) == 0 {
				r.out.NotMigrated = append(r.out.NotMigrated, catalog.Object{Kind: "temporary table", Name: name.Name})
			}
			return nil
		}
		t := &catalog.Table{Name: name, Rows: estimate(v, 2), Bytes: -1}
		var options []string
		if v.text(6) == "IOT" {
			r.iots[name] = true
			options = append(options, organizationIndex)
		}
		if c := v.text(7); c != "" {
			options = append(options, "CLUSTER "+quoteIdent(c))
		}
		if v.text(8) == "ENABLED" {
			options = append(options, rowMovement)
		}
		t.Options = strings.Join(options, " ")
		if !v.null(3) {
			r.blocks[name] = v.int(3)
		}
		r.tables[name] = t
		r.out.Tables = append(r.out.Tables, t)
		return nil
	})
	slices.SortFunc(r.out.Tables, func(a, b *catalog.Table) int { return a.Name.Compare(b.Name) })
	return err
}

// What Options says of tables that cannot be split by ROWID, or with care only.
const (
	organizationIndex = "ORGANIZATION INDEX"
	rowMovement       = "ENABLE ROW MOVEMENT"
)

func (r *catalogReader) columns(ctx context.Context) error {
	collation := "COLLATION"
	if !r.db.since(12, 2) {
		collation = "NULL"
	}
	sql := "SELECT OWNER, TABLE_NAME, COLUMN_NAME, DATA_TYPE, DATA_TYPE_OWNER, DATA_LENGTH, DATA_PRECISION, DATA_SCALE, NULLABLE, CHAR_LENGTH, CHAR_USED, " +
		"VIRTUAL_COLUMN, HIDDEN_COLUMN, USER_GENERATED, " + collation + r.from("TAB_COLS") + " WHERE %s ORDER BY OWNER, TABLE_NAME, INTERNAL_COLUMN_ID"
	var of *catalog.Table
	var columns []catalog.Column // of it, so far
	whole := func() {
		if of != nil {
			of.Columns = slices.Clone(columns) // no larger than it must be: there may be 100,000 tables
		}
		columns = columns[:0]
	}
	unused := regexp.MustCompile(`^SYS_C\d+_.*\$$`) // the name that SET UNUSED gives
	err := r.each(ctx, sql, r.q.filters("OWNER", "TABLE_NAME"), func(v row) error {
		t := r.tables[nameAt(v, 0, 1)]
		if t == nil {
			return nil
		}
		if t != of {
			whole()
			of = t
		}
		name := v.text(2)
		switch hidden := v.text(12) == "YES"; {
		case hidden && name == "ORA_ARCHIVE_STATE":
			t.NotMigrated = append(
				t.NotMigrated,
				catalog.Object{Kind: "row archival", Name: t.Name.Name, Reason: "archived rows are copied like the others; the archive state is not migrated"},
			)
			return nil
		case hidden && (v.text(13) != "YES" || unused.MatchString(name)):
			return nil // attributes of objects, expressions of indexes
		case hidden:
			t.NotMigrated = append(t.NotMigrated, catalog.Object{Kind: "invisible column", Name: name, Reason: "it is copied, but is visible on the target"})
		}
		columns = append(columns, columnOf(v))
		return nil
	})
	whole()
	return err
}

func columnOf(v row) catalog.Column {
	number := func(i int) *int64 {
		if v.null(i) {
			return nil
		}
		n := v.int(i)
		return &n
	}
	raw := rawColumn{dataType: v.text(3), owner: v.text(4), length: v.int(5), precision: number(6), scale: number(7), chars: v.int(9), charUsed: v.text(10)}
	c := catalog.Column{
		Name:       v.text(2),
		Type:       raw.neutral(),
		Declared:   raw.declared(),
		Conversion: raw.conversion(),
		Nullable:   v.text(8) == "Y",
		Virtual:    v.text(11) == "YES",
	}
	if collation := v.text(14); collation != "USING_NLS_COMP" && collation != "BINARY" {
		c.Collation = collation
	}
	return c
}

// defaults are read by themselves: a LONG in the select list slows down every row.
func (r *catalogReader) defaults(ctx context.Context) error {
	sql := "SELECT OWNER, TABLE_NAME, COLUMN_NAME, DATA_DEFAULT" + r.from("TAB_COLS") + " WHERE %s AND DEFAULT_LENGTH > 0"
	err := r.each(ctx, sql, r.q.filters("OWNER", "TABLE_NAME"), func(v row) error {
		t := r.tables[nameAt(v, 0, 1)]
		if t == nil {
			return nil
		}
		c := t.Column(v.text(2))
		text := strings.TrimSpace(v.text(3))
		switch {
		case c == nil:
		case c.Virtual:
			c.Generated = text
		case !strings.EqualFold(text, "NULL"):
			c.Default = text
		}
		return nil
	})
	for _, t := range r.out.Tables {
		for i := range t.Columns {
			if c := &t.Columns[i]; c.Virtual && c.Generated == "" {
				c.Generated = cmp.Or(c.Generated, "NULL") // never copied, whatever it is
			}
		}
	}
	return err
}
