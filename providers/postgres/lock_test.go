package postgres_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/providers"
)

// field is a source with one table of rows, and an empty target that has the table.
type field struct {
	server   *pgtest.Server
	src, dst string
	source   providers.Database
	pair     pair
}

func newField(t *testing.T) *field {
	t.Helper()
	s := pgtest.Shared(t)
	f := &field{server: s, src: s.NewDatabase(t), dst: s.NewDatabase(t)}
	s.Exec(t, f.src, "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 1000) i")
	s.Exec(t, f.dst, "CREATE TABLE t (id int NOT NULL, v text)")
	f.source = openSource(t, f.src)
	c, err := f.source.Catalog(context.Background(), providers.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	f.pair = mapAll(t, c)[0]
	return f
}

func (f *field) snapshot(t *testing.T) providers.Snapshot {
	t.Helper()
	sn, err := f.source.Snapshot(context.Background(), providers.SnapshotOptions{Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sn.Close() })
	return sn
}

func (f *field) rows(t *testing.T) string {
	t.Helper()
	return f.server.Query(t, f.dst, "SELECT count(*), count(DISTINCT id) FROM t")
}

var whole = ledger.Loaded{Migration: "test", ID: "public.t/0001", Source: catalog.Name{Schema: "public", Name: "t"}, Generation: "g", Run: "id", Snapshot: "s"}

// halfway claims and loads, but does not commit.
func (f *field) halfway(t *testing.T, s providers.Session) providers.Tx {
	t.Helper()
	ctx := context.Background()
	v, err := f.snapshot(t).Begin(ctx, []*catalog.Table{f.pair.source})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	tx, err := s.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if in, err := tx.Claim(ctx, []ledger.Loaded{whole}); err != nil || len(in) > 0 {
		t.Fatalf("claim: %v, %v", in, err)
	}
	if n, err := pipe(ctx, v, tx, f.pair, catalog.WholeTable()); err != nil || n != 1000 {
		t.Fatalf("load: %d rows, %v", n, err)
	}
	return tx
}

// cutOff ends the session that holds a run's lock, as the death of its host would.
func (f *field) cutOff(t *testing.T) {
	t.Helper()
	const holders = `SELECT count(pg_terminate_backend(l.pid, 5000)) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.mode = 'ExclusiveLock' AND a.datname = current_database()`
	if got := f.server.Query(t, f.dst, holders); got != "1" {
		t.Fatalf("%s sessions held a lock", got)
	}
}

func wantKind(t *testing.T, what string, err error, kind providers.Kind) {
	t.Helper()
	if err == nil || providers.KindOf(err) != kind {
		t.Errorf("%s: %v (kind %q), want kind %q", what, err, providers.KindOf(err), kind)
	}
}

func TestLockConflictNamesOwner(t *testing.T) {
	// Failure scenario: two applies at once on one target: the second is refused with the owner's name.
	f := newField(t)
	first := lock(t, openTarget(t, f.dst), "one")
	_, err := openTarget(t, f.dst).Lock(context.Background(), run("two"), nil)
	wantKind(t, "second lock", err, providers.Locked)
	if err == nil || !strings.Contains(err.Error(), "ana@db1") {
		t.Errorf("the owner is not named: %v", err)
	}
	first.Close()
	lock(t, openTarget(t, f.dst), "two")
}

func TestFencedRunCannotWrite(t *testing.T) {
	// Invariant 2: every run first renews the token; a run that was stopped before its claim or in a reload finds itself fenced.
	f := newField(t)
	ctx := context.Background()
	old := lock(t, openTarget(t, f.dst), "old")
	before, err := old.Begin(ctx) // stopped before its claim
	if err != nil {
		t.Fatal(err)
	}
	defer before.Rollback(ctx)
	f.cutOff(t)
	f.server.Exec(t, f.dst, "INSERT INTO t VALUES (0, 'theirs')")
	lock(t, openTarget(t, f.dst), "new")
	_, err = before.Claim(ctx, []ledger.Loaded{whole})
	wantKind(t, "claim", err, providers.Fenced)
	time.Sleep(1100 * time.Millisecond) // the loss of the lock is looked for once a second
	_, err = old.Read(ctx)
	wantKind(t, "read", err, providers.Fenced)
	wantKind(t, "record", old.Record(ctx, ledger.Change{RemoveTables: []catalog.Name{{Schema: "public", Name: "t"}}}), providers.Fenced)
	wantKind(t, "alter", old.Alter(ctx, []providers.DDL{providers.DropTable{Table: f.pair.target.Name}}), providers.Fenced)
	wantKind(t, "reload", old.Reload(ctx, []providers.ReloadTable{{Source: f.pair.source.Name, Target: f.pair.target}}), providers.Fenced)
	if got := f.rows(t); got != "1|1" {
		t.Errorf("rows after the fenced run: %s", got)
	}
}

func TestTakeoverWaitsForOpenTransaction(t *testing.T) {
	// Failure scenario: a killed run's COMMIT; a run stopped in mid-load continues after a takeover: the next run waits and says for whom, then finds the package in.
	f := newField(t)
	ctx := context.Background()
	old := lock(t, openTarget(t, f.dst), "old")
	tx := f.halfway(t, old)
	f.cutOff(t)
	waits := make(chan string, 100)
	type locked struct {
		s   providers.Session
		err error
	}
	done := make(chan locked)
	dst := openTarget(t, f.dst)
	go func() {
		s, err := dst.Lock(ctx, run("new"), func(what string) { waits <- what })
		done <- locked{s, err}
	}()
	if what := <-waits; !strings.Contains(what, "id-old of ana@db1") || !strings.Contains(what, "session") {
		t.Errorf("waits for %q", what)
	}
	if err := tx.Commit(ctx, []ledger.Loaded{whole}); err != nil {
		t.Fatal(err)
	}
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	defer got.s.Close()
	c, err := got.s.Read(ctx)
	if err != nil || len(c.Loaded) != 1 || c.Run.Token != "new" {
		t.Fatalf("ledger after the wait: %+v, %v", c, err)
	}
	again, err := got.s.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Rollback(ctx)
	if in, err := again.Claim(ctx, []ledger.Loaded{whole}); err != nil || len(in) != 1 {
		t.Errorf("claim of a loaded package: %v, %v", in, err)
	}
	if got := f.rows(t); got != "1000|1000" {
		t.Errorf("rows: %s", got)
	}
}

func TestTakeoverWaitsForDelayedCommit(t *testing.T) {
	// Failure scenario: a killed run's COMMIT is held back by a proxy while the next run starts: it waits, then finds the package in, and every row is in once.
	f := newField(t)
	ctx, kill := context.WithCancel(context.Background())
	p := newProxy(t, f.server.Address(), "COMMIT\x00")
	tx := f.halfway(t, lock(t, openTarget(t, p.url(f.dst)), "old"))
	p.armed.Store(true)
	gone := make(chan error)
	go func() { gone <- tx.Commit(ctx, []ledger.Loaded{whole}) }()
	<-p.held
	kill()
	wantKind(t, "commit of a killed run", <-gone, providers.Disconnected)
	f.cutOff(t)
	waits, done := make(chan string, 100), make(chan error)
	dst := openTarget(t, f.dst)
	var s providers.Session
	go func() {
		var err error
		s, err = dst.Lock(context.Background(), run("new"), func(what string) { waits <- what })
		done <- err
	}()
	<-waits
	p.release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := s.Read(context.Background())
	if err != nil || len(c.Loaded) != 1 {
		t.Errorf("ledger: %+v, %v", c, err)
	}
	if got := f.rows(t); got != "1000|1000" {
		t.Errorf("rows: %s", got)
	}
}

func TestUnlockEndsRun(t *testing.T) {
	// Invariant 11: locks die with their holder; unlock is for holders that cannot be seen to die.
	f := newField(t)
	ctx := context.Background()
	old := lock(t, openTarget(t, f.dst), "old")
	tx := f.halfway(t, old)
	dst := openTarget(t, f.dst)
	wantKind(t, "unlock of another id", dst.Unlock(ctx, "test", "id-other"), providers.NotFound)
	if err := dst.Unlock(ctx, "test", "id-old"); err != nil {
		t.Fatal(err)
	}
	lock(t, dst, "new")
	if err := tx.Commit(ctx, []ledger.Loaded{whole}); err == nil {
		t.Error("a run that was unlocked commits")
	}
	if got := f.rows(t); got != "0|0" {
		t.Errorf("rows: %s", got)
	}
}

func TestUserSchemaWithLedgerNameRefused(t *testing.T) {
	// Invariant 1: a user's table of the ledger's name is an error.
	f := newField(t)
	f.server.Exec(t, f.dst, "CREATE SCHEMA dmo; CREATE TABLE dmo.loaded (a int)")
	dst := openTarget(t, f.dst)
	_, err := dst.Ledger(context.Background(), "test")
	wantKind(t, "ledger", err, providers.Exists)
	_, err = dst.Lock(context.Background(), run("one"), nil)
	wantKind(t, "lock", err, providers.Exists)
}
