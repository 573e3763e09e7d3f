package postgres

import (
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/providers"
)

func TestNameConflictUnderLock(t *testing.T) {
	// Done: names: under the run's lock, too, what has the wanted name and is another thing is an error that names both
	s := pgtest.Shared(t)
	name := func(n string) catalog.Name { return catalog.Name{Schema: "public", Name: n} }
	column := catalog.Column{Name: "k", Type: catalog.Type{Kind: catalog.Int32}, Declared: "integer", Nullable: true}
	plain := &catalog.Table{Name: name("t"), Columns: []catalog.Column{column}}
	parted := &catalog.Table{Name: name("p"), Columns: []catalog.Column{column}, PartitionBy: "RANGE (k)",
		Partitions: []catalog.Partition{{Name: name("p1"), Parent: name("p"), Bound: "FOR VALUES FROM (0) TO (10)"}}}
	serial := &catalog.Table{Name: name("t"), Columns: []catalog.Column{column}}
	serial.Columns[0].Sequence = &catalog.Sequence{Name: name("q"), Increment: 1, Start: 1, Min: 1, Max: 9, DataType: "integer"}
	index := func(n string) providers.DDL {
		return providers.CreateIndex{Table: plain, Index: catalog.Index{Name: n, Columns: []catalog.IndexColumn{{Name: "k"}}}}
	}
	domain := func(definition string) providers.DDL {
		return providers.CreateType{Type: catalog.UserType{Name: name("d"), Kind: "domain", Definition: definition}}
	}
	for what, x := range map[string]struct {
		there string
		ddl   providers.DDL
		says  []string
	}{
		"a plain table":              {"CREATE TABLE p (k int) PARTITION BY RANGE (k); CREATE TABLE p1 (k int)", providers.CreateTable{Table: parted}, []string{"partition public.p1", "table public.p1"}},
		"a partition of another":     {"CREATE TABLE p (k int) PARTITION BY RANGE (k); CREATE TABLE o (k int) PARTITION BY RANGE (k); CREATE TABLE p1 PARTITION OF o DEFAULT", providers.CreateTable{Table: parted}, []string{"table public.p1 of table public.o"}},
		"another bound":              {"CREATE TABLE p (k int) PARTITION BY RANGE (k); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (5)", providers.CreateTable{Table: parted}, []string{"TO (10)", "TO (5)"}},
		"its bound, under a name":    {"CREATE TABLE p (k int) PARTITION BY RANGE (k); CREATE TABLE px PARTITION OF p FOR VALUES FROM (0) TO (10)", providers.CreateTable{Table: parted}, []string{"public.p1", "public.px"}},
		"another partition key":      {"CREATE TABLE p (k int) PARTITION BY LIST (k)", providers.CreateTable{Table: parted}, []string{"LIST (k)", "RANGE (k)"}},
		"a view":                     {"CREATE VIEW t AS SELECT 1", providers.CreateTable{Table: plain}, []string{"table public.t", "view public.t"}},
		"an enum":                    {"CREATE TYPE t AS ENUM ('a')", providers.CreateTable{Table: plain}, []string{"type public.t"}},
		"somebody's sequence":        {"CREATE SEQUENCE q", providers.CreateTable{Table: serial}, []string{"sequence public.q of table public.t", "sequence public.q"}},
		"a domain over another type": {"CREATE DOMAIN d AS int", domain("real"), []string{"domain over real", "domain over integer"}},
		"a domain without a check":   {"CREATE DOMAIN d AS int", domain("integer CONSTRAINT c CHECK ((VALUE > 0))"), []string{"VALUE > 0"}},
		"a domain without NOT NULL":  {"CREATE DOMAIN d AS int", domain("integer NOT NULL"), []string{"NOT NULL"}},
		"a table's row type":         {"CREATE TABLE d (k int)", domain("integer"), []string{"table public.d"}},
		"an index of another table":  {"CREATE TABLE t (k int); CREATE TABLE o (k int); CREATE INDEX i ON o (k)", index("i"), []string{"index i of table public.t", "index public.i of table public.o"}},
		"a partial index":            {"CREATE TABLE t (k int); CREATE INDEX i ON t (k) WHERE k > 0", index("i"), []string{"index public.i of table public.t"}},
		"a constraint's index":       {"CREATE TABLE t (k int, CONSTRAINT i UNIQUE (k))", index("i"), []string{"unique constraint i"}},
		"a sequence with the name":   {"CREATE TABLE t (k int); CREATE SEQUENCE i", index("i"), []string{"sequence public.i"}},
		"a check with a key's name": {"CREATE TABLE t (k int, CONSTRAINT u CHECK (k > 0))",
			providers.AddKey{Table: plain, Key: catalog.Key{Name: "u", Columns: []string{"k"}}}, []string{"check u"}},
		"a deferrable key": {"CREATE TABLE t (k int, CONSTRAINT u UNIQUE (k) DEFERRABLE)",
			providers.AddKey{Table: plain, Key: catalog.Key{Name: "u", Columns: []string{"k"}, Definition: "UNIQUE (k)"}}, []string{"unique constraint u"}},
		"a key with a reference's name": {"CREATE TABLE o (k int PRIMARY KEY); CREATE TABLE t (k int, CONSTRAINT f UNIQUE (k))",
			providers.AddForeignKey{Table: plain, ForeignKey: catalog.ForeignKey{Name: "f", Columns: []string{"k"}, Table: name("o"), References: []string{"k"}}}, []string{"unique constraint f"}},
	} {
		t.Run(what, func(t *testing.T) {
			db := s.NewDatabase(t)
			s.Exec(t, db, x.there)
			target, err := openTarget(t.Context(), schema.Values{"url": db, "schema": "public"}, providers.Env{Log: hclog.NewNullLogger(), Application: "test", Readers: 1, Writers: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer target.Close()
			session, err := target.Lock(t.Context(), ledger.Run{Migration: "m", Owner: ledger.Owner{ID: "a"}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer session.Close()
			err = session.Alter(t.Context(), []providers.DDL{x.ddl})
			if providers.KindOf(err) != providers.Exists {
				t.Fatalf("%v", err)
			}
			for _, words := range x.says {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("%v does not say %q", err, words)
				}
			}
		})
	}
}
