package oracle_test

import (
	"fmt"
	"iter"
	"runtime"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle"
)

func orders(n int) iter.Seq[[]any] {
	day := time.Date(2024, 2, 29, 12, 30, 0, 0, time.UTC)
	return func(yield func([]any) bool) {
		for i := range n {
			if !yield([]any{"100", int64(i), fmt.Sprintf("MATERIAL-%08d", i%5000), int64(i % 977), fmt.Sprintf("%d.%02d", i%100000, i%100),
				day.Add(time.Duration(i) * time.Second), "a text of some length that says nothing", []byte{byte(i), 1, 2, 3}}) {
				return
			}
		}
	}
}

// TestManyRows holds that two million rows would need a third of a gigabyte, and that 200 tables do not hurt.
func TestManyRows(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	srv := start(t, oracle.Options{})
	db := open(t, srv, "")
	for i := range 200 {
		run(t, db, fmt.Sprintf(`CREATE TABLE t%d (mandt VARCHAR2(9) NOT NULL, id NUMBER(10) NOT NULL, matnr VARCHAR2(54), n NUMBER(5), amount NUMBER(13,2), at DATE, note VARCHAR2(120), r RAW(16))`, i))
		run(t, db, fmt.Sprintf(`CREATE UNIQUE INDEX "T%d~0" ON t%d (mandt, id)`, i, i))
	}
	const n = 200_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now()
	if _, err := srv.Load("DMO", "T0", orders(n)); err != nil {
		t.Fatal(err)
	}
	loaded := time.Since(began)
	runtime.GC()
	runtime.ReadMemStats(&after)
	used := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) >> 20
	if used > 40 {
		t.Errorf("%d rows take %d MiB", n, used)
	}
	began = time.Now()
	wantRows(t, query(t, db, "SELECT COUNT(*), COUNT(DISTINCT matnr) FROM t0"), "200000|5000")
	counted := time.Since(began)
	began = time.Now()
	if got := readAll(t, srv, "SELECT * FROM t0"); got != n {
		t.Errorf("%d rows", got)
	}
	t.Logf("%d rows: %d MiB, loaded in %v, counted in %v, read by go-ora in %v", n, used, loaded, counted, time.Since(began))
	wantRows(t, query(t, db, "SELECT COUNT(*) FROM ALL_TAB_COLS c JOIN ALL_TABLES t ON t.OWNER = c.OWNER AND t.TABLE_NAME = c.TABLE_NAME"), "1600")
}
