package postgres

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// mapping builds the table that a source's table becomes.
type mapping struct {
	source *catalog.Table
	how    providers.MapOptions
	same   bool // the source is PostgreSQL too
	out    providers.Mapping
}

// mapTable implements providers.Driver.MapTable.
func mapTable(source *catalog.Table, how providers.MapOptions) providers.Mapping {
	t := *source
	t.Name, t.NotMigrated, t.Children, t.Code, t.File = how.To, nil, nil, nil, ""
	if how.Schema == "" {
		how.Schema, how.ToSchema = source.Schema, how.To.Schema
	}
	m := &mapping{source: source, how: how, same: how.Engine == engine, out: providers.Mapping{Table: &t}}
	m.identifier("", "table", how.To.Name)
	t.Columns = make([]catalog.Column, len(source.Columns))
	seen := make(map[string]bool, len(t.Columns))
	for i, c := range source.Columns {
		m.identifier(c.Name, "column", c.Name)
		if seen[c.Name] {
			m.refuse(c.Name, "Two columns have this name.", "Rename one of them on the source.")
		}
		seen[c.Name] = true
		t.Columns[i] = m.column(c)
	}
	m.keys(&t)
	m.indexes(&t)
	m.foreignKeys(&t)
	m.checks(&t)
	m.partitions(&t)
	if !m.same {
		t.Options = ""
	}
	if slices.Equal(t.Columns, source.Columns) {
		t.Columns = source.Columns // neither is changed any more: 100,000 tables need not be held twice
	}
	return m.out
}

func (m *mapping) refuse(column, what, fix string) {
	m.out.Refusals = append(m.out.Refusals, providers.Conversion{Table: m.source.Name, Column: column, What: what, Fix: fix})
}

func (m *mapping) converts(column, what, fix string) {
	m.out.Conversions = append(m.out.Conversions, providers.Conversion{Table: m.source.Name, Column: column, What: what, Fix: fix})
}

// identifier refuses a name that the server would cut, because cut names collide.
func (m *mapping) identifier(column, what, name string) {
	switch {
	case len(name) > maxIdentifier:
		m.refuse(
			column,
			fmt.Sprintf("The name of the %s has %d bytes; PostgreSQL allows %d.", what, len(name), maxIdentifier),
			"Rename it on the source; a table can also be renamed with a rename block.",
		)
	case strings.ContainsRune(name, 0) || name == "":
		m.refuse(column, "The name of the "+what+" is empty or holds U+0000.", "Rename it on the source.")
	}
}

func (m *mapping) column(c catalog.Column) catalog.Column {
	if m.same {
		return m.sameColumn(c)
	}
	c = m.how.EmptyDefault(c)
	c.UserType, c.Collation = nil, ""
	m.otherType(&c)
	if c.Generated != "" {
		m.refuse(
			c.Name,
			"The expression of the generated column is in another engine's dialect.",
			"Drop it on the source and generate it on the target after the migration, or make it a plain column, or exclude the table.",
		)
	}
	if c.Default != "" && c.Sequence == nil {
		if literal, ok := literalDefault(c.Default, c.Type); ok {
			c.Default = literal
		} else {
			m.converts(c.Name, fmt.Sprintf("The default %s is not migrated: it is an expression of another "+
				"engine.", c.Default), "Set it on the target after the migration.")
			c.Default = ""
		}
	}
	if c.Identity != "" || c.Sequence != nil {
		m.identity(&c)
	}
	return c
}

