package hana

import (
	"fmt"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// Limits of HANA's types (SQL reference, Data Types; System Limitations).
const (
	maxVarchar      = 5000 // NVARCHAR and VARBINARY
	maxPrecision    = 38   // DECIMAL(p,s)
	floatingDigits  = 34   // DECIMAL without a precision
	timestampDigits = 7    // 100 ns
	maxLOB          = 4_294_967_295
	maxKeyColumns   = 16 // of an index or a UNIQUE constraint
)

// declared spells a neutral type that this target holds as it is; empty for any other.
func declared(t catalog.Type) string {
	switch t.Kind {
	case catalog.Bool:
		return "BOOLEAN"
	case catalog.Int16:
		return "SMALLINT"
	case catalog.Int32:
		return "INTEGER"
	case catalog.Int64:
		return "BIGINT"
	case catalog.Float32:
		return "REAL"
	case catalog.Float64:
		return "DOUBLE"
	case catalog.Decimal:
		if t.Precision <= maxPrecision {
			return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
		}
	case catalog.Number:
		return "DECIMAL"
	case catalog.String:
		if t.Length > 0 && t.Length <= maxVarchar {
			return fmt.Sprintf("NVARCHAR(%d)", t.Length)
		}
	case catalog.Binary:
		if t.Length > 0 && t.Length <= maxVarchar {
			return fmt.Sprintf("VARBINARY(%d)", t.Length)
		}
	case catalog.Text:
		return "NCLOB"
	case catalog.Blob:
		return "BLOB"
	case catalog.Date:
		return "DATE"
	case catalog.Timestamp:
		if t.Precision == 0 {
			return "SECONDDATE"
		}
		return "TIMESTAMP"
	case catalog.Timestamp9:
		return "TIMESTAMP"
	}
	return ""
}

// neutral reads a column of SYS.TABLE_COLUMNS. A TIMESTAMP is read in seven digits where nothing
// says that six suffice.
func neutral(dataType string, length, scale int, hasScale bool) catalog.Type {
	switch dataType {
	case "BOOLEAN":
		return catalog.Type{Kind: catalog.Bool}
	case "TINYINT", "SMALLINT":
		return catalog.Type{Kind: catalog.Int16}
	case "INTEGER":
		return catalog.Type{Kind: catalog.Int32}
	case "BIGINT":
		return catalog.Type{Kind: catalog.Int64}
	case "REAL":
		return catalog.Type{Kind: catalog.Float32}
	case "DOUBLE":
		return catalog.Type{Kind: catalog.Float64}
	case "DECIMAL":
		if hasScale {
			return catalog.Type{Kind: catalog.Decimal, Precision: length, Scale: scale}
		}
		return catalog.Type{Kind: catalog.Number}
	case "SMALLDECIMAL":
		return catalog.Type{Kind: catalog.Number}
	case "NVARCHAR", "VARCHAR", "NCHAR", "CHAR", "SHORTTEXT", "ALPHANUM":
		return catalog.Type{Kind: catalog.String, Length: length}
	case "VARBINARY", "BINARY":
		return catalog.Type{Kind: catalog.Binary, Length: length}
	case "NCLOB", "TEXT", "CLOB":
		return catalog.Type{Kind: catalog.Text}
	case "BLOB":
		return catalog.Type{Kind: catalog.Blob}
	case "DATE":
		return catalog.Type{Kind: catalog.Date}
	case "TIME":
		return catalog.Type{Kind: catalog.Time}
	case "SECONDDATE":
		return catalog.Type{Kind: catalog.Timestamp}
	case "TIMESTAMP":
		return catalog.Type{Kind: catalog.Timestamp9, Precision: timestampDigits}
	}
	return catalog.Type{Kind: catalog.Refused, Engine: engine, Name: dataType}
}

// spelled prints a column's type as the catalog has it, in the form of declared.
func spelled(dataType string, length, scale int, hasScale bool) string {
	switch dataType {
	case "DECIMAL":
		if hasScale {
			return fmt.Sprintf("DECIMAL(%d,%d)", length, scale)
		}
	case "NVARCHAR", "VARCHAR", "NCHAR", "CHAR", "SHORTTEXT", "ALPHANUM", "VARBINARY", "BINARY":
		return fmt.Sprintf("%s(%d)", dataType, length)
	}
	return dataType
}

// bounds say which values of another engine a column does not take.
func bounds(t catalog.Type) catalog.Bounds {
	switch t.Kind {
	case catalog.String, catalog.Text:
		return catalog.Bounds{UTF16: true}
	case catalog.Float32, catalog.Float64:
		// No NaN, no infinities, and -0.0 is stored as 0 (SQL reference, Numeric Data Types).
		return catalog.Bounds{NoNaN: true, NoInfinity: true, NoNegativeZero: true}
	case catalog.Number:
		return catalog.Bounds{NoNaN: true, NoInfinity: true, Digits: floatingDigits}
	case catalog.Date, catalog.Timestamp, catalog.Timestamp9:
		// The calendar is Julian before 1582-10-15, so that the ten days in between do not
		// exist (go-hdb, julian.go; assumed of the server, too).
		return catalog.Bounds{NoInfinity: true, MinYear: 1, MaxYear: 9999, JulianGap: true}
	}
	return catalog.Bounds{}
}

func isLOB(t catalog.Type) bool { return t.Kind == catalog.Text || t.Kind == catalog.Blob }
