package hana

import (
	"context"
	"math/big"
	"strings"
	"time"

	hdb "github.com/SAP/go-hdb/driver"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers/fenced"
)

// txn is one transaction on a session of the pool.
type txn struct {
	*session
	db *database
}

// ledgerRow is a row whose names stand in two columns each.
type ledgerRow struct {
	row
	at []int
}

func (r ledgerRow) Text(i int) string   { return r.text(r.at[i]) }
func (r ledgerRow) Int(i int) int64     { return r.int(r.at[i]) }
func (r ledgerRow) Float(i int) float64 { return r.float(r.at[i]) }
func (r ledgerRow) Bool(i int) bool     { return r.bool(r.at[i]) }
func (r ledgerRow) Name(i int) catalog.Name {
	return catalog.Name{Schema: r.text(r.at[i]), Name: r.text(r.at[i] + 1)}
}

// large reads the large objects of a row: ranges may be longer than NVARCHAR allows.
func (r row) large() error {
	for i, v := range r {
		switch v.(type) {
		case nil, int64, float64, bool, string, []byte, time.Time, *big.Rat:
			continue
		}
		var text []byte
		if err := hdb.ScanLobBytes(v, &text); err != nil {
			return err
		}
		r[i] = text
	}
	return nil
}

// ledgerTable spells a table of the ledger.
func ledgerTable(r fenced.Relation) string {
	return quoteIdent(ledgerSchema) + "." + quoteIdent(strings.ToUpper(r.Name))
}

func columnName(_ int, c fenced.Column) string { return quoteIdent(strings.ToUpper(c.Name)) }

func columnNames(columns []fenced.Column) string { return fenced.List(columns, ", ", columnName) }

// bound spells columns that are equal to parameters.
func bound(r fenced.Relation, names []string, join string) string {
	return fenced.List(fenced.Split(r.Of(names)), join, func(i int, c fenced.Column) string {
		return columnName(i, c) + " = ?"
	})
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
	sql := "SELECT " + columnNames(fenced.Split(r.Columns)) + " FROM " + ledgerTable(r) + ` WHERE "MIGRATION" = ?`
	return t.query(ctx, opLedger, sql, []any{migration}, func(have row) error {
		if err := have.large(); err != nil {
			return err
		}
		return each(ledgerRow{have, at})
	})
}

// Write implements fenced.Rows.
func (t *txn) Write(ctx context.Context, r fenced.Relation, rows [][]any) error {
	columns := fenced.Split(r.Columns)
	sql := "UPSERT " + ledgerTable(r) + " (" + columnNames(columns) + ") VALUES (" + binds(len(columns)) + ") WITH PRIMARY KEY"
	_, err := t.bulk(ctx, opRecord, sql, splitRows(rows))
	return err
}

// Update implements fenced.Rows.
func (t *txn) Update(ctx context.Context, r fenced.Relation, set, by []string, rows [][]any) (int64, error) {
	sql := "UPDATE " + ledgerTable(r) + " SET " + bound(r, set, ", ") + " WHERE " + bound(r, by, " AND ")
	return t.bulk(ctx, opRecord, sql, splitRows(rows))
}

// Remove implements fenced.Rows.
func (t *txn) Remove(ctx context.Context, r fenced.Relation, by []string, keys [][]any) error {
	_, err := t.bulk(ctx, opRecord, "DELETE FROM "+ledgerTable(r)+" WHERE "+bound(r, by, " AND "), splitRows(keys))
	return err
}

// Claim implements fenced.Rows.
func (t *txn) Claim(ctx context.Context, rows [][]any) (map[string]string, error) {
	const migration, id = 0, 1 // places in a row
	ids := make([]any, len(rows))
	for i, r := range rows {
		ids[i] = r[id]
	}
	present, err := t.present(ctx, rows[0][migration], ids)
	if err != nil {
		return nil, err
	}
	var absent [][]any
	for _, r := range rows {
		if _, there := present[r[id].(string)]; !there {
			absent = append(absent, fenced.SplitRow(r))
		}
	}
	table, columns := ledgerTable(fenced.Loaded()), fenced.Split(fenced.Loaded().Columns)
	sql := "INSERT INTO " + table + " (" + columnNames(columns) + ") VALUES (" + binds(len(columns)) + ")"
	_, err = t.bulk(ctx, opClaim, sql, absent)
	if hasCode(err, codeUnique) { // somebody else committed one of them between the question and the answer
		err = fenced.ErrRaced
	}
	return present, err
}

// present asks which packages are loaded, by statements of few lengths, because the server keeps a
// plan for each.
func (t *txn) present(ctx context.Context, migration any, ids []any) (map[string]string, error) {
	out := make(map[string]string)
	for start := 0; start < len(ids); {
		n := len(ids) - start
		width := 1
		for width < n && width < 256 {
			width *= 4
		}
		params := []any{migration}
		for i := range width {
			params = append(params, ids[min(start+i, len(ids)-1)]) // the last one fills up
		}
		sql := `SELECT "ID", "GENERATION" FROM ` + ledgerTable(fenced.Loaded()) + ` WHERE "MIGRATION" = ? AND "ID" IN (` + binds(width) + `)`
		err := t.query(ctx, opClaim, sql, params, func(r row) error {
			out[r.text(0)] = r.text(1)
			return nil
		})
		if err != nil {
			return nil, err
		}
		start += width
	}
	return out, nil
}
