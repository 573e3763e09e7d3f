package oracle_test

import (
	"fmt"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle"
)

func TestRefusals(t *testing.T) {
	srv := start(t, oracle.Options{ShortNames: true})
	db := open(t, srv, "")
	run(t, db, `CREATE TABLE t (k NUMBER(4) PRIMARY KEY, v VARCHAR2(3), n NUMBER(4,1) NOT NULL, l CLOB, d DATE)`,
		`INSERT INTO t (k, n) VALUES (1, 1)`, `CREATE TABLE c (k NUMBER REFERENCES t)`, `CREATE VIEW w AS SELECT k FROM t`)
	for _, c := range []struct {
		sql  string
		want int
	}{
		{"SELEC 1 FROM dual", 900},
		{"SELECT 1 FROM dual WHERE 1 = 1 LIMIT 5", 933},
		{"SELECT k FROM t AS x", 933},
		{"SELECT k FROM t;", 911},
		{"SELECT 1", 923},
		{"SELECT FROM t", 936},
		{"SELECT (1 FROM dual", 907},
		{"SELECT k FROM nowhere", 942},
		{"SELECT nothing FROM t", 904},
		{"SELECT k FROM t a, t b", 918},
		{"SELECT 'x FROM dual", 1756},
		{"SELECT nofunction(k) FROM t", 904},
		{"SELECT k, COUNT(*) FROM t", 979},
		{"SELECT l FROM t ORDER BY l", 932},
		{"SELECT k FROM t WHERE k = 'abc'", 1722},
		{"SELECT 1/0 FROM dual", 1476},
		{"SELECT TO_DATE('2024-13-01','YYYY-MM-DD') FROM dual", 1843},
		{"SELECT TO_DATE('2023-02-29','YYYY-MM-DD') FROM dual", 1839},
		{"SELECT k FROM t WHERE ROWID = 'abc'", 1410},
		{"SELECT k FROM t AS OF SCN 99999999999", 8181},
		{"SELECT (SELECT level1 FROM t) FROM dual", 904},
		{"INSERT INTO t (k, v, n) VALUES (2, 'abcd', 1)", 12899},
		{"INSERT INTO t (k, n) VALUES (2, 1234)", 1438},
		{"INSERT INTO t (k) VALUES (2)", 1400},
		{"INSERT INTO t (k, n) VALUES (1, 1)", 1},
		{"INSERT INTO t (k, n) VALUES (2)", 947},
		{"INSERT INTO t (k) VALUES (2, 1)", 913},
		{"INSERT INTO c VALUES (9)", 2291},
		{"INSERT INTO w VALUES (9)", 1732},
		{"UPDATE t SET n = NULL", 1407},
		{"CREATE TABLE t (a NUMBER)", 955},
		{"CREATE TABLE x (a NUMBER, a DATE)", 957},
		{"CREATE TABLE x (a NUMBR)", 902},
		{"CREATE TABLE x (a NUMBER(39))", 1727},
		{"CREATE TABLE x (a VARCHAR2(4001))", 910},
		{"CREATE TABLE x (a VARCHAR2)", 906},
		{"CREATE TABLE x (a LONG, b LONG)", 1754},
		{"CREATE TABLE x (a TIMESTAMP(10))", 30088},
		{"CREATE TABLE x (a CLOB PRIMARY KEY)", 2329},
		{"CREATE TABLE a234567890123456789012345678901 (a NUMBER)", 972},
		{"DROP TABLE t", 2449},
		{"DROP SEQUENCE nothing", 2289},
		{"SELECT nothing.NEXTVAL FROM dual", 2289},
		{"ALTER SESSION SET NLS_NOTHING = 'x'", 2248},
		{"MERGE INTO t USING dual ON (1=1) WHEN MATCHED THEN UPDATE SET v = 'x'", 900},
		{"BEGIN no_such_procedure; END;", 6550},
	} {
		rows, err := db.Query(c.sql)
		if err == nil {
			for rows.Next() {
			}
			err = rows.Err()
			rows.Close()
		}
		if code(err) != c.want {
			t.Errorf("%s\n\tgives %v, want ORA-%05d", c.sql, err, c.want)
		}
	}
	wantRows(t, query(t, db, "SELECT COUNT(*) FROM t"), "1")
}

