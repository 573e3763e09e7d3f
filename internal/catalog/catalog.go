package catalog

import (
	"cmp"
	"strings"
)

// Name is a table's name in one database. It is compared bytewise.
type Name struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
}

// String prints SCHEMA.NAME without quotes, for people; engines quote by themselves.
func (n Name) String() string {
	if n.Schema == "" {
		return n.Name
	}
	return n.Schema + "." + n.Name
}

// Compare orders names by schema, then name, bytewise.
func (n Name) Compare(o Name) int {
	return cmp.Or(strings.Compare(n.Schema, o.Schema), strings.Compare(n.Name, o.Name))
}

// Catalog is what one database said about itself at one moment.
type Catalog struct {
	Engine    string     `json:"engine"`   // driver type, e.g. "postgres"
	Version   string     `json:"version"`  // the server's own words
	Identity  string     `json:"identity"` // what plans and generations are bound to
	Schema    string     `json:"schema"`   // the schema that unqualified names mean
	Tables    []*Table   `json:"tables"`   // by name
	Types     []UserType `json:"types,omitempty"`
	Sequences []Sequence `json:"sequences,omitempty"` // those no column owns
	// NotMigrated are objects that exist and are not migrated: views, triggers, functions, grants.
	NotMigrated []Object `json:"not_migrated,omitempty"`
	// Names are those that the tables above do not take, where they were asked for.
	Names []Named `json:"names,omitempty"`
}

// Table is one base table. A partitioned table is one Table with Partitions.
type Table struct {
	Name
	Columns     []Column     `json:"columns"`
	Key         *Key         `json:"key,omitempty"`     // primary key; else the best unique key over NOT NULL columns
	Uniques     []Key        `json:"uniques,omitempty"` // unique constraints other than Key
	Indexes     []Index      `json:"indexes,omitempty"` // secondary indexes that no constraint owns
	ForeignKeys []ForeignKey `json:"foreign_keys,omitempty"`
	Checks      []Check      `json:"checks,omitempty"`
	PartitionBy string       `json:"partition_by,omitempty"` // engine's own clause, e.g. "RANGE (day)"
	Partitions  []Partition  `json:"partitions,omitempty"`   // parents before children
	// Children are the tables that inherit from this one, however deep: a query of this table
	// shows their rows, too. Rows of each belong to itself only. Partitions are none.
	Children []Child `json:"children,omitempty"`
	Options  string  `json:"options,omitempty"` // engine's own table options, e.g. "WITHOUT ROWID"
	Comment  string  `json:"comment,omitempty"`
	// Definition is the engine's own CREATE TABLE, for the same engine. It is never
	// part of a structure digest: what it says is in the fields above.
	Definition string `json:"definition,omitempty"`
	// Code lists the parts of a source's table whose expressions are more than plain ones:
	// made again elsewhere they would run what somebody on the source chose.
	Code []Code `json:"code,omitempty"`
	// What follows changes from day to day and is never part of a structure digest.
	Rows  int64  `json:"rows"`           // estimate; -1 unknown
	Bytes int64  `json:"bytes"`          // estimate, large objects included; -1 unknown
	File  string `json:"file,omitempty"` // identity of the stored rows; another one means rewritten
	// NotMigrated are parts of the table that are not migrated: triggers, rules, policies.
	// What is the whole table's, such as its grants, has no name of its own.
	NotMigrated []Object `json:"not_migrated,omitempty"`
	// Pending are foreign keys that do not hold for all rows: those that are NOT VALID, and
	// those that a run has dropped until its rows are loaded. They are not migrated.
	Pending []ForeignKey `json:"pending,omitempty"`
	// Dependents are objects that would go where the table is dropped, on request only. ID comes
	// with them: the engine's own identity of the table, as ledger.Object has it.
	Dependents []Dependent `json:"dependents,omitempty"`
	ID         string      `json:"id,omitempty"`
}

