// Package catalog describes tables as databases hold them.
//
// A Catalog is plain data: providers fill it, the planner compares two of them,
// the executor hands its tables back to providers. Nothing here does I/O.
package catalog

import "fmt"

// Kind names a neutral type: what a value is while it travels between two databases.
type Kind string

// The neutral kinds. internal/batch maps each to one Arrow type.
const (
	Bool        Kind = "bool"
	Int16       Kind = "int16"
	Int32       Kind = "int32"
	Int64       Kind = "int64"
	Float32     Kind = "float32"
	Float64     Kind = "float64"
	Decimal     Kind = "decimal"     // exact, Precision 1..76, 0 <= Scale <= Precision
	Number      Kind = "number"      // floating decimal of any precision, canonical text (dmo.number)
	String      Kind = "string"      // UTF-8 of at most Length characters; Length 0 is unbounded
	Char        Kind = "char"        // UTF-8 padded with blanks to Length characters by the engine
	Text        Kind = "text"        // UTF-8 large object
	Binary      Kind = "binary"      // at most Length bytes; Length 0 is unbounded
	Blob        Kind = "blob"        // binary large object
	Date        Kind = "date"        // proleptic Gregorian civil day
	Time        Kind = "time"        // time of day without zone, Precision 0..6
	Timestamp   Kind = "timestamp"   // civil date and time without zone, Precision 0..6
	TimestampTZ Kind = "timestamptz" // UTC instant, Precision 0..6
	Timestamp9  Kind = "timestamp9"  // civil date and time, Precision 7..9 (dmo.timestamp9)
	UUID        Kind = "uuid"
	JSON        Kind = "json"    // UTF-8 text of a JSON document, bytes kept as they are
	Native      Kind = "native"  // the bytes of one engine's own form (dmo.native); never between engines
	Refused     Kind = "refused" // the source cannot hand it out at all; Name says what it is
)

// Type is a neutral type with its parameters. The zero Type is invalid.
type Type struct {
	Kind Kind `json:"kind"`
	// Length is in characters for String and Char, in bytes for Binary; 0 is unbounded.
	Length int `json:"length,omitempty"`
	// Precision is in decimal digits for Decimal, in fractional digits of a second for times.
	Precision int `json:"precision,omitempty"`
	Scale     int `json:"scale,omitempty"`
	// Engine and Name say whose form a Native type has and what that engine calls it.
	// Name is also what messages call a Refused type.
	Engine string `json:"engine,omitempty"`
	Name   string `json:"name,omitempty"`
}

// String prints a type the way plans and messages do, e.g. "decimal(15,2)".
func (t Type) String() string {
	switch t.Kind {
	case Decimal:
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	case String, Char, Binary:
		if t.Length > 0 {
			return fmt.Sprintf("%s(%d)", t.Kind, t.Length)
		}
	case Time, Timestamp, TimestampTZ, Timestamp9:
		return fmt.Sprintf("%s(%d)", t.Kind, t.Precision)
	case Native, Refused:
		return t.Name
	}
	return string(t.Kind)
}
