package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

const (
	opSplit       = "split"
	pageSize      = 8192
	mostParts     = 100_000
	samplePerPart = 200 // sampled rows a range, so that quantiles are close
)

// Split implements providers.Database. Sizes and samples only say where to cut:
// the first range is open below, the last open above, so every row is in one of them.
func (db *database) Split(ctx context.Context, t *catalog.Table, how catalog.SplitSpec) ([]catalog.Range, string, error) {
	parts := how.Count(t.Bytes, mostParts)
	switch how.By {
	case catalog.ByNone:
		return []catalog.Range{t.Whole()}, "one package, as the spec says", nil
	case catalog.ByKey:
		if t.Keyed() {
			return db.splitByKey(ctx, t, parts)
		}
	case catalog.ByPartition:
		if t.PartitionBy == "" {
			return []catalog.Range{t.Whole()}, "one package, because it has no partitions", nil
		}
		return t.Leaves(), "by partition, as the spec says", nil
	}
	if parts <= 1 && how.By != catalog.ByRowID {
		return []catalog.Range{t.Whole()}, "one package, because it is small", nil
	}
	if t.PartitionBy != "" {
		size := max(max(t.Bytes, 0)/int64(parts), 1)
		var ranges []catalog.Range
		for _, leaf := range t.Leaves() {
			ranges = append(ranges, cutPages(leaf, int(min(max(leaf.Bytes, 0)/size+1, int64(parts))))...)
		}
		return ranges, "by partition, large ones by physical row id, because that needs no key", nil
	}
	reason := "by physical row id, because that needs no key and reads in the order of storage"
	if how.By == catalog.ByKey {
		reason = "by physical row id, because it has no key over NOT NULL columns"
	}
	return cutPages(t.Whole(), parts), reason, nil
}

// cutPages cuts a table or leaf into ranges of equally many pages. The size in bytes
// bounds the number of heap pages from above; ranges past the end are empty and cost nothing.
func cutPages(all catalog.Range, parts int) []catalog.Range {
	pages := max(all.Bytes, 0) / pageSize
	parts = int(max(min(int64(parts), pages), 1))
	var bounds [][]string
	for i := 1; i < parts; i++ {
		bounds = append(bounds, []string{formatInt(pages * int64(i) / int64(parts))})
	}
	return all.Cut(catalog.ByRowID, nil, bounds)
}

// splitByKey cuts at quantiles of sampled keys.
func (db *database) splitByKey(ctx context.Context, t *catalog.Table, parts int) ([]catalog.Range, string, error) {
	reason := "by key, as the spec says"
	if parts <= 1 {
		return []catalog.Range{t.Whole()}, reason, nil
	}
	var sample [][]string
	err := db.with(ctx, func(s *session) (err error) {
		sample, err = sampleKeys(ctx, s, t, parts)
		return err
	})
	if err != nil {
		return nil, "", wrapTable(opSplit, t.Name, err)
	}
	return t.Whole().Cut(catalog.ByKey, t.Key.Columns, catalog.Quantiles(sample, parts)), reason, nil
}

// sampleKeys returns keys of randomly chosen pages, in the order of the server's own comparison.
func sampleKeys(ctx context.Context, s *session, t *catalog.Table, parts int) ([][]string, error) {
	want := int64(parts * samplePerPart)
	percent := 100.0
	if t.Rows > want { // an estimate of no rows reads all
		percent = max(100*float64(want)/float64(t.Rows), 100*float64(10*pageSize)/float64(max(t.Bytes, pageSize)))
	}
	// Qualified, because a bare name in ORDER BY would be the text of the result.
	columns, texts := make([]string, len(t.Key.Columns)), make([]string, len(t.Key.Columns))
	for i, c := range t.Key.Columns {
		columns[i] = "t." + quoteIdent(c)
		texts[i] = columns[i] + "::text"
	}
	sql := fmt.Sprintf("SELECT %s FROM %s t TABLESAMPLE SYSTEM (%f) REPEATABLE (1) ORDER BY %s",
		strings.Join(texts, ", "), from(t, catalog.WholeTable()), min(percent, 100), strings.Join(columns, ", "))
	var out [][]string
	err := s.query(ctx, opSplit, sql, nil, func(r row) error {
		key := make([]string, len(r))
		for i := range r {
			key[i] = r.text(i)
		}
		out = append(out, key)
		return nil
	})
	return out, err
}

// predicate writes the WHERE clause of a range.
func predicate(t *catalog.Table, r catalog.Range) (string, error) {
	var conditions []string
	switch {
	case len(r.Lower) == 0 && len(r.Upper) == 0:
		return "", nil
	case r.By == catalog.ByRowID:
		for _, b := range []struct {
			op    string
			bound []string
		}{{">=", r.Lower}, {"<", r.Upper}} {
			if len(b.bound) == 1 {
				conditions = append(conditions, "ctid "+b.op+" "+quoteLiteral("("+b.bound[0]+",0)")+"::tid")
			}
		}
	case r.By == catalog.ByKey:
		row := "(" + quoteIdents(r.Columns) + ")"
		for _, b := range []struct {
			op    string
			bound []string
		}{{">=", r.Lower}, {"<", r.Upper}} {
			if len(b.bound) == 0 {
				continue
			}
			values, err := typedLiterals(t, r.Columns, b.bound)
			if err != nil {
				return "", err
			}
			conditions = append(conditions, row+" "+b.op+" ("+values+")")
		}
	default:
		return "", fmt.Errorf("a range by %q has bounds", r.By)
	}
	return " WHERE " + strings.Join(conditions, " AND "), nil
}

// typedLiterals writes bounds in the types of their columns, so that no
// comparison takes place in another type, and in the column's own collation.
func typedLiterals(t *catalog.Table, columns, values []string) (string, error) {
	if len(columns) != len(values) {
		return "", errors.New("a bound and the range have different numbers of columns")
	}
	out := make([]string, len(values))
	for i, v := range values {
		c := t.Column(columns[i])
		if c == nil {
			return "", fmt.Errorf("the range is on column %s, which does not exist", columns[i])
		}
		out[i] = quoteLiteral(v) + "::" + c.Declared
	}
	return strings.Join(out, ", "), nil
}
