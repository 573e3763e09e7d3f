package memory_test

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	arrowmem "github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/memdb"
	"github.com/dmoctl/dmoctl/providers/providertest"
)

// script reads the SQL that the suites speak, and works on a database's values past the
// provider, as a client of its own.
type script struct {
	data   *memdb.Data
	tokens []string
	out    []string
}

var lexer = regexp.MustCompile(`\s+|x'[0-9a-fA-F]*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|[A-Za-z_][A-Za-z_0-9]*|-?[0-9][0-9.eE+-]*|[(),;*=<>]|.`)

// run carries out statements and returns what they print.
func run(d *memdb.Data, sql string) (_ string, err error) {
	s := &script{data: d}
	for _, t := range lexer.FindAllString(sql, -1) {
		if strings.TrimSpace(t) != "" {
			s.tokens = append(s.tokens, t)
		}
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v before %q", r, strings.Join(s.tokens[:min(8, len(s.tokens))], " "))
		}
	}()
	for len(s.tokens) > 0 {
		if !s.has(";") {
			s.statement()
		}
	}
	return strings.Join(s.out, "\n"), nil
}

func (s *script) next() string {
	if len(s.tokens) == 0 {
		panic("the statement ends")
	}
	t := s.tokens[0]
	s.tokens = s.tokens[1:]
	return t
}

// has takes words where they come next.
func (s *script) has(words ...string) bool {
	for i, w := range words {
		if len(s.tokens) <= i || !strings.EqualFold(s.tokens[i], w) {
			return false
		}
	}
	s.tokens = s.tokens[len(words):]
	return true
}

func (s *script) want(words ...string) {
	if !s.has(words...) {
		panic(fmt.Sprintf("no %q", words))
	}
}

func (s *script) name() string {
	t := s.next()
	if strings.HasPrefix(t, `"`) {
		return strings.ReplaceAll(t[1:len(t)-1], `""`, `"`)
	}
	return t
}

func named(name string) catalog.Name { return catalog.Name{Schema: "main", Name: name} }

func (s *script) table() *memdb.Table {
	n := s.name()
	if t := s.data.Tables[named(n)]; t != nil {
		return t
	}
	panic("there is no table " + n)
}

// list reads names in parentheses.
func (s *script) list() (out []string) {
	s.want("(")
	for {
		out = append(out, s.name())
		if !s.has(",") {
			s.want(")")
			return out
		}
	}
}

func (s *script) statement() {
	switch {
	case s.has("BEGIN"), s.has("COMMIT"):
	case s.has("CREATE", "TABLE"):
		s.createTable()
	case s.has("CREATE", "UNIQUE", "INDEX"):
		s.createIndex(true)
	case s.has("CREATE", "INDEX"):
		s.createIndex(false)
	case s.has("CREATE", "VIEW"):
		v := s.name()
		for !s.has("FROM") {
			s.next()
		}
		s.data.Views = append(s.data.Views, catalog.Dependent{Kind: "view", Name: v, Table: s.table().Name})
	case s.has("ALTER", "TABLE"):
		t := s.table().Name
		s.want("ADD", "COLUMN")
		c := s.column(&memdb.Table{})
		s.data.Change(t, func(t *memdb.Table) {
			t.Columns = append(t.Columns, c)
			rows := t.Rows
			t.Rows = nil
			for _, r := range rows {
				t.Rows = append(t.Rows, append(slices.Clone(r), memdb.Cell{Null: true}))
			}
		})
	case s.has("DROP", "TABLE"):
		s.data.Drop(s.table().Name)
	case s.has("INSERT", "INTO"):
		s.insert()
	case s.has("UPDATE"), s.has("DELETE", "FROM"):
		s.change()
	case s.has("SELECT"):
		s.selects()
	default:
		panic("no such statement")
	}
}

