// Package memdb is a database server in memory, for tests: tables with keys, transactions, locks, and processes that
// can be killed at any call.
//
// A Server is one database. A process reaches it by a Client, every call of which asks its Hook. What others
// do to the database goes through Server.Do, past all of it.
package memdb

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// Options say how the server behaves. The zero Options are PostgreSQL's ways.
type Options struct {
	// SelfCommitting: each structure change and each emptying of a table commits by itself.
	SelfCommitting bool
	InlineKeys     bool   // keys, foreign keys and checks are made with the table
	Writers        int    // transactions that may write at once; 0 is no limit
	Schema         string // the one that unqualified names mean; empty reads all
}

// Table is a table with its rows. Published ones never change: Data.Change makes another.
type Table struct {
	catalog.Table
	Rows    []Row
	Written int64 // change counter
}

// Data is what a database holds.
type Data struct {
	Tables    map[catalog.Name]*Table
	Sequences []catalog.Sequence  // that no column owns
	Views     []catalog.Dependent // of others: Table is what each one reads, Name its own
	Records   Records
	Options   Options

	last         *int  // number of a file that was given, in all of the server
	given, again []int // numbers that one statement took, and those that it takes when it is done again
}

// file numbers a new file. No two of a server have one number, and a statement that is done again when its
// transaction commits takes the numbers that it took before.
func (d *Data) file() string {
	if len(d.again) > 0 {
		n := d.again[0]
		d.again = d.again[1:]
		return strconv.Itoa(n)
	}
	*d.last++
	d.given = append(d.given, *d.last)
	return strconv.Itoa(*d.last)
}

// Put adds a table, or replaces one, as DROP and CREATE do.
func (d *Data) Put(t *Table) {
	t.File = d.file()
	t.ID = t.File
	d.Tables[t.Name] = t
}

// Change publishes a changed copy of a table. F replaces slices, it never writes into them.
func (d *Data) Change(n catalog.Name, f func(t *Table)) {
	if was := d.Tables[n]; was != nil {
		t := *was
		t.Columns = slices.Clone(t.Columns)
		f(&t)
		t.Written++
		d.Tables[n] = &t
	}
}

// within changes a table that has to be there.
func (d *Data) within(n catalog.Name, f func(t *Table) error) (err error) {
	err = fail(NotFound, n, "there is no table %s", n)
	d.Change(n, func(t *Table) { err = f(t) })
	return err
}

// Drop drops a table with its dependents: views, and foreign keys of other tables. Those that
// are made with tables stay, and refer to a name.
func (d *Data) Drop(n catalog.Name) {
	delete(d.Tables, n)
	d.Views = Without(d.Views, func(v catalog.Dependent) bool { return v.Table == n })
	to := func(f catalog.ForeignKey) bool { return f.Table == n }
	for name, t := range d.Tables {
		if !d.Options.InlineKeys && slices.ContainsFunc(t.ForeignKeys, to) {
			d.Change(name, func(t *Table) { t.ForeignKeys = Without(t.ForeignKeys, to) })
		}
	}
}

// Without copies a list, but for some of it.
func Without[E any](list []E, but func(E) bool) []E {
	return slices.DeleteFunc(slices.Clone(list), but)
}

// Names are those of the tables, in order.
func (d *Data) Names() []catalog.Name {
	return slices.SortedFunc(maps.Keys(d.Tables), catalog.Name.Compare)
}

func (d *Data) clone() *Data {
	c := *d
	c.Tables, c.Sequences, c.Records = maps.Clone(d.Tables), slices.Clone(d.Sequences), make(Records)
	for name, rows := range d.Records {
		c.Records[name] = maps.Clone(rows)
	}
	return &c
}

// Dependents lists what would go where the table is dropped.
func (d *Data) Dependents(n catalog.Name) (out []catalog.Dependent) {
	for _, v := range d.Views {
		if v.Table == n {
			out = append(out, catalog.Dependent{Kind: v.Kind, Table: catalog.Name{Schema: n.Schema, Name: v.Name}})
		}
	}
	for _, name := range d.Names() {
		for _, f := range d.Tables[name].ForeignKeys {
			if f.Table == n && name != n {
				out = append(out, catalog.Dependent{Kind: "foreign key", Name: f.Name, Table: name})
			}
		}
	}
	return out
}

// Records are rows of plain values in lists that a client names. A row is never written into.
type Records map[string]map[string][]any

// Find returns the keys of the rows that have these values in some places.
func (r Records) Find(list string, places []int, values []any) (keys []string) {
	for key, row := range r[list] {
		same := true
		for i, at := range places {
			same = same && row[at] == values[i]
		}
		if same {
			keys = append(keys, key)
		}
	}
	return keys
}

// Put adds a row, or replaces the one with that key.
func (r Records) Put(list, key string, row []any) {
	if r[list] == nil {
		r[list] = make(map[string][]any)
	}
	r[list][key] = row
}

// Kind is what a statement failed of.
type Kind string

// Kinds of an Error.
const (
	NotFound Kind = "not found"
	Exists   Kind = "exists"
	Violated Kind = "violated" // a key or foreign key
	InUse    Kind = "in use"   // others depend on it
	Busy     Kind = "busy"     // somebody has the lock
	Ended    Kind = "ended"    // somebody has ended the session
	Dead     Kind = "dead"     // the process is
)

// Error is what a statement of a Client returns.
type Error struct {
	Kind  Kind
	Table catalog.Name
	Key   string // of the row
	text  string
}

func (e *Error) Error() string { return e.text }

func fail(kind Kind, t catalog.Name, format string, args ...any) error {
	return &Error{Kind: kind, Table: t, text: fmt.Sprintf(format, args...)}
}
