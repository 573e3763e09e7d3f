package hana

import (
	"context"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// systemView is one view of schema SYS: its columns, as "NAME type" with a letter
// for the type, and its rows for a session.
type systemView struct {
	columns string
	rows    func(v *viewRows)
}

// viewRows collects the rows of a view.
type viewRows struct {
	s   *session
	tx  *txn
	out [][]store.Value
}

// add takes one row: string, int, int64, bool (as TRUE and FALSE), float64, a
// store.Value, or nil for NULL.
func (v *viewRows) add(cells ...any) {
	row := make([]store.Value, len(cells))
	for i, c := range cells {
		row[i] = cellOf(c)
	}
	v.out = append(v.out, row)
}

func cellOf(c any) store.Value {
	switch c := c.(type) {
	case string:
		return store.TextValue(c)
	case int:
		return store.IntValue(int64(c))
	case int64:
		return store.IntValue(c)
	case float64:
		return store.FloatValue(c)
	case bool:
		return store.TextValue(strings.ToUpper(strconv.FormatBool(c)))
	case store.Value:
		return c
	}
	return store.Value{}
}

// viewTypes are the letters of systemView.columns.
var viewTypes = map[string]string{"n": "NVARCHAR", "i": "INTEGER", "b": "BIGINT", "s": "SMALLINT", "t": "TIMESTAMP", "c": "NCLOB", "d": "DOUBLE"}

// systemView returns a view of SYS, or one of its public synonyms.
func (s *session) systemView(name store.Name, tx *txn) *store.Relation {
	if name.Schema != "SYS" && name.Schema != s.schema {
		return nil
	}
	v, ok := systemViews[name.Name]
	if !ok {
		return nil
	}
	r := &store.Relation{Schema: "SYS", Name: name.Name}
	for _, c := range strings.Fields(v.columns) {
		col, letter, _ := strings.Cut(c, ":")
		t := typeNamed(viewTypes[letter])
		if letter == "n" {
			t.Length = 5000
		}
		r.Columns = append(r.Columns, store.Column{Name: col, Type: t})
	}
	r.Rows = func(ctx context.Context) ([][]store.Value, error) {
		rows := &viewRows{s: s, tx: tx}
		if cur := s.current(); cur != nil {
			rows.tx = cur
		}
		v.rows(rows)
		return rows.out, nil
	}
	return r
}

// tables visits the tables whose schema the user may see.
func (v *viewRows) tables(visit func(t *table, d *tableDef)) {
	shown := make(map[string]bool)
	for _, t := range v.s.db.relationsOf(v.tx) {
		ok, known := shown[t.name.Schema]
		if !known {
			ok = v.s.shown(v.tx, t.name.Schema)
			shown[t.name.Schema] = ok
		}
		if ok && t.rows != nil {
			visit(t, t.structure(v.tx))
		}
	}
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
