package hana

import (
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// maxIdentifier is in bytes (SQL reference, "Identifiers").
const maxIdentifier = 127

// reserved are the words of "Reserved Words" in the SQL reference.
const reserved = `ALL ALTER ARRAY AS AT AUTHORIZATION BEFORE BEGIN BETWEEN BOTH BY CASE CHAR COLLATE CONDITION CONNECT CROSS
CUBE CURRENT_CONNECTION CURRENT_DATE CURRENT_SCHEMA CURRENT_TIME CURRENT_TIMESTAMP CURRENT_TRANSACTION_ISOLATION_LEVEL CURRENT_USER
CURRENT_UTCDATE CURRENT_UTCTIME CURRENT_UTCTIMESTAMP CURRVAL CURSOR DECLARE DISTINCT ELSE ELSEIF EMPTY END EXCEPT EXCEPTION EXEC FALSE
FILTER FOR FROM FULL GROUP GROUPING HAVING IF IN INNER INOUT INTERSECT INTO IS JOIN LATERAL LEADING LEFT LIMIT LOOP MINUS NATURAL NCHAR
NEXTVAL NO NOT NULL OF ON ORDER OUT OVER PRIOR RECURSIVE RETURN RETURNS REVERSE RIGHT ROLLUP ROW ROWID SELECT SESSION_USER SET SQL START
SYSUUID TABLE TABLESAMPLE TO TOP TRAILING TRUE UNION UNKNOWN UNNEST USING UTCTIMESTAMP VALUES WHEN WHERE WHILE WINDOW WITH WITHIN`

// newDialect makes what the shared parser and compiler know of HANA.
func newDialect() *store.Dialect {
	d := &store.Dialect{Reserved: make(map[string]bool), Without: map[string]bool{"FETCH": true, "SAMPLE": true, "SKIP": true}, Functions: functions(), MaxIdentifier: maxIdentifier, Digits: floatingDigits,
		ParseType: parseType, Primary: primary, Convert: convert, Common: common, Aggregate: aggregate,
		IntType: "INTEGER", DecType: "DECIMAL", FloatType: "DOUBLE", TextType: "NVARCHAR", BytesType: "VARBINARY", BoolType: "BOOLEAN"}
	for _, w := range strings.Fields(reserved) {
		d.Reserved[w] = true
	}
	return d
}

// sessionWords are values that depend on the session.
var sessionWords = map[string]bool{"CURRENT_USER": true, "SESSION_USER": true, "CURRENT_SCHEMA": true, "CURRENT_CONNECTION": true,
	"CURRENT_DATE": true, "CURRENT_TIME": true, "CURRENT_TIMESTAMP": true, "CURRENT_UTCDATE": true, "CURRENT_UTCTIME": true,
	"CURRENT_UTCTIMESTAMP": true, "CURRENT_TRANSACTION_ISOLATION_LEVEL": true}

// primary reads HANA's own operands.
func primary(p *store.Parser) (store.Expr, error) {
	t := p.Peek(0)
	if t.Kind != store.Word {
		return nil, nil
	}
	switch {
	case sessionWords[t.Text]:
		p.Next()
		return &store.Ref{Column: t.Text, Pos: t.Pos}, nil
	case p.Accept("SESSION_CONTEXT", "("):
		key, err := p.Text()
		if err != nil {
			return nil, err
		}
		return &store.Ref{Table: "SESSION_CONTEXT", Column: key, Pos: t.Pos}, p.Expect(")")
	case p.Accept("TRUE"), p.Accept("FALSE"):
		return &store.Literal{Value: store.BoolValue(t.Text == "TRUE"), Type: store.Type{Name: "BOOLEAN", Kind: store.Bool, NotNull: true}}, nil
	case t.Text == "DATE" || t.Text == "TIME" || t.Text == "TIMESTAMP":
		if p.Peek(1).Kind != store.String {
			return nil, nil
		}
		p.Next()
		s, err := p.Text()
		if err != nil {
			return nil, err
		}
		typ := typeNamed(t.Text)
		v, err := parseCalendar(s, typ.Kind)
		return &store.Literal{Value: v, Type: typ}, err
	case p.Accept("EXTRACT", "("):
		field := p.Next().Text
		if err := p.Expect("FROM"); err != nil {
			return nil, err
		}
		x, err := p.Expression()
		if err != nil {
			return nil, err
		}
		return &store.Call{Name: field, Args: []store.Expr{x}, Pos: t.Pos}, p.Expect(")")
	}
	return nil, nil
}

// common is the type of a CASE's or a UNION's result, of arithmetic, and decides
// what compares; LOBs do not (SQL reference, "LOB Data Types").
func common(op string, a, b store.Type) (store.Type, error) {
	number := func(t store.Type) bool {
		return t.Kind == store.Int || t.Kind == store.Dec || t.Kind == store.Float || t.Name == ""
	}
	bad := &Error{Code: 266, Text: "inconsistent datatype: " + a.Name + " and " + b.Name}
	switch op {
	case "=":
		if families[a.Name].lob || families[b.Name].lob {
			return a, bad
		}
		day := func(t store.Type) bool { return t.Kind == store.Day || t.Kind == store.Stamp }
		if a.Kind == b.Kind || number(a) && number(b) || day(a) && day(b) {
			return a, nil
		}
		if (a.Kind == store.Text || b.Kind == store.Text) && a.Kind != store.Bytes && b.Kind != store.Bytes {
			return a, nil
		}
		return a, bad
	case "+", "-", "*", "/":
		text := func(t store.Type) bool { return t.Kind == store.Text && !families[t.Name].lob }
		if !number(a) && !text(a) || !number(b) && !text(b) {
			return a, bad
		}
		return arithmeticType(op, a, b), nil
	}
	switch {
	case a.Name == b.Name && a.Kind != store.Dec, b.Name == "":
		a.Length = max(a.Length, b.Length)
		return a, nil
	case a.Name == "":
		return b, nil
	case number(a) && number(b):
		return arithmeticType("", a, b), nil
	case a.Kind == b.Kind:
		if families[b.Name].lob || b.Length > a.Length {
			return b, nil
		}
		return a, nil
	}
	return a, bad
}

func arithmeticType(op string, a, b store.Type) store.Type {
	switch {
	case a.Kind == store.Float || b.Kind == store.Float:
		return typeNamed("DOUBLE")
	case a.Kind == store.Int && b.Kind == store.Int && op != "/":
		if a.Name == "BIGINT" || b.Name == "BIGINT" {
			return typeNamed("BIGINT")
		}
		return typeNamed("INTEGER")
	case op == "" && a.Name == b.Name && a.Floating == b.Floating && !a.Floating:
		scale := max(a.Scale, b.Scale)
		whole := max(a.Precision-a.Scale, b.Precision-b.Scale)
		if whole+scale <= maxPrecision {
			return store.Type{Name: "DECIMAL", Kind: store.Dec, Precision: whole + scale, Scale: scale}
		}
	}
	return typeNamed("DECIMAL")
}

func aggregate(name string, arg store.Type) (store.Type, error) {
	number := arg.Kind == store.Int || arg.Kind == store.Dec || arg.Kind == store.Float
	switch name {
	case "COUNT":
		t := typeNamed("BIGINT")
		t.NotNull = true
		return t, nil
	case "SUM":
		switch {
		case arg.Kind == store.Int:
			return typeNamed("BIGINT"), nil
		case arg.Kind == store.Dec:
			if !arg.Floating {
				arg.Precision = maxPrecision
			}
			arg.NotNull = false
			return arg, nil
		case number:
			return typeNamed("DOUBLE"), nil
		}
	case "AVG":
		if number {
			return typeNamed("DECIMAL"), nil
		}
	case "MIN", "MAX":
		if !families[arg.Name].lob {
			arg.NotNull = false
			return arg, nil
		}
	}
	return arg, &Error{Code: 266, Text: "inconsistent datatype: " + name + " of " + arg.Name}
}
