package providers

import (
	"errors"
	"fmt"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
)

// Kind says what the executor does about an error. Providers decide it from
// the engine's own codes, never from message text.
type Kind string

// Error kinds.
const (
	Internal     Kind = "internal"      // a bug, or a code that nobody has classified: fails the package
	Transient    Kind = "transient"     // retry the transaction
	Disconnected Kind = "disconnected"  // connect again, then retry; a COMMIT in flight is read from the ledger
	SnapshotLost Kind = "snapshot lost" // the snapshot is gone: incomplete tables start again
	Changed      Kind = "changed"       // structure or stored rows of a table changed: it stops, by name
	Value        Kind = "value"         // a value does not fit: fails the package, by table, column and key
	Constraint   Kind = "constraint"    // a key, NOT NULL or foreign key is violated: fails the package
	Full         Kind = "full"          // disk or quota is exhausted: nothing half visible, run again
	Exhausted    Kind = "exhausted"     // a limit of the server that one statement met, such as its locks or memory: the table stops, by name
	Corrupt      Kind = "corrupt"       // stored bytes are not what was written
	Deposed      Kind = "deposed"       // another run holds the token: this one stops at once
	Locked       Kind = "locked"        // another run holds the lock; Owner says who
	Permission   Kind = "permission"
	Auth         Kind = "authentication"
	Unreachable  Kind = "unreachable"
	NotFound     Kind = "not found"
	Exists       Kind = "exists"
	InUse        Kind = "in use"      // others depend on the object, or it is not empty: it stays
	Unsupported  Kind = "unsupported" // version, setting or object that the provider refuses
	Config       Kind = "config"
)

// Error is what every provider method returns. Message and Fix never hold secrets.
type Error struct {
	Kind   Kind
	Op     string       // "connect", "read catalog", "copy in"
	Table  catalog.Name // where it is about one
	Column string
	Key    string        // key of the row, printed for people
	Code   string        // engine's own code, e.g. SQLSTATE
	Fix    string        // what to do, a full sentence; may be empty
	Owner  *ledger.Owner // with Locked and Deposed
	Err    error
}

func (e *Error) Error() string {
	s := e.Op
	if e.Table != (catalog.Name{}) {
		s += " " + e.Table.String()
	}
	if e.Column != "" {
		s += "." + e.Column
	}
	if e.Key != "" {
		s += " of the row with key (" + e.Key + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Code != "" {
		s += fmt.Sprintf(" (%s)", e.Code)
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err, Internal where it is no *Error.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Gone makes a Changed error of a NotFound one: a table or column that the plan was made
// with is not there any more. It is for reading and writing the rows of a known table; other errors come back as they are.
func Gone(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Kind == NotFound {
		e.Kind = Changed
		e.Fix = "The table's structure is another one than when the plan was made, or the right to use it was taken away. Run dmoctl plan to see what differs."
	}
	return err
}
