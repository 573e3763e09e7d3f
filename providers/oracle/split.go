package oracle

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

const (
	opSplit       = "split"
	mostParts     = 100_000
	samplePerPart = 200 // sampled rows a range, so that quantiles are close
	guessedRow    = 200 // bytes of a row where statistics are missing
)

// Split implements providers.Database. Extents, sizes and samples only say where to cut: the
// first range is open below, the last open above, so every row is in one of them, also in an
// extent that is allocated later.
func (db *database) Split(ctx context.Context, t *catalog.Table, how catalog.SplitSpec) ([]catalog.Range, string, error) {
	parts := how.Count(t.Bytes, mostParts)
	if how.By == catalog.ByNone {
		return []catalog.Range{t.Whole()}, "one package, as the spec says", nil
	}
	if how.By == catalog.ByPartition {
		if t.PartitionBy == "" {
			return []catalog.Range{t.Whole()}, "one package, because it has no partitions", nil
		}
		return t.Leaves(), "by partition, as the spec says", nil
	}
	if parts <= 1 && how.By != catalog.ByRowID {
		return []catalog.Range{t.Whole()}, "one package, because it is small", nil
	}
	obstacle := db.noRowids(t)
	var out []catalog.Range
	var reason string
	err := db.with(ctx, func(s *session) (err error) {
		switch {
		case how.By == catalog.ByKey && keyed(t):
			out, err = splitByKey(ctx, s, t, parts)
			reason = "by key, as the spec says"
		case obstacle == "":
			out, reason, err = db.splitByRowid(ctx, s, t, parts)
			if how.By == catalog.ByKey {
				reason += "; not by key, because it has none on NOT NULL columns that compare bytewise"
			}
		case keyed(t):
			out, err = splitByKey(ctx, s, t, parts)
			reason = "by key, because " + obstacle
		case t.PartitionBy != "":
			out, reason = t.Leaves(), "by partition, because "+obstacle
		default:
			out, reason = []catalog.Range{t.Whole()}, "one package, because "+obstacle+", and it has no key that compares bytewise"
		}
		return err
	})
	return out, reason, wrapTable(opSplit, t.Name, err)
}

// noRowids says why ranges of ROWIDs would not hold every row once, or empty. Under an SCN
// rows stay where they were; without one a row that moves is read twice or never.
func (db *database) noRowids(t *catalog.Table) string {
	switch {
	case strings.Contains(t.Options, organizationIndex):
		return "it is index-organized, and its rows have no fixed location"
	case strings.Contains(t.Options, "CLUSTER "):
		return "its rows are stored in a cluster"
	case db.cfg.quiet && strings.Contains(t.Options, rowMovement):
		return "it allows row movement, and a quiet source is read without an SCN"
	}
	return ""
}

// splitByRowid cuts a table, or every partition of it by its size: ROWIDs of two partitions
// have no order that says anything.
func (db *database) splitByRowid(ctx context.Context, s *session, t *catalog.Table, parts int) ([]catalog.Range, string, error) {
	places, err := db.extents(ctx, s, t)
	if err != nil {
		return nil, "", err
	}
	if t.PartitionBy == "" {
		cuts, err := db.rowidCuts(ctx, s, segment{t: t, file: t.File, extents: places[""], rows: t.Rows, bytes: t.Bytes}, parts)
		reason := "by physical row id, because that needs no key and reads in the order of storage"
		return t.Whole().Cut(catalog.ByRowID, nil, cuts), reason, err
	}
	var out []catalog.Range
	size := max(max(t.Bytes, 0)/int64(parts), 1)
	for _, leaf := range t.Leaves() {
		n := int(min(max(leaf.Bytes, 0)/size+1, int64(parts)))
		var cuts [][]string
		if n > 1 && leaf.Partition != nil {
			p := leafOf(t, *leaf.Partition)
			g := segment{t: t, leaf: leaf.Partition, file: p.File, extents: places[p.Name.Name], rows: p.Rows, bytes: p.Bytes}
			if cuts, err = db.rowidCuts(ctx, s, g, n); err != nil {
				return nil, "", err
			}
		}
		out = append(out, leaf.Cut(catalog.ByRowID, nil, cuts)...)
	}
	return out, "by partition, large ones by physical row id, because that needs no key", nil
}

func leafOf(t *catalog.Table, n catalog.Name) catalog.Partition {
	for _, p := range t.Partitions {
		if p.Name == n {
			return p
		}
	}
	return catalog.Partition{}
}

// extent is a run of blocks in one file.
type extent struct{ file, block, blocks int64 }

// segment is what holds the rows of a table or leaf.
type segment struct {
	t           *catalog.Table
	leaf        *catalog.Name
	file        string // as fileOf prints it
	extents     []extent
	rows, bytes int64
}

