package sqlite_test

import (
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/sqlite"
)

// quietly opens the file, as a process of its own would, and looks at its tables in a quiet view.
func quietly(t *testing.T, f *file, look func(providers.View, []*catalog.Table) error) {
	t.Helper()
	db, err := sqlite.Driver().OpenSource(t.Context(), f.Values(), providers.Env{Log: hclog.NewNullLogger(), Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c, err := db.Catalog(t.Context(), providers.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := db.Snapshot(t.Context(), providers.SnapshotOptions{Readers: 1, Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	v, err := s.Begin(t.Context(), c.Tables)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if err := look(v, c.Tables); err != nil {
		t.Fatal(err)
	}
}

func TestWritesAcrossProcessesDetected(t *testing.T) {
	// Done: view: quiet on SQLite: writes between two processes are seen in every journal mode, also once the log is gone
	for _, mode := range []string{"WAL", "DELETE", "TRUNCATE", "PERSIST"} {
		t.Run(mode, func(t *testing.T) {
			f := newFile(t)
			exec := func(sql string) {
				t.Helper()
				if err := f.TryExec(sql); err != nil {
					t.Fatal(err)
				}
			}
			exec("PRAGMA journal_mode=" + mode + "; CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER); INSERT INTO t VALUES (1, 1), (2, 2)")
			var before []providers.Counted
			count := func(v providers.View, tables []*catalog.Table) (err error) {
				before, err = v.Count(t.Context(), tables)
				return err
			}
			var what string
			compare := func(v providers.View, tables []*catalog.Table) error {
				out, err := v.Compare(t.Context(), tables, before)
				if err == nil {
					what = out[0]
				}
				return err
			}
			quietly(t, f, count)
			quietly(t, f, compare)
			if what != "" {
				t.Errorf("nothing was written: %s", what)
			}
			exec("UPDATE t SET v = 3 WHERE id = 1") // and the last connection's end moves the log into the file
			quietly(t, f, compare)
			if what == "" {
				t.Errorf("an update went unseen: %+v", before)
			}
		})
	}
}

func TestWritesBetweenViewsDetected(t *testing.T) {
	// Done: view: quiet on SQLite: a view notes the state that it sees, not one that a later commit has made
	f := newFile(t)
	exec := func(sql string) {
		t.Helper()
		if err := f.TryExec(sql); err != nil {
			t.Fatal(err)
		}
	}
	exec("PRAGMA journal_mode=WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER); INSERT INTO t VALUES (1, 1)")
	quietly(t, f, func(early providers.View, tables []*catalog.Table) error {
		exec("UPDATE t SET v = 2") // after the view has begun, before it counts
		before, err := early.Count(t.Context(), tables)
		if err != nil {
			return err
		}
		quietly(t, f, func(late providers.View, tables []*catalog.Table) error {
			out, err := late.Compare(t.Context(), tables, before)
			if err == nil && out[0] == "" {
				t.Error("what was committed between two views went unseen")
			}
			return err
		})
		return nil
	})
}
