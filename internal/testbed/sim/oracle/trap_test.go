package oracle_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"
	"time"

	go_ora "github.com/sijms/go-ora/v2"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle"
)

func TestTimeoutDesynchronises(t *testing.T) {
	// Trap: after a read timeout go-ora gives the connection back to the pool, and query 2 gets query 1's row.
	srv := start(t, oracle.Options{})
	db := open(t, srv, "&TIMEOUT=1")
	if err := db.Ping(); err != nil {
		t.Fatal(err)
	}
	srv.Faults().Add(oracle.Fault{Call: "execute", Match: "'first'", Nth: 1, Delay: 1500 * time.Millisecond})
	var got string
	if err := db.QueryRow("SELECT 'first' FROM dual").Scan(&got); err == nil {
		t.Fatal("the slow query gave an answer in time")
	}
	time.Sleep(time.Second) // the late answer arrives
	err := db.QueryRow("SELECT 'second' FROM dual").Scan(&got)
	if got != "first" { // and then, closing, an error or none
		t.Errorf("query 2 got %q, %v; the trap gives it the answer of query 1", got, err)
	}
}

func TestPrefetchAbove65535(t *testing.T) {
	// Trap: go-ora writes the number of rows of a fetch as if it had two bytes: above 65535 the call cannot be read.
	srv := start(t, oracle.Options{})
	fill := open(t, srv, "")
	run(t, fill, "CREATE TABLE t (id NUMBER(10), v VARCHAR2(100))")
	if _, err := srv.Load("DMO", "T", numbers(70001)); err != nil {
		t.Fatal(err)
	}
	for rows, broken := range map[string]bool{"65535": false, "70000": true} {
		db := open(t, srv, "&PREFETCH_ROWS="+rows)
		n := 0
		r, err := db.Query("SELECT id FROM t")
		for err == nil && r.Next() {
			n++
		}
		if err == nil {
			err = r.Err()
			r.Close()
		}
		if (err != nil) != broken || !broken && n != 70001 {
			t.Errorf("PREFETCH_ROWS=%s: %d rows, %v", rows, n, err)
		}
	}
}

func TestNumberFromString(t *testing.T) {
	// Trap: NewNumberFromString is not canonical for "0.001" and wrong for "1E5".
	srv := start(t, oracle.Options{})
	db := open(t, srv, "")
	small, err := go_ora.NewNumberFromString("0.001")
	if err != nil {
		t.Fatal(err)
	}
	var got string
	err = db.QueryRow("SELECT TO_CHAR(:1) FROM dual", small).Scan(&got)
	wantCode(t, err, 1722)
	if big, err := go_ora.NewNumberFromString("1E5"); err == nil {
		if err := db.QueryRow("SELECT TO_CHAR(:1) FROM dual", big).Scan(&got); err == nil && got == "100000" {
			t.Error("1E5 was bound as 100000")
		}
	}
	if err := db.QueryRow("SELECT TO_CHAR(:1) FROM dual", int64(-1234567890123)).Scan(&got); err != nil || got != "-1234567890123" {
		t.Errorf("int64 bound as %q, %v", got, err)
	}
}

