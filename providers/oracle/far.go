package oracle

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dmoctl/dmoctl/providers"
)

const (
	unknownLength = -1 // of a LONG
	farBytes      = 1 << 20
	farMost       = 200 // rows of one statement
	// driverCopies is how often a large object is in the driver's memory beyond the one copy
	// that the budget counts for it: packets, chunks put together, and slack of both.
	driverCopies = 2
)

// farRow is a row whose large values are still to come.
type farRow struct {
	values  []driver.Value
	lengths []int64 // by field; 0 where nothing is missing
	place   []string
	bytes   int64 // of all lengths that are known
	longs   bool
}

// farRows holds rows that wait for their large values, and such that have them.
type farRows struct {
	group []*farRow
	bytes int64
	wide  *farRow // wider than a batch: it is fetched and travels alone
	ready []*farRow
	most  int64 // the longest LONG so far; 0 before the first
}

// add takes a row over. Its values are copied, because the reader's slice is used again.
func (f *farRows) add(values []driver.Value, lengths []int64, place []string, batchBytes int64) {
	r := &farRow{values: append([]driver.Value{}, values...), lengths: lengths, place: place}
	for _, n := range lengths {
		r.bytes += max(n, 0)
		r.longs = r.longs || n == unknownLength
	}
	if r.bytes > batchBytes {
		f.wide = r
		return
	}
	f.group = append(f.group, r)
	f.bytes += r.bytes
	if r.longs {
		f.bytes += f.most
	}
}

func (f *farRows) waiting() bool { return len(f.group) > 0 }

// full says whether the group should be fetched. Nobody knows how long a LONG is before it is
// there, so that the first comes alone, and later ones as many together as the longest allows.
func (f *farRows) full(batchBytes int64) bool {
	if len(f.group) == 0 {
		return false
	}
	return len(f.group) >= farMost || f.bytes >= min(farBytes, batchBytes) || f.group[0].longs && f.most == 0
}

// take moves a complete row into values, if there is one.
func (f *farRows) take(values []driver.Value) bool {
	if len(f.ready) == 0 {
		return false
	}
	copy(values, f.ready[0].values)
	f.ready[0] = nil
	f.ready = f.ready[1:]
	return true
}

// fetchFar reads the large values of the wide row, or of the group.
func (rd *reader) fetchFar(ctx context.Context) error {
	f := &rd.far
	rows := f.group
	if f.wide != nil {
		rows = []*farRow{f.wide}
		if err := rd.acc.Acquire(ctx, driverCopies*f.wide.bytes); err != nil {
			copy(rd.values, f.wide.values)
			return rd.tooWide(err)
		}
		f.wide = nil
	} else {
		f.group, f.bytes = nil, 0
	}
	if rd.st.keyed { // found by key, one by one
		for _, r := range rows {
			if err := rd.fetchRows(ctx, []*farRow{r}); err != nil {
				return err
			}
		}
	} else if err := rd.fetchRows(ctx, rows); err != nil {
		return err
	}
	for _, r := range rows {
		for i, n := range r.lengths {
			if n == unknownLength {
				f.most = max(f.most, lengthOf(r.values[i]), 1)
			}
		}
	}
	f.ready = append(f.ready, rows...)
	return nil
}

// fetchRows runs one statement for the large values of rows.
func (rd *reader) fetchRows(ctx context.Context, rows []*farRow) error {
	var fields []int // that one of the rows lacks
	for i := range rd.st.fields {
		for _, r := range rows {
			if r.lengths[i] != 0 {
				fields = append(fields, i)
				break
			}
		}
	}
	sql, params, err := rd.farSQL(rows, fields)
	if err != nil {
		return err
	}
	c, err := rd.s.open(ctx, sql, params)
	if err != nil {
		return err
	}
	byPlace := make(map[string]*farRow, len(rows))
	for _, r := range rows {
		byPlace[r.place[0]] = r
	}
	found := 0
	for {
		if err = c.next(); err != nil {
			break
		}
		r := rows[0]
		if !rd.st.keyed {
			r = byPlace[row(c.row).text(0)]
		}
		if r == nil {
			return errForm
		}
		found++
		if err := r.fill(fields, c.row[1:]); err != nil {
			return err
		}
		clear(c.row)
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	if found != len(rows) {
		return &providers.Error{Kind: providers.Changed, Op: opRead, Table: rd.table.Name, Fix: again,
			Err: fmt.Errorf("%d rows with large values disappeared while they were being read", len(rows)-found)}
	}
	return c.close(ctx)
}

func (rd *reader) farSQL(rows []*farRow, fields []int) (sql string, params []string, err error) {
	list := []string{"ROWIDTOCHAR(t.ROWID)"}
	var where string
	if rd.st.keyed {
		if len(rd.st.place) == 0 {
			return "", nil, &providers.Error{Kind: providers.Unsupported, Op: opRead, Table: rd.table.Name,
				Err: errors.New("it is index-organized, holds large objects, and its key has a column by which rows cannot be found"),
				Fix: "Exclude the table, or move the large objects to a table of their own."}
		}
		list[0] = "1"
		w := condition{t: rd.table}
		if where, err = w.equal(rd.table.Key.Columns, rows[0].place); err != nil {
			return "", nil, err
		}
		params = w.params
	} else {
		ids := make([]string, len(rows))
		for i, r := range rows {
			if !isRowid(r.place[0]) {
				return "", nil, errForm
			}
			ids[i] = "CHARTOROWID(" + quoteLiteral(r.place[0]) + ")"
		}
		where = "t.ROWID IN (" + strings.Join(ids, ", ") + ")"
	}
	for _, i := range fields {
		list = append(list, expression(rd.st.fields[i].column))
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + relation(rd.table, rd.from.Partition) + rd.v.sn.asOf() + " t WHERE " + where, params, nil
}

// fill sets the values that were missing.
func (r *farRow) fill(fields []int, from []driver.Value) error {
	for j, i := range fields {
		n := r.lengths[i]
		if n == 0 {
			continue
		}
		if n > 0 && from[j] == nil {
			return fmt.Errorf("%w: a large object of length %d is empty", errForm, n)
		}
		r.values[i] = from[j]
	}
	return nil
}