// identity makes an identity column of whatever numbers rows on the source.
func (m *mapping) identity(c *catalog.Column) {
	switch c.Type.Kind {
	case catalog.Int16, catalog.Int32, catalog.Int64:
		if c.Identity != catalog.IdentityAlways {
			c.Identity = catalog.IdentityDefault // inserted values are taken, as AUTOINCREMENT does
		}
		c.Default, c.Nullable = "", false
		name := m.how.Sequences[providers.SequenceKey(m.source, *c)]
		if c.Sequence != nil || name.Name != "" {
			s := catalog.Sequence{Increment: 1, Start: 1}
			if c.Sequence != nil {
				s = *c.Sequence
			}
			if s.Name = name; name.Name != "" && s.Increment == 0 { // without a name the server chooses one
				s.Increment, s.Start = 1, max(s.Start, 1)
			}
			c.Sequence = &s
		}
	default:
		m.converts(c.Name, "The column's identity is not migrated: PostgreSQL allows it only for integers.", "")
		c.Identity, c.Sequence, c.Default = "", nil, ""
	}
}

// otherType chooses the type of a column that comes from another engine.
func (m *mapping) otherType(c *catalog.Column) {
	const maxVarchar = 10_485_760
	switch c.Type.Kind {
	case catalog.Native, catalog.Refused:
		m.refuse(c.Name, fmt.Sprintf("Type %s cannot be migrated to PostgreSQL.", c.Type), "Exclude the table, or change the column on the source.")
		return
	case catalog.Timestamp9:
		m.refuse(c.Name, "PostgreSQL keeps six digits of a second; the column has more.", "Round the column to six digits on the source.")
		return
	case catalog.Number:
		var conversion providers.Conversion
		if c.Type, conversion = m.how.Numbers(*c); conversion.What != "" {
			m.converts(conversion.Column, conversion.What, conversion.Fix)
		}
	case catalog.Binary:
		c.Type = catalog.Type{Kind: catalog.Blob} // bytea has no length
	case catalog.String, catalog.Char:
		if c.Type.Length > maxVarchar {
			c.Type = catalog.Type{Kind: catalog.Text}
		}
	}
	c.Declared, _ = declared(c.Type)
	c.Bounds, c.Loose = bounds(c.Type), false
}

// bounds say which values of another engine the server does not take.
func bounds(t catalog.Type) catalog.Bounds {
	switch t.Kind {
	case catalog.String, catalog.Char, catalog.Text, catalog.JSON:
		return catalog.Bounds{NoNUL: true}
	case catalog.Date:
		return catalog.Bounds{MinYear: -4712, MaxYear: 5_874_897}
	case catalog.Timestamp, catalog.TimestampTZ:
		return catalog.Bounds{MinYear: -4712, MaxYear: 294_246}
	}
	return catalog.Bounds{}
}

// sameColumn keeps the engine's own spelling, its types in the target's schema.
func (m *mapping) sameColumn(c catalog.Column) catalog.Column {
	switch {
	case c.Type.Kind == catalog.Refused && c.Type.Engine == engine:
		c.Type.Kind = catalog.Native
	case c.Type.Kind == catalog.Number:
		c.Type = native(catalog.Native, "numeric") // keeps the display scale, NaN and infinities
	case c.Type.Kind == catalog.Refused && c.Copied():
		m.refuse(c.Name, fmt.Sprintf("Type %s cannot be migrated: its values or its definition belong to one server.", c.Type.Name),
			"Change the column on the source, e.g. to text, or exclude the table.")
	}
	if c.UserType != nil {
		n := m.movedType(*c.UserType)
		c.Declared = quoteName(n) + arraySuffix(c.Declared)
		c.UserType = &n
	}
	if c.Sequence != nil {
		s := *c.Sequence
		s.Name = m.movedSequence(s.Name)
		c.Sequence = &s
	}
	if m.how.Policies.TrimsBlanks(c) {
		c.Default = strings.Replace(c.Default, "' '", "''", 1) // the cast stays
	}
	m.columnCode(&c)
	c.Default, c.Generated = m.expression(c.Default), m.expression(c.Generated)
	return c
}

// moved gives partitions and sequences of the table's schema the schema of its target.
func (m *mapping) moved(n catalog.Name) catalog.Name {
	if n.Schema == m.source.Schema {
		n.Schema = m.how.To.Schema
		return n
	}
	return m.movedType(n)
}

