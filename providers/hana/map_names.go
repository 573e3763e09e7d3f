package hana

import (
	"regexp"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// fitName makes the name of a constraint or index that comes from another engine.
func fitName(name, table, suffix string) string {
	full := catalog.DerivedName(name, table, suffix)
	if len(full) <= maxIdentifier && !reserved(full) {
		return full
	}
	return catalog.CutName(full, maxIdentifier)
}

// reserved says whether HANA keeps names that begin like this for itself (SQL reference, Introduction to SQL).
func reserved(name string) bool {
	return strings.HasPrefix(name, "_SYS_") || strings.HasPrefix(name, "_SAP_")
}

var (
	numberLiteral = regexp.MustCompile(`^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$`)
	textLiteral   = regexp.MustCompile(`^N?'(?:[^']|'')*'$`)
)

// literalDefault writes another engine's default where it is a literal that means
// the same here.
func literalDefault(expression string, t catalog.Type) (string, bool) {
	e := strings.TrimSpace(expression)
	for strings.HasPrefix(e, "(") && strings.HasSuffix(e, ")") {
		e = strings.TrimSpace(e[1 : len(e)-1])
	}
	if head, cast, ok := strings.Cut(e, "::"); ok && !strings.ContainsAny(cast, "'(") {
		e = strings.TrimSpace(head)
	}
	upper := strings.ToUpper(e)
	switch {
	case upper == "NULL" || upper == "":
		return "", true
	case isLOB(t): // a large object takes no default but NULL
		return "", false
	case upper == "CURRENT_TIMESTAMP" && (t.Kind == catalog.Timestamp || t.Kind == catalog.Timestamp9), upper == "CURRENT_DATE" && t.Kind == catalog.Date:
		return upper, true
	case t.Kind == catalog.Bool:
		switch upper {
		case "1", "TRUE", "'1'", "'T'":
			return "TRUE", true
		case "0", "FALSE", "'0'", "'F'":
			return "FALSE", true
		}
		return "", false
	case numberLiteral.MatchString(e):
		switch t.Kind {
		case catalog.Int16, catalog.Int32, catalog.Int64, catalog.Decimal, catalog.Number, catalog.Float32, catalog.Float64:
			return e, true
		case catalog.String:
			return quoteLiteral(e), true
		}
	case textLiteral.MatchString(e) && t.Kind == catalog.String:
		return strings.TrimPrefix(e, "N"), true
	}
	return "", false
}
