package sqlite

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

const (
	defaultRange = 256 << 20 // bytes, where a spec says nothing
	mostRanges   = 10_000
)

// Split cuts by rowid where the table has one, else by its primary key. Boundaries
// come from the lowest and highest rowid where those leave few gaps, else from
// counting through the rowids or keys once.
func (d *database) Split(ctx context.Context, t *catalog.Table, how catalog.SplitSpec) ([]catalog.Range, string, error) {
	parts := how.Parts
	if parts <= 0 {
		size := how.TargetSize
		if size <= 0 {
			size = defaultRange
		}
		parts = int((max(t.Bytes, 0) + size - 1) / size)
	}
	parts = min(max(parts, 1), mostRanges)
	rowid, key := rowidName(t), splitKey(t)
	var err error
	var ranges []catalog.Range
	by := how.By
	if by == "" || by == "auto" {
		by = "none"
		if rowid != "" {
			by = "rowid"
		} else if key != nil {
			by = "key"
		}
	}
	switch {
	case by == "none":
		return whole(t), "not split", nil
	case by == "partition":
		return whole(t), "not split: SQLite has no partitions", nil
	case by == "rowid" && rowid == "":
		return whole(t), "not split: the table has no rowid", nil
	case by == "key" && key == nil:
		return whole(t), "not split: the table has no key over NOT NULL columns", nil
	case by != "rowid" && by != "key":
		return nil, "", refuse(providers.Config, "split", t.Name, fmt.Errorf("unknown way %q", by))
	case parts == 1:
		return whole(t), "not split: one range holds it", nil
	}
	err = d.with(ctx, "split", func(c *conn) error {
		if by == "rowid" {
			ranges, err = splitRowid(ctx, c, t, parts)
		} else {
			ranges, err = splitQuantiles(ctx, c, t, key, parts)
		}
		return err
	})
	if err != nil {
		return nil, "", failedOn(ctx, "split", t.Name, err)
	}
	return ranges, describeSplit(t, by, ranges), nil
}

func whole(t *catalog.Table) []catalog.Range {
	return []catalog.Range{{Rows: t.Rows, Bytes: t.Bytes}}
}

func describeSplit(t *catalog.Table, by string, ranges []catalog.Range) string {
	if len(ranges) == 1 {
		return "not split: it has too few rows"
	}
	s := fmt.Sprintf("by %s: %d ranges", by, len(ranges))
	if t.Bytes > 0 {
		s += " of about " + schema.ShowSize(t.Bytes/int64(len(ranges)))
	}
	return s
}

// splitKey returns the columns of a key whose order is total: all NOT NULL.
func splitKey(t *catalog.Table) []string {
	if t.Key == nil {
		return nil
	}
	for _, name := range t.Key.Columns {
		if c := t.Column(name); c == nil || c.Nullable {
			return nil
		}
	}
	return t.Key.Columns
}

// splitRowid cuts evenly where rowids are dense.
func splitRowid(ctx context.Context, c *conn, t *catalog.Table, parts int) ([]catalog.Range, error) {
	rowid := rowidName(t)
	low, found, err := c.int64(ctx, "SELECT min("+rowid+") FROM "+quote(t.Name.Name))
	if err != nil || !found {
		return whole(t), err
	}
	high, _, err := c.int64(ctx, "SELECT max("+rowid+") FROM "+quote(t.Name.Name))
	if err != nil {
		return nil, err
	}
	span := float64(high) - float64(low) + 1
	if t.Rows <= 0 || span > 1.5*float64(t.Rows)+1000 {
		return splitQuantiles(ctx, c, t, nil, parts)
	}
	width := (high-low)/int64(parts) + 1
	var bounds [][]string
	for b := low; b <= high-width; {
		b += width
		bounds = append(bounds, []string{strconv.FormatInt(b, 10)})
	}
	return cut(t, "rowid", nil, bounds), nil
}

// splitQuantiles counts through the table once, in the order of rowid or key.
func splitQuantiles(ctx context.Context, c *conn, t *catalog.Table, key []string, parts int) ([]catalog.Range, error) {
	n, _, err := c.int64(ctx, "SELECT count(*) FROM "+quote(t.Name.Name))
	if err != nil {
		return nil, err
	}
	columns, by := rowidName(t), "rowid"
	if key != nil {
		columns, by = quoteAll(key), "key"
	}
	step := max((n+int64(parts)-1)/int64(parts), 1)
	var bounds [][]string
	at := int64(0)
	err = c.rows(ctx, func(s *sqlite.Stmt) error {
		if at++; at == 1 || (at-1)%step != 0 {
			return nil
		}
		b := make([]string, s.ColumnCount())
		for i := range b {
			if b[i] = encode(s, i); key == nil {
				b[i] = strings.TrimPrefix(b[i], "i:")
			}
		}
		bounds = append(bounds, b)
		return nil
	}, "SELECT "+columns+" FROM "+quote(t.Name.Name)+" ORDER BY "+columns)
	if err != nil {
		return nil, err
	}
	return cut(t, by, key, bounds), nil
}

