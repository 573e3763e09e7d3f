package e2e

import (
	"cmp"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

// crashTables and crashRows make a run long enough that most of it is copying.
const (
	crashTables = 8
	crashRows   = 40000
	crashParts  = 4
)

// kills is how many crashes a test makes: 20 by default, more by DMO_CRASH_RUNS.
func kills(t *testing.T) int {
	t.Helper()
	s := cmp.Or(os.Getenv("DMO_CRASH_RUNS"), "20")
	n, err := strconv.Atoi(s)
	if err != nil || n < 2 {
		t.Fatalf("DMO_CRASH_RUNS is %q, want a number from 2", s)
	}
	return n / 2
}

func TestKillsWithQuietSource(t *testing.T) {
	// Failure scenario: SIGKILL of dmoctl: with a quiet source the next run copies exactly what is not in.
	crash(t, "quiet", func(t *testing.T, _ *environment, before []string, second result) {
		planned := crashTables * crashParts
		if got, want := len(second.events(t, "package.done")), planned-len(before); got != want {
			t.Errorf("the second run copied %d packages, want %d of %d", got, want, planned)
		}
	})
}

func TestKillsWithSnapshot(t *testing.T) {
	// Failure scenario: SIGKILL of dmoctl: with a snapshot, tables that are complete are not copied again.
	crash(t, "snapshot", func(t *testing.T, _ *environment, before []string, second result) {
		in := map[string]int{}
		for _, id := range before {
			in[tableOf(id)]++
		}
		for _, id := range second.events(t, "package.done") {
			if in[tableOf(id)] == crashParts {
				t.Errorf("%s was copied again, and its table was complete", id)
			}
		}
	})
}

func tableOf(packageID string) string {
	table, _, _ := strings.Cut(packageID, "/")
	return table
}

// crash kills runs at moments spread over a measured one and applies again.
func crash(t *testing.T, consistency string, check func(t *testing.T, b *environment, before []string, second result)) {
	source, target := pgtest.Start(t), pgtest.Start(t)
	b := newBed(t, source, target, specOptions{consistency: consistency, parts: crashParts})
	b.fill(t, crashTables, crashRows)
	want := contents(t, source, b.sourceDB)
	began := time.Now()
	b.apply(t, 0)
	whole := time.Since(began)
	b.equal(t, want)

	n, inside, early := kills(t), 0, 0
	for i := 0; i < n; i++ {
		b.fresh(t)
		began, at := time.Now(), whole*time.Duration(i+1)/time.Duration(n+1)
		p := b.startApply(t)
		select {
		case <-p.done: // faster than those before: the moments are spread over a shorter time
			whole = min(whole, time.Since(began))
			if early++; early > 3*n {
				t.Fatalf("%d runs were over before they could be killed, the last after %s", early, whole)
			}
			i--
			continue
		case <-time.After(at):
		}
		p.signal(t, syscall.SIGSTOP)
		if b.inTransaction(t) > 0 {
			inside++
		}
		first := b.runID(t)
		p.signal(t, syscall.SIGKILL)
		<-p.done
		second := b.apply(t, 0) // at once: what the killed run's sessions still do is its business to wait for
		b.equal(t, want)
		before := b.loadedBy(t, first)
		check(t, b, before, second)
		if t.Failed() {
			t.Fatalf("kill %d of %d after %s of %s", i+1, n, at, whole)
		}
	}
	t.Logf("%d kills over %s, %d of them inside a package transaction, %d times equal", n, whole, inside, n)
	if inside*5 < n {
		t.Errorf("only %d of %d kills fell into a package transaction, want at least one in five", inside, n)
	}
}

// fresh gives the environment an empty target and forgets its state.
func (b *environment) fresh(t *testing.T) {
	t.Helper()
	b.targetURL = b.target.NewDatabase(t)
	b.targetDB = database(t, b.targetURL)
	b.writeSpec(t)
	if err := os.RemoveAll(b.dir + "/.dmo"); err != nil {
		t.Fatal(err)
	}
}

// inTransaction counts the target's sessions that are inside a package transaction:
// they hold the token's lock in shared mode.
func (b *environment) inTransaction(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(b.target.Query(t, "postgres", `SELECT count(DISTINCT l.pid) FROM pg_locks l
JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.mode = 'ShareLock' AND l.granted AND a.datname = '`+b.targetDB+`'`)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// sessionsGone waits until the target has noticed that its client is dead.
func (b *environment) sessionsGone(t *testing.T) {
	t.Helper()
	for range 600 {
		if strings.TrimSpace(b.target.Query(t, "postgres", `SELECT count(*) FROM pg_stat_activity WHERE datname = '`+b.targetDB+`'`)) == "0" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("sessions of a killed run are still on the target after 30 s")
}

// loaded returns the ids of the packages that the ledger says are in.
func (b *environment) loaded(t *testing.T) []string {
	t.Helper()
	if strings.TrimSpace(b.target.Query(t, b.targetDB, `SELECT to_regclass('dmo.loaded') IS NOT NULL`)) != "t" {
		return nil
	}
	return strings.Fields(b.target.Query(t, b.targetDB, `SELECT id FROM dmo.loaded ORDER BY 1`))
}

// runID returns the id of the run that the ledger names, or "" without a ledger.
func (b *environment) runID(t *testing.T) string {
	t.Helper()
	if strings.TrimSpace(b.target.Query(t, b.targetDB, `SELECT to_regclass('dmo.run') IS NOT NULL`)) != "t" {
		return ""
	}
	return strings.TrimSpace(b.target.Query(t, b.targetDB, `SELECT owner::json->>'id' FROM dmo.run`))
}

// loadedBy returns the ids of the packages that a run brought in.
func (b *environment) loadedBy(t *testing.T, run string) []string {
	t.Helper()
	return strings.Fields(b.target.Query(t, b.targetDB, `SELECT id FROM dmo.loaded WHERE run = '`+run+`' ORDER BY 1`))
}
