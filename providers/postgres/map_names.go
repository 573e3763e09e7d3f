package postgres

import (
	"regexp"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// fitName makes the name of a constraint or index that comes from another engine.
func fitName(name, table, suffix string) string {
	full := catalog.DerivedName(name, table, suffix)
	if len(full) <= maxIdentifier {
		return full
	}
	return catalog.CutName(full, maxIdentifier)
}

var (
	numberLiteral = regexp.MustCompile(`^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$`)
	textLiteral   = regexp.MustCompile(`^'(?:[^']|'')*'$`)
)

// literalDefault writes another engine's default where it is a literal that means
// the same here.
func literalDefault(expression string, t catalog.Type) (string, bool) {
	e := strings.TrimSpace(expression)
	for strings.HasPrefix(e, "(") && strings.HasSuffix(e, ")") {
		e = strings.TrimSpace(e[1 : len(e)-1])
	}
	upper := strings.ToUpper(e)
	switch {
	case upper == "NULL":
		return "", true
	case upper == "CURRENT_TIMESTAMP" && (t.Kind == catalog.Timestamp || t.Kind == catalog.TimestampTZ), upper == "CURRENT_DATE" && t.Kind == catalog.Date:
		return upper, true
	case t.Kind == catalog.Bool:
		switch upper {
		case "1", "TRUE", "'1'", "'T'":
			return "true", true
		case "0", "FALSE", "'0'", "'F'":
			return "false", true
		}
		return "", false
	case numberLiteral.MatchString(e):
		switch t.Kind {
		case catalog.Int16, catalog.Int32, catalog.Int64, catalog.Decimal, catalog.Number, catalog.Float32, catalog.Float64:
			return e, true
		case catalog.String, catalog.Char, catalog.Text:
			return quoteLiteral(e), true
		}
	case textLiteral.MatchString(e) && !strings.Contains(e, "\x00"):
		switch t.Kind {
		case catalog.String, catalog.Char, catalog.Text, catalog.JSON, catalog.Date, catalog.Timestamp, catalog.Time, catalog.UUID:
			return e, true
		}
	}
	return "", false
}
