package oracle_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers/oracle"
	"github.com/dmoctl/dmoctl/providers/providertest"
)

func harness(open func(testing.TB) *served) providertest.Harness {
	return providertest.Harness{
		Driver:      oracle.Driver(),
		New:         func(t testing.TB) providertest.Database { return open(t) },
		Quote:       func(name string) string { return `"` + name + `"` },
		Schema:      testUser,
		BigInt:      "NUMBER(19)",
		Varchar:     "VARCHAR2(40 CHAR)",
		Text:        "CLOB",
		EmptyIsNull: true,
		// Names hold no double quote (ORA-03001).
		Named: func(name string) bool { return !strings.Contains(name, `"`) },
		Types: typeCases(),
		Show:  show,
	}
}

func typeCases() []providertest.TypeCase {
	of := func(k catalog.Kind) catalog.Type { return catalog.Type{Kind: k} }
	decimal := func(p, s int) catalog.Type { return catalog.Type{Kind: catalog.Decimal, Precision: p, Scale: s} }
	text := func(n int) catalog.Type { return catalog.Type{Kind: catalog.String, Length: n} }
	stamp := func(k catalog.Kind, p int) catalog.Type { return catalog.Type{Kind: k, Precision: p} }
	return []providertest.TypeCase{
		{Declared: "NUMBER(15,2)", Type: decimal(15, 2), Values: []string{"-9999999999999.99", "0", "0.01", "-0.1", "9999999999999.99", "100"}},
		{Declared: "NUMBER(38)", Type: decimal(38, 0), Values: []string{"-99999999999999999999999999999999999999", "1", "10000000000000000000000000000000000000"}},
		{Declared: "NUMBER(38,10)", Type: decimal(38, 10), Values: []string{"-9999999999999999999999999999.9999999999", "0.0000000001", "1e27"}},
		{Declared: "NUMBER(3,5)", Type: decimal(5, 5), Values: []string{"0.00999", "-0.00001"}},
		{Declared: "NUMBER(5,-2)", Type: decimal(7, 0), Values: []string{"1234500", "-100"}},
		{Declared: "NUMBER(*,0)", Type: decimal(38, 0), Values: []string{"-1", "99999999999999999999999999999999999999"}},
		{Declared: "NUMBER", Type: of(catalog.Number), Values: []string{"0", "-0.5", "1e40", "123.45", "-1e-20", "99999999999999999999999999999999999999"}},
		{Declared: "FLOAT(126)", Type: of(catalog.Number), Values: []string{"0.1", "-1e30"}},
		{Declared: "BINARY_FLOAT", Type: of(catalog.Float32), Values: []string{"TO_BINARY_FLOAT('1.5')", "TO_BINARY_FLOAT('-3.25')", "TO_BINARY_FLOAT('0')", "TO_BINARY_FLOAT('NaN')", "TO_BINARY_FLOAT('Inf')", "TO_BINARY_FLOAT('-Inf')"}},
		{Declared: "BINARY_DOUBLE", Type: of(catalog.Float64), Values: []string{"TO_BINARY_DOUBLE('1.5')", "TO_BINARY_DOUBLE('-0.1')", "TO_BINARY_DOUBLE('0')", "TO_BINARY_DOUBLE('1.7976931348623157E308')", "TO_BINARY_DOUBLE('NaN')", "TO_BINARY_DOUBLE('-Inf')"}},
		{Declared: "VARCHAR2(40 CHAR)", Type: text(40), Values: []string{"' '", "'a  '", "'NULL'", "'äöü'", "'𝄞'", "'it''s'"}},
		{Declared: "VARCHAR2(40 BYTE)", Type: text(40), Values: []string{"' '", "'a  '", "'ÄÖÜ'"}},
		{Declared: "NVARCHAR2(40)", Type: text(40), Values: []string{"N' '", "N'a  '", "N'表'", "N'𝄞'"}},
		{Declared: "CHAR(10 CHAR)", Type: catalog.Type{Kind: catalog.Char, Length: 10}, Values: []string{"'a'", "'ü  '"}},
		{Declared: "CHAR(10 BYTE)", Type: text(10), Values: []string{"'a'", "'ü  '"}},
		{Declared: "NCHAR(10)", Type: catalog.Type{Kind: catalog.Char, Length: 10}, Values: []string{"N'a'", "N'ü'"}},
		{Declared: "RAW(16)", Type: catalog.Type{Kind: catalog.Binary, Length: 16}, Values: []string{"HEXTORAW('00FF0A')", "HEXTORAW('00')"}},
		{Declared: "CLOB", Type: of(catalog.Text), Values: []string{"' '", "'a  '", "'𝄞 Übergrößenträger'", "RPAD('x', 1000, 'x')", "RPAD('y', 1001, 'y')", "RPAD('ä', 1500, 'ö')"}},
		{Declared: "NCLOB", Type: of(catalog.Text), Values: []string{"N' '", "N'𝄞 Übergrößenträger'", "RPAD(N'y', 1001, N'ü')"}},
		{Declared: "BLOB", Type: of(catalog.Blob), Values: []string{"HEXTORAW('00FF0A')", "HEXTORAW(RPAD('00', 4000, 'FF'))"}},
		{Declared: "DATE", Type: stamp(catalog.Timestamp, 0), Values: []string{"TO_DATE('0001-01-01 00:00:00', 'YYYY-MM-DD HH24:MI:SS')", "DATE '1582-10-04'", "DATE '1582-10-15'",
			"TO_DATE('1969-12-31 23:59:59', 'YYYY-MM-DD HH24:MI:SS')", "TO_DATE('9999-12-31 23:59:59', 'YYYY-MM-DD HH24:MI:SS')", "DATE '2000-02-29'"}, Refused: []string{"DATE '1500-02-29'"}},
		{Declared: "TIMESTAMP(6)", Type: stamp(catalog.Timestamp, 6), Values: []string{"TIMESTAMP '0001-01-01 00:00:00.000001'", "TIMESTAMP '1500-01-01 12:00:00.5'", "TIMESTAMP '9999-12-31 23:59:59.999999'",
			"TIMESTAMP '1969-12-31 23:59:59.999999'"}, Refused: []string{"TIMESTAMP '1300-02-29 00:00:00'"}},
		{Declared: "TIMESTAMP(9)", Type: stamp(catalog.Timestamp9, 9), Values: []string{"TIMESTAMP '0001-01-01 00:00:00.000000001'", "TIMESTAMP '9999-12-31 23:59:59.999999999'", "TIMESTAMP '1969-12-31 23:59:59.123456789'"}},
		{Declared: "TIMESTAMP(6) WITH TIME ZONE", Type: stamp(catalog.TimestampTZ, 6), Values: []string{"TIMESTAMP '2024-06-01 12:00:00.123456 +05:30'", "TIMESTAMP '0001-01-02 00:00:00 -12:00'", "TIMESTAMP '9999-12-31 12:00:00 +00:00'"}},
		{Declared: "TIMESTAMP(9) WITH TIME ZONE", Type: stamp(catalog.TimestampTZ, 6), Values: []string{"TIMESTAMP '2024-06-01 12:00:00.123456 -01:00'"}, Refused: []string{"TIMESTAMP '2024-06-01 12:00:00.123456789 +00:00'"}},
		{Declared: "TIMESTAMP(3) WITH LOCAL TIME ZONE", Type: stamp(catalog.TimestampTZ, 3), Values: []string{"TIMESTAMP '2024-06-01 12:00:00.123 +05:30'"}},
	}
}