// cut makes contiguous ranges of boundaries in ascending order.
func cut(t *catalog.Table, by string, columns []string, bounds [][]string) []catalog.Range {
	n := int64(len(bounds) + 1)
	if n == 1 {
		return whole(t)
	}
	share := func(total, i int64) int64 {
		if total < 0 {
			return -1
		}
		return total*(i+1)/n - total*i/n
	}
	out := make([]catalog.Range, 0, n)
	var lower []string
	for i := range n {
		r := catalog.Range{By: by, Columns: slices.Clone(columns), Lower: lower, Rows: share(t.Rows, i), Bytes: share(t.Bytes, i)}
		if i < n-1 {
			r.Upper = bounds[i]
			lower = bounds[i]
		}
		out = append(out, r)
	}
	return out
}

// encode writes a stored value as text that decode reads back exactly.
func encode(s *sqlite.Stmt, i int) string {
	switch s.ColumnType(i) {
	case sqlite.TypeInteger:
		return "i:" + strconv.FormatInt(s.ColumnInt64(i), 10)
	case sqlite.TypeFloat:
		return "r:" + strconv.FormatUint(math.Float64bits(s.ColumnFloat(i)), 16)
	case sqlite.TypeText:
		// Hex, because text may hold what JSON cannot.
		return "t:" + hex.EncodeToString([]byte(s.ColumnText(i)))
	case sqlite.TypeBlob:
		b := make([]byte, s.ColumnLen(i))
		s.ColumnBytes(i, b)
		return "b:" + hex.EncodeToString(b)
	}
	return "n:"
}

func decode(s string) (any, error) {
	tag, rest, _ := strings.Cut(s, ":")
	switch tag {
	case "i":
		return strconv.ParseInt(rest, 10, 64)
	case "r":
		bits, err := strconv.ParseUint(rest, 16, 64)
		return math.Float64frombits(bits), err
	case "t":
		b, err := hex.DecodeString(rest)
		return string(b), err
	case "b":
		return hex.DecodeString(rest)
	}
	return nil, errors.New("unknown boundary")
}

// condition is the WHERE clause of a range. Row values compare columns with their
// own collations, the same on both sides of a boundary, so ranges never overlap.
func condition(t *catalog.Table, r catalog.Range) (where string, args []any, err error) {
	if r.Whole() {
		return "", nil, nil
	}
	bad := func() error {
		return refuse(providers.Internal, "read range", t.Name, fmt.Errorf("range by %q of %d columns is not of this provider", r.By, len(r.Columns)))
	}
	var subject string
	read := decode
	switch {
	case r.By == "rowid" && rowidName(t) != "" && r.Partition == nil:
		subject = rowidName(t)
		read = func(s string) (any, error) { return strconv.ParseInt(s, 10, 64) }
	case r.By == "key" && len(r.Columns) > 0 && r.Partition == nil:
		if subject = quoteAll(r.Columns); len(r.Columns) > 1 {
			subject = "(" + subject + ")"
		}
	default:
		return "", nil, bad()
	}
	var parts []string
	for _, b := range []struct {
		values   []string
		operator string
	}{{r.Lower, " >= "}, {r.Upper, " < "}} {
		if len(b.values) == 0 {
			continue
		}
		if len(b.values) != max(len(r.Columns), 1) {
			return "", nil, bad()
		}
		marks := "?" + strings.Repeat(", ?", len(b.values)-1)
		if len(b.values) > 1 {
			marks = "(" + marks + ")"
		}
		parts = append(parts, subject+b.operator+marks)
		for _, v := range b.values {
			x, err := read(v)
			if err != nil {
				return "", nil, bad()
			}
			args = append(args, x)
		}
	}
	return " WHERE " + strings.Join(parts, " AND "), args, nil
}

// bindAny binds what decode returns.
func bindAny(s *sqlite.Stmt, i int, v any) {
	switch v := v.(type) {
	case int64:
		s.BindInt64(i, v)
	case float64:
		s.BindFloat(i, v)
	case string:
		s.BindText(i, v)
	case []byte:
		s.BindBytes(i, v)
	}
}
