package oracle

import (
	"context"
	"strings"
)

// parameter is a setting of a session that changes what is read. A logon trigger may set any of them.
type parameter struct{ name, value, why string }

// pinnedParameters is the one list of what every session sets. The first two change others
// along, so they come first.
func pinnedParameters() []parameter {
	return []parameter{
		{"NLS_LANGUAGE", "'AMERICAN'", "names of days and months, and what messages say; sets NLS_DATE_LANGUAGE and NLS_SORT"},
		{"NLS_TERRITORY", "'AMERICA'", "sets formats, currency and numeric characters"},
		{"NLS_NUMERIC_CHARACTERS", "'.,'", "numbers that are spelled as text"},
		{"NLS_CALENDAR", "'GREGORIAN'", "dates that are spelled as text"},
		{"NLS_DATE_FORMAT", "'YYYY-MM-DD HH24:MI:SS'", "dates that virtual columns and checks make text of"},
		{"NLS_TIMESTAMP_FORMAT", "'YYYY-MM-DD HH24:MI:SSXFF'", "as NLS_DATE_FORMAT"},
		{"NLS_TIMESTAMP_TZ_FORMAT", "'YYYY-MM-DD HH24:MI:SSXFF TZH:TZM'", "as NLS_DATE_FORMAT"},
		{"NLS_DATE_LANGUAGE", "'AMERICAN'", "as NLS_DATE_FORMAT"},
		{"NLS_SORT", "'BINARY'", "key ranges compare bytes"},
		{"NLS_COMP", "'BINARY'", "as NLS_SORT"},
		{"NLS_NCHAR_CONV_EXCP", "'TRUE'", "a character that is lost in a conversion is an error"},
		{"QUERY_REWRITE_ENABLED", "FALSE", "a materialized view may answer in the table's place, and be stale"},
		{"RESULT_CACHE_MODE", "MANUAL", "rows and counts are read, not remembered"},
		{"TIME_ZONE", "'+00:00'", "instants"},
	}
}

// setUp makes the session read alike everywhere. Rows that are archived in place are seen.
func (s *session) setUp(ctx context.Context) error {
	var all []string
	for _, p := range pinnedParameters() {
		all = append(all, p.name+"="+p.value)
	}
	last := len(all) - 1 // TIME_ZONE is a statement of its own, as ROW ARCHIVAL is
	for _, sql := range []string{strings.Join(all[:2], " "), strings.Join(all[2:last], " "), all[last], "ROW ARCHIVAL VISIBILITY = ALL"} {
		if err := s.exec(ctx, "set up a session", "ALTER SESSION SET "+sql); err != nil {
			return err
		}
	}
	return nil
}
