package oracle

import (
	"context"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// sequences reads those of the schemas. LAST_NUMBER is the next one that goes to disk: no
// value from there on was handed out (Database Reference, ALL_SEQUENCES).
func (r *catalogReader) sequences(ctx context.Context) error {
	sql := "SELECT SEQUENCE_OWNER, SEQUENCE_NAME, MIN_VALUE, MAX_VALUE, INCREMENT_BY, CYCLE_FLAG, CACHE_SIZE, LAST_NUMBER" + r.from("SEQUENCES") +
		" WHERE %s ORDER BY SEQUENCE_OWNER, SEQUENCE_NAME"
	return r.each(ctx, sql, []string{r.q.inSchemas("SEQUENCE_OWNER")}, func(v row) error {
		q := catalog.Sequence{Name: nameAt(v, 0, 1), Min: v.int(2), Max: v.int(3), Increment: v.int(4), Cycle: v.text(5) == "Y",
			Cache: v.int(6), Last: v.int(7), DataType: "NUMBER"}
		if q.Start = q.Min; q.Increment < 0 {
			q.Start = q.Max
		}
		r.out.Sequences = append(r.out.Sequences, q)
		return nil
	})
}

// identities moves the sequences behind identity columns to their columns.
func (r *catalogReader) identities(ctx context.Context) error {
	owned := make(map[catalog.Name]*catalog.Column)
	sql := "SELECT OWNER, TABLE_NAME, COLUMN_NAME, GENERATION_TYPE, SEQUENCE_NAME" + r.from("TAB_IDENTITY_COLS") + " WHERE %s"
	err := r.each(ctx, sql, r.q.filters("OWNER", "TABLE_NAME"), func(v row) error {
		t := r.tables[nameAt(v, 0, 1)]
		if t == nil {
			return nil
		}
		if c := t.Column(v.text(2)); c != nil {
			c.Default, c.Identity = "", catalog.IdentityDefault
			if v.text(3) == "ALWAYS" {
				c.Identity = catalog.IdentityAlways
			}
			owned[nameAt(v, 0, 4)] = c
		}
		return nil
	})
	free := r.out.Sequences[:0]
	for _, q := range r.out.Sequences {
		switch c := owned[q.Name]; {
		case c != nil:
			c.Sequence = &q
		case strings.HasPrefix(q.Name.Name, "ISEQ$$_"): // behind an identity of a table that was not asked for
		default:
			free = append(free, q)
		}
	}
	r.out.Sequences = free
	return err
}

func (r *catalogReader) comments(ctx context.Context) error {
	sql := "SELECT OWNER, TABLE_NAME, COMMENTS" + r.from("TAB_COMMENTS") + " WHERE %s AND TABLE_TYPE = 'TABLE' AND COMMENTS IS NOT NULL"
	return r.each(ctx, sql, r.q.filters("OWNER", "TABLE_NAME"), func(v row) error {
		if t := r.tables[nameAt(v, 0, 1)]; t != nil {
			t.Comment = v.text(2)
		}
		return nil
	})
}

// tableRest lists what belongs to tables and is not migrated.
func (r *catalogReader) tableRest(ctx context.Context) error {
	list := func(kind, reason, sql, owner, table string) error {
		return r.each(ctx, sql, r.q.filters(owner, table), func(v row) error {
			t := r.tables[nameAt(v, 0, 1)]
			if t == nil {
				return nil
			}
			o := catalog.Object{Kind: kind, Name: t.Name.Name, Reason: reason}
			if len(v) > 2 {
				o.Name = v.text(2)
			}
			t.NotMigrated = append(t.NotMigrated, o)
			return nil
		})
	}
	err := list(
		"trigger",
		"",
		"SELECT TABLE_OWNER, TABLE_NAME, TRIGGER_NAME"+r.from("TRIGGERS")+
			" WHERE %s AND BASE_OBJECT_TYPE = 'TABLE' ORDER BY TABLE_OWNER, TABLE_NAME, TRIGGER_NAME",
		"TABLE_OWNER",
		"TABLE_NAME",
	)
	if err == nil {
		err = list(
			"column comment",
			"",
			"SELECT OWNER, TABLE_NAME, COLUMN_NAME"+r.from("COL_COMMENTS")+" WHERE %s AND COMMENTS IS NOT NULL ORDER BY OWNER, TABLE_NAME, COLUMN_NAME",
			"OWNER",
			"TABLE_NAME",
		)
	}
	if err != nil {
		return err
	}
	owner := "TABLE_SCHEMA" // as ALL_TAB_PRIVS calls it
	if r.db.dba {
		owner = "OWNER"
	}
	return list("grants", "users differ between servers", "SELECT DISTINCT "+owner+", TABLE_NAME"+r.from("TAB_PRIVS")+" WHERE %s", owner, "TABLE_NAME")
}

// schemaRest lists what the schemas hold and is not migrated.
func (r *catalogReader) schemaRest(ctx context.Context) error {
	sql := "SELECT OWNER, OBJECT_TYPE, OBJECT_NAME" + r.from("OBJECTS") +
		" WHERE %s AND OBJECT_TYPE IN ('VIEW', 'MATERIALIZED VIEW', 'PROCEDURE', 'FUNCTION', 'PACKAGE', " +
		"'TYPE', 'SYNONYM', 'CLUSTER', 'DATABASE LINK', 'QUEUE', 'JAVA CLASS', 'JOB') ORDER BY OWNER, OBJECT_TYPE, OBJECT_NAME"
	return r.each(ctx, sql, []string{r.q.inSchemas("OWNER")}, func(v row) error {
		r.out.NotMigrated = append(r.out.NotMigrated, catalog.Object{Kind: strings.ToLower(v.text(1)), Name: v.text(2)})
		return nil
	})
}

// lobSegments says whose the segments of large objects are.
func (r *catalogReader) lobSegments(ctx context.Context) error {
	sql := "SELECT OWNER, TABLE_NAME, SEGMENT_NAME" + r.from("LOBS") + " WHERE %s"
	return r.each(ctx, sql, r.q.filters("OWNER", "TABLE_NAME"), func(v row) error {
		if t := r.tables[nameAt(v, 0, 1)]; t != nil {
			r.segments[nameAt(v, 0, 2)] = t
		}
		return nil
	})
}

// sizes adds up segments: of the table, its partitions, its large objects and, where it is
// organized as an index, that index. Who may not see them has statistics to go by.
func (r *catalogReader) sizes(ctx context.Context) error {
	for name, x := range r.indexes {
		if r.iots[x.table] && x.kind == "IOT - TOP" {
			r.segments[name] = r.tables[x.table]
		}
	}
	seen := make(map[*catalog.Table]int64)
	leaves := make(map[*catalog.Table]map[string]int64)
	large := make(map[*catalog.Table]int64) // of leaves, in segments with other names
	add := func(owner string, v row, first int) error {
		name := catalog.Name{Schema: owner, Name: v.text(first)}
		kind, bytes := v.text(first+2), v.int(first+3)
		t := r.segments[name]
		if strings.HasPrefix(kind, "TABLE") {
			t = r.tables[name]
		}
		if t == nil {
			return nil
		}
		seen[t] += bytes
		switch leaf := v.text(first + 1); {
		case leaf == "":
		case strings.HasPrefix(kind, "TABLE"):
			if leaves[t] == nil {
				leaves[t] = make(map[string]int64)
			}
			leaves[t][leaf] += bytes
		default:
			large[t] += bytes
		}
		return nil
	}
	err := r.segmentRows(ctx, add)
	for _, t := range r.out.Tables {
		bytes, known := seen[t]
		if !known {
			bytes, known = r.blocks[t.Name]*r.db.blockSize(), r.blocks[t.Name] > 0
		}
		if known {
			t.Bytes = bytes
		}
		shareOut(t, leaves[t], large[t])
	}
	return err
}

// segmentRows calls add with the columns SEGMENT_NAME, PARTITION_NAME, SEGMENT_TYPE, BYTES.
func (r *catalogReader) segmentRows(ctx context.Context, add func(owner string, v row, first int) error) error {
	if r.db.dba {
		sql := "SELECT OWNER, SEGMENT_NAME, PARTITION_NAME, SEGMENT_TYPE, BYTES FROM DBA_SEGMENTS WHERE %s"
		return r.each(ctx, sql, []string{r.q.inSchemas("OWNER")}, func(v row) error { return add(v.text(0), v, 1) })
	}
	for _, schema := range r.q.schemas {
		if schema == r.db.user {
			return r.s.query(ctx, opCatalog, "SELECT SEGMENT_NAME, PARTITION_NAME, SEGMENT_TYPE, BYTES FROM USER_SEGMENTS", nil,
				func(v row) error { return add(schema, v, 0) })
		}
	}
	return nil
}

// shareOut gives leaves their segments' bytes, and their part of the large objects by rows.
func shareOut(t *catalog.Table, bytes map[string]int64, large int64) {
	if len(bytes) == 0 {
		return
	}
	var rows int64
	for _, p := range t.Partitions {
		if p.Leaf() {
			rows += max(p.Rows, 0)
		}
	}
	for i := range t.Partitions {
		p := &t.Partitions[i]
		if !p.Leaf() {
			continue
		}
		p.Bytes = bytes[p.Name.Name]
		if rows > 0 {
			p.Bytes += int64(float64(large) * float64(max(p.Rows, 0)) / float64(rows))
		}
	}
}

// blockSize is the database's default; tablespaces may have another, which only estimates feel.
func (s *server) blockSize() int64 {
	n, err := strconv.ParseInt(s.parameters["db_block_size"], 10, 64)
	if err != nil || n <= 0 {
		return 8192
	}
	return n
}
