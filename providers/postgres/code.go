package postgres

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

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
timestamp_cmp_timestamptz timestamp_eq_timestamptz timestamp_ge_timestamptz timestamp_gt_timestamptz
timestamp_le_timestamptz timestamp_lt_timestamptz timestamp_ne_timestamptz
timestamptz_cmp_date timestamptz_eq_date timestamptz_ge_date timestamptz_gt_date timestamptz_le_date timestamptz_lt_date timestamptz_ne_date
timestamptz_cmp_timestamp timestamptz_eq_timestamp timestamptz_ge_timestamp timestamptz_gt_timestamp
timestamptz_le_timestamp timestamptz_lt_timestamp timestamptz_ne_timestamp
timestamptz_pl_interval timestamptz_mi_interval interval_pl_timestamptz make_timestamptz in_range
to_char to_date to_number to_timestamp concat concat_ws format anytextcat textanycat quote_literal quote_nullable
array_to_string array_to_json to_json to_jsonb row_to_json
json_build_array json_build_object jsonb_build_array jsonb_build_object money numeric enum_first enum_last enum_range
to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_match_tt ts_match_tq`

// nextval is harmless in a default only.
const nextval = 1574 // of pg_proc, as pg_proc.dat has it

// plainSQL lists the server's own functions and operators that are plain. Object ids below 16384 are the server's own.
const plainSQL = `
WITH f AS (SELECT oid FROM pg_proc WHERE oid < 16384 AND pronamespace = 'pg_catalog'::regnamespace
AND (provolatile = 'i' OR proname = ANY (string_to_array($1, ' '))))
SELECT 'f', oid FROM f UNION ALL SELECT 'o', o.oid FROM pg_operator o JOIN f ON f.oid = o.oprcode WHERE o.oid < 16384`

// usesSQL names functions, operators and types, $1, $2 and $3; a type that is one of the
// server's own, an enum, a domain or an array of those is plain.
const usesSQL = `
SELECT 'f', oid, oid::regprocedure::text, false FROM pg_proc WHERE oid = ANY ($1::oid[])
UNION ALL SELECT 'o', oid, 'operator ' || oid::regoperator, false FROM pg_operator WHERE oid = ANY ($2::oid[])
UNION ALL SELECT 't', t.oid, 'type ' || format_type(t.oid, NULL), coalesce(i.oid, t.oid) < 16384 OR coalesce(i.typtype, t.typtype) IN ('e', 'd')
  FROM pg_type t LEFT JOIN pg_type i ON i.oid = t.typelem WHERE t.oid = ANY ($3::oid[])`

// tableCodeSQL: $1 oids of tables, $2 those and their partitions'. Most defaults are a constant of a
// built-in type, and are left out at once.
const tableCodeSQL = `
SELECT ad.adrelid, CASE a.attgenerated WHEN '' THEN 'default' ELSE 'generated column' END, a.attname::text, ad.adbin::text
  FROM pg_attrdef ad CROSS JOIN LATERAL (SELECT * FROM pg_attribute WHERE attrelid = ad.adrelid AND attnum = ad.adnum OFFSET 0) a
  WHERE ad.adrelid = ANY ($1::oid[]) AND ad.adbin::text !~ '^\{CONST :consttype \d{1,4} '
UNION ALL SELECT conrelid, CASE contype WHEN 'c' THEN 'check' ELSE 'index' END, conname, CASE contype
WHEN 'c' THEN conbin::text ELSE ':opnos (o ' || array_to_string(conexclop, ' ') || ')' END
  FROM unnest($1::oid[]) w(id) CROSS JOIN LATERAL (SELECT * FROM pg_constraint WHERE conrelid = w.id OFFSET 0) c WHERE contype IN ('c', 'x')
UNION ALL SELECT i.indrelid, 'index', c.relname, concat(i.indexprs::text, i.indpred::text) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
  WHERE i.indrelid = ANY ($1::oid[]) AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
