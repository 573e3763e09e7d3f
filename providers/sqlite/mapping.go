package sqlite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// mapper builds one table of a target.
type mapper struct {
	source *catalog.Table
	how    providers.MapOptions
	out    providers.Mapping
}

// mapTable says what a table becomes in SQLite.
func mapTable(source *catalog.Table, how providers.MapOptions) providers.Mapping {
	m := &mapper{source: source, how: how}
	m.names()
	m.out.Table = &catalog.Table{Name: how.To, Rows: source.Rows, Bytes: source.Bytes, Comment: source.Comment}
	if how.Engine == engine {
		m.same()
	} else {
		m.other()
	}
	return m.out
}

func (m *mapper) converts(column, fix, format string, args ...any) {
	m.out.Conversions = append(m.out.Conversions, providers.Conversion{Table: m.source.Name, Column: column, What: fmt.Sprintf(format, args...), Fix: fix})
}

func (m *mapper) refuse(column, fix, format string, args ...any) {
	m.out.Refusals = append(m.out.Refusals, providers.Conversion{Table: m.source.Name, Column: column, What: fmt.Sprintf(format, args...), Fix: fix})
}

// names refuses what SQLite cannot call a table or a column. It compares without case.
func (m *mapper) names() {
	const rename = "Give the table a different name with a rename block."
	to := fold(m.how.To.Name)
	if strings.HasPrefix(to, "sqlite_") {
		m.refuse("", rename, "SQLite reserves names that begin with sqlite_.")
	}
	if ledgerTables()[to] != "" {
		m.refuse("", rename, "This name is reserved for dmoctl's ledger.")
	}
	seen := make(map[string]string)
	for _, c := range m.source.Columns {
		if strings.ContainsRune(c.Name, 0) {
			m.refuse(c.Name, "", "Names with U+0000 are not possible.")
		}
		if other, ok := seen[fold(c.Name)]; ok {
			m.refuse(c.Name, "Rename one of the two columns in the source.", "SQLite ignores the case of names: column %s has the same name.", other)
		}
		seen[fold(c.Name)] = c.Name
	}
}

// same keeps SQLite's own spelling. Types whose values SQLite does not normalise
// travel in its own form, so that every value arrives as it was stored.
func (m *mapper) same() {
	t := *m.source
	t.Name = m.how.To
	t.File, t.NotMigrated, t.Children = "", nil, nil
	normal := func(c catalog.Column) bool {
		switch c.Type.Kind {
		case catalog.Int64, catalog.Float64, catalog.String, catalog.Text, catalog.Blob, catalog.Native:
			return true
		}
		return false
	}
	if i := slices.IndexFunc(t.Columns, func(c catalog.Column) bool { return !normal(c) }); i >= 0 {
		t.Columns = slices.Clone(t.Columns)
		for ; i < len(t.Columns); i++ {
			if c := &t.Columns[i]; !normal(*c) {
				c.Type, c.Loose = native(c.Declared), false
			}
		}
	}
	for _, c := range t.Columns {
		if m.how.Policies.TrimsBlanks(c) {
			m.converts(
				c.Name,
				"Set DEFAULT '' on the target after the migration.",
				"Its blanks are trimmed because of blank = \"abap\", and its default stays ' '.",
			)
		}
	}
	lost := false
	t.ForeignKeys = nil
	for _, f := range m.source.ForeignKeys {
		if to, ok := m.how.Names[f.Table]; ok {
			f.Table = to
			t.ForeignKeys = append(t.ForeignKeys, f)
			continue
		}
		lost = true
		m.converts(f.Columns[0], "", "Its foreign key to %s is not migrated: that table is not migrated.", f.Table)
	}
	t.Indexes = slices.Clone(m.source.Indexes)
	lost = m.withoutCode(&t) || lost
	t.Definition = ""
	if m.source.Definition != "" && !lost {
		if t.Definition = m.rewritten(); t.Definition == m.source.Definition {
			t.Definition = m.source.Definition // held once
		}
	}
	for i := range t.Indexes {
		t.Indexes[i].Definition = rewriteIndex(t.Indexes[i].Definition, t.Indexes[i].Name, m.how.To.Name)
	}
	if k := m.source.Key; k != nil && k.Definition != "" {
		moved := *k
		moved.Definition = rewriteIndex(k.Definition, k.Name, m.how.To.Name)
		t.Key = &moved
	}
	m.out.Table = &t
}

