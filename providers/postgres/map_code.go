package postgres

import (
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// fixCode is how an expression that is code comes to the target all the same.
const fixCode = "Only the server's own immutable functions are migrated automatically. If those who can alter the " +
	"source's tables may also run functions on the target, set expressions = \"trusted\" in the types block, and " +
	"create those functions on the target first; or add it manually afterwards."

// code says whether a part of the source's table is code that is not to be taken along, and what it uses.
func (m *mapping) code(kind, name string) (uses string, is bool) {
	if !m.same || m.how.Policies.TakesCode() {
		return "", false
	}
	return usesOf(m.source.Code, kind, name)
}

func usesOf(all []catalog.Code, kind, name string) (uses string, is bool) {
	for _, c := range all {
		if c.Kind == kind && c.Name == name {
			return strings.Join(c.Uses, ", "), true
		}
	}
	return "", false
}

// columnCode takes a default that is code from a column. A generated column without its
// expression would be another one, so it is refused.
func (m *mapping) columnCode(c *catalog.Column) {
	if uses, code := m.code(catalog.CodeDefault, c.Name); code {
		m.converts(c.Name, "The default is not migrated: it uses "+uses+".", fixCode)
		c.Default = ""
	}
	if uses, code := m.code(catalog.CodeGenerated, c.Name); code {
		m.refuse(
			c.Name,
			"The expression of the generated column uses "+uses+".",
			"Set expressions = \"trusted\" in the types block, if those who can alter the source's tables may also "+
				"run functions on the target, and create those functions on the target first; or exclude the table.",
		)
	}
	m.domainCode(*c)
}

// domainCode lists what the column's domain, and those that it is made of, come without.
func (m *mapping) domainCode(c catalog.Column) {
	if c.UserType == nil || m.how.Policies.TakesCode() {
		return
	}
	for _, u := range m.how.Types {
		if m.movedType(u.Name) != *c.UserType {
			continue
		}
		for _, part := range u.Code {
			what := strings.TrimSpace(part.Kind + " " + part.Name)
			m.converts(c.Name, fmt.Sprintf("Its domain %s is created without the %s: it uses %s.", u.Name, what, strings.Join(part.Uses, ", ")), fixCode)
		}
	}
}

// partitionCode refuses a table whose rows are distributed by code.
func (m *mapping) partitionCode() {
	for _, c := range m.source.Code {
		if c.Kind == catalog.CodePartition && !m.how.Policies.TakesCode() {
			m.refuse(
				"",
				fmt.Sprintf("The partition key of %s uses %s.", c.Name, strings.Join(c.Uses, ", ")),
				"Set expressions = \"trusted\" in the types block, if those who can alter the source's tables may "+
					"also run functions on the target, and create those functions on the target first; or exclude "+
					"the table.",
			)
		}
	}
}
