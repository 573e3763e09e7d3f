package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// tx is the transaction of a package or bundle. Server.open holds it from its claim on
// until it ends, by whose hand ever.
type tx struct {
	session *session
	claimed map[string]bool // ids that were not in
	tables  []*catalog.Table
	rows    [][]Row // beside tables
}

// Begin starts a transaction.
func (s *session) Begin(ctx context.Context) (providers.Tx, error) {
	return &tx{session: s}, s.client.pass(ctx, "session.Begin")
}

// Claim compares the token and finds what is in.
func (t *tx) Claim(ctx context.Context, p []ledger.Loaded) (in []string, err error) {
	return in, t.session.around(ctx, "tx.Claim", func() error {
		return t.session.under("claim", func(c *ledger.Contents) error {
			claimed := make(map[string]bool)
			for _, l := range p {
				i := slices.IndexFunc(c.Loaded, func(x ledger.Loaded) bool { return x.ID == l.ID })
				switch {
				case i < 0:
					claimed[l.ID] = true
				case c.Loaded[i].Generation != l.Generation:
					return of(l.Source, fail(providers.Constraint, "claim", "package %s is in with another generation", l.ID))
				default:
					in = append(in, l.ID)
				}
			}
			t.claimed = claimed
			t.session.client.srv.open[t] = true
			return nil
		})
	})
}

// live says that the transaction has claimed and nobody has ended it.
func (t *tx) live() error {
	if !t.session.client.srv.open[t] {
		return fail(providers.Internal, "write", "the transaction has not claimed, or has ended")
	}
	return nil
}

// Writer starts loading.
func (t *tx) Writer(ctx context.Context, table *catalog.Table, _ catalog.Range) (providers.Writer, error) {
	w := &writer{tx: t, table: table}
	return w, t.session.client.call(ctx, "tx.Writer", t.live)
}

// Commit brings rows and ledger rows in together.
func (t *tx) Commit(ctx context.Context, p []ledger.Loaded) error {
	return t.session.around(ctx, "tx.Commit", func() error {
		return t.session.client.locked("commit", func() error {
			srv := t.session.client.srv
			if err := t.live(); err != nil {
				return err
			}
			d, c := srv.data.clone(), copied(srv.ledgers[t.session.migration])
			for _, l := range p {
				if !t.claimed[l.ID] {
					return fail(providers.Internal, "commit", "package %s is not claimed", l.ID)
				}
				delete(t.claimed, l.ID)
				c.Loaded = append(c.Loaded, l)
			}
			if len(t.claimed) > 0 {
				return fail(providers.Internal, "commit", "a claimed package is not filled in")
			}
			for i, table := range t.tables {
				d.Change(table.Name, func(into *Table) { into.Rows = slices.Concat(into.Rows, t.rows[i]) })
			}
			for _, table := range t.tables {
				if err := d.broken(d.Tables[table.Name]); err != nil && !srv.opts.InlineKeys {
					return err // with inline keys, a load checks no references
				}
			}
			slices.SortFunc(c.Loaded, func(a, b ledger.Loaded) int { return cmp.Compare(a.ID, b.ID) })
			srv.data, srv.ledgers[t.session.migration] = d, c
			delete(srv.open, t)
			return nil
		})
	})
}

// Rollback ends the transaction.
func (t *tx) Rollback(context.Context) error {
	t.session.client.srv.mu.Lock()
	defer t.session.client.srv.mu.Unlock()
	delete(t.session.client.srv.open, t)
	return nil
}

// writer takes the rows of one package.
type writer struct {
	tx    *tx
	table *catalog.Table
	rows  []Row
}

func (w *writer) Close() error { return nil }

// Write turns a batch into rows with all columns of the target's table.
func (w *writer) Write(ctx context.Context, b arrow.RecordBatch) error {
	return w.tx.session.client.call(ctx, "writer.Write", func() error {
		at := make([]int, 0, b.NumCols())
		for i, c := range w.table.Columns {
			if c.Copied() {
				at = append(at, i)
			}
		}
		for i := range int(b.NumRows()) {
			row := make(Row, len(w.table.Columns))
			for j, a := range b.Columns() {
				row[at[j]] = cellOf(a, i)
			}
			w.rows = append(w.rows, row)
		}
		return nil
	})
}

// Finish hands the rows over to the transaction.
func (w *writer) Finish(ctx context.Context) (rows int64, err error) {
	return int64(len(w.rows)), w.tx.session.client.call(ctx, "writer.Finish", func() error {
		is := w.tx.session.client.srv.data.Tables[w.table.Name]
		if err := w.tx.live(); err != nil {
			return err
		}
		if is == nil || len(is.Columns) != len(w.table.Columns) {
			return of(w.table.Name, fail(providers.NotFound, "load", "there is no such table"))
		}
		w.tx.tables, w.tx.rows = append(w.tx.tables, w.table), append(w.tx.rows, w.rows)
		with := *is
		with.Rows = is.Rows
		for i, t := range w.tx.tables {
			if t.Name == w.table.Name {
				with.Rows = slices.Concat(with.Rows, w.tx.rows[i])
			}
		}
		return unique(&with)
	})
}
