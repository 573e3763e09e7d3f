package hana_test

import (
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
)

// TestRefusals holds the table of docs/simulators.md: what the server refuses, and the code.
func TestRefusals(t *testing.T) {
	b := start(t, hana.Options{})
	b.exec(b.db, `CREATE SCHEMA "S"`, `SET SCHEMA "S"`,
		`CREATE COLUMN TABLE "S"."P" ("ID" INTEGER PRIMARY KEY, "U" INTEGER UNIQUE)`, `INSERT INTO "S"."P" VALUES (1, 1)`,
		`CREATE COLUMN TABLE "S"."T" ("ID" BIGINT NOT NULL, "TI" TINYINT, "SI" SMALLINT, "I" INTEGER, "N" NVARCHAR(3), "V" VARBINARY(2), "D" DECIMAL(5,2), "F" DECIMAL,
			"R" REAL, "DT" DATE, "TS" TIMESTAMP, "L" NCLOB, "B" BOOLEAN, "G" INTEGER GENERATED ALWAYS AS ("I" + 1), CONSTRAINT "CK" CHECK ("I" > 0),
			CONSTRAINT "FK" FOREIGN KEY ("I") REFERENCES "S"."P" ("ID"), PRIMARY KEY ("ID"))`,
		`INSERT INTO "S"."T" ("ID", "I") VALUES (1, 1)`, `CREATE SEQUENCE "S"."Q" MAXVALUE 1`)
	tests := []struct {
		code int
		sql  string
	}{
		{257, `SELEKT 1 FROM DUMMY`}, {257, `SELECT 1`}, {257, `INSERT INTO "S"."P" VALUES (2, 2), (3, 3)`}, {257, `SELECT 1 FROM DUMMY; SELECT 2 FROM DUMMY`},
		{257, `DROP TABLE IF EXISTS "S"."P"`}, {257, `SELECT * FROM TABLE`}, {257, `CREATE COLUMN TABLE "S"."X" (ORDER INTEGER)`}, {257, `SELECT 'x FROM DUMMY`},
		{257, `ANALYZE "S"."T"`}, {257, `SELECT * FROM "S"."P" FETCH FIRST 1 ROWS ONLY`}, {257, `SELECT * FROM "S"."P" SAMPLE (1)`}, {257, `SELECT * FROM "S"."P" WHERE "ID" = 1 FOR UPDATE SKIP LOCKED`},
		{257, `SELECT * FROM "S"."P" a, "S"."P" b WHERE a."ID" = b."ID"(+)`}, {257, `SELECT * FROM "S"."P" AS OF SCN 5`}, {257, `CREATE COLUMN TABLE "S"."X" ("A" INTEGER) COMMENT 'x' NO AUTO MERGE`},
		{259, `SELECT * FROM "S"."NONE"`}, {259, `INSERT INTO "S"."NONE" VALUES (1)`}, {259, `DROP TABLE "S"."NONE"`}, {259, `SELECT * FROM "S"."t"`},
		{260, `SELECT "NONE" FROM "S"."T"`}, {260, `INSERT INTO "S"."P" ("NONE") VALUES (1)`}, {260, `UPDATE "S"."P" SET "NONE" = 1`}, {260, `SELECT X."ID" FROM "S"."T"`},
		{261, `DROP INDEX "S"."NONE"`}, {264, `CREATE COLUMN TABLE "S"."X" ("A" NUMBER)`}, {264, `CREATE COLUMN TABLE "S"."X" ("A" NCLOB PRIMARY KEY)`},
		{266, `SELECT * FROM "S"."T" WHERE "L" = 'x'`}, {266, `SELECT "B" + 1 FROM "S"."T"`}, {266, `SELECT MAX("L") FROM "S"."T"`},
		{266, `SELECT "ID" FROM "S"."T" ORDER BY "L"`}, {266, `SELECT "L", COUNT(*) FROM "S"."T" GROUP BY "L"`}, {266, `SELECT DISTINCT "L" FROM "S"."T"`},
		{267, `CREATE COLUMN TABLE "S"."X" ("A" NVARCHAR(5001))`}, {267, `CREATE COLUMN TABLE "S"."X" ("A" VARBINARY(5001))`}, {338, `CREATE COLUMN TABLE "S"."X" ("A" NVARCHAR(0))`},
		{268, `SELECT "ID" FROM "S"."T", "S"."P"`}, {269, `INSERT INTO "S"."P" VALUES (2, 2, 2)`}, {270, `INSERT INTO "S"."P" VALUES (2)`},
		{272, `CREATE COLUMN TABLE "S"."X" ("A" INTEGER, "A" INTEGER)`}, {272, `INSERT INTO "S"."P" ("ID", "ID") VALUES (1, 2)`},
		{274, `INSERT INTO "S"."T" ("ID", "N") VALUES (2, 'abcd')`}, {274, `INSERT INTO "S"."T" ("ID", "N") VALUES (2, '😀😀')`}, {274, `INSERT INTO "S"."T" ("ID", "V") VALUES (2, X'010203')`},
		{274, `UPDATE "S"."T" SET "N" = 'abcd'`}, {276, `SELECT "ID", COUNT(*) FROM "S"."T"`},
		{286, `CREATE COLUMN TABLE "S"."` + strings.Repeat("X", 128) + `" ("A" INTEGER)`}, {286, `SELECT "ID" AS "` + strings.Repeat("ö", 64) + `" FROM "S"."T"`},
		{287, `INSERT INTO "S"."T" ("I") VALUES (1)`}, {287, `UPDATE "S"."T" SET "ID" = NULL`}, {288, `CREATE COLUMN TABLE "S"."T" ("A" INTEGER)`},
		{301, `INSERT INTO "S"."T" ("ID", "I") VALUES (1, 1)`}, {301, `INSERT INTO "S"."P" VALUES (2, 1)`},
		{303, `INSERT INTO "S"."T" ("ID", "DT") VALUES (2, '1582-10-10')`}, {303, `INSERT INTO "S"."T" ("ID", "DT") VALUES (2, '2023-02-29')`}, {303, `INSERT INTO "S"."T" ("ID", "TS") VALUES (2, '10000-01-01 00:00:00')`},
		{303, `INSERT INTO "S"."T" ("ID", "TS") VALUES (2, '0000-12-31 00:00:00')`}, {303, `INSERT INTO "S"."T" ("ID", "TS") VALUES (2, '2000-01-01 24:00:00')`},
		{304, `SELECT 1 / 0 FROM DUMMY`}, {305, `SELECT (SELECT "TABLE_NAME" FROM "SYS"."TABLES") FROM DUMMY`},
		{313, `SELECT "S"."NONE".NEXTVAL FROM DUMMY`}, {326, `SELECT "S"."Q".CURRVAL FROM DUMMY`},
		{314, `INSERT INTO "S"."T" ("ID", "TI") VALUES (2, -1)`}, {314, `INSERT INTO "S"."T" ("ID", "SI") VALUES (2, 32768)`}, {314, `INSERT INTO "S"."T" ("ID", "D") VALUES (2, 1000)`},
		{314, `INSERT INTO "S"."T" ("ID", "F") VALUES (2, 12345678901234567890123456789012345)`}, {314, `INSERT INTO "S"."T" ("ID", "R") VALUES (2, 1e39)`},
		{318, `CREATE COLUMN TABLE "S"."X" ("A" DECIMAL(39,0))`}, {319, `CREATE COLUMN TABLE "S"."X" ("A" DECIMAL(5,6))`},
		{320, `CREATE INDEX "S"."I" ON "S"."T" ("L")`}, {324, `CREATE SEQUENCE "S"."Q"`}, {328, `SELECT NVL("ID", 1) FROM "S"."T"`},
		{336, `CREATE COLUMN TABLE "S"."X" ("A" NVARCHAR(2) DEFAULT 'abc')`}, {339, `SELECT * FROM "S"."P" WHERE "ID" = 'x'`}, {349, `CREATE UNIQUE INDEX "S"."I" ON "S"."T" ("N", "I", "ID", "SI", "TI", "D", "F", "R", "DT", "TS", "B")`},
		{362, `SET SCHEMA "NONE"`}, {362, `CREATE COLUMN TABLE "NONE"."T" ("A" INTEGER)`}, {362, `CREATE SCHEMA "_SYS_X"`}, {365, `ALTER TABLE "S"."T" ADD CONSTRAINT "F2" FOREIGN KEY ("I") REFERENCES "S"."T" ("I")`},
		{386, `CREATE SCHEMA "S"`}, {419, `DROP SCHEMA "S" RESTRICT`}, {457, `ALTER TABLE "S"."T" ADD CONSTRAINT "FK" UNIQUE ("I")`},
		{461, `INSERT INTO "S"."T" ("ID", "I") VALUES (2, 9)`}, {462, `DELETE FROM "S"."P"`}, {545, `CREATE COLUMN TABLE "S"."X" ("A" INTEGER) PARTITION BY HASH ("A") PARTITIONS 16001`},
		{550, `CREATE COLUMN TABLE "S"."X" ("A" INTEGER PRIMARY KEY, "B" INTEGER) PARTITION BY HASH ("B") PARTITIONS 2`}, {677, `INSERT INTO "S"."T" ("ID", "I") VALUES (2, 0)`},
		{7, `INSERT INTO "S"."T" ("ID", "G") VALUES (2, 2)`}, {729, `ALTER SYSTEM DISCONNECT SESSION '1'`},
		{340, `INSERT INTO "S"."P" VALUES (?, ?)`},
	}
	c := b.conn()
	for _, test := range tests {
		if test.code == 349 {
			b.exec(c, `INSERT INTO "S"."P" VALUES (7, NULL)`, `INSERT INTO "S"."P" VALUES (8, NULL)`) // NULLs are no duplicates
			test.sql = `CREATE UNIQUE INDEX "S"."I" ON "S"."D" ("A")`
			b.exec(c, `CREATE COLUMN TABLE "S"."D" ("A" INTEGER)`, `INSERT INTO "S"."D" VALUES (1)`, `INSERT INTO "S"."D" VALUES (1)`)
		}
		b.refused(c, test.code, test.sql)
	}
	if n := b.one(c, `SELECT COUNT(*) FROM "S"."T"`); n != int64(1) {
		t.Errorf("%v rows after refusals, want 1", n)
	}
}

