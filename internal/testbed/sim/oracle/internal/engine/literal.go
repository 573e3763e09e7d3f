package engine

import (
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

func parseNumber(text string) (value.Dec, error) { return value.ParseDec(text) }

// dateLiteral reads DATE '...'.
func dateLiteral(text, format string, t Type) (store.Expr, error) {
	if strings.HasPrefix(strings.TrimSpace(text), "-") {
		format = "S" + format
	}
	c, err := value.ParseDate(text, format, now(), 0)
	if err != nil {
		return nil, err
	}
	return &literal{typ: t, v: c.Date()}, nil
}

// timestampLiteral reads TIMESTAMP '...', with or without a fraction and a zone.
func timestampLiteral(text string) (store.Expr, error) {
	format, t := "YYYY-MM-DD HH24:MI:SS", Type{Kind: Timestamp, Scale: 9}
	if strings.HasPrefix(strings.TrimSpace(text), "-") {
		format = "S" + format
	}
	day, clock, _ := strings.Cut(strings.TrimSpace(text), " ")
	if strings.Contains(clock, ".") {
		format += ".FF"
	}
	if strings.ContainsAny(clock, "+-") || strings.Contains(strings.ToUpper(clock), "UTC") {
		t.Kind = TimestampTZ
		format += " TZR"
		if i := strings.IndexAny(clock, "+-"); i > 0 && clock[i-1] != ' ' {
			text = day + " " + clock[:i] + " " + clock[i:]
		}
	}
	c, err := value.ParseDate(text, format, now(), 0)
	if err != nil {
		return nil, err
	}
	if t.Kind == TimestampTZ {
		v, err := c.TimestampTZ()
		return &literal{typ: t, v: v}, err
	}
	return &literal{typ: t, v: c.Timestamp()}, nil
}

// intervalLiteral reads the rest of INTERVAL '...' fields.
func intervalLiteral(p *store.Parser) (store.Expr, error) {
	text := p.Next().Text
	from := p.Next().Text
	lead, _, err := precision(p, 2, 9, 1875)
	if err != nil {
		return nil, err
	}
	to := from
	if p.Accept("TO") {
		to = p.Next().Text
	}
	frac, given, err := precision(p, 6, 9, 1875)
	if err != nil {
		return nil, err
	}
	switch from + " " + to {
	case "YEAR MONTH", "YEAR YEAR":
		m, err := value.ParseYM(text)
		return &literal{typ: Type{Kind: IntervalYM, Precision: lead}, v: value.IntervalYM(m)}, err
	case "MONTH MONTH":
		d, err := value.ParseDec(text)
		n, _ := d.Int64()
		return &literal{typ: Type{Kind: IntervalYM, Precision: lead}, v: value.IntervalYM(int(n))}, err
	case "DAY SECOND":
		d, err := value.ParseDS(text)
		return &literal{typ: Type{Kind: IntervalDS, Precision: lead, Scale: frac}, v: d.Normal().Encode()}, err
	}
	unit := map[string]int64{"DAY": 86400, "HOUR": 3600, "MINUTE": 60, "SECOND": 1}[from]
	if unit == 0 || to != from || given && from != "SECOND" {
		return nil, ora.Errorf(30089, "missing or invalid <datetime field>")
	}
	n, err := value.ParseDec(text)
	if err != nil {
		return nil, ora.Errorf(1867, "the interval is invalid")
	}
	nanos, ok := value.Mul(n, value.IntDec(unit*1_000_000_000)).Int64()
	if !ok {
		return nil, ora.Errorf(1873, "the leading precision of the interval is too small")
	}
	d := value.DaySecond{Nanos: nanos}.Normal()
	return &literal{typ: Type{Kind: IntervalDS, Precision: lead, Scale: frac}, v: d.Encode()}, nil
}

// precision reads (n) where it comes.
func precision(p *store.Parser, dflt, most, code int) (n int, given bool, err error) {
	if !p.Accept("(") {
		return dflt, false, nil
	}
	v, err := p.Integer()
	if err != nil {
		return 0, false, err
	}
	if v < 0 || int(v) > most {
		return 0, false, ora.Errorf(code, "datetime/interval precision is out of range")
	}
	return int(v), true, p.Expect(")")
}

// parseType reads a data type, as in CREATE TABLE and CAST.
func (db *DB) parseType(p *store.Parser) (Type, error) {
	t := p.Next()
	switch t.Text {
	case "VARCHAR2", "VARCHAR", "CHAR", "CHARACTER", "NVARCHAR2", "NCHAR":
		return db.parseText(p, t)
	case "NUMBER", "DECIMAL", "NUMERIC", "DEC", "INTEGER", "INT", "SMALLINT", "FLOAT", "REAL", "DOUBLE":
		return parseNumeric(p, t.Text)
	case "RAW":
		n, err := length(p, t.Pos)
		if err == nil && n > int64(min(db.maxText(), 32767)) || err == nil && !db.ExtendedStrings && n > 2000 {
			err = ora.At(t.Pos, 910, "specified length too long for its datatype")
		}
		return Type{Kind: Raw, Length: int(n)}, err
	case "DATE":
		return Type{Kind: Date}, nil
	case "TIMESTAMP":
		n, _, err := precision(p, 6, 9, 30088)
		typ := Type{Kind: Timestamp, Scale: n}
		if p.Accept("WITH", "LOCAL", "TIME", "ZONE") {
			typ.Kind = TimestampLTZ
		} else if p.Accept("WITH", "TIME", "ZONE") {
			typ.Kind = TimestampTZ
		}
		return typ, err
	case "INTERVAL":
		return parseInterval(p)
	case "REF":
		return db.parseObjectType(p, p.Next())
	case "VECTOR": // since 23ai; its dimensions and format say nothing about where it can go
		if strings.HasPrefix(db.Version, "23.") {
			(&tableReader{p: p}).skipParens()
			return Type{Kind: Object, Name: t.Text}, nil
		}
	case "LONG":
		if p.Accept("RAW") {
			return Type{Kind: LongRaw}, nil
		}
		return Type{Kind: Long}, nil
	case "UROWID":
		n := int64(4000)
		var err error
		if p.Is("(") {
			n, err = length(p, t.Pos)
		}
		return Type{Kind: URowID, Length: int(n)}, err
	}
	simple := map[string]Kind{"BINARY_FLOAT": BinaryFloat, "BINARY_DOUBLE": BinaryDouble, "CLOB": Clob, "NCLOB": NClob,
		"BLOB": Blob, "ROWID": RowID, "XMLTYPE": XML, "BFILE": BFile, "JSON": JSON}
	if k, ok := simple[t.Text]; ok {
		return Type{Kind: k}, nil
	}
	return db.parseObjectType(p, t)
}

// parseObjectType reads the name of an object type: one of the server's, or one that was created.
func (db *DB) parseObjectType(p *store.Parser, t store.Token) (Type, error) {
	bad := ora.At(t.Pos, 902, "invalid datatype")
	if t.Kind != store.Word && t.Kind != store.Quoted {
		return Type{}, bad
	}
	owner, name := "", t.Text
	if p.Accept(".") {
		owner, name = t.Text, p.Next().Text
	}
	for _, known := range []qname{{"MDSYS", "SDO_GEOMETRY"}, {"SYS", "ANYDATA"}, {"SYS", "XMLTYPE"}} {
		if known.name == name && (owner == "" || owner == known.owner) {
			if name == "XMLTYPE" {
				return Type{Kind: XML}, nil
			}
			return Type{Kind: Object, Owner: known.owner, Name: name}, nil
		}
	}
	for n, o := range db.objects {
		if o.kind == "TYPE" && n.name == name && (owner == "" || owner == n.owner) {
			return Type{Kind: Object, Owner: n.owner, Name: name}, nil
		}
	}
	return Type{}, bad
}

func length(p *store.Parser, pos int) (int64, error) {
	if !p.Accept("(") {
		return 0, ora.At(pos, 906, "missing left parenthesis")
	}
	n, err := p.Integer()
	if err != nil {
		return 0, err
	}
	if n < 1 {
		return 0, ora.At(pos, 1723, "zero-length columns are not allowed")
	}
	return n, p.Expect(")")
}

func (db *DB) parseText(p *store.Parser, t store.Token) (Type, error) {
	kind := map[string]Kind{"VARCHAR2": Varchar, "VARCHAR": Varchar, "CHAR": Char, "CHARACTER": Char, "NVARCHAR2": NVarchar, "NCHAR": NChar}[t.Text]
	typ := Type{Kind: kind, Chars: 1, Length: 1}
	fixed := kind == Char || kind == NChar
	if !fixed && !p.Is("(") {
		return typ, ora.At(t.Pos, 906, "missing left parenthesis")
	}
	if p.Accept("(") {
		n, err := p.Integer()
		if err != nil {
			return typ, err
		}
		typ.ByChar = p.Accept("CHAR")
		if !typ.ByChar {
			p.Accept("BYTE")
		}
		if err := p.Expect(")"); err != nil {
			return typ, err
		}
		if n < 1 {
			return typ, ora.At(t.Pos, 1723, "zero-length columns are not allowed")
		}
		typ.Chars = int(min(n, 1<<20))
	}
	most := db.maxText()
	if fixed {
		most = 2000
	}
	typ.Length = typ.Chars
	switch {
	case typ.national():
		typ.ByChar = true
		typ.Length = 2 * typ.Chars
	case typ.ByChar:
		width := 4
		if db.Charset == value.CESU8 {
			width = 3
		}
		if typ.Chars <= most {
			typ.Length = min(width*typ.Chars, most)
		}
	}
	if typ.Length > most {
		return typ, ora.At(t.Pos, 910, "specified length too long for its datatype")
	}
	return typ, nil
}

func parseNumeric(p *store.Parser, word string) (Type, error) {
	typ := number()
	switch word {
	case "INTEGER", "INT", "SMALLINT":
		typ.HasScale = true
		return typ, nil
	case "REAL":
		return Type{Kind: Number, Float: true, HasPrec: true, Precision: 63}, nil
	case "FLOAT", "DOUBLE":
		if word == "DOUBLE" {
			if err := p.Expect("PRECISION"); err != nil {
				return typ, err
			}
		}
		n, _, err := precision(p, 126, 126, 1724)
		if n < 1 {
			err = ora.Errorf(1724, "floating point precision is out of range (1 to 126)")
		}
		return Type{Kind: Number, Float: true, HasPrec: true, Precision: n}, err
	}
	if !p.Accept("(") {
		if word != "NUMBER" {
			typ.HasScale = true // DECIMAL is NUMBER(*,0)
		}
		return typ, nil
	}
	typ.HasScale = true
	if !p.Accept("*") {
		n, err := p.Integer()
		if err != nil {
			return typ, err
		}
		if n < 1 || n > 38 {
			return typ, ora.Errorf(1727, "numeric precision specifier is out of range (1 to 38)")
		}
		typ.Precision, typ.HasPrec = int(n), true
	}
	if p.Accept(",") {
		n, err := p.Integer()
		if err != nil {
			return typ, err
		}
		if n < -84 || n > 127 {
			return typ, ora.Errorf(1728, "numeric scale specifier is out of range (-84 to 127)")
		}
		typ.Scale = int(n)
	}
	return typ, p.Expect(")")
}

func parseInterval(p *store.Parser) (Type, error) {
	if p.Accept("YEAR") {
		n, _, err := precision(p, 2, 9, 30088)
		if err != nil {
			return Type{}, err
		}
		return Type{Kind: IntervalYM, Precision: n}, p.Expect("TO", "MONTH")
	}
	if err := p.Expect("DAY"); err != nil {
		return Type{}, ora.Errorf(30089, "missing or invalid <datetime field>")
	}
	lead, _, err := precision(p, 2, 9, 30088)
	if err != nil {
		return Type{}, err
	}
	if err := p.Expect("TO", "SECOND"); err != nil {
		return Type{}, err
	}
	frac, _, err := precision(p, 6, 9, 30088)
	return Type{Kind: IntervalDS, Precision: lead, Scale: frac}, err
}
