package providertest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// matrix makes table name of one type case: column id, and v with every value and a NULL.
func (b *bench) matrix(t testing.TB, name string, c TypeCase) int {
	t.Helper()
	b.exec(t, fmt.Sprintf("CREATE TABLE %s (id %s NOT NULL PRIMARY KEY, v %s)", name, b.BigInt, c.Declared))
	for i, v := range append([]string{"NULL"}, c.Values...) {
		b.exec(t, fmt.Sprintf("INSERT INTO %s VALUES (%d, %s)", name, i, v))
	}
	return len(c.Values) + 1
}

// shown reads a column by the independent client, in the form of Text.
func (b *bench) shown(t testing.TB, table string, c catalog.Type) ([]string, bool) {
	t.Helper()
	show := b.Show("v", c)
	if show == "" {
		return nil, false
	}
	return strings.Split(b.query(t, "SELECT CASE WHEN v IS NOT NULL THEN "+show+" END FROM "+table+" ORDER BY id"), "\n"), true
}

// sourceTypes compares every type's values with what the independent client prints.
func sourceTypes(t *testing.T, h Harness) {
	b := newBench(t, h)
	db := b.source(t)
	for i, c := range h.Types {
		t.Run(c.Declared, func(t *testing.T) {
			name := fmt.Sprintf("m%d", i)
			n := b.matrix(t, name, c)
			tb := b.table(t, db, name)
			if got := tb.Column("v").Type; got.String() != c.Type.String() {
				t.Errorf("catalog says %s, want %s", got, c.Type)
			}
			want, ok := b.shown(t, name, c.Type)
			got := make(map[string]string)
			for _, row := range readAll(t, db, tb) {
				got[row[0]] = row[1]
			}
			if len(got) != n {
				t.Fatalf("%d rows, want %d", len(got), n)
			}
			for i, v := range append([]string{"NULL"}, c.Values...) {
				if id := fmt.Sprint(i); ok && got[id] != want[i] {
					t.Errorf("%.80s is read as %.200s, the client prints %.200s", v, got[id], want[i])
				}
			}
			if got["0"] != Null {
				t.Errorf("NULL is read as %q", got["0"])
			}
		})
	}
}

// sourceRejectedValues reads values that the neutral type cannot hold.
func sourceRejectedValues(t *testing.T, h Harness) {
	// Failure scenario: a column that cannot be migrated; a value that does not fit: it is named by table, column and key.
	b := newBench(t, h)
	db := b.source(t)
	for i, c := range h.Types {
		for j, v := range c.Refused {
			t.Run(c.Declared+" "+v, func(t *testing.T) {
				name := fmt.Sprintf("r%d_%d", i, j)
				b.exec(t, fmt.Sprintf("CREATE TABLE %s (id %s NOT NULL PRIMARY KEY, v %s)", name, b.BigInt, c.Declared))
				b.exec(t, fmt.Sprintf("INSERT INTO %s VALUES (4711, %s)", name, v))
				tb := b.table(t, db, name)
				inView(t, snapshot(t, db, providers.SnapshotOptions{Readers: 1}), []*catalog.Table{tb}, func(view providers.View) {
					rows, err := cells(t.Context(), view, tb, catalog.WholeTable(), providers.ReadOptions{})
					wantKind(t, err, providers.Value)
					var e *providers.Error
					if errors.As(err, &e) && (e.Table != tb.Name || e.Column != "v" || !strings.Contains(e.Key, "4711")) {
						t.Errorf("the error names table %q, column %q, key %q", e.Table, e.Column, e.Key)
					}
					if len(rows) != 0 {
						t.Errorf("read as %v", rows)
					}
				})
			})
		}
	}
}

// hostileNames are identifiers that break careless quoting, those that the engine can have.
func (h Harness) hostileNames() []string {
	all := []string{
		"/BIC/AFOO", "select", "MiXeD", "with blank", `quote"d`, "back`tick", "apos'trophe", "semi;colon--x", "[bracket]",
		"per%cent", "back\\slash", "per.iod", "äöü", "表", "😀", "x" + strings.Repeat("y", 50),
	}
	return slices.DeleteFunc(all, func(name string) bool { return h.Named != nil && !h.Named(name) })
}

func sourceNames(t *testing.T, h Harness) {
	b := newBench(t, h)
	var sql strings.Builder
	for i, n := range h.hostileNames() {
		fmt.Fprintf(&sql, "CREATE TABLE %s (%s %s NOT NULL PRIMARY KEY, %s %s);\n", h.Quote(n), h.Quote(n+"k"), h.BigInt, h.Quote(n+"v"), h.Varchar)
		for j, v := range []string{"a", "b", "c"} { // not every engine takes several rows in one statement
			fmt.Fprintf(&sql, "INSERT INTO %s VALUES (%d, '%s');\n", h.Quote(n), i+100*j, v)
		}
	}
	b.exec(t, sql.String())
	db := b.source(t)
	for i, n := range h.hostileNames() {
		t.Run(n, func(t *testing.T) {
			tb := b.table(t, db, n)
			if len(tb.Columns) != 2 || tb.Columns[0].Name != n+"k" || tb.Key == nil || tb.Key.Columns[0] != n+"k" {
				t.Fatalf("table is %+v", tb)
			}
			for _, by := range []catalog.By{catalog.ByKey, catalog.ByRowID} {
				ranges, _, err := db.Split(t.Context(), tb, catalog.SplitSpec{By: by, Parts: 2})
				if err != nil {
					t.Fatal(err)
				}
				rows := 0
				inView(t, snapshot(t, db, providers.SnapshotOptions{Readers: 1}), []*catalog.Table{tb}, func(v providers.View) {
					for _, r := range ranges {
						part, err := cells(t.Context(), v, tb, r, providers.ReadOptions{})
						if err != nil {
							t.Error(err)
						}
						rows += len(part)
					}
				})
				if rows != 3 {
					t.Errorf("by %s: %d rows of table %d, want 3", by, rows, i)
				}
			}
		})
	}
}
