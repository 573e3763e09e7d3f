package memdb

import (
	"cmp"
	"slices"
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

// CellOf is a value of an array. It keeps nothing of it.
func CellOf(a arrow.Array, i int) Cell {
	if a.IsNull(i) {
		return Cell{Null: true}
	}
	return Cell{Text: strings.Clone(a.ValueStr(i))}
}

// AppendTo adds the value to an array.
func (c Cell) AppendTo(b array.Builder) error {
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

// Row is one row: a cell for each column.
type Row []Cell

// Size is about how many bytes rows take.
func Size(rows ...Row) (n int64) {
	for _, r := range rows {
		for _, c := range r {
			n += max(8, int64(len(c.Text)))
		}
	}
	return n
}

// Indexes finds columns by name; missing ones are left out.
func Indexes(t *catalog.Table, names []string) (at []int) {
	for _, name := range names {
		if i := slices.IndexFunc(t.Columns, func(c catalog.Column) bool { return c.Name == name }); i >= 0 {
			at = append(at, i)
		}
	}
	return at
}

// Places finds the columns that are copied.
func Places(t *catalog.Table, copied []catalog.Column) []int {
	var names []string
	for _, c := range copied {
		names = append(names, c.Name)
	}
	return Indexes(t, names)
}

// Pick returns the texts of some columns of a row; whole is false where one is NULL.
func Pick(r Row, at []int) (out []string, whole bool) {
	whole = true
	for _, j := range at {
		out, whole = append(out, r[j].Text), whole && !r[j].Null
	}
	return out, whole
}

// keys returns what each row is found by, its values of some columns or its place, and the order of that.
func (t *Table) keys(columns []string) (keys [][]string, compare func(a, b []string) int) {
	at := Indexes(&t.Table, columns)
	for i, r := range t.Rows {
		k := []string{strconv.Itoa(i)}
		if len(columns) > 0 {
			k, _ = Pick(r, at)
		}
		keys = append(keys, k)
	}
	return keys, func(a, b []string) int {
		for i := range b {
			c := cmp.Compare(a[i], b[i])
			if len(at) == 0 || whole(t.Columns[at[i]].Type.Kind) {
				x, _ := strconv.ParseInt(a[i], 10, 64)
				y, _ := strconv.ParseInt(b[i], 10, 64)
				c = cmp.Compare(x, y)
			}
			if c != 0 {
				return c
			}
		}
		return 0
	}
}

func whole(k catalog.Kind) bool {
	return k == catalog.Int64 || k == catalog.Int32 || k == catalog.Int16
}

// Keys are the values of some columns in all rows, or without columns their places, in order.
func (t *Table) Keys(columns []string) [][]string {
	keys, compare := t.keys(columns)
	slices.SortFunc(keys, compare)
	return keys
}

// Range returns the rows from lower on and below upper; empty bounds are none.
func (t *Table) Range(columns, lower, upper []string) (out []Row) {
	keys, compare := t.keys(columns)
	for i, k := range keys {
		if compare(k, lower) >= 0 && (len(upper) == 0 || compare(k, upper) < 0) {
			out = append(out, t.Rows[i])
		}
	}
	return out
}

// values calls each with the values of some columns, row by row, as one text.
func (t *Table) values(columns []string, each func(text string, whole bool) error) error {
	at := Indexes(&t.Table, columns)
	for _, r := range t.Rows {
		v, whole := Pick(r, at)
		if err := each(strings.Join(v, "\x1f"), whole); err != nil {
			return err
		}
	}
	return nil
}

// unique holds the rows of a table against its keys and unique indexes.
func (t *Table) unique() error {
	keys := catalog.KeysOf(&t.Table)
	for _, x := range t.Indexes {
		if x.Unique {
			k := catalog.Key{Name: x.Name}
			for _, c := range x.Columns {
				k.Columns = append(k.Columns, c.Name)
			}
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		seen := make(map[string]bool)
		err := t.values(k.Columns, func(text string, whole bool) error {
			if whole && seen[text] || !whole && k.Primary {
				return &Error{Kind: Violated, Table: t.Name, Key: text, text: "key " + k.Name + " is violated"}
			}
			seen[text] = whole
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// broken holds the rows of a table against its keys and foreign keys.
func (d *Data) broken(t *Table) error {
	for _, f := range t.ForeignKeys {
		parent := d.Tables[f.Table]
		if f.Table == t.Name {
			parent = t
		}
		if parent == nil {
			return fail(NotFound, t.Name, "there is no table %s", f.Table)
		}
		there := make(map[string]bool)
		_ = parent.values(f.References, func(text string, _ bool) error { there[text] = true; return nil })
		err := t.values(f.Columns, func(text string, whole bool) error {
			if whole && !there[text] {
				return &Error{Kind: Violated, Table: t.Name, Key: text, text: f.Name + " refers to no row"}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return t.unique()
}

func (d *Data) insert(n catalog.Name, columns int, rows []Row) error {
	if t := d.Tables[n]; t == nil || len(t.Columns) != columns {
		return fail(NotFound, n, "there is no such table")
	}
	d.Change(n, func(t *Table) { t.Rows = slices.Concat(t.Rows, rows) })
	return d.Tables[n].unique()
}

// Empty empties tables as TRUNCATE does. It refuses where rows of a table refer to them that is not in with.
func (d *Data) Empty(tables, with []*catalog.Table) error {
	among := func(list []*catalog.Table, n catalog.Name) bool {
		return slices.ContainsFunc(list, func(t *catalog.Table) bool { return t.Name == n })
	}
	for _, t := range d.Tables {
		for _, f := range t.ForeignKeys {
			if d.Options.InlineKeys || !among(tables, f.Table) || among(with, t.Name) {
				continue
			}
			err := t.values(f.Columns, func(_ string, whole bool) error {
				if whole {
					return fail(Violated, f.Table, "rows of %s refer to it", t.Name)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	for _, t := range tables {
		d.Change(t.Name, func(t *Table) {
			t.Rows, t.File = nil, d.file()
		})
	}
	return nil
}
