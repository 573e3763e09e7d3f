package sqlite

import (
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

func TestEveryPragmaIsDecided(t *testing.T) {
	// Done: settings: every setting is decided: a PRAGMA that nobody decided about fails.
	c, err := connect(filepath.Join(t.TempDir(), "f.db"), sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	decided := harmlessPragmas()
	for _, p := range pinnedPragmas() {
		if decided[p.name] != "" || p.why == "" {
			t.Errorf("%s is decided about twice, or has no reason", p.name)
		}
		decided[p.name] = p.why
		got, found := "", false
		if err := c.rows(t.Context(), func(s *sqlite.Stmt) error { got, found = s.ColumnText(0), true; return nil }, "PRAGMA "+p.name); err != nil {
			t.Fatal(err)
		}
		want := strings.NewReplacer("OFF", "0", "ON", "1", "FULL", "2", "DEFAULT", "0").Replace(p.value)
		if found && got != want {
			t.Errorf("%s is %s, want %s", p.name, got, want)
		}
	}
	names := 0
	err = sqlitex.ExecuteTransient(c.Conn, "SELECT name FROM pragma_pragma_list", &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
		if names++; decided[s.ColumnText(0)] == "" {
			t.Errorf("nobody has decided about PRAGMA %s", s.ColumnText(0))
		}
		return nil
	}})
	if err != nil || names < 60 {
		t.Errorf("%d pragmas, %v", names, err)
	}
}
