// Command demo changes one byte of one row in a SQLite file, behind dmoctl's back.
package main

import (
	"fmt"
	"os"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// change replaces the first letter of who entered one sales document.
const change = `UPDATE VBAK SET ERNAM = '#' || substr(ERNAM, 2)
	WHERE rowid = (SELECT rowid FROM VBAK ORDER BY rowid LIMIT 1 OFFSET (SELECT count(*) / 2 FROM VBAK))`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "change-a-byte:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: change-a-byte FILE")
	}
	conn, err := sqlite.OpenConn(args[0], sqlite.OpenReadWrite)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := sqlitex.ExecuteTransient(conn, change, nil); err != nil {
		return err
	}
	if n := conn.Changes(); n != 1 {
		return fmt.Errorf("%d rows changed, want 1", n)
	}
	return nil
}
