package postgres_test

import (
	"context"
	"fmt"
	"math/rand"
	"strings"
	"sync"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/providers"
)

func TestRewrittenTableStops(t *testing.T) {
	// Invariant 9: file identity is read again before a table starts: TRUNCATE and VACUUM FULL show an older snapshot no rows, or half of them.
	for _, rewrite := range []string{"TRUNCATE t", "VACUUM FULL t", "DELETE FROM t; VACUUM FULL t", "ALTER TABLE t ALTER id TYPE bigint", "DROP TABLE t",
		"DROP TABLE t; CREATE TABLE t (id int, v text); INSERT INTO t VALUES (1, 'x')"} {
		t.Run(rewrite, func(t *testing.T) {
			f := newField(t)
			sn := f.snapshot(t)
			f.server.Exec(t, f.src, rewrite)
			_, err := sn.Begin(context.Background(), []*catalog.Table{f.pair.source})
			wantKind(t, "begin", err, providers.Changed)
			if err == nil || !strings.Contains(err.Error(), "public.t") {
				t.Errorf("the table is not named: %v", err)
			}
		})
	}
}

func TestTruncatedPartitionStopsTable(t *testing.T) {
	s := pgtest.Shared(t)
	src := s.NewDatabase(t)
	s.Exec(t, src, `CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
INSERT INTO p SELECT i % 2 + 1 FROM generate_series(1, 100) i; CREATE TABLE other (a int)`)
	db := openSource(t, src)
	c, err := db.Catalog(context.Background(), providers.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	sn, err := db.Snapshot(context.Background(), providers.SnapshotOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Close()
	s.Exec(t, src, "TRUNCATE p2")
	v, err := sn.Begin(context.Background(), c.Tables)
	if err != nil {
		t.Fatal(err)
	}
	p := c.Find(catalog.Name{Schema: "public", Name: "p"})
	_, err = v.Count(context.Background(), []*catalog.Table{p})
	wantKind(t, "count", err, providers.Changed)
	_, err = v.Read(context.Background(), p, catalog.WholeTable(), providers.ReadOptions{})
	wantKind(t, "read", err, providers.Changed)
	v.Close()
	v, err = sn.Begin(context.Background(), []*catalog.Table{c.Find(catalog.Name{Schema: "public", Name: "other"})})
	if err != nil {
		t.Fatalf("another table: %v", err)
	}
	v.Close()
}

func TestSnapshotLost(t *testing.T) {
	s := pgtest.Start(t)
	src := s.NewDatabase(t)
	s.Exec(t, src, "CREATE TABLE t (a int)")
	db := openSource(t, src)
	sn, err := db.Snapshot(context.Background(), providers.SnapshotOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Close()
	s.Exec(t, src, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE state = 'idle in transaction'")
	_, err = sn.Begin(context.Background(), nil)
	wantKind(t, "begin after the keeper's death", err, providers.SnapshotLost)
	if err := s.Stop(pgtest.Immediate); err != nil {
		t.Fatal(err)
	}
	_, err = sn.Begin(context.Background(), nil)
	wantKind(t, "begin without a server", err, providers.Disconnected)
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	_, err = sn.Begin(context.Background(), nil)
	wantKind(t, "begin after a restart", err, providers.SnapshotLost)
}

func TestRangesPartitionSnapshot(t *testing.T) {
	// Failure scenario: rows updated, moved, deleted, re-inserted, inserted on the source during the copy, with several packages a table, with and without a key.
	s := pgtest.Shared(t)
	ctx := context.Background()
	for _, how := range []catalog.SplitSpec{{By: "auto", Parts: 7}, {By: "key", Parts: 5}, {By: "partition"}, {By: "rowid", Parts: 4}} {
		t.Run(string(how.By), func(t *testing.T) {
			src, dst := s.NewDatabase(t), s.NewDatabase(t)
			partitioned, key := "", "PRIMARY KEY (c, a)"
			if how.By == "partition" {
				partitioned = " PARTITION BY HASH (a)"
			}
			if how.By == "auto" || how.By == "rowid" {
				key = "CHECK (a > 0)"
			}
			s.Exec(t, src, "CREATE TABLE t (c varchar(5) COLLATE \"C\" NOT NULL, a int NOT NULL, pad text, "+key+")"+partitioned)
			if how.By == "partition" {
				s.Exec(t, src, "CREATE TABLE t0 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1)")
			}
			s.Exec(t, src, "INSERT INTO t SELECT chr(65 + i % 26), i, repeat('x', i % 300) FROM generate_series(1, 20000) i")
			db, target := openSource(t, src), openTarget(t, dst)
			c, err := db.Catalog(ctx, providers.Selector{})
			if err != nil {
				t.Fatal(err)
			}
			p := mapAll(t, c)[0]
			session := lock(t, target, "one")
			structures(t, session, c, []pair{p})
			ls, ranges := packages(t, db, p, how)
			if len(ranges) < 2 {
				t.Fatalf("%d ranges", len(ranges))
			}
			sn, err := db.Snapshot(ctx, providers.SnapshotOptions{Readers: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer sn.Close()
			want := s.Query(t, src, "SELECT count(*), sum(hashtextextended(t::text, 0)) FROM t t")
			stop := disturb(t, s, src)
			defer stop()
			for _, i := range rand.Perm(len(ranges)) {
				if _, err := (course{sn, session}).load(ctx, p, ls[i], ranges[i]); err != nil {
					t.Fatal(err)
				}
			}
			stop()
			if got := s.Query(t, dst, "SELECT count(*), sum(hashtextextended(t::text, 0)) FROM t t"); got != want {
				t.Errorf("source at the snapshot %s, target %s", want, got)
			}
		})
	}
}

// disturb updates, moves, deletes and inserts rows until it is stopped.
func disturb(t *testing.T, s *pgtest.Server, url string) (stop func()) {
	t.Helper()
	done, started := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for i := 0; ; i++ {
			sql := fmt.Sprintf(`UPDATE t SET pad = pad || 'y' WHERE a %% 10 = %d; DELETE FROM t WHERE a %% 13 = %d;
INSERT INTO t SELECT 'N', 1000000 + %d * 1000 + i, 'new' FROM generate_series(1, 500) i; VACUUM t`, i%10, i%13, i)
			if err := s.TryExec(url, sql); err != nil {
				t.Error(err)
				return
			}
			if i == 0 {
				close(started)
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	<-started
	var once sync.Once
	return func() { once.Do(func() { close(done); all.Wait() }) }
}
