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

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/readers"
)

const (
	opRead     = readers.Op
	fetchRows  = 4096     // rows a fetch of narrow tables
	fetchBytes = 16 << 20 // a fetch of the widest rows that a table can have stays below
	inlineLOB  = 4 << 10  // bytes of a large object that come with its row (assumption: about 1 KiB)
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
	v     *view
	table *catalog.Table
	acc   *readers.Accumulator
	apps  []appender
	build []builder
	rows  driver.Rows
	dest  []driver.Value
	// fixed is what a row takes without its cells of varying length.
	fixed   int64
	varying []varying

	ahead  bool // dest holds a row that the last batch had no room for
	ended  bool
	failed error
	closed bool
}

func openReader(ctx context.Context, v *view, t *catalog.Table, r catalog.Range, how providers.ReadOptions) (*reader, error) {
	acc, err := readers.New(t, how)
	if err != nil {
		return nil, err
	}
	rd := &reader{v: v, table: t, acc: acc, fixed: int64(16 * len(acc.Columns))}
	acc.Take = func(i int) arrow.Array { return rd.build[i].NewArray() }
	var list []string
	for i, c := range acc.Columns {
		if isLOB(c.Type) {
			rd.build, rd.apps = append(rd.build, newLobs(acc.Schema.Field(i).Type)), append(rd.apps, nil)
			list = append(list, quoteIdent(c.Name))
			continue
		}
		b := array.NewBuilder(memory.DefaultAllocator, acc.Schema.Field(i).Type)
		a := newAppender(c.Type, b)
		if a == nil {
			return nil, acc.Unreadable(i, fmt.Errorf("type %s cannot be read", c.Type))
		}
		rd.apps, rd.build = append(rd.apps, a), append(rd.build, b)
		list = append(list, quoteIdent(c.Name))
	}
	for i, c := range acc.Columns {
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
	rd.acc.Release()
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
			case errors.Is(err, io.EOF) && rd.acc.Rows() > 0:
				rd.ended = true
				return rd.acc.Batch(), nil
			case err != nil:
				return nil, err
			}
		}
		rd.ahead = false
		width := rd.width()
		if rd.acc.Full(width) {
			rd.ahead = true
			return rd.acc.Batch(), nil
		}
		if err := rd.acc.Acquire(ctx, width); err != nil {
			return nil, rd.acc.TooWide(err, func() error {
				rd.dropLobs()
				return rd.row(0)
			})
		}
		if err := rd.row(width); err != nil {
			return nil, err
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
func (rd *reader) row(width int64) error {
	var bad *readers.Refusal
	for i, a := range rd.apps {
		if a == nil {
			continue // a large object, see below
		}
		v := rd.dest[i]
		if v == nil {
			rd.build[i].AppendNull()
		} else if err := a(v); err != nil {
			rd.build[i].AppendNull()
			bad = &readers.Refusal{Column: i, Err: err}
		}
	}
	for _, c := range rd.varying {
		if c.unit == 0 {
			continue
		}
		b, v := rd.build[c.column].(*lobs), rd.dest[c.column]
		if v == nil {
			b.AppendNull()
			continue
		}
		n, err := b.scan(v, c.size(rd.dest)/c.unit, rd.acc.How.LOBMax)
		if err != nil {
			return err
		}
		if rd.acc.Large(n) {
			b.AppendNull()
			bad = rd.acc.TooLarge(c.column, n, "bytes")
		}
	}
	rd.acc.Add(width)
	if bad != nil {
		return rd.acc.Refuse(bad)
	}
	return nil
}

// dropLobs leaves the row's large objects on the server.
func (rd *reader) dropLobs() {
	for _, c := range rd.varying {
		if c.unit != 0 {
			rd.dest[c.column] = nil
		}
	}
}

// Close implements providers.Reader.
func (rd *reader) Close() error {
	if rd.closed {
		return nil
	}
	rd.closed = true
	rd.acc.Release()
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
