package postgres

// pinnedSettings is the one list of what every session sets. Read beside
// harmlessSettings: a setting that a user may change is in one of the two, and a test
// compares both with pg_settings of the server.
func pinnedSettings() []setting {
	return []setting{
		// What the server prints and how it reads it back: structures travel as text.
		{name: "client_encoding", value: "UTF8", why: "all text is decoded as UTF-8"},
		{name: "DateStyle", value: "ISO, YMD", why: "dates in defaults and checks are printed and parsed as text"},
		{name: "IntervalStyle", value: "postgres", why: "intervals in expressions; sql_standard prints mixed signs that others read otherwise"},
		{name: "TimeZone", value: "UTC", why: "instants in expressions and in the ledger"},
		{name: "timezone_abbreviations", value: "Default", why: "what EST means in text that is parsed"},
		{name: "extra_float_digits", value: "3", why: "floats in expressions keep all digits"},
		{name: "bytea_output", value: "hex", why: "bytes in expressions"},
		{
			name:  "lc_monetary",
			value: "C",
			when:  connected,
			why:   "money in expressions; how many digits the database's own value gives is compared between the sides",
		},
		{name: "lc_numeric", value: "C", why: "to_char in expressions that are evaluated while rows are loaded"},
		{name: "lc_time", value: "C", why: "as lc_numeric"},
		{name: "quote_all_identifiers", value: "off", why: "names in definitions are compared as text"},
		{name: "standard_conforming_strings", value: "on", why: "a backslash in a literal is itself"},
		{name: "backslash_quote", value: "safe_encoding", why: "how literals are parsed"},
		{name: "array_nulls", value: "on", why: "NULL in an array literal; off makes it the text NULL"},
		{name: "transform_null_equals", value: "off", why: "x = NULL in a check would become x IS NULL"},
		{name: "xmloption", value: "content", why: "document refuses fragments that a column holds"},
		{name: "xmlbinary", value: "base64", why: "bytes inside of XML"},
		{name: "default_text_search_config", value: "pg_catalog.simple", why: "to_tsvector without a configuration, on both sides alike"},
		{name: "search_path", value: "pg_catalog", why: "every name is qualified, and what the server prints comes out qualified"},
		// Which rows are seen.
		{name: "row_security", value: "off", why: "a policy that hides rows is an error, not fewer rows"},
		{name: "constraint_exclusion", value: "off", why: "a range is read, not argued away by a check that rows may break"},
		{name: "gin_fuzzy_search_limit", value: "0", why: "a limit makes index scans drop rows at random"},
		{name: "zero_damaged_pages", value: "off", when: privileged, why: "rows on a damaged page would be read as none"},
		{name: "ignore_checksum_failure", value: "off", when: privileged, why: "a damaged page would be read as a good one"},
		{name: "session_replication_role", value: "origin", when: privileged, why: "replica checks no foreign key and fires no trigger"},
		// Transactions.
		{name: "default_transaction_isolation", value: "read committed", why: "under repeatable read a fenced run reads its own token after it has lost it"},
		{name: "default_transaction_deferrable", value: "off", why: "a serializable read would wait"},
		{name: "default_transaction_read_only", value: "on", sourceOnly: true, why: "the source is never written to; on a target it is respected"},
		{name: "synchronous_commit", value: "on", when: connected, keep: []string{"local", "remote_write", "remote_apply"},
			why: "a commit that was acknowledged must survive a crash of the server"},
		{name: "exit_on_error", value: "off", why: "an error would end the session"},
		{name: "lock_timeout", value: "0", why: "waits are bounded by dmoctl, which says for whom it waits"},
		{name: "statement_timeout", value: "0", why: "a copy or an index takes as long as it takes"},
		{name: "idle_in_transaction_session_timeout", value: "0", why: "a snapshot is held while others read"},
		{name: "idle_session_timeout", value: "0", why: "the run's lock is held by an idle session"},
		{name: "transaction_timeout", value: "0", when: connected, why: "as statement_timeout; PostgreSQL 17 has it"},
		{name: "stats_fetch_consistency", value: "none", when: connected, why: "change counters are read fresh; PostgreSQL 15 has it"},
		// What is made on the target.
		{name: "default_table_access_method", value: "heap", why: "another one may keep no row ids, no locks or no rows"},
		{name: "default_tablespace", value: "", why: "tables go where the database's are; one of the role's may lie elsewhere"},
		{name: "check_function_bodies", value: "on", why: "nothing is made unchecked"},
		// The connection.
		{name: "client_min_messages", value: "error", why: "notices are read by nobody, and at debug levels outweigh the rows"},
		{name: "log_parameter_max_length_on_error", value: "0", why: "keys of rows stay out of the server's log"},
		{name: "force_parallel_mode", value: "off", when: connected, why: "functions that are wrongly marked as parallel safe; until PostgreSQL 15"},
		{name: "debug_parallel_query", value: "off", when: connected, why: "as force_parallel_mode, its name since PostgreSQL 16"},
		{name: "tcp_keepalives_idle", value: "30", why: "a host that lost power closes no socket"},
		{name: "tcp_keepalives_interval", value: "10", why: "as tcp_keepalives_idle"},
		{name: "tcp_keepalives_count", value: "3", why: "as tcp_keepalives_idle"},
		{name: "tcp_user_timeout", value: "0", why: "a slow network is not a dead one; keepalives tell"},
	}
}

