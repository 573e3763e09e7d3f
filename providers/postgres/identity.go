package postgres

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// A table is its object id and a column its number. SQL names them by text, and what a text
// means is looked up in the catalog of the present, whatever snapshot a transaction has. So a
// view locks what it reads, which keeps everything but a schema's name from changing until
// it ends, and compares identities three times over: as its snapshot shows them, as they are
// now, and as the catalog had them when the round began. At its end the locks that it holds
// say which tables its statements have really read.

// identity spells the object id, the stored file and the numbers of the columns of pg_class c.
const identity = `concat(c.oid, '.', c.relfilenode, '.', ` + columnNumbers + `)`

// columnNumbers has to agree with numbersOf.
const columnNumbers = `(SELECT left(md5(string_agg(concat(a.attnum, ' ', a.atttypid, ' ', a.atttypmod, ' ', a.attname), E'\n' ORDER BY a.attnum)), 16)
  FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)`

// numberedColumn is what columnNumbers takes of one column.
type numberedColumn struct {
	number   int64
	oid      uint32
	modifier int32
	name     string
}

// numbersOf has to agree with columnNumbers.
func numbersOf(columns []numberedColumn) string {
	lines := make([]string, len(columns))
	for i, c := range columns {
		lines[i] = fmt.Sprintf("%d %d %d %s", c.number, c.oid, c.modifier, c.name)
	}
	if len(lines) == 0 {
		return "" // as md5 of NULL
	}
	sum := md5.Sum([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])[:16]
}

// objectID is the first part of an identity.
func objectID(identity string) string {
	id, _, _ := strings.Cut(identity, ".")
	return id
}

// part is a table, or one of its leaves, that rows are read from.
type part struct {
	table *catalog.Table
	name  catalog.Name
	file  string // identity as the catalog had it; empty is not known
}

func rootOf(t *catalog.Table) part { return part{t, t.Name, t.File} }

func rootsOf(tables []*catalog.Table) []part {
	out := make([]part, len(tables))
	for i, t := range tables {
		out[i] = rootOf(t)
	}
	return out
}

// parts are what is read for a range. The leaves of a partitioned source are read one by one:
// which partitions a table has is a matter of the present, too, and one that is detached for
// a moment would be missing. A target is read as queries of it are answered.
func (v *view) parts(t *catalog.Table, r catalog.Range) []part {
	switch {
	case r.Partition != nil:
		return slices.DeleteFunc(leaves(t), func(p part) bool { return p.name != *r.Partition })
	case t.PartitionBy == "" || v.sn.db.role == targetRole:
		return []part{rootOf(t)}
	}
	return leaves(t)
}

func leaves(t *catalog.Table) []part {
	var out []part
	for _, p := range t.Partitions {
		if p.Leaf() {
			out = append(out, part{t, p.Name, p.File})
		}
	}
	return out
}

// partsAtOnce is how many tables one statement locks or compares.
const partsAtOnce = 500

