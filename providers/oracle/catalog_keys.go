package oracle

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// constraint is a row of ALL_CONSTRAINTS with its columns.
type constraint struct {
	name, table      catalog.Name // the name's schema is the owner
	kind             string       // P, U, R or C
	refers           catalog.Name
	onDelete         string
	deferrable       string
	index            string
	condition        string
	checked, enabled bool // rows obey it; statements must
	columns          []string
	conditionUnknown bool // the view may have cut it off
	elsewhere        bool
}

// conditionMost is how much SEARCH_CONDITION_VC shows, in bytes; it cuts off what is longer
// (Database Reference, ALL_CONSTRAINTS). Characters beyond ASCII make it end a little earlier.
const conditionMost = 3997

const constraintColumnsSQL = "SELECT OWNER, CONSTRAINT_NAME, TABLE_NAME, COLUMN_NAME"

const constraintsSQL = "SELECT OWNER, CONSTRAINT_NAME, TABLE_NAME, CONSTRAINT_TYPE, STATUS, VALIDATED, INDEX_NAME, R_OWNER, R_CONSTRAINT_NAME, " +
	"DELETE_RULE, DEFERRABLE, DEFERRED, SEARCH_CONDITION_VC"

func constraintOf(v row) *constraint {
	k := &constraint{name: nameAt(v, 0, 1), table: nameAt(v, 0, 2), kind: v.text(3), enabled: v.text(4) == "ENABLED", checked: v.text(5) == "VALIDATED",
		index: v.text(6), refers: nameAt(v, 7, 8), condition: v.text(12), conditionUnknown: v.null(12) || len(v.text(12)) >= conditionMost}
	if rule := v.text(9); rule != "NO ACTION" {
		k.onDelete = rule
	}
	if v.text(10) == "DEFERRABLE" {
		k.deferrable = "DEFERRABLE"
		if v.text(11) == "DEFERRED" {
			k.deferrable = "DEFERRABLE INITIALLY DEFERRED"
		}
	}
	return k
}

func (r *catalogReader) constraints(ctx context.Context) error {
	sql := constraintsSQL + r.from("CONSTRAINTS") + " WHERE %s AND CONSTRAINT_TYPE IN ('P', 'U', 'R', 'C') ORDER BY OWNER, TABLE_NAME, CONSTRAINT_NAME"
	return r.each(ctx, sql, r.q.filters("OWNER", "TABLE_NAME"), func(v row) error {
		if k := constraintOf(v); r.tables[k.table] != nil {
			r.keys[k.name] = k
		}
		return nil
	})
}

func (r *catalogReader) constraintColumns(ctx context.Context) error {
	sql := constraintColumnsSQL + r.from("CONS_COLUMNS") + " WHERE %s AND POSITION IS NOT NULL ORDER BY OWNER, CONSTRAINT_NAME, POSITION"
	return r.each(ctx, sql, r.q.filters("OWNER", "TABLE_NAME"), func(v row) error {
		if k := r.keys[nameAt(v, 0, 1)]; k != nil {
			k.columns = append(k.columns, v.text(3))
		}
		return nil
	})
}

// references reads the keys that foreign keys refer to in tables outside the selection.
func (r *catalogReader) references(ctx context.Context) error {
	missing := make(map[catalog.Name]bool)
	for _, k := range r.keys {
		if k.kind == "R" && r.keys[k.refers] == nil && k.refers.Name != "" {
			missing[k.refers] = true
		}
	}
	if len(missing) == 0 {
		return nil
	}
	var names []catalog.Name
	for n := range missing {
		names = append(names, n)
	}
	slices.SortFunc(names, catalog.Name.Compare)
	where := filters(names, "OWNER", "CONSTRAINT_NAME")
	err := r.each(ctx, constraintsSQL+r.from("CONSTRAINTS")+" WHERE %s", where, func(v row) error {
		k := constraintOf(v)
		k.elsewhere = true
		r.keys[k.name] = k
		return nil
	})
	if err != nil {
		return err
	}
	return r.each(
		ctx,
		constraintColumnsSQL+r.from("CONS_COLUMNS")+" WHERE %s AND POSITION IS NOT NULL ORDER BY OWNER, CONSTRAINT_NAME, POSITION",
		where,
		func(v row) error {
			if k := r.keys[nameAt(v, 0, 1)]; k != nil && k.elsewhere {
				k.columns = append(k.columns, v.text(3))
			}
			return nil
		},
	)
}

