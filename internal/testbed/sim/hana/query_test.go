package hana_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
)

// TestQueriesAgainstSQLite runs the same queries over the same rows on SQLite: joins,
// groups, subqueries, sets, windows and three-valued logic have to agree.
func TestQueriesAgainstSQLite(t *testing.T) {
	b := start(t, hana.Options{})
	lite, err := sqlite.OpenConn(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer lite.Close()
	both := func(statement string) {
		t.Helper()
		b.exec(b.db, strings.Replace(statement, "CREATE TABLE", "CREATE COLUMN TABLE", 1))
		if err := sqlitex.ExecuteTransient(lite, statement, nil); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	both(`CREATE TABLE "A" ("ID" INTEGER PRIMARY KEY, "G" INTEGER, "S" NVARCHAR(10))`)
	both(`CREATE TABLE "B" ("ID" INTEGER PRIMARY KEY, "A" INTEGER, "V" INTEGER)`)
	both(`CREATE TABLE "C" ("K" INTEGER, "T" NVARCHAR(10))`)
	random := rand.New(rand.NewPCG(1, 2))
	number := func(n int) string {
		if random.IntN(6) == 0 {
			return "NULL"
		}
		return fmt.Sprint(random.IntN(n))
	}
	for i := range 60 {
		both(fmt.Sprintf(`INSERT INTO "A" VALUES (%d, %s, '%s')`, i, number(7), []string{"", "x", "y%", "Z", "ä"}[random.IntN(5)]))
		both(fmt.Sprintf(`INSERT INTO "B" VALUES (%d, %s, %s)`, i, number(60), number(20)))
		both(fmt.Sprintf(`INSERT INTO "C" VALUES (%s, '%c')`, number(7), 'a'+random.IntN(4)))
	}
	both(`UPDATE "B" SET "V" = "V" + 1 WHERE "A" IN (SELECT "ID" FROM "A" WHERE "G" > 3) AND "V" IS NOT NULL`)
	both(`DELETE FROM "C" WHERE NOT EXISTS (SELECT 1 FROM "A" WHERE "A"."G" = "C"."K") OR "T" = 'd'`)
	for _, q := range []string{
		`SELECT * FROM "A"`, `SELECT "C".* FROM "C"`,
		`SELECT "G", COUNT(*), SUM("ID"), MIN("S"), MAX("S"), COUNT("G"), COUNT(DISTINCT "S") FROM "A" GROUP BY "G"`,
		`SELECT "G" + 1, COUNT(*) FROM "A" WHERE "S" <> '' GROUP BY "G" + 1 HAVING COUNT(*) > 2`,
		`SELECT COUNT(*), MAX("ID"), SUM("V") FROM "B" WHERE "V" > 1000`, `SELECT COUNT(*) FROM "A" WHERE 1 = 0`,
		`SELECT "A"."ID", "B"."V" FROM "A" JOIN "B" ON "B"."A" = "A"."ID"`, `SELECT x."ID", y."V" FROM "A" x, "B" y WHERE y."A" = x."ID" AND y."V" > 5`,
		`SELECT "A"."ID", "B"."V" FROM "A" LEFT JOIN "B" ON "B"."A" = "A"."ID" AND "B"."V" > 3`, `SELECT "A"."ID" FROM "A" LEFT JOIN "B" ON "B"."A" = "A"."ID" WHERE "B"."ID" IS NULL`,
		`SELECT a."ID", c."T", b."V" FROM "A" a JOIN "C" c ON c."K" = a."G" LEFT JOIN "B" b ON b."A" = a."ID"`,
		`SELECT COUNT(*) FROM "A" CROSS JOIN "C"`, `SELECT a."ID", b."ID" FROM "A" a JOIN "B" b ON a."ID" < b."V" AND b."A" > a."ID"`,
		`SELECT "ID" FROM "A" WHERE "ID" = 7`, `SELECT "ID" FROM "A" WHERE "ID" = 7 AND "G" IS NULL OR "ID" IN (3, 4, 99)`,
		`SELECT "ID" FROM "A" WHERE "G" NOT IN (1, 2)`, `SELECT "ID" FROM "A" WHERE "G" NOT IN (1, NULL)`, `SELECT "ID" FROM "A" WHERE NOT ("G" > 3)`,
		`SELECT "ID" FROM "A" WHERE "G" IN (SELECT "K" FROM "C" WHERE "T" = 'a')`, `SELECT "ID" FROM "A" WHERE "G" NOT IN (SELECT "K" FROM "C")`,
		`SELECT "ID" FROM "A" a WHERE EXISTS (SELECT 1 FROM "B" b WHERE b."A" = a."ID" AND b."V" > a."G")`, `SELECT "ID", (SELECT MAX("V") FROM "B" WHERE "B"."A" = "A"."ID") FROM "A"`,
		`SELECT "ID" FROM "A" WHERE "G" BETWEEN 2 AND 4 AND "S" LIKE '_'`, `SELECT "ID" FROM "A" WHERE "S" LIKE '%!%' ESCAPE '!'`, `SELECT "ID" FROM "A" WHERE "S" NOT LIKE '%y%'`,
		`SELECT CASE WHEN "G" IS NULL THEN 'none' WHEN "G" > 3 THEN 'big' ELSE 'small' END, CASE "S" WHEN 'x' THEN 1 END FROM "A"`,
		`SELECT "G" FROM "A" UNION SELECT "V" FROM "B"`, `SELECT "G" FROM "A" UNION ALL SELECT "K" FROM "C"`, `SELECT "G" FROM "A" INTERSECT SELECT "K" FROM "C"`, `SELECT "V" FROM "B" EXCEPT SELECT "G" FROM "A"`,
		`SELECT DISTINCT "G", "S" FROM "A"`, `SELECT q."N", q."G" FROM (SELECT "G", COUNT(*) AS "N" FROM "A" GROUP BY "G") q WHERE q."N" > 3`,
		`WITH w AS (SELECT "G" AS "X", MAX("ID") AS "Y" FROM "A" GROUP BY "G") SELECT w."X", "B"."V" FROM w JOIN "B" ON "B"."ID" = w."Y"`,
		`SELECT "ID", ROW_NUMBER() OVER (ORDER BY "ID" DESC), ROW_NUMBER() OVER (PARTITION BY "G" ORDER BY "ID"), NTILE(7) OVER (ORDER BY "ID") FROM "A"`,
		`SELECT "ID", COALESCE("G", -1), IFNULL("G", 0) * 2 - 1, NULLIF("G", 3), ABS("G" - 5) FROM "A"`, `SELECT "S" || '-' || "ID" FROM "A"`, `SELECT UPPER("S"), LENGTH("S"), SUBSTR("S", 1, 1) FROM "A" WHERE "S" <> 'ä'`,
		`SELECT "ID" FROM "A" WHERE ("G" > 2 OR ("G" = 2 AND "ID" >= 10)) AND ("G" < 5 OR ("G" = 5 AND "ID" < 20))`,
	} {
		got, want := hanaRows(b, q), liteRows(t, lite, q)
		if !slices.Equal(got, want) {
			t.Errorf("%s:\nhere   %v\nSQLite %v", q, got, want)
		}
	}
	for _, q := range []string{`SELECT "G", "ID" FROM "A" ORDER BY "G", "ID" DESC`, `SELECT "ID" AS "X" FROM "A" ORDER BY "X" DESC LIMIT 5 OFFSET 3`, `SELECT "S", COUNT(*) FROM "A" GROUP BY "S" ORDER BY 2 DESC, 1`,
		`SELECT "ID" FROM "A" ORDER BY ABS("ID" - 30), "ID"`, `SELECT "G" FROM "A" UNION SELECT "K" FROM "C" ORDER BY 1 DESC`, `SELECT "ID" FROM "A" ORDER BY "G" DESC, "ID" LIMIT 20`} {
		var got, want []string
		for _, r := range b.rows(b.db, q) {
			got = append(got, spell(r))
		}
		readLite(t, lite, q, func(r string) { want = append(want, r) })
		if !slices.Equal(got, want) {
			t.Errorf("%s:\nhere   %v\nSQLite %v", q, got, want)
		}
	}
}

func spell(row []any) string {
	var out []string
	for _, v := range row {
		if r, ok := v.(*big.Rat); ok {
			v = r.RatString()
		}
		out = append(out, fmt.Sprint(v))
	}
	return strings.Join(out, "|")
}

func hanaRows(b *environment, q string) (out []string) {
	for _, r := range b.rows(b.db, q) {
		out = append(out, spell(r))
	}
	slices.Sort(out)
	return out
}

func liteRows(t *testing.T, c *sqlite.Conn, q string) (out []string) {
	readLite(t, c, q, func(r string) { out = append(out, r) })
	slices.Sort(out)
	return out
}

func readLite(t *testing.T, c *sqlite.Conn, q string, visit func(string)) {
	t.Helper()
	err := sqlitex.ExecuteTransient(c, q, &sqlitex.ExecOptions{ResultFunc: func(st *sqlite.Stmt) error {
		var row []any
		for i := range st.ColumnCount() {
			switch st.ColumnType(i) {
			case sqlite.TypeNull:
				row = append(row, nil)
			case sqlite.TypeInteger:
				row = append(row, st.ColumnInt64(i))
			default:
				row = append(row, st.ColumnText(i))
			}
		}
		visit(spell(row))
		return nil
	}})
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
}
