package e2e

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// twins are two tables, and two columns, that differ in their rows only, and a partitioned table.
const twins = `CREATE TABLE a (id int PRIMARY KEY, v int, w int, pad text); CREATE TABLE a2 (id int PRIMARY KEY, v int, w int, pad text);
INSERT INTO a SELECT i, 1, 2, repeat('a', 150) FROM generate_series(1, %[1]d) i; INSERT INTO a2 SELECT i, 3, 4, repeat('b', 150) FROM generate_series(1, %[1]d) i;
CREATE TABLE p (k int, v int, pad text) PARTITION BY LIST (k); CREATE TABLE p0 PARTITION OF p FOR VALUES IN (0); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
INSERT INTO p SELECT i %% 2, i, repeat('p', 150) FROM generate_series(1, %[1]d) i; ANALYZE`

// there and back are changes of the catalog that leave every row as it is.
var thereAndBack = [][2]string{
	{"BEGIN; ALTER TABLE a RENAME TO x; ALTER TABLE a2 RENAME TO a; ALTER TABLE x RENAME TO a2; COMMIT", "BEGIN; ALTER TABLE a RENAME TO x; ALTER TABLE a2 RENAME TO a; ALTER TABLE x RENAME TO a2; COMMIT"},
	{"BEGIN; ALTER TABLE a RENAME v TO x; ALTER TABLE a RENAME w TO v; ALTER TABLE a RENAME x TO w; COMMIT", "BEGIN; ALTER TABLE a RENAME v TO x; ALTER TABLE a RENAME w TO v; ALTER TABLE a RENAME x TO w; COMMIT"},
	{"ALTER TABLE p DETACH PARTITION p1", "ALTER TABLE p ATTACH PARTITION p1 FOR VALUES IN (1)"},
	{"ALTER TABLE p DETACH PARTITION p0 CONCURRENTLY", "ALTER TABLE p ATTACH PARTITION p0 FOR VALUES IN (0)"},
	{"ALTER TABLE p0 RENAME TO y", "ALTER TABLE y RENAME TO p0"},
	{"ALTER SCHEMA public RENAME TO elsewhere; CREATE SCHEMA public; CREATE TABLE public.a (id int PRIMARY KEY, v int, w int, pad text); INSERT INTO public.a VALUES (1, 7, 7, 'x')",
		"DROP SCHEMA public CASCADE; ALTER SCHEMA elsewhere RENAME TO public"},
	{"BEGIN; ALTER TABLE a2 INHERIT a; COMMIT", "ALTER TABLE a2 NO INHERIT a"},
}

func TestCatalogChangesDuringCopy(t *testing.T) {
	// Done: view: random changes of the catalog, there and back, in mid-copy end equal, or with exit 5 and a table's name
	for _, consistency := range []string{"snapshot", "quiet"} {
		for _, mode := range []string{"pipe", "file"} {
			t.Run(consistency+" "+mode, func(t *testing.T) {
				b, p, _ := throughProxy(t, specOptions{consistency: consistency, mode: mode, parts: 5, processes: 2})
				b.source.Exec(t, b.sourceDB, fmt.Sprintf(twins, 12000))
				want := contents(t, b.source, b.sourceDB)
				seed := uint64(time.Now().UnixNano())
				t.Logf("seed %d", seed)
				random := rand.New(rand.NewPCG(seed, 1))
				p.slow(15 * time.Millisecond)
				run := b.startApply(t)
				run.waitFor(t, "snapshot", 1)
				changes := 0
				for run.count("run.done") == 0 && changes < 25 {
					c := thereAndBack[random.IntN(len(thereAndBack))]
					for _, sql := range c {
						changeCatalog(t, b, sql)
						time.Sleep(time.Duration(random.IntN(40)) * time.Millisecond)
					}
					changes++
				}
				p.slow(0)
				r := run.wait(t, 2*time.Minute)
				switch {
				case r.exit == 0:
					b.equal(t, want)
				case r.exit != 5 || !strings.Contains(r.stderr, "public."):
					t.Errorf("exit %d, want 0, or 5 with a table's name\n%s", r.exit, tail(r.stderr))
				}
				t.Logf("%d changes, exit %d", changes, r.exit)
				b.apply(t, 0, "--reload", "*")
				b.equal(t, want)
			})
		}
	}
}

// changeCatalog runs a statement that may have to wait for a view's locks.
func changeCatalog(t *testing.T, b *environment, sql string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		err := b.source.TryExec(b.sourceDB, "SET lock_timeout = '5s'; "+sql)
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func TestPartitionReattachedDuringCopy(t *testing.T) {
	// Done: view: a partition that is detached before a package and attached again in mid-copy is in the copy, in every run
	for _, by := range []string{"none", "auto", "partition"} {
		t.Run(by, func(t *testing.T) {
			b, p, _ := throughProxy(t, specOptions{processes: 1, by: by})
			b.source.Exec(t, b.sourceDB, fmt.Sprintf(twins, 15000))
			want := contents(t, b.source, b.sourceDB)
			p.slow(15 * time.Millisecond)
			run := b.startApply(t)
			run.waitFor(t, "snapshot", 1)
			b.source.Exec(t, b.sourceDB, "ALTER TABLE p DETACH PARTITION p1")
			run.waitFor(t, "package.started", 1)
			b.source.Exec(t, b.sourceDB, "ALTER TABLE p ATTACH PARTITION p1 FOR VALUES IN (1)")
			p.slow(0)
			r := run.wait(t, 2*time.Minute)
			switch {
			case r.exit == 0:
				b.equal(t, want)
			case r.exit != 5 || !strings.Contains(r.stderr, "public.p"):
				t.Errorf("exit %d, want 0, or 5 with the table's name\n%s", r.exit, tail(r.stderr))
			}
		})
	}
}
