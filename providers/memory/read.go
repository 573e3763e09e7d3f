package memory

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/memdb"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/readers"
)

// Split implements providers.Database: by the key's values, or by the rows' places.
func (c *Client) Split(ctx context.Context, t *catalog.Table, how catalog.SplitSpec) ([]catalog.Range, string, error) {
	out, reason := []catalog.Range{t.Whole()}, "one package"
	err := wrap("split", c.db.Call(ctx, "Split", func(d *memdb.Data) error {
		now := d.Tables[t.Name]
		if now == nil {
			return isGone("split", t.Name)
		}
		n := min(how.Count(memdb.Size(now.Rows...), 99), len(now.Rows))
		if n < 2 || how.By == catalog.ByNone || how.By == catalog.ByPartition {
			return nil
		}
		by, columns := catalog.ByRowID, []string(nil)
		if t.Key != nil && how.By != catalog.ByRowID {
			by, columns = catalog.ByKey, t.Key.Columns
		}
		keys := now.Keys(columns)
		whole := catalog.Range{Rows: int64(len(keys)), Bytes: -1}
		out, reason = whole.Cut(by, columns, catalog.Quantiles(keys, n)), "by "+string(by)
		return nil
	}))
	return out, reason, err
}

// snapshot is one moment of the data; a quiet one has none.
type snapshot struct {
	view // without data where every view sees that of its own beginning
	id   string
	at   time.Time
}

// Snapshot implements providers.Database.
func (c *Client) Snapshot(ctx context.Context, how providers.SnapshotOptions) (providers.Snapshot, error) {
	s := &snapshot{view: view{db: c.db}, id: providers.QuietID, at: time.Now().UTC()}
	return s, wrap("snapshot", c.db.Call(ctx, "Snapshot", func(d *memdb.Data) error {
		if !how.Quiet {
			s.id, s.data = c.db.Snapshot(d), d
		}
		return nil
	}))
}

func (s *snapshot) ID() string      { return s.id }
func (s *snapshot) Time() time.Time { return s.at }

type view struct {
	db   *memdb.Client
	data *memdb.Data
}

func (v *view) Close() error { return nil }

// Begin implements providers.Snapshot.
func (s *snapshot) Begin(ctx context.Context, tables []*catalog.Table) (providers.View, error) {
	v := s.view
	return &v, wrap("begin", s.db.Call(ctx, "Begin", func(now *memdb.Data) error {
		if v.data == nil {
			v.data = now
		}
		for _, t := range tables {
			was, is := v.data.Tables[t.Name], now.Tables[t.Name]
			if was == nil || is == nil || was.File != is.File || t.File != "" && t.File != is.File {
				return isGone("begin", t.Name)
			}
		}
		return nil
	}))
}

// Count implements providers.View.
func (v *view) Count(ctx context.Context, tables []*catalog.Table) ([]providers.Counted, error) {
	var out []providers.Counted
	err := wrap("count", v.db.Call(ctx, "Count", func(*memdb.Data) error {
		for _, t := range tables {
			was := v.data.Tables[t.Name]
			if was == nil {
				return isGone("count", t.Name)
			}
			out = append(out, providers.Counted{Rows: int64(len(was.Rows)), Changes: fmt.Sprint(was.Written)})
		}
		return nil
	}))
	return out, err
}

// Compare implements providers.View.
func (v *view) Compare(ctx context.Context, of []*catalog.Table, before []providers.Counted) ([]string, error) {
	var out []string
	now, err := v.Count(ctx, of)
	for i, n := range now {
		out = append(out, providers.Differs(before[i], n))
	}
	return out, err
}

// Confirm implements providers.View. A view keeps the tables that it has found.
func (v *view) Confirm(context.Context) error { return nil }

// Read implements providers.View.
func (v *view) Read(ctx context.Context, t *catalog.Table, r catalog.Range, how providers.ReadOptions) (providers.Reader,
	error) {
	was := v.data.Tables[t.Name]
	if was == nil {
		return nil, isGone("read", t.Name)
	}
	acc, err := readers.New(t, how)
	if err != nil {
		return nil, err
	}
	rd := &reader{db: v.db, acc: acc, key: memdb.Indexes(t, t.KeyColumns()), at: memdb.Places(&was.Table, acc.Columns),
		rows: was.Range(r.Columns, r.Lower, r.Upper), build: array.NewRecordBuilder(memory.DefaultAllocator, acc.Schema)}
	if len(rd.at) < len(acc.Columns) {
		return nil, isGone("read", t.Name)
	}
	acc.Take = func(i int) arrow.Array { return rd.build.Field(i).NewArray() }
	return rd, wrap("read", v.db.Pass(ctx, "Read"))
}

type reader struct {
	db      *memdb.Client
	acc     *readers.Accumulator
	key, at []int // places of the key's columns, and of those that are read
	rows    []memdb.Row
	build   *array.RecordBuilder
}

// Close implements providers.Reader.
func (r *reader) Close() error { r.acc.Release(); return nil }

// Next implements providers.Reader.
func (r *reader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	r.acc.Release()
	if err := r.db.Pass(ctx, "Next"); err != nil {
		return nil, wrap("read", err)
	}
	for ; len(r.rows) > 0 && !r.acc.Full(memdb.Size(r.rows[0])); r.rows = r.rows[1:] {
		if err := r.row(ctx, r.rows[0]); err != nil {
			return nil, err
		}
	}
	if r.acc.Rows() == 0 {
		return nil, io.EOF
	}
	return r.acc.Batch(), nil
}

// row adds one row to the batch; a wide one takes its share of the budget first.
func (r *reader) row(ctx context.Context, row memdb.Row) error {
	values, _ := memdb.Pick(row, r.key)
	key, width := strings.Join(values, ", "), memdb.Size(row)
	if err := r.acc.Acquire(ctx, width); err != nil {
		return r.acc.Named(err, key)
	}
	for i, j := range r.at {
		if n := int64(len(row[j].Text)); r.acc.Large(n) {
			return r.acc.RefuseKey(r.acc.TooLarge(i, n, "bytes"), key)
		}
		if err := row[j].AppendTo(r.build.Field(i)); err != nil {
			return r.acc.RefuseKey(&readers.Refusal{Column: i, Err: err}, key)
		}
	}
	r.acc.Add(width)
	return nil
}
