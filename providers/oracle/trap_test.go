package oracle_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	ora "github.com/sijms/go-ora/v2"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	simulator "github.com/dmoctl/dmoctl/internal/testbed/sim/oracle"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/providertest"
)

// inView runs f in a view of tables under a snapshot of its own.
func inView(t testing.TB, db providers.Database, how providers.SnapshotOptions, tables []*catalog.Table, f func(providers.View)) {
	t.Helper()
	s, err := db.Snapshot(t.Context(), how)
	if err != nil {
		t.Fatalf("snapshot: %v", err)
	}
	v, err := s.Begin(t.Context(), tables)
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	f(v)
	if err := errors.Join(v.Close(), s.Close()); err != nil {
		t.Errorf("close: %v", err)
	}
}

// rows reads a range as texts.
func rows(ctx context.Context, v providers.View, tb *catalog.Table, r catalog.Range, how providers.ReadOptions) (out [][]string, err error) {
	rd, err := v.Read(ctx, tb, r, how)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rd.Close()) }()
	columns := tb.CopiedColumns()
	for {
		b, err := rd.Next(ctx)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		for i := range int(b.NumRows()) {
			row := make([]string, len(columns))
			for j, c := range columns {
				row[j] = providertest.Text(b.Column(j), i, c.Type)
			}
			out = append(out, row)
		}
		b.Release()
	}
}

func all(t testing.TB, db providers.Database, tb *catalog.Table) (out [][]string) {
	t.Helper()
	inView(t, db, providers.SnapshotOptions{Readers: 1}, []*catalog.Table{tb}, func(v providers.View) {
		var err error
		if out, err = rows(t.Context(), v, tb, catalog.WholeTable(), providers.ReadOptions{}); err != nil {
			t.Errorf("read: %v", err)
		}
	})
	return out
}

func wantKind(t testing.TB, err error, want providers.Kind) {
	t.Helper()
	if providers.KindOf(err) != want || err == nil {
		t.Errorf("error of kind %q, want %q: %v", providers.KindOf(err), want, err)
	}
}

// numbers makes a table N of so many rows.
func (b *environment) numbers(t testing.TB, n int) {
	t.Helper()
	b.exec(t, "CREATE TABLE N (ID NUMBER(10) NOT NULL PRIMARY KEY, V VARCHAR2(20))")
	ids, texts := make([]int64, n), make([]string, n)
	for i := range ids {
		ids[i], texts[i] = int64(i), fmt.Sprintf("row %d", i)
	}
	if _, err := b.db.Exec("INSERT INTO N VALUES (:1, :2)", ids, texts); err != nil {
		t.Fatal(err)
	}
}

func TestLateReplyDiscarded(t *testing.T) {
	// Trap: read timeout: the driver's own would hand the late answer to the next statement. A statement
	// that is cancelled takes its session with it.
	b := newBed(t, nil)
	b.numbers(t, 10)
	db := b.source(t, nil)
	tb := b.table(t, db, "N")
	b.srv.Faults().Add(simulator.Fault{Call: "execute", Match: `"N"`, Nth: 1, Delay: 300 * time.Millisecond})
	inView(t, db, providers.SnapshotOptions{Readers: 1}, []*catalog.Table{tb}, func(v providers.View) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := v.Count(ctx, []*catalog.Table{tb})
		wantKind(t, err, providers.Disconnected)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cancelled with %v", err)
		}
		_, err = v.Count(t.Context(), []*catalog.Table{tb})
		wantKind(t, err, providers.Disconnected)
	})
	for range 3 {
		if got := all(t, db, tb); len(got) != 10 {
			t.Errorf("%d rows", len(got))
		}
	}
}

func TestLostReplyIsError(t *testing.T) {
	// Trap: lost reply: a connection that ends in the middle of a range is an error, never the range's end.
	b := newBed(t, nil)
	b.numbers(t, 2000)
	for _, f := range []simulator.Fault{{Drop: true}, {DropAfter: true}, {DropMid: true}} {
		f.Call, f.Nth = "fetch", 2
		db := b.source(t, schema.Values{"fetch_rows": int64(100)})
		tb := b.table(t, db, "N")
		f.Match = `"N"`
		hits := b.srv.Faults().Add(f)
		inView(t, db, providers.SnapshotOptions{Readers: 1}, []*catalog.Table{tb}, func(v providers.View) {
			got, err := rows(t.Context(), v, tb, catalog.WholeTable(), providers.ReadOptions{BatchRows: 50})
			wantKind(t, err, providers.Disconnected)
			if len(got) >= 2000 {
				t.Errorf("%d rows beside the error", len(got))
			}
		})
		if hits() == 0 {
			t.Errorf("%+v struck nobody", f)
		}
		b.srv.Faults().Clear()
		if got := all(t, db, tb); len(got) != 2000 {
			t.Errorf("afterwards %d rows", len(got))
		}
	}
}

