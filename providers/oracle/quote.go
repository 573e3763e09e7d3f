package oracle

import (
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// quoteIdent quotes a name. Oracle's names hold no double quote and no NUL (SQL Language
// Reference, "Database Object Naming Rules"), so doubling one only keeps a wrong name from
// ending the quotation.
func quoteIdent(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func quoteName(n catalog.Name) string { return quoteIdent(n.Schema) + "." + quoteIdent(n.Name) }

func quoteLiteral(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func quoteLiterals(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = quoteLiteral(s)
	}
	return strings.Join(out, ", ")
}

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }
