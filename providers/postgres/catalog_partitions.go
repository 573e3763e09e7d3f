package postgres

import (
	"context"
	"sort"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// partitionRestSQL: $1 oids of partitions: what one of them has and its table has not.
const partitionRestSQL = `
SELECT rel, kind, name FROM (
  SELECT conrelid, CASE contype WHEN 'f' THEN 'foreign key' WHEN 'c' THEN 'check' ELSE 'key' END, conname::text
    FROM pg_constraint WHERE conparentid = 0 AND contype IN ('p','u','x','f','c') AND coninhcount = 0
  UNION ALL SELECT i.indrelid, 'index', x.relname FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
    WHERE NOT x.relispartition AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = i.indrelid
    AND k.conindid = i.indexrelid AND k.contype IN ('p','u','x'))
  UNION ALL SELECT a.attrelid, 'default', a.attname FROM pg_attribute a
    JOIN pg_attribute ra ON ra.attrelid = pg_partition_root(a.attrelid) AND ra.attname = a.attname AND ra.attgenerated = ''
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN pg_attrdef rd ON rd.adrelid = ra.attrelid AND rd.adnum = ra.attnum
    WHERE a.attrelid = ANY ($1::oid[]) AND pg_get_expr(d.adbin, d.adrelid) IS DISTINCT FROM pg_get_expr(rd.adbin, rd.adrelid)
  UNION ALL SELECT tgrelid, 'trigger', tgname FROM pg_trigger WHERE NOT tgisinternal AND tgparentid = 0
  UNION ALL SELECT ev_class, 'rule', rulename FROM pg_rewrite
  UNION ALL SELECT polrelid, 'policy', polname FROM pg_policy
) t(rel, kind, name) WHERE rel = ANY ($1::oid[]) ORDER BY rel, kind, name COLLATE "C"`

// partitionRest lists what a partition does not take over from its table.
func (r *catalogReader) partitionRest(ctx context.Context) error {
	if len(r.partitions) == 0 {
		return nil
	}
	ids := make([]string, 0, len(r.partitions))
	for id := range r.partitions {
		ids = append(ids, strconv.FormatUint(uint64(id), 10))
	}
	sort.Strings(ids)
	return r.s.query(ctx, opCatalog, partitionRestSQL, []string{"{" + strings.Join(ids, ",") + "}"}, func(v row) error {
		p := r.partitions[oid(v, 0)]
		p.table.NotMigrated = append(p.table.NotMigrated, catalog.Object{Kind: v.text(1), Name: v.text(2),
			Reason: "only the partition " + p.name.String() + " has it"})
		return nil
	})
}

// children reads which tables inherit from others.
func (r *catalogReader) children(ctx context.Context) error {
	return r.s.query(ctx, opCatalog, childrenSQL, []string{r.oids()}, func(v row) error {
		t := r.byOID[oid(v, 0)]
		t.Children = append(t.Children, catalog.Child{Name: catalog.Name{Schema: v.text(1), Name: v.text(2)}, Foreign: v.bool(3)})
		return nil
	})
}

// partitionOf is a partition and the table that it is part of, however deep.
type partitionOf struct {
	table *catalog.Table
	name  catalog.Name
}
