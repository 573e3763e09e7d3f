package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/providers"
)

// watched is a quiet source whose tables have been counted.
type watched struct {
	t      *testing.T
	server *pgtest.Server
	url    string
	db     providers.Database
	tables []*catalog.Table
	before []providers.Counted
}

func watch(t *testing.T, s *pgtest.Server, url string) *watched {
	t.Helper()
	w := &watched{t: t, server: s, url: url, db: openSource(t, url)}
	c, err := w.db.Catalog(t.Context(), providers.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	w.tables = c.Tables
	w.view(func(v providers.View) error {
		w.before, err = v.Count(t.Context(), w.tables)
		return err
	})
	return w
}

func (w *watched) view(f func(providers.View) error) {
	w.t.Helper()
	sn, err := w.db.Snapshot(context.Background(), providers.SnapshotOptions{Readers: 1, Quiet: true})
	if err != nil {
		w.t.Fatal(err)
	}
	defer sn.Close()
	v, err := sn.Begin(context.Background(), w.tables)
	if err != nil {
		w.t.Fatal(err)
	}
	defer v.Close()
	if err := f(v); err != nil {
		w.t.Fatal(err)
	}
}

// written names the tables that are not proven unchanged.
func (w *watched) written() string {
	w.t.Helper()
	var out []string
	w.view(func(v providers.View) error {
		what, err := v.Compare(context.Background(), w.tables, w.before)
		for i, s := range what {
			if s != "" {
				out = append(out, w.tables[i].Name.Name)
			}
		}
		return err
	})
	return strings.Join(out, " ")
}

// open opens a session that stays, as an application's does.
func (w *watched) open(statements ...string) *pgconn.PgConn {
	w.t.Helper()
	c, err := pgconn.Connect(context.Background(), w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close(context.Background()) })
	for _, sql := range statements {
		w.say(c, sql)
	}
	return c
}

func (w *watched) say(c *pgconn.PgConn, sql string) {
	w.t.Helper()
	if _, err := c.Exec(context.Background(), sql).ReadAll(); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

const twoTables = "CREATE TABLE a (id int, v int); CREATE TABLE b (id int, v int); INSERT INTO a SELECT i, 100 FROM generate_series(1, 50) i; INSERT INTO b SELECT * FROM a;"

func TestIdleSessionWritesDetected(t *testing.T) {
	// Done: view: quiet: what an idle session has written is seen at once, whatever the statistics say
	s := pgtest.Shared(t)
	for name, sql := range map[string]string{
		"update":          "UPDATE a SET v = v + 1 WHERE id = 7",
		"insert":          "INSERT INTO a VALUES (99, 1)",
		"delete":          "DELETE FROM a WHERE id = 7",
		"insert, delete":  "DELETE FROM a WHERE id = 7; INSERT INTO a VALUES (7, 100)",
		"savepoint":       "BEGIN; SAVEPOINT x; UPDATE a SET v = 0 WHERE id = 1; RELEASE x; COMMIT",
		"procedure":       "DO $$ BEGIN UPDATE a SET v = 0 WHERE id = 1; COMMIT; END $$",
		"same value":      "UPDATE a SET v = v WHERE id = 7",
		"update to again": "UPDATE a SET v = 5; UPDATE a SET v = 100",
	} {
		t.Run(name, func(t *testing.T) {
			url := s.NewDatabase(t)
			s.Exec(t, url, twoTables)
			w := watch(t, s, url)
			if got := w.written(); got != "" {
				t.Errorf("nothing was written, and %s is said to be", got)
			}
			w.open("SELECT 1", sql)
			if got := w.written(); got != "a" {
				t.Errorf("%s: written are %q", sql, got)
			}
		})
	}
}

func TestOpenTransactionsDetected(t *testing.T) {
	// Done: view: quiet: transactions that were open, or prepared, at the first count and commit later are seen
	s := pgtest.Start(t, pgtest.Setting("max_prepared_transactions", "5"))
	for _, c := range []struct{ name, before, after, want string }{
		{"open", "BEGIN; UPDATE a SET v = 0 WHERE id = 1", "COMMIT", "a"},
		{"open, in a savepoint", "BEGIN; INSERT INTO b VALUES (0, 0); SAVEPOINT x; DELETE FROM a WHERE id = 1; INSERT INTO a VALUES (1, 1); RELEASE x", "COMMIT", "a b"},
		{"open, rolled back", "BEGIN; UPDATE a SET v = 0 WHERE id = 1", "ROLLBACK", ""},
		{"prepared", "BEGIN; UPDATE a SET v = 0 WHERE id = 1; PREPARE TRANSACTION 'x'", "COMMIT PREPARED 'x'", "a"},
		{"prepared, rolled back", "BEGIN; UPDATE a SET v = 0 WHERE id = 1; PREPARE TRANSACTION 'x'", "ROLLBACK PREPARED 'x'", ""},
		{"still open", "BEGIN; UPDATE a SET v = 0 WHERE id = 1", "SELECT 1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := s.NewDatabase(t)
			s.Exec(t, url, twoTables)
			if strings.Contains(c.before, "PREPARE") {
				t.Cleanup(func() { _ = s.TryExec(url, "ROLLBACK PREPARED 'x'") })
			}
			other := (&watched{t: t, server: s, url: url}).open(c.before)
			// What was committed while that one was open is not a later change.
			s.Exec(t, url, "INSERT INTO a VALUES (1000, 1)")
			w := watch(t, s, url)
			if got := w.written(); got != "" {
				t.Errorf("nothing was committed, and %s is said to be written", got)
			}
			w.say(other, c.after)
			if got := w.written(); got != c.want {
				t.Errorf("written are %q, want %q", got, c.want)
			}
		})
	}
}

func TestUnrelatedWritesIgnored(t *testing.T) {
	// Done: view: quiet: writes to other tables and databases, VACUUM, ANALYZE, locks and a crash are none
	s := pgtest.Start(t)
	url, elsewhere := s.NewDatabase(t), s.NewDatabase(t)
	s.Exec(t, url, twoTables+"CREATE TABLE p (k int) PARTITION BY LIST (k); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); INSERT INTO p VALUES (1)")
	w := watch(t, s, url)
	w.open("BEGIN; UPDATE b SET v = 1", "SELECT pg_current_xact_id()") // stays open
	for _, sql := range []string{"VACUUM (FREEZE) a", "ANALYZE", "BEGIN; SELECT * FROM a FOR UPDATE; COMMIT", "CREATE INDEX ON a (v)", "CREATE TABLE c (id int); INSERT INTO c VALUES (1)"} {
		s.Exec(t, url, sql)
		s.Exec(t, elsewhere, fmt.Sprintf("CREATE TABLE IF NOT EXISTS t (s text); INSERT INTO t VALUES ('%d')", len(sql)))
		if got := w.written(); got != "" {
			t.Errorf("%s: %s is said to be written", sql, got)
		}
	}
	if err := s.Stop(pgtest.Immediate); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	w.db = openSource(t, url)
	if got := w.written(); got != "" {
		t.Errorf("after a crash %s is said to be written", got)
	}
	s.Exec(t, url, "UPDATE p1 SET k = 1; UPDATE b SET v = 2")
	if got := w.written(); got != "b p" {
		t.Errorf("written are %q", got)
	}
}
