package hana

import (
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// Type codes on the wire (go-hdb, driver/internal/protocol/typecode.go).
const (
	codeTinyint    = 0x01
	codeSmallint   = 0x02
	codeInteger    = 0x03
	codeBigint     = 0x04
	codeDecimal    = 0x05
	codeReal       = 0x06
	codeDouble     = 0x07
	codeChar       = 0x08
	codeVarchar    = 0x09
	codeNchar      = 0x0A
	codeNvarchar   = 0x0B
	codeBinary     = 0x0C
	codeVarbinary  = 0x0D
	codeDate       = 0x0E
	codeTime       = 0x0F
	codeTimestamp  = 0x10
	codeClob       = 0x19
	codeNclob      = 0x1A
	codeBlob       = 0x1B
	codeBoolean    = 0x1C
	codeString     = 0x1D
	codeNstring    = 0x1E
	codeBstring    = 0x21
	codeShorttext  = 0x34
	codeText       = 0x33
	codeAlphanum   = 0x37
	codeLongdate   = 0x3D
	codeSeconddate = 0x3E
	codeDaydate    = 0x3F
	codeSecondtime = 0x40
	codeFixed16    = 0x4C
	codeFixed8     = 0x51
	codeFixed12    = 0x52

	codeNull = 0x80 // added to a parameter's code
)

// family says what a type's declaration may carry.
type family struct {
	kind   store.Kind
	code   byte
	length int // the highest length; 0 where none is written
	lob    bool
	text   bool // measured in UTF-16 units
	alias  string
}

// families are the types of HANA by their names in SQL (SQL reference, "Data Types").
var families = map[string]family{
	"TINYINT":      {kind: store.Int, code: codeTinyint},
	"SMALLINT":     {kind: store.Int, code: codeSmallint},
	"INTEGER":      {kind: store.Int, code: codeInteger},
	"INT":          {alias: "INTEGER"},
	"BIGINT":       {kind: store.Int, code: codeBigint},
	"DECIMAL":      {kind: store.Dec, code: codeDecimal},
	"DEC":          {alias: "DECIMAL"},
	"SMALLDECIMAL": {kind: store.Dec, code: codeDecimal},
	"REAL":         {kind: store.Float, code: codeReal},
	"DOUBLE":       {kind: store.Float, code: codeDouble},
	"FLOAT":        {alias: "DOUBLE"},
	"CHAR":         {kind: store.Text, code: codeChar, length: 2000, text: true},
	"NCHAR":        {kind: store.Text, code: codeNchar, length: 2000, text: true},
	"VARCHAR":      {kind: store.Text, code: codeVarchar, length: 5000, text: true},
	"NVARCHAR":     {kind: store.Text, code: codeNvarchar, length: 5000, text: true},
	"SHORTTEXT":    {kind: store.Text, code: codeShorttext, length: 5000, text: true},
	"ALPHANUM":     {kind: store.Text, code: codeAlphanum, length: 127, text: true},
	"BINARY":       {kind: store.Bytes, code: codeBinary, length: 5000},
	"VARBINARY":    {kind: store.Bytes, code: codeVarbinary, length: 5000},
	"DATE":         {kind: store.Day, code: codeDaydate},
	"TIME":         {kind: store.Clock, code: codeSecondtime},
	"SECONDDATE":   {kind: store.Stamp, code: codeSeconddate},
	"TIMESTAMP":    {kind: store.Stamp, code: codeLongdate},
	"BOOLEAN":      {kind: store.Bool, code: codeBoolean},
	"CLOB":         {kind: store.Text, code: codeClob, lob: true, text: true},
	"NCLOB":        {kind: store.Text, code: codeNclob, lob: true, text: true},
	"TEXT":         {kind: store.Text, code: codeText, lob: true, text: true},
	"BLOB":         {kind: store.Bytes, code: codeBlob, lob: true},
}

// Constants of the calendar types on the wire (go-hdb, encoding/field.go).
const (
	longdateNull   = 3155380704000000001
	seconddateNull = 315538070401
	daydateNull    = 3652062
	secondtimeNull = 86402

	lastDay    = daydateNull - 1 // 9999-12-31
	daySeconds = 24 * 60 * 60
)

const (
	maxPrecision   = 38 // of DECIMAL(p,s)
	floatingDigits = 34 // of DECIMAL
	smallDigits    = 16 // of SMALLDECIMAL
)

// typeNamed makes the type of a name without length.
func typeNamed(name string) store.Type {
	f := families[name]
	t := store.Type{Name: name, Kind: f.kind, Length: f.length}
	switch name {
	case "DECIMAL":
		t.Floating, t.Precision = true, floatingDigits
	case "SMALLDECIMAL":
		t.Floating, t.Precision = true, smallDigits
	}
	return t
}

// parseType reads a type of a column or of CAST.
func parseType(p *store.Parser) (store.Type, error) {
	tok := p.Peek(0)
	f, ok := families[tok.Text]
	if tok.Kind != store.Word || !ok {
		if tok.Kind != store.Word && tok.Kind != store.Quoted {
			return store.Type{}, p.Unexpected()
		}
		return store.Type{}, &Error{Code: 264, Pos: tok.Pos + 1, Text: "invalid datatype: " + tok.Text}
	}
	p.Next()
	name := tok.Text
	if f.alias != "" {
		name = f.alias
		f = families[name]
	}
	t := typeNamed(name)
	if f.length > 0 {
		t.Length = 1
	}
	if !p.Is("(") || f.lob {
		return t, nil
	}
	p.Next()
	n, err := p.Integer()
	if err != nil {
		return t, err
	}
	switch {
	case tok.Text == "FLOAT":
		if n < 1 || n > 53 {
			return t, &Error{Code: 264, Pos: tok.Pos + 1, Text: "invalid datatype: FLOAT"}
		}
		if n <= 24 {
			t = typeNamed("REAL")
		}
	case name == "DECIMAL":
		if t, err = parseDecimal(p, n, tok.Pos); err != nil {
			return t, err
		}
	case f.length == 0:
		return t, p.Unexpected()
	case n == 0:
		return t, &Error{Code: 338, Pos: tok.Pos + 1, Text: "zero-length columns are not allowed"}
	case n < 0 || n > int64(f.length):
		return t, &Error{Code: 267, Pos: tok.Pos + 1, Text: "specified length too long for its datatype: " + name}
	default:
		t.Length = int(n)
	}
	return t, p.Expect(")")
}

func parseDecimal(p *store.Parser, precision int64, pos int) (store.Type, error) {
	scale := int64(0)
	var err error
	if p.Accept(",") {
		if scale, err = p.Integer(); err != nil {
			return store.Type{}, err
		}
	}
	if precision < 1 || precision > maxPrecision {
		return store.Type{}, &Error{Code: 318, Pos: pos + 1, Text: "decimal precision specifier is out of range: must be between 1 and 38"}
	}
	if scale < 0 || scale > precision {
		return store.Type{}, &Error{Code: 319, Pos: pos + 1, Text: "decimal scale specifier is out of range"}
	}
	return store.Type{Name: "DECIMAL", Kind: store.Dec, Precision: int(precision), Scale: int(scale)}, nil
}

// wireCode is the code that a client of a data format sees for a type.
func wireCode(t store.Type, format int32) byte {
	f := families[t.Name]
	if t.Name == "DECIMAL" && !t.Floating && format >= 8 {
		switch {
		case t.Precision <= 18:
			return codeFixed8
		case t.Precision <= 28:
			return codeFixed12
		}
		return codeFixed16
	}
	if format < 4 {
		switch f.code {
		case codeLongdate, codeSeconddate:
			return codeTimestamp
		case codeDaydate:
			return codeDate
		case codeSecondtime:
			return codeTime
		}
	}
	if f.code == codeBoolean && format < 7 {
		return codeTinyint
	}
	if f.code == 0 {
		return codeNvarchar // NULL without a type
	}
	return f.code
}

// wireSizes are the length and the scale that metadata tell of a type.
func wireSizes(t store.Type) (length, scale int) {
	switch t.Name {
	case "TINYINT":
		return 3, 0
	case "SMALLINT":
		return 5, 0
	case "INTEGER":
		return 10, 0
	case "BIGINT":
		return 19, 0
	case "DECIMAL", "SMALLDECIMAL":
		if t.Floating {
			return t.Precision, 32767
		}
		return t.Precision, t.Scale
	case "REAL":
		return 7, 0
	case "DOUBLE":
		return 15, 0
	case "TIMESTAMP":
		return 27, 7
	case "SECONDDATE":
		return 19, 0
	case "DATE":
		return 10, 0
	case "TIME":
		return 8, 0
	case "BOOLEAN":
		return 1, 0
	case "CLOB", "NCLOB", "BLOB", "TEXT":
		return 0, 0
	}
	return min(t.Length, 32767), 0
}
