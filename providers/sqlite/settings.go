package sqlite

// pragma is a setting of a connection that changes what is read, written or kept.
type pragma struct{ name, value, why string }

// pinnedPragmas is the one list of what every connection sets. Most are what SQLite does by
// itself: a library may be built with other defaults. A test compares this list and harmlessPragmas with
// those that the library knows.
func pinnedPragmas() []pragma {
	return []pragma{
		{"foreign_keys", "OFF", "rows come in any order; references are checked once they are in"},
		{"defer_foreign_keys", "OFF", "as foreign_keys"},
		{"trusted_schema", "OFF", "a schema's own expressions call harmless functions only"},
		{"writable_schema", "OFF", "the schema's table is written by statements only"},
		{"legacy_alter_table", "OFF", "references follow a table that is renamed"},
		{"recursive_triggers", "OFF", "as SQLite does by itself"},
		{"ignore_check_constraints", "OFF", "rows that break a check are refused"},
		{"case_sensitive_like", "OFF", "LIKE in checks, predicates and generated columns, as applications have it"},
		{"reverse_unordered_selects", "OFF", "rows come in the order of their key"},
		{"read_uncommitted", "OFF", "only what was committed is read"},
		{"cell_size_check", "ON", "a damaged page is an error, not other rows"},
		{"synchronous", "FULL", "a commit survives a loss of power"},
		{"temp_store", "DEFAULT", "sorting uses the library's own place"},
		{"automatic_index", "ON", "as SQLite does by itself"},
		{"hard_heap_limit", "0", "memory is bounded by the run"},
		{"soft_heap_limit", "0", "as hard_heap_limit"},
		{"short_column_names", "ON", "results are told apart by place"},
		{"full_column_names", "OFF", "as short_column_names"},
		{"count_changes", "OFF", "statements that write return no rows"},
		{"empty_result_callbacks", "OFF", "as count_changes"},
	}
}
