package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

type badValue struct {
	column int
	err    error
}

func errTooLarge(n int, most int64) error {
	return fmt.Errorf("a value of %d bytes is larger than lob_max, %d", n, most)
}

// refuse names column and key of the row that was decoded last.
func (rd *reader) refuse(bad *badValue) error {
	c := rd.cols[bad.column]
	e := &providers.Error{Kind: providers.Value, Op: opRead, Table: rd.table.Name, Column: c.Name, Err: bad.err}
	if rd.how.LOBMax > 0 && strings.Contains(bad.err.Error(), "lob_max") {
		e.Fix = "Raise types { lob_max }, or exclude the table."
	}
	last := rd.rows - 1
	b := rd.batch()
	defer b.Release()
	e.Key = keyOf(rd.table, b, last)
	return e
}

// keyValue is from how many bytes on a value is left out of a row that is read for its key
// only: an index takes no larger one.
const keyValue = 8192

// tooWide names the row of n bytes, the next one, that the budget refuses with cause. Of
// its values only small ones are held.
func (rd *reader) tooWide(n int, cause error) error {
	var e *providers.Error
	if !errors.As(cause, &e) || e.Kind != providers.Value {
		return cause
	}
	most := rd.how.LOBMax
	rd.how.LOBMax = keyValue
	err := rd.message(n)
	rd.how.LOBMax = most
	named := *e
	named.Table = rd.table.Name
	var large *providers.Error
	switch {
	case errors.As(err, &large) && large.Kind == providers.Value: // the expected: it has a large value
		named.Key = large.Key
	case err != nil:
		return err
	case rd.rows > 0:
		b := rd.batch()
		named.Key = keyOf(rd.table, b, int(b.NumRows())-1)
		b.Release()
	}
	return &named
}

// keyOf prints the key of a row for people; empty where the table has none.
func keyOf(t *catalog.Table, b arrow.RecordBatch, i int) string {
	if t.Key == nil {
		return ""
	}
	return batch.FormatKey(b, i, t.Key.Columns)
}
