package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// application opens a session that stays open after what it does, as an application's pool does.
func application(t *testing.T, url, sql string) *pgconn.PgConn {
	t.Helper()
	c, err := pgconn.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	say(t, c, sql)
	return c
}

func say(t *testing.T, c *pgconn.PgConn, sql string) {
	t.Helper()
	if _, err := c.Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatal(err)
	}
}

func TestIdleSessionWriteStopsQuietCopy(t *testing.T) {
	// Done: view: quiet: what an idle session has written ends the run with exit 5, by name, and closes nothing
	b, p, _ := throughProxy(t, specOptions{consistency: "quiet", parts: 6, processes: 1})
	b.fill(t, 1, 30000)
	p.slow(20 * time.Millisecond)
	run := b.startApply(t)
	run.waitFor(t, "package.done", 2)
	application(t, b.sourceURL, "UPDATE keyed00 SET amount = amount + 1 WHERE id = 3")
	p.slow(0)
	if r := run.wait(t, 2*time.Minute); r.exit != 5 || !strings.Contains(r.stderr, "keyed00") {
		t.Fatalf("exit %d, want 5 with the table's name\n%s", r.exit, tail(r.stderr))
	}
	b.apply(t, 0) // the table is recorded as to be copied again
	b.equal(t, contents(t, b.source, b.sourceDB))
}

func TestCrossTableWriteDuringQuietCopy(t *testing.T) {
	// Done: view: quiet, together: a transaction from a table that is done to one that is not ends with exit 5, by name
	for _, c := range []struct{ mode, until string }{{"pipe", "postprocess"}, {"file", "postprocess"}, {"pipe", "downtime"}} {
		t.Run(c.mode+" until "+c.until, func(t *testing.T) {
			b, p, _ := throughProxy(t, specOptions{consistency: "quiet", parts: 1, processes: 1, mode: c.mode})
			b.source.Exec(t, b.sourceDB, `CREATE TABLE big (id int PRIMARY KEY, v int, pad text); CREATE TABLE small (id int PRIMARY KEY, v int, pad text);
INSERT INTO big SELECT i, 100, repeat(md5(i::text), 8) FROM generate_series(1, 20000) i; INSERT INTO small SELECT i, 100, repeat(md5(i::text), 8) FROM generate_series(1, 15000) i; ANALYZE`)
			p.slow(10 * time.Millisecond)
			run := b.startApply(t, "--until", c.until)
			run.waitFor(t, "snapshot", 1)
			// The lock holds the smaller table back until the larger one is done and was compared.
			app := application(t, b.sourceURL, "BEGIN; LOCK TABLE small IN ACCESS EXCLUSIVE MODE")
			run.waitFor(t, "package.done", 1)
			b.complete(t, "big")
			say(t, app, "UPDATE big SET v = v - 50 WHERE id = 1; UPDATE small SET v = v + 50 WHERE id = 15000; COMMIT")
			p.slow(0)
			r := run.wait(t, 2*time.Minute)
			const sum = "SELECT (SELECT sum(v) FROM big) + (SELECT sum(v) FROM small)"
			if r.exit != 5 || !strings.Contains(r.stderr, "big") {
				t.Fatalf("exit %d, want 5 with the table's name; the source's sum is %s, the target's %s\n%s", r.exit,
					b.source.Query(t, b.sourceDB, sum), b.target.Query(t, b.targetDB, sum), tail(r.stderr))
			}
			if closed := b.target.Query(t, b.targetDB, "SELECT count(*) FROM dmo.run WHERE closed"); closed != "0" {
				t.Error("the migration was closed")
			}
			b.apply(t, 0) // the table is recorded as to be copied again
			b.equal(t, contents(t, b.source, b.sourceDB))
		})
	}
}

func TestCrossTableWriteBeforeResume(t *testing.T) {
	// Done: view: quiet, together: a transfer between a kill and the next run is found in the table that was done before
	b, p, _ := throughProxy(t, specOptions{consistency: "quiet", parts: 1, processes: 1})
	b.source.Exec(t, b.sourceDB, `CREATE TABLE big (id int PRIMARY KEY, v int, pad text); CREATE TABLE other (id int PRIMARY KEY, v int, pad text);
INSERT INTO big SELECT i, 100, repeat(md5(i::text), 8) FROM generate_series(1, 60000) i; INSERT INTO other SELECT i, 100, repeat(md5(i::text), 8) FROM generate_series(1, 50000) i; ANALYZE`)
	p.slow(20 * time.Millisecond)
	run := b.startApply(t)
	run.waitFor(t, "package.done", 1)
	b.complete(t, "big")
	if err := run.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-run.done
	p.slow(0)
	b.source.Exec(t, b.sourceDB, "BEGIN; UPDATE big SET v = v - 50 WHERE id = 1; UPDATE other SET v = v + 50 WHERE id = 1; COMMIT")
	r := b.apply(t, 5)
	if !strings.Contains(r.stderr, "big") {
		t.Errorf("the table is not named\n%s", tail(r.stderr))
	}
	b.apply(t, 0, "--reload", "*")
	b.equal(t, contents(t, b.source, b.sourceDB))
}

// complete waits until the ledger says that all of a table is in and was compared.
func (b *environment) complete(t *testing.T, table string) {
	t.Helper()
	const sql = "SELECT count(*) FROM dmo.tables WHERE state IN ('complete', 'counted', 'compared') AND source_name = "
	for end := time.Now().Add(30 * time.Second); b.target.Query(t, b.targetDB, sql+"'"+table+"'") != "1"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s is not complete", table)
		}
	}
}
