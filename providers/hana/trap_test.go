package hana_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	simulator "github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
	"github.com/dmoctl/dmoctl/providers"
)

func TestLostReplyNotResent(t *testing.T) {
	// Trap: the driver marks a lost reply so that database/sql sends the statement again: two rows and no error.
	b, _, s, tb := ready(t, catalog.Type{Kind: catalog.String, Length: 10})

	b.exec(t, `CREATE COLUMN TABLE "`+testSchema+`"."NOKEY" ("A" BIGINT)`)
	b.sim.Faults().Add(simulator.Fault{Match: "NOKEY", Exec: true, DropAfter: true})
	if _, err := b.client.Exec(`INSERT INTO "` + testSchema + `"."NOKEY" VALUES (1)`); err != nil {
		t.Fatalf("database/sql says %v: the trap is gone", err)
	}
	if got := b.query(t, `SELECT COUNT(*) FROM "`+testSchema+`"."NOKEY"`); got != "2" {
		t.Fatalf("database/sql inserted %s rows: the trap is gone", got)
	}

	b.sim.Faults().Clear()
	b.sim.Faults().Add(simulator.Fault{Match: insertT, Exec: true, DropAfter: true})
	before := b.sentTimes(insertT)
	rec := rowsOf(t, tb, "a", "b", nil)
	wantKind(t, loaded(t.Context(), s, tb, "t/0001", rec), providers.Disconnected)
	if n := b.sentTimes(insertT) - before; n > 2 { // prepared once, executed once
		t.Errorf("the statement was sent %d times", n)
	}
	if got := b.query(t, "SELECT COUNT(*) FROM t"); got != "0" {
		t.Errorf("%s rows of a transaction that never ended", got)
	}
	mustLoad(t, s, tb, "t/0001", rec)
	if got := b.query(t, "SELECT COUNT(*) FROM t"); got != "3" {
		t.Errorf("%s rows after the package was tried again", got)
	}

}

func TestSlowStatementNotResent(t *testing.T) {
	// Trap: the driver's timeout is the deadline of each read, and a statement that takes longer is sent again.
	b, _, s, tb := ready(t, catalog.Type{Kind: catalog.String, Length: 10})
	rec := rowsOf(t, tb, "a")
	b.sim.Faults().Add(simulator.Fault{Match: insertT, Exec: true, Delay: 1500 * time.Millisecond})
	mustLoad(t, s, tb, "t/0001", rec)
	if got := b.query(t, "SELECT COUNT(*) FROM t"); got != "1" {
		t.Errorf("%s rows", got)
	}

	b.sim.Faults().Add(simulator.Fault{Match: insertT, Exec: true, Delay: 3 * time.Second})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	started := time.Now()
	err := loaded(ctx, s, tb, "t/0002", rowsOf(t, tb, "b"))
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(started) > 2*time.Second {
		t.Errorf("after %s: %v", time.Since(started), err)
	}
	time.Sleep(3 * time.Second) // the server runs the statement all the same, in a transaction that ends without a commit
	if got := b.query(t, "SELECT COUNT(*) FROM t"); got != "1" {
		t.Errorf("%s rows after a statement that was given up", got)
	}
}

func TestLostCommitReplyResolvedByLedger(t *testing.T) {
	// Trap: the acknowledgement of a COMMIT is lost: the rows are in, and nobody was told.
	b, _, s, tb := ready(t, catalog.Type{Kind: catalog.String, Length: 10})
	rec := rowsOf(t, tb, "a", "b")
	tx, err := s.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Claim(t.Context(), []ledger.Loaded{pack("t/0001", 0)}); err != nil {
		t.Fatal(err)
	}
	w, err := tx.Writer(t.Context(), tb, catalog.WholeTable())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.sim.Faults().Add(simulator.Fault{Match: "COMMIT", DropAfter: true})
	wantKind(t, tx.Commit(t.Context(), []ledger.Loaded{pack("t/0001", 2)}), providers.Disconnected)
	b.sim.Faults().Clear()

	again, err := s.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Rollback(context.Background())
	in, err := again.Claim(t.Context(), []ledger.Loaded{pack("t/0001", 0)})
	if err != nil || len(in) != 1 {
		t.Errorf("the next claim finds %v, %v", in, err)
	}
	if got := b.query(t, "SELECT COUNT(*) FROM t"); got != "2" {
		t.Errorf("%s rows", got)
	}
}

