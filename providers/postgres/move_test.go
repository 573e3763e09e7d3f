package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/postgres"
)

func env() providers.Env {
	return providers.Env{Log: hclog.NewNullLogger(), Application: "dmoctl test", Readers: 2, Writers: 2}
}

func openSource(t testing.TB, url string) providers.Database {
	t.Helper()
	db, err := postgres.Driver().OpenSource(context.Background(), values(url), env())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func openTarget(t testing.TB, url string) providers.Target {
	t.Helper()
	db, err := postgres.Driver().OpenTarget(context.Background(), values(url), env())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// run is a ledger row with a token of its own.
func run(token string) ledger.Run {
	return ledger.Run{Migration: "test", Lineage: "l", Serial: 1, Plan: "p", Token: token,
		Owner: ledger.Owner{ID: "id-" + token, User: "ana", Host: "db1", PID: 412, Started: time.Now().UTC()}, Spec: "s"}
}

func lock(t testing.TB, target providers.Target, token string) providers.Session {
	t.Helper()
	s, err := target.Lock(context.Background(), run(token), func(what string) { t.Log("waits for " + what) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// pair is a source table and what it becomes.
type pair struct{ source, target *catalog.Table }

// mapAll maps every table of a source catalog onto this engine, under its own name.
func mapAll(t testing.TB, c *catalog.Catalog) []pair {
	t.Helper()
	names := make(map[catalog.Name]catalog.Name)
	for _, table := range c.Tables {
		names[table.Name] = table.Name
	}
	var out []pair
	for _, table := range c.Tables {
		m := postgres.Driver().MapTable(table, providers.MapOptions{Engine: c.Engine, To: table.Name, Policies: catalog.DefaultPolicies(), Types: c.Types, Names: names})
		for _, r := range m.Refusals {
			t.Errorf("refused: %s.%s: %s", r.Table, r.Column, r.What)
		}
		source := *table
		source.Columns = append([]catalog.Column{}, table.Columns...)
		for i, to := range m.Table.Columns {
			if to.Type.Kind == catalog.Native {
				source.Columns[i].Type = to.Type
			}
		}
		out = append(out, pair{&source, m.Table})
	}
	return out
}

// structures makes types, sequences and tables.
func structures(t testing.TB, s providers.Session, c *catalog.Catalog, pairs []pair) {
	t.Helper()
	var ddl []providers.DDL
	for _, u := range c.Types {
		ddl = append(ddl, providers.CreateSchema{Schema: u.Schema},
			providers.CreateType{Type: postgres.Driver().MapType(u, providers.MapOptions{Engine: c.Engine, Policies: catalog.DefaultPolicies(), Types: c.Types})})
	}
	for _, q := range c.Sequences {
		ddl = append(ddl, providers.CreateSequence{Sequence: q})
	}
	for _, p := range pairs {
		ddl = append(ddl, providers.CreateSchema{Schema: p.target.Schema}, providers.CreateTable{Table: p.target})
	}
	alterTwice(t, s, ddl)
}

// finalize makes keys, indexes and foreign keys, and raises sequences.
func finalize(t testing.TB, s providers.Session, pairs []pair) {
	t.Helper()
	var keys, rest []providers.DDL
	for _, p := range pairs {
		if p.target.Key != nil {
			keys = append(keys, providers.AddKey{Table: p.target, Key: *p.target.Key})
		}
		for _, k := range p.target.Uniques {
			keys = append(keys, providers.AddKey{Table: p.target, Key: k})
		}
		for _, x := range p.target.Indexes {
			rest = append(rest, providers.CreateIndex{Table: p.target, Index: x})
		}
		for _, f := range p.target.ForeignKeys {
			rest = append(rest, providers.AddForeignKey{Table: p.target, ForeignKey: f})
		}
		for i, c := range p.source.Columns {
			if c.Sequence != nil {
				rest = append(rest, providers.RaiseSequence{Table: p.target, Column: p.target.Columns[i].Name, Sequence: *c.Sequence})
			}
		}
		rest = append(rest, providers.Analyze{Table: p.target.Name})
	}
	alterTwice(t, s, append(keys, rest...))
}

// alterTwice also shows that a repeated call changes nothing.
func alterTwice(t testing.TB, s providers.Session, ddl []providers.DDL) {
	t.Helper()
	for range 2 {
		if err := s.Alter(context.Background(), ddl); err != nil {
			t.Fatal(err)
		}
	}
}

func packages(t testing.TB, db providers.Database, p pair, how catalog.SplitSpec) ([]ledger.Loaded, []catalog.Range) {
	t.Helper()
	ranges, reason, err := db.Split(context.Background(), p.source, how)
	if err != nil {
		t.Fatal(err)
	}
	if reason == "" {
		t.Error("a split without a reason")
	}
	out := make([]ledger.Loaded, len(ranges))
	for i := range ranges {
		out[i] = ledger.Loaded{Migration: "test", ID: fmt.Sprintf("%s/%04d", p.source.Name, i+1), Source: p.source.Name,
			Generation: "g", Run: "id", ReadAt: time.Now(), Snapshot: "snap"}
	}
	return out, ranges
}

// course is where packages are read and written.
type course struct {
	from providers.Snapshot
	to   providers.Session
}

// load copies one package in a transaction of its own and returns its rows.
func (c course) load(ctx context.Context, p pair, l ledger.Loaded, r catalog.Range) (int64, error) {
	v, err := c.from.Begin(ctx, []*catalog.Table{p.source})
	if err != nil {
		return 0, err
	}
	defer v.Close()
	tx, err := c.to.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback(ctx)
	in, err := tx.Claim(ctx, []ledger.Loaded{l})
	if err != nil || len(in) > 0 {
		return 0, err
	}
	n, err := pipe(ctx, v, tx, p, r)
	if err != nil {
		return 0, err
	}
	l.Rows = n
	return n, tx.Commit(ctx, []ledger.Loaded{l})
}

func pipe(ctx context.Context, v providers.View, tx providers.Tx, p pair, r catalog.Range) (int64, error) {
	rd, err := v.Read(ctx, p.source, r, providers.ReadOptions{})
	if err != nil {
		return 0, err
	}
	defer rd.Close()
	w, err := tx.Writer(ctx, p.target, r)
	if err != nil {
		return 0, err
	}
	defer w.Close()
	var rows int64
	for {
		b, err := rd.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		rows += b.NumRows()
		err = w.Write(ctx, b)
		b.Release()
		if err != nil {
			return 0, err
		}
	}
	n, err := w.Finish(ctx)
	if err == nil && n != rows {
		err = fmt.Errorf("read %d rows, but the target received %d", rows, n)
	}
	return n, err
}

// move copies a whole database and returns its tables.
func move(t testing.TB, sourceURL, targetURL string, how catalog.SplitSpec) []pair {
	t.Helper()
	ctx := context.Background()
	src, dst := openSource(t, sourceURL), openTarget(t, targetURL)
	c, err := src.Catalog(ctx, providers.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	s := lock(t, dst, "t1")
	pairs := mapAll(t, c)
	structures(t, s, c, pairs)
	sn, err := src.Snapshot(ctx, providers.SnapshotOptions{Readers: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Close()
	for _, p := range pairs {
		ls, ranges := packages(t, src, p, how)
		for i, r := range ranges {
			if _, err := (course{sn, s}).load(ctx, p, ls[i], r); err != nil {
				t.Fatal(err)
			}
		}
	}
	finalize(t, s, pairs)
	for _, q := range c.Sequences {
		if err := s.Alter(ctx, []providers.DDL{providers.RaiseSequence{Sequence: q}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return pairs
}

func values(url string) schema.Values { return schema.Values{"url": url, "schema": "public"} }
