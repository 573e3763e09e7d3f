package hana_test

import (
	"bytes"
	"context"
	"database/sql"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/SAP/go-hdb/driver"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
)

// TestTypes holds that what the driver binds is what the server stores and what the
// driver reads, at the ends of each type.
func TestTypes(t *testing.T) {
	b := start(t, hana.Options{})
	rat := func(s string) *big.Rat { r, _ := new(big.Rat).SetString(s); return r }
	at := func(y int, m time.Month, d, h, ns int) time.Time { return time.Date(y, m, d, h, 0, 0, ns, time.UTC) }
	tests := []struct {
		typ    string
		value  any
		stored any
		read   any // nil: the value
	}{
		{"TINYINT", int64(255), int64(255), nil},
		{"SMALLINT", int64(math.MinInt16), int64(math.MinInt16), nil},
		{"INTEGER", int64(math.MaxInt32), int64(math.MaxInt32), nil},
		{"BIGINT", int64(math.MinInt64), int64(math.MinInt64), nil},
		{"BOOLEAN", true, true, nil},
		{"REAL", float64(float32(1.5e-30)), float64(float32(1.5e-30)), nil},
		{"DOUBLE", math.MaxFloat64, math.MaxFloat64, nil},
		{"DOUBLE", math.Copysign(0, -1), 0.0, 0.0},
		{"DECIMAL(18,2)", rat("-9999999999999999.99"), "-9999999999999999.99", nil},
		{"DECIMAL(28,5)", rat("-12345678901234567890123.45678"), "-12345678901234567890123.45678", nil},
		{"DECIMAL(38,0)", rat("-99999999999999999999999999999999999999"), "-99999999999999999999999999999999999999", nil},
		{"DECIMAL(38,38)", rat("0.00000000000000000000000000000000000001"), "0.00000000000000000000000000000000000001", nil},
		{"DECIMAL", rat("-1234567890123456789012345678901234"), "-1234567890123456789012345678901234", nil},
		{"DECIMAL", rat("0.0000000001"), "0.0000000001", nil},
		{"NVARCHAR(5)", "aß😀 ", "aß😀 ", nil},
		{"NVARCHAR(5)", "", "", nil},
		{"VARBINARY(3)", []byte{0, 255, 1}, []byte{0, 255, 1}, nil},
		{"DATE", at(1, 1, 3, 0, 0), nil, nil},
		{"DATE", at(9999, 12, 31, 0, 0), "9999-12-31", nil},
		{"DATE", at(1582, 10, 15, 0, 0), "1582-10-15", nil},
		{"DATE", at(1582, 10, 4, 0, 0), "1582-10-04", nil},
		{"TIME", time.Date(1, 1, 1, 23, 59, 59, 0, time.UTC), "23:59:59", nil},
		{"SECONDDATE", at(1969, 12, 31, 23, 0), "1969-12-31 23:00:00.0000000", nil},
		{"TIMESTAMP", at(2024, 2, 29, 12, 123456700), "2024-02-29 12:00:00.1234567", nil},
		{"TIMESTAMP", at(9999, 12, 31, 23, 999999900), "9999-12-31 23:00:00.9999999", nil},
	}
	for _, test := range tests {
		b.exec(b.db, `CREATE COLUMN TABLE "T" ("V" `+test.typ+`)`)
		if _, err := b.db.Exec(`INSERT INTO "T" VALUES (?)`, test.value); err != nil {
			t.Errorf("%s %v: %v", test.typ, test.value, err)
			b.exec(b.db, `DROP TABLE "T"`)
			continue
		}
		stored, err := b.Rows("SYSTEM", "T")
		if err != nil {
			t.Fatal(err)
		}
		if test.stored != nil && !same(stored[0][0], test.stored) {
			t.Errorf("%s %v is stored as %v", test.typ, test.value, stored[0][0])
		}
		if test.read == nil {
			test.read = test.value
		}
		if got := b.one(b.db, `SELECT "V" FROM "T"`); !same(got, test.read) {
			t.Errorf("%s %v is read as %v (%T)", test.typ, test.value, got, got)
		}
		if _, err := b.db.Exec(`UPDATE "T" SET "V" = ?`, nil); err != nil {
			t.Errorf("%s NULL: %v", test.typ, err)
		}
		if got := b.one(b.db, `SELECT "V" FROM "T"`); got != nil {
			t.Errorf("%s NULL is read as %v", test.typ, got)
		}
		b.exec(b.db, `DROP TABLE "T"`)
	}
}

