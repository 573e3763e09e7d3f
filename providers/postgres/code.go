package postgres

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// The server stores an expression as a tree of nodes and prints it as text: node names,
// and object ids of functions, operators and types. Names in it are escaped, so that no user's text is
// taken for a node. What an expression does is read from there, never from its SQL.

// plainNodes are the nodes that call nothing but what stands in them as function or operator.
// Names differ between versions; a node that is not in the list makes an expression code.
const plainNodes = `VAR CONST FUNCEXPR OPEXPR DISTINCTEXPR NULLIFEXPR SCALARARRAYOPEXPR BOOLEXPR RELABELTYPE COERCEVIAIO ARRAYCOERCEEXPR
COLLATE COLLATEEXPR CASE CASEEXPR WHEN CASEWHEN CASETESTEXPR ARRAY ARRAYEXPR ROW ROWEXPR ROWCOMPARE ROWCOMPAREEXPR COALESCE COALESCEEXPR MINMAX MINMAXEXPR
SQLVALUEFUNCTION NULLTEST BOOLEANTEST COERCETODOMAIN COERCETODOMAINVALUE SUBSCRIPTINGREF FIELDSELECT NAMEDARGEXPR`

// harmlessFunctions are built in, and not immutable because they depend on time, chance or the
// session's settings; they read nothing else and write nothing.
const harmlessFunctions = `now transaction_timestamp statement_timestamp clock_timestamp timeofday random gen_random_uuid uuidv4 uuidv7
current_database current_schema current_user session_user age date_part date_trunc extract date time timetz timestamp timestamptz timezone overlaps
date_cmp_timestamptz date_eq_timestamptz date_ge_timestamptz date_gt_timestamptz date_le_timestamptz date_lt_timestamptz date_ne_timestamptz
timestamp_cmp_timestamptz timestamp_eq_timestamptz timestamp_ge_timestamptz timestamp_gt_timestamptz timestamp_le_timestamptz timestamp_lt_timestamptz timestamp_ne_timestamptz
timestamptz_cmp_date timestamptz_eq_date timestamptz_ge_date timestamptz_gt_date timestamptz_le_date timestamptz_lt_date timestamptz_ne_date
timestamptz_cmp_timestamp timestamptz_eq_timestamp timestamptz_ge_timestamp timestamptz_gt_timestamp timestamptz_le_timestamp timestamptz_lt_timestamp timestamptz_ne_timestamp
timestamptz_pl_interval timestamptz_mi_interval interval_pl_timestamptz make_timestamptz in_range
to_char to_date to_number to_timestamp concat concat_ws format anytextcat textanycat quote_literal quote_nullable array_to_string array_to_json to_json to_jsonb row_to_json
json_build_array json_build_object jsonb_build_array jsonb_build_object money numeric enum_first enum_last enum_range
to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_match_tt ts_match_tq`

// codeOf selects what is not plain in the expressions e(rel, kind, name, tree). $2 plainNodes,
// $3 harmlessFunctions. Object ids below 16384 are the server's own; nextval counts in a default only.
const codeOf = `
SELECT DISTINCT e.rel, e.kind, e.name, u.what
FROM e CROSS JOIN LATERAL regexp_matches(e.tree, '\{([A-Z]\w*)|:(funcid|opno|consttype|resulttype|row_typeid) (\d+)|:opnos \(o ([\d ]+)\)', 'g') m(m)
CROSS JOIN LATERAL (
  SELECT 'the construct ' || m[1] WHERE m[1] <> ALL (string_to_array($2, ' '))
  UNION ALL SELECT p.oid::regprocedure::text FROM pg_proc p WHERE m[2] = 'funcid' AND p.oid = m[3]::oid
    AND NOT (p.oid < 16384 AND p.pronamespace = 'pg_catalog'::regnamespace AND (p.provolatile = 'i' OR p.proname = ANY (string_to_array($3, ' ')) OR p.proname = 'nextval' AND e.kind = 'default'))
  UNION ALL SELECT 'operator ' || o.oid::regoperator FROM unnest(string_to_array(CASE m[2] WHEN 'opno' THEN m[3] ELSE m[4] END, ' ')) x(id)
    JOIN pg_operator o ON o.oid = x.id::oid JOIN pg_proc p ON p.oid = o.oprcode
    WHERE NOT (o.oid < 16384 AND p.oid < 16384 AND p.pronamespace = 'pg_catalog'::regnamespace AND (p.provolatile = 'i' OR p.proname = ANY (string_to_array($3, ' '))))
  UNION ALL SELECT 'type ' || format_type(t.oid, NULL) FROM pg_type t LEFT JOIN pg_type i ON i.oid = t.typelem AND t.typelem <> 0
    WHERE m[2] IN ('consttype', 'resulttype', 'row_typeid') AND t.oid = m[3]::oid AND t.oid >= 16384 AND coalesce(i.typtype, t.typtype) NOT IN ('e', 'd') AND coalesce(i.oid, t.oid) >= 16384
) u(what)
ORDER BY 1, 2, 3, 4`

