package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/memdb"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/fenced"
)

// Limits implements providers.Target.
func (c *Client) Limits() providers.Limits {
	o := c.db.Data().Options
	return providers.Limits{Writers: o.Writers, Schemas: true, InlineKeys: o.InlineKeys}
}

// holder has the lock of a migration.
type holder struct {
	lock      *memdb.Lock
	migration string
}

// Hold implements fenced.Engine.
func (c *Client) Hold(ctx context.Context, run ledger.Run) (fenced.Holder[*txn], error) {
	l, err := c.db.Lock(ctx, run.Migration)
	var e *memdb.Error
	if errors.As(err, &e) && e.Kind == memdb.Busy {
		return nil, fenced.Locked(nil)
	}
	return &holder{l, run.Migration}, wrap("lock target", err)
}

// View implements fenced.Engine. The ledger is always there, and says nothing about a migration without a run.
func (c *Client) View(ctx context.Context, op string) (tx *txn, there bool, err error) {
	err = c.db.Call(ctx, op, func(d *memdb.Data) error { tx = &txn{view: d}; return nil })
	return tx, err == nil, wrap(op, err)
}

// Blockers implements fenced.Engine.
func (c *Client) Blockers(_ context.Context, _, owner string) (string, error) {
	return "a package transaction of " + owner, nil
}

// Terminate implements fenced.Engine.
func (c *Client) Terminate(ctx context.Context, run *ledger.Run, lock bool) (int, error) {
	n, err := c.db.Terminate(ctx, run.Migration, lock)
	return n, wrap("end sessions", err)
}

// Begin implements fenced.Holder. The server looks at one transaction at a time, so the token is still that one.
func (h *holder) Begin(ctx context.Context, op string, _ fenced.Mode) (*txn, string, error) {
	tx, err := h.lock.Begin(ctx, op)
	if err != nil {
		return nil, "", wrap(op, err)
	}
	t := &txn{tx: tx, view: tx.Data}
	token, err := fenced.Token(ctx, t, h.migration)
	return t, token, err
}

// Exclude implements fenced.Holder.
func (h *holder) Exclude(context.Context) error {
	if h.lock.Older() {
		return fenced.ErrBusy
	}
	return nil
}

// Alive implements fenced.Holder.
func (h *holder) Alive(context.Context) error { return wrap("lock target", h.lock.Held()) }

// Session implements fenced.Holder. Sessions have no names.
func (h *holder) Session() string { return "" }

// Close implements fenced.Holder.
func (h *holder) Close() error { h.lock.Release(); return nil }

// txn is one transaction.
type txn struct {
	tx   *memdb.Tx // nil where it only reads
	view *memdb.Data
}

func (t *txn) do(op string, f func(d *memdb.Data) error) error { return wrap(op, t.tx.Do(f)) }

// Commit implements fenced.Txn.
func (t *txn) Commit(ctx context.Context, op string) error {
	return wrap(op, t.tx.Commit(ctx, op+" commit", false))
}

// Rollback implements fenced.Txn.
func (t *txn) Rollback() error {
	if t.tx != nil {
		t.tx.Rollback()
	}
	return nil
}

