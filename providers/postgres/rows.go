package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers/fenced"
)

// txn is one transaction on a session of the pool.
type txn struct {
	*session
	db    *database
	forms *forms
}

// ledgerRow is a row whose names stand in two columns each.
type ledgerRow struct {
	row
	at []int
}

func (r ledgerRow) Text(i int) string { return r.text(r.at[i]) }
func (r ledgerRow) Int(i int) int64   { return r.int(r.at[i]) }
func (r ledgerRow) Bool(i int) bool   { return r.bool(r.at[i]) }

func (r ledgerRow) Float(i int) float64 {
	f, err := strconv.ParseFloat(r.text(r.at[i]), 64)
	if err != nil {
		return 0
	}
	return f
}

func (r ledgerRow) Name(i int) catalog.Name {
	return catalog.Name{Schema: r.text(r.at[i]), Name: r.text(r.at[i] + 1)}
}

// ledgerTable spells a table of the ledger.
func ledgerTable(r fenced.Relation) string { return ledgerSchema + "." + quoteIdent(r.Name) }

// casts are the types of the columns that are no texts.
func cast(c fenced.Column) string {
	switch c.Kind {
	case fenced.Integer:
		return "::bigint"
	case fenced.Float:
		return "::float8"
	case fenced.Boolean:
		return "::boolean"
	}
	return ""
}

// columnNames lists the names of columns.
func columnNames(columns []fenced.Column) string {
	return fenced.List(columns, ", ", func(_ int, c fenced.Column) string { return quoteIdent(c.Name) })
}

// value is a column of unnested.
func value(i int) string { return "c" + strconv.Itoa(i) }

// unnested spells rows of text as v(c0, c1, ...), from one array parameter a column.
func unnested(width int) string {
	params, columns := make([]string, width), make([]string, width)
	for i := range width {
		params[i], columns[i] = "$"+strconv.Itoa(i+1)+"::text[]", value(i)
	}
	return "unnest(" + strings.Join(params, ", ") + ") WITH ORDINALITY v(" + strings.Join(columns, ", ") + ", ord)"
}

// arrays are the parameters of unnested.
func arrays(width int, rows [][]any) []string {
	out, column := make([]string, width), make([]string, len(rows))
	for i := range out {
		for j, r := range rows {
			column[j] = textOf(r[i])
		}
		out[i] = textArray(column)
	}
	return out
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return formatInt(v)
	}
	return fmt.Sprint(v)
}

func splitRows(rows [][]any) [][]any {
	out := make([][]any, len(rows))
	for i, r := range rows {
		out[i] = fenced.SplitRow(r)
	}
	return out
}

// Read implements fenced.Rows.
func (t *txn) Read(ctx context.Context, r fenced.Relation, migration string, each func(fenced.Row) error) error {
	at := fenced.SplitAt(r.Columns)
	sql := "SELECT " + columnNames(fenced.Split(r.Columns)) + " FROM " + ledgerTable(r) + " WHERE migration = $1"
	return t.query(ctx, opLedger, sql, []string{migration}, func(have row) error { return each(ledgerRow{have, at}) })
}

// insert spells the statement that inserts rows, in the order given.
func insert(r fenced.Relation) string {
	columns := fenced.Split(r.Columns)
	return "INSERT INTO " + ledgerTable(r) + " (" + columnNames(columns) + ") SELECT " +
		fenced.List(columns, ", ", func(i int, c fenced.Column) string { return value(i) + cast(c) }) +
		" FROM " + unnested(len(columns)) + " ORDER BY ord" +
		" ON CONFLICT (" + columnNames(fenced.Split(r.Columns[:r.Key])) + ") DO "
}

// Write implements fenced.Rows.
func (t *txn) Write(ctx context.Context, r fenced.Relation, rows [][]any) error {
	columns := fenced.Split(r.Columns)
	set := fenced.List(fenced.Split(r.Columns[r.Key:]), ", ", func(_ int, c fenced.Column) string {
		return quoteIdent(c.Name) + " = excluded." + quoteIdent(c.Name)
	})
	return t.query(ctx, opRecord, insert(r)+"UPDATE SET "+set, arrays(len(columns), splitRows(rows)), nil)
}

// Update implements fenced.Rows.
func (t *txn) Update(ctx context.Context, r fenced.Relation, set, by []string, rows [][]any) (n int64, err error) {
	to, from := fenced.Split(r.Of(set)), fenced.Split(r.Of(by))
	sql := "UPDATE " + ledgerTable(r) + " l SET " +
		fenced.List(to, ", ", func(i int, c fenced.Column) string {
			return quoteIdent(c.Name) + " = " + "v." + value(i) + cast(c)
		}) +
		" FROM " + unnested(len(to)+len(from)) + " WHERE " +
		fenced.List(from, " AND ", func(i int, c fenced.Column) string {
			return "l." + quoteIdent(c.Name) + " = v." + value(len(to)+i)
		}) + " RETURNING 1"
	err = t.query(ctx, opRecord, sql, arrays(len(to)+len(from), splitRows(rows)), func(row) error { n++; return nil })
	return n, err
}

// Remove implements fenced.Rows.
func (t *txn) Remove(ctx context.Context, r fenced.Relation, by []string, keys [][]any) error {
	columns := fenced.Split(r.Of(by))
	values := fenced.List(columns, ", ", func(i int, _ fenced.Column) string { return value(i) })
	sql := "DELETE FROM " + ledgerTable(r) + " WHERE (" + columnNames(columns) + ") IN (SELECT " + values + " FROM " + unnested(len(columns)) + ")"
	return t.query(ctx, opRecord, sql, arrays(len(columns), splitRows(keys)), nil)
}

// Claim implements fenced.Rows. An id that another transaction has claimed is waited for.
func (t *txn) Claim(ctx context.Context, rows [][]any) (map[string]string, error) {
	const id = 1 // its place in a row
	r := fenced.Loaded()
	inserted := make(map[string]bool, len(rows))
	params := arrays(len(r.Columns)+1, splitRows(rows)) // one column is a name
	err := t.query(ctx, opClaim, insert(r)+"NOTHING RETURNING id", params, func(have row) error {
		inserted[have.text(0)] = true
		return nil
	})
	if err != nil || len(inserted) == len(rows) {
		return nil, err
	}
	var others []string
	for _, values := range rows {
		if other := values[id].(string); !inserted[other] {
			others = append(others, other)
		}
	}
	present := make(map[string]string, len(others))
	sql := "SELECT id, generation FROM " + ledgerTable(r) + " WHERE migration = $1 AND id = ANY ($2::text[])"
	err = t.query(ctx, opClaim, sql, []string{rows[0][0].(string), textArray(others)}, func(have row) error {
		present[have.text(0)] = have.text(1)
		return nil
	})
	if err == nil && len(present) != len(others) {
		err = fenced.ErrRaced // it was removed from the ledger since
	}
	return present, err
}
