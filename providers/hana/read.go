package hana

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

const (
	opRead            = "read"
	defaultBatchBytes = 4 << 20
	fetchRows         = 4096     // rows a fetch of narrow tables
	fetchBytes        = 16 << 20 // a fetch of the widest rows that a table can have stays below
	inlineLOB         = 4 << 10  // bytes of a large object that come with its row (assumption: about 1 KiB)
)

// fetchOf says how many rows a fetch asks for: a driver decodes a whole fetch into memory.
func fetchOf(t *catalog.Table) int {
	width := 0
	for _, c := range t.CopiedColumns() {
		switch c.Type.Kind {
		case catalog.String:
			width += min(3*c.Type.Length, 2000) // long ones are rarely full
		case catalog.Binary:
			width += min(c.Type.Length, 2000)
		case catalog.Text, catalog.Blob:
			width += inlineLOB
		default:
			width += 16
		}
	}
	rows := fetchRows
	for rows > 64 && rows*width > fetchBytes {
		rows /= 8
	}
	return rows
}

// reader streams one range. Large objects are read when their row is, once the budget has room.
type reader struct {
	v      *view
	table  *catalog.Table
	how    providers.ReadOptions
	schema *arrow.Schema
	cols   []catalog.Column
	apps   []appender
	build  []builder
	rows   driver.Rows
	dest   []driver.Value
	// fixed is what a row takes without its cells of varying length.
	fixed   int64
	varying []varying

	n       int
	bytes   int64
	ahead   bool   // dest holds a row that the last batch had no room for
	release func() // of the wide row's share of the budget
	ended   bool
	failed  error
	closed  bool
}

func openReader(ctx context.Context, v *view, t *catalog.Table, r catalog.Range, how providers.ReadOptions) (*reader, error) {
	if how.BatchRows <= 0 {
		how.BatchRows = batch.Rows
	}
	if how.BatchBytes <= 0 {
		how.BatchBytes = defaultBatchBytes
	}
	rd := &reader{v: v, table: t, how: how, cols: t.CopiedColumns()}
	var err error
	if rd.schema, err = batch.Schema(rd.cols); err != nil {
		return nil, &providers.Error{Kind: providers.Unsupported, Op: opRead, Table: t.Name, Err: err}
	}
	var list []string
	for i, c := range rd.cols {
		if isLOB(c.Type) {
			rd.build, rd.apps = append(rd.build, newLobs(rd.schema.Field(i).Type)), append(rd.apps, nil)
			list = append(list, quoteIdent(c.Name))
			continue
		}
		b := array.NewBuilder(memory.DefaultAllocator, rd.schema.Field(i).Type)
		a := newAppender(c.Type, b)
		if a == nil {
			return nil, &providers.Error{Kind: providers.Unsupported, Op: opRead, Table: t.Name, Column: c.Name, Err: fmt.Errorf("type %s cannot be read", c.Type)}
		}
		rd.apps, rd.build = append(rd.apps, a), append(rd.build, b)
		list = append(list, quoteIdent(c.Name))
	}
	rd.fixed = int64(16 * len(rd.cols))
	for i, c := range rd.cols {
		switch c.Type.Kind {
		case catalog.Text:
			rd.varying = append(rd.varying, varying{i, len(list), 3})
			list = append(list, "LENGTH("+quoteIdent(c.Name)+")")
		case catalog.Blob:
			rd.varying = append(rd.varying, varying{i, len(list), 1})
			list = append(list, "LENGTH("+quoteIdent(c.Name)+")")
		case catalog.String, catalog.Binary:
			rd.varying = append(rd.varying, varying{i, i, 0})
		}
	}
	where, err := predicate(t, r)
	if err != nil {
		return nil, &providers.Error{Kind: providers.Internal, Op: opRead, Table: t.Name, Err: err}
	}
	sql := "SELECT " + strings.Join(list, ", ") + " FROM " + from(t, r) + where
	err = v.s.run(ctx, opRead, func(ctx context.Context) (err error) {
		rd.rows, err = v.s.conn.(driver.QueryerContext).QueryContext(ctx, sql, nil)
		return err
	})
	if err != nil {
		return nil, providers.Gone(wrapTable(opRead, t.Name, err))
	}
	rd.dest = make([]driver.Value, len(list))
	return rd, nil
}

// Next implements providers.Reader.
func (rd *reader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	rd.giveBack()
	if rd.failed != nil {
		return nil, rd.failed
	}
	if rd.ended {
		return nil, io.EOF
	}
	var b arrow.RecordBatch
	err := rd.v.s.run(ctx, opRead, func(context.Context) (err error) {
		b, err = rd.next(ctx)
		if errors.Is(err, io.EOF) {
			rd.ended, err = true, nil
		}
		return err
	})
	if err != nil {
		if b != nil {
			b.Release()
		}
		rd.failed = providers.Gone(wrapTable(opRead, rd.table.Name, err))
		return nil, rd.failed
	}
	if b == nil {
		return nil, io.EOF
	}
	return b, nil
}

