package pgtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Exec runs statements through psql, each in a transaction of its own. Database is a name, or a URL.
func (s *Server) Exec(t testing.TB, database, sql string) {
	t.Helper()
	if _, err := s.psql(database, sql); err != nil {
		t.Fatal(err)
	}
}

// Query runs statements through psql, a client that is not ours, and returns its
// output: rows as lines, columns separated by |, NULL as <NULL>.
func (s *Server) Query(t testing.TB, database, sql string) string {
	t.Helper()
	out, err := s.psql(database, sql)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(out, "\n")
}

// TryExec is Exec for statements that may fail, and for goroutines other than the test's.
func (s *Server) TryExec(database, sql string) error {
	_, err := s.psql(database, sql)
	return err
}

func (s *Server) psql(database, sql string) (string, error) {
	if !strings.Contains(database, "://") {
		database = s.URL(database)
	}
	cmd := exec.Command(filepath.Join(s.Bin, "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-P", "null=<NULL>", "-d", database, "-f", "-")
	cmd.Env = append(os.Environ(), "PGCLIENTENCODING=UTF8", "PGAPPNAME=pgtest", "PGOPTIONS=-c client_min_messages=warning")
	cmd.Stdin = strings.NewReader(sql)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("psql: %w\n%s\n%.500s", err, stderr.String(), sql)
	}
	return stdout.String(), nil
}

// TryQuery is Query for statements that may fail, and for goroutines other than the test's.
func (s *Server) TryQuery(database, sql string) (string, error) {
	out, err := s.psql(database, sql)
	return strings.TrimSuffix(out, "\n"), err
}