// TestParameterRefusals holds what comes over the wire as values.
func TestParameterRefusals(t *testing.T) {
	b := start(t, hana.Options{})
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("ID" INTEGER PRIMARY KEY, "N" NVARCHAR(2), "V" VARBINARY(2), "TI" TINYINT, "X" VARCHAR(5))`)
	b.refused(b.db, 274, `INSERT INTO "T" ("ID", "N") VALUES (?, ?)`, 1, "abc")
	b.refused(b.db, 274, `INSERT INTO "T" ("ID", "N") VALUES (?, ?)`, 1, "a😀")
	b.refused(b.db, 274, `INSERT INTO "T" ("ID", "V") VALUES (?, ?)`, 1, []byte{1, 2, 3})
	b.refused(b.db, 287, `INSERT INTO "T" ("ID") VALUES (?)`, nil)
	// VARCHAR goes raw: the bytes of an unpaired surrogate reach the server.
	b.refused(b.db, 609, `INSERT INTO "T" ("ID", "X") VALUES (?, ?)`, 1, "\xed\xa0\x80")
	// A four-byte character is no CESU-8.
	b.refused(b.db, 609, `INSERT INTO "T" ("ID", "X") VALUES (?, ?)`, 1, "😀")
	if n := b.one(b.db, `SELECT COUNT(*) FROM "T"`); n != int64(0) {
		t.Errorf("%v rows", n)
	}
}

// TestRowLimit holds that a partition has an end.
func TestRowLimit(t *testing.T) {
	b := start(t, hana.Options{})
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("A" INTEGER PRIMARY KEY) PARTITION BY RANGE ("A") (PARTITION 0 <= VALUES < 10, PARTITION OTHERS)`)
	b.SetRowLimit(2)
	b.exec(b.db, `INSERT INTO "T" VALUES (1)`, `INSERT INTO "T" VALUES (2)`, `INSERT INTO "T" VALUES (12)`)
	b.refused(b.db, 2055, `INSERT INTO "T" VALUES (3)`)
	b.exec(b.db, `INSERT INTO "T" VALUES (13)`, `DELETE FROM "T" WHERE "A" = 1`, `INSERT INTO "T" VALUES (3)`)
	if n := b.one(b.db, `SELECT COUNT(*) FROM "T" PARTITION (1)`); n != int64(2) {
		t.Errorf("partition 1 has %v rows", n)
	}
}