func (m *mapping) keys(t *catalog.Table) {
	if t.Key != nil {
		k := m.key(*t.Key)
		t.Key = &k
	}
	t.Uniques = make([]catalog.Key, len(m.source.Uniques))
	for i, k := range m.source.Uniques {
		t.Uniques[i] = m.key(k)
	}
	for i, c := range t.Columns {
		if t.Key != nil && t.Key.Primary && contains(t.Key.Columns, c.Name) {
			t.Columns[i].Nullable = false
		}
	}
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

func (m *mapping) key(k catalog.Key) catalog.Key {
	suffix := strings.Join(k.Columns, "_") + "_key" // an unnamed one is called as PostgreSQL would
	if k.Primary {
		suffix = "pkey"
	}
	if !m.same {
		k.Definition, k.Index = "", false
		k.Name = fitName(k.Name, m.how.To.Name, suffix)
	}
	k.Definition = m.expression(k.Definition)
	return k
}

func (m *mapping) indexes(t *catalog.Table) {
	t.Indexes = nil
	for _, x := range m.source.Indexes {
		if uses, code := m.code(catalog.CodeIndex, x.Name); code {
			m.converts("", fmt.Sprintf("Index %s is not migrated: it uses %s.", x.Name, uses), fixCode)
			continue
		}
		if !m.same {
			if x.Special || len(x.Columns) == 0 {
				m.converts(
					"",
					fmt.Sprintf("Index %s is not migrated: it can only be expressed in %s.", x.Name, m.how.Engine),
					"Create an equivalent on the target after the migration.",
				)
				continue
			}
			x.Definition = ""
			x.Name = fitName(x.Name, m.how.To.Name, "idx")
		}
		x.Definition = m.expression(x.Definition)
		t.Indexes = append(t.Indexes, x)
	}
}

func (m *mapping) foreignKeys(t *catalog.Table) {
	t.ForeignKeys = nil
	for _, f := range m.source.ForeignKeys {
		to, ok := m.how.Names[f.Table]
		if !ok {
			m.converts("", fmt.Sprintf("Foreign key %s is not migrated: table %s is not migrated.", f.Name, f.Table), "")
			continue
		}
		f.Table = to
		if !m.same {
			f.Definition = ""
			f.Name = fitName(f.Name, m.how.To.Name, strings.Join(f.Columns, "_")+"_fkey")
		}
		t.ForeignKeys = append(t.ForeignKeys, f)
	}
}

func (m *mapping) checks(t *catalog.Table) {
	t.Checks = nil
	if m.same {
		for _, c := range m.source.Checks {
			if uses, code := m.code(catalog.CodeCheck, c.Name); code {
				m.converts("", fmt.Sprintf("Check %s is not migrated: it uses %s.", c.Name, uses), fixCode)
				continue
			}
			c.Expression = m.expression(c.Expression)
			t.Checks = append(t.Checks, c)
		}
		return
	}
	for _, c := range m.source.Checks {
		m.converts(
			"",
			fmt.Sprintf("Check %s is not migrated: its expression is in another engine's dialect.", cmp.Or(c.Name, c.Expression)),
			"Add it on the target after the migration.",
		)
	}
}

func (m *mapping) partitions(t *catalog.Table) {
	if !m.same {
		if t.PartitionBy != "" {
			m.converts("", "The table's partitions are not migrated: it becomes one table.", "")
		}
		t.PartitionBy, t.Partitions = "", nil
		return
	}
	m.partitionCode()
	t.PartitionBy = m.expression(t.PartitionBy)
	t.Partitions = append([]catalog.Partition{}, t.Partitions...)
	for i, p := range t.Partitions {
		m.identifier("", "partition", p.Name.Name)
		p.Name, p.File = m.moved(p.Name), ""
		p.Bound, p.PartitionBy = m.expression(p.Bound), m.expression(p.PartitionBy)
		if p.Parent == m.source.Name {
			p.Parent = m.how.To
		} else {
			p.Parent = m.moved(p.Parent)
		}
		t.Partitions[i] = p
	}
}
