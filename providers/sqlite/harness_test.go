package sqlite_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers/providertest"
)

// file is a database file, reached by the sqlite3 program where it is installed,
// else by a connection that the provider knows nothing of.
type file struct {
	path    string
	program string
}

func newFile(t testing.TB) *file {
	t.Helper()
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		program = ""
	}
	return &file{path: filepath.Join(t.TempDir(), "test.db"), program: program}
}

func newDatabase(t testing.TB) providertest.Database {
	f := newFile(t)
	if err := f.TryExec("PRAGMA journal_mode=WAL"); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *file) Values() schema.Values {
	return schema.Values{"path": f.path, "consistency": "snapshot", "existing": "require-empty"}
}

func (f *file) TryExec(sql string) error {
	_, err := f.TryQuery(sql)
	return err
}

func (f *file) TryQuery(sql string) (string, error) {
	if f.program == "" {
		return f.byConnection(sql)
	}
	cmd := exec.Command(f.program, "-batch", "-bail", "-list", "-separator", "|", "-nullvalue", providertest.Null,
		"-cmd", ".timeout 10000", f.path)
	if !strings.HasPrefix(sql, ".") {
		sql += ";" // a command of the program's own ends with its line
	}
	cmd.Stdin = strings.NewReader(sql + "\n")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("sqlite3: %w: %s", err, stderr.String())
	}
	return strings.TrimSuffix(stdout.String(), "\n"), nil
}

func (f *file) byConnection(sql string) (_ string, err error) {
	c, err := sqlite.OpenConn(f.path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	var lines []string
	err = sqlitex.ExecuteScript(c, sql, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
		cells := make([]string, s.ColumnCount())
		for i := range cells {
			if cells[i] = s.ColumnText(i); s.ColumnIsNull(i) {
				cells[i] = providertest.Null
			}
		}
		lines = append(lines, strings.Join(cells, "|"))
		return nil
	}})
	return strings.Join(lines, "\n"), err
}

// dropLock removes the file of the lock, as a careless administrator would. The
// session keeps the lock on a file without a name.
func (f *file) dropLock() error { return os.Remove(f.path + ".dmo-lock") }