// Empty implements fenced.Txn.
func (t *txn) Empty(ctx context.Context, tables []*catalog.Table) error {
	const op = "empty tables"
	for i := range tables {
		some, commits := tables[i:i+1], t.view.Options.SelfCommitting
		err := t.do(op, func(d *memdb.Data) error { return d.Empty(some, tables) })
		if err == nil && commits {
			err = wrap(op, t.tx.Commit(ctx, "empty a table", true))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Writer implements fenced.Txn.
func (t *txn) Writer(ctx context.Context, table *catalog.Table, _ catalog.Range) (fenced.Writer, error) {
	w := &writer{tx: t.tx, table: table, at: memdb.Places(table, table.CopiedColumns())}
	return w, wrap("write", t.tx.Pass(ctx, "write"))
}

// writer takes the rows of one package.
type writer struct {
	tx    *memdb.Tx
	table *catalog.Table
	at    []int // places of the copied columns
	rows  []memdb.Row
	done  bool
}

// Write implements providers.Writer: rows have all columns of the target's table.
func (w *writer) Write(ctx context.Context, b arrow.RecordBatch) error {
	for i := range int(b.NumRows()) {
		row := make(memdb.Row, len(w.table.Columns))
		for j, a := range b.Columns() {
			row[w.at[j]] = memdb.CellOf(a, i)
		}
		w.rows = append(w.rows, row)
	}
	return wrap("write", w.tx.Pass(ctx, "write batch"))
}

// Finish implements providers.Writer.
func (w *writer) Finish(ctx context.Context) (int64, error) {
	err := w.tx.Pass(ctx, "finish")
	if err == nil {
		err = w.tx.Insert(w.table.Name, len(w.table.Columns), w.rows)
	}
	w.done = err == nil
	return int64(len(w.rows)), providers.Gone(wrap("write", err))
}

// Done implements fenced.Writer.
func (w *writer) Done() bool { return w.done }

// Close implements providers.Writer.
func (w *writer) Close() error { return nil }

// row has a value for each column of its relation.
type row []any

func (r row) Text(i int) string       { return r[i].(string) }
func (r row) Int(i int) int64         { return r[i].(int64) }
func (r row) Float(i int) float64     { return r[i].(float64) }
func (r row) Bool(i int) bool         { return r[i].(bool) }
func (r row) Name(i int) catalog.Name { return r[i].(catalog.Name) }

// places are those of columns in a row.
func places(r fenced.Relation, columns []string) (out []int) {
	for _, name := range columns {
		out = append(out, slices.Index(r.Names(), name))
	}
	return out
}

func keyOf(r fenced.Relation, values []any) string { return fmt.Sprint(values[:r.Key]) }

// Read implements fenced.Rows.
func (t *txn) Read(_ context.Context, r fenced.Relation, migration string, each func(fenced.Row) error) error {
	for _, key := range t.view.Records.Find(r.Name, []int{0}, []any{migration}) {
		if err := each(row(t.view.Records[r.Name][key])); err != nil {
			return err
		}
	}
	return nil
}

// Write implements fenced.Rows.
func (t *txn) Write(_ context.Context, r fenced.Relation, rows [][]any) error {
	return t.do("write ledger", func(d *memdb.Data) error {
		for _, values := range rows {
			d.Records.Put(r.Name, keyOf(r, values), values)
		}
		return nil
	})
}

// Update implements fenced.Rows.
func (t *txn) Update(_ context.Context, r fenced.Relation, set, by []string, rows [][]any) (int64, error) {
	n, to, from := int64(0), places(r, set), places(r, by)
	err := t.do("write ledger", func(d *memdb.Data) error {
		n = 0
		for _, values := range rows {
			for _, key := range d.Records.Find(r.Name, from, values[len(set):]) {
				changed := slices.Clone(d.Records[r.Name][key])
				for i, at := range to {
					changed[at] = values[i]
				}
				d.Records[r.Name][key] = changed
				n++
			}
		}
		return nil
	})
	return n, err
}

// Remove implements fenced.Rows.
func (t *txn) Remove(_ context.Context, r fenced.Relation, by []string, keys [][]any) error {
	return t.do("write ledger", func(d *memdb.Data) error {
		for _, values := range keys {
			for _, key := range d.Records.Find(r.Name, places(r, by), values) {
				delete(d.Records[r.Name], key)
			}
		}
		return nil
	})
}

// Claim implements fenced.Rows.
func (t *txn) Claim(_ context.Context, rows [][]any) (map[string]string, error) {
	r, present := fenced.Loaded(), make(map[string]string)
	return present, t.do("claim packages", func(d *memdb.Data) error {
		for _, values := range rows {
			if have := d.Records[r.Name][keyOf(r, values)]; have != nil {
				present[row(have).Text(1)] = row(have).Text(3)
			} else {
				d.Records.Put(r.Name, keyOf(r, values), values)
			}
		}
		return nil
	})
}
