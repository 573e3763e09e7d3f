package oracle_test

import (
	"testing"

	go_ora "github.com/sijms/go-ora/v2"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle"
)

const (
	clef     = "\U0001D11E"
	clefCESU = "\xed\xa0\xb4\xed\xb4\x9e" // the same as two surrogates of three bytes
)

// TestCESU8 shows that a database whose charset is UTF8 stores and sends CESU-8, which go-ora neither
// writes nor reads: it hands the bytes through.
func TestCESU8(t *testing.T) {
	srv := start(t, oracle.Options{UTF8: true})
	db := open(t, srv, "")
	run(t, db, `CREATE TABLE "`+clefCESU+`" (v VARCHAR2(20 CHAR), n NVARCHAR2(10), c CLOB)`)
	if _, err := db.Exec(`INSERT INTO "`+clefCESU+`" VALUES (:1, :2, :3)`, clefCESU, go_ora.NVarChar(clef), go_ora.Clob{String: clef, Valid: true}); err != nil {
		t.Fatal(err)
	}
	wantRows(t, query(t, db, `SELECT v, n, LENGTH(v), LENGTHB(v), DBMS_LOB.GETLENGTH(c), DUMP(v, 16) FROM "`+clefCESU+`"`),
		clefCESU+"|"+clef+"|2|6|2|Typ=1 Len=6: ed,a0,b4,ed,b4,9e")
	wantRows(t, query(t, db, `SELECT TABLE_NAME FROM ALL_TABLES WHERE OWNER = 'DMO' AND TABLE_NAME IN ('`+clefCESU+`')`), clefCESU)
	wantRows(t, query(t, db, `SELECT TABLE_NAME FROM ALL_TABLES WHERE TABLE_NAME = :1`, clefCESU), clefCESU)
	wantRows(t, query(t, db, "SELECT VALUE FROM NLS_DATABASE_PARAMETERS WHERE PARAMETER = 'NLS_CHARACTERSET'"), "UTF8")
}
