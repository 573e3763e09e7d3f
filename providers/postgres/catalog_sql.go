package postgres

// The catalog is read by a fixed number of statements, however many tables there
// are. search_path is pg_catalog, so what the server spells comes out qualified.
//
// OFFSET 0 in a LATERAL, and a count in place of NOT EXISTS, hold the server to an index. Of
// two thousand tables among a hundred thousand it would read whole catalogs instead, and so it would
// for each of the fifty portions that a run reads.

// schemaTables: $1 schemas.
const schemaTables = `pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = ANY ($1::text[])`

// namedTables: $1, $2 schema and name of each. A bundle reads the catalog of a hundred tables again, so this has to go
// by the index even where there are 100,000; a cast to name cuts, hence the length.
const namedTables = `unnest($1::text[], $2::text[]) w(schema, name) JOIN pg_namespace n ON n.nspname = w.schema::name
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name::name AND octet_length(w.name) < 64`

// relationsSQL begins with schemaTables or namedTables, and continues with their partitions.
// Sizes cost a look at every table's files.
func relationsSQL(tables string, sizes bool) string {
	measured := "NULL::int8, NULL::int8"
	if sizes {
		// A size is measured under a lock, which waits behind ALTER TABLE and its like.
		measured = `c.reltuples::int8, CASE WHEN c.oid <> ALL (ARRAY(SELECT l.relation FROM pg_locks l
    WHERE l.mode = 'AccessExclusiveLock' AND l.relation IS NOT NULL AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())))
    THEN pg_table_size(c.oid) ELSE c.relpages::int8 * current_setting('block_size')::int8 END`
	}
	return `
WITH RECURSIVE tree(oid, root, parent, depth) AS (
  SELECT c.oid, c.oid, 0::oid, 0
  FROM ` + tables + `
  WHERE c.relkind IN ('r','p') AND NOT c.relispartition AND c.relpersistence <> 't'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
  UNION ALL
  SELECT i.inhrelid, t.root, i.inhparent, t.depth + 1
  FROM tree t JOIN pg_class p ON p.oid = t.oid AND p.relkind = 'p' JOIN pg_inherits i ON i.inhparent = t.oid AND NOT i.inhdetachpending
)
SELECT t.oid, t.root, n.nspname, c.relname, c.relkind, c.relpersistence, ` + measured + `,
  CASE WHEN t.oid = t.root THEN concat(c.oid, '.', c.relfilenode, '.') ELSE ` + identity + ` END, pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid),
  obj_description(c.oid, 'pg_class'), pn.nspname, p.relname, c.relacl IS NOT NULL
FROM tree t JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class p ON p.oid = t.parent LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace
ORDER BY t.depth, n.nspname COLLATE "C", c.relname COLLATE "C"`
}

// childrenSQL: $1 oids of tables. Temporary children are seen by their own session only.
const childrenSQL = `
WITH RECURSIVE kid(root, oid) AS (
  SELECT c.oid, i.inhrelid FROM pg_class c JOIN pg_inherits i ON i.inhparent = c.oid
  WHERE c.oid = ANY ($1::oid[]) AND c.relkind = 'r' AND c.relhassubclass
  UNION SELECT k.root, i.inhrelid FROM kid k JOIN pg_inherits i ON i.inhparent = k.oid
)
SELECT k.root, n.nspname, c.relname, c.relkind = 'f'
FROM kid k JOIN pg_class c ON c.oid = k.oid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relpersistence <> 't' ORDER BY k.root, n.nspname COLLATE "C", c.relname COLLATE "C"`

// columnsSQL: $1 oids of tables.
const columnsSQL = `
SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, format_type(a.atttypid, a.atttypmod), a.attnotnull,
  a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid),
  CASE WHEN a.attcollation <> t.typcollation THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation co ON co.oid = a.attcollation LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum`

// typesSQL: $1 oids of types; bases and elements come along. OFFSET 0 keeps the server from reading all of
// pg_type, where every table has two rows.
const typesSQL = `
WITH RECURSIVE used AS (
  SELECT oid, typbasetype, typelem FROM pg_type WHERE oid = ANY ($1::oid[])
  UNION
  SELECT t.oid, t.typbasetype, t.typelem FROM pg_type t JOIN used u ON t.oid IN (u.typbasetype, u.typelem)
)
SELECT t.oid, n.nspname, t.typname, t.typtype, t.typbasetype, t.typtypmod,
  CASE WHEN t.typsubscript = 'array_subscript_handler'::regproc AND t.typlen = -1 THEN t.typelem ELSE 0 END,
  t.typsend <> 0 AND t.typreceive <> 0, format_type(t.oid, NULL), format_type(t.typbasetype, t.typtypmod),
  CASE t.typtype WHEN 'e' THEN (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid) END,
  CASE t.typtype WHEN 'd' THEN concat(CASE
  WHEN t.typcollation <> b.typcollation THEN ' COLLATE ' || quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END) END,
  CASE t.typtype WHEN 'd' THEN ' DEFAULT ' || pg_get_expr(t.typdefaultbin, 0) END, t.typtype = 'd' AND t.typnotnull,
  CASE t.typtype WHEN 'd' THEN (SELECT json_agg(json_build_object('name', k.conname, 'sql',
  ' CONSTRAINT ' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid)) ORDER BY k.conname)
     FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c') END
FROM used u CROSS JOIN LATERAL (SELECT * FROM pg_type WHERE oid = u.oid OFFSET 0) t JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN LATERAL (SELECT * FROM pg_type WHERE oid = t.typbasetype OFFSET 0) b ON true
LEFT JOIN pg_collation co ON co.oid = t.typcollation LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
ORDER BY n.nspname COLLATE "C", t.typname COLLATE "C"`

