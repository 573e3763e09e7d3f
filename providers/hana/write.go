package hana

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"strings"

	hdb "github.com/SAP/go-hdb/driver"
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

const (
	opWrite  = "load"
	maxRows  = 10_000        // rows of one message
	maxBytes = 8 << 20       // bytes of one message, as the batch counts them
	maxBulk  = math.MaxInt32 // the driver is not to split what this package has counted
	wideLOB  = lobChunk / 2  // bytes of UTF-8 that may be more than a chunk of CESU-8
)

// writer loads one package by bulk INSERT, a message for up to maxRows rows and maxBytes bytes.
//
// A row with a large object above wideLOB has a message of its own: the driver would end the
// message there anyway and count the rows after it from 0 (stmt.go, exec), and its value is read
// from where it lies in the batch, chunk by chunk.
type writer struct {
	s       *session
	table   *catalog.Table
	sql     string
	stmt    driver.Stmt
	columns []column
	lobs    []int // columns that are large objects
	args    []driver.NamedValue
	taken   int64 // rows that the server says it has
	sent    int64
	failed  error
	done    bool
}

func newWriter(ctx context.Context, s *session, table *catalog.Table) (*writer, error) {
	w := &writer{s: s, table: table}
	var names []string
	for _, c := range table.CopiedColumns() {
		col := newColumn(c.Type)
		if col == nil {
			return nil, &providers.Error{
				Kind:   providers.Unsupported,
				Op:     opWrite,
				Table:  table.Name,
				Column: c.Name,
				Err:    fmt.Errorf("type %s cannot be written", c.Type),
			}
		}
		if isLOB(c.Type) {
			w.lobs = append(w.lobs, len(names))
		}
		w.columns = append(w.columns, col)
		names = append(names, c.Name)
	}
	if len(names) == 0 {
		return nil, &providers.Error{Kind: providers.Unsupported, Op: opWrite, Table: table.Name, Err: errors.New("the table has no columns that are copied")}
	}
	w.sql = "INSERT INTO " + quoteName(table.Name) + " (" + quoteIdents(names) + ") VALUES (" + binds(len(names)) + ")"
	return w, w.prepare(ctx)
}

// prepare asks the server how it takes the columns. A DECIMAL that it takes in its floating form
// would lose digits above the 34th without an error, the driver's fault (encoding/decimal.go).
func (w *writer) prepare(ctx context.Context) error {
	return w.s.run(ctx, opWrite, func(ctx context.Context) error {
		var meta hdb.StmtMetadata
		st, err := w.s.conn.(driver.ConnPrepareContext).PrepareContext(hdb.WithStmtMetadata(ctx, &meta), w.sql)
		if err != nil {
			return providers.Gone(wrapTable(opWrite, w.table.Name, err))
		}
		w.stmt = st
		for i, p := range meta.ParameterTypes() {
			c := w.table.CopiedColumns()[i]
			if c.Type.Kind == catalog.Decimal && c.Type.Precision > floatingDigits && p.DatabaseTypeName() == "DECIMAL" {
				return &providers.Error{Kind: providers.Unsupported, Op: opWrite, Table: w.table.Name, Column: c.Name,
					Err: fmt.Errorf("the server accepts %s with only %d digits", c.Declared, floatingDigits),
					Fix: "Upgrade the server, or reduce the column's number of digits."}
			}
		}
		return nil
	})
}

// Write implements providers.Writer. It sends the batch before it returns.
func (w *writer) Write(ctx context.Context, b arrow.RecordBatch) error {
	if w.failed != nil {
		return w.failed
	}
	if err := w.write(ctx, b); err != nil {
		w.failed = providers.Gone(wrapTable(opWrite, w.table.Name, err))
		return w.failed
	}
	return nil
}

