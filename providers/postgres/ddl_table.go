package postgres

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// createTable makes a table with its partitions, or compares the one that exists.
func (a *alteration) createTable(d providers.CreateTable) error {
	t := d.Table
	if have := a.tables[t.Name]; have != nil {
		if d.New {
			return providers.TableExists(opAlter, t.Name)
		}
		if difference := compare(t, have); difference != "" {
			return &providers.Error{Kind: providers.Exists, Op: opAlter, Table: t.Name,
				Err: fmt.Errorf("the table exists and differs: %s", difference), Fix: "Drop it, alter it, or use existing = \"recreate\"."}
		}
		return a.createPartitions(t, have)
	}
	if err := a.unoccupied(t.Name, t.Name, "table"); err != nil {
		return err
	}
	a.occupy(t.Name, "table", catalog.Name{})
	var parts []string
	var owned []statement
	for _, c := range t.Columns {
		if s := c.Sequence; s != nil && s.Name.Name != "" {
			if err := a.unoccupied(s.Name, t.Name, "sequence"); err != nil {
				return err
			}
			a.occupy(s.Name, "sequence", t.Name)
			if c.Identity == "" {
				a.add(t.Name, createSequence(*s))
				owned = append(owned, statement{"ALTER SEQUENCE " + quoteName(s.Name) + " OWNED BY " + quoteName(t.Name) + "." + quoteIdent(c.Name), t.Name})
			}
		}
		parts = append(parts, columnClause(c))
	}
	a.tables[t.Name] = t
	for _, c := range t.Checks {
		clause := "CHECK (" + c.Expression + ")"
		if c.Name != "" {
			clause = "CONSTRAINT " + quoteIdent(c.Name) + " " + clause
		}
		parts = append(parts, clause)
	}
	sql := "CREATE TABLE " + quoteName(t.Name) + " (" + strings.Join(parts, ", ") + ")"
	if t.PartitionBy != "" {
		sql += " PARTITION BY " + t.PartitionBy
	}
	a.create(ledger.KindTable, t.Name, sql)
	a.out = append(a.out, owned...)
	if err := a.createPartitions(t, &catalog.Table{}); err != nil {
		return err
	}
	if t.Comment != "" {
		a.add(t.Name, "COMMENT ON TABLE "+quoteName(t.Name)+" IS "+quoteLiteral(t.Comment))
	}
	return nil
}

// createPartitions makes the partitions that a table does not have. One is there where the
// table's own tree has it, under its name and parent, with its bound: a table that
// somebody else made under the name would take none of the rows.
func (a *alteration) createPartitions(t, have *catalog.Table) error {
	for _, p := range t.Partitions {
		if slices.ContainsFunc(have.Partitions, func(h catalog.Partition) bool { return exact.SamePartition(p, h) }) {
			continue
		}
		for _, h := range have.Partitions {
			if h.Name == p.Name || h.Parent == p.Parent && exact.SameExpression(h.Bound, p.Bound) {
				return taken(t.Name, partitionWords(p), partitionWords(h))
			}
		}
		if err := a.unoccupied(p.Name, t.Name, "partition"); err != nil {
			return err
		}
		a.occupy(p.Name, "table", p.Parent)
		sql := "CREATE TABLE " + quoteName(p.Name) + " PARTITION OF " + quoteName(p.Parent) + " " + p.Bound
		if p.PartitionBy != "" {
			sql += " PARTITION BY " + p.PartitionBy
		}
		a.create(ledger.KindTable, p.Name, sql)
	}
	return nil
}

func partitionWords(p catalog.Partition) string {
	s := fmt.Sprintf("partition %s of %s %s", p.Name, p.Parent, p.Bound)
	if p.PartitionBy != "" {
		s += " partitioned by " + p.PartitionBy
	}
	return s
}

// unoccupied says that no relation, nor a type of the kind that relations have, has a name.
func (x *existing) unoccupied(n, table catalog.Name, kind string) error {
	wanted := kind + " " + n.String()
	if n != table {
		wanted += " of table " + table.String()
	}
	if o, there := x.relations[n]; there {
		return taken(table, wanted, o.String())
	}
	if o, there := x.types[n]; there && kind != "sequence" {
		return taken(table, wanted, o.String())
	}
	return nil
}

func (x *existing) occupy(n catalog.Name, kind string, table catalog.Name) {
	o := occupant{Kind: kind, Name: n, Table: table}
	x.relations[n] = o
	if kind == "table" {
		x.types[n] = o
	}
}

func columnClause(c catalog.Column) string {
	sql := quoteIdent(c.Name) + " " + c.Declared
	if c.Collation != "" {
		sql += " COLLATE " + c.Collation
	}
	switch {
	case c.Generated != "" && c.Virtual:
		sql += " GENERATED ALWAYS AS (" + c.Generated + ") VIRTUAL"
	case c.Generated != "":
		sql += " GENERATED ALWAYS AS (" + c.Generated + ") STORED"
	case c.Identity != "":
		how := "BY DEFAULT"
		if c.Identity == catalog.IdentityAlways {
			how = "ALWAYS"
		}
		sql += " GENERATED " + how + " AS IDENTITY" + identityOptions(c)
	case c.Default != "":
		sql += " DEFAULT " + c.Default
	}
	if !c.Nullable {
		sql += " NOT NULL"
	}
	return sql
}