UNION ALL SELECT partrelid, 'partition key', partrelid::regclass::text, partexprs::text FROM pg_partitioned_table
WHERE partrelid = ANY ($2::oid[]) AND partexprs IS NOT NULL`

// domainCodeSQL: $1 oids of domains.
const domainCodeSQL = `
SELECT oid, 'default', '', typdefaultbin::text FROM pg_type WHERE oid = ANY ($1::oid[]) AND typdefaultbin IS NOT NULL
UNION ALL SELECT contypid, 'check', conname, conbin::text FROM pg_constraint WHERE contype = 'c' AND contypid = ANY ($1::oid[])`

// used is a function ('f'), an operator ('o'), a type ('t') or a kind of node ('n') in an expression.
type used struct {
	class byte
	oid   uint32
	node  string
}

// suspect is an expression with something in it that may not be plain.
type suspect struct {
	of         uint32 // the table or domain
	kind, name string
	uses       []used
}

// plain returns what is known to be plain on the session's server.
func (s *session) plain(ctx context.Context) (map[used]bool, error) {
	if s.known != nil {
		return s.known, nil
	}
	known := make(map[used]bool, 4096)
	for _, n := range strings.Fields(plainNodes) {
		known[used{class: 'n', node: n}] = true
	}
	err := s.query(ctx, opCatalog, plainSQL, []string{strings.Join(strings.Fields(harmlessFunctions), " ")}, func(r row) error {
		known[used{class: r[0][0], oid: oid(r, 1)}] = true
		return nil
	})
	if err == nil {
		s.known = known
	}
	return known, err
}

// readCode hands each expression that is code, with the oid of what it is a part of, to add.
func readCode(ctx context.Context, s *session, sql string, params []string, add func(of uint32, c catalog.Code)) error {
	if s.role == targetRole {
		return nil // what a target has is not made anywhere else
	}
	known, err := s.plain(ctx)
	if err != nil {
		return err
	}
	var suspects []suspect
	ids := map[byte][]string{}
	seen := make(map[used]bool)
	err = s.query(ctx, opCatalog, sql, params, func(r row) error {
		var odd []used
		for u := range uses(r.text(3)) {
			if known[u] || u.class == 't' && u.oid < firstUserOID || u == (used{class: 'f', oid: nextval}) && r.text(1) == catalog.CodeDefault {
				continue
			}
			odd = append(odd, u)
			if !seen[u] && u.class != 'n' {
				seen[u] = true
				ids[u.class] = append(ids[u.class], strconv.FormatUint(uint64(u.oid), 10))
			}
		}
		if odd != nil {
			suspects = append(suspects, suspect{oid(r, 0), r.text(1), r.text(2), odd})
		}
		return nil
	})
	if err != nil || suspects == nil {
		return err
	}
	names := make(map[used]string)
	list := func(class byte) string { return "{" + strings.Join(ids[class], ",") + "}" }
	err = s.query(ctx, opCatalog, usesSQL, []string{list('f'), list('o'), list('t')}, func(r row) error {
		if !r.bool(3) {
			names[used{class: r[0][0], oid: oid(r, 1)}] = r.text(2)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(suspects, func(a, b suspect) int {
		return strings.Compare(a.kind+"\x00"+a.name, b.kind+"\x00"+b.name)
	})
	for _, x := range suspects {
		if c := x.code(names); c.Uses != nil {
			add(x.of, c)
		}
	}
	return nil
}

// code names what is not plain.
func (x suspect) code(names map[used]string) catalog.Code {
	c := catalog.Code{Kind: x.kind, Name: x.name}
	for _, u := range x.uses {
		name := names[u]
		if u.class == 'n' {
			name = "the construct " + u.node
		}
		if name != "" && !slices.Contains(c.Uses, name) {
			c.Uses = append(c.Uses, name)
		}
	}
	slices.Sort(c.Uses)
	return c
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