// show asks the server for the text, and leaves hexadecimal to the client.
func show(column string, t catalog.Type) string {
	const stamp = "YYYY-MM-DD HH24:MI:SS"
	switch t.Kind {
	case catalog.Decimal:
		form := "FM" + strings.Repeat("9", t.Precision-t.Scale) + "0"
		if t.Scale > 0 {
			form += "." + strings.Repeat("0", t.Scale)
		}
		return "TO_CHAR(" + column + ", '" + form + "')"
	case catalog.Number:
		return column
	case catalog.Timestamp:
		return "TO_CHAR(CAST(" + column + " AS TIMESTAMP(6)), '" + stamp + ".FF6')"
	case catalog.Timestamp9:
		return "TO_CHAR(" + column + ", '" + stamp + ".FF9')"
	case catalog.TimestampTZ:
		return "TO_CHAR(SYS_EXTRACT_UTC(" + column + "), '" + stamp + ".FF6')"
	}
	return asHex + column
}

// testUser is the schema that tests work in.
const testUser = "DMOTEST"

// TestConformance runs against the server that DMO_TEST_ORACLE_URL names, else against the simulator.
func TestConformance(t *testing.T) {
	at := os.Getenv("DMO_TEST_ORACLE_URL")
	if at == "" {
		providertest.Source(t, harness(simulated))
		return
	}
	var users atomic.Int64
	providertest.Source(t, harness(func(t testing.TB) *served { return onServer(t, at, users.Add(1)) }))
}

// onServer makes a user of its own on a real server and drops it with the test.
func onServer(t testing.TB, at string, n int64) *served {
	t.Helper()
	admin, err := sql.Open("oracle", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	const password = "Dmo_test_1"
	_, _ = admin.Exec("DROP USER " + testUser + " CASCADE")
	for _, statement := range []string{
		"CREATE USER " + testUser + " IDENTIFIED BY " + password + " QUOTA UNLIMITED ON USERS",
		"GRANT CREATE SESSION, CREATE TABLE, CREATE VIEW, CREATE SEQUENCE, SELECT_CATALOG_ROLE, ANALYZE ANY, FLASHBACK ANY TABLE TO " + testUser,
		"GRANT EXECUTE ON SYS.DBMS_FLASHBACK TO " + testUser,
	} {
		if _, err := admin.Exec(statement); err != nil {
			t.Fatalf("user %d: %v", n, err)
		}
	}
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal("DMO_TEST_ORACLE_URL is no URL")
	}
	port, err := strconv.ParseInt(u.Port(), 10, 64)
	if err != nil {
		t.Fatal("DMO_TEST_ORACLE_URL has no port")
	}
	mode := "disable"
	if strings.EqualFold(u.Query().Get("SSL"), "true") {
		mode = "verify"
	}
	u.User = url.UserPassword(testUser, password)
	d := connected(t, u.String(), schema.Values{"host": u.Hostname(), "port": port, "service": strings.Trim(u.Path, "/"),
		"user": testUser, "password": password, "tls": mode})
	t.Cleanup(func() {
		d.db.Close()
		if _, err := admin.Exec("DROP USER " + testUser + " CASCADE"); err != nil {
			t.Errorf("drop user: %v", err)
		}
	})
	return d
}

// connected opens the independent client.
func connected(t testing.TB, at string, v schema.Values) *served {
	t.Helper()
	db, err := sql.Open("oracle", at)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxIdleConns(1)
	t.Cleanup(func() { db.Close() })
	for name, value := range map[string]any{"schema": testUser, "fetch_rows": int64(500), "lob_fetch": "inline", "consistency": "snapshot"} {
		if !v.Has(name) {
			v[name] = value
		}
	}
	return &served{db: db, values: v}
}

func printedURL(addr, user, password, service string) string {
	u := url.URL{Scheme: "oracle", User: url.UserPassword(user, password), Host: addr, Path: "/" + service}
	return fmt.Sprint(u.String(), "?SERVER+LOCATION=UTC")
}
