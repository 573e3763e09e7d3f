package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// Read starts a scan of the range in the order of its rowid or key.
func (v *view) Read(ctx context.Context, t *catalog.Table, r catalog.Range, how providers.ReadOptions) (providers.Reader, error) {
	schema, err := batch.Schema(t.Columns)
	if err != nil {
		return nil, &providers.Error{Kind: providers.Unsupported, Op: "read", Table: t.Name, Err: err}
	}
	rd := &reader{conn: v.conn, table: t, how: how, builder: array.NewRecordBuilder(memory.DefaultAllocator, schema)}
	if rd.how.BatchRows <= 0 {
		rd.how.BatchRows = batch.Rows
	}
	if rd.how.BatchBytes <= 0 {
		rd.how.BatchBytes = 4 << 20
	}
	names, err := rd.columns()
	if err == nil {
		var where string
		var args []any
		if where, args, err = condition(t, r); err == nil {
			err = v.conn.during(ctx, func() error {
				return rd.prepare("SELECT "+strings.Join(names, ", ")+" FROM "+quote(t.Name.Name)+where, args)
			})
		}
	}
	if err != nil {
		return nil, gone(ctx, v.conn, t, errors.Join(err, rd.Close()))
	}
	return rd, nil
}

// reader scans one range.
type reader struct {
	conn    *conn
	stmt    *sqlite.Stmt
	table   *catalog.Table
	how     providers.ReadOptions
	builder *array.RecordBuilder
	cells   []cell
	names   []string
	key     []int // result columns that make up a row's key, for messages
	pending bool  // the statement stands on a row that is in no batch yet
	done    bool
	release func() // of a wide row's share of the budget
	scratch []byte
}

// columns makes an appender for every copied column, and returns what to select.
func (r *reader) columns() ([]string, error) {
	var selected []string
	for _, c := range r.table.CopiedColumns() {
		x, err := newCell(c.Type, r.builder.Field(len(r.cells)))
		if err != nil {
			return nil, err
		}
		if r.table.Key != nil {
			for _, k := range r.table.Key.Columns {
				if k == c.Name {
					r.key = append(r.key, len(r.cells))
				}
			}
		}
		r.cells = append(r.cells, x)
		r.names = append(r.names, c.Name)
		selected = append(selected, quote(c.Name))
	}
	if rowid := rowidName(r.table); len(r.key) == 0 && rowid != "" {
		r.key = append(r.key, len(selected))
		selected = append(selected, rowid)
	}
	if len(selected) == 0 {
		selected = append(selected, "1")
	}
	return selected, nil
}

func (r *reader) prepare(sql string, args []any) error {
	stmt, _, err := r.conn.PrepareTransient(sql)
	if err != nil {
		return err
	}
	r.stmt = stmt
	for i, a := range args {
		bindAny(stmt, i+1, a)
	}
	return nil
}

// Next builds a batch of at most BatchRows rows and about BatchBytes bytes.
func (r *reader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	r.giveBack()
	if r.done {
		return nil, io.EOF
	}
	rows := 0
	err := r.conn.during(ctx, func() (err error) {
		rows, err = r.fill(ctx)
		return err
	})
	if err != nil {
		r.done = true
		return nil, failedOn(ctx, "read", r.table.Name, err)
	}
	if rows == 0 {
		r.done = true
		return nil, io.EOF
	}
	if len(r.cells) == 0 {
		return array.NewRecordBatch(r.builder.Schema(), nil, int64(rows)), nil
	}
	return r.builder.NewRecordBatch(), nil
}

func (r *reader) giveBack() {
	if r.release != nil {
		r.release()
		r.release = nil
	}
}

// fill appends rows until the batch is full. A row wider than a batch travels alone.
func (r *reader) fill(ctx context.Context) (rows int, err error) {
	r.builder.Reserve(min(r.how.BatchRows, 1024))
	for bytes := int64(0); rows < r.how.BatchRows && bytes < r.how.BatchBytes; rows++ {
		if !r.pending {
			if r.pending, err = r.stmt.Step(); err != nil || !r.pending {
				r.done = true // another step would start again
				return rows, err
			}
		}
		width, err := r.width()
		if err != nil {
			return rows, err
		}
		if width > r.how.BatchBytes {
			if rows > 0 {
				return rows, nil
			}
			if r.how.Budget != nil {
				if r.release, err = r.how.Budget.Acquire(ctx, width); err != nil {
					return 0, r.tooWide(err)
				}
			}
		}
		for i, c := range r.cells {
			if err := c.append(r, i); err != nil {
				return rows, r.valueError(i, err)
			}
		}
		r.pending = false
		bytes += width
	}
	return rows, nil
}

// width returns the bytes of the row's large values, plus eight for each column.
func (r *reader) width() (int64, error) {
	n := int64(len(r.cells)) * 8
	for i := range r.cells {
		if !r.cells[i].sized() {
			continue
		}
		if k := r.stmt.ColumnType(i); k != sqlite.TypeText && k != sqlite.TypeBlob {
			continue
		}
		size := int64(r.stmt.ColumnLen(i))
		if r.how.LOBMax > 0 && size > r.how.LOBMax {
			e := r.valueError(i, fmt.Errorf("value has %d bytes, more than lob_max allows (%d)", size, r.how.LOBMax))
			e.Fix = "Raise lob_max in the spec's types block, or correct the row in the source."
			return 0, e
		}
		n += size
	}
	return n, nil
}

// valueError names the table, column and row of a value that does not fit.
func (r *reader) valueError(column int, err error) *providers.Error {
	return &providers.Error{Kind: providers.Value, Op: "read", Table: r.table.Name, Column: r.names[column], Key: r.rowKey(), Err: err,
		Fix: "Correct the row in the source, or exclude the table."}
}

// tooWide names the table and row that the budget refuses.
func (r *reader) tooWide(err error) error {
	var e *providers.Error
	if !errors.As(err, &e) || e.Kind != providers.Value {
		return err
	}
	named := *e
	named.Table, named.Key = r.table.Name, r.rowKey()
	return &named
}

// rowKey prints the key of the row on which the statement stands.
func (r *reader) rowKey() string {
	parts := make([]string, 0, len(r.key))
	for _, k := range r.key {
		parts = append(parts, describe(r.stmt, k))
	}
	return strings.Join(parts, ", ")
}

// Close ends the scan.
func (r *reader) Close() error {
	r.giveBack()
	r.done = true
	if r.builder != nil {
		r.builder.Release()
		r.builder = nil
	}
	if r.stmt == nil {
		return nil
	}
	err := r.stmt.Finalize()
	r.stmt = nil
	// An interrupted statement reports that once more when it ends.
	if code := sqlite.ErrCode(err).ToPrimary(); code == sqlite.ResultInterrupt {
		return nil
	}
	return err
}