// constraintsSQL: $1 oids of tables. Copies that partitions inherit are left out.
const constraintsSQL = `
SELECT c.conrelid, c.conname, c.contype,
  (SELECT json_agg(a.attname ORDER BY k.ord) FROM unnest(c.conkey) WITH ORDINALITY k(num, ord)
   JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num),
  pg_get_constraintdef(c.oid), c.convalidated, pg_get_expr(c.conbin, c.conrelid), fn.nspname, f.relname,
  (SELECT json_agg(a.attname ORDER BY k.ord) FROM unnest(c.confkey) WITH ORDINALITY k(num, ord)
   JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.num),
  c.confdeltype, c.confupdtype, c.condeferrable, c.condeferred,
  (SELECT 'FOREIGN KEY (' || string_agg(quote_ident(a.attname), ', ' ORDER BY k.ord) || ') REFERENCES ' ||
     quote_ident(fn.nspname) || '.' || quote_ident(f.relname) || '(' ||
     (SELECT string_agg(quote_ident(r.attname), ', ' ORDER BY j.ord) FROM unnest(c.confkey) WITH ORDINALITY j(num, ord)
      JOIN pg_attribute r ON r.attrelid = c.confrelid AND r.attnum = j.num) || ')'
   FROM unnest(c.conkey) WITH ORDINALITY k(num, ord) JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num
   WHERE c.contype = 'f'),
  CASE WHEN c.contype = 'c' AND NOT c.convalidated THEN obj_description(c.oid, 'pg_constraint') END,
  c.contype = 'f' AND EXISTS (SELECT FROM pg_trigger g WHERE g.tgconstraint = c.oid AND g.tgenabled IN ('D','R'))
FROM unnest($1::oid[]) w(id) CROSS JOIN LATERAL (SELECT * FROM pg_constraint WHERE conrelid = w.id OFFSET 0) c
LEFT JOIN pg_class f ON f.oid = c.confrelid LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
WHERE c.contype IN ('p','u','f','c','x') AND c.conparentid = 0
ORDER BY c.conrelid, c.conname COLLATE "C"`

// indexesSQL: $1 oids of tables. Indexes behind constraints and copies on partitions are left out. Constraints
// are looked up by their table, because the server has no index of them by theirs.
const indexesSQL = `
SELECT i.indrelid, x.relname, i.indisunique, i.indisvalid,
  am.amname = 'btree' AND i.indexprs IS NULL AND i.indpred IS NULL AND i.indnatts = i.indnkeyatts
    AND coalesce(NOT (to_jsonb(i) ->> 'indnullsnotdistinct')::bool, true)
    AND NOT EXISTS (SELECT FROM unnest(i.indclass) k(oid) JOIN pg_opclass o ON o.oid = k.oid WHERE NOT o.opcdefault)
    AND NOT EXISTS (SELECT FROM unnest(i.indkey, i.indcollation) k(num, coll)
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num WHERE a.attcollation <> k.coll)
    AND NOT EXISTS (SELECT FROM unnest(i.indoption) k(opt) WHERE k.opt NOT IN (0, 3)),
  CASE WHEN i.indexprs IS NULL THEN (SELECT json_agg(json_build_object('name', a.attname, 'desc', k.opt & 1 = 1, 'notnull', a.attnotnull) ORDER BY k.ord)
   FROM unnest(i.indkey, i.indoption) WITH ORDINALITY k(num, opt, ord)
   JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num WHERE k.ord <= i.indnkeyatts) END,
  pg_get_indexdef(i.indexrelid),
  'CREATE ' || CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX ' || quote_ident(x.relname) || ' ON ' ||
    CASE WHEN x.relkind = 'I' THEN 'ONLY ' ELSE '' END || quote_ident(n.nspname) || '.' || quote_ident(c.relname) || ' '
FROM unnest($1::oid[]) w(id) CROSS JOIN LATERAL (SELECT * FROM pg_index WHERE indrelid = w.id OFFSET 0) i
JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am am ON am.oid = x.relam
JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT x.relispartition
  AND (SELECT count(*) FROM pg_constraint k WHERE k.conrelid = i.indrelid AND k.conindid = i.indexrelid AND k.contype IN ('p','u','x')) = 0
ORDER BY i.indrelid, x.relname COLLATE "C"`

// allSequences: $1 oids of tables whose sequences are wanted, $2 schemas whose other sequences are.
const allSequences = `pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
  AND d.deptype IN ('a','i') AND d.refobjid = ANY ($1::oid[])
WHERE (d.refobjid IS NOT NULL OR n.nspname = ANY ($2::text[])) AND`

