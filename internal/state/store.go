// Package state records on dmoctl's own side what its runs did.
//
// The ledger on the target is the truth about a migration; this file is history:
// reports, durations of packages, the audit of commands, and the progress that
// "dmoctl status" shows from another terminal. Losing it loses history, never data.
package state

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// Mode says what a Store is opened for.
type Mode int

// Modes of Open.
const (
	ReadOnly  Mode = iota // the file must exist
	ReadWrite             // file and directory are made where they are missing
)

// version of the file's tables, kept in user_version. Files of the version before are
// read as they are, and made into this one once they are written to: it had the lists of
// a run in its report.
const (
	version      = 2
	withoutLists = 1
)

const tables = `
CREATE TABLE run (
  id TEXT PRIMARY KEY, migration TEXT NOT NULL, plan TEXT NOT NULL,
  started TEXT NOT NULL, ended TEXT, exit INTEGER, report TEXT NOT NULL
);
CREATE INDEX run_started ON run (migration, started);
CREATE TABLE package (
  run TEXT NOT NULL, id TEXT NOT NULL, source TEXT NOT NULL, rows INTEGER NOT NULL,
  bytes INTEGER NOT NULL, seconds REAL NOT NULL, PRIMARY KEY (run, id)
) WITHOUT ROWID;
CREATE TABLE command (
  id INTEGER PRIMARY KEY, at TEXT NOT NULL, user TEXT NOT NULL, host TEXT NOT NULL,
  pid INTEGER NOT NULL, words TEXT NOT NULL
);
CREATE TABLE progress (
  migration TEXT PRIMARY KEY, run TEXT NOT NULL, at TEXT NOT NULL, progress TEXT NOT NULL
);
CREATE TABLE owner (
  one INTEGER PRIMARY KEY CHECK (one = 1), owner TEXT NOT NULL
);
`

var errClosed = errors.New("the state is closed")

// Store is an open state file. It is safe for concurrent use, also by several
// processes: writers wait for each other, readers see the last commit.
type Store struct {
	path  string
	lists bool       // the file has the table of lists
	mu    sync.Mutex // guards conn
	conn  *sqlite.Conn
}

// Open opens the state file. Close it. The error wraps os.ErrNotExist where a file
// opened for reading has nothing in it.
func Open(path string, mode Mode) (*Store, error) {
	flags := sqlite.OpenReadOnly
	if mode == ReadWrite {
		flags = sqlite.OpenReadWrite | sqlite.OpenCreate
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("create the state's directory: %w: %w", ErrUnwritable, err)
		}
	}
	conn, err := sqlite.OpenConn(path, flags)
	if err != nil {
		return nil, fmt.Errorf("open state %s: %w", path, classify(path, err))
	}
	conn.SetBusyTimeout(10 * time.Second)
	s := &Store{path: path, conn: conn}
	if err := s.prepare(mode); err != nil {
		conn.Close()
		return nil, fmt.Errorf("open state %s: %w", path, classify(path, err))
	}
	return s, nil
}

func (s *Store) prepare(mode Mode) (err error) {
	if mode == ReadOnly {
		return s.check()
	}
	if err := os.Chmod(s.path, 0o600); err != nil {
		return err
	}
	for _, pragma := range []string{"PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL"} {
		if err := sqlitex.ExecuteTransient(s.conn, pragma, nil); err != nil {
			return err
		}
	}
	end, err := sqlitex.ImmediateTransaction(s.conn)
	if err != nil {
		return err
	}
	defer end(&err)
	s.lists = true
	n, err := s.version()
	script := listTable + fmt.Sprintf("PRAGMA user_version = %d;", version)
	switch {
	case err != nil || n == version:
		return err
	case n == 0:
		script = tables + script
	case n != withoutLists:
		return fmt.Errorf("%w: version %d, this dmoctl supports %d", ErrVersion, n, version)
	}
	return sqlitex.ExecScript(s.conn, script)
}

func (s *Store) check() error {
	n, err := s.version()
	switch {
	case err != nil:
		return err
	case n == 0: // made, and never written to
		return fmt.Errorf("empty file: %w", os.ErrNotExist)
	case n != version && n != withoutLists:
		return fmt.Errorf("%w: version %d, this dmoctl supports %d", ErrVersion, n, version)
	}
	s.lists = n == version
	return nil
}

func (s *Store) version() (n int, err error) {
	err = sqlitex.ExecuteTransient(s.conn, "PRAGMA user_version", &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error { n = stmt.ColumnInt(0); return nil },
	})
	return n, err
}

// Path returns the file's path.
func (s *Store) Path() string { return s.path }

// Close closes the file.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn = nil
	return err
}

// execute runs one statement, handing rows to row, which may be nil.
func (s *Store) execute(ctx context.Context, query string, args []any, row func(*sqlite.Stmt) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return errClosed
	}
	s.conn.SetInterrupt(ctx.Done())
	defer s.conn.SetInterrupt(nil)
	return classify(s.path, sqlitex.Execute(s.conn, query, &sqlitex.ExecOptions{Args: args, ResultFunc: row}))
}

// transact runs statements as one transaction.
func (s *Store) transact(ctx context.Context, do func(*sqlite.Conn) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return errClosed
	}
	s.conn.SetInterrupt(ctx.Done())
	defer s.conn.SetInterrupt(nil)
	return classify(s.path, func() (err error) {
		end, err := sqlitex.ImmediateTransaction(s.conn)
		if err != nil {
			return err
		}
		defer end(&err)
		return do(s.conn)
	}())
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }

func unstamp(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