func TestSlowStatementNotResent(t *testing.T) {
	// Trap: slow statement: it is neither cut off nor sent again.
	b := newBed(t, nil)
	b.numbers(t, 10)
	db := b.source(t, nil)
	tb := b.table(t, db, "N")
	b.srv.Faults().Add(simulator.Fault{Call: "execute", Match: "COUNT(*) FROM \"" + testUser + `"."N"`, Delay: 1200 * time.Millisecond})
	inView(t, db, providers.SnapshotOptions{Readers: 1}, []*catalog.Table{tb}, func(v providers.View) {
		n, err := v.Count(t.Context(), []*catalog.Table{tb})
		if err != nil || n[0].Rows != 10 {
			t.Errorf("counted %v, %v", n, err)
		}
	})
	if n := b.seen(`COUNT(*) FROM "` + testUser + `"."N"`); n != 1 {
		t.Errorf("the statement was run %d times", n)
	}
}

func TestFetchSizes(t *testing.T) {
	// Trap: prefetch bounds: every size of a fetch yields every row once, at and around the page's end.
	b := newBed(t, nil)
	b.numbers(t, 200)
	for _, fetch := range []int64{1, 24, 25, 26, 99, 100, 199, 200, 201, 10_000} {
		db := b.source(t, schema.Values{"fetch_rows": fetch})
		seen := make(map[string]bool)
		got := all(t, db, b.table(t, db, "N"))
		for _, row := range got {
			seen[row[0]] = true
		}
		if len(got) != 200 || len(seen) != 200 {
			t.Errorf("fetch_rows %d: %d rows, %d different", fetch, len(got), len(seen))
		}
	}
	_, err := b.open(t.Context(), schema.Values{"fetch_rows": int64(65536)})
	if err == nil {
		t.Error("fetch_rows 65536 is taken")
	}
}

func TestNegativeDecimalsAndYear9999(t *testing.T) {
	// Trap: 38-digit negative decimals; year 9999: exact over the wire, in every position of the point.
	b := newBed(t, nil)
	b.exec(t, "CREATE TABLE D (ID NUMBER(3) NOT NULL PRIMARY KEY, V NUMBER, W NUMBER(38,19), AT TIMESTAMP(9), DAY DATE)",
		"INSERT INTO D VALUES (1, -99999999999999999999999999999999999999, -9999999999999999999.9999999999999999999, TIMESTAMP '9999-12-31 23:59:59.999999999', DATE '9999-12-31')",
		"INSERT INTO D VALUES (2, -0.00000000000000000000000000000000000001, -0.0000000000000000001, TIMESTAMP '1582-10-15 00:00:00', DATE '1582-10-04')",
		"INSERT INTO D VALUES (3, 0.5, 0, TIMESTAMP '1582-10-04 23:59:59.000000001', DATE '1400-02-28')")
	db := b.source(t, nil)
	want := map[string]string{
		"1": "-99999999999999999999999999999999999999 -9999999999999999999.9999999999999999999 9999-12-31 23:59:59.999999999 9999-12-31 00:00:00.000000",
		"2": "-0.00000000000000000000000000000000000001 -0.0000000000000000001 1582-10-15 00:00:00.000000000 1582-10-04 00:00:00.000000",
		"3": "0.5 0.0000000000000000000 1582-10-04 23:59:59.000000001 1400-02-28 00:00:00.000000",
	}
	for _, row := range all(t, db, b.table(t, db, "D")) {
		if want[row[0]] != strings.Join(row[1:], " ") {
			t.Errorf("row %s is %q, want %q", row[0], row[1:], want[row[0]])
		}
	}
}

func TestSurrogatesInEveryCharset(t *testing.T) {
	// Trap: surrogates and CESU-8: characters beyond the Basic Multilingual Plane are the same in either
	// character set, in names, keys, near and far large objects.
	for _, utf8 := range []bool{false, true} {
		for _, fetch := range []string{"inline", "stream"} {
			t.Run(fmt.Sprintf("UTF8 %v %s", utf8, fetch), func(t *testing.T) {
				b := newBed(t, &simulator.Options{UTF8: utf8})
				b.exec(t, cesu(`CREATE TABLE "😀" (K VARCHAR2(40) NOT NULL PRIMARY KEY, N NVARCHAR2(20), C CLOB, L NCLOB)`, utf8))
				db := b.source(t, schema.Values{"lob_fetch": fetch})
				long := strings.Repeat("𝄞ä", 1500)
				for i, text := range []string{"𝄞", "a😀b", "äöü"} {
					if _, err := b.db.Exec(cesu(`INSERT INTO "😀" VALUES (:1, :2, :3, :4)`, utf8), cesu(text, utf8), ora.NVarChar(text),
						ora.Clob{String: long[:len(long)-i*6], Valid: true}, ora.NClob{String: long, Valid: true}); err != nil {
						t.Fatal(err)
					}
				}
				tb := b.table(t, db, "😀")
				got := all(t, db, tb)
				if len(got) != 3 {
					t.Fatalf("%d rows", len(got))
				}
				for _, row := range got {
					if row[0] != row[1] || row[3] != fmt.Sprintf("%x", long) || !strings.HasPrefix(fmt.Sprintf("%x", long), row[2]) {
						t.Errorf("row %.80q", row)
					}
				}
				ranges, _, err := db.Split(t.Context(), tb, catalog.SplitSpec{By: "key", Parts: 3})
				if err != nil || len(ranges) < 2 {
					t.Fatalf("%d ranges, %v", len(ranges), err)
				}
				total := 0
				inView(t, db, providers.SnapshotOptions{Readers: 1}, []*catalog.Table{tb}, func(v providers.View) {
					for _, r := range ranges {
						part, err := rows(t.Context(), v, tb, r, providers.ReadOptions{})
						if err != nil {
							t.Error(err)
						}
						total += len(part)
					}
				})
				if total != 3 {
					t.Errorf("ranges hold %d rows", total)
				}
			})
		}
	}
}