func TestUndeliveredCommitNotApplied(t *testing.T) {
	// Trap: the connection breaks before the COMMIT arrives: the same error, and nothing is loaded.
	b, _, s, tb := ready(t, catalog.Type{Kind: catalog.String, Length: 10})
	b.sim.Faults().Add(simulator.Fault{Match: "COMMIT", Skip: 0, DropBefore: true})
	wantKind(t, loaded(t.Context(), s, tb, "t/0001", rowsOf(t, tb, "a")), providers.Disconnected)
	b.sim.Faults().Clear()
	if got := b.query(t, "SELECT COUNT(*) FROM t"); got != "0" {
		t.Errorf("%s rows", got)
	}
	mustLoad(t, s, tb, "t/0001", rowsOf(t, tb, "a"))
	if got := b.query(t, "SELECT COUNT(*) FROM t"); got != "1" {
		t.Errorf("%s rows", got)
	}
}

func TestNegative38DigitDecimals(t *testing.T) {
	// Trap: the driver writes negative decimals of more than 34 digits wrongly into a floating DECIMAL, without an error.
	for _, scale := range []int{0, 10, 38} {
		t.Run(fmt.Sprint(scale), func(t *testing.T) {
			b, _, s, tb := ready(t, catalog.Type{Kind: catalog.Decimal, Precision: 38, Scale: scale})
			nines := new(big.Int).Sub(new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil), big.NewInt(1))
			var values []any
			for _, n := range []*big.Int{nines, new(big.Int).Neg(nines), big.NewInt(-1), big.NewInt(1), new(big.Int).Add(new(big.Int).Neg(nines), big.NewInt(1))} {
				values = append(values, decimal128.FromBigInt(n))
			}
			rec := rowsOf(t, tb, values...)
			mustLoad(t, s, tb, "t/0001", rec)
			got := strings.Split(b.query(t, "SELECT v FROM t ORDER BY id"), "\n")
			for i := range got {
				want := batch.Format(rec.Column(1), i)
				if strings.TrimPrefix(got[i], "0") != strings.TrimPrefix(want, "0") && got[i] != want {
					t.Errorf("stored %s, want %s", got[i], want)
				}
			}
		})
	}
}

func TestNumbersOver34DigitsRejected(t *testing.T) {
	// Trap: the driver rounds what a floating DECIMAL cannot hold: such a row fails, by its key.
	b, _, s, tb := ready(t, catalog.Type{Kind: catalog.Number})
	mustLoad(t, s, tb, "t/0001", rowsOf(t, tb, "-1234567890123456789012345678901234", "1234567890123456789012345678901234000000", "-0.0000000001234567890123456789012345678901234"))
	want := "-1234567890123456789012345678901234\n1234567890123456789012345678901234000000\n-0.0000000001234567890123456789012345678901234"
	if got := b.query(t, "SELECT v FROM t ORDER BY id"); got != want {
		t.Errorf("stored\n%s\nwant\n%s", got, want)
	}
	e := failure(t, loaded(t.Context(), s, tb, "t/0002", rowsOf(t, tb, "1", "-12345678901234567890123456789012345")), providers.Value)
	if e.Key != "1" || e.Column != "v" {
		t.Errorf("the error names column %q, key %q", e.Column, e.Key)
	}
}

func TestDatesKeepCivilFields(t *testing.T) {
	// Trap: HANA and the driver count by the Julian calendar before 1582-10-15, Go and Arrow do not: day, month and year have to arrive.
	b, db, s, tb := ready(t, catalog.Type{Kind: catalog.Date})
	days := []string{"0001-01-01", "1500-03-01", "1582-10-04", "1582-10-15", "1970-01-01", "9999-12-31"}
	var values []any
	for _, d := range days {
		at, err := time.Parse(time.DateOnly, d)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, arrow.Date32(at.Unix()/86400))
	}
	rec := rowsOf(t, tb, values...)
	mustLoad(t, s, tb, "t/0001", rec)
	if got := b.query(t, "SELECT TO_NVARCHAR(v) FROM t ORDER BY id"); got != strings.Join(days, "\n") {
		t.Errorf("stored\n%s", got)
	}
	back(t, db, tb, providers.ReadOptions{}, func(r arrow.RecordBatch) {
		if !array.Equal(r.Column(1), rec.Column(1)) {
			t.Errorf("read back %v, sent %v", r.Column(1), rec.Column(1))
		}
	})
}

