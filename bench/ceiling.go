package main

import (
	"errors"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// rowsPerInsert is what the driver is fastest with.
const rowsPerInsert = 40

// copyByDriver copies every table of a SQLite file in one transaction, the way a program
// would that does nothing else: no digest, no ledger, no check.
func copyByDriver(from, to string) error {
	source, err := sqlite.OpenConn(from, sqlite.OpenReadOnly)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := sqlite.OpenConn(to, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		return err
	}
	tables := map[string]string{}
	err = sqlitex.ExecuteTransient(source, "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
		&sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
			tables[s.ColumnText(0)] = s.ColumnText(1)
			return nil
		}})
	if err == nil {
		err = execSQLite(target, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", "BEGIN")
	}
	for name, ddl := range tables {
		if err == nil {
			err = execSQLite(target, ddl)
		}
		if err == nil {
			err = copyTable(source, target, `"`+name+`"`)
		}
	}
	if err == nil {
		err = execSQLite(target, "COMMIT")
	}
	return errors.Join(err, target.Close())
}

func copyTable(source, target *sqlite.Conn, name string) error {
	left := int64(0)
	err := sqlitex.ExecuteTransient(source, "SELECT count(*) FROM "+name, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
		left = s.ColumnInt64(0)
		return nil
	}})
	if err != nil {
		return err
	}
	read, err := source.Prepare("SELECT * FROM " + name)
	if err != nil {
		return err
	}
	row := "(?" + strings.Repeat(", ?", read.ColumnCount()-1) + ")"
	buf := make([]byte, 1<<16)
	for _, each := range []int64{rowsPerInsert, 1} {
		insert, err := target.Prepare("INSERT INTO " + name + " VALUES " + row + strings.Repeat(", "+row, int(each)-1))
		if err != nil {
			return err
		}
		for ; left >= each; left -= each {
			for r := range int(each) {
				if _, err := read.Step(); err != nil {
					return err
				}
				buf = bindRow(insert, r*read.ColumnCount(), read, buf)
			}
			if _, err := insert.Step(); err != nil {
				return err
			}
			if err := insert.Reset(); err != nil {
				return err
			}
		}
	}
	return nil
}

// bindRow hands the row of one statement to another, as its parameters after the first skip
// ones. It returns buf, grown where a value did not fit.
func bindRow(to *sqlite.Stmt, skip int, from *sqlite.Stmt, buf []byte) []byte {
	for c := range from.ColumnCount() {
		p := skip + c + 1
		switch from.ColumnType(c) {
		case sqlite.TypeInteger:
			to.BindInt64(p, from.ColumnInt64(c))
		case sqlite.TypeFloat:
			to.BindFloat(p, from.ColumnFloat(c))
		case sqlite.TypeText:
			to.BindText(p, from.ColumnText(c))
		case sqlite.TypeBlob:
			if n := from.ColumnLen(c); n > len(buf) {
				buf = make([]byte, n)
			}
			to.BindBytes(p, buf[:from.ColumnBytes(c, buf)])
		default:
			to.BindNull(p)
		}
	}
	return buf
}
