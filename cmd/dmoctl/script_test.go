package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"dmoctl": func() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScript runs the command as a user does. Each script's first line says what it proves.
func TestScript(t *testing.T) {
	testscript.Run(t, params("script", nil))
}

// TestPostgres runs scripts that have a PostgreSQL server: PGHOST, PGPORT, and two
// empty databases, SOURCE_DB and TARGET_DB. The role app needs its password, CANARY.
func TestPostgres(t *testing.T) {
	server := pgtest.Shared(t)
	server.Exec(t, "postgres", "DROP ROLE IF EXISTS app; CREATE ROLE app LOGIN SUPERUSER PASSWORD '"+canary+"'")
	testscript.Run(t, params("postgres", func(e *testscript.Env) error {
		return postgresEnv(t, server, e)
	}))
}

// canary is a password with everything that URLs, JSON and shells write differently.
const canary = `c@n:a/r%y"5ß+7 8`

func postgresEnv(t *testing.T, server *pgtest.Server, e *testscript.Env) error {
	for _, name := range []string{"SOURCE_DB", "TARGET_DB"} {
		u, err := url.Parse(server.NewDatabase(t))
		if err != nil {
			return err
		}
		e.Setenv(name, strings.TrimPrefix(u.Path, "/"))
	}
	host, port, err := net.SplitHostPort(server.Address())
	if err != nil {
		return err
	}
	e.Setenv("PGHOST", host)
	e.Setenv("PGPORT", port)
	e.Setenv("PGUSER", "postgres")
	e.Setenv("CANARY", canary)
	return nil
}

func params(dir string, setup func(*testscript.Env) error) testscript.Params {
	return testscript.Params{
		Dir:                 filepath.Join("testdata", dir),
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("NO_COLOR", "1")
			if setup != nil {
				return setup(e)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "sql": runSQL, "flip": flip, "clean": clean,
		},
	}
}

// exits CODE PROGRAM ARGS... fails unless the program exits with exactly that code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		got = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// sql FILE STATEMENT [RESULT] runs a statement on a SQLite file, without dmoctl. The
// result is rows joined by newlines, cells by |.
func runSQL(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: sql FILE STATEMENT [RESULT]")
	}
	conn, err := sqlite.OpenConn(ts.MkAbs(args[0]), sqlite.OpenReadWrite|sqlite.OpenCreate)
	ts.Check(err)
	defer conn.Close()
	var rows []string
	err = sqlitex.ExecuteScript(conn, args[1], &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
		var cells []string
		for i := range stmt.ColumnCount() {
			cells = append(cells, stmt.ColumnText(i))
		}
		rows = append(rows, strings.Join(cells, "|"))
		return nil
	}})
	ts.Check(err)
	if got := strings.Join(rows, " "); len(args) == 3 && got != args[2] {
		ts.Fatalf("%s\n got %q\nwant %q", args[1], got, args[2])
	}
}

// flip FILE changes one bit in the middle of a file.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: flip FILE")
	}
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	b[len(b)/2] ^= 1
	ts.Check(os.WriteFile(path, b, 0o600))
}

// clean WORD... fails where a file below the script's directory, or the last output,
// holds the canary in plain, URL-, JSON- or base64-encoded form. Files named in
// WORDs are left out: they are the test's own.
func clean(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: clean [FILE...]")
	}
	own := map[string]bool{}
	for _, name := range args {
		own[ts.MkAbs(name)] = true
	}
	forms := encodings(canary)
	look := func(where string, text string) {
		for _, form := range forms {
			if strings.Contains(text, form) {
				ts.Fatalf("%s holds the secret as %q", where, form)
			}
		}
	}
	look("stdout", ts.ReadFile("stdout"))
	look("stderr", ts.ReadFile("stderr"))
	err := filepath.WalkDir(ts.MkAbs("."), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || own[path] {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("look for the secret: %w", err)
		}
		look(path, string(b))
		return nil
	})
	ts.Check(err)
}
