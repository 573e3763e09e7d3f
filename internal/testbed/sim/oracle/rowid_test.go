package oracle_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle"
)

func numbers(n int) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for i := range n {
			if !yield([]any{i, fmt.Sprintf("row %d %s", i, strings.Repeat("x", i%50))}) {
				return
			}
		}
	}
}

// TestExtentsCoverRows cuts a table at the begins of its extents, as a reader of ROWID ranges does.
func TestExtentsCoverRows(t *testing.T) {
	srv := start(t, oracle.Options{})
	db := open(t, srv, "&PREFETCH_ROWS=1000")
	run(t, db, `CREATE TABLE big (id NUMBER(10) NOT NULL, v VARCHAR2(100)) PARTITION BY RANGE (id)
		(PARTITION p1 VALUES LESS THAN (9000), PARTITION p2 VALUES LESS THAN (MAXVALUE))`)
	const n = 20000
	if _, err := srv.Load("DMO", "BIG", numbers(n)); err != nil {
		t.Fatal(err)
	}
	ids := make(map[string]string)
	for _, line := range query(t, db, `SELECT SUBOBJECT_NAME, DATA_OBJECT_ID FROM DBA_OBJECTS WHERE OWNER = 'DMO' AND OBJECT_NAME = 'BIG' AND SUBOBJECT_NAME IS NOT NULL`) {
		part, id, _ := strings.Cut(line, "|")
		ids[part] = id
	}
	if len(ids) != 2 || ids["P1"] == ids["P2"] {
		t.Fatalf("data object ids %v", ids)
	}
	total, ranges := 0, 0
	for _, line := range query(t, db, `SELECT PARTITION_NAME, RELATIVE_FNO, BLOCK_ID, BLOCKS FROM DBA_EXTENTS
		WHERE OWNER = 'DMO' AND SEGMENT_NAME = 'BIG' ORDER BY 1, 2, 3`) {
		f := strings.Split(line, "|")
		got := query(t, db, fmt.Sprintf(`SELECT COUNT(*) FROM BIG WHERE ROWID >= DBMS_ROWID.ROWID_CREATE(1, %s, %s, %s, 0)
			AND ROWID < DBMS_ROWID.ROWID_CREATE(1, %s, %s, %s + %s, 0)`, ids[f[0]], f[1], f[2], ids[f[0]], f[1], f[2], f[3]))
		var k int
		if _, err := fmt.Sscan(got[0], &k); err != nil {
			t.Fatal(err)
		}
		total, ranges = total+k, ranges+1
	}
	if total != n || ranges < 10 {
		t.Errorf("%d rows in %d extents, want %d", total, ranges, n)
	}
	wantRows(t, query(t, db, `SELECT COUNT(*) FROM BIG PARTITION ("P1")`), "9000")
	one := query(t, db, "SELECT ROWIDTOCHAR(ROWID), ROWID FROM BIG WHERE id = 12345")
	text, id, _ := strings.Cut(one[0], "|")
	if text != id || len(text) != 18 {
		t.Errorf("ROWID %s as text, %s as it comes", text, id)
	}
	wantRows(t, query(t, db, "SELECT id FROM BIG WHERE ROWID = CHARTOROWID(:1)", text), "12345")
	var sampled int
	if _, err := fmt.Sscan(query(t, db, "SELECT COUNT(*) FROM BIG SAMPLE BLOCK (20) SEED (1) t")[0], &sampled); err != nil || sampled == 0 || sampled == n {
		t.Errorf("a fifth of the blocks has %d rows of %d (%v)", sampled, n, err)
	}
}

