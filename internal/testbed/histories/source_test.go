package histories_test

import (
	"fmt"
	"slices"
	"strconv"

	"pgregory.net/rapid"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/memdb"
)

// Columns of every table, by place; more may follow.
const (
	colID  = 0 // key, where there is one
	colRef = 1 // refers to another table's id, where there is such a foreign key
	colU   = 2 // a unique constraint or a unique index may be over it
	colV   = 3
)

func sourceName(table string) catalog.Name { return catalog.Name{Schema: sourceSchema, Name: table} }

func text(format string, args ...any) memdb.Cell {
	return memdb.Cell{Text: fmt.Sprintf(format, args...)}
}

// drawTable makes a table with rows. It may refer to one of others.
func drawTable(t *rapid.T, d *memdb.Data, name string, others []string) *memdb.Table {
	tb := &memdb.Table{}
	tb.Name = sourceName(name)
	tb.Columns = []catalog.Column{
		{Name: "id", Type: catalog.Type{Kind: catalog.Int64}, Declared: "bigint"},
		{Name: "ref", Type: catalog.Type{Kind: catalog.Int64}, Declared: "bigint", Nullable: true},
		{Name: "u", Type: catalog.Type{Kind: catalog.String, Length: 20}, Declared: "varchar(20)"},
		{Name: "v", Type: catalog.Type{Kind: catalog.String, Length: 40}, Declared: "varchar(40)", Nullable: true, Default: "'x'"},
	}
	shape := rapid.IntRange(0, 31).Draw(t, "shape of "+name)
	if shape&16 == 0 || len(others) == 0 {
		tb.Key = &catalog.Key{Name: name + "_pkey", Columns: []string{"id"}, Primary: true}
		if shape&1 != 0 {
			tb.Columns[colID].Identity = "default"
			tb.Columns[colID].Sequence = &catalog.Sequence{Name: sourceName(name + "_id_seq"), Increment: 1, Start: 1, Min: 1, Max: 1 << 40, Last: 1}
		}
	}
	if shape&2 != 0 {
		tb.Uniques = []catalog.Key{{Name: name + "_u_key", Columns: []string{"u"}}}
	}
	if shape&4 != 0 {
		tb.Indexes = []catalog.Index{{Name: name + "_v", Columns: []catalog.IndexColumn{{Name: "v"}}}}
	}
	if shape&8 != 0 && len(others) > 0 {
		to := rapid.SampledFrom(others).Draw(t, "parent of "+name)
		if p := d.Tables[sourceName(to)]; p != nil && p.Key != nil {
			tb.ForeignKeys = []catalog.ForeignKey{{Name: name + "_ref_fkey", Columns: []string{"ref"}, Table: p.Name, References: []string{"id"}}}
		}
	}
	d.Put(tb)
	for range rapid.IntRange(0, 6).Draw(t, "rows of "+name) {
		insert(d, name)
	}
	return d.Tables[tb.Name]
}

// insert adds a row as an application does: with the next number, and a reference to a row that is there.
func insert(d *memdb.Data, table string) {
	t := d.Tables[sourceName(table)]
	if t == nil {
		return
	}
	id := next(t)
	row := memdb.Row{text("%d", id), {Null: true}, text("u%d", id), text("v%d", id)}
	for _, f := range t.ForeignKeys {
		if p := d.Tables[f.Table]; p != nil && len(p.Rows) > 0 && id%3 > 0 {
			row[colRef] = p.Rows[int(id)%len(p.Rows)][colID]
		}
	}
	for len(row) < len(t.Columns) {
		row = append(row, memdb.Cell{Null: true})
	}
	d.Change(t.Name, func(t *memdb.Table) {
		t.Rows = append(slices.Clip(t.Rows), row)
		if q := t.Columns[colID].Sequence; q != nil {
			after := *q
			after.Last, after.Called = id, true
			t.Columns[colID].Sequence = &after
		}
	})
}

// next is the number that the table's next row gets, by its sequence or else its largest.
func next(t *memdb.Table) int64 {
	if q := t.Columns[colID].Sequence; q != nil {
		if !q.Called {
			return q.Last
		}
		return q.Last + q.Increment
	}
	most := int64(0)
	for _, r := range t.Rows {
		if n, err := strconv.ParseInt(r[colID].Text, 10, 64); err == nil {
			most = max(most, n)
		}
	}
	return most + 1
}

// referred says whether rows of the database refer to a row of the table.
func referred(d *memdb.Data, t *memdb.Table, row memdb.Row) bool {
	for _, other := range d.Tables {
		for _, f := range other.ForeignKeys {
			if f.Table == t.Name && slices.ContainsFunc(other.Rows, func(r memdb.Row) bool { return r[colRef] == row[colID] }) {
				return true
			}
		}
	}
	return false
}

