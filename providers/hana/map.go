package hana

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

const (
	rowsPerPartition = 1_000_000_000 // above so many expected rows a table is partitioned; the server's limit is 2.1e9
	aimPerPartition  = 500_000_000
)

// mapping builds the table that a source's table becomes.
type mapping struct {
	source *catalog.Table
	how    providers.MapOptions
	same   bool // the source is HANA too, in tests
	// compared are the columns that keys and indexes need: they do not become large objects.
	compared map[string]bool
	out      providers.Mapping
}

// mapTable implements providers.Driver.MapTable.
func mapTable(source *catalog.Table, how providers.MapOptions) providers.Mapping {
	t := *source
	t.Name, t.NotMigrated, t.Children, t.File, t.Definition, t.Options = how.To, nil, nil, "", "", ""
	m := &mapping{source: source, how: how, same: how.Engine == engine, out: providers.Mapping{Table: &t}}
	m.names()
	m.compare()
	t.Columns = make([]catalog.Column, len(source.Columns))
	for i, c := range source.Columns {
		t.Columns[i] = m.column(c)
	}
	m.keys(&t)
	m.indexes(&t)
	m.foreignKeys(&t)
	m.checks(&t)
	m.partition(&t)
	return m.out
}

func (m *mapping) refuse(column, what, fix string) {
	m.out.Refusals = append(m.out.Refusals, providers.Conversion{Table: m.source.Name, Column: column, What: what, Fix: fix})
}

func (m *mapping) converts(column, what, fix string) {
	m.out.Conversions = append(m.out.Conversions, providers.Conversion{Table: m.source.Name, Column: column, What: what, Fix: fix})
}

// names refuses what HANA cannot call a table or a column.
func (m *mapping) names() {
	m.identifier("", "table", m.how.To.Name)
	if isLedgerTable(m.how.To) {
		m.refuse("", "dmoctl's ledger has the name "+m.how.To.String()+".", "Give the table a different name with a rename block.")
	}
	seen := make(map[string]bool, len(m.source.Columns))
	for _, c := range m.source.Columns {
		m.identifier(c.Name, "column", c.Name)
		if seen[c.Name] {
			m.refuse(c.Name, "Two columns have this name.", "Rename one of them on the source.")
		}
		seen[c.Name] = true
	}
}

// compare collects the columns of keys, indexes and foreign keys.
func (m *mapping) compare() {
	m.compared = make(map[string]bool)
	add := func(columns []string) {
		for _, c := range columns {
			m.compared[c] = true
		}
	}
	if m.source.Key != nil {
		add(m.source.Key.Columns)
	}
	for _, k := range m.source.Uniques {
		add(k.Columns)
	}
	for _, x := range m.source.Indexes {
		for _, c := range x.Columns {
			m.compared[c.Name] = m.compared[c.Name] || !x.Special
		}
	}
	for _, f := range m.source.ForeignKeys {
		add(f.Columns)
	}
}

// large makes a large object of a column, or where a key needs it the longest type that compares:
// a row that is longer then fails by its key.
func (m *mapping) large(c *catalog.Column, bounded, lob catalog.Kind) {
	from := c.Type
	c.Type = catalog.Type{Kind: lob}
	if m.compared[c.Name] {
		c.Type = catalog.Type{Kind: bounded, Length: maxVarchar}
		m.converts(
			c.Name,
			fmt.Sprintf("Type %s becomes %s, because the column is in a key or an index: a row with a longer value is rejected.", from, declared(c.Type)),
			"",
		)
	} else if from.Length > maxVarchar {
		m.converts(c.Name, fmt.Sprintf("Type %s becomes %s, because the longest type that can be indexed and compared "+
			"has a length of %d.", from, declared(c.Type), maxVarchar), "")
	}
}

func (m *mapping) identifier(column, what, name string) {
	const fix = "Rename it on the source; a table can also be renamed with a rename block."
	switch {
	case len(name) > maxIdentifier:
		m.refuse(column, fmt.Sprintf("The name of the %s has %d bytes; HANA allows %d.", what, len(name), maxIdentifier), fix)
	case strings.ContainsRune(name, 0) || name == "":
		m.refuse(column, "The name of the "+what+" is empty or holds U+0000.", "Rename it on the source.")
	case reserved(name):
		m.refuse(column, "HANA reserves names that begin with _SYS_ or _SAP_.", fix)
	}
}

func (m *mapping) column(c catalog.Column) catalog.Column {
	c.UserType, c.Collation, c.Virtual = nil, "", false
	if m.same {
		c.Bounds = bounds(c.Type)
		return c
	}
	if c.Generated != "" {
		m.refuse(
			c.Name,
			"The expression of the generated column is in another engine's dialect.",
			"Drop it on the source and generate it on the target after the migration, or make it a plain column, or exclude the table.",
		)
	}
	trims := m.how.Policies.TrimsBlanks(c)
	m.otherType(&c)
	c.Bounds, c.Loose = bounds(c.Type), false
	switch {
	case c.Identity != "":
		m.identity(&c)
	case trims:
		c.Default = "''" // what ABAP means by empty, on HANA
	case c.Default != "":
		if literal, ok := literalDefault(c.Default, c.Type); ok {
			c.Default = literal
		} else {
			m.converts(c.Name, fmt.Sprintf("The default %s is not migrated: HANA accepts only constants that it "+
				"recognizes.", c.Default), "Set it in the application, or on the target after the migration.")
			c.Default = ""
		}
	}
	if c.Identity == "" {
		c.Sequence = nil
	}
	return c
}

