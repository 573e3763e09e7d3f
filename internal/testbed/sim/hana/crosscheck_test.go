package hana_test

import (
	"bytes"
	"math/big"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/SAP/go-hdb/driver"

	"github.com/dmoctl/dmoctl/internal/testbed/nodetest"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
)

// TestCrossCheck lets SAP's JavaScript client drive the server: what it writes is
// what go-hdb reads, and the other way round. Neither client knows the server's code.
func TestCrossCheck(t *testing.T) {
	// Must show 1: SAP's JavaScript client and go-hdb log in to the simulator; each reads what the other wrote.
	nodetest.Require(t)
	for _, method := range []string{hana.SCRAMPBKDF2SHA256, hana.SCRAMSHA256} {
		t.Run(method, func(t *testing.T) { crossCheck(t, method) })
	}
}

func crossCheck(t *testing.T, method string) {
	b := start(t, hana.Options{Methods: []string{method}})
	b.exec(b.db, `CREATE COLUMN TABLE "GO" ("ID" INTEGER PRIMARY KEY, "D" DECIMAL(38,10), "DF" DECIMAL, "NV" NVARCHAR(20), "VB" VARBINARY(5), "DT" DATE, "TS" TIMESTAMP, "NC" NCLOB, "RE" REAL, "SI" SMALLINT)`)
	d, _ := new(big.Rat).SetString("-1234567890123456789012345678.0123456789")
	f, _ := new(big.Rat).SetString("-0.000001234")
	for _, args := range [][]any{
		{1, d, f, "aß€😀 ", []byte{0, 255}, time.Date(1, 1, 3, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999900, time.UTC), driver.NewLob(strings.NewReader("x😀"), nil), 0.5, -32768},
		{2, nil, nil, nil, nil, nil, nil, nil, nil, nil},
		{3, big.NewRat(0, 1), big.NewRat(100, 1), "", []byte{}, time.Date(1582, 10, 4, 0, 0, 0, 0, time.UTC), time.Date(1582, 10, 15, 0, 0, 0, 0, time.UTC), driver.NewLob(strings.NewReader(""), nil), 0, 0},
	} {
		if _, err := b.db.Exec(`INSERT INTO "GO" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, args...); err != nil {
			t.Fatal(err)
		}
	}
	host, port, err := net.SplitHostPort(b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	got := nodetest.Run(t, filepath.Join("testdata", "crosscheck"), host, port)
	checkNode(t, got)
	checkRowsOfNode(t, b)
}

// checkNode compares what the JavaScript client says.
func checkNode(t *testing.T, got map[string]any) {
	t.Helper()
	want := map[string]any{
		"wrongPassword": 10.0, "user": "SYSTEM", "inserted": 1.0, "bulk": []any{1.0, 1.0, 1.0}, "count": 6.0,
		"codes":    map[string]any{"syntax": 257.0, "table": 259.0, "column": 260.0, "duplicate": 301.0, "large": 274.0, "gap": 303.0},
		"selected": []any{map[string]any{"ID": 11.0}},
		"go": []any{
			map[string]any{"ID": 1.0, "D": "-1234567890123456789012345678.0123456789", "DF": "-1.234e-6", "NV": "aß€😀 ", "VB": "hex:00ff", "DT": "0001-01-03",
				"TS": "9999-12-31 23:59:59.999999900", "NC": "x😀", "RE": 0.5, "SI": -32768.0},
			map[string]any{"ID": 2.0, "D": nil, "DF": nil, "NV": nil, "VB": nil, "DT": nil, "TS": nil, "NC": nil, "RE": nil, "SI": nil},
			map[string]any{"ID": 3.0, "D": "0.0000000000", "DF": "1e+2", "NV": "", "VB": "hex:", "DT": "1582-10-04", "TS": "1582-10-15 00:00:00.000000000", "NC": "", "RE": 0.0, "SI": 0.0},
		},
		"node": []any{
			map[string]any{"ID": 1.0, "BI": "-9223372036854775808", "D1": "-1234567890123.45", "D2": "-1234567890123456789012345678.0123456789", "DF": "1.23456789012345678905e+19",
				"DB": 1.5e300, "RE": 0.5, "NV": "aß€😀", "VB": "hex:00ff01", "DT": "0001-01-01", "TI": "23:59:59", "SD": "1969-12-31 23:59:59", "TS": "9999-12-31 23:59:59.123000000",
				"BO": true, "NC": "short 😀", "BL": "hex:010203"},
			map[string]any{"ID": 2.0, "BI": nil, "D1": nil, "D2": nil, "DF": nil, "DB": nil, "RE": nil, "NV": nil, "VB": nil, "DT": nil, "TI": nil, "SD": nil, "TS": nil, "BO": nil, "NC": nil, "BL": nil},
			map[string]any{"ID": 3.0, "BI": 0.0, "D1": "0.00", "D2": "0.0000000000", "DF": "0e+0", "DB": 0.0, "RE": 0.0, "NV": "", "VB": "hex:", "DT": "1582-10-15", "TI": "00:00:00",
				"SD": "2000-01-01 00:00:00", "TS": "2000-01-01 00:00:00.000000000", "BO": false, "NC": "the long one", "BL": "the long one"},
		},
	}
	for k, w := range want {
		if !reflect.DeepEqual(got[k], w) {
			t.Errorf("%s:\n got %v\nwant %v", k, got[k], w)
		}
	}
}

// checkRowsOfNode reads with go-hdb what the JavaScript client wrote.
func checkRowsOfNode(t *testing.T, b *environment) {
	t.Helper()
	rows := b.rows(b.db, `SELECT TO_NVARCHAR("BI"), TO_NVARCHAR("D1"), TO_NVARCHAR("D2"), TO_NVARCHAR("DF"), "NV", "VB", TO_NVARCHAR("DT"), TO_NVARCHAR("TI"), TO_NVARCHAR("SD"), TO_NVARCHAR("TS"), "BO" FROM "NODE" WHERE "ID" = 1`)
	want := []any{"-9223372036854775808", "-1234567890123.45", "-1234567890123456789012345678.0123456789", "12345678901234567890.5", "aß€😀", "\x00\xff\x01",
		"0001-01-01", "23:59:59", "1969-12-31 23:59:59", "9999-12-31 23:59:59.1230000", true}
	if !reflect.DeepEqual(rows[0], want) {
		t.Errorf("go-hdb reads\n got %q\nwant %q", rows[0], want)
	}
	tx := b.begin(0)
	var text, raw bytes.Buffer
	if err := tx.QueryRow(`SELECT "NC", "BL" FROM "NODE" WHERE "ID" = 3`).Scan(driver.NewLob(nil, &text), driver.NewLob(nil, &raw)); err != nil {
		t.Fatal(err)
	}
	if long := strings.Repeat("a😀ß€", 60000); text.String() != long || raw.String() != long {
		t.Errorf("LOBs of %d and %d bytes come back of %d", text.Len(), raw.Len(), len(long))
	}
}
