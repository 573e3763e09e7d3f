package e2e

import (
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

func TestVerifyAfterTargetTampering(t *testing.T) {
	s := pgtest.Shared(t)
	for name, x := range map[string]struct{ sql, table string }{
		"row deleted":    {"DELETE FROM bare01 WHERE id = 7", "bare01"},
		"row twice":      {"INSERT INTO bare01 SELECT * FROM bare01 WHERE id = 7", "bare01"},
		"two swapped":    {"UPDATE keyed00 SET note = (SELECT note FROM keyed00 k WHERE k.id = 31 - keyed00.id) WHERE id IN (11, 20)", "keyed00"},
		"table dropped":  {"DROP TABLE keyed02", "keyed02"},
		"column dropped": {"ALTER TABLE bare03 DROP note", "bare03"},
		"table emptied":  {"TRUNCATE keyed02", "keyed02"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, s, s, specOptions{})
			b.fill(t, 4, 100)
			b.apply(t, 0)
			b.ok(t, 0, b.dir, "verify")
			b.target.Exec(t, b.targetDB, x.sql)
			for _, args := range [][]string{{"verify"}, {"verify", "--content"}} {
				r := b.ok(t, 3, b.dir, args...)
				if out := r.stdout + r.stderr; !strings.Contains(out, "3 tables equal, 1 table different") || !strings.Contains(out, "DIFFERENT public."+x.table) {
					t.Errorf("%v does not name the one table:\n%s", args, out)
				}
			}
		})
	}
}
