package postgres

import (
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// maxIdentifier is how many bytes of a name the server keeps (NAMEDATALEN - 1).
const maxIdentifier = 63

// quoteIdent always quotes, so that reserved words, mixed case and /BIC/ names need no rules.
func quoteIdent(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func quoteName(n catalog.Name) string { return quoteIdent(n.Schema) + "." + quoteIdent(n.Name) }

func quoteIdents(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = quoteIdent(n)
	}
	return strings.Join(out, ", ")
}

// quoteLiteral relies on standard_conforming_strings, which every session sets.
func quoteLiteral(s string) string { return `'` + strings.ReplaceAll(s, `'`, `''`) + `'` }

// textArray writes a text[] for a parameter in text form.
func textArray(values []string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		for i := range len(v) { // a strings.Replacer for each would cost more than the statement
			if v[i] == '"' || v[i] == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(v[i])
		}
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}

// columnsOf turns rows of strings into one array parameter a column.
func columnsOf(width int, rows [][]string) []string {
	out := make([]string, width)
	for i := range out {
		column := make([]string, len(rows))
		for j, r := range rows {
			column[j] = r[i]
		}
		out[i] = textArray(column)
	}
	return out
}