// tableCodeSQL: $1 oids of tables, $4 those and their partitions'. Most defaults are a constant of a built-in type, and are left out at once.
const tableCodeSQL = `
WITH e(rel, kind, name, tree) AS (
  SELECT ad.adrelid, CASE a.attgenerated WHEN '' THEN 'default' ELSE 'generated column' END, a.attname::text, ad.adbin::text
    FROM pg_attrdef ad JOIN pg_attribute a ON a.attrelid = ad.adrelid AND a.attnum = ad.adnum
    WHERE ad.adrelid = ANY ($1::oid[]) AND ad.adbin::text !~ '^\{CONST :consttype \d{1,4} '
  UNION ALL SELECT conrelid, 'check', conname, conbin::text FROM pg_constraint WHERE contype = 'c' AND conrelid = ANY ($1::oid[])
  UNION ALL SELECT conrelid, 'index', conname, ':opnos (o ' || array_to_string(conexclop, ' ') || ')' FROM pg_constraint WHERE contype = 'x' AND conrelid = ANY ($1::oid[])
  UNION ALL SELECT i.indrelid, 'index', c.relname, concat(i.indexprs::text, i.indpred::text) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = ANY ($1::oid[]) AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
  UNION ALL SELECT partrelid, 'partition key', partrelid::regclass::text, partexprs::text FROM pg_partitioned_table WHERE partrelid = ANY ($4::oid[]) AND partexprs IS NOT NULL
)` + codeOf

// domainCodeSQL: $1 oids of domains.
const domainCodeSQL = `
WITH e(rel, kind, name, tree) AS (
  SELECT oid, 'default', '', typdefaultbin::text FROM pg_type WHERE oid = ANY ($1::oid[]) AND typdefaultbin IS NOT NULL
  UNION ALL SELECT contypid, 'check', conname, conbin::text FROM pg_constraint WHERE contype = 'c' AND contypid = ANY ($1::oid[])
)` + codeOf

// readCode hands each expression that is code, with the oid of what it is a part of, to add.
func readCode(ctx context.Context, s *session, sql string, oids []string, add func(of uint32, c catalog.Code)) error {
	var of uint32
	var c catalog.Code
	done := func() {
		if c.Uses != nil {
			add(of, c)
		}
	}
	words := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	params := append([]string{oids[0], words(plainNodes), words(harmlessFunctions)}, oids[1:]...)
	err := s.query(ctx, opCatalog, sql, params, func(v row) error {
		if id, kind, name := oid(v, 0), v.text(1), v.text(2); c.Uses == nil || id != of || kind != c.Kind || name != c.Name {
			done()
			of, c = id, catalog.Code{Kind: kind, Name: name}
		}
		c.Uses = append(c.Uses, v.text(3))
		return nil
	})
	done()
	return err
}

// code notes which expressions of the tables are code. What a partition has of its own does
// not travel, but for the key that it is partitioned by again.
func (r *catalogReader) code(ctx context.Context) error {
	all := []byte(strings.TrimSuffix(r.oids(), "}"))
	for id := range r.partitions {
		all = strconv.AppendUint(append(all, ','), uint64(id), 10)
	}
	return readCode(ctx, r.s, tableCodeSQL, []string{r.oids(), string(all) + "}"}, func(of uint32, c catalog.Code) {
		t := r.byOID[of]
		if t == nil {
			t = r.partitions[of].table
		}
		t.Code = append(t.Code, c)
	})
}

// domainCode does the same for domains.
func (r *catalogReader) domainCode(ctx context.Context) error {
	var ids []string
	for _, t := range r.types {
		if t.kind == 'd' {
			ids = append(ids, formatInt(int64(t.oid)))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return readCode(ctx, r.s, domainCodeSQL, []string{"{" + strings.Join(ids, ",") + "}"}, func(of uint32, c catalog.Code) {
		t := r.types[of]
		t.domain.code = append(t.domain.code, c)
	})
}

// isCode says whether a part is code.
func isCode(all []catalog.Code, kind, name string) bool {
	return slices.ContainsFunc(all, func(c catalog.Code) bool { return c.Kind == kind && c.Name == name })
}