// harmlessGroup are settings that are left alone, separated by blanks.
type harmlessGroup struct{ names, why string }

// harmlessSettings are those that were looked at and change neither rows nor structures.
func harmlessSettings() []harmlessGroup {
	return []harmlessGroup{
		{"application_name", "every session sends its own"},
		{"cpu_index_tuple_cost cpu_operator_cost cpu_tuple_cost cursor_tuple_fraction effective_cache_size " +
			"enable_async_append enable_bitmapscan enable_distinct_reordering enable_gathermerge enable_group_by_reordering enable_hashagg enable_hashjoin " +
			"enable_incremental_sort enable_indexonlyscan enable_indexscan enable_material enable_memoize enable_mergejoin enable_nestloop " +
			"enable_parallel_append enable_parallel_hash enable_partition_pruning enable_partitionwise_aggregate enable_partitionwise_join " +
			"enable_presorted_aggregate enable_self_join_elimination enable_seqscan enable_sort enable_tidscan from_collapse_limit geqo geqo_effort " +
			"geqo_generations geqo_pool_size geqo_seed geqo_selection_bias geqo_threshold join_collapse_limit plan_cache_mode random_page_cost " +
			"recursive_worktable_factor seq_page_cost parallel_setup_cost parallel_tuple_cost parallel_leader_participation " +
			"min_parallel_index_scan_size min_parallel_table_scan_size max_parallel_maintenance_workers max_parallel_workers max_parallel_workers_per_gather " +
			"jit jit_above_cost jit_expressions jit_inline_above_cost jit_optimize_above_cost jit_tuple_deforming",
			"they choose a plan; every plan yields the same rows"},
		{"synchronize_seqscans", "the order of rows; digests and copies do not depend on it"},
		{
			"backend_flush_after effective_io_concurrency maintenance_io_concurrency io_combine_limit " +
				"file_copy_method hash_mem_multiplier work_mem maintenance_work_mem " +
				"logical_decoding_work_mem temp_buffers wal_skip_threshold gin_pending_list_limit commit_siblings vacuum_buffer_usage_limit",
			"memory and input/output: time, not rows",
		},
		{"temp_tablespaces", "where a sort spills; one that is missing or full is an error"},
		{"default_toast_compression", "how a value is stored, not what it is"},
		{"default_statistics_target vacuum_cost_delay vacuum_cost_limit vacuum_cost_page_dirty vacuum_cost_page_hit vacuum_cost_page_miss " +
			"vacuum_failsafe_age vacuum_freeze_min_age vacuum_freeze_table_age vacuum_max_eager_freeze_failure_rate vacuum_multixact_failsafe_age " +
			"vacuum_multixact_freeze_min_age vacuum_multixact_freeze_table_age vacuum_truncate",
			"how ANALYZE and VACUUM work"},
		{"debug_pretty_print debug_print_parse debug_print_plan debug_print_raw_parse debug_print_rewritten debug_logical_replication_streaming " +
			"escape_string_warning trace_notify trace_sort",
			"what is logged; notices are not sent to the client"},
		{"client_connection_check_interval wal_sender_timeout", "how soon the server notices that a client is gone"},
		{"createrole_self_grant password_encryption scram_iterations icu_validation_level", "roles, passwords and collations, none of which are made"},
		{"local_preload_libraries", "code that the administrator loads into every session, as auditing does"},
		{"restrict_nonsystem_relation_kind", "views and foreign tables become errors, never fewer rows"},
		{"transaction_deferrable transaction_isolation transaction_read_only", "of the current transaction; each begins with its own"},
		// What only a superuser may change.
		{"allow_in_place_tablespaces allow_system_table_mods dynamic_library_path extension_control_path extension_destdir session_preload_libraries " +
			"lo_compat_privileges event_triggers", "what a superuser may do or load, none of which dmoctl does"},
		{
			"backtrace_functions compute_query_id jit_debugging_support jit_dump_bitcode jit_profiling_support " +
				"lc_messages log_connections log_disconnections log_duration " +
				"log_error_verbosity log_executor_stats log_lock_failures log_lock_waits log_min_duration_sample " +
				"log_min_duration_statement log_min_error_statement log_min_messages " +
				"log_parameter_max_length log_parser_stats log_planner_stats log_replication_commands log_statement log_statement_sample_rate " +
				"log_statement_stats log_temp_files log_transaction_sample_rate track_activities track_functions " +
				"track_io_timing track_wal_io_timing track_cost_delay_timing " +
				"update_process_title post_auth_delay trace_syslogger",
			"what the server logs and measures; errors are told apart by code, not by text",
		},
		{"track_counts", "of dmoctl's own sessions, whose writes nobody counts; a writer's session decides for itself"},
		{"commit_delay deadlock_timeout debug_discard_caches ignore_system_indexes", "time, not rows"},
		{"max_stack_depth temp_file_limit", "a limit that is an error once it is reached"},
		{"wal_compression wal_consistency_checking wal_init_zero wal_recycle", "how the log is written, not whether"},
	}
}
