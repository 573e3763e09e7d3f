package providers

import (
	"context"
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
)

// Target is written to. Reading back for verification is its Database side. It is
// safe for concurrent use.
type Target interface {
	Database
	Limits() Limits
	// Ledger reads the ledger of a migration at any time, without a lock. A target
	// without a ledger yields Contents with a nil Run. A user's table under one of
	// the ledger's names is an Exists error.
	Ledger(ctx context.Context, migration string) (*ledger.Contents, error)
	// Lock makes this run the only one that may write. It creates the ledger where
	// it is missing, takes a lock that dies with its holder (Locked, with the Owner,
	// where somebody has it), renews the token, and waits until every transaction has ended that had
	// compared an older one (calling wait with what it waits for, at most once a second). Where the migration has a run already, only token, owner and sessions
	// are replaced: lineage, serial, plan, spec and closed stay as they are until the
	// caller has read them under the token and changes them by Record. Otherwise run is written as it is.
	Lock(ctx context.Context, run ledger.Run, wait func(what string)) (Session, error)
	// Unlock ends what holds the lock of the run with that owner id: NotFound where
	// no run has it, or nobody holds its lock, Locked where the holder cannot be ended from here.
	Unlock(ctx context.Context, migration, owner string) error
}

// Limits are what a target allows.
type Limits struct {
	Writers    int  // concurrent transactions; 0 is no limit
	Identifier int  // bytes of a name; 0 is no limit
	Schemas    bool // names have schemas
	IgnoreCase bool // names that differ in the case of ASCII letters only are one
	// InlineKeys: keys, foreign keys and checks are made with the table; AddKey and
	// AddForeignKey then only check what is there.
	InlineKeys bool
	// TextIDs: tables have no identity but the text of their definition. Table.ID changes when a
	// table is altered; it says which may be dropped, and not whether another took the place.
	TextIDs bool
}

// Session is the right to write, bound to one token. Its methods are safe for
// concurrent use. Once another run holds the token, every method fails with Fenced and
// has changed nothing.
type Session interface {
	// Read reads the ledger under the token.
	Read(ctx context.Context) (*ledger.Contents, error)
	// Record writes ledger rows in one transaction. Of Run it writes what the run stands for: lineage,
	// serial, plan, spec, closed.
	Record(ctx context.Context, c ledger.Change) error
	// Alter carries out structure changes, in order. It is idempotent: what is
	// there already in the wanted form is left alone.
	Alter(ctx context.Context, ddl []DDL) error
	// Reload removes the tables' rows from loaded and empties them, so that a crash
	// leaves either all of it or none, or is resumed by Reload again. Table rows
	// are set to ledger.Empty. A table that does not exist counts as empty.
	Reload(ctx context.Context, tables []ReloadTable) error
	// Begin starts the transaction of a package or bundle.
	Begin(ctx context.Context) (Tx, error)
	// Close gives the lock back. Close is safe to call twice.
	Close() error
}

// ReloadTable is one table to empty.
type ReloadTable struct {
	Source catalog.Name
	Target *catalog.Table
}

// Tx loads one or more whole packages. One goroutine. Rows and ledger rows become
// visible together or not at all.
type Tx interface {
	// Claim comes first: it takes the lock in shared mode, compares the token and
	// inserts the packages, in order of id. It returns the ids that were in
	// already with the same generation: these are not loaded. Another generation is a Constraint error.
	Claim(ctx context.Context, p []ledger.Loaded) (in []string, err error)
	// Writer starts loading one package into t. One Writer at a time.
	Writer(ctx context.Context, t *catalog.Table, r catalog.Range) (Writer, error)
	// Commit fills in the claimed rows and commits; durable once it returns. A
	// Disconnected error leaves the outcome to the ledger. After any error nothing but Rollback is left.
	// A load that was not finished does not commit.
	Commit(ctx context.Context, p []ledger.Loaded) error
	// Rollback is a no-op after Commit: safe to defer.
	Rollback(ctx context.Context) error
}

// Writer takes the batches of one package. One goroutine.
type Writer interface {
	// Write loads a batch, whose schema is that of the table's copied columns. It
	// does not keep the batch after it returns, unless it retains it.
	Write(ctx context.Context, b arrow.RecordBatch) error
	// Finish ends the load and returns how many rows the target says it took.
	Finish(ctx context.Context) (rows int64, err error)
	// Close gives up what Finish did not end. Safe to defer.
	io.Closer
}
