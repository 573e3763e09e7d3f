// Package memory is a provider whose databases and stagings are values in memory, for
// tests only: no user is offered it.
//
// A Server is one database. Every method that dmoctl calls asks the Hook of its Client
// before it begins and again before it answers, so that a test can stop, kill or disturb a
// run at any moment. What others do to the database goes through Server.Do, past all of it.
package memory

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
)

// Options say how the engine behaves. The zero Options are PostgreSQL's ways.
type Options struct {
	// SelfCommitting: each structure change and each emptying of a table commits by itself.
	SelfCommitting bool
	// InlineKeys: keys, foreign keys and checks are made with the table.
	InlineKeys bool
	Writers    int    // as providers.Limits has it
	Schema     string // the one that unqualified names mean; empty reads all
}

// Table is a table with its rows. Published ones never change: Data.Change makes another.
type Table struct {
	catalog.Table
	Rows    []Row
	Written int64 // change counter
	id      string
}

// Data is what a database holds.
type Data struct {
	Tables    map[catalog.Name]*Table
	Sequences []catalog.Sequence  // that no column owns
	Views     []catalog.Dependent // of others: Table is what each one reads, Name its own
	files     int
	inline    bool // foreign keys are parts of their tables
}

// Put adds a table, or replaces one, as DROP and CREATE do.
func (d *Data) Put(t *Table) {
	d.files++
	t.File = fmt.Sprint(d.files)
	t.id = t.File
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

// Empty takes a table's rows away as TRUNCATE does.
func (d *Data) Empty(n catalog.Name) {
	d.Change(n, func(t *Table) { t.Rows = nil; d.files++; t.File = fmt.Sprint(d.files) })
}

// Drop drops a table with what hangs on it: views, and foreign keys of other tables. Those that
// are made with tables stay, and refer to a name.
func (d *Data) Drop(n catalog.Name) {
	delete(d.Tables, n)
	d.Views = slices.DeleteFunc(slices.Clone(d.Views), func(v catalog.Dependent) bool { return v.Table == n })
	if d.inline {
		return
	}
	for _, name := range d.names() {
		to := func(f catalog.ForeignKey) bool { return f.Table == n }
		if t := d.Tables[name]; slices.ContainsFunc(t.ForeignKeys, to) {
			d.Change(name, func(t *Table) { t.ForeignKeys = slices.DeleteFunc(slices.Clone(t.ForeignKeys), to) })
		}
	}
}

func (d *Data) names() []catalog.Name {
	return slices.SortedFunc(maps.Keys(d.Tables), catalog.Name.Compare)
}

func (d *Data) clone() *Data {
	c := *d
	c.Tables, c.Sequences = maps.Clone(d.Tables), slices.Clone(d.Sequences)
	return &c
}

// hanging lists what would go where the table is dropped.
func (d *Data) hanging(n catalog.Name) (out []catalog.Dependent) {
	for _, v := range d.Views {
		if v.Table == n {
			out = append(out, catalog.Dependent{Kind: v.Kind, Table: catalog.Name{Schema: n.Schema, Name: v.Name}})
		}
	}
	for _, name := range d.names() {
		for _, f := range d.Tables[name].ForeignKeys {
			if f.Table == n && name != n {
				out = append(out, catalog.Dependent{Kind: "foreign key", Name: f.Name, Table: name})
			}
		}
	}
	return out
}

// Server is one database. It is safe for concurrent use.
type Server struct {
	id   string
	opts Options

	mu        sync.Mutex
	data      *Data
	ledgers   map[string]*ledger.Contents
	locks     map[string]*session // by migration
	open      map[*tx]bool        // package transactions that have claimed
	snapshots map[string]*Data    // by id
}

// New makes an empty database of that identity.
func New(identity string, opts Options) *Server {
	return &Server{id: identity, opts: opts, data: &Data{Tables: make(map[catalog.Name]*Table), inline: opts.InlineKeys},
		ledgers: make(map[string]*ledger.Contents), locks: make(map[string]*session), open: make(map[*tx]bool), snapshots: make(map[string]*Data)}
}

// Do lets somebody else read or change the database, in one transaction.
func (s *Server) Do(f func(d *Data)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.data.clone()
	f(d)
	s.data = d
}

// Data returns what the database holds now, Seen what it held for a snapshot. Both never change.
func (s *Server) Data() *Data { return s.Seen("") }

// Seen returns nil for an id that no snapshot had.
func (s *Server) Seen(snapshot string) *Data {
	s.mu.Lock()
	defer s.mu.Unlock()
	if snapshot == "" {
		return s.data
	}
	return s.snapshots[snapshot]
}

// Contents returns a copy of a migration's ledger, as nobody's run reads it.
func (s *Server) Contents(migration string) *ledger.Contents {
	s.mu.Lock()
	defer s.mu.Unlock()
	return copied(s.ledgers[migration])
}

// Lose takes the lock of a migration from its session, as a network between the two
// does: the session does not know it, and its transactions stay open.
func (s *Server) Lose(migration string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.locks, migration)
}

func copied(c *ledger.Contents) *ledger.Contents {
	if c == nil {
		return &ledger.Contents{}
	}
	out := &ledger.Contents{Tables: slices.Clone(c.Tables), Packages: slices.Clone(c.Packages), Loaded: slices.Clone(c.Loaded), Made: slices.Clone(c.Made)}
	if c.Run != nil {
		run := *c.Run
		out.Run = &run
	}
	return out
}
