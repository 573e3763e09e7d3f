package store

import "strings"

// TokenKind is the class of a token.
type TokenKind uint8

// Token classes.
const (
	End TokenKind = iota
	Word
	Quoted
	String
	HexString
	Number
	Param // ? or :name
	Op
)

// Token is one piece of a statement. Text of a Word is folded to upper case, of
// a String and of Quoted it is the content without quotes.
type Token struct {
	Kind TokenKind
	Text string
	Pos  int // first byte
	End  int // byte after the last
}

// Tokenize cuts a statement. It fails where a string, a name or a comment is not
// closed, and at characters that no grammar of the engines knows.
func Tokenize(sql string) ([]Token, error) {
	t := tokenizer{sql: sql}
	for {
		if err := t.blank(); err != nil {
			return nil, err
		}
		if t.pos == len(sql) {
			return append(t.out, Token{Kind: End, Pos: t.pos, End: t.pos}), nil
		}
		if err := t.one(); err != nil {
			return nil, err
		}
	}
}

type tokenizer struct {
	sql string
	pos int
	out []Token
}

// blank skips white space and comments; hints are comments.
func (t *tokenizer) blank() error {
	for t.pos < len(t.sql) {
		rest := t.sql[t.pos:]
		switch {
		case strings.IndexByte(" \t\r\n", rest[0]) >= 0:
			t.pos++
		case strings.HasPrefix(rest, "--"):
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest) - 1
			}
			t.pos += n + 1
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return fail(Syntax, t.pos, "/*", "comment without end")
			}
			t.pos += n + 4
		default:
			return nil
		}
	}
	return nil
}

func (t *tokenizer) add(kind TokenKind, text string, end int) {
	t.out = append(t.out, Token{Kind: kind, Text: text, Pos: t.pos, End: end})
	t.pos = end
}

func (t *tokenizer) one() error {
	c := t.sql[t.pos]
	next := byte(0)
	if t.pos+1 < len(t.sql) {
		next = t.sql[t.pos+1]
	}
	switch {
	case c == '\'':
		return t.quoted(String, t.pos, '\'')
	case (c == 'N' || c == 'n') && next == '\'':
		return t.quoted(String, t.pos+1, '\'')
	case (c == 'X' || c == 'x') && next == '\'':
		return t.quoted(HexString, t.pos+1, '\'')
	case c == '"':
		return t.quoted(Quoted, t.pos, '"')
	case letter(c):
		end := t.pos + 1
		for end < len(t.sql) && (letter(t.sql[end]) || digit(t.sql[end]) || t.sql[end] == '$' || t.sql[end] == '#') {
			end++
		}
		t.add(Word, strings.ToUpper(t.sql[t.pos:end]), end)
	case digit(c) || c == '.' && digit(next):
		t.number()
	case c == '?':
		t.add(Param, "?", t.pos+1)
	case c == ':' && (letter(next) || digit(next)):
		end := t.pos + 1
		for end < len(t.sql) && (letter(t.sql[end]) || digit(t.sql[end])) {
			end++
		}
		t.add(Param, strings.ToUpper(t.sql[t.pos:end]), end)
	default:
		return t.operator()
	}
	return nil
}

func (t *tokenizer) operator() error {
	for _, op := range []string{"||", "<>", "!=", "<=", ">=", "=>", ":="} {
		if strings.HasPrefix(t.sql[t.pos:], op) {
			t.add(Op, op, t.pos+2)
			return nil
		}
	}
	c := t.sql[t.pos]
	if strings.IndexByte("()+-*/,.=<>;@%:", c) < 0 {
		return fail(Syntax, t.pos, string(c), "incorrect syntax near")
	}
	t.add(Op, string(c), t.pos+1)
	return nil
}

func (t *tokenizer) quoted(kind TokenKind, at int, quote byte) error {
	var b strings.Builder
	for i := at + 1; i < len(t.sql); i++ {
		if t.sql[i] != quote {
			b.WriteByte(t.sql[i])
			continue
		}
		if i+1 < len(t.sql) && t.sql[i+1] == quote {
			b.WriteByte(quote)
			i++
			continue
		}
		t.add(kind, b.String(), i+1)
		return nil
	}
	return fail(Syntax, t.pos, string(quote), "quote without end")
}

func (t *tokenizer) number() {
	end := t.pos
	for end < len(t.sql) && digit(t.sql[end]) {
		end++
	}
	if end < len(t.sql) && t.sql[end] == '.' {
		end++
		for end < len(t.sql) && digit(t.sql[end]) {
			end++
		}
	}
	if end < len(t.sql) && (t.sql[end] == 'e' || t.sql[end] == 'E') {
		exp := end + 1
		if exp < len(t.sql) && (t.sql[exp] == '+' || t.sql[exp] == '-') {
			exp++
		}
		if exp < len(t.sql) && digit(t.sql[exp]) {
			for exp < len(t.sql) && digit(t.sql[exp]) {
				exp++
			}
			end = exp
		}
	}
	t.add(Number, t.sql[t.pos:end], end)
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