func (rd *reader) next(ctx context.Context) (arrow.RecordBatch, error) {
	for {
		if !rd.ahead {
			switch err := rd.rows.Next(rd.dest); {
			case errors.Is(err, io.EOF) && rd.n > 0:
				rd.ended = true
				return rd.batch(), nil
			case err != nil:
				return nil, err
			}
		}
		rd.ahead = false
		width := rd.width()
		if rd.n > 0 && (rd.n >= rd.how.BatchRows || rd.bytes+width > rd.how.BatchBytes) {
			rd.ahead = true
			return rd.batch(), nil
		}
		if width > rd.how.BatchBytes && rd.how.Budget != nil {
			var err error
			if rd.release, err = rd.how.Budget.Acquire(ctx, width); err != nil {
				return nil, err
			}
		}
		if err := rd.row(); err != nil {
			return nil, err
		}
		rd.bytes += width
		if rd.n >= rd.how.BatchRows {
			return rd.batch(), nil
		}
	}
}

// varying is a cell of varying length: the value itself, or where unit is not 0 the length of a
// large object in units of so many bytes at most; that of an NCLOB is in UTF-16 units.
type varying struct {
	column, at int // in the table, and of the length in the result
	unit       int64
}

// size of a large object in bytes, about.
func (c varying) size(dest []driver.Value) int64 {
	n, _ := dest[c.at].(int64)
	return c.unit * n
}

// width is about how many bytes the row takes in a batch.
func (rd *reader) width() int64 {
	n := rd.fixed
	for _, c := range rd.varying {
		if c.unit > 0 {
			n += c.size(rd.dest)
			continue
		}
		b, _ := rd.dest[c.at].([]byte)
		n += int64(len(b))
	}
	return n
}

// row appends what dest holds.
func (rd *reader) row() error {
	var bad error
	column := 0
	refused := func(i int, err error) error {
		var value *valueError
		if !errors.As(err, &value) {
			return err
		}
		rd.build[i].AppendNull()
		bad, column = err, i
		return nil
	}
	for i, a := range rd.apps {
		if a == nil {
			continue // a large object, see below
		}
		v := rd.dest[i]
		if v == nil {
			rd.build[i].AppendNull()
		} else if err := a(v); err != nil {
			if err := refused(i, err); err != nil {
				return err
			}
		}
	}
	for _, c := range rd.varying {
		if c.unit == 0 {
			continue
		}
		b, v := rd.build[c.column].(*lobs), rd.dest[c.column]
		if v == nil {
			b.AppendNull()
		} else if err := b.scan(v, c.size(rd.dest)/c.unit, rd.how.LOBMax); err != nil {
			if err := refused(c.column, err); err != nil {
				return err
			}
		}
	}
	rd.n++
	if bad != nil {
		return rd.refuse(column, bad)
	}
	return nil
}

// refuse names column and key of the row that was read last.
func (rd *reader) refuse(column int, bad error) error {
	e := &providers.Error{Kind: providers.Value, Op: opRead, Table: rd.table.Name, Column: rd.cols[column].Name, Err: bad}
	if errors.Is(bad, errTooLarge) {
		e.Fix = "Raise types { lob_max }, or exclude the table."
	}
	last := rd.n - 1
	b := rd.batch()
	defer b.Release()
	e.Key = keyOf(rd.table, b, last)
	return e
}

func (rd *reader) batch() arrow.RecordBatch {
	arrays := make([]arrow.Array, len(rd.build))
	for i, b := range rd.build {
		arrays[i] = b.NewArray()
	}
	n := rd.n
	rd.n, rd.bytes = 0, 0
	return batch.Record(rd.schema, arrays, n)
}

func (rd *reader) giveBack() {
	if rd.release != nil {
		rd.release()
		rd.release = nil
	}
}

// Close implements providers.Reader.
func (rd *reader) Close() error {
	if rd.closed {
		return nil
	}
	rd.closed = true
	rd.giveBack()
	for _, b := range rd.build {
		b.Release()
	}
	s := rd.v.s
	if s.dead {
		return nil
	}
	s.wire.within(controlTime)
	err := rd.rows.Close()
	s.wire.within(0)
	if err != nil && rd.failed == nil && !rd.ended {
		s.dead = true // the view ends with it; nothing that was read is wrong
	}
	return nil
}