func same(got, want any) bool {
	switch w := want.(type) {
	case []byte:
		s, ok := got.(string)
		if g, isBytes := got.([]byte); isBytes {
			return bytes.Equal(g, w)
		}
		return ok && s == string(w)
	case *big.Rat:
		g, ok := got.(*big.Rat)
		return ok && g.Cmp(w) == 0
	case time.Time:
		g, ok := got.(time.Time)
		return ok && g.Equal(w)
	}
	return got == want
}

// TestLOBs holds that LOBs come and go in pieces, with characters beyond the first
// plane on every boundary.
func TestLOBs(t *testing.T) {
	b := start(t, hana.Options{LobInline: 7}, func(c *driver.Connector) { c.SetLobChunkSize(128) })
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("ID" INTEGER PRIMARY KEY, "C" NCLOB, "B" BLOB)`)
	texts := []string{"", "x", strings.Repeat("😀", 500), strings.Repeat("a😀ß€", 300), "€" + strings.Repeat("😀", 300)}
	c := b.conn()
	tx, err := c.BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range texts {
		if _, err := tx.Exec(`INSERT INTO "T" VALUES (?, ?, ?)`, i, driver.NewLob(strings.NewReader(s), nil), driver.NewLob(bytes.NewReader([]byte(s)), nil)); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if _, err := tx.Exec(`INSERT INTO "T" VALUES (?, ?, ?)`, 99, nil, nil); err != nil {
		t.Fatal(err)
	}
	for i, s := range texts {
		var text, raw bytes.Buffer
		lc, lb := driver.NewLob(nil, &text), driver.NewLob(nil, &raw)
		if err := tx.QueryRow(`SELECT "C", "B" FROM "T" WHERE "ID" = ?`, i).Scan(lc, lb); err != nil {
			t.Fatal(err)
		}
		if text.String() != s || raw.String() != s {
			t.Errorf("%d: %d and %d bytes come back of %d", i, text.Len(), raw.Len(), len(s))
		}
	}
	if got := b.rows(tx, `SELECT "ID" FROM "T" WHERE "C" IS NULL`); len(got) != 1 || got[0][0] != int64(99) {
		t.Errorf("NULL LOBs are of rows %v", got)
	}
	if n := b.one(tx, `SELECT LENGTH("C") FROM "T" WHERE "ID" = 2`); n != int64(1000) {
		t.Errorf("length of 500 emoji is %v, want 1000 UTF-16 units", n)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	// Pieces outside of a transaction, and a locator that has aged.
	_, err = b.db.Exec(`INSERT INTO "T" VALUES (?, ?, ?)`, 50, driver.NewLob(strings.NewReader(strings.Repeat("x", 1000)), nil), nil)
	if codeOf(err) != 596 {
		t.Errorf("LOB in pieces in auto-commit: %v", err)
	}
	if n := b.one(b.db, `SELECT COUNT(*) FROM "T"`); n != int64(len(texts)+1) {
		t.Errorf("%v rows", n)
	}
}

// TestExpiredLocator holds that a LOB outside of a transaction ends with the next statement.
func TestExpiredLocator(t *testing.T) {
	b := start(t, hana.Options{LobInline: 4})
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("C" NCLOB)`, `INSERT INTO "T" VALUES ('longer than the piece in the row')`)
	c := b.conn()
	rows, err := c.QueryContext(context.Background(), `SELECT "C" FROM "T"`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	rows.Next()
	err = c.Raw(func(any) error { return nil })
	_ = err
	var out bytes.Buffer
	if err := rows.Scan(driver.NewLob(nil, &out)); err != nil {
		t.Fatal(err)
	}
	if out.Len() != 32 {
		t.Errorf("%d bytes", out.Len())
	}
}

// TestFetch holds that large results come page by page and may be left early.
func TestFetch(t *testing.T) {
	b := start(t, hana.Options{}, func(c *driver.Connector) { c.SetFetchSize(7) })
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("A" INTEGER)`)
	i := 0
	if _, err := b.db.Exec(`INSERT INTO "T" VALUES (?)`, func(args []any) error {
		if i == 5000 {
			return driver.ErrEndOfRows
		}
		args[0] = i
		i++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := b.rows(b.db, `SELECT "A" FROM "T" ORDER BY "A" DESC`); len(got) != 5000 || got[4999][0] != int64(0) {
		t.Errorf("%d rows", len(got))
	}
	for range 3 {
		var one int
		if err := b.db.QueryRow(`SELECT "A" FROM "T"`).Scan(&one); err != nil && err != sql.ErrNoRows {
			t.Fatal(err)
		}
	}
}
