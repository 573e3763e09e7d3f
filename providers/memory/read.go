package memory

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/readers"
)

// Split cuts by the key's values or by the rows' places.
func (c *Client) Split(ctx context.Context, t *catalog.Table, how catalog.SplitSpec) (out []catalog.Range, reason string, err error) {
	out, reason = []catalog.Range{t.Whole()}, "one package"
	return out, reason, c.call(ctx, "Split", func() error {
		now := c.srv.data.Tables[t.Name]
		if now == nil {
			return of(t.Name, fail(providers.NotFound, "split", "there is no such table"))
		}
		n := min(how.Count(size(now.Rows), 99), len(now.Rows))
		if n < 2 || how.By == "none" || how.By == catalog.ByPartition {
			return nil
		}
		by, columns := catalog.ByRowID, []string(nil)
		if t.Key != nil && how.By != catalog.ByRowID {
			by, columns = catalog.ByKey, t.Key.Columns
		}
		keys := sortedKeys(now, columns)
		whole := catalog.Range{Rows: int64(len(keys)), Bytes: -1}
		out, reason = whole.Cut(by, columns, catalog.Quantiles(keys, n)), "by "+by
		return nil
	})
}

// sortedKeys returns the rows' keys in order, or their places where there are no columns.
func sortedKeys(t *Table, columns []string) (out [][]string) {
	at, of := indexes(&t.Table, columns)
	for i, r := range t.Rows {
		k := []string{strconv.Itoa(i)}
		if len(columns) > 0 {
			k, _ = pick(r, at)
		}
		out = append(out, k)
	}
	if len(columns) > 0 {
		slices.SortFunc(out, func(a, b []string) int { return compare(a, b, of) })
	}
	return out
}

// indexes finds columns by name; missing ones are left out.
func indexes(t *catalog.Table, names []string) (at []int, columns []catalog.Column) {
	for _, name := range names {
		if i := slices.IndexFunc(t.Columns, func(c catalog.Column) bool { return c.Name == name }); i >= 0 {
			at, columns = append(at, i), append(columns, t.Columns[i])
		}
	}
	return at, columns
}

// snapshot is one moment of the data; a quiet one has none.
type snapshot struct {
	client *Client
	id     string
	at     time.Time
	data   *Data // nil: every view sees the data of its own beginning
}

