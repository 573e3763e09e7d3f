package oracle_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	simulator "github.com/dmoctl/dmoctl/internal/testbed/sim/oracle"
	"github.com/dmoctl/dmoctl/providers"
)

func TestFilteredAndMaskedReadsRefused(t *testing.T) {
	// Done: view: masked: rows that a policy of Oracle's hides, or values that it redacts, are refused unless the user is exempt
	const rls = "BEGIN DBMS_RLS.ADD_POLICY(object_schema => '" + testUser + "', object_name => 'N', policy_name => 'P', function_schema => '" + testUser + "', policy_function => 'NOTHING'); END;"
	const redact = "BEGIN DBMS_REDACT.ADD_POLICY(object_schema => '" + testUser + "', object_name => 'N', column_name => 'V', policy_name => 'R', function_type => DBMS_REDACT.FULL, expression => '1=1'); END;"
	rights := []string{"CREATE SESSION", "CREATE TABLE", "UNLIMITED TABLESPACE", "SELECT ANY TABLE", "FLASHBACK ANY TABLE", "EXECUTE ON DBMS_FLASHBACK", "EXECUTE ANY PROCEDURE"}
	for _, c := range []struct {
		name, policy, want string // of the finding that stops; "" is none
		rights             []string
	}{
		{"nothing", "", "", []string{"SELECT_CATALOG_ROLE"}},
		{"hidden rows", rls, "Row security hides rows", []string{"SELECT_CATALOG_ROLE"}},
		{"hidden rows, exempt", rls, "", []string{"SELECT_CATALOG_ROLE", "EXEMPT ACCESS POLICY"}},
		{"redacted values", redact, "Redaction masks values", []string{"SELECT_CATALOG_ROLE"}},
		{"redacted values, exempt", redact, "", []string{"EXEMPT REDACTION POLICY"}},
		{"redaction policies not readable", redact, "Redaction cannot be seen", nil},
		{"a policy that is off", strings.Replace(redact, "'1=1'", "'1=1', enable => FALSE", 1), "", []string{"SELECT_CATALOG_ROLE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t, &simulator.Options{Privileges: append(rights, c.rights...)})
			b.exec(t, "CREATE TABLE N (ID NUMBER(10) PRIMARY KEY, V VARCHAR2(40))")
			for _, v := range []string{"1, 'v1'", "2, 'v2'", "3, 'v3'"} {
				b.exec(t, "INSERT INTO N VALUES ("+v+")")
			}
			if c.policy != "" {
				b.exec(t, c.policy)
			}
			db := b.source(t, nil)
			tb := b.table(t, db, "N")
			found, err := db.Preflight(t.Context(), []*catalog.Table{tb})
			if err != nil {
				t.Fatal(err)
			}
			var stops []string
			for _, f := range found {
				if f.Stop {
					stops = append(stops, f.Summary)
				}
				if f.Stop && c.policy != "" && !strings.Contains(f.Detail, "GRANT") {
					t.Errorf("%s does not say how to continue: %s", f.Summary, f.Detail)
				}
			}
			if got := strings.Join(stops, "; "); got != c.want {
				t.Errorf("stops at %q, want %q", got, c.want)
			}
			// What would be read otherwise: the policies are more than entries of a view.
			inView(t, db, providers.SnapshotOptions{Readers: 1}, []*catalog.Table{tb}, func(v providers.View) {
				all, err := rows(t.Context(), v, tb, catalog.WholeTable(), providers.ReadOptions{})
				if err != nil {
					t.Fatal(err)
				}
				exempt := c.want == ""
				if whole := len(all) == 3 && strings.Contains(fmt.Sprint(all), "7632"); whole != exempt {
					t.Errorf("read %q", all)
				}
			})
		})
	}
}