// tables returns the names of the source's tables as they are now.
func (w *fixture) tables() []string { return tablesOf(w.source.Data()) }

func tablesOf(d *memdb.Data) (out []string) {
	for n := range d.Tables {
		out = append(out, n.Name)
	}
	slices.Sort(out)
	return out
}

// change changes the source as its application does.
func (w *fixture) change(f func(d *memdb.Data)) {
	w.source.Do(f)
	w.versions = append(w.versions, w.source.Data())
	w.unquiet = w.unquiet || w.spec.Quiet
}

// changeSource draws one change of rows or, where that is allowed, of structure.
func (w *fixture) changeSource(structures bool) {
	kinds := []string{"insert", "insert", "update", "delete", "sequence"}
	if structures {
		kinds = append(kinds, "column", "index", "drop index", "table", "drop table", "truncate")
	}
	w.changeOf(rapid.SampledFrom(kinds).Draw(w.t, "change"))
}

// changeOf draws where a change of a kind is made.
func (w *fixture) changeOf(kind string) {
	all := w.tables()
	if len(all) == 0 || len(all) == 1 && kind == "drop table" {
		kind = "table" // a source without a table is refused
	}
	table := ""
	if kind != "table" {
		table = rapid.SampledFrom(all).Draw(w.t, "table")
	}
	n := rapid.IntRange(0, 5).Draw(w.t, "row")
	w.logf("source: %s %s %d", kind, table, n)
	w.change(func(d *memdb.Data) { w.changeIn(d, kind, table, n) })
}

func (w *fixture) changeIn(d *memdb.Data, kind, table string, n int) {
	name := sourceName(table)
	switch kind {
	case "insert":
		insert(d, table)
	case "update":
		d.Change(name, func(t *memdb.Table) {
			if len(t.Rows) > 0 {
				t.Rows = slices.Clone(t.Rows)
				i := n % len(t.Rows)
				t.Rows[i] = slices.Clone(t.Rows[i])
				t.Rows[i][colV] = text("changed%d", t.Written)
			}
		})
	case "delete":
		d.Change(name, func(t *memdb.Table) {
			if len(t.Rows) > 0 && !referred(d, t, t.Rows[n%len(t.Rows)]) {
				t.Rows = slices.Delete(slices.Clone(t.Rows), n%len(t.Rows), n%len(t.Rows)+1)
			}
		})
	case "sequence":
		for i := range d.Sequences {
			d.Sequences[i].Last, d.Sequences[i].Called = d.Sequences[i].Last+1, true
		}
	default:
		w.structural = true
		w.changeStructure(d, kind, table)
	}
}

func (w *fixture) changeStructure(d *memdb.Data, kind, table string) {
	name := sourceName(table)
	switch kind {
	case "column":
		d.Change(name, func(t *memdb.Table) {
			t.Columns = append(t.Columns, catalog.Column{Name: fmt.Sprintf("c%d", len(t.Columns)), Type: catalog.Type{Kind: catalog.Int64}, Declared: "bigint", Nullable: true})
			rows := t.Rows
			t.Rows = nil
			for _, r := range rows {
				t.Rows = append(t.Rows, append(slices.Clone(r), memdb.Cell{Null: true}))
			}
		})
	case "index":
		d.Change(name, func(t *memdb.Table) {
			t.Indexes = append(slices.Clip(t.Indexes), catalog.Index{Name: fmt.Sprintf("%s_i%d", table, t.Written), Columns: []catalog.IndexColumn{{Name: "ref"}}})
		})
	case "drop index":
		d.Change(name, func(t *memdb.Table) { t.Indexes = nil })
	case "table":
		for _, n := range []string{"a", "b", "c", "d"} {
			if d.Tables[sourceName(n)] == nil {
				drawTable(w.t, d, n, tablesOf(d))
				return
			}
		}
	case "drop table":
		if t := d.Tables[name]; t != nil && len(d.Tables) > 1 && !slices.ContainsFunc(t.Rows, func(r memdb.Row) bool { return referred(d, t, r) }) {
			d.Drop(name)
		}
	case "truncate":
		if t := d.Tables[name]; t != nil && !slices.ContainsFunc(t.Rows, func(r memdb.Row) bool { return referred(d, t, r) }) {
			if err := d.Empty([]*catalog.Table{&t.Table}, []*catalog.Table{&t.Table}); err != nil {
				w.fatalf("empty a table: %v", err)
			}
		}
	}
}
