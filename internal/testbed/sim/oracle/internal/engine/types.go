// Package engine is a database in memory that understands a part of Oracle's SQL.
//
// Open gives a DB; DB.Login a Session, whose Prepare parses a statement and whose Statement runs it.
// Rows lie in blocks of segments, so that they have ROWIDs; each row keeps its older versions, so that
// a query sees its snapshot. Values are stored as they are sent (package value). What the database
// does not know, or would refuse, is an *ora.Error.
//
// A DB is safe for concurrent use; a Session and what it gives belong to one goroutine.
package engine

import (
	"fmt"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
)

// Kind is a data type without its length.
type Kind uint8

// Kinds. Null is the type of the literal NULL.
const (
	Null Kind = iota
	Varchar
	Char
	NVarchar
	NChar
	Number
	Date
	Timestamp
	TimestampTZ
	TimestampLTZ
	IntervalYM
	IntervalDS
	Raw
	BinaryFloat
	BinaryDouble
	Clob
	NClob
	Blob
	Long
	LongRaw
	RowID
	URowID
	XML
	JSON
	BFile
	Object
)

// Type is a data type. Which fields count depends on Kind.
type Type struct {
	Kind      Kind
	Length    int  // bytes, of what has a length
	Chars     int  // characters, of text
	ByChar    bool // the length was given in characters
	Precision int  // of numbers, digits or, of FLOAT, bits; of intervals the leading field's
	Scale     int  // of numbers; of timestamps and intervals digits of the fraction
	HasPrec   bool // NUMBER(p...)
	HasScale  bool // NUMBER(...,s)
	Float     bool // FLOAT
	Owner     string
	Name      string // of an object type
}

func (t Type) text() bool { return t.Kind >= Varchar && t.Kind <= NChar }

func (t Type) national() bool {
	return t.Kind == NVarchar || t.Kind == NChar || t.Kind == NClob
}

func (t Type) datetime() bool { return t.Kind >= Date && t.Kind <= TimestampLTZ }

func (t Type) lob() bool { return t.Kind == Clob || t.Kind == NClob || t.Kind == Blob }

func (t Type) numeric() bool {
	return t.Kind == Number || t.Kind == BinaryFloat || t.Kind == BinaryDouble
}

func (t Type) long() bool { return t.Kind == Long || t.Kind == LongRaw }

// DataType is the text of DATA_TYPE in ALL_TAB_COLUMNS.
func (t Type) DataType() string {
	switch t.Kind {
	case Number:
		if t.Float {
			return "FLOAT"
		}
	case Timestamp:
		return fmt.Sprintf("TIMESTAMP(%d)", t.Scale)
	case TimestampTZ:
		return fmt.Sprintf("TIMESTAMP(%d) WITH TIME ZONE", t.Scale)
	case TimestampLTZ:
		return fmt.Sprintf("TIMESTAMP(%d) WITH LOCAL TIME ZONE", t.Scale)
	case IntervalYM:
		return fmt.Sprintf("INTERVAL YEAR(%d) TO MONTH", t.Precision)
	case IntervalDS:
		return fmt.Sprintf("INTERVAL DAY(%d) TO SECOND(%d)", t.Precision, t.Scale)
	case Object:
		return t.Name
	}
	return t.Kind.String()
}

func (k Kind) String() string {
	names := [...]string{Null: "NULL", Varchar: "VARCHAR2", Char: "CHAR", NVarchar: "NVARCHAR2", NChar: "NCHAR",
		Number: "NUMBER", Date: "DATE", Timestamp: "TIMESTAMP", TimestampTZ: "TIMESTAMP WITH TIME ZONE",
		TimestampLTZ: "TIMESTAMP WITH LOCAL TIME ZONE", IntervalYM: "INTERVAL YEAR TO MONTH",
		IntervalDS: "INTERVAL DAY TO SECOND", Raw: "RAW", BinaryFloat: "BINARY_FLOAT", BinaryDouble: "BINARY_DOUBLE",
		Clob: "CLOB", NClob: "NCLOB", Blob: "BLOB", Long: "LONG", LongRaw: "LONG RAW", RowID: "ROWID",
		URowID: "UROWID", XML: "XMLTYPE", JSON: "JSON", BFile: "BFILE", Object: "OBJECT"}
	return names[k]
}

// dataLength is DATA_LENGTH of ALL_TAB_COLUMNS.
func (t Type) dataLength() int {
	switch t.Kind {
	case Number:
		return 22
	case Date:
		return 7
	case Timestamp, TimestampLTZ, IntervalDS:
		return 11
	case TimestampTZ:
		return 13
	case IntervalYM:
		return 5
	case BinaryFloat:
		return 4
	case BinaryDouble:
		return 8
	case Clob, NClob, Blob:
		return 4000
	case XML:
		return 2000
	case JSON:
		return 8200
	case RowID:
		return 10
	case BFile:
		return 530
	case Long, LongRaw:
		return 0
	case Object:
		return 1
	}
	return t.Length
}

// charset is how text of the type is stored in a database.
func (t Type) charset(db value.Charset) value.Charset {
	if t.national() {
		return value.UTF16
	}
	return db
}

func varchar(n int) Type { return Type{Kind: Varchar, Length: n, Chars: n} }

func number() Type { return Type{Kind: Number} }
