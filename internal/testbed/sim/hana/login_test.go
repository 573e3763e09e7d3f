package hana_test

import (
	"context"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
)

func TestLogin(t *testing.T) {
	for _, method := range []string{hana.SCRAMSHA256, hana.SCRAMPBKDF2SHA256} {
		t.Run(method, func(t *testing.T) {
			b := start(t, hana.Options{Methods: []string{method}})
			if got := b.one(b.db, "SELECT CURRENT_USER FROM DUMMY"); got != "SYSTEM" {
				t.Errorf("user %v", got)
			}
			for _, wrong := range [][2]string{{"SYSTEM", "wrong"}, {"NOBODY", "Manager1"}, {"SYSTEM", ""}} {
				db := b.connect(wrong[0], wrong[1])
				if err := db.PingContext(context.Background()); codeOf(err) != 10 {
					t.Errorf("%v: %v", wrong, err)
				}
			}
		})
	}
}

func TestPing(t *testing.T) {
	b := start(t, hana.Options{})
	b.exec(b.db, `CREATE SCHEMA "S"`, `CREATE COLUMN TABLE "S"."T" ("A" INTEGER PRIMARY KEY, "B" NVARCHAR(10), "C" DECIMAL(10,2))`,
		`INSERT INTO "S"."T" VALUES (1, 'x', 1.5)`)
	if _, err := b.db.Exec(`INSERT INTO "S"."T" VALUES (?, ?, ?)`, 2, "y", "2.25"); err != nil {
		t.Fatal(err)
	}
	rows := b.rows(b.db, `SELECT "A", "B" FROM "S"."T" WHERE "A" > ? ORDER BY "A"`, 0)
	if len(rows) != 2 || rows[1][1] != "y" {
		t.Errorf("rows %v", rows)
	}
	if !strings.Contains(strings.Join(b.Statements(), "\n"), "INSERT") {
		t.Error("statements are not kept")
	}
}