func (m *mapper) rewritten() string {
	return parse(m.source.Definition).rewrite(m.how.To.Name, func(parent string) string {
		for source, target := range m.how.Names {
			if !sameName(source.Name, parent) {
				continue
			}
			if target.Name == source.Name {
				return parent // as it was spelled
			}
			return target.Name
		}
		return parent
	})
}

// other makes a table of neutral types.
func (m *mapper) other() {
	t := m.out.Table
	for _, c := range m.source.Columns {
		t.Columns = append(t.Columns, m.column(c))
	}
	if m.source.Key != nil {
		k := *m.source.Key
		k.Name, k.Definition = allowed(k.Name), ""
		t.Key = &k
	}
	for _, k := range m.source.Uniques {
		k.Definition = ""
		t.Uniques = append(t.Uniques, k)
	}
	for _, x := range m.source.Indexes {
		if x.Special || len(x.Columns) == 0 {
			m.converts(
				"",
				"Create an equivalent on the target after the migration.",
				"Index %s is not migrated: it can only be expressed in %s.",
				x.Name,
				m.how.Engine,
			)
			continue
		}
		x.Name, x.Definition = allowed(x.Name), ""
		t.Indexes = append(t.Indexes, x)
	}
	for _, f := range m.source.ForeignKeys {
		to, ok := m.how.Names[f.Table]
		if !ok {
			m.converts(f.Columns[0], "", "Foreign key %s is not migrated: table %s is not migrated.", f.Name, f.Table)
			continue
		}
		f.Table, f.Definition = to, ""
		t.ForeignKeys = append(t.ForeignKeys, f)
	}
	for _, x := range m.source.Checks {
		m.converts("", "Add it on the target after the migration.", "Check %s is not migrated: its expression is in the dialect of %s.", x.Name, m.how.Engine)
	}
	if m.source.PartitionBy != "" {
		m.converts("", "", "Its %d partitions become one table.", len(m.source.Partitions))
	}
}

// allowed is a name that SQLite does not keep for itself.
func allowed(name string) string {
	if strings.HasPrefix(fold(name), "sqlite_") {
		return "_" + name
	}
	return name
}

// column maps one column of another engine.
func (m *mapper) column(c catalog.Column) catalog.Column {
	c = m.how.EmptyDefault(c)
	out := catalog.Column{Name: c.Name, Nullable: c.Nullable}
	from, conversion := m.how.Numbers(c)
	if conversion.What != "" {
		m.converts(conversion.Column, conversion.Fix, "%s", conversion.What)
	}
	out.Type, out.Declared = spelled(from)
	out.Loose = out.Type.Length > 0
	out.Bounds = bounds(out.Type)
	if out.Declared == "" {
		m.refuse(c.Name, "Exclude the table.", "Type %s cannot be migrated to SQLite.", c.Type)
		out.Type = c.Type
	}
	if c.Generated != "" {
		m.refuse(c.Name, "Drop it on the source and generate it on the target after the migration, or make it a plain column, or exclude the table.",
			"The expression of the generated column is in the dialect of %s.", m.how.Engine)
	}
	if c.UserType != nil && slices.ContainsFunc(m.how.Types, func(u catalog.UserType) bool { return u.Name == *c.UserType && u.Kind == "enum" }) {
		m.converts(c.Name, "", "The enum %s becomes text without restrictions.", c.UserType)
	}
	if c.Collation != "" {
		m.converts(c.Name, "", "Its collation %s is not migrated: SQLite compares bytes.", c.Collation)
	}
	if c.Identity != "" {
		m.identity(c, &out)
	} else if c.Default != "" {
		if d, ok := constant(c.Default, c.Type.Kind); ok {
			out.Default = d
		} else {
			m.converts(c.Name, "Set it on the target after the migration.",
				"Its default is not migrated: its expression is in the dialect of %s.", m.how.Engine)
		}
	}
	return out
}