// cesu is what the independent client has to be given: for UTF8 (CESU-8) it encodes nothing but
// large objects.
func cesu(s string, utf8 bool) string {
	if !utf8 {
		return s
	}
	var out []byte
	for _, r := range s {
		if r < 0x10000 {
			out = append(out, string(r)...)
			continue
		}
		r -= 0x10000
		for _, half := range []rune{0xD800 | r>>10, 0xDC00 | r&0x3FF} {
			out = append(out, byte(0xE0|half>>12), byte(0x80|half>>6&0x3F), byte(0x80|half&0x3F))
		}
	}
	return string(out)
}

// countedBudget is a budget that counts.
type countedBudget struct{ most, out int64 }

func (p *countedBudget) Acquire(_ context.Context, n int64) (func(), error) {
	p.out += n
	p.most = max(p.most, p.out)
	return func() { p.out -= n }, nil
}

func TestLargeObject100MB(t *testing.T) {
	// Trap: 100 MB LOB: it arrives whole, alone, paid for; lob_max refuses it before it is fetched.
	if testing.Short() {
		t.Skip("takes 100 MB a few times")
	}
	b := newBed(t, nil)
	const size = 100 << 20
	b.exec(t, "CREATE TABLE B (ID NUMBER(3) NOT NULL PRIMARY KEY, D BLOB)")
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i * 7)
	}
	for id, d := range [][]byte{data, data[:10]} {
		if _, err := b.db.Exec("INSERT INTO B VALUES (:1, :2)", id, ora.Blob{Data: d}); err != nil {
			t.Fatal(err)
		}
	}
	db := b.source(t, nil)
	tb := b.table(t, db, "B")
	inView(t, db, providers.SnapshotOptions{Readers: 1}, []*catalog.Table{tb}, func(v providers.View) {
		p := &countedBudget{}
		rd, err := v.Read(t.Context(), tb, catalog.WholeTable(), providers.ReadOptions{Budget: p, LOBMax: size})
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for {
			rec, err := rd.Next(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			values := rec.Column(1).Data().Buffers()[2].Bytes()
			if len(values) >= size {
				found = rec.NumRows() == 1 && string(values[:size]) == string(data)
			}
			rec.Release()
		}
		if err := rd.Close(); err != nil || !found || p.most < size || p.out != 0 {
			t.Errorf("found %v; %d bytes asked of the budget, %d not released; %v", found, p.most, p.out, err)
		}
		before := b.seen("WHERE t.ROWID IN")
		_, err = rows(t.Context(), v, tb, catalog.WholeTable(), providers.ReadOptions{LOBMax: size - 1})
		wantKind(t, err, providers.Value)
		var e *providers.Error
		if !errors.As(err, &e) || e.Column != "D" || e.Key != "0" || b.seen("WHERE t.ROWID IN") != before {
			t.Errorf("refused with %v after %d more fetches", err, b.seen("WHERE t.ROWID IN")-before)
		}
	})
}

func TestEmptyDistinctFromNull(t *testing.T) {
	// Trap: empty LOB against NULL; empty string against NULL; trailing blanks.
	for _, fetch := range []string{"inline", "stream"} {
		t.Run(fetch, func(t *testing.T) {
			b := newBed(t, nil)
			b.exec(t, "CREATE TABLE E (ID NUMBER(3) NOT NULL PRIMARY KEY, C CLOB, N NCLOB, B BLOB, S VARCHAR2(10), F CHAR(3), R RAW(4))",
				"INSERT INTO E VALUES (1, EMPTY_CLOB(), EMPTY_CLOB(), EMPTY_BLOB(), '', 'a', NULL)",
				"INSERT INTO E VALUES (2, NULL, NULL, NULL, NULL, NULL, NULL)",
				"INSERT INTO E VALUES (3, ' ', N'x  ', HEXTORAW('20'), 'a  ', '   ', HEXTORAW('2000'))")
			db := b.source(t, schema.Values{"lob_fetch": fetch})
			const null = providertest.Null
			want := map[string][]string{
				"1": {"", "", "", null, "612020", null},
				"2": {null, null, null, null, null, null},
				"3": {"20", "782020", "20", "612020", "202020", "2000"},
			}
			for _, row := range all(t, db, b.table(t, db, "E")) {
				if got := strings.Join(row[1:], "|"); got != strings.Join(want[row[0]], "|") {
					t.Errorf("row %s is %q, want %q", row[0], got, want[row[0]])
				}
			}
		})
	}
}