// TestRowidsAfterTruncate shows what a reader has to find out: the table has other data object ids.
func TestRowidsAfterTruncate(t *testing.T) {
	srv := start(t, oracle.Options{})
	db := open(t, srv, "")
	run(t, db, "CREATE TABLE t (id NUMBER(10), v VARCHAR2(100))")
	if _, err := srv.Load("DMO", "T", numbers(100)); err != nil {
		t.Fatal(err)
	}
	where := "SELECT DATA_OBJECT_ID FROM USER_OBJECTS WHERE OBJECT_NAME = 'T'"
	before, id := query(t, db, where), query(t, db, "SELECT ROWIDTOCHAR(MIN(ROWID)) FROM t")
	run(t, db, "ALTER TABLE t MOVE")
	if after := query(t, db, where); after[0] == before[0] {
		t.Errorf("DATA_OBJECT_ID %s after MOVE", after[0])
	}
	_, err := db.Query("SELECT id FROM t WHERE ROWID = CHARTOROWID(:1)", id[0])
	wantCode(t, err, 1410)

	other := open(t, srv, "&PREFETCH_ROWS=10")
	rows, err := other.QueryContext(context.Background(), "SELECT id FROM t")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	rows.Next()
	run(t, db, "TRUNCATE TABLE t")
	for rows.Next() {
	}
	wantCode(t, rows.Err(), 8103)
}

func TestFlashbackQueries(t *testing.T) {
	srv := start(t, oracle.Options{})
	db := open(t, srv, "")
	run(t, db, "CREATE TABLE t (id NUMBER, v VARCHAR2(10))", "INSERT INTO t VALUES (1, 'old')")
	scn := query(t, db, "SELECT CURRENT_SCN FROM V$DATABASE")[0]
	if got := query(t, db, "SELECT DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER FROM DUAL")[0]; got != scn {
		t.Errorf("SCN %s, of V$DATABASE %s", got, scn)
	}
	run(t, db, "UPDATE t SET v = 'new'", "INSERT INTO t VALUES (2, 'two')", "DELETE FROM t WHERE id = 1")
	wantRows(t, query(t, db, "SELECT CASE WHEN TIMESTAMP_TO_SCN(SYSTIMESTAMP) >= "+scn+" THEN 'yes' END, CASE WHEN SCN_TO_TIMESTAMP("+scn+") <= SYSTIMESTAMP THEN 'yes' END FROM dual"), "yes|yes")
	_, err := db.Query("SELECT TIMESTAMP_TO_SCN(SYSTIMESTAMP - 365) FROM dual")
	wantCode(t, err, 8180)
	old := "SELECT id, v FROM t AS OF SCN " + scn + " t ORDER BY id"
	wantRows(t, query(t, db, old), "1|old")
	wantRows(t, query(t, db, "SELECT id, v FROM t"), "2|two")

	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("SET TRANSACTION READ ONLY"); err != nil {
		t.Fatal(err)
	}
	writer := open(t, srv, "")
	run(t, writer, "INSERT INTO t VALUES (3, 'three')")
	var n int
	if err := tx.QueryRow("SELECT COUNT(*) FROM t").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d rows in the read-only transaction (%v), want 1", n, err)
	}
	_, err = tx.Exec("INSERT INTO t VALUES (4, 'four')")
	wantCode(t, err, 1456)
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	srv.ForgetUndo()
	_, err = db.Query(old)
	if err == nil {
		t.Error("rows whose undo is gone were read")
	} else {
		wantCode(t, err, 1555)
	}
	run(t, db, "ALTER TABLE t ADD (x NUMBER)")
	_, err = db.Query(old)
	wantCode(t, err, 1466)
}

func TestTransactions(t *testing.T) {
	srv := start(t, oracle.Options{})
	a, b := open(t, srv, ""), open(t, srv, "")
	run(t, a, "CREATE TABLE t (id NUMBER PRIMARY KEY, v NUMBER)", "INSERT INTO t VALUES (1, 0)", "INSERT INTO t VALUES (2, 0)")
	tx, err := a.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"INSERT INTO t VALUES (3, 0)", "UPDATE t SET v = 1 WHERE id = 1"} {
		if _, err := tx.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	wantRows(t, query(t, b, "SELECT COUNT(*), SUM(v) FROM t"), "2|0")
	done := make(chan error, 1)
	go func() {
		_, err := b.Exec("UPDATE t SET v = v + 10 WHERE id = 1")
		done <- err
	}()
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	wantRows(t, query(t, a, "SELECT id, v FROM t ORDER BY id"), "1|10", "2|0")
	_, err = a.Exec("INSERT INTO t VALUES (2, 5)")
	wantCode(t, err, 1)
}
