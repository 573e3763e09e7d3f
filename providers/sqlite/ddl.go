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
	"github.com/dmoctl/dmoctl/providers/fenced"
)

// Alter implements fenced.Engine. Everything is one transaction.
func (d *target) Alter(ctx context.Context, s *fenced.Session[*txn], ddl []providers.DDL) error {
	return s.Do(ctx, "alter", fenced.Define, func(tx *txn) error {
		drops := slices.ContainsFunc(ddl, func(d providers.DDL) bool { _, ok := d.(providers.Drop); return ok })
		var before dependents
		if drops {
			var err error
			if before, err = readDependents(ctx, tx.conn); err != nil {
				return failed(ctx, "alter", err)
			}
		}
		for _, d := range ddl {
			if err := alter(ctx, tx, s.Migration(), d); err != nil {
				return failed(ctx, "alter", err)
			}
		}
		if !drops {
			return nil
		}
		return failed(ctx, "alter", before.lost(ctx, tx.conn))
	})
}

// alter carries out one change inside the caller's transaction. SQLite has no
// schemas and no types of its own, and loads with foreign keys off, so those are
// nothing to do.
func alter(ctx context.Context, tx *txn, migration string, d providers.DDL) error {
	c := tx.conn
	switch d := d.(type) {
	case providers.CreateSchema, providers.CreateType, providers.DropForeignKey:
		return nil
	case providers.CreateSequence:
		return noSequence(d.Sequence)
	case providers.CreateTable:
		return failedOn(ctx, "create table", d.Table.Name, createTable(ctx, tx, migration, d))
	case providers.DropTable:
		return failedOn(ctx, "drop table", d.Table, dropTable(ctx, tx, d.Table))
	case providers.Drop:
		return failedOn(ctx, "drop table", d.Object.Name, dropMade(ctx, tx, d.Object))
	case providers.DropLedger:
		return failed(ctx, "drop ledger", dropLedger(ctx, tx, migration))
	case providers.AddKey:
		return failedOn(ctx, "add key", d.Table.Name, addKey(ctx, c, d.Table, d.Key))
	case providers.CreateIndex:
		return failedOn(ctx, "create index", d.Table.Name, createIndex(ctx, c, d.Table, d.Index))
	case providers.AddForeignKey:
		return failedOn(ctx, "check foreign key", d.Table.Name, checkForeignKey(ctx, c, d.Table, d.ForeignKey))
	case providers.Record:
		return failed(ctx, "write ledger", fenced.Apply(ctx, tx, migration, d.Change))
	case providers.RaiseSequence:
		if d.Table == nil {
			return noSequence(d.Sequence)
		}
		return failedOn(ctx, "raise sequence", d.Table.Name, raise(ctx, c, d.Table, d.Sequence))
	case providers.Analyze:
		return failedOn(ctx, "analyze", d.Table, c.exec(ctx, "ANALYZE "+quote(d.Table.Name)))
	}
	return fmt.Errorf("alter: unknown change %T", d)
}

func noSequence(s catalog.Sequence) error {
	return refuse(providers.Unsupported, "create sequence", s.Name, errors.New("SQLite has no sequences"))
}

// describeTable reads a table as it is; nil where there is none.
func describeTable(ctx context.Context, c *conn, name string) (*catalog.Table, error) {
	var kind tableKind
	there, err := exists(ctx, c, name)
	if err != nil || !there {
		return nil, err
	}
	there = false
	err = c.rows(ctx, func(s *sqlite.Stmt) error {
		kind, there = tableKind{s.ColumnText(0), s.ColumnBool(1), s.ColumnBool(2)}, true
		return nil
	}, "SELECT type, wr, strict FROM pragma_table_list(?) WHERE schema = 'main'", name)
	if err != nil || !there {
		return nil, err
	}
	if kind.kind != "table" {
		return nil, refuse(providers.Exists, "read table", catalog.Name{Name: name}, fmt.Errorf("a %s already has this name", kind.kind))
	}
	var objects []object
	err = c.rows(ctx, func(s *sqlite.Stmt) error {
		objects = append(objects, object{s.ColumnText(0), s.ColumnText(1), s.ColumnText(2), s.ColumnText(3)})
		return nil
	}, "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE tbl_name = ? COLLATE NOCASE", name)
	if err != nil {
		return nil, err
	}
	r := newTableReader(c, objects, sizes{unread: true})
	for _, o := range objects {
		if o.kind == "table" {
			return r.read(ctx, o, kind)
		}
	}
	return nil, nil
}

// exists says whether a table or view has this name. It looks up the one name;
// pragma_table_list and sqlite_schema go through all of them.
func exists(ctx context.Context, c *conn, name string) (there bool, err error) {
	err = c.prepared(ctx, func(*sqlite.Stmt) error { there = true; return nil }, "SELECT 1 FROM pragma_table_xinfo(?) LIMIT 1", name)
	return there, err
}

func createTable(ctx context.Context, tx *txn, migration string, d providers.CreateTable) error {
	c, t := tx.conn, d.Table
	there, err := describeTable(ctx, c, t.Name.Name)
	if err != nil {
		return err
	}
	if there == nil {
		if err := unoccupied(ctx, c, t.Name.Name, "table "+t.Name.Name, t); err != nil {
			return err
		}
		if err := c.exec(ctx, createSQL(t)); err != nil {
			return err
		}
		return recordMade(ctx, tx, migration, t.Name)
	}
	if d.New {
		return providers.TableExists("create table", t.Name)
	}
	if why := differ(t, there); why != "" {
		e := refuse(providers.Exists, "create table", t.Name, fmt.Errorf("the table exists and differs: %s", why))
		e.Fix = "Drop it, alter it, or use existing = \"recreate\"."
		return e
	}
	return nil
}

