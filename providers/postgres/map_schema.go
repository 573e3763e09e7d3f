package postgres

import (
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// mapType implements providers.Driver.MapType.
func mapType(t catalog.UserType, how providers.MapOptions) catalog.UserType {
	m := &mapping{source: &catalog.Table{}, how: how}
	if t.Code != nil && !how.Policies.TakesCode() {
		t.Definition = t.Plain
	}
	t.Code, t.Plain = nil, ""
	t.Definition = m.expression(t.Definition)
	t.Name = m.movedType(t.Name)
	return t
}

// movedType gives a type of the source's own schema the target's own.
func (m *mapping) movedType(n catalog.Name) catalog.Name {
	if m.how.Schema != "" && n.Schema == m.how.Schema {
		n.Schema = m.how.ToSchema
	}
	return n
}

// movedSequence does the same, except that a sequence of one of the table's columns
// follows its table, as the server demands, and that the plan may have given it another name.
func (m *mapping) movedSequence(n catalog.Name) catalog.Name {
	if to, ok := m.how.Sequences[n]; ok {
		return to
	}
	for _, c := range m.source.Columns {
		if c.Sequence != nil && c.Sequence.Name == n {
			return m.moved(n)
		}
	}
	return m.movedType(n)
}

// expression rewrites what the server spelled on the source: types and sequences that
// have another schema on the target. The server quotes names and writes no comments.
func (m *mapping) expression(sql string) string {
	if m.how.Schema == m.how.ToSchema && m.source.Schema == m.how.To.Schema && len(m.how.Sequences) == 0 || !strings.Contains(sql, ".") {
		return sql
	}
	var out strings.Builder
	for len(sql) > 0 {
		n := token(sql)
		t := sql[:n]
		sql = sql[n:]
		switch {
		case isLiteral(t) && strings.HasPrefix(sql, "::regclass"):
			t = m.regclass(t)
		case isName(t) && strings.HasPrefix(sql, ".") && !strings.HasSuffix(out.String(), "."):
			next := token(sql[1:])
			name := catalog.Name{Schema: unquoteIdent(t), Name: unquoteIdent(sql[1 : 1+next])}
			if m.isType(name) {
				t = quoteIdent(m.movedType(name).Schema)
			}
		}
		out.WriteString(t)
	}
	return out.String()
}

func (m *mapping) isType(n catalog.Name) bool {
	for _, t := range m.how.Types {
		if t.Name == n {
			return true
		}
	}
	return false
}

// regclass rewrites the name of a sequence in a literal.
func (m *mapping) regclass(literal string) string {
	_, body, _ := strings.Cut(literal, "'")
	body = strings.ReplaceAll(body[:len(body)-1], "''", "'")
	if literal[0] != '\'' {
		body = strings.ReplaceAll(body, `\\`, `\`)
	}
	n := token(body)
	if n == len(body) || body[n] != '.' {
		return literal
	}
	return quoteLiteral(quoteName(m.movedSequence(catalog.Name{Schema: unquoteIdent(body[:n]), Name: unquoteIdent(body[n+1:])})))
}

// token returns the length of the string literal, name or single byte that sql starts with.
func token(sql string) int {
	n := 0
	for n < len(sql) && isNameByte(sql[n]) {
		n++
	}
	if n == 1 && (sql[0] == 'E' || sql[0] == 'B' || sql[0] == 'X') && n < len(sql) && sql[n] == '\'' {
		return 1 + quoted(sql[1:])
	}
	if n > 0 || sql == "" {
		return n
	}
	if sql[0] == '\'' || sql[0] == '"' {
		return quoted(sql)
	}
	return 1
}

// quoted returns the length of what stands between two equal quotes, doubled ones
// being part of it. The server doubles backslashes, so that none escapes a quote.
func quoted(sql string) int {
	for i := 1; i < len(sql); i++ {
		if sql[i] != sql[0] {
			continue
		}
		if i+1 == len(sql) || sql[i+1] != sql[0] {
			return i + 1
		}
		i++
	}
	return len(sql)
}

func isNameByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isLiteral(t string) bool { return strings.HasSuffix(t, "'") && len(t) > 1 }

func isName(t string) bool { return t[0] == '"' || isNameByte(t[0]) && !isLiteral(t) }

func unquoteIdent(t string) string {
	if len(t) > 1 && t[0] == '"' {
		return strings.ReplaceAll(t[1:len(t)-1], `""`, `"`)
	}
	return t
}
