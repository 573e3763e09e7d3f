package postgres

import (
	"context"
	"slices"
	"strconv"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// dependentsSQL: $1, $2 oids of tables and partitions, and of the table that each belongs
// to. What goes with a table without being asked for hangs on it by other kinds of
// dependency than 'n'; what only CASCADE takes along by 'n' (manual, pg_depend).
const dependentsSQL = `
WITH RECURSIVE own(root, class, id) AS (
  SELECT root, 'pg_class'::regclass::oid, id FROM unnest($1::oid[], $2::oid[]) t(id, root)
  UNION
  SELECT o.root, d.classid, d.objid FROM own o JOIN pg_depend d ON d.refclassid = o.class AND d.refobjid = o.id WHERE d.deptype IN ('a','i','P','S')
), others(root, class, id) AS (
  SELECT DISTINCT o.root, d.classid, d.objid FROM own o JOIN pg_depend d ON d.refclassid = o.class AND d.refobjid = o.id AND d.deptype = 'n'
  WHERE NOT EXISTS (SELECT FROM own x WHERE x.root = o.root AND x.class = d.classid AND x.id = d.objid)
)
SELECT s.root, CASE WHEN w.rulename = '_RETURN' OR s.class = 'pg_class'::regclass THEN CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
    WHEN 'c' THEN 'composite type' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' ELSE 'table' END
  WHEN w.oid IS NOT NULL THEN 'rule' WHEN k.contype = 'f' THEN 'foreign key' WHEN k.oid IS NOT NULL THEN 'constraint'
  WHEN a.oid IS NOT NULL THEN 'default' WHEN p.oid IS NOT NULL THEN 'policy' ELSE i.type END,
  CASE WHEN w.rulename = '_RETURN' OR s.class = 'pg_class'::regclass THEN '' ELSE coalesce(w.rulename, k.conname, p.polname, at.attname, i.identity) END,
  n.nspname, c.relname
FROM others s
LEFT JOIN pg_rewrite w ON s.class = 'pg_rewrite'::regclass AND w.oid = s.id
LEFT JOIN pg_constraint k ON s.class = 'pg_constraint'::regclass AND k.oid = s.id
LEFT JOIN pg_attrdef a ON s.class = 'pg_attrdef'::regclass AND a.oid = s.id
LEFT JOIN pg_attribute at ON at.attrelid = a.adrelid AND at.attnum = a.adnum
LEFT JOIN pg_policy p ON s.class = 'pg_policy'::regclass AND p.oid = s.id
LEFT JOIN pg_class c ON c.oid = coalesce(w.ev_class, nullif(k.conrelid, 0), a.adrelid, p.polrelid, CASE WHEN s.class = 'pg_class'::regclass THEN s.id END)
LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_identify_object(s.class, s.id, 0) i
WHERE coalesce(k.conparentid, 0) = 0
ORDER BY 1, 2, 4, 5, 3`

// dependents lists what DROP TABLE ... CASCADE would take along.
func (r *catalogReader) dependents(ctx context.Context) error {
	if r.wanted.IDs || r.wanted.Dependents {
		for id, t := range r.byOID {
			t.ID = strconv.FormatUint(uint64(id), 10)
		}
	}
	if !r.wanted.Dependents {
		return nil
	}
	var rows [][]string
	add := func(id, root uint32) {
		rows = append(rows, []string{strconv.FormatUint(uint64(id), 10), strconv.FormatUint(uint64(root), 10)})
	}
	for id := range r.byOID {
		add(id, id)
	}
	roots := make(map[*catalog.Table]uint32, len(r.byOID))
	for id, t := range r.byOID {
		roots[t] = id
	}
	for id, p := range r.partitions {
		add(id, roots[p.table])
	}
	return r.s.query(ctx, opCatalog, dependentsSQL, columnsOf(2, rows), func(v row) error {
		t := r.byOID[oid(v, 0)]
		d := catalog.Dependent{Kind: v.text(1), Name: v.text(2), Table: catalog.Name{Schema: v.text(3), Name: v.text(4)}}
		if !slices.Contains(t.Dependents, d) { // a view over several columns hangs on the table once a rule
			t.Dependents = append(t.Dependents, d)
		}
		return nil
	})
}