func (s *script) createTable() {
	t := &memdb.Table{}
	t.Name = named(s.name())
	s.want("(")
	for {
		switch {
		case s.has("PRIMARY", "KEY"):
			t.Key = &catalog.Key{Name: t.Name.Name + "_pkey", Columns: s.list(), Primary: true}
		case s.has("FOREIGN", "KEY"):
			f := catalog.ForeignKey{Name: t.Name.Name + "_fkey", Columns: s.list()}
			s.want("REFERENCES")
			f.Table, f.References = named(s.name()), s.list()
			if s.has("ON", "DELETE", "CASCADE") {
				f.OnDelete = "CASCADE"
			}
			t.ForeignKeys = append(t.ForeignKeys, f)
		case s.has("CHECK", "("):
			c := catalog.Check{Name: t.Name.Name + "_check"}
			for !s.has(")") {
				c.Expression += s.next()
			}
			t.Checks = append(t.Checks, c)
		default:
			t.Columns = append(t.Columns, s.column(t))
		}
		if !s.has(",") {
			s.want(")")
			s.data.Put(t)
			return
		}
	}
}

// column reads a column and what it says of the table's keys.
func (s *script) column(t *memdb.Table) catalog.Column {
	c := catalog.Column{Name: s.name(), Nullable: true}
	c.Declared = s.next()
	if s.has("(") {
		c.Declared += "("
		for !s.has(")") {
			c.Declared += s.next()
		}
		c.Declared += ")"
	}
	c.Type = typeOf(c.Declared)
	for {
		switch {
		case s.has("NOT", "NULL"):
			c.Nullable = false
		case s.has("PRIMARY", "KEY"):
			t.Key = &catalog.Key{Name: t.Name.Name + "_pkey", Columns: []string{c.Name}, Primary: true}
		case s.has("UNIQUE"):
			t.Uniques = append(t.Uniques, catalog.Key{Name: t.Name.Name + "_" + c.Name + "_key", Columns: []string{c.Name}})
		case s.has("DEFAULT"):
			c.Default = s.next()
		default:
			return c
		}
	}
}

func typeOf(declared string) catalog.Type {
	base, rest, _ := strings.Cut(strings.TrimSuffix(declared, ")"), "(")
	t := catalog.Type{Kind: catalog.Kind(base)}
	a, b, _ := strings.Cut(rest, ",")
	n, _ := strconv.Atoi(a)
	switch t.Kind {
	case catalog.Decimal:
		t.Precision = n
		t.Scale, _ = strconv.Atoi(b)
	case catalog.Timestamp, catalog.TimestampTZ, catalog.Time:
		t.Precision = n
	default:
		t.Length = n
	}
	return t
}

func (s *script) createIndex(unique bool) {
	x := catalog.Index{Name: s.name(), Unique: unique}
	s.want("ON")
	t := s.table()
	s.want("(")
	for {
		x.Columns = append(x.Columns, catalog.IndexColumn{Name: s.name(), Desc: s.has("DESC")})
		if !s.has(",") {
			break
		}
	}
	s.want(")")
	s.data.Change(t.Name, func(t *memdb.Table) {
		if unique && t.Key == nil {
			t.Key = &catalog.Key{Name: x.Name, Columns: []string{x.Columns[0].Name}, Index: true}
			return
		}
		t.Indexes = append(slices.Clone(t.Indexes), x)
	})
}

// cell reads a literal as a column of that type holds it.
func (s *script) cell(t catalog.Type) memdb.Cell {
	if s.has("NULL") {
		return memdb.Cell{Null: true}
	}
	lit := s.next()
	text := lit
	switch {
	case strings.HasPrefix(lit, "x'"):
		b, err := hex.DecodeString(lit[2 : len(lit)-1])
		if err != nil {
			panic(err)
		}
		text = string(b)
	case strings.HasPrefix(lit, "'"):
		text = strings.ReplaceAll(lit[1:len(lit)-1], "''", "'")
	}
	a := arrayOf(t, text, strings.HasPrefix(lit, "x'"))
	defer a.Release()
	return memdb.Cell{Text: a.ValueStr(0)}
}

// arrayOf builds an array of one value.
func arrayOf(t catalog.Type, text string, raw bool) arrow.Array {
	dt, err := batch.DataType(t)
	if err != nil {
		panic(err)
	}
	b := array.NewBuilder(arrowmem.DefaultAllocator, dt)
	defer b.Release()
	switch b := b.(type) {
	case array.StringLikeBuilder:
		b.Append(text)
		return b.NewArray()
	case *array.BinaryBuilder:
		if raw {
			b.AppendString(text)
			return b.NewArray()
		}
	}
	if err := b.AppendValueFromString(text); err != nil {
		panic(err)
	}
	return b.NewArray()
}