func TestPrivileges(t *testing.T) {
	b := start(t, hana.Options{Users: []hana.User{{Name: "DMO", Password: "Secret1"}}})
	b.exec(b.db, `CREATE SCHEMA "S"`, `CREATE COLUMN TABLE "S"."T" ("A" INTEGER PRIMARY KEY)`)
	dmo := b.connect("DMO", "Secret1")
	for _, s := range []string{`CREATE SCHEMA "X"`, `SELECT * FROM "S"."T"`, `INSERT INTO "S"."T" VALUES (1)`, `CREATE COLUMN TABLE "S"."U" ("A" INTEGER)`, `DROP TABLE "S"."T"`,
		`ALTER TABLE "S"."T" DISABLE AUTOMERGE`, `MERGE DELTA OF "S"."T"`, `ALTER SYSTEM SAVEPOINT`, `ALTER SYSTEM DISCONNECT SESSION '1'`, `TRUNCATE TABLE "S"."T"`} {
		b.refused(dmo, 258, s)
	}
	if n := b.one(dmo, `SELECT COUNT(*) FROM "SYS"."TABLES" WHERE "SCHEMA_NAME" = 'S'`); n != int64(0) {
		t.Errorf("%v tables are shown without a privilege", n)
	}
	b.exec(b.db, `GRANT CREATE SCHEMA, SAVEPOINT ADMIN TO DMO`, `GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ANY, ALTER, DROP ON SCHEMA "S" TO DMO`)
	b.exec(dmo, `CREATE SCHEMA "X"`, `CREATE COLUMN TABLE "X"."T" ("A" INTEGER)`, `INSERT INTO "S"."T" VALUES (1)`, `SELECT * FROM "S"."T"`, `MERGE DELTA OF "S"."T"`, `ALTER SYSTEM SAVEPOINT`)
	b.exec(b.db, `REVOKE INSERT ON SCHEMA "S" FROM DMO`)
	b.refused(dmo, 258, `INSERT INTO "S"."T" VALUES (2)`)
	if n := b.one(dmo, `SELECT COUNT(*) FROM "SYS"."EFFECTIVE_PRIVILEGES" WHERE "USER_NAME" = CURRENT_USER AND "PRIVILEGE" = 'CREATE SCHEMA'`); n != int64(1) {
		t.Errorf("EFFECTIVE_PRIVILEGES has %v rows", n)
	}
}