func TestNonexistentDaysRejected(t *testing.T) {
	// Trap: the driver moves 1582-10-05 to 1582-10-14 by ten days, and years beyond 9999 are sent unchecked.
	src := []catalog.Column{{Name: "id", Type: catalog.Type{Kind: catalog.Int64}}, {Name: "v", Type: catalog.Type{Kind: catalog.Timestamp, Precision: 6}, Nullable: true}}
	tb := mapped(t, src[1].Type)
	transform, err := batch.Compile(src, tb.Columns, catalog.DefaultPolicies())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"1582-10-05T00:00:00Z", "1582-10-14T23:59:59Z", "0000-12-31T23:59:59Z"} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := transform.Apply(rowsOf(t, &catalog.Table{Columns: src}, arrow.Timestamp(at.UnixMicro()))); err == nil {
			t.Errorf("%s is let through", text)
		}
	}
	if _, err := transform.Apply(rowsOf(t, &catalog.Table{Columns: src}, arrow.Timestamp(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()))); err == nil {
		t.Error("the year 10000 is let through")
	}
}

func TestTimestampsKeep100Nanoseconds(t *testing.T) {
	// Trap: year 9999, the last 100 ns of a day, and instants before 1970, whose fraction counts the other way.
	b, db, s, tb := ready(t, catalog.Type{Kind: catalog.Timestamp9, Precision: 7})
	at := []time.Time{time.Date(9999, 12, 31, 23, 59, 59, 999_999_900, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 100, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 999_999_900, time.UTC), time.Date(1582, 10, 4, 23, 59, 59, 999_999_900, time.UTC)}
	var values []any
	var want []string
	for _, x := range at {
		n := new(big.Int).Mul(big.NewInt(x.Unix()), big.NewInt(1e9))
		values = append(values, decimal128.FromBigInt(n.Add(n, big.NewInt(int64(x.Nanosecond())))))
		want = append(want, x.Format("2006-01-02 15:04:05.0000000"))
	}
	rec := rowsOf(t, tb, values...)
	mustLoad(t, s, tb, "t/0001", rec)
	if got := b.query(t, "SELECT v FROM t ORDER BY id"); got != strings.Join(want, "\n") {
		t.Errorf("stored\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	back(t, db, tb, providers.ReadOptions{}, func(r arrow.RecordBatch) {
		if !array.Equal(r.Column(1), rec.Column(1)) {
			t.Errorf("read back %v, sent %v", r.Column(1), rec.Column(1))
		}
	})
}

func TestNonBMPCharactersCountTwo(t *testing.T) {
	// Trap: NVARCHAR(n) counts UTF-16 units, and the wire is CESU-8: a character beyond the BMP is two units and six bytes.
	b, _, s, tb := ready(t, catalog.Type{Kind: catalog.String, Length: 3})
	transform, err := batch.Compile([]catalog.Column{{Name: "id", Type: catalog.Type{Kind: catalog.Int64}}, {Name: "v", Type: catalog.Type{Kind: catalog.String, Length: 3}, Nullable: true}}, tb.Columns, catalog.DefaultPolicies())
	if err != nil {
		t.Fatal(err)
	}
	fits, err := transform.Apply(rowsOf(t, tb, "a😀", "ä€z", "😀"))
	if err != nil {
		t.Fatal(err)
	}
	defer fits.Release()
	mustLoad(t, s, tb, "t/0001", fits)
	if got := b.query(t, "SELECT v FROM t ORDER BY id"); got != "a😀\nä€z\n😀" {
		t.Errorf("stored %q", got)
	}
	for _, v := range []string{"😀😀", "a\xed\xa0\x80"} { // four units; an unpaired surrogate
		if _, err := transform.Apply(rowsOf(t, tb, v)); err == nil {
			t.Errorf("%q is let through", v)
		}
	}
	b.exec(t, "DELETE FROM t")
	e := failure(t, loaded(t.Context(), s, tb, "t/0002", rowsOf(t, tb, "x", "😀😀")), providers.Value) // what the server says itself
	if e.Key != "1" {
		t.Errorf("the error names no key: %v", e)
	}
}

