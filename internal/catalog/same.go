package catalog

import "slices"

// Comparison says whether two objects of two catalogs are the same by what they do: what
// they are called plays no part, except for the columns and tables that they are about.
// The first argument is the wanted object, as a mapping made it; it may come from
// another engine and then has no Definition. The second was read from a database. Which
// table they belong to is for the caller to compare.
type Comparison struct {
	// IgnoreCase: names that differ in the case of ASCII letters only are one, and may
	// be quoted by backticks and brackets, as in SQLite.
	IgnoreCase bool
}

// SameName compares names of columns, tables and constraints.
func (c Comparison) SameName(a, b string) bool { return c.fold(a) == c.fold(b) }

// SameTable compares names of tables.
func (c Comparison) SameTable(a, b Name) bool {
	return c.SameName(a.Schema, b.Schema) && c.SameName(a.Name, b.Name)
}

func (c Comparison) sameNames(a, b []string) bool { return slices.EqualFunc(a, b, c.SameName) }

// SameExpression compares SQL of one dialect: blanks, comments and the quotes around
// names are no difference, nor is what a server respells when it reads its own words.
func (c Comparison) SameExpression(a, b string) bool {
	return a == b || slices.Equal(c.normal(c.tokens(a)), c.normal(c.tokens(b)))
}

// SameIndex compares secondary indexes.
func (c Comparison) SameIndex(want, have Index) bool {
	if want.Unique != have.Unique {
		return false
	}
	if want.Definition != "" && have.Definition != "" {
		return c.sameDefinition(want.Definition, have.Definition)
	}
	return !want.Special && !have.Special && len(want.Columns) > 0 &&
		slices.EqualFunc(want.Columns, have.Columns, func(x, y IndexColumn) bool { return x.Desc == y.Desc && c.SameName(x.Name, y.Name) })
}

// SameKey compares primary keys and unique constraints. A unique index is a unique
// constraint only where the wanted one has no definition, and so is of no engine.
func (c Comparison) SameKey(want, have Key) bool {
	if want.Primary != have.Primary || !c.sameNames(want.Columns, have.Columns) {
		return false
	}
	switch {
	case want.Definition == "" && have.Definition == "":
		return true
	case want.Definition == "":
		return c.plainKey(have)
	case have.Definition == "":
		return c.plainKey(want)
	}
	return want.Index == have.Index && c.sameDefinition(want.Definition, have.Definition)
}

// sameDefinition compares definitions of indexes and keys.
func (c Comparison) sameDefinition(a, b string) bool {
	return a == b || slices.Equal(c.normal(c.indexed(a)), c.normal(c.indexed(b)))
}

// plainKey says whether a key's definition holds nothing but its columns.
func (c Comparison) plainKey(k Key) bool {
	have := c.indexed(k.Definition)
	for _, kind := range [][]string{{"unique"}, {"primary", "key"}} {
		if len(have) > len(kind) && slices.Equal(c.lowered(have[:len(kind)]), kind) {
			have = have[len(kind):]
			break
		}
	}
	list := []string{"("}
	for i, n := range k.Columns {
		if i > 0 {
			list = append(list, ",")
		}
		list = append(list, c.name(n))
	}
	return slices.Equal(have, append(list, ")"))
}

// SameForeignKey compares references.
func (c Comparison) SameForeignKey(want, have ForeignKey) bool {
	references := len(want.References) == 0 || len(have.References) == 0 || c.sameNames(want.References, have.References)
	if !references || !c.sameNames(want.Columns, have.Columns) || !c.SameTable(want.Table, have.Table) ||
		want.OnDelete != have.OnDelete || want.OnUpdate != have.OnUpdate || want.Deferrable != have.Deferrable {
		return false
	}
	// What only a definition says: MATCH FULL, and the columns of SET NULL.
	if want.Definition != "" && have.Definition != "" {
		return c.SameExpression(want.Definition, have.Definition)
	}
	rest := c.tokens(want.Definition + have.Definition)
	return !slices.Contains(rest, "(") && !slices.Contains(c.lowered(rest), "match")
}

// SameCheck compares check constraints.
func (c Comparison) SameCheck(want, have Check) bool {
	return c.SameExpression(want.Expression, have.Expression)
}

// SameSequence compares generators of numbers, except for their position, where they
// would start again, and how many numbers a session takes at once. Of the wanted one, zero is any.
func (c Comparison) SameSequence(want, have Sequence) bool {
	step := func(s Sequence) int64 {
		if s.Increment == 0 {
			return 1
		}
		return s.Increment
	}
	bounds := want.Min == 0 && want.Max == 0 || want.Min == have.Min && want.Max == have.Max
	typed := want.DataType == "" || have.DataType == "" || want.DataType == have.DataType
	return bounds && typed && step(want) == step(have) && want.Cycle == have.Cycle
}

// SameType compares enums and domains: the labels in order; base type, default, NOT NULL
// and the checks, in any order and whatever they are called.
func (c Comparison) SameType(want, have UserType) bool {
	return want.Kind == have.Kind && slices.Equal(want.Labels, have.Labels) &&
		slices.EqualFunc(c.clauses(want.Definition), c.clauses(have.Definition), slices.Equal)
}

// SamePartition compares partitions of one table, whose names are theirs as the table's own is.
func (c Comparison) SamePartition(want, have Partition) bool {
	return c.SameTable(want.Name, have.Name) && c.SameTable(want.Parent, have.Parent) &&
		c.SameExpression(want.Bound, have.Bound) && c.SameExpression(want.PartitionBy, have.PartitionBy)
}