// indexed is a row of ALL_INDEXES with its columns.
type indexed struct {
	name, table   catalog.Name
	kind          string // NORMAL, BITMAP, FUNCTION-BASED NORMAL, DOMAIN, ...
	unique, valid bool
	columns       []catalog.IndexColumn
	expressions   map[int]string // by position from 1
}

func (r *catalogReader) readIndexes(ctx context.Context) error {
	sql := "SELECT OWNER, INDEX_NAME, TABLE_OWNER, TABLE_NAME, INDEX_TYPE, UNIQUENESS, STATUS" + r.from("INDEXES") +
		" WHERE %s AND INDEX_TYPE <> 'LOB' ORDER BY TABLE_OWNER, TABLE_NAME, INDEX_NAME"
	return r.each(ctx, sql, r.q.filters("TABLE_OWNER", "TABLE_NAME"), func(v row) error {
		x := &indexed{name: nameAt(v, 0, 1), table: nameAt(v, 2, 3), kind: v.text(4), unique: v.text(5) == "UNIQUE",
			valid: v.text(6) != "UNUSABLE", expressions: make(map[int]string)}
		if r.tables[x.table] != nil {
			r.indexes[x.name] = x
		}
		return nil
	})
}

func (r *catalogReader) indexColumns(ctx context.Context) error {
	sql := "SELECT INDEX_OWNER, INDEX_NAME, COLUMN_NAME, DESCEND" + r.from("IND_COLUMNS") + " WHERE %s ORDER BY INDEX_OWNER, INDEX_NAME, COLUMN_POSITION"
	return r.each(ctx, sql, r.q.filters("TABLE_OWNER", "TABLE_NAME"), func(v row) error {
		if x := r.indexes[nameAt(v, 0, 1)]; x != nil {
			x.columns = append(x.columns, catalog.IndexColumn{Name: v.text(2), Desc: v.text(3) == "DESC"})
		}
		return nil
	})
}

func (r *catalogReader) indexExpressions(ctx context.Context) error {
	sql := "SELECT INDEX_OWNER, INDEX_NAME, COLUMN_POSITION, COLUMN_EXPRESSION" + r.from("IND_EXPRESSIONS") + " WHERE %s"
	return r.each(ctx, sql, r.q.filters("TABLE_OWNER", "TABLE_NAME"), func(v row) error {
		if x := r.indexes[nameAt(v, 0, 1)]; x != nil {
			x.expressions[int(v.int(2))] = strings.TrimSpace(v.text(3))
		}
		return nil
	})
}

// special says whether the index is more than columns in an order. A descending column is an
// expression for Oracle: a hidden column whose expression is the quoted name.
func (x *indexed) special() bool {
	special := x.kind != "NORMAL" && x.kind != "FUNCTION-BASED NORMAL" && x.kind != "NORMAL/REV" && x.kind != "IOT - TOP"
	for i := range x.columns {
		e, ok := x.expressions[i+1]
		if !ok {
			continue
		}
		name, isName := strings.CutPrefix(e, `"`)
		name, closed := strings.CutSuffix(name, `"`)
		if !isName || !closed || strings.Contains(name, `"`) {
			special = true
			continue
		}
		x.columns[i].Name = name
	}
	return special
}

// definition spells the index, for people: no other engine takes it.
func (x *indexed) definition() string {
	var parts []string
	for i, c := range x.columns {
		part := quoteIdent(c.Name)
		if e, ok := x.expressions[i+1]; ok {
			part = e
		}
		if c.Desc {
			part += " DESC"
		}
		parts = append(parts, part)
	}
	kind := ""
	if x.unique {
		kind = "UNIQUE "
	}
	if strings.Contains(x.kind, "BITMAP") {
		kind = "BITMAP "
	}
	return fmt.Sprintf("CREATE %sINDEX %s ON %s (%s)", kind, quoteIdent(x.name.Name), quoteName(x.table), strings.Join(parts, ", "))
}

// finishKeys gives tables their keys, indexes and foreign keys, sorted by name.
func (r *catalogReader) finishKeys(context.Context) error {
	behind := make(map[catalog.Name]bool) // indexes of constraints
	for _, k := range sortedValues(r.keys, func(k *constraint) catalog.Name { return k.name }) {
		if k.elsewhere {
			continue
		}
		if k.index != "" && k.enabled {
			behind[catalog.Name{Schema: k.name.Schema, Name: k.index}] = true
		}
		r.addConstraint(r.tables[k.table], k)
	}
	candidates := make(map[*catalog.Table][]catalog.Key)
	for _, x := range sortedValues(r.indexes, func(x *indexed) catalog.Name { return x.name }) {
		if behind[x.name] {
			continue
		}
		r.addIndex(x, candidates)
	}
	for _, t := range r.out.Tables {
		if t.Key == nil {
			chooseKey(t, candidates[t])
		}
	}
	return nil
}

