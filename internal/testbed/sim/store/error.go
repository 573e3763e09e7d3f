package store

import "fmt"

// ErrorKind says what went wrong, without an engine's code.
type ErrorKind uint8

// Kinds of errors.
const (
	Syntax ErrorKind = iota + 1
	NoTable
	NoColumn
	AmbiguousColumn
	NoFunction
	WrongArguments  // number of arguments of a function
	TypeMismatch    // operands or columns whose types do not go together
	Overflow        // a number beyond its type
	DivideByZero    //
	ManyRows        // a scalar subquery with more than one row
	TooManyValues   // INSERT with more values than columns
	NotEnoughValues // and with fewer
	BadAggregate    // an aggregate where none may stand
	NotGrouped      // a column neither grouped nor aggregated
	LongName        // an identifier beyond the limit
	Duplicate       // a unique key; Name is the index
	Full            // a partition has as many rows as it may
	LockTimeout
	Deadlock
	Busy // NOWAIT
	Canceled
	Serialization // a row changed after the snapshot of a transaction that may not see it
	Unsupported   // grammar that is known and not offered
	BadEscape     // LIKE
	BadOrdinal    // ORDER BY 7
)

// Error is what the layers of this package return. Pos is the byte of the
// statement, counted from 0; -1 where there is none.
type Error struct {
	Kind ErrorKind
	Pos  int
	Name string // the table, column, function, index or token it is about
	Text string // what is wrong, in lower case
}

func (e *Error) Error() string {
	if e.Name == "" {
		return e.Text
	}
	return fmt.Sprintf("%s: %s", e.Text, e.Name)
}

func fail(kind ErrorKind, pos int, name, text string) *Error {
	return &Error{Kind: kind, Pos: pos, Name: name, Text: text}
}
