package oracle

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// maxDecimal is the digits of Arrow's widest decimal.
const maxDecimal = 76

// rawColumn is a column as ALL_TAB_COLS describes it.
type rawColumn struct {
	dataType, owner string // owner of an object type
	length          int64  // bytes
	precision       *int64 // nil is NULL
	scale           *int64
	chars           int64
	charUsed        string // "B", "C" or ""
}

// declared spells the type as CREATE TABLE has it.
func (c rawColumn) declared() string {
	unit := map[string]string{"B": " BYTE", "C": " CHAR"}[c.charUsed]
	switch c.dataType {
	case "VARCHAR2", "CHAR":
		return fmt.Sprintf("%s(%d%s)", c.dataType, c.chars, unit)
	case "NVARCHAR2", "NCHAR":
		return fmt.Sprintf("%s(%d)", c.dataType, c.chars)
	case "RAW", "UROWID":
		return fmt.Sprintf("%s(%d)", c.dataType, c.length)
	case "NUMBER":
		switch {
		case c.precision == nil && c.scale == nil:
			return "NUMBER"
		case c.precision == nil:
			return fmt.Sprintf("NUMBER(*,%d)", *c.scale)
		case c.scale == nil || *c.scale == 0:
			return fmt.Sprintf("NUMBER(%d)", *c.precision)
		}
		return fmt.Sprintf("NUMBER(%d,%d)", *c.precision, *c.scale)
	case "FLOAT":
		if c.precision != nil {
			return fmt.Sprintf("FLOAT(%d)", *c.precision)
		}
	}
	if c.owner != "" && c.owner != "SYS" && c.owner != "PUBLIC" {
		return c.owner + "." + c.dataType
	}
	return c.dataType
}

// neutral returns what a value of the type is on its way. What cannot be handed out is Refused.
func (c rawColumn) neutral() catalog.Type {
	if c.owner != "" && c.dataType != "XMLTYPE" || c.dataType == "XMLTYPE" && c.declared() != c.dataType {
		return catalog.Type{Kind: catalog.Refused, Name: c.declared()}
	}
	simple := map[string]catalog.Kind{
		"FLOAT": catalog.Number, "BINARY_FLOAT": catalog.Float32, "BINARY_DOUBLE": catalog.Float64,
		"CLOB": catalog.Text, "NCLOB": catalog.Text, "LONG": catalog.Text, "XMLTYPE": catalog.Text,
		"BLOB": catalog.Blob, "LONG RAW": catalog.Blob, "JSON": catalog.JSON,
	}
	if k, ok := simple[c.dataType]; ok {
		return catalog.Type{Kind: k}
	}
	switch c.dataType {
	case "NUMBER":
		return c.number()
	case "VARCHAR2", "NVARCHAR2":
		return catalog.Type{Kind: catalog.String, Length: int(c.chars)}
	case "CHAR", "NCHAR":
		return c.char()
	case "RAW":
		return catalog.Type{Kind: catalog.Binary, Length: int(c.length)}
	case "DATE":
		return catalog.Type{Kind: catalog.Timestamp}
	case "ROWID":
		return catalog.Type{Kind: catalog.String, Length: 18}
	case "UROWID":
		return catalog.Type{Kind: catalog.String, Length: 4000}
	}
	if digits, zone, ok := timestamp(c.dataType); ok {
		switch {
		case zone != "":
			return catalog.Type{Kind: catalog.TimestampTZ, Precision: min(digits, 6)}
		case digits > 6:
			return catalog.Type{Kind: catalog.Timestamp9, Precision: digits}
		}
		return catalog.Type{Kind: catalog.Timestamp, Precision: digits}
	}
	if strings.HasPrefix(c.dataType, "INTERVAL ") {
		return catalog.Type{Kind: catalog.String, Length: intervalLength}
	}
	return catalog.Type{Kind: catalog.Refused, Name: c.declared()}
}

// conversion says what the neutral type does not keep.
func (c rawColumn) conversion() string {
	switch {
	case c.dataType == "ROWID" || c.dataType == "UROWID":
		return "Its values are copied as text and have no meaning on the target, where rows have different addresses."
	case strings.HasPrefix(c.dataType, "INTERVAL "):
		return "Its values become ISO 8601 text, e.g. P2Y3M: the target cannot calculate with them."
	}
	return ""
}

// number maps the forms of NUMBER. Without precision and scale it is a floating decimal.
func (c rawColumn) number() catalog.Type {
	if c.precision == nil && c.scale == nil {
		return catalog.Type{Kind: catalog.Number}
	}
	precision, scale := int64(38), int64(0) // INTEGER, NUMBER(*,s)
	if c.precision != nil {
		precision = *c.precision
	}
	if c.scale != nil {
		scale = *c.scale
	}
	switch {
	case scale < 0: // digits before the point that are always zero
		precision, scale = precision-scale, 0
	case scale > precision: // digits behind the point that are always zero
		precision = scale
	}
	if precision > maxDecimal {
		return catalog.Type{Kind: catalog.Number}
	}
	return catalog.Type{Kind: catalog.Decimal, Precision: int(precision), Scale: int(scale)}
}

// char maps CHAR and NCHAR. Only where every value is padded to as many characters as are
// declared is it one: CHAR(n BYTE) is padded to n bytes, and no CHAR beyond 2,000 bytes, so that
// one of many characters may hold fewer. Such a column keeps its blanks as a String.
func (c rawColumn) char() catalog.Type {
	const alwaysFit = 500 // characters of four bytes in 2,000
	kind := catalog.String
	if c.dataType == "NCHAR" || c.chars == 1 || c.charUsed == "C" && c.chars <= alwaysFit {
		kind = catalog.Char
	}
	return catalog.Type{Kind: kind, Length: int(c.chars)}
}

// timestamp reads "TIMESTAMP(6) WITH LOCAL TIME ZONE" and its like.
func timestamp(dataType string) (digits int, zone string, ok bool) {
	rest, ok := strings.CutPrefix(dataType, "TIMESTAMP(")
	if !ok {
		return 0, "", false
	}
	number, rest, ok := strings.Cut(rest, ")")
	digits, err := strconv.Atoi(number)
	if !ok || err != nil {
		return 0, "", false
	}
	switch zone = strings.TrimSpace(rest); zone {
	case "", "WITH TIME ZONE", "WITH LOCAL TIME ZONE":
		return digits, zone, true
	}
	return 0, "", false
}

// shape is how a column is selected, by the spelling that the catalog declares.
type shape string

const (
	plain    shape = "" // as the driver decodes it
	zoned    shape = "zoned"
	local    shape = "local"
	interval shape = "interval"
	rowid    shape = "rowid"
	urowid   shape = "urowid"
	textLOB  shape = "clob"
	dataLOB  shape = "blob"
	xml      shape = "xml"
	json     shape = "json"
	long     shape = "long" // of text or bytes
)

// shapeOf reads a column's declared type.
func shapeOf(declared string) shape {
	switch declared {
	case "CLOB", "NCLOB":
		return textLOB
	case "BLOB":
		return dataLOB
	case "XMLTYPE":
		return xml
	case "JSON":
		return json
	case "LONG", "LONG RAW":
		return long
	case "ROWID":
		return rowid
	}
	if _, zone, ok := timestamp(declared); ok && zone != "" {
		if zone == "WITH TIME ZONE" {
			return zoned
		}
		return local
	}
	switch {
	case strings.HasPrefix(declared, "INTERVAL "):
		return interval
	case strings.HasPrefix(declared, "UROWID"):
		return urowid
	}
	return plain
}
