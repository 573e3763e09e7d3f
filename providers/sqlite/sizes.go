package sqlite

import (
	"context"
	"strconv"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// exactSizes is the file size up to which every page is looked at. Reading it
// takes well below a second; larger files are estimated from samples.
const exactSizes = 256 << 20

// sampledRows is how many rows at each end of a table stand for its row width.
const sampledRows = 200

// sizes are what is known about all tables at once.
type sizes struct {
	unread bool  // nobody asked
	file   int64 // bytes
	stat   map[string]int64
	pages  map[string][2]int64 // rows and bytes, from dbstat; nil where not read
}

func readSizes(ctx context.Context, c *conn, kinds map[string]tableKind) (sizes, error) {
	s := sizes{stat: make(map[string]int64)}
	var err error
	s.file, _, err = c.int64(ctx, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
	if err != nil {
		return s, err
	}
	if err := s.readStat(ctx, c); err != nil || s.file > exactSizes {
		return s, err
	}
	s.pages = make(map[string][2]int64)
	return s, c.rows(ctx, func(st *sqlite.Stmt) error {
		name := st.ColumnText(0)
		p := s.pages[name]
		// Rows of a WITHOUT ROWID table stand in interior pages too.
		if kinds[name].withoutRowid || st.ColumnBool(1) {
			p[0] += st.ColumnInt64(2)
		}
		p[1] += st.ColumnInt64(3)
		s.pages[name] = p
		return nil
	}, "SELECT name, pagetype = 'leaf', ncell, pgsize FROM dbstat")
}

// readStat reads the row counts that the last ANALYZE left.
func (s *sizes) readStat(ctx context.Context, c *conn) error {
	_, found, err := c.int64(ctx, "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'")
	if err != nil || !found {
		return err
	}
	return c.rows(ctx, func(st *sqlite.Stmt) error {
		head, _, _ := strings.Cut(st.ColumnText(1), " ")
		if n, err := strconv.ParseInt(head, 10, 64); err == nil {
			s.stat[st.ColumnText(0)] = max(n, s.stat[st.ColumnText(0)])
		}
		return nil
	}, "SELECT tbl, stat FROM sqlite_stat1")
}

// of estimates one table.
func (s *sizes) of(ctx context.Context, c *conn, t *catalog.Table) (rows, bytes int64, err error) {
	if s.unread {
		return -1, -1, nil
	}
	if s.pages != nil {
		if p, ok := s.pages[t.Name.Name]; ok {
			return p[0], p[1], nil
		}
	}
	rows, known := s.stat[t.Name.Name]
	if known && rows == 0 {
		return 0, 0, nil
	}
	if rowid := rowidName(t); !known && rowid != "" {
		rows, known, err = c.int64(ctx, "SELECT max("+rowid+") - min("+rowid+") + 1 FROM "+quote(t.Name.Name))
		if err != nil || !known {
			return 0, 0, err
		}
	}
	if !known {
		return -1, -1, nil
	}
	width, err := rowWidth(ctx, c, t)
	if err != nil {
		return -1, -1, err
	}
	if rows < 0 || rows > s.file/max(width, 1) { // a gap in the rowids, or an overflow
		rows = s.file / max(width, 1)
	}
	return rows, min(rows*width, s.file), nil
}

// rowWidth is the mean number of bytes of rows at both ends of a table.
func rowWidth(ctx context.Context, c *conn, t *catalog.Table) (int64, error) {
	var parts []string
	for _, col := range t.CopiedColumns() {
		parts = append(parts, "coalesce(octet_length("+quote(col.Name)+"), 0)")
	}
	if len(parts) == 0 {
		return 1, nil
	}
	sum := strings.Join(parts, "+")
	from := " AS w FROM " + quote(t.Name.Name)
	sql := "SELECT " + sum + from + " LIMIT ?1"
	if rowid := rowidName(t); rowid != "" {
		sql = "SELECT * FROM (SELECT " + sum + from + " ORDER BY " + rowid + " LIMIT ?1) UNION ALL SELECT * FROM (SELECT " +
			sum + from + " ORDER BY " + rowid + " DESC LIMIT ?1)"
	}
	width, _, err := c.int64(ctx, "SELECT CAST(avg(w) AS INTEGER) FROM ("+sql+")", sampledRows)
	return width + int64(len(parts)) + 6, err
}

// rowidName returns the name under which a table's rowid can be read, or "" where
// it has none or columns hide all of them.
func rowidName(t *catalog.Table) string {
	if strings.Contains(t.Options, "WITHOUT ROWID") {
		return ""
	}
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		hidden := false
		for _, c := range t.Columns {
			hidden = hidden || sameName(c.Name, name)
		}
		if !hidden {
			return name
		}
	}
	return ""
}
