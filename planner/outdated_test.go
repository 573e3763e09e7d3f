package planner_test

import (
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/planner"
)

func TestOutdated(t *testing.T) {
	for _, c := range []struct{ name, change, want string }{
		{"nothing changed", `INSERT INTO a VALUES (2, 'y')`, ""},
		{"a table was made", `CREATE TABLE made (id INTEGER PRIMARY KEY)`, "it does not know 1 table: made"},
		{"a table was dropped", `DROP TABLE b`, "the source no longer has 1 table: b"},
		{"a column was added", `ALTER TABLE b ADD COLUMN more INTEGER`, "the source now has a different structure for 1 table: b"},
		{"copied table dropped", `DROP TABLE a`, ""},
		{"column added to copied table", `ALTER TABLE a ADD COLUMN more INTEGER`, ""},
		{"table replaced", `ALTER TABLE b RENAME TO c`, "it does not know 1 table: c, and the source no longer has 1 table: b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFiles(t, `CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO a VALUES (1, 'x'); CREATE TABLE b (id INTEGER PRIMARY KEY);`)
			b, err := desired.ParsePattern("b*")
			if err != nil {
				t.Fatal(err)
			}
			f.spec.Excludes = []desired.Exclude{{Name: "x", Tables: []desired.Pattern{b}, Content: "structure", Reason: "it is filled by hand"}}
			p, ds := planner.Diff(f.spec, f.observe(t, f.sides(t)), nil, options())
			if ds.HasErrors() {
				t.Fatal(ds)
			}
			execute(t, f.source, c.change)
			why, ds, err := planner.Outdated(t.Context(), f.spec, f.sides(t), p)
			if err != nil || ds.HasErrors() {
				t.Fatal(err, ds)
			}
			if got := strings.Join(why, ", and "); got != c.want {
				t.Errorf("outdated because %q, want %q", got, c.want)
			}
		})
	}
}
