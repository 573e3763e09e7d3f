package oracle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// keyForm is how a key's value is spelled in a range's bounds.
type keyForm string

const (
	keyText   keyForm = "text" // as it is
	keyNumber keyForm = "number"
	keyDate   keyForm = "date" // dateForm
	keyTime   keyForm = "time" // timeForm
	keyRaw    keyForm = "raw"  // hexadecimal
)

// keyFormOf returns the form of a column that ranges can be cut by; empty where they cannot.
// Sessions compare text bytewise, which a collation of the column's own would override.
func keyFormOf(c *catalog.Column) keyForm {
	if c == nil || c.Nullable || !c.Copied() || c.Collation != "" || shapeOf(c.Declared) != plain {
		return ""
	}
	switch c.Type.Kind {
	case catalog.String, catalog.Char:
		return keyText
	case catalog.Decimal, catalog.Number:
		return keyNumber
	case catalog.Binary:
		return keyRaw
	case catalog.Timestamp, catalog.Timestamp9:
		if c.Declared == "DATE" {
			return keyDate
		}
		return keyTime
	}
	return ""
}

// keyed says whether ranges can be cut by the table's key.
func keyed(t *catalog.Table) bool {
	return t.Key != nil && !slices.ContainsFunc(t.Key.Columns, func(c string) bool { return keyFormOf(t.Column(c)) == "" })
}

// keySelected spells a key's column so that the driver hands out its form.
func keySelected(c *catalog.Column) string {
	name := "t." + quoteIdent(c.Name)
	switch keyFormOf(c) {
	case keyDate:
		return "TO_CHAR(" + name + ", '" + dateForm + "')"
	case keyTime:
		return "TO_CHAR(" + name + ", '" + timeForm + "')"
	case keyRaw:
		return "RAWTOHEX(" + name + ")"
	}
	return name
}

// condition is a WHERE clause that is being written, with its parameters in order of occurrence.
type condition struct {
	t      *catalog.Table
	params []string
}

// value spells a bound. Text becomes a parameter, everything else a literal that is checked,
// because bounds come from files that people can edit.
func (w *condition) value(c *catalog.Column, bound string) (string, error) {
	only := func(allowed string) error {
		if bound == "" || strings.Trim(bound, allowed) != "" {
			return fmt.Errorf("a range of column %s has a bound that is not a value of %s", c.Name, c.Declared)
		}
		return nil
	}
	switch keyFormOf(c) {
	case keyText:
		w.params = append(w.params, bound)
		return ":" + formatInt(int64(len(w.params))), nil
	case keyNumber:
		return bound, only("-.0123456789")
	case keyDate:
		return "TO_DATE(" + quoteLiteral(bound) + ", '" + dateForm + "')", only("- 0123456789")
	case keyTime:
		return "TO_TIMESTAMP(" + quoteLiteral(bound) + ", '" + timeForm + "')", only("- 0123456789")
	case keyRaw:
		return "HEXTORAW(" + quoteLiteral(bound) + ")", only("0123456789ABCDEF")
	}
	return "", fmt.Errorf("a range is split by column %s, whose type %s cannot be compared", c.Name, c.Declared)
}

// bound compares the key with a bound, column by column: Oracle compares no rows with < and >.
// Strict compares all but the last column, last that one.
func (w *condition) bound(columns, bounds []string, strict, last string) (string, error) {
	if len(columns) == 0 || len(columns) != len(bounds) {
		return "", fmt.Errorf("a range has %d bounds for %d columns", len(bounds), len(columns))
	}
	c := w.t.Column(columns[0])
	if c == nil {
		return "", fmt.Errorf("a range is split by column %s, which does not exist", columns[0])
	}
	name := "t." + quoteIdent(c.Name)
	v, err := w.value(c, bounds[0])
	if err != nil {
		return "", err
	}
	if len(columns) == 1 {
		return name + " " + last + " " + v, nil
	}
	again, err := w.value(c, bounds[0])
	if err != nil {
		return "", err
	}
	rest, err := w.bound(columns[1:], bounds[1:], strict, last)
	return "(" + name + " " + strict + " " + v + " OR (" + name + " = " + again + " AND " + rest + "))", err
}

// equal compares the key with one row's.
func (w *condition) equal(columns, values []string) (string, error) {
	parts := make([]string, len(columns))
	for i, name := range columns {
		c := w.t.Column(name)
		if c == nil || i >= len(values) {
			return "", fmt.Errorf("the key has no column %s", name)
		}
		v, err := w.value(c, values[i])
		if err != nil {
			return "", err
		}
		parts[i] = "t." + quoteIdent(name) + " = " + v
	}
	return strings.Join(parts, " AND "), nil
}

// of writes the condition of a range; empty for a whole table or partition.
func (w *condition) of(r catalog.Range) (string, error) {
	var parts []string
	add := func(part string, err error) error {
		parts = append(parts, part)
		return err
	}
	byRow := r.By == catalog.ByRowID
	for _, b := range []struct {
		bounds       []string
		strict, last string
	}{{r.Lower, ">", ">="}, {r.Upper, "<", "<"}} {
		var err error
		switch {
		case len(b.bounds) == 0:
		case byRow && len(b.bounds) == 1 && isRowid(b.bounds[0]):
			err = add("t.ROWID "+b.last+" CHARTOROWID("+quoteLiteral(b.bounds[0])+")", nil)
		case r.By == catalog.ByKey:
			err = add(w.bound(r.Columns, b.bounds, b.strict, b.last))
		default:
			err = fmt.Errorf("a range by %q has bounds that are not Oracle's", r.By)
		}
		if err != nil {
			return "", err
		}
	}
	if len(parts) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(parts, " AND "), nil
}
