package oracle

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/readers"
)

const (
	opRead  = readers.Op
	wideRow = 64 << 10
)

// reader streams one range. Rows come in pages of the session's fetch size; large objects
// beyond the near limit are fetched for several rows at once, or for one alone where that
// is wider than a batch.
type reader struct {
	v     *view
	s     *session
	table *catalog.Table
	from  catalog.Range
	acc   *readers.Accumulator
	st    *statement
	cur   *cursor
	cols  []*column
	far   farRows

	values []driver.Value // of the row that waits to be appended, by field
	plain  bool           // they are the first ones of the cursor's row
	have   bool           // one waits
	bad    *readers.Refusal
	ended  bool
	failed error
	closed bool
}

// newReader makes a column of each that is copied.
func newReader(v *view, t *catalog.Table, how providers.ReadOptions) (*reader, error) {
	acc, err := readers.New(t, how)
	if err != nil {
		return nil, err
	}
	rd := &reader{v: v, s: v.s, table: t, acc: acc}
	for i, c := range acc.Columns {
		col, err := newColumn(c)
		if err != nil {
			rd.releaseColumns()
			return nil, acc.Unreadable(i, err)
		}
		rd.cols = append(rd.cols, col)
	}
	acc.Take = func(i int) arrow.Array { return rd.cols[i].NewArray() }
	return rd, nil
}

func openReader(ctx context.Context, v *view, t *catalog.Table, r catalog.Range, how providers.ReadOptions) (*reader, error) {
	rd, err := newReader(v, t, how)
	if err != nil {
		return nil, err
	}
	rd.from = r
	rd.st, err = newStatement(t, r, v.sn.asOf())
	if err == nil {
		rd.cur, err = rd.s.open(ctx, rd.st.sql, rd.st.params)
	}
	if err != nil {
		rd.releaseColumns()
		return nil, err
	}
	rd.prepare()
	return rd, nil
}

// prepare makes room for a row. Where every value comes with its row, in order, it is the
// cursor's own.
func (rd *reader) prepare() {
	rd.plain = true
	for i, f := range rd.st.fields {
		rd.plain = rd.plain && f.at == i && f.length < 0 && f.shape != long
	}
	if rd.plain {
		rd.values = rd.cur.row[:len(rd.cols)]
		return
	}
	rd.values = make([]driver.Value, len(rd.cols))
}

// Next implements providers.Reader.
func (rd *reader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	rd.acc.Release()
	if rd.failed != nil {
		return nil, rd.failed
	}
	stop := context.AfterFunc(ctx, rd.s.link.cut) // the driver's fetch hears nothing else
	b, err := rd.next(ctx)
	if !stop() {
		rd.s.dead = true
		if b != nil {
			b.Release()
		}
		b, err = nil, ctx.Err()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = rd.v.failed(opRead, rd.table.Name, err)
		rd.failed = err
	}
	return b, err
}

func (rd *reader) next(ctx context.Context) (arrow.RecordBatch, error) {
	for {
		switch {
		case rd.have:
			if b, err := rd.append(ctx); b != nil || err != nil {
				return b, err
			}
		case rd.far.take(rd.values):
			rd.have = true
		case rd.far.wide != nil && rd.acc.Rows() > 0, rd.ended && !rd.far.waiting() && rd.acc.Rows() > 0:
			return rd.acc.Batch(), nil
		case rd.far.wide != nil || rd.ended && rd.far.waiting() || rd.far.full(rd.acc.How.BatchBytes):
			if err := rd.fetchFar(ctx); err != nil {
				return nil, err
			}
		case rd.ended:
			return nil, io.EOF
		default:
			if err := rd.advance(); err != nil {
				return nil, err
			}
		}
	}
}

// append adds the row that waits, or returns the batch that it no longer fits into.
func (rd *reader) append(ctx context.Context) (arrow.RecordBatch, error) {
	n, longest := sizeOf(rd.values)
	if rd.acc.Full(n) {
		return rd.acc.Batch(), nil
	}
	if err := rd.acc.Acquire(ctx, n); err != nil {
		return nil, rd.tooWide(err)
	}
	rd.have = false
	return nil, rd.row(n, longest)
}

// row appends the values of n bytes.
func (rd *reader) row(n, longest int64) error {
	bad := rd.bad
	rd.bad = nil
	tooLong := rd.acc.Large(longest)
	for i, c := range rd.cols {
		v := rd.values[i]
		if tooLong && rd.acc.Large(lengthOf(v)) {
			if bad == nil {
				bad = rd.acc.TooLarge(i, lengthOf(v), "bytes")
			}
			v = nil
		}
		if bad != nil && bad.Column == i {
			v = nil
		}
		if err := c.append(v); err != nil {
			c.AppendNull()
			bad = &readers.Refusal{Column: i, Err: err}
		}
	}
	if n > wideRow {
		clear(rd.values) // not kept longer than it must be
	}
	rd.acc.Add(n)
	if bad != nil {
		return rd.acc.Refuse(bad)
	}
	return nil
}

