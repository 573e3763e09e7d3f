package hana_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/SAP/go-hdb/driver"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
)

func (b *environment) begin(level sql.IsolationLevel) *sql.Tx {
	b.t.Helper()
	tx, err := b.conn().BeginTx(context.Background(), &sql.TxOptions{Isolation: level})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

func (b *environment) commit(tx *sql.Tx) {
	b.t.Helper()
	if err := tx.Commit(); err != nil {
		b.t.Fatal(err)
	}
}

func TestIsolation(t *testing.T) {
	b := start(t, hana.Options{})
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("A" INTEGER PRIMARY KEY, "V" INTEGER)`, `INSERT INTO "T" VALUES (1, 1)`)
	writer, committed, repeatable := b.begin(sql.LevelDefault), b.begin(sql.LevelReadCommitted), b.begin(sql.LevelRepeatableRead)
	read := func(tx *sql.Tx) any { t.Helper(); return b.one(tx, `SELECT SUM("V") FROM "T"`) }
	read(repeatable)
	b.exec(writer, `UPDATE "T" SET "V" = 2`, `INSERT INTO "T" VALUES (2, 5)`)
	if own, other := read(writer), read(committed); own != int64(7) || other != int64(1) {
		t.Errorf("before the commit the writer sees %v, others see %v", own, other)
	}
	b.commit(writer)
	if c, r := read(committed), read(repeatable); c != int64(7) || r != int64(1) {
		t.Errorf("after the commit READ COMMITTED sees %v, REPEATABLE READ %v", c, r)
	}
	b.refused(repeatable, 138, `UPDATE "T" SET "V" = 3 WHERE "A" = 1`)
	writer = b.begin(sql.LevelDefault)
	b.exec(writer, `DELETE FROM "T"`)
	if err := writer.Rollback(); err != nil {
		t.Fatal(err)
	}
	if v := read(b.begin(sql.LevelDefault)); v != int64(7) {
		t.Errorf("after the rollback %v", v)
	}
}

func TestRowLocks(t *testing.T) {
	b := start(t, hana.Options{LockWait: 300 * time.Millisecond})
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("A" INTEGER PRIMARY KEY, "V" INTEGER)`, `INSERT INTO "T" VALUES (1, 1)`, `INSERT INTO "T" VALUES (2, 2)`)
	one, two := b.begin(sql.LevelDefault), b.begin(sql.LevelDefault)
	b.exec(one, `SELECT * FROM "T" WHERE "A" = 1 FOR SHARE LOCK`)
	b.exec(two, `SELECT * FROM "T" WHERE "A" = 1 FOR SHARE LOCK NOWAIT`)
	b.refused(two, 146, `SELECT * FROM "T" WHERE "A" = 1 FOR UPDATE NOWAIT`)
	b.exec(two, `UPDATE "T" SET "V" = 3 WHERE "A" = 2`) // 146 did not roll back
	b.refused(one, 131, `SELECT * FROM "T" WHERE "A" = 2 FOR UPDATE`)
	_ = one.Rollback()
	b.commit(two)

	// In auto-commit the lock ends with its statement.
	b.exec(b.db, `SELECT * FROM "T" WHERE "A" = 1 FOR UPDATE`)
	other := b.begin(sql.LevelDefault)
	b.exec(other, `SELECT * FROM "T" WHERE "A" = 1 FOR UPDATE NOWAIT`)
	b.commit(other)

	// A waiter gets the row as it was committed.
	one, two = b.begin(sql.LevelDefault), b.begin(sql.LevelDefault)
	b.exec(one, `UPDATE "T" SET "V" = 10 WHERE "A" = 1`)
	got := make(chan any)
	go func() { got <- b.one(two, `SELECT "V" FROM "T" WHERE "A" = 1 FOR UPDATE`) }()
	time.Sleep(50 * time.Millisecond)
	b.commit(one)
	if v := <-got; v != int64(10) {
		t.Errorf("the waiter reads %v", v)
	}
	b.commit(two)
}

func TestDuplicateKeyWaits(t *testing.T) {
	b := start(t, hana.Options{})
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("A" INTEGER PRIMARY KEY)`)
	for _, commits := range []bool{true, false} {
		one, two := b.begin(sql.LevelDefault), b.begin(sql.LevelDefault)
		b.exec(one, `INSERT INTO "T" VALUES (1)`)
		result := make(chan error)
		go func() {
			_, err := two.Exec(`INSERT INTO "T" VALUES (1)`)
			result <- err
		}()
		select {
		case err := <-result:
			t.Fatalf("the second insert did not wait: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
		if !commits {
			b.exec(b.db, `DELETE FROM "T"`)
		}
		if commits {
			b.commit(one)
		} else {
			_ = one.Rollback()
		}
		if err := <-result; (codeOf(err) == 301) != commits || err != nil && !commits {
			t.Errorf("commit %v: %v", commits, err)
		}
		_ = two.Rollback()
		b.exec(b.db, `DELETE FROM "T"`)
	}
}

func TestDeadlock(t *testing.T) {
	b := start(t, hana.Options{})
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("A" INTEGER PRIMARY KEY, "V" INTEGER)`, `INSERT INTO "T" VALUES (1, 0)`, `INSERT INTO "T" VALUES (2, 0)`)
	one, two := b.begin(sql.LevelDefault), b.begin(sql.LevelDefault)
	b.exec(one, `UPDATE "T" SET "V" = 1 WHERE "A" = 1`)
	b.exec(two, `UPDATE "T" SET "V" = 2 WHERE "A" = 2`)
	first := make(chan error)
	go func() {
		_, err := one.Exec(`UPDATE "T" SET "V" = 1 WHERE "A" = 2`)
		first <- err
	}()
	time.Sleep(50 * time.Millisecond)
	b.refused(two, 133, `UPDATE "T" SET "V" = 2 WHERE "A" = 1`)
	if err := <-first; err != nil {
		t.Errorf("the other: %v", err)
	}
	b.commit(one)
	if v := b.one(b.db, `SELECT SUM("V") FROM "T"`); v != int64(2) {
		t.Errorf("sum %v", v)
	}
}