func TestLobFetchModes(t *testing.T) {
	// Trap: an empty LOB and a NULL one are the same for go-ora, in either mode.
	srv := start(t, oracle.Options{})
	fill := open(t, srv, "")
	run(t, fill, "CREATE TABLE t (id NUMBER, c CLOB, n NCLOB, b BLOB, l LONG)")
	long := strings.Repeat("ä\U0001D11Ex", 40000)
	blob := []byte(strings.Repeat("\x00\xff\x10", 50000))
	insert := "INSERT INTO t VALUES (:1, :2, :3, :4, :5)"
	for _, row := range [][]any{
		{1, go_ora.Clob{String: long, Valid: true}, go_ora.NClob{String: long, Valid: true}, go_ora.Blob{Data: blob}, "long text"},
		{2, go_ora.Clob{String: "short", Valid: true}, go_ora.NClob{String: "ä", Valid: true}, go_ora.Blob{Data: []byte{7}}, "x"},
	} {
		if _, err := fill.Exec(insert, row...); err != nil {
			t.Fatal(err)
		}
	}
	run(t, fill, "INSERT INTO t VALUES (3, EMPTY_CLOB(), EMPTY_CLOB(), EMPTY_BLOB(), NULL)", "INSERT INTO t (id) VALUES (4)")
	wantRows(t, query(t, fill, "SELECT id, DBMS_LOB.GETLENGTH(c), DBMS_LOB.GETLENGTH(n), DBMS_LOB.GETLENGTH(b) FROM t"),
		"1|160000|160000|150000", "2|5|1|1", "3|0|0|0", "4|<nil>|<nil>|<nil>")
	for _, mode := range []string{"", "&LOB FETCH=POST"} {
		db := open(t, srv, "&PREFETCH_ROWS=2"+mode)
		rows, err := db.Query("SELECT id, c, n, b, l FROM t ORDER BY id")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for rows.Next() {
			var id int
			var c, nc, l sql.NullString
			var b []byte
			if err := rows.Scan(&id, &c, &nc, &b, &l); err != nil {
				t.Fatal(err)
			}
			n++
			switch {
			case id == 1 && (c.String != long || nc.String != long || string(b) != string(blob) || l.String != "long text"):
				t.Errorf("mode %q: row 1 has %d, %d, %d bytes, %q", mode, len(c.String), len(nc.String), len(b), l.String)
			case id == 2 && (c.String != "short" || nc.String != "ä" || len(b) != 1):
				t.Errorf("mode %q: row 2 is %q %q %v", mode, c.String, nc.String, b)
			case id > 2 && (c.Valid || nc.Valid || b != nil):
				t.Errorf("mode %q: row %d is %v %v %v", mode, id, c, nc, b)
			}
		}
		if err := rows.Err(); err != nil || n != 4 {
			t.Errorf("mode %q: %d rows, %v", mode, n, err)
		}
		rows.Close()
	}
}

