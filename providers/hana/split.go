package hana

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

const (
	opSplit       = "split"
	samplePerPart = 200     // sampled rows a range, so that quantiles are close
	sampled       = 100_000 // the keys of a table with fewer rows are all looked at
	mostParts     = 10_000
)

// Split implements providers.Database, for reading tables back. Samples only say where to cut:
// the first range is open below, the last open above, so every row is in one of them.
func (db *database) Split(ctx context.Context, t *catalog.Table, how catalog.SplitSpec) ([]catalog.Range, string, error) {
	parts := how.Count(t.Bytes, mostParts)
	if how.By == catalog.ByNone {
		return []catalog.Range{t.Whole()}, "one package, as the spec says", nil
	}
	if parts <= 1 {
		return []catalog.Range{t.Whole()}, "one package, because it is small", nil
	}
	if how.By != catalog.ByKey {
		found, err := db.partitionsOf(ctx, t)
		if err != nil {
			return nil, "", err
		}
		if len(found) > 1 {
			return found, "by partition, because that needs no key", nil
		}
	}
	if !splittable(t) {
		return []catalog.Range{t.Whole()}, "one package, because it has no key on NOT NULL columns that can be compared", nil
	}
	return db.splitByKey(ctx, t, parts)
}

// partitionsOf asks the server: the plan's table knows the partitions that were meant.
func (db *database) partitionsOf(ctx context.Context, t *catalog.Table) (out []catalog.Range, err error) {
	err = db.with(ctx, func(s *session) error {
		return s.query(ctx, opSplit, `SELECT "PART_ID" FROM "SYS"."TABLE_PARTITIONS" WHERE "SCHEMA_NAME" = ? AND "TABLE_NAME" = ? ORDER BY "PART_ID"`,
			[]any{t.Schema, t.Name.Name}, func(r row) error {
				if r.int(0) > 0 {
					out = append(
						out,
						catalog.Range{By: catalog.ByPartition, Partition: &catalog.Name{Schema: t.Schema, Name: formatInt(r.int(0))}, Rows: -1, Bytes: -1},
					)
				}
				return nil
			})
	})
	return out, err
}

// splittable says whether every row has a key that compares the same way here and there.
func splittable(t *catalog.Table) bool {
	return t.Keyed() && !slices.ContainsFunc(t.Key.Columns, func(n string) bool { return !ordered(t.Column(n).Type) })
}

func ordered(t catalog.Type) bool {
	switch t.Kind {
	case catalog.Int16, catalog.Int32, catalog.Int64, catalog.Decimal, catalog.String, catalog.Binary, catalog.Date, catalog.Timestamp, catalog.Timestamp9:
		return true
	}
	return false
}

// splitByKey cuts at quantiles of a random sample. A key column that has one value only, such as
// the client of an SAP table, does no harm: all columns count.
func (db *database) splitByKey(ctx context.Context, t *catalog.Table, parts int) ([]catalog.Range, string, error) {
	var cuts [][]string
	err := db.with(ctx, func(s *session) error {
		rows, err := count(ctx, s, opSplit, "SELECT COUNT(*) FROM "+quoteName(t.Name))
		if err != nil || rows == 0 {
			return err
		}
		sample := ""
		if percent := max(0.0001, 100*float64(parts*samplePerPart)/float64(rows)); rows > sampled && percent < 100 {
			sample = " TABLESAMPLE BERNOULLI (" + strconv.FormatFloat(percent, 'f', 4, 64) + ")"
		}
		columns := quoteIdents(t.Key.Columns)
		return s.query(ctx, opSplit, "SELECT "+columns+" FROM "+quoteName(t.Name)+sample+" ORDER BY "+columns, nil, func(r row) error {
			cut := make([]string, len(r))
			for i := range r {
				var err error
				if cut[i], err = boundary(r[i], t.Column(t.Key.Columns[i]).Type); err != nil {
					return err
				}
			}
			cuts = append(cuts, cut)
			return nil
		})
	})
	if err != nil {
		return nil, "", wrapTable(opSplit, t.Name, err)
	}
	all := catalog.WholeTable()
	return all.Cut(catalog.ByKey, t.Key.Columns, catalog.Quantiles(cuts, parts)), "by key, at quantiles of a sample", nil
}

// boundary writes a key's value as an SQL literal, which is the form of Lower and Upper.
func boundary(v any, t catalog.Type) (string, error) {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10), nil
	case *big.Rat:
		return v.FloatString(t.Scale), nil
	case []byte:
		if t.Kind == catalog.Binary {
			return "X'" + hex.EncodeToString(v) + "'", nil
		}
		return quoteLiteral(string(v)), nil
	case time.Time:
		if t.Kind == catalog.Date {
			return v.Format("'2006-01-02'"), nil
		}
		return v.Format("'2006-01-02 15:04:05.0000000'"), nil
	}
	return "", fmt.Errorf("a key of %T cannot be compared", v)
}

// from names the rows' table, or a part of it.
func from(t *catalog.Table, r catalog.Range) string {
	if r.Partition != nil {
		return quoteName(t.Name) + " PARTITION (" + r.Partition.Name + ")"
	}
	return quoteName(t.Name)
}

// predicate spells a range of keys: rows compare by all columns in order.
func predicate(t *catalog.Table, r catalog.Range) (string, error) {
	if r.Partition != nil {
		if _, err := strconv.Atoi(r.Partition.Name); err != nil {
			return "", fmt.Errorf("%q is not a number of a partition", r.Partition.Name)
		}
	}
	var parts []string
	for _, b := range []struct {
		values []string
		strict string
		last   string
	}{{r.Lower, ">", ">="}, {r.Upper, "<", "<"}} {
		if len(b.values) == 0 {
			continue
		}
		if len(b.values) != len(r.Columns) {
			return "", fmt.Errorf("a range of %d columns has a bound of %d values", len(r.Columns), len(b.values))
		}
		parts = append(parts, "("+compared(r.Columns, b.values, b.strict, b.last)+")")
	}
	if len(parts) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(parts, " AND "), nil
}

// compared spells (a, b) > (x, y) as a > x OR a = x AND b > y.
func compared(columns, values []string, strict, last string) string {
	var alternatives []string
	equal := ""
	for i, c := range columns {
		operator := strict
		if i == len(columns)-1 {
			operator = last
		}
		alternatives = append(alternatives, "("+equal+quoteIdent(c)+" "+operator+" "+values[i]+")")
		equal += quoteIdent(c) + " = " + values[i] + " AND "
	}
	return strings.Join(alternatives, " OR ")
}
