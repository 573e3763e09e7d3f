package engine

import (
	"errors"
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// Nodes of the syntax tree that only Oracle has.
type (
	literal struct { // a constant with its type
		typ  Type
		v    []byte
		text string // of text, which is encoded when its charset is known
	}
	castTo struct { // CAST, XMLSERIALIZE, JSON_SERIALIZE
		x    store.Expr
		typ  Type
		call string
	}
	extract struct {
		field string
		x     store.Expr
	}
)

// reserved are the words that are no names without quotes (SQL Language Reference, "Oracle SQL
// Reserved Words").
func reserved() map[string]bool {
	words := `ACCESS ADD ALL ALTER AND ANY AS ASC AUDIT BETWEEN BY CHAR CHECK CLUSTER COLUMN COMMENT COMPRESS CONNECT
		CREATE CURRENT DATE DECIMAL DEFAULT DELETE DESC DISTINCT DROP ELSE EXCLUSIVE EXISTS FILE FLOAT FOR FROM GRANT
		GROUP HAVING IDENTIFIED IMMEDIATE IN INCREMENT INDEX INITIAL INSERT INTEGER INTERSECT INTO IS LEVEL LIKE LOCK
		LONG MAXEXTENTS MINUS MLSLABEL MODE MODIFY NOAUDIT NOCOMPRESS NOT NOWAIT NULL NUMBER OF OFFLINE ON ONLINE OPTION
		OR ORDER PCTFREE PRIOR PUBLIC RAW RENAME RESOURCE REVOKE ROW ROWID ROWNUM ROWS SELECT SESSION SET SHARE SIZE
		SMALLINT START SUCCESSFUL SYNONYM SYSDATE TABLE THEN TO TRIGGER UID UNION UNIQUE UPDATE USER VALIDATE VALUES
		VARCHAR VARCHAR2 VIEW WHENEVER WHERE WITH`
	out := make(map[string]bool)
	for _, w := range strings.Fields(words) {
		out[w] = true
	}
	// What may not be the alias of a source, though it is not reserved.
	for _, w := range []string{"LEFT", "RIGHT", "FULL", "INNER", "OUTER", "CROSS", "JOIN", "NATURAL", "USING", "FETCH", "OFFSET", "PARTITION", "SUBPARTITION", "SAMPLE", "WHEN", "CASE", "END"} {
		out[w] = true
	}
	return out
}

// dialect is how the shared parser reads Oracle's SQL.
func (db *DB) dialect() *store.Dialect {
	d := &store.Dialect{Reserved: reserved(), MaxIdentifier: db.maxName(), Functions: make(map[string]store.Function),
		Primary: db.primary, Without: map[string]bool{"LIMIT": true, "TABLESAMPLE": true, "IGNORE": true}}
	for _, name := range []string{"REPLACE", "TRUNC", "INSERT"} {
		d.Functions[name] = store.Function{}
	}
	return d
}

// primary reads the operands that are Oracle's own.
func (db *DB) primary(p *store.Parser) (store.Expr, error) {
	t := p.Peek(0)
	switch t.Kind {
	case store.Number:
		return db.numberLiteral(p)
	case store.HexString:
		return nil, ora.At(t.Pos, 933, "SQL command not properly ended")
	case store.String:
		if p.Next(); t.Text == "" {
			return &literal{typ: Type{Kind: Null}}, nil
		}
		kind := Char
		if nationalText(p.SQL, t.Pos) {
			kind = NChar
		}
		n := len(t.Text)
		return &literal{typ: Type{Kind: kind, Length: 4 * n, Chars: n}, text: t.Text}, nil
	case store.Param:
		if t.Text == "?" {
			return nil, ora.At(t.Pos, 911, "invalid character")
		}
	case store.Word:
		return db.wordOperand(p, t)
	}
	return nil, nil
}

func nationalText(sql string, pos int) bool { return sql[pos] == 'N' || sql[pos] == 'n' }

func (db *DB) numberLiteral(p *store.Parser) (store.Expr, error) {
	d, err := parseNumber(p.Next().Text)
	if err != nil {
		return nil, err
	}
	v, err := d.Encode()
	return &literal{typ: number(), v: v}, err
}

func (db *DB) wordOperand(p *store.Parser, t store.Token) (store.Expr, error) {
	text := p.Peek(1).Kind == store.String
	switch {
	case t.Text == "DATE" && text:
		p.Next()
		return dateLiteral(p.Next().Text, "YYYY-MM-DD", Type{Kind: Date})
	case t.Text == "TIMESTAMP" && text:
		p.Next()
		return timestampLiteral(p.Next().Text)
	case t.Text == "INTERVAL" && text:
		p.Next()
		return intervalLiteral(p)
	case p.Accept("CAST", "("):
		x, err := p.Expression()
		if err == nil {
			err = p.Expect("AS")
		}
		if err != nil {
			return nil, err
		}
		typ, err := db.parseType(p)
		if err != nil {
			return nil, err
		}
		return &castTo{x: x, typ: typ, call: "CAST"}, p.Expect(")")
	case p.Accept("EXTRACT", "("):
		e := &extract{field: p.Next().Text}
		if err := p.Expect("FROM"); err != nil {
			return nil, err
		}
		var err error
		if e.x, err = p.Expression(); err != nil {
			return nil, err
		}
		return e, p.Expect(")")
	case p.Accept("XMLSERIALIZE", "("):
		if !p.Accept("CONTENT") {
			if err := p.Expect("DOCUMENT"); err != nil {
				return nil, err
			}
		}
		return db.serialize(p, "AS", XML)
	case p.Accept("JSON_SERIALIZE", "("):
		return db.serialize(p, "RETURNING", JSON)
	}
	for _, w := range []string{"SYSDATE", "SYSTIMESTAMP", "CURRENT_TIMESTAMP", "CURRENT_DATE", "LOCALTIMESTAMP", "USER", "UID",
		"ROWNUM", "ROWID", "DBTIMEZONE", "SESSIONTIMEZONE"} {
		if p.Accept(w) {
			return &store.Ref{Column: w, Pos: t.Pos}, nil
		}
	}
	return nil, nil
}

// serialize reads the rest of XMLSERIALIZE and JSON_SERIALIZE.
func (db *DB) serialize(p *store.Parser, word string, of Kind) (store.Expr, error) {
	x, err := p.Expression()
	if err != nil {
		return nil, err
	}
	c := &castTo{x: x, typ: varchar(db.maxText()), call: of.String()}
	if of == XML {
		c.typ = Type{Kind: Clob}
	}
	if p.Accept(word) {
		if c.typ, err = db.parseType(p); err != nil {
			return nil, err
		}
	}
	return c, p.Expect(")")
}

// syntax turns an error of the shared parser into the server's.
func syntax(err error, sql string) error {
	var e *store.Error
	if !errors.As(err, &e) {
		return err
	}
	pos := max(0, e.Pos)
	rest := strings.TrimSpace(sql[min(pos, len(sql)):])
	word := strings.ToUpper(strings.TrimRight(firstWord(rest), "(,"))
	switch e.Kind {
	case store.LongName:
		return ora.At(pos, 972, "identifier is too long")
	case store.Syntax:
	default:
		return ora.At(pos, 933, "SQL command not properly ended")
	}
	open := strings.Count(sql[:min(pos, len(sql))], "(") > strings.Count(sql[:min(pos, len(sql))], ")")
	before := strings.ToUpper(lastWord(sql[:min(pos, len(sql))]))
	switch {
	case e.Text == "quote without end" && e.Name == "'":
		return ora.At(pos, 1756, "quoted string not properly terminated")
	case e.Text == "quote without end":
		return ora.At(pos, 1740, "missing double quote in identifier")
	case strings.HasPrefix(rest, "?") || strings.HasPrefix(rest, ";") || strings.HasPrefix(rest, "!") || strings.HasPrefix(rest, "^"):
		return ora.At(pos, 911, "invalid character")
	case before == "FROM" || before == "INTO" || before == "TABLE" || before == "UPDATE":
		return ora.At(pos, 903, "invalid table name")
	case word == "FROM" && open && before != "SELECT" && !strings.HasSuffix(before, ","):
		return ora.At(pos, 907, "missing right parenthesis")
	case word == "FROM" || before == "SELECT" || before == "WHERE" || strings.HasSuffix(before, ",") || strings.HasSuffix(before, "=") || before == "BY" || before == "AND" || before == "OR":
		return ora.At(pos, 936, "missing expression")
	case open:
		return ora.At(pos, 907, "missing right parenthesis")
	case strings.HasPrefix(strings.ToUpper(strings.TrimSpace(sql)), "SELECT") && !strings.Contains(strings.ToUpper(sql[:min(pos, len(sql))]), "FROM"):
		return ora.At(pos, 923, "FROM keyword not found where expected")
	}
	return ora.At(pos, 933, "SQL command not properly ended")
}

func firstWord(s string) string {
	f := strings.Fields(s)
	if len(f) == 0 {
		return ""
	}
	return f[0]
}

func lastWord(s string) string {
	f := strings.Fields(s)
	if len(f) == 0 {
		return ""
	}
	return f[len(f)-1]
}