func TestBeginTxOptions(t *testing.T) {
	// Trap: BeginTx refuses read-only transactions and isolation levels.
	srv := start(t, oracle.Options{})
	db := open(t, srv, "")
	for _, o := range []sql.TxOptions{{ReadOnly: true}, {Isolation: sql.LevelSerializable}} {
		if _, err := db.BeginTx(t.Context(), &o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

func TestZonedTimes(t *testing.T) {
	// Trap: dates come as UTC wall clock; TIMESTAMP WITH LOCAL TIME ZONE is read as UTC whatever the session's zone is.
	srv := start(t, oracle.Options{})
	db := open(t, srv, "")
	run(t, db, "ALTER SESSION SET TIME_ZONE='+02:00'", "CREATE TABLE t (d DATE, z TIMESTAMP(3) WITH TIME ZONE, l TIMESTAMP(3) WITH LOCAL TIME ZONE)",
		"INSERT INTO t VALUES (DATE '1500-02-28', TIMESTAMP '2024-06-01 12:00:00.5 +05:30', TIMESTAMP '2024-06-01 12:00:00')")
	wantRows(t, query(t, db, "SELECT d, z, l, CAST(l AS TIMESTAMP(3)), SYS_EXTRACT_UTC(z) FROM t"),
		"1500-02-28 00:00:00 +0000|2024-06-01 12:00:00.5 +0530|2024-06-01 10:00:00 +0000|2024-06-01 12:00:00 +0000|2024-06-01 06:30:00.5 +0000")
}

func TestArrayBinds(t *testing.T) {
	// Trap: Connection.BulkInsert panics for more columns than rows; arrays as arguments of Exec work. With batch errors,
	// which go-ora asks for always, the rows that could be added stay.
	srv := start(t, oracle.Options{})
	db := open(t, srv, "")
	run(t, db, "CREATE TABLE t (id NUMBER PRIMARY KEY, v VARCHAR2(5))")
	if _, err := db.Exec("INSERT INTO t VALUES (:1, :2)", []int64{1, 2, 3}, []string{"a", "b", "c"}); err != nil {
		t.Fatal(err)
	}
	_, err := db.Exec("INSERT INTO t VALUES (:1, :2)", []int64{4, 2, 5}, []string{"d", "x", "e"})
	wantCode(t, err, 1)
	wantRows(t, query(t, db, "SELECT id, v FROM t ORDER BY id"), "1|a", "2|b", "3|c", "4|d", "5|e")
}

func TestCancel(t *testing.T) {
	// Trap: cancelling works during Query and Exec; the connection is in step afterwards.
	srv := start(t, oracle.Options{})
	db := open(t, srv, "")
	if err := db.Ping(); err != nil {
		t.Fatal(err)
	}
	srv.Faults().Add(oracle.Fault{Call: "execute", Match: "slow", Delay: time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := db.QueryContext(ctx, "SELECT 'slow' FROM dual")
	wantCode(t, err, 1013)
	wantRows(t, query(t, db, "SELECT 'next' FROM dual"), "next")
	if n := len(srv.Sessions()); n != 1 {
		t.Errorf("%d sessions, want the one that was cancelled in", n)
	}
}

func TestFaults(t *testing.T) {
	srv := start(t, oracle.Options{})
	db := open(t, srv, "")
	run(t, db, "CREATE TABLE t (id NUMBER)")
	hits := srv.Faults().Add(oracle.Fault{Call: "execute", Match: "from t", Nth: 2, Code: 1555})
	wantRows(t, query(t, db, "SELECT id FROM t"))
	_, err := db.Query("SELECT id FROM t")
	wantCode(t, err, 1555)
	wantRows(t, query(t, db, "SELECT id FROM t"))
	if hits() != 1 {
		t.Errorf("the fault struck %d times", hits())
	}
	srv.Faults().Clear()

	for _, f := range []oracle.Fault{{Call: "commit", DropAfter: true}, {Call: "commit", Drop: true}} {
		srv.Faults().Add(f)
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec("INSERT INTO t VALUES (7)"); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err == nil {
			t.Error("the commit was acknowledged")
		}
		srv.Faults().Clear()
	}
	time.Sleep(50 * time.Millisecond)
	if rows, err := srv.Rows("DMO", "T"); err != nil || len(rows) != 1 {
		t.Errorf("rows %v, %v: one commit lost its acknowledgement, the other did not take place", rows, err)
	}
	srv.Faults().Add(oracle.Fault{Call: "execute", Match: "'x'", DropMid: true})
	var got string
	if err := db.QueryRow("SELECT 'x' FROM dual").Scan(&got); err == nil || errors.Is(err, driver.ErrSkip) {
		t.Errorf("half an answer was taken as %q", got)
	}
	srv.Faults().Clear()
	wantRows(t, query(t, open(t, srv, ""), "SELECT 'y' FROM dual"), "y")
}

func TestPrivileges(t *testing.T) {
	srv := start(t, oracle.Options{})
	db := open(t, srv, "")
	run(t, db, "CREATE TABLE t (id NUMBER)", "CREATE TABLE hidden (id NUMBER)")
	srv.CreateUser("READER", "pw", "CREATE SESSION")
	run(t, db, "GRANT SELECT ON t TO reader")
	r, err := sql.Open("oracle", dsn(srv, "READER", "pw", ""))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for q, want := range map[string]int{
		"SELECT * FROM dmo.t": 0, "SELECT * FROM dmo.hidden": 942, "SELECT 1 FROM DBA_TABLES": 942, "SELECT 1 FROM V$DATABASE": 942,
		"SELECT * FROM dmo.t AS OF SCN 1000001": 1031, "SELECT DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER FROM dual": 904,
		"INSERT INTO dmo.t VALUES (1)": 1031, "CREATE TABLE x (a NUMBER)": 1031,
	} {
		_, err := r.Exec(q)
		if code(err) != want {
			t.Errorf("%s: %v, want ORA-%05d", q, err, want)
		}
	}
	wantRows(t, query(t, r, "SELECT TABLE_NAME FROM ALL_TABLES WHERE OWNER = 'DMO'"), "T")
	wantRows(t, query(t, r, "SELECT COUNT(*) FROM USER_TABLES"), "0")
	wantRows(t, query(t, r, "SELECT PRIVILEGE FROM SESSION_PRIVS"), "CREATE SESSION")
}

func TestCannedPages(t *testing.T) {
	srv := start(t, oracle.Options{})
	db := open(t, srv, "&PREFETCH_ROWS=100")
	run(t, db, "CREATE TABLE t (id NUMBER(10), v VARCHAR2(100))")
	if _, err := srv.Load("DMO", "T", numbers(30)); err != nil {
		t.Fatal(err)
	}
	srv.Canned("DMO.T", 3000)
	got := query(t, db, "SELECT id, v FROM t")
	if len(got) != 3000 || got[2999] != got[29] {
		t.Errorf("%d rows, the last is %q", len(got), got[len(got)-1])
	}
	srv.Canned("DMO.T", 0)
	wantRows(t, query(t, db, "SELECT COUNT(*) FROM t"), "30")
}
