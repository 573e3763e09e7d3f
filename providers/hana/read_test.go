package hana_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// stingy has room for nothing.
type stingy struct{}

func (stingy) Acquire(context.Context, int64) (func(), error) {
	return nil, &providers.Error{Kind: providers.Value, Op: "make room",
		Err: errors.New("there is none"), Fix: "Widen it."}
}

func TestRejectedRowNamesKey(t *testing.T) {
	for _, kind := range []catalog.Kind{catalog.Blob, catalog.Text} {
		_, db, s, tb := ready(t, catalog.Type{Kind: kind})
		values := []any{"small", strings.Repeat("w", 50_000), nil}
		if kind == catalog.Blob {
			values[0], values[1] = []byte("small"), []byte(values[1].(string))
		}
		mustLoad(t, s, tb, "t/0001", rowsOf(t, tb, values...))
		for _, c := range []struct {
			name, column, said, fix string
			how                     providers.ReadOptions
		}{
			{"lob_max", tb.Columns[1].Name, "a value of 50000 bytes is larger than lob_max (49999)", "lob_max",
				providers.ReadOptions{LOBMax: 49_999}},
			{"budget", "", "there is none", "Widen it.", providers.ReadOptions{BatchBytes: 10_000, Budget: stingy{}}},
		} {
			t.Run(string(kind)+" "+c.name, func(t *testing.T) {
				e := failure(t, readAll(t, db, tb, c.how), providers.Value)
				if e.Table != tb.Name || e.Column != c.column || e.Key != "1" {
					t.Errorf("it names table %s, column %q, key %q", e.Table, e.Column, e.Key)
				}
				if e.Err.Error() != c.said || !strings.Contains(e.Fix, c.fix) {
					t.Errorf("it says %q, %q", e.Err, e.Fix)
				}
			})
		}
	}
}

// readAll reads a table to its end or to the first error.
func readAll(t *testing.T, db providers.Target, tb *catalog.Table, how providers.ReadOptions) error {
	t.Helper()
	snap, err := db.Snapshot(t.Context(), providers.SnapshotOptions{Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	v, err := snap.Begin(t.Context(), []*catalog.Table{tb})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	rd, err := v.Read(t.Context(), tb, catalog.WholeTable(), how)
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	for {
		rec, err := rd.Next(t.Context())
		if err != nil {
			return err
		}
		rec.Release()
	}
}