// otherType chooses the type of a column that comes from another engine.
func (m *mapping) otherType(c *catalog.Column) {
	from := c.Type
	switch from.Kind {
	case catalog.Native, catalog.Refused:
		m.refuse(c.Name, fmt.Sprintf("Type %s cannot be migrated to SAP HANA.", from), "Exclude the table, or change the column on the source.")
		return
	case catalog.Number:
		c.Type = m.number(c.Name)
	case catalog.String, catalog.Char:
		if from.Length == 0 || from.Length > maxVarchar {
			m.large(c, catalog.String, catalog.Text)
			break
		}
		c.Type = catalog.Type{Kind: catalog.String, Length: from.Length} // NCHAR is legacy: HANA does not pad
	case catalog.Text:
		m.large(c, catalog.String, catalog.Text)
	case catalog.JSON:
		c.Type = catalog.Type{Kind: catalog.Text}
	case catalog.Binary:
		if from.Length == 0 || from.Length > maxVarchar {
			m.large(c, catalog.Binary, catalog.Blob)
		}
	case catalog.Blob:
		m.large(c, catalog.Binary, catalog.Blob)
	case catalog.UUID:
		c.Type = catalog.Type{Kind: catalog.Binary, Length: 16}
	case catalog.Time:
		c.Type = catalog.Type{Kind: catalog.String, Length: 15}
		m.converts(c.Name, fmt.Sprintf("Type %s becomes text such as 13:45:00.25, because HANA's TIME has whole seconds only.", from), "")
	case catalog.TimestampTZ:
		m.zoned(c)
	case catalog.Timestamp9:
		c.Type.Precision = timestampDigits
		if from.Precision > timestampDigits {
			m.converts(
				c.Name,
				fmt.Sprintf("Type %s becomes TIMESTAMP of %d digits: a row that has more is rejected, unless overflow says otherwise.", from, timestampDigits),
				"",
			)
		}
	}
	if c.Type.Kind == catalog.Decimal && c.Type.Precision > maxPrecision {
		m.refuse(
			c.Name,
			fmt.Sprintf("Type %s has more than the %d digits of HANA's DECIMAL.", c.Type, maxPrecision),
			"Change the column on the source, or exclude the table.",
		)
		return
	}
	c.Declared = declared(c.Type)
}

// number is what a floating decimal becomes under the policy.
func (m *mapping) number(column string) catalog.Type {
	t, ok := m.how.Policies.NumberType()
	if !ok {
		return catalog.Type{Kind: catalog.Number}
	}
	if t.Kind == catalog.Float64 {
		m.converts(column, "Numbers become DOUBLE, as the spec says: digits beyond the 15th may change.", "")
	}
	return t
}

// zoned keeps the instant of a TIMESTAMP WITH TIME ZONE, where the spec says that this will do.
func (m *mapping) zoned(c *catalog.Column) {
	_, note, ok := m.how.WithoutZone(*c)
	if ok {
		m.converts(c.Name, note.What, note.Fix)
	} else {
		m.refuse(c.Name, note.What, note.Fix)
	}
	c.Type = catalog.Type{Kind: catalog.Timestamp, Precision: c.Type.Precision}
	if c.Type.Precision > 6 {
		c.Type = catalog.Type{Kind: catalog.Timestamp9, Precision: timestampDigits}
	}
}

// identity makes an identity column of whatever numbers rows on the source. Values are
// inserted, so it is BY DEFAULT: ALWAYS takes none (SQL reference, CREATE TABLE).
func (m *mapping) identity(c *catalog.Column) {
	switch c.Type.Kind {
	case catalog.Int16, catalog.Int32, catalog.Int64:
		if c.Identity == catalog.IdentityAlways {
			m.converts(c.Name, "The identity column becomes GENERATED BY DEFAULT: HANA cannot load a GENERATED ALWAYS column.", "")
		}
		c.Identity, c.Default, c.Nullable = catalog.IdentityDefault, "", false
		if c.Sequence != nil {
			s := *c.Sequence
			s.Name = catalog.Name{}
			c.Sequence = &s
		}
	default:
		m.converts(c.Name, "The column's identity is not migrated: HANA allows it only for integers.", "")
		c.Identity, c.Sequence, c.Default = "", nil, ""
	}
}

