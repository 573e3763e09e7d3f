package catalog

import (
	"slices"
	"strings"
)

// fold returns what names are compared by.
func (c Comparison) fold(name string) string {
	if !c.IgnoreCase {
		return name
	}
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, name)
}

// name is the token of a name. One that is not a word keeps quotes: it might be read as symbols.
func (c Comparison) name(name string) string {
	if name != "" && strings.IndexFunc(name, func(r rune) bool { return r < 0x80 && !wordByte(byte(r)) }) < 0 {
		return c.fold(name)
	}
	return `"` + strings.ReplaceAll(c.fold(name), `"`, `""`) + `"`
}

func (c Comparison) lowered(tokens []string) []string {
	out := make([]string, len(tokens))
	for i, t := range tokens {
		out[i] = strings.ToLower(t)
	}
	return out
}

// tokens cuts SQL into words, names without their quotes, literals with theirs, and symbols.
func (c Comparison) tokens(sql string) []string {
	var out []string
	for i := 0; i < len(sql); {
		n, token := c.token(sql[i:])
		if token != "" {
			out = append(out, token)
		}
		i += n
	}
	return out
}

// token returns the length of what sql begins with and what it is compared by; "" for blanks.
func (c Comparison) token(sql string) (int, string) {
	switch b := sql[0]; {
	case strings.IndexByte(" \t\r\n\f", b) >= 0:
		return 1, ""
	case strings.HasPrefix(sql, "--"):
		return through(sql, "\n"), ""
	case strings.HasPrefix(sql, "/*"):
		return 2 + through(sql[2:], "*/"), ""
	case b == '\'':
		n := closed(sql, '\'')
		return n, sql[:n]
	case b == '"' || b == '`' && c.IgnoreCase:
		n := closed(sql, b)
		q := sql[:1]
		return n, c.name(strings.ReplaceAll(strings.TrimSuffix(sql[1:n], q), q+q, q))
	case b == '[' && c.IgnoreCase:
		n := through(sql, "]")
		return n, c.name(strings.TrimSuffix(sql[1:n], "]"))
	case wordByte(b):
		n := 1
		for n < len(sql) && wordByte(sql[n]) {
			n++
		}
		return n, c.fold(sql[:n])
	default:
		return 1, sql[:1]
	}
}

// through returns the length of sql up to the end of what closes it, or all of it.
func through(sql, end string) int {
	if i := strings.Index(sql, end); i >= 0 {
		return i + len(end)
	}
	return len(sql)
}

// closed returns the length of what stands between two quotes, doubled ones being part of it.
func closed(sql string, quote byte) int {
	for i := 1; i < len(sql); i++ {
		if sql[i] != quote {
			continue
		}
		if i+1 == len(sql) || sql[i+1] != quote {
			return i + 1
		}
		i++
	}
	return len(sql)
}

func wordByte(b byte) bool {
	return b == '_' || b == '$' || b >= 0x80 || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

// match returns where the parenthesis that tokens begin with is closed.
func match(tokens []string) int {
	depth := 0
	for i, t := range tokens {
		switch t {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(tokens)
}

// indexed is what a definition says besides names: of a CREATE INDEX what follows the
// table, and without the access method that is meant where none is said.
func (c Comparison) indexed(definition string) []string {
	t := c.tokens(definition)
	if len(t) > 0 && strings.EqualFold(t[0], "CREATE") {
		index := slices.IndexFunc(t, func(s string) bool { return strings.EqualFold(s, "INDEX") })
		t = t[min(index+4, len(t)):] // its name, ON, the table's name
	}
	if len(t) > 2 && strings.EqualFold(t[0], "USING") && t[1] == "btree" {
		t = t[2:]
	}
	return t
}

// clauses cuts a domain's definition into its base with default and NOT NULL, and its
// constraints without their names, sorted.
func (c Comparison) clauses(definition string) [][]string {
	var out [][]string
	var clause []string
	tokens := c.tokens(definition)
	for i := 0; i < len(tokens); i++ {
		if tokens[i] == "CONSTRAINT" && i+1 < len(tokens) {
			out, clause = append(out, c.normal(clause)), nil
			i++
			continue
		}
		clause = append(clause, tokens[i])
	}
	out = append(out, c.normal(clause))
	slices.SortFunc(out[1:], slices.Compare)
	return out
}