// tooWide names the row whose values wait, which the budget refuses with cause.
func (rd *reader) tooWide(cause error) error {
	return rd.acc.TooWide(cause, func() error { return rd.row(sizeOf(rd.values)) })
}

func lengthOf(v driver.Value) int64 {
	switch v := v.(type) {
	case string:
		return int64(len(v))
	case []byte:
		return int64(len(v))
	}
	return 0
}

// sizeOf is what a row takes in a batch, roughly, and its longest value.
func sizeOf(values []driver.Value) (n, longest int64) {
	n = int64(8 * len(values))
	for _, v := range values {
		l := lengthOf(v)
		n += l
		longest = max(longest, l)
	}
	return n, longest
}

// advance reads the next row. One without far values waits to be appended, any other waits
// for those.
func (rd *reader) advance() error {
	err := rd.cur.next()
	if errors.Is(err, io.EOF) {
		rd.ended = true
		return nil
	}
	if err != nil {
		return err
	}
	from := rd.cur.row
	if rd.plain {
		rd.have = true
		return rd.spelled(from)
	}
	var far []int64 // lengths by field, where a value is still to come
	for i := range rd.st.fields {
		f := &rd.st.fields[i]
		switch {
		case f.shape == long:
			far = withFar(far, len(rd.values), i, unknownLength)
			rd.values[i] = nil
		case f.length >= 0:
			n, err := rd.large(i, from)
			if err != nil {
				return err
			}
			if n > 0 {
				far = withFar(far, len(rd.values), i, n)
			}
		default:
			rd.values[i] = from[f.at]
		}
	}
	if err := rd.spelled(from); err != nil {
		return err
	}
	if far == nil || rd.bad != nil { // a row that is refused needs nothing more
		rd.have = true
		return nil
	}
	place := make([]string, len(rd.st.place))
	for i, at := range rd.st.place {
		place[i] = row(from).text(at)
	}
	rd.far.add(rd.values, far, place, rd.acc.How.BatchBytes)
	return nil
}

// spelled looks for dates that the server has spelled.
func (rd *reader) spelled(from []driver.Value) error {
	for g, at := range rd.st.groups {
		if from[at] == nil {
			continue
		}
		if err := rd.oldDates(g, row(from).text(at)); err != nil {
			return err
		}
	}
	return nil
}

func withFar(far []int64, fields, i int, n int64) []int64 {
	if far == nil {
		far = make([]int64, fields)
	}
	far[i] = n
	return far
}

// large sets a large object's value where it came with its row, and returns its length where
// it did not. NULL and the empty object are told apart by their lengths: the driver takes
// both for NULL.
func (rd *reader) large(i int, from []driver.Value) (far int64, err error) {
	f := &rd.st.fields[i]
	rd.values[i] = nil
	if from[f.length] == nil {
		return 0, nil
	}
	n, err := strconv.ParseInt(row(from).text(f.length), 10, 64)
	if err != nil {
		return 0, errForm
	}
	near, unit := int64(nearText), "characters"
	if f.shape == dataLOB {
		near, unit = nearData, "bytes"
	}
	switch {
	case rd.acc.Large(n): // a character has a byte at least
		rd.bad = rd.acc.TooLarge(i, n, unit)
		return 0, nil
	case n == 0 && f.shape == dataLOB:
		rd.values[i] = []byte{}
	case n == 0:
		rd.values[i] = ""
	case n > near:
		return n, nil
	case from[f.at] == nil:
		return 0, errForm
	default:
		rd.values[i] = from[f.at]
	}
	return 0, nil
}

// oldDates replaces what the driver decoded by what the server spelled.
func (rd *reader) oldDates(group int, text string) error {
	parts := strings.Split(text, "/")
	for i := range rd.st.fields {
		f := &rd.st.fields[i]
		if f.group != group || rd.values[i] == nil {
			continue
		}
		if f.part >= len(parts) {
			return errForm
		}
		c, err := parseCivil(parts[f.part])
		if err != nil {
			return err
		}
		at, err := c.instant()
		switch {
		case err == nil || rd.acc.How.InvalidDate == catalog.Clamp:
			rd.values[i] = at
		case rd.acc.How.InvalidDate == catalog.Null:
			rd.values[i] = nil
		default:
			rd.bad = &readers.Refusal{Column: i, Err: fmt.Errorf("%w: %04d-02-29", err, c.year),
				Fix: "Correct the row in the source, or set invalid_date in the spec's types block."}
		}
	}
	return nil
}

func (rd *reader) releaseColumns() {
	for _, c := range rd.cols {
		c.Release()
	}
	rd.cols = nil
}

// Close implements providers.Reader. The cursor is released to the server, wherever it stands.
func (rd *reader) Close() error {
	if rd.closed {
		return nil
	}
	rd.closed = true
	rd.acc.Release()
	rd.releaseColumns()
	ctx, cancel := context.WithTimeout(context.Background(), interruptGrace)
	defer cancel()
	_ = rd.cur.close(ctx) // where that fails the session is dead, which is all there is to do
	return nil
}
