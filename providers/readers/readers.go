// Package readers gathers the rows of a Reader into batches, within its ReadOptions.
//
// An engine decodes values into columns of its own and asks an Accumulator the rest: before a row
// Full and Acquire, after it Add, at the end of a batch Batch, and Release before the next one.
package readers

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

const (
	// Op is the operation that errors of readers name.
	Op = "read"
	// BatchBytes is where a batch is cut when nobody has said it.
	BatchBytes = 4 << 20
	// keyValue is from how many bytes on a value is left out of a row that is read for its key
	// only: an index takes no larger one.
	keyValue = 8192
)

// Accumulator is the batch that a Reader is filling. One goroutine.
type Accumulator struct {
	How     providers.ReadOptions // with the defaults in place
	Columns []catalog.Column      // the table's copied ones
	Schema  *arrow.Schema
	// Take ends one of the columns: it returns what was appended since, and the caller owns it.
	Take func(column int) arrow.Array

	table   *catalog.Table
	rows    int
	bytes   int64
	release func() // of the wide row's share of the budget
}

// New begins without a row. The error is Unsupported where a column's type has no batches.
func New(t *catalog.Table, how providers.ReadOptions) (*Accumulator, error) {
	if how.BatchRows <= 0 {
		how.BatchRows = batch.Rows
	}
	if how.BatchBytes <= 0 {
		how.BatchBytes = BatchBytes
	}
	a := &Accumulator{How: how, Columns: t.CopiedColumns(), table: t}
	var err error
	if a.Schema, err = batch.Schema(a.Columns); err != nil {
		return nil, &providers.Error{Kind: providers.Unsupported, Op: Op, Table: t.Name, Err: err}
	}
	return a, nil
}

// Unreadable is the error of a column that an engine cannot read.
func (a *Accumulator) Unreadable(column int, err error) error {
	return &providers.Error{Kind: providers.Unsupported, Op: Op, Table: a.table.Name,
		Column: a.Columns[column].Name, Err: err}
}

// Full says whether the batch ends before a row of so many bytes.
func (a *Accumulator) Full(width int64) bool {
	return a.rows > 0 && (a.rows >= a.How.BatchRows || a.bytes+width > a.How.BatchBytes)
}

// Acquire takes the bytes of a row that is wider than a batch from the budget, once a batch: such a
// row travels alone. An error is for TooWide or Named.
func (a *Accumulator) Acquire(ctx context.Context, width int64) error {
	if width <= a.How.BatchBytes || a.How.Budget == nil || a.release != nil {
		return nil
	}
	var err error
	a.release, err = a.How.Budget.Acquire(ctx, width)
	return err
}

// Release returns the share of the budget that the last batch had.
func (a *Accumulator) Release() {
	if a.release != nil {
		a.release()
		a.release = nil
	}
}

// Add counts a row whose values were appended to all columns.
func (a *Accumulator) Add(width int64) {
	a.rows++
	a.bytes += width
}

// Rows is how many rows the batch has.
func (a *Accumulator) Rows() int { return a.rows }

// Batch ends the batch and begins the next one. The caller owns it.
func (a *Accumulator) Batch() arrow.RecordBatch {
	arrays := make([]arrow.Array, len(a.Columns))
	for i := range arrays {
		arrays[i] = a.Take(i)
	}
	n := a.rows
	a.rows, a.bytes = 0, 0
	return batch.Record(a.Schema, arrays, n)
}

// Refusal is why a value cannot be handed out. Its place in the column is NULL.
type Refusal struct {
	Column int
	Err    error
	Fix    string // a sentence; may be empty
}

// Large says whether a value of so many bytes is above LOBMax.
func (a *Accumulator) Large(n int64) bool { return a.How.LOBMax > 0 && n > a.How.LOBMax }

// TooLarge refuses a value for its length, which is in a unit such as "bytes".
func (a *Accumulator) TooLarge(column int, n int64, unit string) *Refusal {
	return &Refusal{Column: column, Err: fmt.Errorf("a value of %d %s is larger than lob_max (%d)", n, unit, a.How.LOBMax),
		Fix: "Raise types { lob_max }, or exclude the table."}
}

// Refuse is the error of a value in the row that was added last. The batch is dropped.
func (a *Accumulator) Refuse(r *Refusal) error { return a.RefuseKey(r, a.lastKey()) }

// RefuseKey is Refuse for a row that is in no batch, by its key as it is printed.
func (a *Accumulator) RefuseKey(r *Refusal, key string) error {
	return &providers.Error{Kind: providers.Value, Op: Op, Table: a.table.Name,
		Column: a.Columns[r.Column].Name, Key: key, Err: r.Err, Fix: r.Fix}
}

// lastKey prints the key of the row that was added last, and drops the batch.
func (a *Accumulator) lastKey() string {
	last := a.rows - 1
	b := a.Batch()
	defer b.Release()
	return batch.FormatKey(b, last, a.table.KeyColumns())
}

// TooWide names the row, the next one, that the budget refuses with cause. AppendRow appends it and refuses
// its large values; meanwhile LOBMax is such that no more than a key is held.
func (a *Accumulator) TooWide(cause error, appendRow func() error) error {
	if providers.KindOf(cause) != providers.Value {
		return cause
	}
	most := a.How.LOBMax
	a.How.LOBMax = keyValue
	err := appendRow()
	a.How.LOBMax = most
	var large *providers.Error
	switch {
	case errors.As(err, &large) && large.Kind == providers.Value: // the expected: it has a large value
		return a.Named(cause, large.Key)
	case err != nil:
		return err
	case a.rows > 0:
		return a.Named(cause, a.lastKey())
	}
	return a.Named(cause, "")
}

// Named names table and key of a row that the budget refuses with cause.
func (a *Accumulator) Named(cause error, key string) error {
	var e *providers.Error
	if !errors.As(cause, &e) || e.Kind != providers.Value {
		return cause
	}
	named := *e
	named.Table, named.Key = a.table.Name, key
	return &named
}
