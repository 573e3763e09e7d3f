package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	sqlitedb "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// spoken is how long a command may wait without a word.
const spoken = 5 * time.Second

// lockFor holds an ACCESS EXCLUSIVE lock on a table, in a session of psql, for a while.
func lockFor(t *testing.T, s *pgtest.Server, db, table string, d time.Duration) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		done <- s.TryExec(db, fmt.Sprintf("SET application_name = 'nightly job'; BEGIN; LOCK TABLE %s IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(%g); COMMIT", table, d.Seconds()))
	}()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	for end := time.Now().Add(20 * time.Second); s.Query(t, db, "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = '"+table+"'::regclass") != "1"; {
		if time.Now().After(end) {
			t.Fatal("the lock was not taken")
		}
	}
}

func TestLockWaitsReported(t *testing.T) {
	// Done: shell: plan, apply and verify behind a lock of another session say for whom within 5 s
	b := newBed(t, pgtest.Shared(t), pgtest.Shared(t), specOptions{parts: 2})
	b.fill(t, 2, 20000)
	named := func(text string) bool {
		return strings.Contains(text, `of "nightly job" (user postgres, from`) && strings.Contains(text, "to release its lock on") && strings.Contains(text, "open since")
	}
	t.Run("catalog", func(t *testing.T) {
		lockFor(t, b.source, b.sourceDB, "keyed00", 2*spoken)
		started := time.Now()
		if b.ok(t, 0, b.dir, "plan"); time.Since(started) > 2*spoken {
			t.Error("a catalog was read behind the lock")
		}
	})
	t.Run("plan", func(t *testing.T) {
		load := newBed(t, pgtest.Shared(t), pgtest.Shared(t), specOptions{existing: "load"})
		for _, side := range []string{load.sourceDB, load.targetDB} {
			load.source.Exec(t, side, "CREATE TABLE there (id int PRIMARY KEY)")
		}
		lockFor(t, load.target, load.targetDB, "there", spoken)
		if r := load.ok(t, 0, load.dir, "plan"); !named(r.stderr) {
			t.Errorf("nothing was said:\n%s", r.stderr)
		}
	})
	t.Run("apply", func(t *testing.T) {
		lockFor(t, b.source, b.sourceDB, "keyed00", spoken+3*time.Second)
		started := time.Now()
		r := b.apply(t, 0)
		for _, e := range parseEvents(r.stdout) {
			if e.Event == report.Waiting && named(e.Message) {
				if took := e.Time.Sub(started); took > spoken {
					t.Errorf("said after %s", took)
				}
				return
			}
		}
		t.Errorf("nothing was said:\n%s%s", tail(r.stdout), r.stderr)
	})
	t.Run("verify", func(t *testing.T) {
		lockFor(t, b.target, b.targetDB, "bare01", spoken)
		if r := b.ok(t, 0, b.dir, "verify", "--content"); !named(r.stderr) {
			t.Errorf("nothing was said:\n%s", r.stderr)
		}
	})
	b.equal(t, contents(t, b.source, b.sourceDB))
}

func TestRunStoppedInPrimaryKeyBuild(t *testing.T) {
	// Done: shell: a run that was stopped inside its ADD PRIMARY KEY: the next one says whose lock it is, and ends with 4
	b := newBed(t, pgtest.Shared(t), pgtest.Shared(t), specOptions{consistency: "quiet", parts: 2})
	b.source.Exec(t, b.sourceDB, "CREATE TABLE big (id int PRIMARY KEY, v text); INSERT INTO big SELECT g, md5(g::text) FROM generate_series(1, 400000) g; ANALYZE")
	run := b.startApply(t)
	// The key's transaction is open from its statement on until the run, which is stopped, reads the answer.
	for end := time.Now().Add(time.Minute); b.target.Query(t, b.targetDB, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'ALTER TABLE%PRIMARY KEY%' AND state = 'active' AND pid <> pg_backend_pid()") == "0"; {
		if time.Now().After(end) {
			t.Fatal("no key was made")
		}
	}
	run.signal(t, syscall.SIGSTOP)
	started := time.Now()
	second := b.other(t, b.targetURL)
	r := second.apply(t, 4)
	if took := time.Since(started); took > 20*time.Second {
		t.Errorf("the second run ended after %s", took)
	}
	if !strings.Contains(r.stderr, fmt.Sprintf("(pid %d)", run.cmd.Process.Pid)) {
		t.Errorf("the owner is not named:\n%s", r.stderr)
	}
	run.signal(t, syscall.SIGCONT)
	if r := run.wait(t, time.Minute); r.exit != 0 {
		t.Errorf("exit %d\n%s", r.exit, r.stderr)
	}
	b.equal(t, contents(t, b.source, b.sourceDB))
}

func TestLockedFilesReported(t *testing.T) {
	// Done: shell: a file of SQLite, or the state, that another process has locked is named within 5 s
	d := binary()
	for name, file := range map[string]string{"target": "new.db", "source": "erp.db", "state": ".dmo/state.db"} {
		t.Run(name, func(t *testing.T) {
			dir := smallMove(t, d, 100)
			d.ok(t, 0, dir, "apply", "--auto-approve")
			conn, err := sqlitedb.OpenConn(filepath.Join(dir, file), sqlitedb.OpenReadWrite)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			lock := "BEGIN IMMEDIATE"
			if name == "source" {
				lock = "PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE"
			}
			for _, statement := range strings.Split(lock, "; ") {
				if err := sqlitex.ExecuteTransient(conn, statement, nil); err != nil {
					t.Fatal(err)
				}
			}
			p := d.start(t, dir, "apply", "--auto-approve", "--reload", "*")
			time.Sleep(spoken)
			if err := sqlitex.ExecuteTransient(conn, "ROLLBACK", nil); err != nil {
				t.Fatal(err)
			}
			r := p.wait(t, time.Minute)
			if r.exit != 0 || !strings.Contains(r.stderr, "waiting: ") || !strings.Contains(r.stderr, filepath.Base(file)) || !strings.Contains(r.stderr, fmt.Sprint("process ", os.Getpid())) && name != "state" {
				t.Errorf("exit %d, and nothing was said:\n%s%s", r.exit, r.stdout, r.stderr)
			}
		})
	}
}