// identity carries a generator of numbers where SQLite has one: an integer that is the whole primary key.
func (m *mapper) identity(c catalog.Column, out *catalog.Column) {
	k := m.source.Key
	if k == nil || !k.Primary || len(k.Columns) != 1 || k.Columns[0] != c.Name || out.Type.Kind != catalog.Int64 {
		m.converts(c.Name, "", "Its identity is not migrated: SQLite allows it only for a primary key of one integer column.")
		return
	}
	out.Identity, out.Sequence, out.Declared = "autoincrement", c.Sequence, "INTEGER"
}

// spelled returns the type and the declared name of another engine's neutral type.
// neutral reads the names back as the same types.
func spelled(t catalog.Type) (catalog.Type, string) {
	plain := map[catalog.Kind]struct {
		kind     catalog.Kind
		declared string
	}{
		catalog.Bool: {catalog.Bool, "BOOLEAN"}, catalog.Int16: {catalog.Int64, "SMALLINT"}, catalog.Int32: {catalog.Int64, "INTEGER"},
		catalog.Int64: {catalog.Int64, "BIGINT"}, catalog.Float32: {catalog.Float64, "FLOAT"}, catalog.Float64: {catalog.Float64, "DOUBLE"},
		catalog.Number: {catalog.Number, "NUMBER_TEXT"}, catalog.Text: {catalog.Text, "TEXT"}, catalog.Blob: {catalog.Blob, "BLOB"},
		catalog.Date: {catalog.Date, "DATE"}, catalog.UUID: {catalog.UUID, "UUID"}, catalog.JSON: {catalog.JSON, "JSON_TEXT"},
	}
	if p, ok := plain[t.Kind]; ok {
		return catalog.Type{Kind: p.kind}, p.declared
	}
	switch t.Kind {
	case catalog.Decimal:
		return t, fmt.Sprintf("DECIMAL_TEXT(%d,%d)", t.Precision, t.Scale)
	case catalog.String, catalog.Char:
		return sized(catalog.String, "VARCHAR", t.Length)
	case catalog.Binary:
		return sized(catalog.Binary, "VARBINARY", t.Length)
	case catalog.Time:
		return t, fmt.Sprintf("TIME(%d)", t.Precision)
	case catalog.Timestamp, catalog.Timestamp9:
		return t, fmt.Sprintf("TIMESTAMP(%d)", t.Precision)
	case catalog.TimestampTZ:
		return t, fmt.Sprintf("TIMESTAMPTZ(%d)", t.Precision)
	}
	return t, ""
}

func sized(kind catalog.Kind, name string, length int) (catalog.Type, string) {
	if length > 0 {
		name += fmt.Sprintf("(%d)", length)
	}
	return catalog.Type{Kind: kind, Length: length}, name
}

// bounds are the values that SQLite does not keep.
func bounds(t catalog.Type) catalog.Bounds {
	switch t.Kind {
	case catalog.Float64:
		// A column of REAL affinity stores whole numbers as integers.
		return catalog.Bounds{NoNaN: true, NoNegativeZero: true}
	case catalog.Date, catalog.Timestamp, catalog.TimestampTZ, catalog.Timestamp9:
		return catalog.Bounds{NoInfinity: true, MinYear: 1, MaxYear: 9999}
	case catalog.Number:
		return catalog.Bounds{NoNaN: true, NoInfinity: true}
	}
	return catalog.Bounds{}
}

// constant returns a default that SQLite writes the same way.
func constant(expression string, kind catalog.Kind) (string, bool) {
	e := strings.TrimSpace(expression)
	if head, cast, ok := strings.Cut(e, "::"); ok && !strings.ContainsAny(cast, "'(:") || ok && strings.HasSuffix(cast, ")") {
		e = strings.TrimSpace(head)
	}
	switch strings.ToUpper(e) {
	case "NULL":
		return "NULL", true
	case "TRUE":
		return "1", kind == catalog.Bool
	case "FALSE":
		return "0", kind == catalog.Bool
	}
	if s, ok := unquote(e); ok {
		if kind == catalog.Bool || kind == catalog.Binary || kind == catalog.Blob {
			return "", false
		}
		return literal(s), true
	}
	tokens := tokenize(strings.TrimPrefix(e, "-"))
	return e, len(tokens) == 1 && tokens[0].kind == number && !strings.ContainsAny(e, "xX")
}
