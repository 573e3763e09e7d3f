package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// sequences reads those of the tables' columns, and those of the schemas that no
// column owns.
func (r *catalogReader) sequences(ctx context.Context) error {
	var all []*catalog.Sequence
	var columns []*catalog.Column         // of all; nil for a free sequence
	feeds := map[*catalog.Sequence]bool{} // the column's default calls it
	var uncalled []*catalog.Sequence
	sql, params := sequencesSQL(allSequences), []string{r.oids(), textArray(r.schemas)}
	if len(r.wanted.Tables) > 0 && !r.wanted.Free {
		sql, params = sequencesSQL(ownedSequences), params[:1]
	}
	own := make(map[*catalog.Table]bool) // have columns that no other table shares
	err := r.s.query(ctx, opCatalog, sql, params, func(v row) error {
		q := &catalog.Sequence{Name: catalog.Name{Schema: v.text(0), Name: v.text(1)}, Increment: v.int(2), Start: v.int(3), Min: v.int(4), Max: v.int(5),
			Cycle: v.bool(6), Cache: v.int(7), DataType: v.text(8), Last: v.int(9), Called: !v.null(9)}
		var owner *catalog.Column
		if id := oid(v, 10); !v.null(10) {
			t := r.byOID[id]
			if !own[t] {
				t.Columns, own[t] = slices.Clone(t.Columns), true
			}
			if owner = t.Column(v.text(11)); owner == nil {
				return nil
			}
		}
		all, columns, feeds[q] = append(all, q), append(columns, owner), v.bool(13)
		if !q.Called && v.bool(12) {
			uncalled = append(uncalled, q)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(uncalled, 100) {
		if err := r.firstValues(ctx, chunk); err != nil {
			return err
		}
	}
	for i, q := range all {
		switch c := columns[i]; {
		case c == nil:
			r.out.Sequences = append(r.out.Sequences, *q)
		case c.Sequence == nil:
			c.Sequence = q
		case feeds[q] && !feeds[c.Sequence]: // a column may own several, and call one
			r.out.Sequences = append(r.out.Sequences, *c.Sequence)
			c.Sequence = q
		default:
			r.out.Sequences = append(r.out.Sequences, *q)
		}
	}
	return nil
}

// firstValues reads where sequences begin that were set back, or set and not called
// since: only the sequence itself tells.
func (r *catalogReader) firstValues(ctx context.Context, sequences []*catalog.Sequence) error {
	selects := make([]string, len(sequences))
	for i, q := range sequences {
		selects[i] = fmt.Sprintf("SELECT %d, last_value, is_called FROM %s", i, quoteName(q.Name))
	}
	return r.s.query(ctx, opCatalog, strings.Join(selects, " UNION ALL "), nil, func(v row) error {
		q := sequences[v.int(0)]
		q.Last, q.Called = v.int(1), v.bool(2)
		return nil
	})
}
