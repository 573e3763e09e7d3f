package sample

import (
	"fmt"
	"strings"
)

// dialect is how one engine spells the description.
type dialect interface {
	engine() string
	typeName(c column) string
	name(table string) string // quoted, with the schema where there is one
	inlineKeys() bool         // keys and references belong into CREATE TABLE
	tableOptions(t *table) string
}

// quote makes an identifier that both engines take as it is.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = quote(n)
	}
	return strings.Join(quoted, ", ")
}

// createTable prints CREATE TABLE.
func createTable(d dialect, t *table) string {
	var parts []string
	for _, c := range t.columns {
		p := quote(c.name) + " " + d.typeName(c)
		if !c.nullable && c.kind != identity {
			p += " NOT NULL"
		}
		if c.initial != "" {
			p += " DEFAULT " + c.initial
		}
		parts = append(parts, p)
	}
	if t.check != "" {
		parts = append(parts, fmt.Sprintf("CONSTRAINT %s CHECK (%s)", quote(t.name+"_CHECK"), t.check))
	}
	if d.inlineKeys() {
		if len(t.key) > 0 {
			parts = append(parts, "PRIMARY KEY ("+quoteAll(t.key)+")")
		}
		for _, f := range t.references {
			parts = append(parts, referenceClause(d, f))
		}
	}
	return "CREATE TABLE " + d.name(t.name) + " (" + strings.Join(parts, ", ") + ")" + d.tableOptions(t)
}

func referenceClause(d dialect, f reference) string {
	return fmt.Sprintf("FOREIGN KEY (%s) REFERENCES %s (%s)", quoteAll(f.columns), d.name(f.table), quoteAll(f.to))
}

// createIndexes prints what follows a table's load.
func createIndexes(d dialect, t *table) []string {
	var out []string
	if len(t.key) > 0 && !d.inlineKeys() {
		out = append(out, fmt.Sprintf("ALTER TABLE %s ADD PRIMARY KEY (%s)", d.name(t.name), quoteAll(t.key)))
	}
	for _, x := range t.indexes {
		unique := ""
		if x.unique {
			unique = "UNIQUE "
		}
		out = append(out, fmt.Sprintf("CREATE %sINDEX %s ON %s (%s)", unique, quote(x.name), d.name(t.name), quoteAll(x.columns)))
	}
	return out
}

// Names of the view and the trigger, which exist so that something is not migrated.
const (
	viewName    = "ZV_ORDER"
	triggerName = "MARA_VERSION"
)

func createView(d dialect) string {
	return "CREATE VIEW " + d.name(viewName) + ` AS SELECT h."MANDT", h."VBELN", h."KUNNR", i."POSNR", i."NETWR" FROM ` +
		d.name("VBAK") + ` h JOIN ` + d.name("VBAP") + ` i ON i."MANDT" = h."MANDT" AND i."VBELN" = h."VBELN"`
}

// identityOf returns the column that the engine numbers, or "".
func identityOf(t *table) string {
	for _, c := range t.columns {
		if c.kind == identity {
			return c.name
		}
	}
	return ""
}
