package e2e

import (
	"strings"
	"testing"
)

func TestForeignKeyToStructureOnlyTable(t *testing.T) {
	// Invariant 10: a foreign key to a table that travels without its rows is listed, and apply can end well.
	b, _, _ := throughProxy(t, specOptions{extra: `  exclude "empty" {
    tables  = ["parent"]
    content = "structure"
    reason  = "filled by hand"
  }
`})
	b.source.Exec(t, b.sourceDB, `CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent VALUES (1);
CREATE TABLE child (id int PRIMARY KEY, parent int CONSTRAINT child_parent REFERENCES parent); INSERT INTO child VALUES (1, 1); ANALYZE`)
	if r := b.ok(t, 0, b.dir, "plan"); !strings.Contains(r.stdout, "child_parent") {
		t.Errorf("the plan does not name the foreign key:\n%s", r.stdout)
	}
	b.apply(t, 0)
	if b.rows(t, "child") != "1" || b.rows(t, "parent") != "0" {
		t.Error("the rows are not what the spec says")
	}
}
