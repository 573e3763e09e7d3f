package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers/fenced"
)

// txn is one transaction on a connection that done releases.
type txn struct {
	*conn
	done func() error
}

// ledgerRow is a row whose names are JSON texts.
type ledgerRow struct {
	*sqlite.Stmt
	err error // of a name that is none
}

func (r *ledgerRow) Text(i int) string   { return r.ColumnText(i) }
func (r *ledgerRow) Int(i int) int64     { return r.ColumnInt64(i) }
func (r *ledgerRow) Float(i int) float64 { return r.ColumnFloat(i) }
func (r *ledgerRow) Bool(i int) bool     { return r.ColumnBool(i) }

func (r *ledgerRow) Name(i int) (n catalog.Name) {
	if err := json.Unmarshal([]byte(r.ColumnText(i)), &n); err != nil {
		r.err = fmt.Errorf("read ledger: %w", err)
	}
	return n
}

// ledgerTable names a table of the ledger.
func ledgerTable(r fenced.Relation) string { return "dmo_" + r.Name }

func columnName(_ int, c fenced.Column) string { return quote(c.Name) }

// bound spells columns that are equal to parameters.
func bound(r fenced.Relation, names []string, join string) string {
	return fenced.List(r.Of(names), join, func(i int, c fenced.Column) string { return columnName(i, c) + " = ?" })
}

// stored are a row's values as the ledger's tables take them.
func stored(row []any) []any {
	out := make([]any, len(row))
	for i, v := range row {
		if n, ok := v.(catalog.Name); ok {
			v = toJSON(n)
		}
		out[i] = v
	}
	return out
}

func binds(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// Read implements fenced.Rows.
func (t *txn) Read(ctx context.Context, r fenced.Relation, migration string, each func(fenced.Row) error) error {
	err := t.prepared(ctx, func(s *sqlite.Stmt) error {
		row := ledgerRow{Stmt: s}
		return errors.Join(each(&row), row.err)
	}, "SELECT "+fenced.List(r.Columns, ", ", columnName)+" FROM "+ledgerTable(r)+" WHERE migration = ?", migration)
	return failed(ctx, opLedger, err)
}

// each runs a statement for every row.
func (t *txn) each(ctx context.Context, sql string, rows [][]any) (n int64, err error) {
	for _, r := range rows {
		if err := t.prepared(ctx, nil, sql, stored(r)...); err != nil {
			return n, failed(ctx, opRecord, err)
		}
		n += int64(t.Changes())
	}
	return n, nil
}

// Write implements fenced.Rows.
func (t *txn) Write(ctx context.Context, r fenced.Relation, rows [][]any) error {
	_, err := t.each(ctx, "INSERT OR REPLACE INTO "+ledgerTable(r)+" VALUES ("+binds(len(r.Columns))+")", rows)
	return err
}

// Update implements fenced.Rows.
func (t *txn) Update(ctx context.Context, r fenced.Relation, set, by []string, rows [][]any) (int64, error) {
	return t.each(ctx, "UPDATE "+ledgerTable(r)+" SET "+bound(r, set, ", ")+" WHERE "+bound(r, by, " AND "), rows)
}

// Remove implements fenced.Rows. No index leads to a source, so all rows go at once.
func (t *txn) Remove(ctx context.Context, r fenced.Relation, by []string, keys [][]any) error {
	values := make([][]any, len(keys))
	for i, k := range keys {
		values[i] = stored(k)
	}
	columns := r.Of(by)
	given := fenced.List(columns, ", ", func(i int, _ fenced.Column) string {
		return fmt.Sprintf("json_extract(value, '$[%d]')", i)
	})
	sql := "DELETE FROM " + ledgerTable(r) + " WHERE (" + fenced.List(columns, ", ", columnName) + ") IN (SELECT " + given + " FROM json_each(?))"
	return failed(ctx, opRecord, t.exec(ctx, sql, toJSON(values)))
}

// Claim implements fenced.Rows.
func (t *txn) Claim(ctx context.Context, rows [][]any) (map[string]string, error) {
	table := ledgerTable(fenced.Loaded())
	present := make(map[string]string)
	for _, r := range rows {
		n, err := t.each(ctx, "INSERT INTO "+table+" VALUES ("+binds(len(r))+") ON CONFLICT DO NOTHING", [][]any{r})
		if err == nil && n == 0 {
			migration, id := r[0], r[1].(string)
			err = t.prepared(ctx, func(s *sqlite.Stmt) error { present[id] = s.ColumnText(0); return nil },
				"SELECT generation FROM "+table+" WHERE migration = ? AND id = ?", migration, id)
		}
		if err != nil {
			return nil, failed(ctx, "claim packages", err)
		}
	}
	return present, nil
}

func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("sqlite: marshal: " + err.Error()) // plain data always marshals
	}
	return string(b)
}