// Dependent is an object that depends on a table and is not part of it.
type Dependent struct {
	Kind string `json:"kind"` // "view", "foreign key", "rule", "function", ...
	Name string `json:"name"` // empty for what is a relation itself, such as a view
	// Table is the relation that it is, or that it is a part of; zero for what stands alone.
	Table Name `json:"table,omitzero"`
}

// String prints the kind and where it is: "view S.V", "foreign key F of S.T".
func (d Dependent) String() string {
	switch {
	case d.Table == (Name{}):
		return d.Kind + " " + d.Name
	case d.Name == "":
		return d.Kind + " " + d.Table.String()
	}
	return d.Kind + " " + d.Name + " of " + d.Table.String()
}

// Kinds of parts that hold expressions, as Code.Kind has them.
const (
	CodeDefault   = "default"
	CodeGenerated = "generated column"
	CodeCheck     = "check"
	CodeIndex     = "index" // an exclusion constraint, too
	CodePartition = "partition key"
)

// Code is an expression that is not made of the engine's own immutable functions and
// operators alone, nor of those that are known to be harmless.
type Code struct {
	Kind string   `json:"kind"`
	Name string   `json:"name"` // of column, check or index
	Uses []string `json:"uses"` // what is not plain in it, in the engine's words
}

// Identity says how a column gets its numbers.
type Identity string

// How a column gets them.
const (
	IdentityAlways        Identity = "always"  // a value that is given is refused
	IdentityDefault       Identity = "default" // where none is given
	IdentityAutoincrement Identity = "autoincrement"
)

// Column is one column of a Table.
type Column struct {
	Name     string `json:"name"`
	Type     Type   `json:"type"`     // neutral
	Declared string `json:"declared"` // the engine's own spelling, e.g. "character varying(40)"
	Nullable bool   `json:"nullable,omitempty"`
	Default  string `json:"default,omitempty"` // expression in the engine's dialect
	// Generated is the expression of a generated column. Such a column is created, never copied.
	Generated string    `json:"generated,omitempty"`
	Virtual   bool      `json:"virtual,omitempty"`  // Generated, and not stored
	Identity  Identity  `json:"identity,omitempty"` // "" is none
	Sequence  *Sequence `json:"sequence,omitempty"` // behind Identity or a serial default
	Collation string    `json:"collation,omitempty"`
	UserType  *Name     `json:"user_type,omitempty"` // the enum or domain that Declared names
	Bounds    Bounds    `json:"bounds,omitzero"`     // of a target's column: values it cannot hold
	// Conversion is what Type does not keep of a source's column, a sentence; plans towards another
	// engine list it. It is not part of a structure digest.
	Conversion string `json:"conversion,omitempty"`
	// Loose is true where the engine keeps values that are longer than Type.Length.
	Loose bool `json:"loose,omitempty"`
}

// Copied says whether rows carry the column.
func (c Column) Copied() bool { return c.Generated == "" }

// Key is a primary key or unique constraint.
type Key struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Primary bool     `json:"primary,omitempty"`
	// Index is true where the key is a unique index, not a constraint.
	Index      bool   `json:"index,omitempty"`
	Definition string `json:"definition,omitempty"` // engine's own DDL tail, for the same engine
}

// Index is a secondary index.
type Index struct {
	Name       string        `json:"name"`
	Columns    []IndexColumn `json:"columns,omitempty"` // empty where it is over expressions
	Unique     bool          `json:"unique,omitempty"`
	Definition string        `json:"definition"` // engine's own CREATE INDEX; the only form for Special
	// Special is true where other engines cannot express it: expressions, predicates, access methods.
	Special bool `json:"special,omitempty"`
}

// IndexColumn is one column of an Index.
type IndexColumn struct {
	Name string `json:"name"`
	Desc bool   `json:"desc,omitempty"`
}

