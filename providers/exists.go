package providers

import (
	"errors"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// TableExists is the error of a CreateTable that asks for a new table where one is there:
// somebody has made it since the plan was made.
func TableExists(op string, table catalog.Name) *Error {
	return &Error{Kind: Exists, Op: op, Table: table,
		Err: errors.New("a table with this name exists, and dmoctl did not create it"),
		Fix: "It was not changed. Drop or rename it, or set existing in the spec's target block; then make a new plan."}
}
