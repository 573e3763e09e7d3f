package sqlite

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/readers"
)

// Read starts a scan of the range in the order of its rowid or key.
func (v *view) Read(ctx context.Context, t *catalog.Table, r catalog.Range, how providers.ReadOptions) (providers.Reader, error) {
	acc, err := readers.New(t, how)
	if err != nil {
		return nil, err
	}
	rd := &reader{conn: v.conn, table: t, acc: acc, builder: array.NewRecordBuilder(memory.DefaultAllocator, acc.Schema)}
	acc.Take = func(i int) arrow.Array { return rd.builder.Field(i).NewArray() }
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
	acc     *readers.Accumulator
	builder *array.RecordBuilder
	cells   []cell
	key     []int // result columns that make up a row's key, for messages
	pending bool  // the statement stands on a row that is in no batch yet
	done    bool
	scratch []byte
}

// columns makes an appender for every copied column, and returns what to select.
func (r *reader) columns() ([]string, error) {
	var selected []string
	for i, c := range r.acc.Columns {
		x, err := newCell(c.Type, r.builder.Field(i))
		if err != nil {
			return nil, r.acc.Unreadable(i, err)
		}
		if slices.Contains(r.table.KeyColumns(), c.Name) {
			r.key = append(r.key, i)
		}
		r.cells = append(r.cells, x)
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
	r.acc.Release()
	if r.done {
		return nil, io.EOF
	}
	if err := r.conn.during(ctx, func() error { return r.fill(ctx) }); err != nil {
		r.done = true
		return nil, failedOn(ctx, "read", r.table.Name, err)
	}
	if r.acc.Rows() == 0 {
		return nil, io.EOF
	}
	return r.acc.Batch(), nil
}

// fill appends rows until the batch is full, or the scan is done.
func (r *reader) fill(ctx context.Context) error {
	r.builder.Reserve(min(r.acc.How.BatchRows, 1024))
	for {
		if !r.pending {
			var err error
			if r.pending, err = r.stmt.Step(); err != nil || !r.pending {
				r.done = true // another step would start again
				return err
			}
		}
		width, err := r.width()
		if err != nil || r.acc.Full(width) {
			return err
		}
		if err := r.acc.Acquire(ctx, width); err != nil {
			return r.acc.Named(err, r.rowKey())
		}
		for i, c := range r.cells {
			if err := c.append(r, i); err != nil {
				return r.refuse(&readers.Refusal{Column: i, Err: err, Fix: "Correct the row in the source, or exclude the table."})
			}
		}
		r.pending = false
		r.acc.Add(width)
	}
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
		if r.acc.Large(size) {
			return 0, r.refuse(r.acc.TooLarge(i, size, "bytes"))
		}
		n += size
	}
	return n, nil
}

// refuse names the row on which the statement stands: parts of it may be in no batch yet.
func (r *reader) refuse(bad *readers.Refusal) error { return r.acc.RefuseKey(bad, r.rowKey()) }

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
	r.acc.Release()
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
