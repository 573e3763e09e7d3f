package oracle_test

import (
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	go_ora "github.com/sijms/go-ora/v2"

	"github.com/dmoctl/dmoctl/internal/testbed/nodetest"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle"
)

// TestCrossCheck lets Oracle's JavaScript client drive the server: what it writes is what go-ora reads, and
// the other way round. Neither client knows the server's code.
func TestCrossCheck(t *testing.T) {
	// Must show 1: Oracle's JavaScript client in thin mode and go-ora log in to the simulator; both read the same.
	nodetest.Require(t)
	for name, o := range map[string]oracle.Options{"AL32UTF8": {}, "UTF8": {UTF8: true}, "extended": {ExtendedStrings: true}} {
		t.Run(name, func(t *testing.T) {
			srv := start(t, o)
			srv.Faults().Add(oracle.Fault{Call: "execute", Match: "'slow'", Delay: time.Minute})
			fill := open(t, srv, "")
			insert := func(q string, args ...any) {
				if _, err := fill.Exec(q, args...); err != nil {
					t.Fatal(err)
				}
			}
			insert("CREATE TABLE go (id NUMBER(5), n NUMBER(38,10), v VARCHAR2(40), r RAW(10), d DATE, ts TIMESTAMP(9), z TIMESTAMP WITH TIME ZONE, f BINARY_DOUBLE, c CLOB, l LONG)")
			smile := "aß€😀 "
			if o.UTF8 {
				smile = "aß€\xed\xa0\xbd\xed\xb8\x80 "
			}
			insert("INSERT INTO go VALUES (:1, -1234567890123456789012345678.0123456789, :2, :3, DATE '2024-02-29', TIMESTAMP '1999-12-31 23:59:59.123456789', TIMESTAMP '2024-01-01 01:00:00 +02:00', :4, :5, :6)",
				1, smile, []byte{0, 255}, -2.5, go_ora.Clob{String: "x😀", Valid: true}, "long one")
			insert("INSERT INTO go (id) VALUES (2)")
			host, port, err := net.SplitHostPort(srv.Addr())
			if err != nil {
				t.Fatal(err)
			}
			checkNode(t, nodetest.Run(t, filepath.Join("testdata", "crosscheck"), host, port))
			checkRowsOfNode(t, srv, o.UTF8)
		})
	}
}

// checkNode compares what the JavaScript client says.
func checkNode(t *testing.T, got map[string]any) {
	t.Helper()
	null := make([]any, 15)
	want := map[string]any{
		"wrongPassword": 1017.0, "wrongUser": 1017.0, "wrongService": "NJS-518", "version": "19.0.0.0.0",
		"inserted": 1.0, "many": 3.0, "batch": map[string]any{"rows": 2.0, "counts": []any{1.0, 0.0, 1.0}, "errors": []any{[]any{1.0, 1.0}}},
		"codes":  map[string]any{"syntax": 900.0, "table": 942.0, "column": 904.0, "duplicate": 1.0, "large": 12899.0, "number": 1722.0},
		"rowids": true, "streamed": true, "many1000": 4096.0, "timeout": "NJS-123", "after": "still there", "count": 8.0,
		"go": []any{
			[]any{"1", "-1234567890123456789012345678.0123456789", "aß€😀 ", "hex:00ff", "2024-02-29T00:00:00.000Z", "1999-12-31T23:59:59.123Z",
				"2023-12-31T23:00:00.000Z", -2.5, "x😀", "long one"},
			[]any{"2", nil, nil, nil, nil, nil, nil, nil, nil, nil},
		},
		"node": []any{
			[]any{"1", "-.001", "12345.678", "aß€😀 ", "n😀", "hex:00ff", "-000044-03-15T12:30:00.000Z", "9999-12-31T23:59:59.999Z", 0.5, -1.5e300,
				"short 😀", "nc", "hex:010203", "xy  ", `{"months":-2,"years":-1}`, `{"fseconds":700000000,"seconds":6,"minutes":5,"hours":4,"days":3}`},
			append([]any{"2"}, null...),
			[]any{"3", "10000000000000000000000000000000000000000", "0", nil, "x", "hex:01", "2024-02-29T00:00:00.000Z", "1970-01-01T00:00:00.000Z", 0.0, 0.0,
				"the long one", "the long one", "the long one", "abcd", `{"months":0,"years":0}`, `{"fseconds":0,"seconds":0,"minutes":0,"hours":0,"days":0}`},
		},
	}
	for k, w := range want {
		if !reflect.DeepEqual(got[k], w) {
			t.Errorf("%s:\n got %v\nwant %v", k, got[k], w)
		}
	}
}

// checkRowsOfNode reads with go-ora what the JavaScript client wrote.
func checkRowsOfNode(t *testing.T, srv *oracle.Server, utf8 bool) {
	t.Helper()
	db := open(t, srv, "")
	text := "aß€😀 |n😀"
	short := "short 😀"
	if utf8 {
		text, short = "aß€\xed\xa0\xbd\xed\xb8\x80 |n😀", "short \xed\xa0\xbd\xed\xb8\x80"
	}
	wantRows(t, query(t, db, "SELECT id, TO_CHAR(n), TO_CHAR(p), v, nv, RAWTOHEX(r), TO_CHAR(d, 'SYYYY-MM-DD'), ts, f, ch, TO_CHAR(ym), TO_CHAR(ds) FROM node WHERE id = 1"),
		"1|-.001|12345.678|"+text+"|00FF|-0044-03-15|9999-12-31 23:59:59.999999 +0000|0.5|xy  |-01-02|+03 04:05:06.700000")
	wantRows(t, query(t, db, "SELECT c FROM node WHERE id = 1"), short)
	long := strings.Repeat("a😀ß€", 20000)
	var c, nc string
	var bl []byte
	stream := open(t, srv, "&LOB FETCH=POST")
	if err := stream.QueryRow("SELECT c, nc, bl FROM node WHERE id = 3").Scan(&c, &nc, &bl); err != nil || c != long || nc != long || string(bl) != long {
		t.Errorf("large objects of %d, %d, %d bytes, %v; want %d", len(c), len(nc), len(bl), err, len(long))
	}
}
