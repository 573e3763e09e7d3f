package sqlite

import "strings"

// Kinds of a token.
const (
	word   = 'w' // keyword or bare identifier
	quoted = 'q' // identifier in "", `` or []
	text   = 's' // string constant
	number = 'n'
	symbol = '.'
)

// token is one token of an SQL statement, found at sql[start:end].
type token struct {
	kind       byte
	start, end int
}

// tokenize splits a statement that SQLite has accepted. Comments and blanks are left out.
func tokenize(sql string) []token {
	var out []token
	for i := 0; i < len(sql); {
		start := i
		switch c := sql[i]; {
		case c == ' ' || c >= '\t' && c <= '\r':
			i++
			continue
		case strings.HasPrefix(sql[i:], "--"):
			i = until(sql, i, "\n")
			continue
		case strings.HasPrefix(sql[i:], "/*"):
			i = until(sql, i+2, "*/")
			continue
		case c == '\'':
			i = closing(sql, i, '\'')
			out = append(out, token{text, start, i})
		case c == '"' || c == '`':
			i = closing(sql, i, c)
			out = append(out, token{quoted, start, i})
		case c == '[':
			i = until(sql, i, "]")
			out = append(out, token{quoted, start, i})
		case c >= '0' && c <= '9' || c == '.' && i+1 < len(sql) && sql[i+1] >= '0' && sql[i+1] <= '9':
			for i < len(sql) && (letter(sql[i]) || sql[i] == '.' || (sql[i] == '+' || sql[i] == '-') && (sql[i-1] == 'e' || sql[i-1] == 'E')) {
				i++
			}
			out = append(out, token{number, start, i})
		case letter(c):
			for i < len(sql) && letter(sql[i]) {
				i++
			}
			out = append(out, token{word, start, i})
		default:
			i++
			out = append(out, token{symbol, start, i})
		}
	}
	return out
}

// letter says whether a byte belongs to a bare identifier; every byte of a
// character beyond ASCII does.
func letter(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// until returns the offset after the next end, or the text's length.
func until(sql string, from int, end string) int {
	if n := strings.Index(sql[from:], end); n >= 0 {
		return from + n + len(end)
	}
	return len(sql)
}

// closing returns the offset after a quoted token that starts at from; a doubled quote stands for one.
func closing(sql string, from int, q byte) int {
	for i := from + 1; i < len(sql); i++ {
		if sql[i] != q {
			continue
		}
		if i+1 < len(sql) && sql[i+1] == q {
			i++
			continue
		}
		return i + 1
	}
	return len(sql)
}

// identifier returns what a token names.
func identifier(sql string, t token) string {
	s := sql[t.start:t.end]
	if (t.kind == quoted || t.kind == text) && len(s) >= 2 {
		q := s[:1]
		s = s[1 : len(s)-1]
		if q != "[" {
			s = strings.ReplaceAll(s, q+q, q)
		}
	}
	return s
}

// unquote returns the text of a string constant; ok is false for anything else.
func unquote(sql string) (s string, ok bool) {
	tokens := tokenize(sql)
	if len(tokens) != 1 || tokens[0].kind != text {
		return "", false
	}
	return identifier(sql, tokens[0]), true
}
