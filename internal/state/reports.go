package state

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/dmoctl/dmoctl/internal/report"
)

// Lists of a report that grow with the number of tables are rows of their own, so that
// not all of them are in memory as text at once.
const (
	listTables      = "tables"
	listFailures    = "failures"
	listNotMigrated = "not_migrated"
)

// listItems is how many items of a list are one row.
const listItems = 500

const listTable = `
CREATE TABLE list (
  run TEXT NOT NULL, name TEXT NOT NULL, part INTEGER NOT NULL, items TEXT NOT NULL, PRIMARY KEY (run, name, part)
) WITHOUT ROWID;
`

// RecordRun writes what is known of a run, at its start and again at its end.
func (s *Store) RecordRun(ctx context.Context, r *report.Report) error {
	head := *r
	head.Tables, head.Failures, head.NotMigrated = head.Tables[:0:0], nil, nil
	text, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("record run %s: %w", r.Run, err)
	}
	var ended, exit any
	if !r.Ended.IsZero() {
		ended, exit = stamp(r.Ended), r.Exit
	}
	err = s.transact(ctx, func(conn *sqlite.Conn) error {
		err := sqlitex.Execute(conn, `INSERT INTO run (id, migration, plan, started, ended, exit, report) VALUES (?,?,?,?,?,?,?)
			ON CONFLICT (id) DO UPDATE SET ended = excluded.ended, exit = excluded.exit, report = excluded.report`,
			&sqlitex.ExecOptions{Args: []any{r.Run, r.Migration, r.Plan, stamp(r.Started), ended, exit, string(text)}})
		if err != nil {
			return err
		}
		if err := sqlitex.Execute(conn, `DELETE FROM list WHERE run = ?`, &sqlitex.ExecOptions{Args: []any{r.Run}}); err != nil {
			return err
		}
		if err := writeList(conn, r.Run, listTables, r.Tables); err != nil {
			return err
		}
		if err := writeList(conn, r.Run, listFailures, r.Failures); err != nil {
			return err
		}
		return writeList(conn, r.Run, listNotMigrated, r.NotMigrated)
	})
	if err != nil {
		return fmt.Errorf("record run %s: %w", r.Run, err)
	}
	return nil
}

func writeList[T any](conn *sqlite.Conn, run, name string, items []T) error {
	part := 0
	for some := range slices.Chunk(items, listItems) {
		text, err := json.Marshal(some)
		if err != nil {
			return err
		}
		err = sqlitex.Execute(conn, `INSERT INTO list VALUES (?,?,?,?)`, &sqlitex.ExecOptions{Args: []any{run, name, part, string(text)}})
		if err != nil {
			return err
		}
		part++
	}
	return nil
}

// Runs returns the migration's runs, newest first; all migrations' where migration is empty.
func (s *Store) Runs(ctx context.Context, migration string) ([]*report.Report, error) {
	return s.reports(ctx, `SELECT report FROM run WHERE ?1 = '' OR migration = ?1 ORDER BY started DESC, id`, migration)
}

// EachRun hands over the migration's runs one by one, oldest first: reports of large migrations
// are not to be in memory together.
func (s *Store) EachRun(ctx context.Context, migration string, each func(*report.Report)) error {
	var ids []string
	err := s.execute(ctx, `SELECT id FROM run WHERE migration = ? ORDER BY started, id DESC`, []any{migration}, func(stmt *sqlite.Stmt) error {
		ids = append(ids, stmt.ColumnText(0))
		return nil
	})
	if err != nil {
		return fmt.Errorf("read runs: %w", err)
	}
	for _, id := range ids {
		r, err := s.Run(ctx, id)
		if err != nil {
			return err
		}
		each(r)
	}
	return nil
}

// Last returns the migration's newest run, nil where there is none.
func (s *Store) Last(ctx context.Context, migration string) (*report.Report, error) {
	all, err := s.reports(ctx, `SELECT report FROM run WHERE migration = ? ORDER BY started DESC, id LIMIT 1`, migration)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0], nil
}

// Run returns one run by id, ErrNotFound where there is none.
func (s *Store) Run(ctx context.Context, id string) (*report.Report, error) {
	all, err := s.reports(ctx, `SELECT report FROM run WHERE id = ?`, id)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("run %s: %w", id, ErrNotFound)
	}
	return all[0], nil
}

func (s *Store) reports(ctx context.Context, query, arg string) ([]*report.Report, error) {
	var out []*report.Report
	err := s.execute(ctx, query, []any{arg}, func(stmt *sqlite.Stmt) error {
		r := new(report.Report)
		if err := json.Unmarshal([]byte(stmt.ColumnText(0)), r); err != nil {
			return err
		}
		out = append(out, r)
		return nil
	})
	for _, r := range out {
		if err == nil && s.lists {
			err = s.readLists(ctx, r)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	return out, nil
}

// readLists adds the lists that are rows of their own. A run of an older dmoctl has none.
func (s *Store) readLists(ctx context.Context, r *report.Report) error {
	return s.execute(ctx, `SELECT name, items FROM list WHERE run = ? ORDER BY name, part`, []any{r.Run}, func(stmt *sqlite.Stmt) error {
		items := []byte(stmt.ColumnText(1))
		switch stmt.ColumnText(0) {
		case listTables:
			return addItems(items, &r.Tables)
		case listFailures:
			return addItems(items, &r.Failures)
		case listNotMigrated:
			return addItems(items, &r.NotMigrated)
		}
		return nil
	})
}

func addItems[T any](text []byte, to *[]T) error {
	var items []T
	if err := json.Unmarshal(text, &items); err != nil {
		return err
	}
	*to = append(*to, items...)
	return nil
}