// Snapshot fixes one view of the data.
func (c *Client) Snapshot(ctx context.Context, how providers.SnapshotOptions) (providers.Snapshot, error) {
	s := &snapshot{client: c, id: "quiet", at: time.Now().UTC()}
	err := c.call(ctx, "Snapshot", func() error {
		if !how.Quiet {
			s.id, s.data = fmt.Sprintf("%s@%d", c.srv.id, len(c.srv.snapshots)+1), c.srv.data
			c.srv.snapshots[s.id] = s.data
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (s *snapshot) ID() string      { return s.id }
func (s *snapshot) Time() time.Time { return s.at }
func (s *snapshot) Close() error    { return nil }

type view struct {
	client *Client
	data   *Data
}

func (s *snapshot) Begin(ctx context.Context, tables []*catalog.Table) (providers.View, error) {
	v := &view{client: s.client, data: s.data}
	err := s.client.call(ctx, "Begin", func() error {
		now := s.client.srv.data
		if v.data == nil {
			v.data = now
		}
		for _, t := range tables {
			was, is := v.data.Tables[t.Name], now.Tables[t.Name]
			if was == nil || is == nil || was.File != is.File || t.File != "" && t.File != is.File {
				return of(t.Name, fail(providers.Changed, "begin", "the table was rewritten, or dropped and made again"))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (v *view) Close() error { return nil }

func (v *view) Count(ctx context.Context, tables []*catalog.Table) (out []providers.Counted, err error) {
	return out, v.client.call(ctx, "Count", func() error {
		for _, t := range tables {
			was := v.data.Tables[t.Name]
			if was == nil {
				return of(t.Name, fail(providers.Changed, "count", "there is no such table"))
			}
			out = append(out, providers.Counted{Rows: int64(len(was.Rows)), Changes: fmt.Sprint(was.Written)})
		}
		return nil
	})
}

func (v *view) Compare(ctx context.Context, tables []*catalog.Table, before []providers.Counted) ([]string, error) {
	now, err := v.Count(ctx, tables)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(now))
	for i, n := range now {
		out[i] = providers.Differs(before[i], n)
	}
	return out, nil
}

// Confirm has nothing to say: a view keeps the tables that it has found.
func (v *view) Confirm(context.Context) error { return nil }

func (v *view) Read(ctx context.Context, t *catalog.Table, r catalog.Range, how providers.ReadOptions) (providers.Reader, error) {
	was := v.data.Tables[t.Name]
	if was == nil {
		return nil, of(t.Name, fail(providers.Changed, "read", "there is no such table"))
	}
	var names []string
	for _, c := range t.CopiedColumns() {
		names = append(names, c.Name)
	}
	at, _ := indexes(&was.Table, names)
	if len(at) < len(names) {
		return nil, of(t.Name, fail(providers.Changed, "read", "a column is gone"))
	}
	acc, err := readers.New(t, how)
	if err != nil {
		return nil, err
	}
	rd := &reader{client: v.client, table: t, rows: within(was, r), at: at, acc: acc,
		build: array.NewRecordBuilder(memory.DefaultAllocator, acc.Schema)}
	acc.Take = func(i int) arrow.Array { return rd.build.Field(i).NewArray() }
	return rd, v.client.pass(ctx, "Read")
}

// within returns the rows of a range.
func within(t *Table, r catalog.Range) (out []Row) {
	at, columns := indexes(&t.Table, r.Columns)
	if r.By != catalog.ByKey {
		columns = []catalog.Column{{Type: catalog.Type{Kind: catalog.Int64}}}
	}
	for i, row := range t.Rows {
		k := []string{strconv.Itoa(i)}
		if r.By == catalog.ByKey {
			k, _ = pick(row, at)
		}
		if compare(k, r.Lower, columns) >= 0 && (len(r.Upper) == 0 || compare(k, r.Upper, columns) < 0) {
			out = append(out, row)
		}
	}
	return out
}

type reader struct {
	client *Client
	table  *catalog.Table
	rows   []Row
	at     []int
	acc    *readers.Accumulator
	build  *array.RecordBuilder
}

func (r *reader) Close() error {
	r.acc.Release()
	return nil
}

func (r *reader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	r.acc.Release()
	if err := r.client.pass(ctx, "Next"); err != nil {
		return nil, err
	}
	for len(r.rows) > 0 {
		w := wide(r.rows[0])
		if r.acc.Full(w) {
			break
		}
		if err := r.row(ctx, r.rows[0], w); err != nil {
			return nil, err
		}
		r.rows = r.rows[1:]
	}
	if r.acc.Rows() == 0 {
		return nil, io.EOF
	}
	return r.acc.Batch(), nil
}

// row adds one row to the batch; a wide one takes its share of the budget first.
func (r *reader) row(ctx context.Context, row Row, w int64) error {
	at, _ := indexes(r.table, r.table.KeyColumns())
	values, _ := pick(row, at)
	key := strings.Join(values, ", ")
	if err := r.acc.Acquire(ctx, w); err != nil {
		return r.acc.Named(err, key)
	}
	for i, j := range r.at {
		if n := int64(len(row[j].Text)); r.acc.Large(n) {
			return r.acc.RefuseKey(r.acc.TooLarge(i, n, "bytes"), key)
		}
		if err := row[j].appendTo(r.build.Field(i)); err != nil {
			return r.acc.RefuseKey(&readers.Refusal{Column: i, Err: err}, key)
		}
	}
	r.acc.Add(w)
	return nil
}
