// Package providertest holds the conformance suites of the provider contract.
//
// A provider's test calls Source and Target with a Harness; a staging calls
// Staging. The suites know the contract and portable SQL only: what an engine
// spells in its own way comes from the Harness, and what a database holds is
// asked from an independent client, never from the provider under test.
package providertest

import (
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

// Harness is what the suites need of one engine.
type Harness struct {
	Driver providers.Driver
	// New makes an empty database that is gone after the test.
	New func(t testing.TB) Database
	// Quote quotes an identifier.
	Quote func(name string) string
	// Schema is the schema of tables that are created without naming one.
	Schema string
	// BigInt and Varchar spell a 64-bit integer and a text of at most 40 characters.
	BigInt, Varchar string
	// Text spells text without a limit.
	Text string
	// SnapshotLocksWriters: nobody can write while a snapshot is open.
	SnapshotLocksWriters bool
	// EmptyIsNull: the engine stores an empty text as NULL.
	EmptyIsNull bool
	// Named says whether the engine can have such a name; nil is any.
	Named func(name string) bool
	// Types is the engine's type matrix.
	Types []TypeCase
	// Show is an SQL expression that prints a column as Text prints a cell, so
	// that both can be compared. NULL may stay NULL. An empty result leaves a kind uncompared.
	Show func(column string, t catalog.Type) string
	// SameType says whether the catalog may show a column of the first type as the second, where an
	// engine has one declared type for both. Nil: the texts have to be equal.
	SameType func(mapped, found catalog.Type) bool
	// DropLock takes a session's lock away as the death of its holder would, but
	// leaves the session able to send statements. Nil where an engine has no such way.
	DropLock func(t testing.TB, db Database, s providers.Session)
}

// Database is one database, as the provider reaches it and as somebody else does.
type Database interface {
	// Values are the arguments of a source's or target's block.
	Values() schema.Values
	// TryExec runs statements by an independent client, each in a transaction of
	// its own unless they say BEGIN. It may be called from any goroutine.
	TryExec(sql string) error
	// TryQuery returns rows as lines, columns separated by |, NULL as <NULL>,
	// without a final newline. Statements run by an independent client.
	TryQuery(sql string) (string, error)
}

// TypeCase is one column type with values that try its limits.
type TypeCase struct {
	Declared string       // as CREATE TABLE has it
	Type     catalog.Type // what the catalog has to say of it
	// Values are SQL literals or expressions. The suite adds NULL.
	Values []string
	// Refused are values that the engine stores but Type cannot hold: reading one
	// is a Value error that names table, column and key.
	Refused []string
}

// bench is one database of a test with what opens it.
type bench struct {
	Harness
	Database
}

func newBench(t testing.TB, h Harness) *bench {
	t.Helper()
	return &bench{Harness: h, Database: h.New(t)}
}

func (b *bench) env() providers.Env {
	return providers.Env{Log: hclog.NewNullLogger(), Application: "dmoctl conformance", Readers: 4, Writers: 2}
}

// source opens the database for reading and closes it with the test. What is a target only
// is read as verification does it.
func (b *bench) source(t testing.TB) providers.Database {
	t.Helper()
	if b.Driver.OpenSource == nil {
		return b.target(t)
	}
	db, err := b.Driver.OpenSource(t.Context(), b.Values(), b.env())
	if err != nil {
		t.Fatalf("open source: %v", err)
	}
	t.Cleanup(func() { closed(t, db) })
	return db
}

// target opens the database for writing and closes it with the test.
func (b *bench) target(t testing.TB) providers.Target {
	t.Helper()
	db, err := b.Driver.OpenTarget(t.Context(), b.Values(), b.env())
	if err != nil {
		t.Fatalf("open target: %v", err)
	}
	t.Cleanup(func() { closed(t, db) })
	return db
}

func closed(t testing.TB, c interface{ Close() error }) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func (b *bench) exec(t testing.TB, sql string) {
	t.Helper()
	if err := b.TryExec(sql); err != nil {
		t.Fatalf("%v\n%.2000s", err, sql)
	}
}

func (b *bench) query(t testing.TB, sql string) string {
	t.Helper()
	out, err := b.TryQuery(sql)
	if err != nil {
		t.Fatalf("%v\n%.2000s", err, sql)
	}
	return out
}

// wantQuery compares what the independent client reads.
func (b *bench) wantQuery(t testing.TB, sql, want string) {
	t.Helper()
	if got := b.query(t, sql); got != want {
		t.Errorf("%s\n got: %.1000s\nwant: %.1000s", sql, got, want)
	}
}

// name returns the catalog's name of a table made without a schema.
func (b *bench) name(table string) catalog.Name { return catalog.Name{Schema: b.Schema, Name: table} }

// table reads one table from the catalog.
func (b *bench) table(t testing.TB, db providers.Database, name string) *catalog.Table {
	t.Helper()
	c, err := db.Catalog(t.Context(), providers.Selector{Tables: []catalog.Name{b.name(name)}})
	if err != nil {
		t.Fatalf("catalog: %v", err)
	}
	found := c.Find(b.name(name))
	if found == nil {
		t.Fatalf("catalog has no table %s", b.name(name))
	}
	return found
}

// wantKind fails unless err is a provider's error of that kind.
func wantKind(t testing.TB, err error, want providers.Kind) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want %q", want)
	} else if got := providers.KindOf(err); got != want {
		t.Errorf("error of kind %q, want %q: %v", got, want, err)
	}
}