func sortedValues[T any](m map[catalog.Name]T, name func(T) catalog.Name) []T {
	out := make([]T, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b T) int { return name(a).Compare(name(b)) })
	return out
}

func (r *catalogReader) addIndex(x *indexed, candidates map[*catalog.Table][]catalog.Key) {
	t := r.tables[x.table]
	if !x.valid {
		t.NotMigrated = append(t.NotMigrated, catalog.Object{Kind: "index", Name: x.name.Name, Reason: "it is unusable: rows may violate it"})
		return
	}
	special := x.special()
	t.Indexes = append(t.Indexes, catalog.Index{Name: x.name.Name, Columns: x.columns, Unique: x.unique, Special: special, Definition: x.definition()})
	if special || !x.unique || len(x.columns) == 0 {
		return
	}
	key := catalog.Key{Name: x.name.Name, Index: true}
	for _, c := range x.columns {
		if column := t.Column(c.Name); column == nil || column.Nullable || !column.Copied() {
			return
		}
		key.Columns = append(key.Columns, c.Name)
	}
	candidates[t] = append(candidates[t], key)
}

func (r *catalogReader) addConstraint(t *catalog.Table, k *constraint) {
	lost := func(reason string) {
		t.NotMigrated = append(t.NotMigrated, catalog.Object{Kind: "constraint", Name: k.name.Name, Reason: reason})
	}
	notNull := regexp.MustCompile(`^\s*"[^"]+" IS NOT NULL\s*$`)
	switch {
	case k.kind == "C" && notNull.MatchString(k.condition): // the column says it
	case !k.enabled:
		lost("it is disabled: rows may violate it")
	case !k.checked:
		lost("it is NOVALIDATE: rows may violate it")
	case k.kind == "C" && k.conditionUnknown:
		lost("its condition is longer than 4,000 characters")
	case k.kind == "C":
		t.Checks = append(t.Checks, catalog.Check{Name: k.name.Name, Expression: k.condition})
	case k.kind == "P":
		t.Key = &catalog.Key{Name: k.name.Name, Columns: k.columns, Primary: true, Definition: k.deferrable}
	case k.kind == "U":
		t.Uniques = append(t.Uniques, catalog.Key{Name: k.name.Name, Columns: k.columns, Definition: k.deferrable})
	case r.keys[k.refers] == nil:
		lost("the user cannot see the table that it refers to")
	default:
		to := r.keys[k.refers]
		t.ForeignKeys = append(t.ForeignKeys, catalog.ForeignKey{Name: k.name.Name, Columns: k.columns, Table: to.table, References: to.columns,
			OnDelete: k.onDelete, Deferrable: k.deferrable})
	}
}

// chooseKey finds the key of a table without a primary key. ABAP's tables have a unique index
// named like the table and "~0" instead of one. Else it is the shortest unique constraint over
// NOT NULL columns, else the shortest such index.
func chooseKey(t *catalog.Table, indexes []catalog.Key) {
	shorter := func(k catalog.Key) bool { return t.Key == nil || len(k.Columns) < len(t.Key.Columns) }
	abap := t.Name.Name + "~0"
	constraints := slices.DeleteFunc(slices.Clone(t.Uniques), func(k catalog.Key) bool {
		return k.Definition != "" || slices.ContainsFunc(k.Columns, func(c string) bool {
			column := t.Column(c)
			return column == nil || column.Nullable || !column.Copied()
		})
	})
	for _, list := range [][]catalog.Key{constraints, indexes} {
		for _, k := range list {
			if k.Name == abap {
				t.Key = &k
			}
		}
	}
	for _, list := range [][]catalog.Key{constraints, indexes} {
		if t.Key != nil {
			break
		}
		for _, k := range list {
			if shorter(k) {
				t.Key = &k
			}
		}
	}
	if t.Key == nil {
		return
	}
	t.Uniques = slices.DeleteFunc(t.Uniques, func(k catalog.Key) bool { return k.Name == t.Key.Name })
	t.Indexes = slices.DeleteFunc(t.Indexes, func(x catalog.Index) bool { return t.Key.Index && x.Name == t.Key.Name })
}
