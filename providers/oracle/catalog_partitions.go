package oracle

import (
	"context"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

func (r *catalogReader) partitions(ctx context.Context) error {
	sql := "SELECT OWNER, TABLE_NAME, PARTITIONING_TYPE, SUBPARTITIONING_TYPE" + r.from("PART_TABLES") + " WHERE %s"
	return r.each(ctx, sql, r.q.filters("OWNER", "TABLE_NAME"), func(v row) error {
		t := r.tables[nameAt(v, 0, 1)]
		if t == nil {
			return nil
		}
		t.PartitionBy = v.text(2)
		if sub := v.text(3); sub != "NONE" && sub != "" {
			t.PartitionBy += " SUBPARTITION BY " + sub
		}
		return nil
	})
}

// partitionKeys completes "RANGE SUBPARTITION BY HASH" to "RANGE ("A") SUBPARTITION BY HASH ("B")".
func (r *catalogReader) partitionKeys(ctx context.Context) error {
	read := func(view string) (map[*catalog.Table][]string, error) {
		keys := make(map[*catalog.Table][]string)
		sql := "SELECT OWNER, NAME, COLUMN_NAME" + r.from(view) + " WHERE %s AND OBJECT_TYPE = 'TABLE' ORDER BY OWNER, NAME, COLUMN_POSITION"
		return keys, r.each(ctx, sql, r.q.filters("OWNER", "NAME"), func(v row) error {
			if t := r.tables[nameAt(v, 0, 1)]; t != nil {
				keys[t] = append(keys[t], quoteIdent(v.text(2)))
			}
			return nil
		})
	}
	first, err := read("PART_KEY_COLUMNS")
	if err != nil {
		return err
	}
	second, err := read("SUBPART_KEY_COLUMNS")
	if err != nil {
		return err
	}
	with := func(how string, keys []string) string {
		if len(keys) == 0 {
			return how
		}
		return how + " (" + strings.Join(keys, ", ") + ")"
	}
	for _, t := range r.out.Tables {
		if t.PartitionBy == "" {
			continue
		}
		by, sub, nested := strings.Cut(t.PartitionBy, " SUBPARTITION BY ")
		t.PartitionBy = with(by, first[t])
		if nested {
			t.PartitionBy += " SUBPARTITION BY " + with(sub, second[t])
		}
	}
	return nil
}

// leaves reads partitions. Their names are unique within their table only.
func (r *catalogReader) leaves(ctx context.Context) error {
	sql := "SELECT TABLE_OWNER, TABLE_NAME, PARTITION_NAME, NUM_ROWS, BLOCKS, HIGH_VALUE" + r.from("TAB_PARTITIONS") +
		" WHERE %s ORDER BY TABLE_OWNER, TABLE_NAME, PARTITION_POSITION"
	return r.each(ctx, sql, r.q.filters("TABLE_OWNER", "TABLE_NAME"), func(v row) error {
		t := r.tables[nameAt(v, 0, 1)]
		if t == nil {
			return nil
		}
		p := catalog.Partition{Name: nameAt(v, 0, 2), Parent: t.Name, Bound: strings.TrimSpace(v.text(5)), Rows: estimate(v, 3), Bytes: r.blockBytes(v, 4)}
		if _, sub, nested := strings.Cut(t.PartitionBy, " SUBPARTITION BY "); nested {
			p.PartitionBy = sub
		}
		t.Partitions = append(t.Partitions, p)
		return nil
	})
}

func (r *catalogReader) subpartitions(ctx context.Context) error {
	sql := "SELECT TABLE_OWNER, TABLE_NAME, PARTITION_NAME, SUBPARTITION_NAME, NUM_ROWS, BLOCKS, HIGH_VALUE" + r.from("TAB_SUBPARTITIONS") +
		" WHERE %s ORDER BY TABLE_OWNER, TABLE_NAME, PARTITION_NAME, SUBPARTITION_POSITION"
	return r.each(ctx, sql, r.q.filters("TABLE_OWNER", "TABLE_NAME"), func(v row) error {
		t := r.tables[nameAt(v, 0, 1)]
		if t == nil {
			return nil
		}
		t.Partitions = append(t.Partitions, catalog.Partition{Name: nameAt(v, 0, 3), Parent: nameAt(v, 0, 2), Bound: strings.TrimSpace(v.text(6)),
			Rows: estimate(v, 4), Bytes: r.blockBytes(v, 5)})
		return nil
	})
}

// blockBytes turns statistics in blocks into bytes.
func (r *catalogReader) blockBytes(v row, i int) int64 {
	if v.null(i) || r.q.structureOnly {
		return -1
	}
	return v.int(i) * r.db.blockSize()
}

// files reads what the stored rows are known by: the object's id, and that of its data, which
// TRUNCATE, MOVE and EXCHANGE PARTITION change.
func (r *catalogReader) files(ctx context.Context) error {
	type part struct {
		table *catalog.Table
		name  string
	}
	parts := make(map[part]*catalog.Partition)
	for _, t := range r.out.Tables {
		for i := range t.Partitions {
			parts[part{t, t.Partitions[i].Name.Name}] = &t.Partitions[i]
		}
	}
	for _, f := range r.q.filters("OWNER", "OBJECT_NAME") {
		err := r.s.query(ctx, opCatalog, filesSQL(r.db, f), nil, func(v row) error {
			t := r.tables[nameAt(v, 0, 1)]
			if t == nil {
				return nil
			}
			if sub := v.text(2); sub == "" {
				t.File = fileOf(v)
			} else if p := parts[part{t, sub}]; p != nil {
				p.File = fileOf(v)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func filesSQL(db *database, filter string) string {
	return "SELECT OWNER, OBJECT_NAME, SUBOBJECT_NAME, OBJECT_TYPE, OBJECT_ID, DATA_OBJECT_ID FROM " + db.view("OBJECTS") + " WHERE " + filter +
		" AND OBJECT_TYPE IN ('TABLE', 'TABLE PARTITION', 'TABLE SUBPARTITION')"
}

// fileOf prints "object id.data object id"; an index-organized or partitioned table has no data of its own.
func fileOf(v row) string { return v.text(4) + "." + v.text(5) }
