package catalog

import "slices"

// By is what the cuts between the ranges of a table follow.
type By string

// Ways to cut a table. A Range has none of the last two: it is the whole table then, and By is "".
const (
	ByKey       By = "key"
	ByRowID     By = "rowid"
	ByPartition By = "partition"
	ByAuto      By = "auto" // the provider chooses
	ByNone      By = "none" // the table stays whole
)

// Ways returns all of them.
func Ways() []By { return []By{ByAuto, ByKey, ByRowID, ByPartition, ByNone} }

// Whole is the range of all rows, with the table's estimates.
func (t *Table) Whole() Range { return Range{Rows: t.Rows, Bytes: t.Bytes} }

// Keyed says whether every row has a key: its columns are there and NOT NULL.
func (t *Table) Keyed() bool {
	return t.Key != nil && len(t.Key.Columns) > 0 && !slices.ContainsFunc(t.Key.Columns, func(n string) bool {
		c := t.Column(n)
		return c == nil || c.Nullable
	})
}

// KeyColumns are the columns of the key, none where there is none.
func (t *Table) KeyColumns() []string {
	if t.Key == nil {
		return nil
	}
	return t.Key.Columns
}

// Leaves makes a range of each leaf partition. A table without leaves is one range.
func (t *Table) Leaves() []Range {
	var out []Range
	for _, p := range t.Partitions {
		if p.Leaf() {
			name := p.Name
			out = append(out, Range{By: ByPartition, Partition: &name, Rows: p.Rows, Bytes: p.Bytes})
		}
	}
	if len(out) == 0 {
		return []Range{t.Whole()}
	}
	return out
}

// Cut cuts an open range at ascending bounds of the columns; row ids have none. The parts share
// its estimates evenly. Without a bound it is the range itself.
func (r Range) Cut(by By, columns []string, bounds [][]string) []Range {
	n := len(bounds) + 1
	if n == 1 {
		return []Range{r}
	}
	out := make([]Range, n)
	for i := range out {
		part := r
		part.By, part.Columns, part.Rows, part.Bytes = by, columns, portion(r.Rows, i, n), portion(r.Bytes, i, n)
		if i > 0 {
			part.Lower = bounds[i-1]
		}
		if i < n-1 {
			part.Upper = bounds[i]
		}
		out[i] = part
	}
	return out
}

// portion is part i of n of a total, so that all parts make it up; an unknown one stays unknown.
func portion(total int64, i, n int) int64 {
	if total < 0 {
		return -1
	}
	s := total / int64(n)
	if int64(i) < total%int64(n) {
		s++
	}
	return s
}

// Quantiles returns the bounds between so many parts of a sorted sample: fewer where values repeat.
func Quantiles(sample [][]string, parts int) [][]string {
	var bounds [][]string
	for i := 1; i < parts && len(sample) > 0; i++ {
		b := sample[min(len(sample)*i/parts, len(sample)-1)]
		if len(bounds) == 0 || !slices.Equal(bounds[len(bounds)-1], b) {
			bounds = append(bounds, b)
		}
	}
	return bounds
}
