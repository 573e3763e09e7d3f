// Package structure compares the table that was asked for with the one that is there.
//
// Compare and its siblings are pure: want is what a target's driver made of a source's
// table, have is what the target's own catalog says. They return what differs, one
// Difference a part, in the words of the target's catalog. Expressions, which servers
// respell, are compared in the normal form of catalog.Comparison.
package structure

import (
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// Kinds of a Difference.
const (
	Missing   = "missing"   // wanted, and not there
	Different = "different" // there, and not as it is wanted
	Extra     = "extra"     // not wanted, and it refuses or changes rows
)

// Parts of a table, as Difference.Part names them.
const (
	Table         = "table"
	Column        = "column"
	ColumnType    = "type of column"
	Nullability   = "nullability of column"
	Default       = "default of column"
	Generation    = "expression of column"
	Identity      = "identity of column"
	Collation     = "collation of column"
	PrimaryKey    = "primary key"
	UniqueKey     = "unique key"
	UniqueIndex   = "unique index"
	Index         = "index"
	ForeignKey    = "foreign key"
	Check         = "check"
	PartitionKey  = "partition key"
	Partition     = "partition"
	TableOptions  = "options"
	UserType      = "type"
	FreeSequence  = "sequence"
	SequencePlace = "position of sequence"
)

// Difference is one part of the target that is not what was asked for.
type Difference struct {
	Table  catalog.Name `json:"table,omitzero"` // on the target; zero for types and free sequences
	Part   string       `json:"part"`
	Name   string       `json:"name,omitempty"` // of the part; empty where it has none
	Kind   string       `json:"kind"`
	Wanted string       `json:"wanted,omitempty"`
	Found  string       `json:"found,omitempty"`
}

// Options say how two tables are compared.
type Options struct {
	// Same: both tables are in the words of one engine, so that definitions are compared.
	// Otherwise only what any engine can say is.
	Same bool
	// IgnoreCase: the target compares names without case.
	IgnoreCase bool
	// Foreign: somebody else made the table, and what is wanted goes into it. What it has
	// besides stays, what it leaves out of defaults and checks is its owner's decision,
	// and types only have to take and return the same values.
	Foreign bool
}

// Made says whether applying again makes what is missing: keys, indexes, foreign keys,
// a table that is gone, a sequence that stands behind. Anything else has to be set by hand,
// or the table to be made again.
func (d Difference) Made() bool {
	switch d.Part {
	case SequencePlace:
		return true
	case Table, PrimaryKey, UniqueKey, UniqueIndex, Index, ForeignKey, FreeSequence:
		return d.Kind == Missing
	}
	return false
}

// String says what is wrong, without the table: "index orders_day is missing, expected ...".
func (d Difference) String() string {
	part := d.Part
	if d.Name != "" {
		part += " " + d.Name
	}
	switch d.Kind {
	case Missing:
		part += " is missing"
		if d.Found != "" {
			part += " (" + d.Found + ")"
		}
		if d.Wanted != "" {
			part += ", expected " + d.Wanted
		}
		return part
	case Extra:
		part += " is unexpected"
		if d.Found != "" {
			part += ": " + d.Found
		}
		return part
	}
	return fmt.Sprintf("%s is %s, expected %s", part, orNone(d.Found), orNone(d.Wanted))
}

// listed bounds how many differences one line names.
const listed = 5

// Summary prints differences in one line, bounded.
func Summary(ds []Difference) string {
	parts := make([]string, 0, listed+1)
	for i, d := range ds {
		if i == listed {
			parts = append(parts, fmt.Sprintf("and %d more", len(ds)-i))
			break
		}
		parts = append(parts, d.String())
	}
	return strings.Join(parts, "; ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// Compare says how have differs from want. A nil have is a table that is not there.
func Compare(want, have *catalog.Table, how Options) []Difference {
	if have == nil {
		return []Difference{{Table: want.Name, Part: Table, Kind: Missing}}
	}
	c := newComparison(want, have, how)
	c.columns()
	c.keys()
	c.indexes()
	c.foreignKeys()
	c.checks()
	c.partitions()
	return c.out
}

// comparison collects the differences of one table.
type comparison struct {
	catalog.Comparison
	want, have *catalog.Table
	how        Options
	out        []Difference
}

func newComparison(want, have *catalog.Table, how Options) *comparison {
	return &comparison{Comparison: catalog.Comparison{IgnoreCase: how.IgnoreCase}, want: want, have: have, how: how}
}

func (c *comparison) missing(part, name, wanted, found string) {
	c.out = append(c.out, Difference{Table: c.want.Name, Part: part, Name: name, Kind: Missing, Wanted: wanted, Found: found})
}

func (c *comparison) differs(part, name, wanted, found string) {
	c.out = append(c.out, Difference{Table: c.want.Name, Part: part, Name: name, Kind: Different, Wanted: wanted, Found: found})
}

func (c *comparison) extra(part, name, found string) {
	c.out = append(c.out, Difference{Table: c.want.Name, Part: part, Name: name, Kind: Extra, Found: found})
}

// either reports two texts that differ and of which one may be missing.
func (c *comparison) either(part, name, wanted, found string) {
	switch {
	case found == "":
		c.missing(part, name, wanted, "")
	case wanted == "":
		c.extra(part, name, found)
	default:
		c.differs(part, name, wanted, found)
	}
}

// mismatch says why something of that kind and name is there and does not hold, in the words
// of the catalog: an index that is not valid, a constraint that is NOT VALID.
func (c *comparison) mismatch(kind, name string) string {
	for _, o := range c.have.NotMigrated {
		if o.Kind == kind && name != "" && c.SameName(o.Name, name) {
			return o.Reason
		}
	}
	return ""
}