func TestLargeObjectsStreamed(t *testing.T) {
	// Trap: 100 MB in one value: a call of its own, read chunk by chunk where it lies, beside NULL, empty and small ones.
	if testing.Short() {
		t.Skip("moves 200 MB")
	}
	for _, kind := range []catalog.Kind{catalog.Blob, catalog.Text} {
		t.Run(string(kind), func(t *testing.T) {
			b, db, s, tb := ready(t, catalog.Type{Kind: kind})
			large := strings.Repeat("0123456789abc€", 100<<20/16)
			values := []any{"small", nil, large, "", large[:1<<20], "end"}
			if kind == catalog.Blob {
				for i, v := range values {
					if v != nil {
						values[i] = []byte(v.(string))
					}
				}
			}
			rec := rowsOf(t, tb, values...)
			mustLoad(t, s, tb, "t/0001", rec)
			_ = b
			want := sumOf(rec.Column(1))
			var got []string
			back(t, db, tb, providers.ReadOptions{LOBMax: 256 << 20}, func(r arrow.RecordBatch) { got = append(got, sumOf(r.Column(1))...) })
			if strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("read back\n%v\nsent\n%v", got, want)
			}
		})
	}
}

// sumOf prints each value's hash, so that 100 MB need not be compared by eye.
func sumOf(a arrow.Array) (out []string) {
	for i := range a.Len() {
		if a.IsNull(i) {
			out = append(out, "NULL")
			continue
		}
		switch a := a.(type) {
		case *array.LargeString:
			out = append(out, fmt.Sprintf("%d:%x", a.ValueLen(i), sha256.Sum256([]byte(a.Value(i)))))
		case *array.LargeBinary:
			out = append(out, fmt.Sprintf("%d:%x", a.ValueLen(i), sha256.Sum256(a.Value(i))))
		}
	}
	return out
}

func TestEmptyDistinctFromNull(t *testing.T) {
	// Trap: an empty large object and an empty string are values on HANA; NULL is none.
	for _, kind := range []catalog.Type{{Kind: catalog.String, Length: 10}, {Kind: catalog.Text}} {
		t.Run(kind.String(), func(t *testing.T) {
			b, db, s, tb := ready(t, kind)
			rec := rowsOf(t, tb, "", nil, " ")
			mustLoad(t, s, tb, "t/0001", rec)
			if got := b.query(t, "SELECT id FROM t WHERE v IS NULL"); got != "1" {
				t.Errorf("NULL are the rows %q", got)
			}
			if got := b.query(t, "SELECT LENGTH(v) FROM t ORDER BY id"); got != "0\n<NULL>\n1" {
				t.Errorf("lengths %q", got)
			}
			back(t, db, tb, providers.ReadOptions{}, func(r arrow.RecordBatch) {
				if !array.Equal(r.Column(1), rec.Column(1)) {
					t.Errorf("read back %v, sent %v", r.Column(1), rec.Column(1))
				}
			})
		})
	}
}

func TestTrailingBlanksKept(t *testing.T) {
	// Trap: HANA compares and keeps trailing blanks; a CHAR of the source arrives with those that its engine padded.
	b, db, s, tb := ready(t, catalog.Type{Kind: catalog.Char, Length: 5})
	rec := rowsOf(t, tb, "a    ", "a", "     ")
	mustLoad(t, s, tb, "t/0001", rec)
	if got := b.query(t, "SELECT LENGTH(v) FROM t ORDER BY id"); got != "5\n1\n5" {
		t.Errorf("lengths %q", got)
	}
	if got := b.query(t, "SELECT COUNT(*) FROM t WHERE v = 'a'"); got != "1" {
		t.Errorf("%s rows equal 'a'", got)
	}
	back(t, db, tb, providers.ReadOptions{}, func(r arrow.RecordBatch) {
		if !array.Equal(r.Column(1), rec.Column(1)) {
			t.Errorf("read back %v, sent %v", r.Column(1), rec.Column(1))
		}
	})
}
