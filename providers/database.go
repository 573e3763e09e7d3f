package providers

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// Database is read from. It is safe for concurrent use.
type Database interface {
	// Catalog reads structures and sizes. Tables come sorted by name.
	Catalog(ctx context.Context, sel Selector) (*catalog.Catalog, error)
	// Split cuts a table into contiguous ranges that cover its whole key space. It
	// returns at least one range, and why it cut so, for the plan.
	Split(ctx context.Context, t *catalog.Table, how catalog.SplitSpec) (ranges []catalog.Range, reason string, err error)
	// Snapshot fixes one view of the data for all tables of a run.
	Snapshot(ctx context.Context, how SnapshotOptions) (Snapshot, error)
	// Identity is what plans and generations are bound to: another database, or the
	// same one restored elsewhere, has another identity. It holds no secret.
	Identity(ctx context.Context) (string, error)
	// Preflight looks for what would fail later: versions, privileges, settings,
	// open transactions. A finding with Stop set refuses the run.
	Preflight(ctx context.Context, tables []*catalog.Table) ([]Finding, error)
	io.Closer
}

// Selector says which tables Catalog reads.
type Selector struct {
	// Schemas to read; empty is the database's configured one.
	Schemas []string
	// Tables limits the answer to these, by name; missing ones are simply absent.
	Tables []catalog.Name
	// StructureOnly: what is not part of a structure and costs time or memory is not asked
	// for. Rows and Bytes may be -1, NotMigrated incomplete.
	StructureOnly bool
	// Names: also what else takes names in the schemas, and all enums and domains of theirs.
	Names bool
	// IDs: Table.ID is asked for.
	IDs bool
	// Dependents: Table.ID is asked for, and Table.Dependents of engines that drop them with the table.
	Dependents bool
	// Free: with Tables, the sequences that no column of theirs owns are asked for, too.
	Free bool
	// Pool shares what is equal to what is in memory already; nil is none. Only who reads this
	// catalog uses it meanwhile.
	Pool *catalog.Pool
}

// Finding is one result of a preflight.
type Finding struct {
	Stop    bool   `json:"stop"`
	Review  bool   `json:"review,omitempty"`    // who reviews the plan should know of it, too
	Summary string `json:"summary"`             // short, without user data
	Detail  string `json:"detail" print:"ours"` // what, why, how to fix
}

// SnapshotOptions say what kind of view is wanted.
type SnapshotOptions struct {
	Readers int // views that may be open at once
	// Quiet: nobody writes, by the user's word. Views need no common snapshot and the
	// ID does not change between runs; Count's Changes prove the word.
	Quiet bool
}

// QuietID is the ID of every Snapshot of a quiet source.
const QuietID = "quiet"

// Snapshot is one view of a database's data. Begin and the accessors are safe for
// concurrent use. Closing it ends the view for all.
type Snapshot interface {
	// ID names the view; two snapshots of equal ID show the same rows. It is QuietID for a quiet source.
	ID() string
	// Time is when the view was taken, by the database's clock.
	Time() time.Time
	// Begin opens a view for one package, or for a bundle of at most 100 tables. It
	// compares what the tables are as the view shows them, as they are now, and as t.File
	// says: Changed, with the table's name, where one was rewritten, or its name or a
	// column's has come to mean another; SnapshotLost where the snapshot is gone. Partitions
	// may be left until they are read.
	Begin(ctx context.Context, tables []*catalog.Table) (View, error)
	io.Closer
}

// View reads tables inside a Snapshot. One goroutine, one Reader at a time.
type View interface {
	// Read streams the copied columns of the rows in r, in the types that t.Columns name.
	Read(ctx context.Context, t *catalog.Table, r catalog.Range, how ReadOptions) (Reader, error)
	// Count counts tables unsplit, in the order given.
	Count(ctx context.Context, tables []*catalog.Table) ([]Counted, error)
	// Compare holds tables of a quiet source against what Count said of them in an earlier
	// view, of this process or of one before it. It returns a phrase for each: empty where it
	// is proven that every view in between has shown the same rows, else what is different,
	// or why nothing can be proven.
	Compare(ctx context.Context, tables []*catalog.Table, before []Counted) ([]string, error)
	// Confirm says that whatever was read in the view so far belongs to the tables that Begin
	// was given: Changed, with a table's name, where that is not so. It comes after the last
	// row and before what depends on it.
	Confirm(ctx context.Context) error
	io.Closer
}

// Counted is what a table held in a view.
type Counted struct {
	Rows int64
	// Changes says of a quiet source's table what Compare needs to know besides. Only the
	// provider that made it reads it. Empty where there is no such thing.
	Changes string
}

// Differs says what two counts of a table that a provider compares by Changes alone
// have to say: nothing where both are equal.
func Differs(before, now Counted) string {
	switch {
	case before.Rows != now.Rows:
		return fmt.Sprintf("it had %d rows, now it has %d", before.Rows, now.Rows)
	case before.Changes == "" || now.Changes == "":
		return "there is no proof that it was not written to"
	case before.Changes != now.Changes:
		return "it was written to"
	}
	return ""
}

// ReadOptions bound what a Reader holds in memory.
type ReadOptions struct {
	BatchRows  int   // at most so many rows a batch; 0 is 8192
	BatchBytes int64 // a batch is cut once it holds so many bytes; 0 is 4 MiB
	LOBMax     int64 // a larger value fails with Value, naming the row's key; 0 is no limit
	// InvalidDate is the policy for a day that the neutral calendar does not have, such as a
	// leap day of the Julian one only: Null, Clamp to the day before, else it fails with Value.
	InvalidDate catalog.Policy
	// Budget is asked before a row wider than BatchBytes is held. A Value error of it is
	// handed on with the row's table and key. Nil is no limit.
	Budget Budget
}

// Budget hands out bytes of the run's memory bound.
type Budget interface {
	// Acquire blocks until n bytes are free. The release func is called once.
	Acquire(ctx context.Context, n int64) (release func(), err error)
}

// Reader yields the rows of one range. One goroutine.
type Reader interface {
	// Next returns the next batch; io.EOF when the range is done. The caller owns
	// the batch and releases it once. Batches of one reader have equal schemas,
	// made by internal/batch from the table's copied columns. A wide row's share of the budget is
	// given back when the batch after it is asked for, or on Close.
	Next(ctx context.Context) (arrow.RecordBatch, error)
	io.Closer
}
