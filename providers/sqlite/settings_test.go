package sqlite

import (
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

func TestEveryPragmaClassified(t *testing.T) {
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

// harmlessPragmas were looked at: they belong to the file, only ask, or cost time and no rows.
func harmlessPragmas() map[string]string {
	out := make(map[string]string)
	for why, names := range map[string][]string{
		"set for each connection by its own code": {"query_only", "busy_timeout"},
		"belongs to the file, which keeps it":     {"application_id", "auto_vacuum", "default_cache_size", "encoding", "journal_mode", "page_size", "schema_version", "user_version"},
		"asks, and changes nothing": {"collation_list", "compile_options", "data_version", "database_list", "foreign_key_check", "foreign_key_list", "freelist_count",
			"function_list", "index_info", "index_list", "index_xinfo", "integrity_check", "module_list", "page_count", "pragma_list", "quick_check", "table_info",
			"table_list", "table_xinfo"},
		"does something once, when it is run": {"incremental_vacuum", "optimize", "shrink_memory", "wal_checkpoint"},
		"costs time or memory, and no rows": {"analysis_limit", "cache_size", "cache_spill", "checkpoint_fullfsync", "fullfsync", "journal_size_limit", "locking_mode", "max_page_count",
			"mmap_size", "secure_delete", "temp_store_directory", "threads", "wal_autocheckpoint"},
	} {
		for _, n := range names {
			out[n] = why
		}
	}
	return out
}