// take locks what is to be read and compares its identity.
func (v *view) take(ctx context.Context, parts []part) error {
	untaken := slices.DeleteFunc(slices.Clone(parts), func(p part) bool { return v.taken[p.name] != "" })
	for some := range slices.Chunk(untaken, partsAtOnce) {
		names := make([]string, len(some))
		for i, p := range some {
			names[i] = "ONLY " + quoteName(p.name)
		}
		// The lock comes first: whatever changes a table is over, or waits, when identities are compared.
		if _, err := v.s.exec(ctx, opView, "LOCK TABLE "+strings.Join(names, ", ")+" IN ACCESS SHARE MODE"); err != nil {
			of := some[0].table
			switch {
			case slices.ContainsFunc(some, func(p part) bool { return p.table != of }):
				return err
			case some[0].name != of.Name: // partitions
				return providers.Gone(wrapTable(opView, of.Name, err))
			}
			return wrapTable(opView, of.Name, err)
		}
		if err := v.compare(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

func (v *view) compare(ctx context.Context, parts []part) error {
	if v.sn.db.role == targetRole { // nobody but the run changes what is read back
		for _, p := range parts {
			v.taken[p.name] = p.name.String()
		}
		return nil
	}
	seen, err := identities(ctx, v.s, parts)
	if err != nil {
		return err
	}
	var now []string
	err = v.sn.outside(ctx, func(s *session) (err error) {
		now, err = identities(ctx, s, parts)
		return err
	})
	if err != nil {
		return err
	}
	for i, p := range parts {
		if seen[i] == "" || seen[i] != now[i] || p.file != "" && p.file != now[i] {
			return replaced(p.table.Name)
		}
		v.taken[p.name] = objectID(now[i])
	}
	return nil
}

// replaced is the error of a table that is not what the snapshot or the catalog shows.
func replaced(table catalog.Name) error {
	return &providers.Error{Kind: providers.Changed, Op: opView, Table: table,
		Err: errors.New(
			"the table was rewritten (TRUNCATE, VACUUM FULL, CLUSTER or ALTER TABLE), dropped and recreated, or it or one of its columns was renamed",
		),
		Fix: "Run the same command again to copy the table from a new snapshot."}
}

// isNoName says whether the server knows no table, column or schema of a name.
func isNoName(err error) bool {
	var e *providers.Error
	if errors.As(err, &e) {
		return e.Code == "42P01" || e.Code == "3F000" || e.Code == "42703"
	}
	return isState(err, "42P01", "3F000", "42703")
}

// identitiesSQL reads the identities of tables by name; an empty one is of no table.
const identitiesSQL = `
SELECT w.ord, CASE WHEN c.oid IS NOT NULL THEN ` + identity + ` END
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY w(nsp, rel, ord)
LEFT JOIN pg_namespace n ON n.nspname = w.nsp::name LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.rel::name
ORDER BY w.ord`

func identities(ctx context.Context, s *session, parts []part) ([]string, error) {
	schemas, names := make([]string, len(parts)), make([]string, len(parts))
	for i, p := range parts {
		schemas[i], names[i] = p.name.Schema, p.name.Name
	}
	out := make([]string, len(parts))
	err := s.query(ctx, opView, identitiesSQL, []string{textArray(schemas), textArray(names)}, func(r row) error {
		out[r.int(0)-1] = r.text(1)
		return nil
	})
	return out, err
}

// outside runs f on a session that sees the present, one at a time.
func (sn *snapshot) outside(ctx context.Context, f func(*session) error) error {
	sn.mu.Lock()
	defer sn.mu.Unlock()
	if sn.now == nil || !sn.now.idle() {
		if sn.now != nil {
			sn.db.put(sn.now)
			sn.now = nil
		}
		s, err := sn.db.get(ctx)
		if err != nil {
			return err
		}
		sn.now = s
	}
	return f(sn.now)
}

// treeSQL reads the leaves of partitioned tables as the view's snapshot shows them: $1 object ids.
const treeSQL = `
WITH RECURSIVE tree(oid, root, kind) AS (
  SELECT oid, oid, relkind FROM pg_class WHERE oid = ANY ($1::oid[])
  UNION ALL SELECT i.inhrelid, t.root, c.relkind FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid AND NOT i.inhdetachpending
    JOIN pg_class c ON c.oid = i.inhrelid WHERE t.kind = 'p'
) SELECT root, oid FROM tree WHERE kind <> 'p'`

// sameTree compares the leaves of partitioned tables with those that are read, once a snapshot.
// The views of a quiet source have no snapshot in common: the structures are compared before
// and after all of them.
func (v *view) sameTree(ctx context.Context, tables []*catalog.Table) error {
	if v.sn.exported == "" || v.sn.db.role == targetRole {
		return nil
	}
	roots := make(map[string]*catalog.Table)
	var ids []string
	v.sn.mu.Lock()
	for _, t := range tables {
		if t.PartitionBy != "" && t.File != "" && !v.sn.trees[t.Name] {
			roots[objectID(t.File)] = t
			ids = append(ids, objectID(t.File))
		}
	}
	v.sn.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	seen := make(map[string][]string)
	err := v.s.query(ctx, opView, treeSQL, []string{"{" + strings.Join(ids, ",") + "}"}, func(r row) error {
		seen[r.text(0)] = append(seen[r.text(0)], r.text(1))
		return nil
	})
	if err != nil {
		return err
	}
	for id, t := range roots {
		var known []string
		for _, p := range leaves(t) {
			known = append(known, objectID(p.file))
		}
		slices.Sort(known)
		slices.Sort(seen[id])
		if !slices.Equal(known, seen[id]) {
			return &providers.Error{Kind: providers.Changed, Op: opView, Table: t.Name,
				Err: errors.New("the snapshot shows different partitions than the table has now"),
				Fix: "Run the same command again to copy the table from a new snapshot."}
		}
	}
	v.sn.mu.Lock()
	for _, t := range roots {
		v.sn.trees[t.Name] = true
	}
	v.sn.mu.Unlock()
	return nil
}

// strangersSQL names the tables of users that a session has locked: $1 its process, $2 object ids that are expected.
const strangersSQL = `
SELECT coalesce(c.oid::regclass::text, l.relation::text) FROM pg_locks l LEFT JOIN pg_class c ON c.oid = l.relation
WHERE l.pid = $1::int AND l.locktype = 'relation' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.relation >= 16384 AND l.relation <> ALL ($2::oid[]) AND coalesce(c.relkind, 'r') IN ('r','p','f','m')
ORDER BY 1 LIMIT 1`

// Confirm implements providers.View. A schema can be renamed in spite of all locks, so that a
// statement reads another table of the same name; then its lock is held, too.
func (v *view) Confirm(ctx context.Context) error {
	if v.sn.db.role == targetRole || len(v.taken) == 0 {
		return nil
	}
	expected := make([]string, 0, len(v.taken))
	for _, id := range v.taken {
		expected = append(expected, id)
	}
	for _, t := range v.tables { // planning a partition's query looks at what is above it
		for _, p := range t.Partitions {
			if !p.Leaf() && p.File != "" {
				expected = append(expected, objectID(p.File))
			}
		}
	}
	var stranger string
	err := v.sn.outside(ctx, func(s *session) error {
		r, err := s.one(ctx, opView, strangersSQL, formatInt(int64(v.s.pg.PID())), "{"+strings.Join(expected, ",")+"}")
		if err == nil && r != nil {
			stranger = r.text(0)
		}
		return err
	})
	if err != nil || stranger == "" {
		return err
	}
	for name := range v.taken {
		if strings.HasSuffix(stranger, name.Name) || len(v.taken) == 1 {
			return replaced(name)
		}
	}
	return &providers.Error{Kind: providers.Changed, Op: opView, Err: fmt.Errorf("a schema was renamed, and rows of %s were read instead", stranger)}
}
