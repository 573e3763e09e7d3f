package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

func TestOutOfLocksFailsOneTable(t *testing.T) {
	// Done: settings: 53200 for lack of locks fails one table, and the others continue.
	few := []pgtest.Option{pgtest.Setting("max_locks_per_transaction", "10"), pgtest.Setting("max_connections", "12")}
	t.Run("source", func(t *testing.T) { tooFewLocks(t, pgtest.Start(t, few...), pgtest.Shared(t)) })
	t.Run("target", func(t *testing.T) { tooFewLocks(t, pgtest.Shared(t), pgtest.Start(t, few...)) })
}

func tooFewLocks(t *testing.T, source, target *pgtest.Server) {
	t.Helper()
	b := newBed(t, source, target, specOptions{})
	b.fill(t, 2, 2_000)
	b.source.Exec(t, b.sourceDB, "CREATE TABLE parted (id int NOT NULL, v text) PARTITION BY RANGE (id)")
	for from := 0; from < 1000; from += 100 { // in parts, because the server has too few locks for all in one message
		var parts strings.Builder
		for i := from; i < from+100; i++ {
			fmt.Fprintf(&parts, "CREATE TABLE parted_%d PARTITION OF parted FOR VALUES FROM (%d) TO (%d);\n", i, i, i+1)
		}
		b.source.Exec(t, b.sourceDB, parts.String())
	}
	b.source.Exec(t, b.sourceDB, "INSERT INTO parted_7 VALUES (7, 'v')")
	r := b.apply(t, 1)
	if failed := len(r.events(t, "package.failed")) + len(r.events(t, "table.failed")); failed != 1 {
		t.Errorf("%d failures are listed for one table", failed)
	}
	if !strings.Contains(r.stderr, "parted") || !strings.Contains(r.stderr, "max_locks_per_transaction") || !strings.Contains(r.stderr, "53200") {
		t.Errorf("the failure is not explained:\n%s", r.stderr)
	}
	if strings.Contains(r.stderr, "No space left") {
		t.Errorf("taken for a full disk:\n%s", r.stderr)
	}
	const rows = "SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM "
	for _, table := range []string{"keyed00", "bare01"} {
		if want, got := b.source.Query(t, b.sourceDB, rows+table+" t"), b.target.Query(t, b.targetDB, rows+table+" t"); want != got {
			t.Errorf("%s: %s, want %s", table, got, want)
		}
	}
}