func (w *writer) write(ctx context.Context, b arrow.RecordBatch) error {
	if int(b.NumCols()) != len(w.columns) {
		return errors.New("the batch and the table have different numbers of columns")
	}
	rows := int(b.NumRows())
	if rows == 0 {
		return nil
	}
	for i, c := range w.columns {
		c.bind(b.Column(i))
	}
	most := maxRows
	if size := batch.Bytes(b); size > maxBytes {
		most = max(1, min(maxRows, int(int64(rows)*maxBytes/size)))
	}
	for from := 0; from < rows; {
		to := w.cut(from, min(from+most, rows))
		if err := w.send(ctx, b, from, to); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// cut ends a message before a row that needs one of its own, or after it.
func (w *writer) cut(from, to int) int {
	if len(w.lobs) == 0 {
		return to
	}
	for i := from; i < to; i++ {
		for _, j := range w.lobs {
			if w.columns[j].size(i) < wideLOB {
				continue
			}
			return max(i, from+1)
		}
	}
	return to
}

// send loads the rows from..to of the batch that is bound.
func (w *writer) send(ctx context.Context, b arrow.RecordBatch, from, to int) error {
	n := (to - from) * len(w.columns)
	if cap(w.args) < n {
		w.args = make([]driver.NamedValue, n)
	}
	args := w.args[:n]
	for j, c := range w.columns {
		if i, err := c.fill(args[j:], len(w.columns), from, to); err != nil {
			return &providers.Error{
				Kind:   providers.Value,
				Op:     opWrite,
				Table:  w.table.Name,
				Column: b.ColumnName(j),
				Key:    batch.FormatKey(b, i, w.table.KeyColumns()),
				Err:    err,
			}
		}
	}
	err := w.s.run(ctx, opWrite, func(ctx context.Context) error {
		r, err := w.stmt.(driver.StmtExecContext).ExecContext(ctx, args)
		if err == nil {
			w.taken += w.count(r, from, to)
		}
		return err
	})
	clear(args) // the batch must not be held by them
	w.sent += int64(to - from)
	return w.placed(err, b, from)
}

// count is how many rows the server says it took. Of a row whose large object follows in pieces
// HANA 2 counts none with the pieces, and HANA 4 one (stmt.go, session.go of the driver): it is in,
// or there was an error.
func (w *writer) count(r driver.Result, from, to int) int64 {
	if to == from+1 {
		for _, j := range w.lobs {
			if w.columns[j].size(from) >= wideLOB {
				return 1
			}
		}
	}
	n, _ := r.RowsAffected()
	return n
}

// placed fills in column and key of the row that the server refused. Errors of a bulk insert say
// which of its rows they are about.
func (w *writer) placed(err error, b arrow.RecordBatch, from int) error {
	var e *providers.Error
	var server hdb.Error
	if err == nil || !errors.As(err, &e) || !errors.As(err, &server) {
		return err
	}
	worst(server) // selects it
	if i := from + server.StmtNo(); server.StmtNo() >= 0 && i < int(b.NumRows()) {
		e.Key = batch.FormatKey(b, i, w.table.KeyColumns())
	}
	if e.Column == "" {
		e.Column = w.mentioned(server.Text())
	}
	return err
}

// mentioned finds the column that the server's text quotes. It decides nothing.
func (w *writer) mentioned(text string) string {
	for _, c := range w.table.CopiedColumns() {
		if strings.Contains(text, quoteIdent(c.Name)) || strings.Contains(text, ": "+c.Name+":") || strings.HasSuffix(text, " "+c.Name) {
			return c.Name
		}
	}
	return ""
}

// Finish implements providers.Writer.
func (w *writer) Finish(ctx context.Context) (int64, error) {
	if w.failed != nil {
		return 0, w.failed
	}
	w.done = true
	if err := w.drop(ctx); err != nil {
		w.failed = providers.Gone(wrapTable(opWrite, w.table.Name, err))
		return 0, w.failed
	}
	if w.taken != w.sent {
		w.failed = &providers.Error{
			Kind:  providers.Corrupt,
			Op:    opWrite,
			Table: w.table.Name,
			Err:   fmt.Errorf("the server reports that it inserted %d of %d rows", w.taken, w.sent),
		}
		return 0, w.failed
	}
	return w.taken, nil
}

// Done implements fenced.Writer.
func (w *writer) Done() bool { return w.done && w.failed == nil }

// drop gives the prepared statement back.
func (w *writer) drop(ctx context.Context) error {
	st := w.stmt
	w.stmt = nil
	if st == nil {
		return nil
	}
	return w.s.run(ctx, opWrite, func(context.Context) error { return st.Close() })
}

// Close implements providers.Writer. What was sent of a load that was not finished goes with the
// transaction, which can only be rolled back.
func (w *writer) Close() error {
	if w.done {
		return nil
	}
	w.done = true
	if w.failed == nil {
		w.failed = &providers.Error{Kind: providers.Internal, Op: opWrite, Table: w.table.Name, Err: errors.New("the load was aborted")}
	}
	if w.s.dead {
		return nil
	}
	w.s.wire.within(controlTime)
	_ = w.drop(context.Background()) // the session notes where it fails
	w.s.wire.within(0)
	return nil
}
