package sqlite

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

const mostRanges = 10_000

// Split cuts by rowid where the table has one, else by its primary key. Boundaries
// come from the lowest and highest rowid where those leave few gaps, else from
// counting through the rowids or keys once.
func (d *database) Split(ctx context.Context, t *catalog.Table, how catalog.SplitSpec) ([]catalog.Range, string, error) {
	parts := how.Count(t.Bytes, mostRanges)
	rowid := rowidName(t)
	whole := []catalog.Range{t.Whole()}
	by := how.By
	if by == "" || by == catalog.ByAuto {
		by = catalog.ByNone
		if rowid != "" {
			by = catalog.ByRowID
		} else if t.Keyed() {
			by = catalog.ByKey
		}
	}
	switch {
	case by == catalog.ByNone:
		return whole, "not split", nil
	case by == catalog.ByPartition:
		return whole, "not split: SQLite has no partitions", nil
	case by == catalog.ByRowID && rowid == "":
		return whole, "not split: the table has no rowid", nil
	case by == catalog.ByKey && !t.Keyed():
		return whole, "not split: the table has no key over NOT NULL columns", nil
	case parts == 1:
		return whole, "not split: one range holds it", nil
	}
	var bounds [][]string
	var columns []string
	if by == catalog.ByKey {
		columns = t.Key.Columns
	}
	err := d.with(ctx, "split", func(c *conn) (err error) {
		if by == catalog.ByRowID {
			bounds, err = splitRowid(ctx, c, t, parts)
		} else {
			bounds, err = splitQuantiles(ctx, c, t, columns, parts)
		}
		return err
	})
	if err != nil {
		return nil, "", failedOn(ctx, "split", t.Name, err)
	}
	ranges := t.Whole().Cut(by, columns, bounds)
	return ranges, describeSplit(t, by, ranges), nil
}

func describeSplit(t *catalog.Table, by catalog.By, ranges []catalog.Range) string {
	if len(ranges) == 1 {
		return "not split: it has too few rows"
	}
	s := fmt.Sprintf("by %s: %d ranges", by, len(ranges))
	if t.Bytes > 0 {
		s += " of about " + schema.ShowSize(t.Bytes/int64(len(ranges)))
	}
	return s
}

// splitRowid cuts evenly where rowids are dense.
func splitRowid(ctx context.Context, c *conn, t *catalog.Table, parts int) ([][]string, error) {
	rowid := rowidName(t)
	low, found, err := c.int64(ctx, "SELECT min("+rowid+") FROM "+quote(t.Name.Name))
	if err != nil || !found {
		return nil, err
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
	return bounds, nil
}

// splitQuantiles counts through the table once, in the order of rowid or key.
func splitQuantiles(ctx context.Context, c *conn, t *catalog.Table, key []string, parts int) ([][]string, error) {
	n, _, err := c.int64(ctx, "SELECT count(*) FROM "+quote(t.Name.Name))
	if err != nil {
		return nil, err
	}
	columns := rowidName(t)
	if key != nil {
		columns = quoteAll(key)
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
	return bounds, err
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
		return refuse(providers.Internal, "read range", t.Name, fmt.Errorf("range by %q of %d columns does not belong to this provider", r.By, len(r.Columns)))
	}
	var subject string
	read := decode
	switch {
	case r.By == catalog.ByRowID && rowidName(t) != "" && r.Partition == nil:
		subject = rowidName(t)
		read = func(s string) (any, error) { return strconv.ParseInt(s, 10, 64) }
	case r.By == catalog.ByKey && len(r.Columns) > 0 && r.Partition == nil:
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
