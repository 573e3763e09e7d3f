package fenced

import (
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// Kind is the kind of a ledger column's values.
type Kind int

// Kinds of values: string, int64, float64, bool, catalog.Name.
const (
	Text Kind = iota
	Integer
	Float
	Boolean
	Name
)

// Column is one column of the ledger.
type Column struct {
	Name string
	Kind Kind
}

// Relation is one table of the ledger. How it is spelled, and that it is of dmoctl's making, is
// the engine's to say. The first Key columns are its primary key; the first of all is the migration.
type Relation struct {
	Name    string
	Columns []Column
	Key     int
}

// The columns that others than this package name.
const (
	ColMigration  = "migration"
	ColID         = "id"
	colSource     = "source"
	colState      = "state"
	colToken      = "token"
	colOwner      = "owner"
	colSessions   = "sessions"
	ColKind       = "kind"
	ColName       = "name"
	ColGeneration = "generation"
)

// columns of one kind.
func columns(k Kind, names ...string) (out []Column) {
	for _, n := range names {
		out = append(out, Column{n, k})
	}
	return out
}

// The relations are made once: a statement is spelled for each record of a table.
var (
	runs = Relation{"run", slices.Concat(columns(Text, ColMigration, "lineage"), columns(Integer, "serial"),
		columns(Text, "plan", colToken, colOwner, colSessions, "spec"), columns(Boolean, "closed")), 1}
	tables = Relation{"tables", slices.Concat(columns(Text, ColMigration), columns(Name, colSource, "target"),
		columns(Text, "structure", "file"), columns(Integer, "count"), columns(Text, "changes", "snapshot", colState),
		columns(Integer, "serial"), columns(Boolean, "created"), columns(Integer, "edition")), 2}
	planned = Relation{"planned", slices.Concat(columns(Text, ColMigration, ColID), columns(Name, colSource),
		columns(Text, "range", ColGeneration)), 2}
	loaded = Relation{"loaded", slices.Concat(columns(Text, ColMigration, ColID), columns(Name, colSource),
		columns(Text, ColGeneration), columns(Integer, "rows", "bytes"),
		columns(Text, "digest", "read_at", "snapshot", "run"), columns(Float, "seconds")), 2}
	made = Relation{"made", slices.Concat(columns(Text, ColMigration, ColKind), columns(Name, ColName), columns(Text, ColID)), 3}
)

// Run has one row a migration.
func Run() Relation { return runs }

// Tables are what is said about each table.
func Tables() Relation { return tables }

// Planned are the packages.
func Planned() Relation { return planned }

// Loaded are the packages that are loaded.
func Loaded() Relation { return loaded }

// Made are the objects that a CREATE of dmoctl's made.
func Made() Relation { return made }

// Relations are all of them.
func Relations() []Relation { return []Relation{Run(), Tables(), Planned(), Loaded(), Made()} }

// Names are the columns' names.
func (r Relation) Names() []string {
	out := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		out[i] = c.Name
	}
	return out
}

// Keys are the names of the columns of the primary key.
func (r Relation) Keys() []string { return r.Names()[:r.Key] }

// Of returns some columns by name.
func (r Relation) Of(names []string) []Column {
	out := make([]Column, len(names))
	for i, name := range names {
		out[i] = r.Columns[slices.IndexFunc(r.Columns, func(c Column) bool { return c.Name == name })]
	}
	return out
}

// List spells a list of columns for a statement, with join between them.
func List(columns []Column, join string, spell func(i int, c Column) string) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = spell(i, c)
	}
	return strings.Join(parts, join)
}

// Split is for engines that keep a name in two columns, its schema before it: the columns
// as they are there, all of them of other kinds than Name.
func Split(columns []Column) []Column {
	out := make([]Column, 0, len(columns)+2)
	for _, c := range columns {
		switch {
		case c.Kind != Name:
			out = append(out, c)
		case c.Name == ColName:
			out = append(out, Column{"schema", Text}, Column{ColName, Text})
		default:
			out = append(out, Column{c.Name + "_schema", Text}, Column{c.Name + "_name", Text})
		}
	}
	return out
}

// SplitRow are the values for the columns of Split.
func SplitRow(row []any) []any {
	out := make([]any, 0, len(row)+2)
	for _, v := range row {
		if n, ok := v.(catalog.Name); ok {
			out = append(out, n.Schema, n.Name)
		} else {
			out = append(out, v)
		}
	}
	return out
}

// SplitAt says where each column begins among those of Split.
func SplitAt(columns []Column) []int {
	out, at := make([]int, len(columns)), 0
	for i, c := range columns {
		out[i] = at
		if at++; c.Kind == Name {
			at++
		}
	}
	return out
}
