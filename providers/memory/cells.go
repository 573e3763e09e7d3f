package memory

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// Cell is one value, as Arrow prints it. The zero Cell is an empty text.
type Cell struct {
	Null bool
	Text string
}

// Row is one row: a cell for each column.
type Row []Cell

func cellOf(a arrow.Array, i int) Cell {
	if a.IsNull(i) {
		return Cell{Null: true}
	}
	return Cell{Text: strings.Clone(a.ValueStr(i))} // the batch's memory is used again
}

func (c Cell) appendTo(b array.Builder) error {
	if c.Null {
		b.AppendNull()
		return nil
	}
	if s, ok := b.(array.StringLikeBuilder); ok { // takes "(null)" for what it is
		s.Append(c.Text)
		return nil
	}
	return b.AppendValueFromString(c.Text)
}

func wide(r Row) (n int64) {
	for _, c := range r {
		n += max(8, int64(len(c.Text)))
	}
	return n
}

func size(rows []Row) (n int64) {
	for _, r := range rows {
		n += wide(r)
	}
	return n
}

// compare orders a key's values: whole numbers as such, all else by their bytes.
func compare(key, bound []string, columns []catalog.Column) int {
	for i, b := range bound {
		c := cmp.Compare(key[i], b)
		if k := columns[i].Type.Kind; k == catalog.Int64 || k == catalog.Int32 || k == catalog.Int16 {
			x, _ := strconv.ParseInt(key[i], 10, 64)
			y, _ := strconv.ParseInt(b, 10, 64)
			c = cmp.Compare(x, y)
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// pick returns the texts of some columns of a row; whole is false where one is NULL.
func pick(r Row, at []int) (out []string, whole bool) {
	whole = true
	for _, j := range at {
		out, whole = append(out, r[j].Text), whole && !r[j].Null
	}
	return out, whole
}