// extents reads where the table's partitions lie; empty where the user may not see it.
func (db *database) extents(ctx context.Context, s *session, t *catalog.Table) (map[string][]extent, error) {
	out := make(map[string][]extent)
	if !db.dba {
		return out, nil
	}
	sql := "SELECT PARTITION_NAME, RELATIVE_FNO, BLOCK_ID, BLOCKS FROM DBA_EXTENTS WHERE OWNER = " + quoteLiteral(t.Schema) +
		" AND SEGMENT_NAME = " + quoteLiteral(t.Name.Name) + " AND SEGMENT_TYPE IN ('TABLE', 'TABLE PARTITION', 'TABLE SUBPARTITION')"
	err := s.query(ctx, opSplit, sql, nil, func(v row) error {
		out[v.text(0)] = append(out[v.text(0)], extent{v.int(1), v.int(2), v.int(3)})
		return nil
	})
	if hidden(err) {
		return out, nil
	}
	return out, err
}

// rowidCuts returns the bounds between parts of equally many blocks. Without sight of the
// extents it samples ROWIDs.
func (db *database) rowidCuts(ctx context.Context, s *session, g segment, parts int) ([][]string, error) {
	if parts <= 1 {
		return nil, nil
	}
	_, data, _ := strings.Cut(g.file, ".")
	object, err := strconv.ParseInt(data, 10, 64)
	if err == nil && len(g.extents) > 0 {
		return extentCuts(object, g.extents, parts), nil
	}
	return sampleRowids(ctx, s, g, parts)
}

// extentCuts orders by file and block, as Oracle compares ROWIDs of one data object.
func extentCuts(object int64, extents []extent, parts int) [][]string {
	slices.SortFunc(extents, func(a, b extent) int {
		return cmp.Or(cmp.Compare(a.file&1023, b.file&1023), cmp.Compare(a.block, b.block))
	})
	var total int64
	for _, e := range extents {
		total += e.blocks
	}
	parts = int(min(int64(parts), max(total, 1)))
	var cuts [][]string
	var before int64 // blocks of the extents that are behind
	at := 0
	for i := 1; i < parts; i++ {
		want := total * int64(i) / int64(parts)
		for at < len(extents)-1 && before+extents[at].blocks <= want {
			before += extents[at].blocks
			at++
		}
		cuts = append(cuts, []string{rowidAt(object, extents[at].file, extents[at].block+want-before)})
	}
	return cuts
}

// sampling spells the clause that reads about so many rows of the segment; empty reads all.
func sampling(t *catalog.Table, rows, bytes, want int64) string {
	if rows < 0 && bytes > 0 {
		rows = bytes / guessedRow
	}
	if rows <= want {
		return ""
	}
	percent := max(100*float64(want)/float64(rows), 0.000001) // what the SQL Language Reference allows
	if strings.Contains(t.Options, organizationIndex) {
		return fmt.Sprintf(" SAMPLE (%f) SEED (1)", percent)
	}
	if blocks := bytes / 8192; blocks > 0 { // ten blocks at least, or the sample may be empty
		percent = max(percent, 100*10/float64(blocks))
	}
	if percent >= 100 {
		return ""
	}
	return fmt.Sprintf(" SAMPLE BLOCK (%f) SEED (1)", percent)
}

func sampleRowids(ctx context.Context, s *session, g segment, parts int) ([][]string, error) {
	var sample [][]string
	sql := "SELECT ROWIDTOCHAR(t.ROWID) FROM " + relation(g.t, g.leaf) + sampling(g.t, g.rows, g.bytes, int64(parts)*samplePerPart) + " t ORDER BY t.ROWID"
	err := s.query(ctx, opSplit, sql, nil, func(r row) error {
		if id := r.text(0); isRowid(id) {
			sample = append(sample, []string{id})
		}
		return nil
	})
	return catalog.Quantiles(sample, parts), err
}

// splitByKey cuts at quantiles of sampled keys.
func splitByKey(ctx context.Context, s *session, t *catalog.Table, parts int) ([]catalog.Range, error) {
	if parts <= 1 {
		return []catalog.Range{t.Whole()}, nil
	}
	selected, order := make([]string, len(t.Key.Columns)), make([]string, len(t.Key.Columns))
	for i, name := range t.Key.Columns {
		selected[i], order[i] = keySelected(t.Column(name)), "t."+quoteIdent(name)
	}
	sql := "SELECT " + strings.Join(selected, ", ") + " FROM " + relation(t, nil) + sampling(t, t.Rows, t.Bytes, int64(parts)*samplePerPart) +
		" t ORDER BY " + strings.Join(order, ", ")
	var sample [][]string
	err := s.query(ctx, opSplit, sql, nil, func(r row) error {
		key := make([]string, len(r))
		for i := range r {
			text, err := unicodeText(r.text(i))
			if err != nil || text == "" {
				return nil // no bound that a file could hold
			}
			key[i] = text
		}
		sample = append(sample, key)
		return nil
	})
	return t.Whole().Cut(catalog.ByKey, t.Key.Columns, catalog.Quantiles(sample, parts)), err
}