// identityOptions carries what the sequence behind an identity has, its name only
// where it comes from this engine.
func identityOptions(c catalog.Column) string {
	s := c.Sequence
	if s == nil || s.Increment == 0 {
		return ""
	}
	name := ""
	if s.Name.Name != "" {
		name = "SEQUENCE NAME " + quoteName(s.Name) + " "
	}
	return " (" + name + strings.TrimSpace(sequenceOptions(*s)) + ")"
}

func createSequence(s catalog.Sequence) string {
	sql := "CREATE SEQUENCE " + quoteName(s.Name)
	if s.DataType != "" {
		sql += " AS " + s.DataType
	}
	return sql + sequenceOptions(s)
}

func sequenceOptions(s catalog.Sequence) string {
	var b strings.Builder
	if s.Increment != 0 {
		fmt.Fprintf(&b, " INCREMENT %d", s.Increment)
	}
	if s.Min != 0 || s.Max != 0 {
		fmt.Fprintf(&b, " MINVALUE %d MAXVALUE %d", s.Min, s.Max)
	}
	fmt.Fprintf(&b, " START %d", s.Start)
	if s.Cache > 1 {
		fmt.Fprintf(&b, " CACHE %d", s.Cache)
	}
	if s.Cycle {
		b.WriteString(" CYCLE")
	}
	return b.String()
}

// compare says how an existing table differs from the wanted one, or "".
func compare(want, have *catalog.Table) string {
	for _, w := range want.Columns {
		h := have.Column(w.Name)
		switch {
		case h == nil:
			return fmt.Sprintf("it has no column %s", w.Name)
		case spelling(w) != spelling(*h):
			return fmt.Sprintf("column %s is %s, expected %s", w.Name, h.Declared, w.Declared)
		case w.Nullable && !h.Nullable:
			return fmt.Sprintf("column %s is NOT NULL", w.Name)
		case (w.Generated == "") != (h.Generated == ""):
			return fmt.Sprintf("column %s is generated on one side only", w.Name)
		case !exact.SameExpression(w.Generated, h.Generated):
			return fmt.Sprintf("column %s is generated by a different expression", w.Name)
		case w.Collation != "" && w.Collation != h.Collation:
			return fmt.Sprintf("column %s has collation %s, expected %s", w.Name, cmp.Or(h.Collation, "the type's collation"), w.Collation)
		}
	}
	for _, h := range have.Columns {
		if want.Column(h.Name) == nil && !h.Nullable && h.Default == "" && h.Generated == "" && h.Identity == "" {
			return fmt.Sprintf("column %s is NOT NULL and not in the plan", h.Name)
		}
	}
	if (want.PartitionBy == "") != (have.PartitionBy == "") {
		return "only one of them is partitioned"
	}
	if !exact.SameExpression(want.PartitionBy, have.PartitionBy) {
		return fmt.Sprintf("it is partitioned by %s, expected %s", have.PartitionBy, want.PartitionBy)
	}
	return ""
}

// spelling prints a type in one way, whether the server or this package spelled it.
func spelling(c catalog.Column) string {
	if c.UserType != nil {
		return quoteName(*c.UserType) + arraySuffix(c.Declared)
	}
	return c.Declared
}

// raise sets a sequence to at least the source's position, in its own direction.
func (a *alteration) raise(d providers.RaiseSequence) error {
	if !d.Sequence.Called && (d.Sequence.Last == 0 || d.Sequence.Last == d.Sequence.Start) {
		return nil
	}
	sequence := "to_regclass(" + quoteLiteral(quoteName(d.Sequence.Name)) + ")"
	table := d.Sequence.Name
	if d.Table != nil {
		table = d.Table.Name
		sequence = "pg_get_serial_sequence(" + quoteLiteral(quoteName(d.Table.Name)) + ", " + quoteLiteral(d.Column) + ")::regclass"
	}
	choose, beyond := "greatest", "<"
	if d.Sequence.Increment < 0 {
		choose, beyond = "least", ">"
	}
	if !d.Sequence.Called {
		a.add(table, fmt.Sprintf("SELECT setval(q.id, %d, false) FROM (SELECT %s AS id) q WHERE coalesce(pg_sequence_last_value(q.id) %s %[1]d, true)",
			d.Sequence.Last, sequence, beyond))
		return nil
	}
	// pg_sequence_last_value is NULL for one that was never called.
	a.add(table, fmt.Sprintf("SELECT setval(q.id, %s(coalesce(pg_sequence_last_value(q.id), %d), %d), true) FROM (SELECT %s AS id) q",
		choose, d.Sequence.Last, d.Sequence.Last, sequence))
	return nil
}
