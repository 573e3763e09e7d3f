package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// StructureDigest identifies a table's structure: names, columns, types, keys,
// indexes, constraints, partitions. Row counts, sizes, files and sequence
// positions are no part of it, so that it only changes when somebody alters the table.
func (t *Table) StructureDigest() string {
	c := *t
	c.Rows, c.Bytes, c.File, c.ID, c.NotMigrated, c.Pending, c.Dependents, c.Comment, c.Definition = 0, 0, "", "", nil, nil, nil, "", ""
	if c.Columns == nil || slices.ContainsFunc(t.Columns, Column.moves) { // of 100,000 tables few have any
		c.Columns = append(make([]Column, 0, len(t.Columns)), t.Columns...)
	}
	for i := range c.Columns {
		if !c.Columns[i].moves() {
			continue
		}
		c.Columns[i].Bounds, c.Columns[i].Conversion = Bounds{}, ""
		if s := c.Columns[i].Sequence; s != nil {
			still := *s
			still.Last, still.Called = 0, false
			c.Columns[i].Sequence = &still
		}
	}
	if slices.ContainsFunc(t.ForeignKeys, func(f ForeignKey) bool { return f.Disabled }) {
		c.ForeignKeys = slices.Clone(t.ForeignKeys)
		for i := range c.ForeignKeys {
			c.ForeignKeys[i].Disabled = false
		}
	}
	c.Partitions = make([]Partition, len(t.Partitions))
	copy(c.Partitions, t.Partitions)
	for i := range c.Partitions {
		c.Partitions[i].Rows, c.Partitions[i].Bytes, c.Partitions[i].File = 0, 0, ""
	}
	return hash(c)
}

// moves says whether the column holds what is not part of a structure.
func (c Column) moves() bool {
	return c.Bounds != (Bounds{}) || c.Conversion != "" || c.Sequence != nil
}

// FileIdentity names the stored rows of a table and of all its leaves: another
// one means that the table was rewritten or truncated.
func (t *Table) FileIdentity() string {
	if len(t.Partitions) == 0 {
		return t.File
	}
	files := []string{t.File}
	for _, p := range t.Partitions {
		files = append(files, p.Name.String()+"="+p.File)
	}
	return hash(files)
}

func hash(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("catalog: marshal: " + err.Error()) // plain data always marshals
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}