// keys: the key becomes the primary key where it can, as SAP's own tools make one of an index
// "TAB~0" over NOT NULL columns; HANA partitions by it and finds rows by it.
func (m *mapping) keys(t *catalog.Table) {
	if k := m.source.Key; k != nil {
		key := *k
		t.Key = &key
		m.keyed(t, "key "+key.Name, key.Columns)
		if !m.same {
			key.Definition, key.Index = "", false
			key.Primary = key.Primary || m.notNull(t, key.Columns)
			key.Name = ""
			if !key.Primary {
				key.Name = fitName(k.Name, m.how.To.Name, "key")
			}
		}
		for i, c := range t.Columns {
			if key.Primary && slices.Contains(key.Columns, c.Name) {
				t.Columns[i].Nullable = false
			}
		}
	}
	t.Uniques = nil
	for _, k := range m.source.Uniques {
		m.keyed(t, "unique key "+k.Name, k.Columns)
		if !m.same {
			k.Definition, k.Index = "", false
			k.Name = fitName(k.Name, m.how.To.Name, strings.Join(k.Columns, "_")+"_key")
		}
		if len(k.Columns) > maxKeyColumns {
			m.refuse(
				"",
				fmt.Sprintf("Unique key %s has %d columns; HANA allows %d.", k.Name, len(k.Columns), maxKeyColumns),
				"Drop it on the source, or exclude the table.",
			)
		}
		t.Uniques = append(t.Uniques, k)
	}
}

func (m *mapping) notNull(t *catalog.Table, columns []string) bool {
	return !slices.ContainsFunc(columns, func(n string) bool { c := t.Column(n); return c == nil || c.Nullable })
}

// keyed refuses large objects in keys.
func (m *mapping) keyed(t *catalog.Table, what string, columns []string) {
	for _, n := range columns {
		if c := t.Column(n); c != nil && isLOB(c.Type) {
			m.refuse(n, fmt.Sprintf("The column becomes %s, and HANA does not allow large objects in a key: %s.", c.Declared, strings.TrimSpace(what)),
				fmt.Sprintf("Limit the column to %d characters or bytes on the source, or exclude the table.", maxVarchar))
		}
	}
}

func (m *mapping) indexes(t *catalog.Table) {
	t.Indexes = nil
	for _, x := range m.source.Indexes {
		const fix = "Create an equivalent on the target after the migration where it is needed."
		large := slices.ContainsFunc(x.Columns, func(i catalog.IndexColumn) bool { c := t.Column(i.Name); return c == nil || isLOB(c.Type) })
		switch {
		case x.Special || len(x.Columns) == 0:
			m.converts("", fmt.Sprintf("Index %s is not migrated: it can only be expressed in %s.", x.Name, m.how.Engine), fix)
			continue
		case large && x.Unique:
			m.refuse(
				"",
				fmt.Sprintf("Unique index %s is on a column that becomes a large object, which HANA cannot index.", x.Name),
				"Exclude the table, or drop the index on the source.",
			)
			continue
		case large:
			m.converts("", fmt.Sprintf("Index %s is not migrated: HANA cannot index large objects.", x.Name), fix)
			continue
		case len(x.Columns) > maxKeyColumns:
			m.converts("", fmt.Sprintf("Index %s is not migrated: it has %d columns; HANA allows %d.", x.Name, len(x.Columns), maxKeyColumns), fix)
			continue
		}
		x.Definition = ""
		if !m.same {
			x.Name = fitName(x.Name, m.how.To.Name, "idx")
		}
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
		f.Table, f.Definition = to, ""
		f.OnDelete, f.OnUpdate = rule(f.OnDelete), rule(f.OnUpdate)
		if !m.same {
			f.Name = fitName(f.Name, m.how.To.Name, strings.Join(f.Columns, "_")+"_fkey")
			if strings.HasPrefix(f.Deferrable, "DEFERRABLE") && f.Deferrable != "DEFERRABLE INITIALLY DEFERRED" {
				f.Deferrable = ""
			}
		}
		t.ForeignKeys = append(t.ForeignKeys, f)
	}
}

func (m *mapping) checks(t *catalog.Table) {
	t.Checks = nil
	for _, c := range m.source.Checks {
		if m.same {
			t.Checks = append(t.Checks, c)
			continue
		}
		m.converts(
			"",
			fmt.Sprintf("Check %s is not migrated: its expression is in another engine's dialect.", cmp.Or(c.Name, c.Expression)),
			"Add it on the target after the migration.",
		)
	}
}

// partition cuts what may pass the server's limit of rows; a partition block of the target says otherwise.
func (m *mapping) partition(t *catalog.Table) {
	if m.same {
		return
	}
	if t.PartitionBy != "" {
		m.converts("", "The source's partitions are not migrated.", "Set the table's partitioning in a partition block of the target.")
	}
	t.PartitionBy, t.Partitions = "", nil
	if t.Rows <= rowsPerPartition {
		return
	}
	if t.Key == nil || !t.Key.Primary {
		m.converts(
			"",
			fmt.Sprintf("The table has %d rows and no key to partition by; the load would stop at 2,100,000,000 rows.", t.Rows),
			"Name columns in a partition block of the target.",
		)
		return
	}
	parts := (t.Rows + aimPerPartition - 1) / aimPerPartition
	t.PartitionBy = hashClause(t.Key.Columns, min(parts, 16_000))
}