// differ says in which column two tables differ, "" where in none.
func differ(want, got *catalog.Table) string {
	if len(want.Columns) != len(got.Columns) {
		return fmt.Sprintf("it has %d columns, expected %d", len(got.Columns), len(want.Columns))
	}
	for i, w := range want.Columns {
		g := got.Columns[i]
		switch {
		case w.Name != g.Name:
			return fmt.Sprintf("column %d is %s, expected %s", i+1, g.Name, w.Name)
		case !strings.EqualFold(w.Declared, g.Declared):
			return fmt.Sprintf("column %s is %q, expected %q", g.Name, g.Declared, w.Declared)
		case w.Nullable && !g.Nullable:
			return fmt.Sprintf("column %s is NOT NULL", g.Name)
		case w.Copied() != g.Copied():
			return fmt.Sprintf("column %s is generated on one side only", g.Name)
		case !loose.SameExpression(w.Generated, g.Generated):
			return fmt.Sprintf("column %s is generated by a different expression", g.Name)
		case w.Collation != "" && !sameName(w.Collation, g.Collation):
			return fmt.Sprintf("column %s has collation %q, expected %s", g.Name, g.Collation, w.Collation)
		}
	}
	for _, w := range want.Checks {
		if !slices.ContainsFunc(got.Checks, func(g catalog.Check) bool { return loose.SameCheck(w, g) }) {
			return fmt.Sprintf("it has no check (%s)", w.Expression)
		}
	}
	if want.Definition != "" && want.Options != got.Options {
		return fmt.Sprintf("its options are %q, expected %q", got.Options, want.Options)
	}
	return ""
}

// createSQL is the CREATE TABLE with keys, checks and foreign keys.
func createSQL(t *catalog.Table) string {
	if t.Definition != "" {
		return t.Definition
	}
	var items []string
	inline := ""
	for _, c := range t.Columns {
		if c.Identity != "" && t.Key != nil && len(t.Key.Columns) == 1 && t.Key.Columns[0] == c.Name {
			inline = c.Name
			items = append(items, quote(c.Name)+" INTEGER PRIMARY KEY AUTOINCREMENT")
			continue
		}
		items = append(items, columnSQL(c))
	}
	if k := t.Key; k != nil && !k.Index && inline == "" {
		items = append(items, keySQL(*k))
	}
	for _, k := range t.Uniques {
		if !k.Index {
			items = append(items, keySQL(k))
		}
	}
	for _, x := range t.Checks {
		items = append(items, named(x.Name)+"CHECK ("+x.Expression+")")
	}
	for _, f := range t.ForeignKeys {
		items = append(items, foreignKeySQL(f))
	}
	options := ""
	if t.Options != "" {
		options = " " + t.Options
	}
	return "CREATE TABLE " + quote(t.Name.Name) + " (\n  " + strings.Join(items, ",\n  ") + "\n)" + options
}

func columnSQL(c catalog.Column) string {
	s := quote(c.Name)
	if c.Declared != "" {
		s += " " + c.Declared
	}
	if c.Collation != "" {
		s += " COLLATE " + quote(c.Collation)
	}
	if c.Generated != "" {
		s += " GENERATED ALWAYS AS (" + c.Generated + ")"
		if !c.Virtual {
			s += " STORED"
		}
	} else if c.Default != "" {
		s += " DEFAULT (" + c.Default + ")"
	}
	if !c.Nullable {
		s += " NOT NULL"
	}
	return s
}

func named(name string) string {
	if name == "" {
		return ""
	}
	return "CONSTRAINT " + quote(name) + " "
}

func keySQL(k catalog.Key) string {
	kind := "UNIQUE"
	if k.Primary {
		kind = "PRIMARY KEY"
	}
	return named(k.Name) + kind + " (" + quoteAll(k.Columns) + ")"
}

func foreignKeySQL(f catalog.ForeignKey) string {
	s := named(f.Name) + "FOREIGN KEY (" + quoteAll(f.Columns) + ") REFERENCES " + quote(f.Table.Name)
	if len(f.References) > 0 {
		s += " (" + quoteAll(f.References) + ")"
	}
	if f.OnDelete != "" {
		s += " ON DELETE " + f.OnDelete
	}
	if f.OnUpdate != "" {
		s += " ON UPDATE " + f.OnUpdate
	}
	if f.Deferrable != "" {
		s += " " + f.Deferrable
	}
	return s
}

// indexSQL spells a CREATE INDEX. What a definition calls index and table plays no part: their names are x's and the table's.
func indexSQL(table string, x catalog.Index) string {
	if x.Definition != "" {
		return rewriteIndex(x.Definition, x.Name, table)
	}
	parts := make([]string, len(x.Columns))
	for i, c := range x.Columns {
		if parts[i] = quote(c.Name); c.Desc {
			parts[i] += " DESC"
		}
	}
	unique := ""
	if x.Unique {
		unique = "UNIQUE "
	}
	return "CREATE " + unique + "INDEX " + quote(x.Name) + " ON " + quote(table) + " (" + strings.Join(parts, ", ") + ")"
}
