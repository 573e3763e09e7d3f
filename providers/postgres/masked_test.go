package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/providers"
)

func TestRowSecurityRefused(t *testing.T) {
	// Done: view: masked: row security of PostgreSQL, on a table or one of its partitions, is refused unless the role is exempt
	s := pgtest.Shared(t)
	const tables = `CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 10); CREATE TABLE p (k int) PARTITION BY LIST (k);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); INSERT INTO p VALUES (1), (1); GRANT SELECT ON ALL TABLES IN SCHEMA public TO %[1]s;`
	for name, c := range map[string]struct{ sql, role, want string }{
		"none":                   {"", "LOGIN", ""},
		"on the table":           {"ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON t USING (id < 3);", "LOGIN", "t"},
		"on a partition":         {"ALTER TABLE p1 ENABLE ROW LEVEL SECURITY;", "LOGIN", "p1"},
		"with BYPASSRLS":         {"ALTER TABLE t ENABLE ROW LEVEL SECURITY;", "LOGIN BYPASSRLS", ""},
		"the owner":              {"ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t OWNER TO %[1]s;", "LOGIN", ""},
		"the owner, forced":      {"ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY; ALTER TABLE t OWNER TO %[1]s;", "LOGIN", "t"},
		"no SELECT on partition": {"REVOKE SELECT ON p1 FROM %[1]s;", "LOGIN", "p1"},
	} {
		t.Run(name, func(t *testing.T) {
			url := s.NewDatabase(t)
			role := "reader_" + url[strings.LastIndex(url, "/")+1:]
			role, _, _ = strings.Cut(role, "?")
			s.Exec(t, url, fmt.Sprintf("CREATE ROLE %[1]s PASSWORD 'x' "+c.role+";"+tables+c.sql, role))
			t.Cleanup(func() { _ = s.TryExec(url, "DROP OWNED BY "+role+" CASCADE; DROP ROLE "+role) })
			db := openSource(t, s.URLAs(role, "x", strings.TrimPrefix(role, "reader_")))
			c0, err := db.Catalog(t.Context(), providers.Selector{})
			if err != nil {
				t.Fatal(err)
			}
			found, err := db.Preflight(t.Context(), c0.Tables)
			if err != nil {
				t.Fatal(err)
			}
			var stops string
			for _, f := range found {
				if f.Stop {
					stops += f.Summary + ": " + f.Detail
				}
			}
			if (stops == "") != (c.want == "") || c.want != "" && !strings.Contains(stops, " "+c.want) {
				t.Errorf("stops at %q, want %q", stops, c.want)
			}
			// Without the preflight the server refuses as well: rows are never left out.
			sn, err := db.Snapshot(t.Context(), providers.SnapshotOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer sn.Close()
			rows := int64(0)
			v, err := sn.Begin(t.Context(), c0.Tables)
			if err == nil {
				defer v.Close()
				var n []providers.Counted
				n, err = v.Count(t.Context(), c0.Tables)
				for _, x := range n {
					rows += x.Rows
				}
			}
			if err == nil && rows != 12 {
				t.Errorf("%d of 12 rows are seen without an error", rows)
			}
			if (err == nil) != (c.want == "") {
				t.Errorf("count: %v", err)
			}
		})
	}
}
