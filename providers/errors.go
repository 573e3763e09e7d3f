package providers

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

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
	Fenced       Kind = "fenced"        // another run holds the token: this one stops at once
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
	Owner  *ledger.Owner // with Locked and Fenced
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
		e.Fix = "The table's structure has changed since the plan was made, or the privilege to use it was revoked. To see what differs, run: dmoctl plan"
	}
	return err
}

// Wrap makes an Error of a driver's error; nil, and what holds an Error, come back as they are.
// Answer fills in what the server has said, and returns false where err is not an answer of its: then it is
// Disconnected where the connection broke or was given up, else Internal.
func Wrap(op string, err error, answer func(e *Error) bool) error {
	var done *Error
	if err == nil || errors.As(err, &done) {
		return err
	}
	e := &Error{Kind: Internal, Op: op, Err: err}
	if !answer(e) && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || Broken(err)) {
		e.Kind = Disconnected
	}
	return e
}

// OnTable names the table of an error that names none.
func OnTable(table catalog.Name, err error) error {
	var e *Error
	if errors.As(err, &e) && e.Table == (catalog.Name{}) {
		e.Table = table
	}
	return err
}

// Said is an error that reads as the server's own text, without the query and the positions that
// a driver prints along; errors.As still finds the driver's.
func Said(text string, cause error) error { return &said{text, cause} }

type said struct {
	text  string
	cause error
}

func (s *said) Error() string { return s.text }
func (s *said) Unwrap() error { return s.cause }

// Broken says whether err is the connection's: a session that met it is not used again.
func Broken(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(
			err,
			io.EOF,
		) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.ErrClosedPipe)
}

// Unreached fills in why nobody was reached: given up, no such host, nobody listens. It
// returns false where that is not what err says.
func Unreached(e *Error, err error) bool {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(err, context.Canceled):
		e.Kind, e.Err = Disconnected, context.Canceled
	case errors.As(err, &dns):
		e.Err, e.Fix = fmt.Errorf("host %s is unknown", dns.Name), "Check host."
	case errors.As(err, &op) && op.Op == "dial":
		e.Err, e.Fix = op.Err, "Check host and port, that the server is running, and that no firewall blocks the connection."
	default:
		return false
	}
	return true
}
