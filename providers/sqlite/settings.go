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
