package sqlite

import (
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// statement is what only the text of a CREATE TABLE says.
type statement struct {
	sql           string
	tokens        []token
	name          token // of the table
	columns       map[string]columnText
	checks        []catalog.Check
	references    []reference // in the order of the text
	primary       string      // name of the primary key's constraint
	uniques       []unique
	autoincrement bool
}

type columnText struct{ collation, generated string }

// reference is a foreign key of the text.
type reference struct {
	name       string // of the constraint
	table      token
	deferrable string
}

type unique struct {
	name    string
	columns []string
}

// parse reads the text of a CREATE TABLE as SQLite stores it.
func parse(sql string) *statement {
	s := &statement{sql: sql, tokens: tokenize(sql), columns: make(map[string]columnText)}
	i := 0
	for i < len(s.tokens) && !s.is(i, "TABLE") {
		i++
	}
	if i++; i >= len(s.tokens) {
		return s
	}
	s.name = s.tokens[i]
	for i < len(s.tokens) && !s.is(i, "(") {
		i++
	}
	end := s.match(i)
	for i++; i < end; i++ {
		i = s.item(i, end)
	}
	return s
}

// is compares a token without case.
func (s *statement) is(i int, w string) bool {
	if i >= len(s.tokens) {
		return false
	}
	t := s.tokens[i]
	return (t.kind == word || t.kind == symbol) && strings.EqualFold(s.sql[t.start:t.end], w)
}

// match returns the index of the parenthesis that closes the one at i.
func (s *statement) match(i int) int {
	depth := 0
	for ; i < len(s.tokens); i++ {
		if s.is(i, "(") {
			depth++
		} else if s.is(i, ")") {
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(s.tokens)
}

// inside returns the text between the parentheses that open at i, and where they close.
func (s *statement) inside(i int) (string, int) {
	end := s.match(i)
	if end >= len(s.tokens) {
		return "", end
	}
	return strings.TrimSpace(s.sql[s.tokens[i].end:s.tokens[end].start]), end
}

func (s *statement) name1(i int) string {
	if i >= len(s.tokens) {
		return ""
	}
	return identifier(s.sql, s.tokens[i])
}

// item reads one column or table constraint and returns the index of the comma after it.
func (s *statement) item(i, end int) int {
	column := ""
	if !s.is(i, "CONSTRAINT") && !s.is(i, "PRIMARY") && !s.is(i, "UNIQUE") && !s.is(i, "CHECK") && !s.is(i, "FOREIGN") {
		column = s.name1(i)
		i++
	}
	c := columnText{}
	constraint := ""
	for ; i < end && !s.is(i, ","); i++ {
		switch {
		case s.is(i, "CONSTRAINT"):
			i++
			constraint = s.name1(i)
		case s.is(i, "DEFAULT"):
			i = s.value(i + 1)
		case s.is(i, "COLLATE"):
			i++
			c.collation = s.name1(i)
		case s.is(i, "AS"):
			c.generated, i = s.inside(i + 1)
		case s.is(i, "AUTOINCREMENT"):
			s.autoincrement = true
		default:
			if next, ok := s.constraint(i, constraint, column); ok {
				i, constraint = next, ""
			} else if s.is(i, "(") {
				i = s.match(i)
			}
		}
	}
	if column != "" {
		s.columns[column] = c
	}
	return i
}

// value skips the value of a DEFAULT.
func (s *statement) value(i int) int {
	if s.is(i, "(") {
		return s.match(i)
	}
	if s.is(i, "-") || s.is(i, "+") {
		return i + 1
	}
	if i+1 < len(s.tokens) && (s.is(i, "x")) && s.tokens[i+1].kind == text && s.tokens[i].end == s.tokens[i+1].start {
		return i + 1 // a blob constant
	}
	return i
}

// constraint reads a constraint that starts at i and returns its last token.
func (s *statement) constraint(i int, name, column string) (last int, ok bool) {
	switch {
	case s.is(i, "CHECK"):
		expression, end := s.inside(i + 1)
		s.checks = append(s.checks, catalog.Check{Name: name, Expression: expression})
		return end, true
	case s.is(i, "PRIMARY"):
		s.primary = name
		return i + 1, true
	case s.is(i, "UNIQUE"):
		u := unique{name: name, columns: []string{column}}
		if s.is(i+1, "(") {
			u.columns = s.list(i + 1)
			i = s.match(i + 1)
		}
		s.uniques = append(s.uniques, u)
		return i, true
	case s.is(i, "REFERENCES") && i+1 < len(s.tokens):
		s.references = append(s.references, reference{name: name, table: s.tokens[i+1]})
		return i + 1, true
	case s.is(i, "FOREIGN"):
		// Its name belongs to the REFERENCES that follows.
		end := s.match(i + 2)
		if s.is(end+1, "REFERENCES") {
			return s.constraint(end+1, name, column)
		}
	case s.is(i, "DEFERRABLE") && len(s.references) > 0 && !s.is(i-1, "NOT"):
		r := &s.references[len(s.references)-1]
		r.deferrable = "DEFERRABLE"
		if s.is(i+1, "INITIALLY") {
			if s.is(i+2, "DEFERRED") {
				r.deferrable = "DEFERRABLE INITIALLY DEFERRED"
			}
			i += 2
		}
		return i, true
	}
	return i, false
}

// list returns the names in a parenthesised list of columns.
func (s *statement) list(i int) []string {
	var out []string
	end := s.match(i)
	for first := true; i < end; i++ {
		if s.is(i, "(") || s.is(i, ",") {
			first = true
			continue
		}
		if first {
			out = append(out, s.name1(i))
		}
		first = false
	}
	return out
}

// rewrite returns the statement under another name, with references renamed by
// names. What keeps its name keeps its spelling.
func (s *statement) rewrite(name string, names func(string) string) string {
	var b strings.Builder
	b.WriteString("CREATE TABLE " + renamed(s.sql, s.name, name))
	at := s.name.end
	for _, r := range s.references {
		b.WriteString(s.sql[at:r.table.start] + renamed(s.sql, r.table, names(identifier(s.sql, r.table))))
		at = r.table.end
	}
	b.WriteString(s.sql[at:])
	return b.String()
}

// renamed respells an identifier where it names something else.
func renamed(sql string, t token, name string) string {
	if identifier(sql, t) == name {
		return sql[t.start:t.end]
	}
	return quote(name)
}

// rewriteIndex returns a CREATE INDEX under another name, on another table. SQLite stores it
// without a schema: CREATE [UNIQUE] INDEX name ON table.
func rewriteIndex(sql, name, table string) string {
	tokens := tokenize(sql)
	for i := 0; i+3 < len(tokens); i++ {
		if tokens[i].kind == word && strings.EqualFold(sql[tokens[i].start:tokens[i].end], "INDEX") {
			x, t := tokens[i+1], tokens[i+3]
			return sql[:x.start] + renamed(sql, x, name) + sql[x.end:t.start] + renamed(sql, t, table) + sql[t.end:]
		}
	}
	return sql
}
