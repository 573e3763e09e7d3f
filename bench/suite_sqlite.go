package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

func measureSQLite(ctx context.Context, b *bench) error {
	d := orders("orders", b.rows(1_000_000, 10_000))
	source, target := filepath.Join(b.dir, "source.sqlite"), filepath.Join(b.dir, "target.sqlite")
	if err := makeSQLite(source, d); err != nil {
		return err
	}
	setup := func(context.Context) error { return removeSQLite(target) }
	check := func(context.Context) error {
		n, err := countSQLite(target, d.table)
		if err == nil && n != d.rows {
			err = fmt.Errorf("the target has %d rows of %d", n, d.rows)
		}
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	contenders := []contender{
		{name: "driver alone", setup: setup, check: check, run: func(ctx context.Context) (outcome, error) {
			return measure(ctx, exec.Command(self, "-ceiling", source, target), false)
		}},
		{name: "sqlite3 .dump | sqlite3", setup: setup, check: check, run: func(ctx context.Context) (outcome, error) {
			return measure(ctx, shell(fmt.Sprintf("sqlite3 '%s' .dump | sqlite3 '%s'", source, target)), false)
		}},
	}
	if b.dmoctl != "" {
		m := migration{
			engine: "sqlite",
			source: fmt.Sprintf("  path = %q\n", source),
			target: fmt.Sprintf("  path = %q\n", target),
			mode:   "pipe",
			verify: "none",
			parts:  parts,
		}
		verified, file := m, m
		verified.verify, file.mode = "content", "file"
		contenders = append(contenders, b.dmoctlContender("dmoctl sqlite pipe", m, setup, check),
			b.dmoctlContender("dmoctl sqlite pipe verified", verified, setup, check), b.dmoctlContender("dmoctl sqlite file", file, setup, check))
	}
	results, err := b.contest(ctx, "sqlite", b.reps, contenders)
	if err != nil {
		return err
	}
	for _, c := range contenders {
		b.sheet.add(figure{What: "SQLite, " + c.name, Value: float64(d.rows) / results[c.name].wall() / 1e3, Unit: "k rows/s"})
	}
	return nil
}

// makeSQLite writes the dataset with its key, unless the file is there.
func makeSQLite(path string, d dataset) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	fmt.Fprintf(os.Stderr, "making %s\n", path)
	half := path + ".new"
	if err := removeSQLite(half); err != nil {
		return err
	}
	conn, err := sqlite.OpenConn(half, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		return err
	}
	columns := strings.NewReplacer("bigint", "INTEGER", "char", "VARCHAR", "varchar", "VARCHAR", "int ", "INTEGER ", "numeric", "DECIMAL").Replace(d.columns)
	err = execSQLite(conn, "PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF",
		"CREATE TABLE "+d.table+" ("+columns+", PRIMARY KEY ("+d.key+"))", "BEGIN")
	if err == nil {
		err = insertRows(conn, d)
	}
	if err == nil {
		err = execSQLite(conn, "COMMIT")
	}
	if err = errors.Join(err, conn.Close()); err != nil {
		return err
	}
	return os.Rename(half, path)
}

func insertRows(conn *sqlite.Conn, d dataset) error {
	n := strings.Count(d.columns, "NOT NULL")
	stmt, err := conn.Prepare("INSERT INTO " + d.table + " VALUES (?" + strings.Repeat(", ?", n-1) + ")")
	if err != nil {
		return err
	}
	g := newGenerator(d.rows, d.row)
	for {
		g.rest = nil // take whole pieces, of whole rows
		if _, err := g.Read(nil); errors.Is(err, io.EOF) {
			return nil
		}
		for line := range strings.Lines(string(g.buf)) {
			for i, field := range strings.Split(strings.TrimSuffix(line, "\n"), "\t") {
				if v, err := strconv.ParseInt(field, 10, 64); err == nil {
					stmt.BindInt64(i+1, v)
				} else {
					stmt.BindText(i+1, field) // a decimal becomes a number by the column's affinity
				}
			}
			if _, err := stmt.Step(); err != nil {
				return err
			}
			if err := stmt.Reset(); err != nil {
				return err
			}
		}
	}
}

func execSQLite(conn *sqlite.Conn, statements ...string) error {
	for _, s := range statements {
		if err := sqlitex.ExecuteTransient(conn, s, nil); err != nil {
			return fmt.Errorf("%.80s: %w", s, err)
		}
	}
	return nil
}

func removeSQLite(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func countSQLite(path, table string) (n int64, err error) {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return n, sqlitex.ExecuteTransient(conn, "SELECT count(*) FROM "+table, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
		n = s.ColumnInt64(0)
		return nil
	}})
}
