package hana

import (
	"context"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// partitions reads how tables are partitioned, for reading them back in parts.
func (rd *reading) partitions(ctx context.Context, schema string, names []string) error {
	q := of("TABLE_PARTITIONS", `"TABLE_NAME", "PART_ID"`, `"TABLE_NAME", "PART_ID"`)
	return rd.view(ctx, q, schema, names, func(t *catalog.Table, r row) error {
		if t == nil || r.null(1) || r.int(1) == 0 {
			return nil
		}
		t.PartitionBy = partitioned
		t.Partitions = append(
			t.Partitions,
			catalog.Partition{Name: catalog.Name{Schema: schema, Name: formatInt(r.int(1))}, Parent: t.Name, Rows: -1, Bytes: -1},
		)
		return nil
	})
}

// partitioned is what the catalog says of a table that has partitions; how, is not compared.
const partitioned = "PARTITIONS"

func (rd *reading) sizes(ctx context.Context, schema string, names []string) error {
	if rd.sel.StructureOnly {
		return nil
	}
	return rd.view(ctx, of("M_TABLES", `"TABLE_NAME", "RECORD_COUNT", "TABLE_SIZE"`, ""), schema, names, func(t *catalog.Table, r row) error {
		if t != nil && !r.null(1) {
			t.Rows, t.Bytes = r.int(1), r.int(2)
		}
		return nil
	})
}

// identities reads where identity columns stand.
func (rd *reading) identities(ctx context.Context, schema string) error {
	if len(rd.ids) == 0 {
		return nil
	}
	return rd.sequences(ctx, schema, false)
}

// sequences reads free sequences where wanted, and those behind identity columns.
func (rd *reading) sequences(ctx context.Context, schema string, free bool) error {
	byName := make(map[string]*catalog.Column)
	for id, c := range rd.ids {
		byName[identitySequence(id)] = c
	}
	type standing struct {
		last   int64
		called bool
	}
	stand := make(map[string]standing)
	err := rd.s.query(
		ctx,
		opCatalog,
		`SELECT "SEQUENCE_NAME", "CURRENT_VALUE" FROM "SYS"."M_SEQUENCES" WHERE "SCHEMA_NAME" = ?`,
		[]any{schema},
		func(r row) error {
			if !r.null(1) {
				stand[r.text(0)] = standing{whole(r, 1), true}
			}
			return nil
		},
	)
	if err != nil {
		return err
	}
	return rd.s.query(ctx, opCatalog, `SELECT "SEQUENCE_NAME", "START_NUMBER", "MIN_VALUE", "MAX_VALUE", "INCREMENT_BY", "IS_CYCLED", "CACHE_SIZE"
FROM "SYS"."SEQUENCES" WHERE "SCHEMA_NAME" = ? ORDER BY "SEQUENCE_NAME"`, []any{schema}, func(r row) error {
		q := catalog.Sequence{Name: catalog.Name{Schema: schema, Name: r.text(0)}, Start: whole(r, 1), Min: whole(r, 2), Max: whole(r, 3),
			Increment: whole(r, 4), Cycle: r.is(5, "TRUE"), Cache: r.int(6)}
		at := stand[r.text(0)]
		q.Last, q.Called = at.last, at.called
		switch c := byName[r.text(0)]; {
		case c != nil:
			q.Name = catalog.Name{}
			c.Sequence = &q
		case free && ownName(r.text(0)) != "":
			rd.out.Sequences = append(rd.out.Sequences, q)
		}
		return nil
	})
}

// others reads what is not a table: sequences, and what is not migrated.
func (rd *reading) others(ctx context.Context, schema string) error {
	if err := rd.sequences(ctx, schema, true); err != nil {
		return err
	}
	err := rd.s.query(ctx, opCatalog, `SELECT "VIEW_NAME" FROM "SYS"."VIEWS" WHERE "SCHEMA_NAME" = ? ORDER BY "VIEW_NAME"`, []any{schema}, func(r row) error {
		rd.out.NotMigrated = append(rd.out.NotMigrated, catalog.Object{Kind: "view", Name: schema + "." + r.text(0)})
		return nil
	})
	if err != nil {
		return err
	}
	return rd.s.query(
		ctx,
		opCatalog,
		`SELECT "SUBJECT_TABLE_NAME", "TRIGGER_NAME" FROM "SYS"."TRIGGERS" WHERE "SUBJECT_TABLE_SCHEMA" = ? ORDER BY "TRIGGER_NAME"`,
		[]any{schema},
		func(r row) error {
			if t := rd.tables[catalog.Name{Schema: schema, Name: r.text(0)}]; t != nil {
				t.NotMigrated = append(t.NotMigrated, catalog.Object{Kind: "trigger", Name: r.text(1)})
			}
			return nil
		},
	)
}
