package hana

import (
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// maxIdentifier is how many bytes a name may have (SQL reference, System Limitations).
const maxIdentifier = 127

// quoteIdent always quotes: reserved words, mixed case and /BIC/ names then need no rules. The
// driver's own Identifier leaves reserved words unquoted and escapes as Go does (identifier.go).
func quoteIdent(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func quoteName(n catalog.Name) string { return quoteIdent(n.Schema) + "." + quoteIdent(n.Name) }

func quoteIdents(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = quoteIdent(n)
	}
	return strings.Join(out, ", ")
}

func quoteLiteral(s string) string { return `'` + strings.ReplaceAll(s, `'`, `''`) + `'` }

// binds spells n question marks.
func binds(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