func TestExpressions(t *testing.T) {
	srv := start(t, oracle.Options{})
	db := open(t, srv, "")
	for _, c := range []struct{ expr, want string }{
		{"'' || NULL", "<nil>"}, {"NVL('', 'x')", "x"}, {"1 + 2 * 3", "7"}, {"10 / 4", "2.5"}, {"-0.001", "-0.001"}, {"1E5", "100000"},
		{"1/3", "0.3333333333333333333333333333333333333333"}, {"MOD(-7, 3)", "-1"}, {"TRUNC(-1.5)", "-1"}, {"ROUND(2.345, 2)", "2.35"},
		{"SUBSTR('abcdef', -3, 2)", "ef"[:0] + "de"}, {"INSTR('abcabc', 'c', 4)", "6"}, {"LENGTH('äö')", "2"}, {"LENGTHB('äö')", "4"},
		{"LPAD('7', 3, '0')", "007"}, {"RTRIM('x  ') || '|'", "x|"}, {"UPPER('äb')", "ÄB"}, {"REPLACE('aXbX', 'X')", "ab"},
		{"TO_CHAR(DATE '2024-02-29', 'SYYYYMMDDHH24MISS')", " 20240229000000"}, {"TO_CHAR(TO_DATE('-4712-01-01', 'SYYYY-MM-DD'), 'SYYYYMMDD')", "-47120101"}, {"TO_CHAR(DATE '1970-01-01', 'J')", "2440588"},
		{"TO_CHAR(TIMESTAMP '2024-01-02 03:04:05.678', 'FMDay, DD.MON.YY HH12:MI:SS.FF3 AM')", "Tuesday, 2.JAN.24 3:4:5.678 AM"},
		{"TO_CHAR(1234567.891, 'FM9,999,999.00')", "1,234,567.89"}, {"TO_CHAR(-5, '999')", "  -5"}, {"TO_CHAR(255, 'FMXXXX')", "FF"},
		{"TO_CHAR(0.5)", ".5"}, {"TO_CHAR(1E40)", "1.0E+40"[:1] + "E+40"}, {"TO_NUMBER('1.234,5', '9G999D9', 'NLS_NUMERIC_CHARACTERS='',.''')", "1234.5"},
		{"DATE '2024-03-01' - DATE '2024-02-28'", "2"}, {"TO_CHAR(DATE '1582-10-04' + 1, 'YYYY-MM-DD')", "1582-10-15"},
		{"TO_CHAR(ADD_MONTHS(DATE '2024-01-31', 1), 'YYYY-MM-DD')", "2024-02-29"}, {"EXTRACT(YEAR FROM DATE '2024-03-01')", "2024"},
		{"TO_CHAR(SYS_EXTRACT_UTC(TIMESTAMP '2024-01-01 00:30:00 +02:00'), 'YYYY-MM-DD HH24:MI')", "2023-12-31 22:30"},
		{"TO_CHAR(INTERVAL '1-2' YEAR TO MONTH)", "+01-02"}, {"TO_CHAR(INTERVAL '3 04:05:06.7' DAY TO SECOND(1))", "+03 04:05:06.7"},
		{"CASE WHEN 1 = 1 THEN 'a' ELSE 'b' END", "a"}, {"DECODE(NULL, NULL, 'n', 'x')", "n"}, {"COALESCE(NULL, 5)", "5"},
		{"GREATEST(3, 10, 7)", "10"}, {"RAWTOHEX(HEXTORAW('0aFF'))", "0AFF"}, {"DUMP(1.5)", "Typ=2 Len=3: 193,2,51"},
		{"ROWIDTOCHAR(CHARTOROWID('AAAR3sAAEAAAACXAAA'))", "AAAR3sAAEAAAACXAAA"}, {"DBMS_ROWID.ROWID_BLOCK_NUMBER(CHARTOROWID('AAAR3sAAEAAAACXAAA'))", "151"},
		{"CAST('12' AS NUMBER(3))", "12"}, {"CAST(TIMESTAMP '2024-01-01 10:00:00.123456' AS TIMESTAMP(3))", "2024-01-01 10:00:00.123 +0000"},
		{"DBMS_LOB.GETLENGTH(TO_CLOB('a😀'))", "3"}, {"DBMS_LOB.SUBSTR(TO_CLOB('abcdef'), 3, 2)", "bcd"}, {"LENGTH(EMPTY_CLOB())", "0"},
		{"USER", "DMO"}, {"SYS_CONTEXT('USERENV', 'SESSION_USER')", "DMO"}, {"ASCII('A')", "65"}, {"CHR(65)", "A"},
		{"(SELECT COUNT(*) FROM dual)", "1"},
	} {
		got := query(t, db, "SELECT "+c.expr+" FROM dual")
		if len(got) != 1 || got[0] != c.want {
			t.Errorf("%s = %q, want %q", c.expr, got, c.want)
		}
	}
}