func TestTableLocks(t *testing.T) {
	b := start(t, hana.Options{LockWait: 200 * time.Millisecond})
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("A" INTEGER PRIMARY KEY)`)
	one, two := b.begin(sql.LevelDefault), b.begin(sql.LevelDefault)
	b.exec(one, `LOCK TABLE "T" IN EXCLUSIVE MODE`)
	b.exec(two, `SELECT * FROM "T"`)
	b.refused(two, 146, `LOCK TABLE "T" IN EXCLUSIVE MODE NOWAIT`)
	b.refused(two, 131, `LOCK TABLE "T" IN EXCLUSIVE MODE WAIT 1`)
	b.refused(b.db, 131, `INSERT INTO "T" VALUES (1)`)
	b.refused(b.db, 131, `DROP TABLE "T"`)
	// The lock goes with its connection.
	var id int64
	if err := one.QueryRow(`SELECT CURRENT_CONNECTION FROM DUMMY`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	b.Disconnect(id)
	b.exec(two, `LOCK TABLE "T" IN EXCLUSIVE MODE WAIT 5`)
}

// TestDDLInTransactions holds both modes of SET TRANSACTION AUTOCOMMIT DDL.
func TestDDLInTransactions(t *testing.T) {
	b := start(t, hana.Options{LockWait: 200 * time.Millisecond})
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("A" INTEGER PRIMARY KEY)`)
	tx := b.begin(sql.LevelDefault)
	b.exec(tx, `INSERT INTO "T" VALUES (1)`, `CREATE COLUMN TABLE "U" ("A" INTEGER)`)
	_ = tx.Rollback()
	if n, _ := b.Count("SYSTEM", "T"); n != 1 {
		t.Errorf("DDL did not commit: %d rows", n)
	}
	tx = b.begin(sql.LevelDefault)
	b.exec(tx, `SET TRANSACTION AUTOCOMMIT DDL OFF`, `CREATE SCHEMA "X"`, `CREATE COLUMN TABLE "X"."T" ("A" INTEGER PRIMARY KEY)`, `INSERT INTO "X"."T" VALUES (1)`,
		`TRUNCATE TABLE "T"`, `ALTER TABLE "U" ADD PRIMARY KEY ("A")`, `DROP TABLE "U"`, `COMMENT ON TABLE "T" IS 'x'`)
	b.refused(b.db, 259, `SELECT * FROM "X"."T"`)
	b.exec(b.db, `SELECT * FROM "U"`)
	if n := b.one(tx, `SELECT COUNT(*) FROM "T"`); n != int64(0) {
		t.Errorf("%v rows after TRUNCATE", n)
	}
	b.refused(b.db, 131, `CREATE SCHEMA "X"`)
	_ = tx.Rollback()
	b.refused(b.db, 259, `SELECT * FROM "X"."T"`)
	if n, _ := b.Count("SYSTEM", "T"); n != 1 {
		t.Errorf("%d rows after the rollback of TRUNCATE", n)
	}
	b.exec(b.db, `INSERT INTO "U" VALUES (NULL)`) // no primary key was added
	if c := b.one(b.db, `SELECT "COMMENTS" FROM "SYS"."TABLES" WHERE "TABLE_NAME" = 'T' AND "SCHEMA_NAME" = 'SYSTEM'`); c != nil {
		t.Errorf("comment %v stayed", c)
	}
}

// TestBulkErrors holds what go-hdb's own test of a real server shows: failed rows are
// reported with their numbers, the others are in.
func TestBulkErrors(t *testing.T) {
	b := start(t, hana.Options{})
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("A" INTEGER PRIMARY KEY, "N" NVARCHAR(2))`, `INSERT INTO "T" VALUES (1, 'x')`, `INSERT INTO "T" VALUES (2, 'x')`)
	tx := b.begin(sql.LevelDefault)
	_, err := tx.Exec(`INSERT INTO "T" VALUES (?, ?)`, 0, "a", 1, "a", 2, "a", 3, "abc", 4, "a")
	var e driver.Error
	if !errors.As(err, &e) || e.NumError() != 3 {
		t.Fatalf("errors: %v", err)
	}
	for i, want := range []struct{ row, code int }{{1, 301}, {2, 301}, {3, 274}} {
		e.SetIdx(i)
		if e.StmtNo() != want.row || e.Code() != want.code {
			t.Errorf("error %d: row %d, code %d, want %v", i, e.StmtNo(), e.Code(), want)
		}
	}
	if n := b.one(tx, `SELECT COUNT(*) FROM "T"`); n != int64(4) {
		t.Errorf("%v rows in the transaction, want 4", n)
	}
	_ = tx.Rollback()
	if n, _ := b.Count("SYSTEM", "T"); n != 2 {
		t.Errorf("%d rows after the rollback", n)
	}
}
