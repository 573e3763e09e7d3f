package providers

import (
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
)

// DDL is one structure change. The set is sealed: every target handles each.
//
// What a Create change really makes is written into Made of the ledger, in the same transaction;
// what was there before is not. No change takes along what it does not name: where others depend
// on an object that is to be dropped, the change is an InUse error and the object stays.
type DDL interface{ ddl() }

// CreateSchema makes a schema. Targets without schemas ignore it.
type CreateSchema struct{ Schema string }

// CreateType makes an enum or domain.
type CreateType struct{ Type catalog.UserType }

// CreateSequence makes a sequence that no column owns.
type CreateSequence struct{ Sequence catalog.Sequence }

// CreateTable makes a table with columns, defaults, generated columns, checks and
// partitions. Keys, indexes and foreign keys come later unless Limits.InlineKeys.
// A table that exists with the same columns is left alone; another one is an Exists error.
type CreateTable struct {
	Table *catalog.Table
	// New: a table that exists is an Exists error, whatever its columns are.
	New bool
}

// DropTable drops a table where it exists, whoever made it.
type DropTable struct{ Table catalog.Name }

// Drop drops what the ledger says that dmoctl made, and forgets it. One that is gone is no
// error; another object of its name is an Exists error, and stays.
type Drop struct{ Object ledger.Object }

// DropLedger removes all that the ledger says about the migration, and the ledger itself
// where it says nothing about another one. It comes last: afterwards the Session can only be closed.
type DropLedger struct{}

// AddKey makes a primary key or unique constraint of a loaded table.
type AddKey struct {
	Table *catalog.Table
	Key   catalog.Key
}

// CreateIndex makes a secondary index of a loaded table.
type CreateIndex struct {
	Table *catalog.Table
	Index catalog.Index
}

// AddForeignKey makes a foreign key, or checks one that was made with the table unless
// it is NotValid: such a one is made without a look at the rows, and stays so.
type AddForeignKey struct {
	Table      *catalog.Table
	ForeignKey catalog.ForeignKey
}

// DropForeignKey drops a foreign key where it exists, so that its tables can be emptied
// and loaded in any order. Targets whose loads check no references ignore it.
type DropForeignKey struct {
	Table catalog.Name
	Name  string
	// Keep is what AddForeignKey will make again. The target itself remembers it in the same
	// moment: whatever happens, Catalog shows it as Pending until then. Nil: somebody else knows it.
	Keep *catalog.ForeignKey
}

// RaiseSequence raises a sequence, or the one behind Table's Column, to at least
// Sequence.Last. It never lowers one.
type RaiseSequence struct {
	Table    *catalog.Table // nil for a sequence that no column owns
	Column   string
	Sequence catalog.Sequence
}

// Record writes ledger rows in the transaction of the changes before it: what the ledger
// says was made, was made. Run is not written.
type Record struct{ Change ledger.Change }

// Analyze refreshes the planner statistics of a table.
type Analyze struct{ Table catalog.Name }

func (CreateSchema) ddl()   {}
func (CreateType) ddl()     {}
func (CreateSequence) ddl() {}
func (CreateTable) ddl()    {}
func (DropTable) ddl()      {}
func (Drop) ddl()           {}
func (DropLedger) ddl()     {}
func (AddKey) ddl()         {}
func (CreateIndex) ddl()    {}
func (AddForeignKey) ddl()  {}
func (DropForeignKey) ddl() {}
func (RaiseSequence) ddl()  {}
func (Record) ddl()         {}
func (Analyze) ddl()        {}
