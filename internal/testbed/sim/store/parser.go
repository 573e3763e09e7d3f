package store

import "strings"

// Parser reads statements from tokens. Engines read their own statements, as DDL,
// with its small methods, and expressions, queries and data changes with the big ones.
type Parser struct {
	D      *Dialect
	SQL    string
	tokens []Token
	at     int
	params int
}

// NewParser cuts a statement into tokens.
func NewParser(d *Dialect, sql string) (*Parser, error) {
	tokens, err := Tokenize(sql)
	if err != nil {
		return nil, err
	}
	return &Parser{D: d, SQL: sql, tokens: tokens}, nil
}

// Params returns how many placeholders have been read.
func (p *Parser) Params() int { return p.params }

// Peek returns a coming token; 0 is the next one.
func (p *Parser) Peek(n int) Token {
	if p.at+n < len(p.tokens) {
		return p.tokens[p.at+n]
	}
	return p.tokens[len(p.tokens)-1]
}

// Next takes one token.
func (p *Parser) Next() Token {
	t := p.Peek(0)
	if t.Kind != End {
		p.at++
	}
	return t
}

// Mark and Reset go back in a statement.
func (p *Parser) Mark() int { return p.at }

// Reset returns to a Mark.
func (p *Parser) Reset(mark int) { p.at = mark }

// Is says whether the next tokens are these words or operators.
func (p *Parser) Is(words ...string) bool {
	for i, w := range words {
		t := p.Peek(i)
		if t.Kind != Word && t.Kind != Op || t.Text != w {
			return false
		}
	}
	return true
}

// Accept takes the words where they come next.
func (p *Parser) Accept(words ...string) bool {
	if !p.Is(words...) {
		return false
	}
	p.at += len(words)
	return true
}

// Expect takes the words or fails.
func (p *Parser) Expect(words ...string) error {
	for _, w := range words {
		if !p.Accept(w) {
			return p.Unexpected()
		}
	}
	return nil
}

// Unexpected is the syntax error at the next token.
func (p *Parser) Unexpected() error {
	t := p.Peek(0)
	if t.Kind == End {
		return fail(Syntax, t.Pos, "", "unexpected end of statement")
	}
	return fail(Syntax, t.Pos, p.SQL[t.Pos:t.End], "incorrect syntax near")
}

// Done fails where anything is left; one semicolon at the end is not.
func (p *Parser) Done() error {
	p.Accept(";")
	if p.Peek(0).Kind != End {
		return p.Unexpected()
	}
	return nil
}

// IsIdentifier says whether the next token can be a name.
func (p *Parser) IsIdentifier() bool {
	t := p.Peek(0)
	return t.Kind == Quoted || t.Kind == Word && !p.D.Reserved[t.Text]
}

// Identifier takes a name: quoted as it is, else in upper case and not reserved.
func (p *Parser) Identifier() (string, error) {
	t := p.Peek(0)
	if !p.IsIdentifier() || t.Text == "" {
		return "", p.Unexpected()
	}
	if p.D.MaxIdentifier > 0 && len(t.Text) > p.D.MaxIdentifier {
		return "", fail(LongName, t.Pos, t.Text, "identifier is too long")
	}
	p.at++
	return t.Text, nil
}

// Identifiers takes a list of names in parentheses.
func (p *Parser) Identifiers() ([]string, error) {
	if err := p.Expect("("); err != nil {
		return nil, err
	}
	var out []string
	for {
		name, err := p.Identifier()
		if err != nil {
			return nil, err
		}
		out = append(out, name)
		if !p.Accept(",") {
			return out, p.Expect(")")
		}
	}
}

// Name takes a name with or without a schema.
func (p *Parser) Name() (Name, error) {
	n := Name{Pos: p.Peek(0).Pos}
	var err error
	if n.Name, err = p.Identifier(); err != nil {
		return n, err
	}
	if p.Accept(".") {
		n.Schema = n.Name
		n.Name, err = p.Identifier()
	}
	return n, err
}

// Integer takes a whole number, with a sign.
func (p *Parser) Integer() (int64, error) {
	negative := p.Accept("-")
	t := p.Peek(0)
	v, ok := ParseNumber(t.Text, false)
	if t.Kind != Number || !ok || v.K != Int {
		return 0, p.Unexpected()
	}
	p.at++
	if negative {
		return -v.I, nil
	}
	return v.I, nil
}

// Text takes a string literal.
func (p *Parser) Text() (string, error) {
	t := p.Peek(0)
	if t.Kind != String {
		return "", p.Unexpected()
	}
	p.at++
	return t.Text, nil
}

// Since returns the statement's text from a token's position to the last one taken.
func (p *Parser) Since(pos int) string {
	if p.at == 0 {
		return ""
	}
	return strings.TrimSpace(p.SQL[pos:max(pos, p.tokens[p.at-1].End)])
}
