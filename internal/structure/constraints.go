package structure

import (
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// foreignKeys compares references. One that is there and does not hold for all rows, because
// it is NOT VALID or dropped during the load, is not the one that was asked for.
func (c *comparison) foreignKeys() {
	used := make([]bool, len(c.have.ForeignKeys))
	var missing []catalog.ForeignKey
	for _, w := range c.want.ForeignKeys {
		found := -1
		for i, h := range c.have.ForeignKeys {
			if !used[i] && c.sameForeignKey(w, h) && (found < 0 || c.SameName(w.Name, h.Name)) {
				found = i
			}
		}
		if found < 0 {
			missing = append(missing, w)
			continue
		}
		used[found] = true
	}
	for _, w := range missing {
		c.missingForeignKey(w, used)
	}
	if c.how.Foreign {
		return
	}
	for i, h := range c.have.ForeignKeys {
		if !used[i] && !slices.ContainsFunc(c.want.ForeignKeys, func(w catalog.ForeignKey) bool { return c.sameForeignKey(w, h) }) {
			c.extra(ForeignKey, h.Name, describeForeignKey(h))
		}
	}
}

func (c *comparison) missingForeignKey(w catalog.ForeignKey, used []bool) {
	alike := func(h catalog.ForeignKey) bool {
		return c.SameTable(w.Table, h.Table) && slices.EqualFunc(w.Columns, h.Columns, c.SameName)
	}
	over := func(h catalog.ForeignKey) bool { return w.Name != "" && c.SameName(w.Name, h.Name) || alike(h) }
	if i := slices.IndexFunc(c.have.Pending, over); i >= 0 {
		found := "NOT VALID"
		if c.how.Foreign && !c.have.Pending[i].Dropped {
			return // it was so before, and stays so
		}
		if c.have.Pending[i].Dropped {
			found = "dropped during the load"
		}
		c.missing(ForeignKey, w.Name, describeForeignKey(w), found)
		return
	}
	for i, h := range c.have.ForeignKeys {
		if !used[i] && over(h) {
			used[i] = true
			switch {
			case h.Disabled:
				c.differs(ForeignKey, w.Name, describeForeignKey(w), "disabled: rows are not checked")
			case !c.how.Foreign || !alike(h): // what becomes of its rows is its owner's decision
				c.differs(ForeignKey, w.Name, describeForeignKey(w), describeForeignKey(h))
			}
			return
		}
	}
	c.missing(ForeignKey, w.Name, describeForeignKey(w), "")
}

func (c *comparison) sameForeignKey(w, h catalog.ForeignKey) bool {
	return !h.Dropped && !h.Disabled && (w.NotValid || !h.NotValid) && c.SameForeignKey(w, h)
}

func describeForeignKey(f catalog.ForeignKey) string {
	s := "(" + strings.Join(f.Columns, ", ") + ") REFERENCES " + f.Table.String() + " (" + strings.Join(f.References, ", ") + ")"
	if f.Definition != "" {
		return s + " " + f.Definition
	}
	if f.OnDelete != "" {
		s += " ON DELETE " + f.OnDelete
	}
	if f.OnUpdate != "" {
		s += " ON UPDATE " + f.OnUpdate
	}
	if f.Deferrable != "" {
		s += " " + f.Deferrable
	}
	return s
}

// checks compares those that travel; from another engine none do.
func (c *comparison) checks() {
	if c.how.Foreign {
		return
	}
	used := make([]bool, len(c.have.Checks))
	var missing []catalog.Check
	for _, w := range c.want.Checks {
		found := -1
		for i, h := range c.have.Checks {
			if !used[i] && c.SameCheck(w, h) && (found < 0 || w.Name == h.Name) {
				found = i
			}
		}
		if found < 0 {
			missing = append(missing, w)
			continue
		}
		used[found] = true
	}
	for _, w := range missing {
		i := slices.IndexFunc(c.have.Checks, func(h catalog.Check) bool { return w.Name != "" && c.SameName(w.Name, h.Name) })
		if i >= 0 && !used[i] {
			used[i] = true
			c.differs(Check, w.Name, w.Expression, c.have.Checks[i].Expression)
			continue
		}
		c.missing(Check, w.Name, w.Expression, c.mismatch("constraint", w.Name))
	}
	for i, h := range c.have.Checks {
		if !used[i] {
			c.extra(Check, h.Name, h.Expression)
		}
	}
}

// partitions compares bounds and keys. One more than was asked for does no harm. Other
// engines' tables are not partitioned as the source's: that is the DBA's decision.
func (c *comparison) partitions() {
	if !c.how.Same {
		return
	}
	if !c.SameExpression(c.want.PartitionBy, c.have.PartitionBy) {
		c.either(PartitionKey, "", c.want.PartitionBy, c.have.PartitionBy)
	}
	have := make(map[catalog.Name]*catalog.Partition, len(c.have.Partitions))
	for i := range c.have.Partitions {
		have[c.have.Partitions[i].Name] = &c.have.Partitions[i]
	}
	for _, w := range c.want.Partitions {
		h := have[w.Name]
		switch {
		case h == nil:
			c.missing(Partition, w.Name.String(), describePartition(w), "")
		case !c.SamePartition(w, *h):
			c.differs(Partition, w.Name.String(), describePartition(w), describePartition(*h))
		}
	}
}

func describePartition(p catalog.Partition) string {
	s := "of " + p.Parent.String() + " " + p.Bound
	if p.PartitionBy != "" {
		s += " PARTITION BY " + p.PartitionBy
	}
	return s
}
