// Package fenced is the protocol by which one run at a time writes to a target.
//
// Every run has a token. Who takes a target over renews it, waits for the transactions that
// had compared the older one, and only then reads the ledger; from then on the older run is
// fenced: whatever it still begins finds another token and changes nothing. The states of a
// transaction, the rows of the ledger, takeover, reload and the conflicts between them are
// here, once. An engine implements Engine, Holder and Txn, each a few statements of SQL, and
// embeds a Target, which is its providers.Target but for the structure changes. See
// docs/new-provider.md; providers/memory is the shortest example.
package fenced

import (
	"context"
	"errors"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

var (
	// ErrBusy says that a transaction of somebody else's is in the way. It is asked again.
	ErrBusy = errors.New("blocked by another transaction")
	// ErrRaced says that others claimed a package at the same moment. The transaction is rolled
	// back and claims again.
	ErrRaced = errors.New("another transaction claimed the same packages")
)

// Engine is one database. It is safe for concurrent use.
type Engine[T Txn] interface {
	// Hold takes the migration's lock, which lasts until the Holder is closed or its session dies.
	// It does not wait: a lock that is taken is a Locked error. It may make the ledger.
	Hold(ctx context.Context, run ledger.Run) (Holder[T], error)
	// View begins a transaction that only reads, and sees one state of the ledger. There is false,
	// and no transaction, where the database has no ledger.
	View(ctx context.Context, op string) (tx T, there bool, err error)
	// Alter carries out structure changes, in transactions that s.Do begins.
	Alter(ctx context.Context, s *Session[T], ddl []providers.DDL) error
	// Blockers says what a takeover waits for, as a phrase: package transactions of owner's, by
	// session. It is empty where nothing is in the way any more.
	Blockers(ctx context.Context, migration, owner string) (string, error)
	// Terminate ends the sessions of package transactions of the migration, and with lock also the one that holds
	// the run's lock. It returns how many there were once they are gone.
	Terminate(ctx context.Context, run *ledger.Run, lock bool) (n int, err error)
}

// Holder holds the lock of a migration. It is safe for concurrent use.
type Holder[T Txn] interface {
	// Begin starts a transaction. One that is to write first takes the lock on the packages in shared mode, and reads the
	// token of the migration's run after it has that. Busy is for Renew only: others wait.
	Begin(ctx context.Context, op string, how Mode) (tx T, token string, err error)
	// Exclude is ErrBusy while a transaction of a token before the one that was renewed is open.
	Exclude(ctx context.Context) error
	// Alive fails where the session that holds the lock was cut off.
	Alive(ctx context.Context) error
	// Session names the session that holds the lock, so that Terminate finds it and no other one
	// that is given its number. It may be empty.
	Session() string
	// Close gives the lock back, once no transaction that the engine cannot do without it is open.
	Close() error
}

// Mode is what a transaction is for.
type Mode int

// Modes of a transaction.
const (
	Load   Mode = iota // package or ledger rows, under the token
	Define             // like Load, with structure changes as parts of it where the engine has that
	Renew              // the run's row, whose token it does not compare; makes the ledger where it is missing
)

// Txn is one open transaction. One goroutine. Commit and Rollback end it, whatever they return,
// and give its session back.
type Txn interface {
	Rows
	// Writer starts loading rows into t.
	Writer(ctx context.Context, t *catalog.Table, r catalog.Range) (Writer, error)
	// Empty removes the rows of tables. One that does not exist counts as empty. Where the engine commits it by
	// itself, it says so by Target.SelfCommitting.
	Empty(ctx context.Context, tables []*catalog.Table) error
	// Commit makes the transaction durable. A Disconnected error leaves the outcome open.
	Commit(ctx context.Context, op string) error
	Rollback() error
}

// Writer is what an engine loads rows by.
type Writer interface {
	providers.Writer
	// Done says whether Finish was called and succeeded.
	Done() bool
}

// Rows are the rows of the ledger. Values are string, int64, float64, bool and catalog.Name, as
// the relation's columns say.
type Rows interface {
	// Read calls each for the migration's rows of a relation, in any order.
	Read(ctx context.Context, r Relation, migration string, each func(Row) error) error
	// Write inserts rows, and replaces those with the same key. A row has a value for each column.
	Write(ctx context.Context, r Relation, rows [][]any) error
	// Update sets columns of the rows found by others, whose values come after those set. It
	// returns how many rows there were.
	Update(ctx context.Context, r Relation, set, by []string, rows [][]any) (int64, error)
	// Remove deletes the rows found by the values of some columns.
	Remove(ctx context.Context, r Relation, by []string, keys [][]any) error
	// Claim inserts rows of Loaded that are not there, and returns the generation of each that is, by id.
	// It waits for others that have claimed one of them, or returns ErrRaced.
	Claim(ctx context.Context, rows [][]any) (present map[string]string, err error)
}

// Row is one row of a relation. It is valid during the call only; i counts the relation's columns.
type Row interface {
	Text(i int) string
	Int(i int) int64
	Float(i int) float64
	Bool(i int) bool
	Name(i int) catalog.Name
}
