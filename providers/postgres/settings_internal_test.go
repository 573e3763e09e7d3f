package postgres

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/providers"
)

func TestEveryServerSettingClassified(t *testing.T) {
	// Done: settings: every setting is decided; one of pg_settings that nobody decided about fails.
	s := pgtest.Shared(t)
	decided := make(map[string]string)
	note := func(name, why string) {
		if why == "" {
			t.Errorf("%s has no reason", name)
		}
		if decided[name] != "" {
			t.Errorf("%s is decided about twice", name)
		}
		decided[name] = why
	}
	for _, p := range pinnedSettings() {
		note(p.name, p.why)
	}
	for _, g := range harmlessSettings() {
		for _, name := range strings.Fields(g.names) {
			note(name, g.why)
		}
	}
	names := strings.Fields(s.Query(t, "postgres", "SELECT name FROM pg_settings WHERE context IN ('user', 'superuser', 'backend', 'superuser-backend') AND name NOT LIKE '%.%'"))
	if len(names) < 180 {
		t.Fatalf("the server has %d settings", len(names))
	}
	for _, name := range names {
		if decided[name] == "" {
			t.Errorf("nobody has decided about %s", name)
		}
	}
}

func TestPinnedSettingsOverrideServer(t *testing.T) {
	// Done: settings: each setting is pinned at connect, in every session of a pool and after a reconnect.
	s := pgtest.Shared(t)
	db, err := open(t.Context(), schema.Values{"url": hostile(t, s)}, providers.Env{Log: hclog.NewNullLogger(), Application: "dmoctl test"}, targetRole)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	first, err := db.get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	checkPinned(t, first)
	if _, err := first.exec(t.Context(), "test", "RESET ALL"); err != nil { // as poolers do
		t.Fatal(err)
	}
	for _, p := range pinnedSettings() {
		if r, err := first.one(t.Context(), "test", "SELECT current_setting($1, true)", p.name); err != nil || p.when == atStart && !p.sourceOnly && !strings.HasPrefix(p.name, "tcp_") && r.text(0) != p.value {
			t.Errorf("%s after a reset: %s, %v", p.name, r.text(0), err)
		}
	}
	s.Exec(t, "postgres", "SELECT pg_terminate_backend("+formatInt(int64(first.pg.PID()))+", 5000)")
	if _, err := first.exec(t.Context(), "test", "SELECT"); err == nil {
		t.Fatal("the session was not cut off")
	}
	db.put(first)
	for range 2 {
		again, err := db.get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer db.put(again)
		checkPinned(t, again)
	}
}

// hostile makes a database whose settings are the worst ones.
func hostile(t *testing.T, s *pgtest.Server) string {
	t.Helper()
	url := s.NewDatabase(t)
	sql := "\\set ON_ERROR_STOP off\n"
	for name, value := range WorstSettings() {
		if name != "default_transaction_read_only" && name != "default_tablespace" && name != "default_table_access_method" {
			sql += "DO $$ BEGIN IF EXISTS (SELECT FROM pg_settings WHERE name = '" + name + "') THEN EXECUTE format('ALTER DATABASE %I SET " + name + " = %L', split_part(split_part('" + url + "', '?', 1), '/', 4), '" + value + "'); END IF; END $$;\n"
		}
	}
	s.Exec(t, "postgres", sql)
	return url
}

func checkPinned(t *testing.T, s *session) {
	t.Helper()
	for _, p := range pinnedSettings() {
		r, err := s.one(t.Context(), "test", "SELECT current_setting($1, true)", p.name)
		if err != nil {
			t.Fatal(err)
		}
		if !p.sourceOnly && !r.null(0) && r.text(0) != p.value && !slices.Contains(p.keep, r.text(0)) {
			t.Errorf("%s is %q, not %q", p.name, r.text(0), p.value)
		}
	}
}

// WorstSettings are the values that do most harm, by name; other is a table access method,
// elsewhere a tablespace.
func WorstSettings() map[string]string {
	return map[string]string{
		"client_encoding": "LATIN1", "DateStyle": "SQL, DMY", "IntervalStyle": "sql_standard", "TimeZone": "Asia/Kathmandu",
		"timezone_abbreviations": "Australia", "extra_float_digits": "-15", "bytea_output": "escape", "lc_monetary": "POSIX", "lc_numeric": "POSIX",
		"lc_time": "POSIX", "quote_all_identifiers": "on", "standard_conforming_strings": "off", "backslash_quote": "off", "array_nulls": "off",
		"transform_null_equals": "on", "xmloption": "document", "xmlbinary": "hex", "default_text_search_config": "pg_catalog.german",
		"search_path": "evil, public", "row_security": "on", "constraint_exclusion": "on", "gin_fuzzy_search_limit": "1", "zero_damaged_pages": "on",
		"ignore_checksum_failure": "on", "session_replication_role": "replica", "default_transaction_isolation": "repeatable read",
		"default_transaction_deferrable": "on", "default_transaction_read_only": "off", "synchronous_commit": "off", "exit_on_error": "on",
		"lock_timeout": "1ms", "statement_timeout": "1ms", "idle_in_transaction_session_timeout": "1ms", "idle_session_timeout": "1ms",
		"transaction_timeout": "1ms", "stats_fetch_consistency": "snapshot", "default_table_access_method": "other", "default_tablespace": "elsewhere",
		"check_function_bodies": "off", "client_min_messages": "debug5", "log_parameter_max_length_on_error": "-1", "force_parallel_mode": "regress",
		"debug_parallel_query": "regress", "tcp_keepalives_idle": "1", "tcp_keepalives_interval": "1", "tcp_keepalives_count": "1", "tcp_user_timeout": "1",
	}
}

func TestPinnedSettingsHaveWorstValue(t *testing.T) {
	names := make(map[string]bool)
	for _, p := range pinnedSettings() {
		names[p.name] = true
		if WorstSettings()[p.name] == "" {
			t.Errorf("%s has no worst value", p.name)
		}
	}
	for name := range WorstSettings() {
		if !names[name] {
			t.Errorf("%s is not pinned", name)
		}
	}
}

func TestPinnedSettingsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/providers/postgres.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pinnedSettings() {
		if !strings.Contains(string(text), "| `"+p.name+"` | ") || !strings.Contains(string(text), " | "+p.why+" |") {
			t.Errorf("docs/providers/postgres.md does not say what %s is pinned to, and why: %s", p.name, p.why)
		}
	}
}