// ownedSequences: $1 oids of tables. It goes by the index of dependencies, and then by that of relations: a
// bundle of a hundred tables must not look at every sequence of a hundred thousand.
const ownedSequences = `pg_depend d CROSS JOIN LATERAL (SELECT * FROM pg_class WHERE oid = d.objid AND relkind = 'S' OFFSET 0) c
JOIN pg_sequence s ON s.seqrelid = c.oid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a','i') AND d.refobjid = ANY ($1::oid[]) AND`

// sequencesSQL reads allSequences or ownedSequences.
func sequencesSQL(which string) string {
	return `
SELECT n.nspname, c.relname, s.seqincrement, s.seqstart, s.seqmin, s.seqmax, s.seqcycle, s.seqcache,
  format_type(s.seqtypid, NULL),
  CASE WHEN has_sequence_privilege(c.oid, 'USAGE, SELECT') THEN pg_sequence_last_value(c.oid) END,
  d.refobjid, (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = d.refobjid AND a.attnum = d.refobjsubid), has_sequence_privilege(c.oid, 'SELECT'),
  d.deptype = 'i' OR EXISTS (SELECT FROM pg_attrdef ad JOIN pg_depend u ON u.classid = 'pg_attrdef'::regclass AND u.objid = ad.oid
    WHERE ad.adrelid = d.refobjid AND ad.adnum = d.refobjsubid AND u.refclassid = 'pg_class'::regclass AND u.refobjid = c.oid)
FROM ` + which + ` c.relpersistence <> 't'
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`
}

// tableRestSQL: $1 oids of tables: what belongs to them and is not migrated.
const tableRestSQL = `
SELECT rel, kind, name FROM (
  SELECT tgrelid, 'trigger', tgname::text FROM pg_trigger WHERE NOT tgisinternal AND tgparentid = 0
  UNION ALL SELECT ev_class, 'rule', rulename FROM pg_rewrite WHERE rulename <> '_RETURN'
  UNION ALL SELECT polrelid, 'policy', polname FROM pg_policy
  UNION ALL SELECT stxrelid, 'statistics', stxname FROM pg_statistic_ext
  UNION ALL SELECT oid, 'row security', '' FROM pg_class WHERE relrowsecurity AND oid = ANY ($1::oid[])
  UNION ALL SELECT oid, 'replica identity', '' FROM pg_class WHERE relreplident <> 'd' AND oid = ANY ($1::oid[])
  UNION ALL SELECT oid, 'storage parameters', array_to_string(reloptions, ', ') FROM pg_class WHERE reloptions IS NOT NULL AND oid = ANY ($1::oid[])
  UNION ALL SELECT i.inhrelid, 'inheritance', i.inhparent::regclass::text FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent WHERE p.relkind = 'r'
  UNION ALL SELECT pg_partition_root(inhparent), 'partition', inhrelid::regclass::text FROM pg_inherits WHERE inhdetachpending
  UNION ALL SELECT d.objoid, 'column comment', a.attname FROM pg_description d JOIN pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid
    WHERE d.classoid = 'pg_class'::regclass AND d.objsubid > 0
  UNION ALL SELECT f.adrelid, 'sequence', n.nspname || '.' || q.relname FROM pg_attrdef f
    JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n'
    JOIN pg_class q ON q.oid = d.refobjid AND q.relkind = 'S' JOIN pg_namespace n ON n.oid = q.relnamespace WHERE f.adrelid = ANY ($1::oid[])
) t(rel, kind, name) WHERE rel = ANY ($1::oid[]) ORDER BY rel, kind, name COLLATE "C"`

// schemaRestSQL: $1 schemas: what they hold and is not migrated.
const schemaRestSQL = `
SELECT kind, name FROM (
  SELECT 'pg_class'::regclass, c.oid, c.relnamespace, CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
    WHEN 'f' THEN 'foreign table' ELSE 'composite type' END, c.relname::text
  FROM pg_class c WHERE c.relkind IN ('v','m','f','c') AND c.relpersistence <> 't'
  UNION ALL SELECT 'pg_proc'::regclass, p.oid, p.pronamespace, CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
    p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' FROM pg_proc p
  UNION ALL SELECT 'pg_type'::regclass, t.oid, t.typnamespace, 'range type', t.typname FROM pg_type t WHERE t.typtype = 'r'
  UNION ALL SELECT 'pg_operator'::regclass, o.oid, o.oprnamespace, 'operator', o.oprname FROM pg_operator o
  UNION ALL SELECT 'pg_collation'::regclass, o.oid, o.collnamespace, 'collation', o.collname FROM pg_collation o
) o(class, oid, nsp, kind, name) JOIN pg_namespace n ON n.oid = o.nsp
WHERE n.nspname = ANY ($1::text[])
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype IN ('e','i') AND kind <> 'composite type')
UNION ALL SELECT 'extension', extname FROM pg_extension WHERE extname <> 'plpgsql'
ORDER BY 1, 2`
