package hana

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// Error is an error as the server sends it. Codes and texts are those of the SQL
// reference's table "SQL Error Codes".
type Error struct {
	Code int
	Pos  int // character of the statement, from 1; 0 where there is none
	Text string

	keeps bool // the transaction stays, whatever the code
}

func (e *Error) Error() string { return fmt.Sprintf("%d: %s", e.Code, e.Text) }

// Codes that several places raise.
const (
	codeAuthentication = 10
	codeSyntax         = 257
	codePrivilege      = 258
	codeNoTable        = 259
	codeNoColumn       = 260
	codeDuplicateRow   = 301
	codeOverflow       = 314
	codeTooLarge       = 274
)

func errCESU8() *Error { return &Error{Code: 609, Text: "invalid CESU-8 string"} }

// codes are HANA's codes of the store's kinds of errors, with the begin of their text.
var codes = map[store.ErrorKind]struct {
	code int
	text string
}{
	store.Syntax:          {codeSyntax, "sql syntax error: "},
	store.NoTable:         {codeNoTable, "invalid table name: "},
	store.NoColumn:        {codeNoColumn, "invalid column name: "},
	store.AmbiguousColumn: {268, "column ambiguously defined: "},
	store.NoFunction:      {328, "invalid name of function or procedure: "},
	store.WrongArguments:  {316, "wrong number of arguments in function invocation: "},
	store.TypeMismatch:    {266, "inconsistent datatype: "},
	store.Overflow:        {codeOverflow, "numeric overflow: "},
	store.DivideByZero:    {304, "division by zero undefined: "},
	store.ManyRows:        {305, "single-row query returns more than one row: "},
	store.TooManyValues:   {269, "too many values: "},
	store.NotEnoughValues: {270, "not enough values: "},
	store.BadAggregate:    {275, "aggregate function not allowed: "},
	store.NotGrouped:      {276, "missing aggregation or grouping: "},
	store.LongName:        {286, "identifier is too long: "},
	store.Duplicate:       {codeDuplicateRow, "unique constraint violated: "},
	store.Full:            {2055, "maximum number of rows per table or partition reached: "},
	store.LockTimeout:     {131, "transaction rolled back by lock wait timeout: "},
	store.Deadlock:        {133, "transaction rolled back by detected deadlock: "},
	store.Busy:            {146, "Resource busy and NOWAIT specified: "},
	store.Canceled:        {139, "current operation cancelled by request and transaction rolled back: "},
	store.Serialization:   {138, "transaction serialization failure: "},
	store.Unsupported:     {7, "feature not supported: "},
	store.BadEscape:       {325, "invalid escape sequence: "},
	store.BadOrdinal:      {280, "ORDER BY item must be the number of a SELECT-list: "},
}

// rollsBack are the codes after which the whole transaction is gone.
var rollsBack = map[int]bool{129: true, 131: true, 133: true, 138: true, 139: true}

// asError turns any error into one that can be sent.
func asError(err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	var e *store.Error
	if !errors.As(err, &e) {
		return &Error{Code: 2, Text: "general error: " + err.Error()}
	}
	c, ok := codes[e.Kind]
	if !ok {
		return &Error{Code: 2, Text: "general error: " + e.Error()}
	}
	text := c.text + strings.TrimPrefix(e.Text, strings.TrimSuffix(c.text, ": "))
	if e.Name != "" {
		text += fmt.Sprintf(" %q", e.Name)
	}
	if e.Pos >= 0 {
		text += fmt.Sprintf(": line 1 col %d (at pos %d)", e.Pos+1, e.Pos+1)
	}
	return &Error{Code: c.code, Pos: e.Pos + 1, Text: text}
}
