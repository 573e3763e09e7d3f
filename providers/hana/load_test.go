package hana_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/hana"
)

const insertT = `INSERT INTO "` + testSchema + `"."t"`

func (b *environment) target(t testing.TB) providers.Target {
	t.Helper()
	db, err := hana.Driver().OpenTarget(t.Context(), b.Values(), providers.Env{Log: hclog.NewNullLogger(), Application: "dmoctl test", Readers: 2, Writers: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

func (b *environment) lock(t testing.TB, db providers.Target, id string) providers.Session {
	t.Helper()
	s, err := db.Lock(t.Context(), ledger.Run{Migration: "m", Lineage: "l", Serial: 1, Plan: "p", Token: "token-" + id, Owner: ledger.Owner{ID: id, User: "ana", Host: "db1", PID: 1}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// mapped is the table t of another engine, id and v, as the target will have it.
func mapped(t testing.TB, v catalog.Type) *catalog.Table {
	t.Helper()
	src := &catalog.Table{Name: catalog.Name{Schema: testSchema, Name: "t"}, Columns: []catalog.Column{
		{Name: "id", Type: catalog.Type{Kind: catalog.Int64}}, {Name: "v", Type: v, Nullable: true}},
		Key: &catalog.Key{Columns: []string{"id"}, Primary: true}}
	m := hana.Driver().MapTable(src, providers.MapOptions{Engine: "other", To: src.Name, Policies: catalog.DefaultPolicies()})
	if len(m.Refusals) > 0 {
		t.Fatalf("refused: %+v", m.Refusals)
	}
	return m.Table
}

// rowsOf makes a batch of values, ids from 0. A nil is NULL.
func rowsOf(t testing.TB, tb *catalog.Table, values ...any) arrow.RecordBatch {
	t.Helper()
	schema, err := batch.Schema(tb.Columns)
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i, v := range values {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		switch f := b.Field(1).(type) {
		case *array.StringBuilder:
			appendTo(f, v)
		case *array.LargeStringBuilder:
			appendTo(f, v)
		case *array.BinaryBuilder:
			appendTo(f, v)
		case *array.Date32Builder:
			appendTo(f, v)
		case *array.TimestampBuilder:
			appendTo(f, v)
		case *array.Decimal128Builder:
			appendTo(f, v)
		default:
			t.Fatalf("no way to append to %T", f)
		}
	}
	rec := b.NewRecordBatch()
	t.Cleanup(rec.Release)
	return rec
}

func appendTo[V any](b interface {
	Append(V)
	AppendNull()
}, v any) {
	if v == nil {
		b.AppendNull()
		return
	}
	b.Append(v.(V))
}

func pack(id string, rows int64) ledger.Loaded {
	return ledger.Loaded{Migration: "m", ID: id, Source: catalog.Name{Schema: "S", Name: "t"}, Generation: "g", Rows: rows, Digest: "d", ReadAt: time.Unix(1_700_000_000, 0).UTC(), Run: "a"}
}

// loaded runs one package's transaction and returns the first error.
func loaded(ctx context.Context, s providers.Session, tb *catalog.Table, id string, batches ...arrow.RecordBatch) (err error) {
	tx, err := s.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tx.Rollback(context.WithoutCancel(ctx))) }()
	in, err := tx.Claim(ctx, []ledger.Loaded{pack(id, 0)})
	if err != nil || len(in) > 0 {
		return err
	}
	w, err := tx.Writer(ctx, tb, catalog.WholeTable())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	for _, b := range batches {
		if err := w.Write(ctx, b); err != nil {
			return err
		}
	}
	n, err := w.Finish(ctx)
	if err != nil {
		return err
	}
	return tx.Commit(ctx, []ledger.Loaded{pack(id, n)})
}

func mustLoad(t testing.TB, s providers.Session, tb *catalog.Table, id string, batches ...arrow.RecordBatch) {
	t.Helper()
	if err := loaded(t.Context(), s, tb, id, batches...); err != nil {
		t.Fatal(err)
	}
}

func made(t testing.TB, s providers.Session, tb *catalog.Table) {
	t.Helper()
	if err := s.Alter(t.Context(), []providers.DDL{providers.CreateTable{Table: tb}}); err != nil {
		t.Fatal(err)
	}
}

// backs reads a table back and calls each for every batch.
func back(t testing.TB, db providers.Target, tb *catalog.Table, how providers.ReadOptions, each func(arrow.RecordBatch)) {
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
	drain(t, rd, each)
}

func drain(t testing.TB, rd providers.Reader, each func(arrow.RecordBatch)) {
	t.Helper()
	for {
		rec, err := rd.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		each(rec)
		rec.Release()
	}
}

// sentTimes counts how often the simulator was sent statements that begin like this.
func (b *environment) sentTimes(prefix string) (n int) {
	for _, s := range b.sim.Statements() {
		if strings.HasPrefix(s, prefix) {
			n++
		}
	}
	return n
}

func ready(t *testing.T, v catalog.Type) (*environment, providers.Target, providers.Session, *catalog.Table) {
	t.Helper()
	b := newBed(t)
	db := b.target(t)
	s := b.lock(t, db, "a")
	tb := mapped(t, v)
	made(t, s, tb)
	return b, db, s, tb
}

func wantKind(t testing.TB, err error, want providers.Kind) {
	t.Helper()
	_ = failure(t, err, want)
}

// failure is the provider's error of that kind.
func failure(t testing.TB, err error, want providers.Kind) *providers.Error {
	t.Helper()
	var e *providers.Error
	if !errors.As(err, &e) || e.Kind != want {
		t.Fatalf("error %v, want one of kind %q", err, want)
	}
	return e
}