func TestQueries(t *testing.T) {
	srv := start(t, oracle.Options{})
	db := open(t, srv, "")
	run(t, db, `CREATE TABLE d (id NUMBER PRIMARY KEY, name VARCHAR2(10))`, `CREATE TABLE e (id NUMBER, d NUMBER, pay NUMBER)`,
		`INSERT INTO d VALUES (1, 'one')`, `INSERT INTO d VALUES (2, 'two')`, `INSERT INTO d VALUES (3, 'three')`)
	for i := range 6 {
		run(t, db, fmt.Sprintf("INSERT INTO e VALUES (%d, %d, %d)", i, i%2+1, i*10))
	}
	for _, c := range []struct {
		sql  string
		want []string
	}{
		{"SELECT d.name, COUNT(e.id), SUM(pay) FROM d LEFT JOIN e ON e.d = d.id GROUP BY d.name ORDER BY 1", []string{"one|3|60", "three|0|<nil>", "two|3|90"}},
		{"SELECT d.name FROM d, e WHERE d.id = e.d (+) AND e.id IS NULL", []string{"three"}},
		{"SELECT e.id FROM e JOIN d ON d.id = e.d WHERE d.name = 'two' ORDER BY e.id DESC", []string{"5", "3", "1"}},
		{"SELECT name FROM d WHERE NOT EXISTS (SELECT 1 FROM e WHERE e.d = d.id)", []string{"three"}},
		{"SELECT name FROM d WHERE id IN (SELECT d FROM e WHERE pay > 40)", []string{"two"}},
		{"SELECT d, MAX(pay) FROM e GROUP BY d HAVING MAX(pay) > 40 ORDER BY d", []string{"2|50"}},
		{"SELECT DISTINCT d FROM e ORDER BY d", []string{"1", "2"}},
		{"SELECT id FROM d UNION ALL SELECT d FROM e WHERE id = 0 ORDER BY 1", []string{"1", "1", "2", "3"}},
		{"SELECT id FROM d MINUS SELECT d FROM e", []string{"3"}},
		{"SELECT id FROM e WHERE ROWNUM <= 2", []string{"0", "1"}},
		{"SELECT id FROM e ORDER BY pay DESC FETCH FIRST 2 ROWS ONLY", []string{"5", "4"}},
		{"SELECT x.n FROM (SELECT COUNT(*) AS n FROM e) x", []string{"6"}},
		{"SELECT EXTRACT(YEAR FROM DATE '2024-01-01') AS y, CAST(1 AS NUMBER) AS z FROM dual d WHERE CAST(1 AS NUMBER) = 1", []string{"2024|1"}},
		{"SELECT name FROM d WHERE name LIKE '%o%' AND name NOT LIKE 't%'", []string{"one"}},
		{"SELECT id FROM d WHERE (id = 1 OR id > 2) AND id BETWEEN 1 AND 3 ORDER BY id", []string{"1", "3"}},
		{"SELECT (SELECT COUNT(*) FROM d), (SELECT MAX(pay) FROM e) FROM dual", []string{"3|50"}},
	} {
		wantRows(t, query(t, db, c.sql), c.want...)
	}
}