// ForeignKey is a reference to another table.
type ForeignKey struct {
	Name       string   `json:"name"`
	Columns    []string `json:"columns"`
	Table      Name     `json:"table"`
	References []string `json:"references"`
	OnDelete   string   `json:"on_delete,omitempty"` // "", "CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT"
	OnUpdate   string   `json:"on_update,omitempty"`
	Deferrable string   `json:"deferrable,omitempty"` // "", "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"
	Definition string   `json:"definition,omitempty"` // engine's own DDL tail
	NotValid   bool     `json:"not_valid,omitempty"`  // rows from before it may break it
	Dropped    bool     `json:"dropped,omitempty"`    // by a run, until its rows are loaded
	// Disabled: the server does not check it at the moment. No part of a structure digest.
	Disabled bool `json:"disabled,omitempty"`
}

// Check is a check constraint, in the dialect of its engine.
type Check struct {
	Name       string `json:"name"`
	Expression string `json:"expression"`
}

// Partition is one child of a partitioned table.
type Partition struct {
	Name
	Parent      Name   `json:"parent"`
	Bound       string `json:"bound"`                  // engine's own clause, e.g. "FOR VALUES FROM (1) TO (9)"
	PartitionBy string `json:"partition_by,omitempty"` // set where it is partitioned again; a leaf has none
	Rows        int64  `json:"rows"`
	Bytes       int64  `json:"bytes"`
	File        string `json:"file,omitempty"`
}

// Child is a table that inherits from another one.
type Child struct {
	Name
	// Foreign: its rows are stored elsewhere, and it is not a table of the catalog.
	Foreign bool `json:"foreign,omitempty"`
}

// String prints the name, and what is special about it.
func (c Child) String() string {
	if c.Foreign {
		return c.Name.String() + " (a foreign table)"
	}
	return c.Name.String()
}

// Leaf says whether the partition holds rows.
func (p Partition) Leaf() bool { return p.PartitionBy == "" }

// UserType is an enum or a domain that columns use.
type UserType struct {
	Name
	Kind       string   `json:"kind"` // "enum" or "domain"
	Labels     []string `json:"labels,omitempty"`
	Definition string   `json:"definition,omitempty"` // engine's own DDL, for the same engine
	// Code is what Definition holds of expressions that are code, Plain is Definition without them.
	Code  []Code `json:"code,omitempty"`
	Plain string `json:"plain,omitempty"`
}

// Sequence is a generator of numbers.
type Sequence struct {
	Name
	Increment int64  `json:"increment"`
	Start     int64  `json:"start"`
	Min       int64  `json:"min"`
	Max       int64  `json:"max"`
	Cycle     bool   `json:"cycle,omitempty"`
	Cache     int64  `json:"cache,omitempty"`
	DataType  string `json:"data_type,omitempty"`
	// Last is the last value handed out or, where nothing was (not Called), the first that
	// will be; 0 is unknown then. Never part of a structure digest.
	Last   int64 `json:"last"`
	Called bool  `json:"called,omitempty"`
}

// Object is something named in plan and report because it is not migrated.
type Object struct {
	Kind   string `json:"kind"` // "view", "trigger", "function", ...
	Name   string `json:"name"`
	Reason string `json:"reason,omitempty"`
}

// DrawnSequence is the kind of a table's NotMigrated that names a sequence which a default draws
// from. It is not migrated with the table; whether it travels at all is for who reads all schemas to say.
const DrawnSequence = "sequence"

// Column returns the column of that name, or nil.
func (t *Table) Column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// CopiedColumns returns the columns that rows carry, in order.
func (t *Table) CopiedColumns() []Column {
	out := make([]Column, 0, len(t.Columns))
	for _, c := range t.Columns {
		if c.Copied() {
			out = append(out, c)
		}
	}
	return out
}

// Find returns the table of that name, or nil. Tables are sorted by name.
func (c *Catalog) Find(n Name) *Table {
	for _, t := range c.Tables {
		if t.Name == n {
			return t
		}
	}
	return nil
}

// Becomes returns the sequence that becomes the target's of that name, or nil: it has the same
// schema, or is one of the catalog's own.
func (c *Catalog) Becomes(target Name) *Sequence {
	var found *Sequence
	for i, s := range c.Sequences {
		if s.Name == target || found == nil && s.Name == (Name{Schema: c.Schema, Name: target.Name}) {
			found = &c.Sequences[i]
		}
	}
	return found
}