func (s *script) insert() {
	t := s.table()
	var columns []string
	if len(s.tokens) > 0 && s.tokens[0] == "(" {
		columns = s.list()
	}
	s.want("VALUES")
	for {
		s.want("(")
		row := make(memdb.Row, len(t.Columns))
		for i, c := range t.Columns {
			row[i].Null = true
			if q := c.Sequence; q != nil {
				after := *q
				if after.Called {
					after.Last += after.Increment
				}
				after.Called = true
				row[i] = memdb.Cell{Text: strconv.FormatInt(after.Last, 10)}
				s.data.Change(t.Name, func(t *memdb.Table) { t.Columns[i].Sequence = &after })
			}
		}
		for i := 0; ; i++ {
			at := i
			if columns != nil {
				at = slices.IndexFunc(t.Columns, func(c catalog.Column) bool { return c.Name == columns[i] })
			}
			row[at] = s.cell(t.Columns[at].Type)
			if !s.has(",") {
				break
			}
		}
		s.want(")")
		s.data.Change(t.Name, func(t *memdb.Table) { t.Rows = append(slices.Clip(t.Rows), row) })
		if !s.has(",") {
			return
		}
	}
}

// where reads conditions, and returns what rows fulfil.
func (s *script) where(t *memdb.Table) func(memdb.Row) bool {
	conditions := []func(memdb.Row) bool{}
	for s.has("WHERE") || s.has("AND") {
		c := s.name()
		at := slices.IndexFunc(t.Columns, func(x catalog.Column) bool { return x.Name == c })
		op, want := s.next(), s.cell(t.Columns[at].Type)
		conditions = append(conditions, func(r memdb.Row) bool {
			x, _ := strconv.ParseInt(r[at].Text, 10, 64)
			y, _ := strconv.ParseInt(want.Text, 10, 64)
			switch op {
			case "<":
				return x < y
			case ">":
				return x > y
			}
			return r[at] == want
		})
	}
	return func(r memdb.Row) bool {
		return !slices.ContainsFunc(conditions, func(f func(memdb.Row) bool) bool { return !f(r) })
	}
}

func (s *script) change() {
	t := s.table()
	set, to := -1, memdb.Cell{}
	if s.has("SET") {
		c := s.name()
		set = slices.IndexFunc(t.Columns, func(x catalog.Column) bool { return x.Name == c })
		s.want("=")
		to = s.cell(t.Columns[set].Type)
	}
	takes := s.where(t)
	s.data.Change(t.Name, func(t *memdb.Table) {
		rows := t.Rows
		t.Rows = nil
		for _, r := range rows {
			if takes(r) && set < 0 {
				continue
			}
			if takes(r) {
				r = slices.Clone(r)
				r[set] = to
			}
			t.Rows = append(t.Rows, r)
		}
	})
}

func (s *script) selects() {
	switch {
	case s.has("count", "(", "*", ")", "FROM"):
		s.out = append(s.out, fmt.Sprint(len(s.table().Rows)))
		return
	case s.has("max", "(", "id", ")", "FROM"):
		most := int64(0)
		for _, r := range s.table().Rows {
			n, _ := strconv.ParseInt(r[0].Text, 10, 64)
			most = max(most, n)
		}
		s.out = append(s.out, fmt.Sprint(most))
		return
	}
	show := !s.has("*", "FROM")
	for show && !s.has("END", "FROM") {
		s.next()
	}
	t := s.table()
	if s.has("ORDER", "BY") {
		s.name()
	}
	rows := slices.Clone(t.Rows)
	slices.SortStableFunc(rows, func(a, b memdb.Row) int {
		x, _ := strconv.ParseInt(a[0].Text, 10, 64)
		y, _ := strconv.ParseInt(b[0].Text, 10, 64)
		return int(x - y)
	})
	for _, r := range rows {
		var cells []string
		for i, c := range r {
			text := c.Text
			if show && !c.Null {
				a := arrayOf(t.Columns[i].Type, c.Text, false)
				text = providertest.Text(a, 0, t.Columns[i].Type)
				a.Release()
			}
			if c.Null {
				text = providertest.Null
			}
			cells = append(cells, text)
		}
		if show {
			cells = cells[1:2]
		}
		s.out = append(s.out, strings.Join(cells, "|"))
	}
}
