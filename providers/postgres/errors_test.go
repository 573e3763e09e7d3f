package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/postgres"
)

func TestConnectErrors(t *testing.T) {
	// Failure scenario: source or target unreachable, wrong password, no privilege: one error with its kind and a fix, without the password.
	s := pgtest.Shared(t)
	const secret = "s3cr@t:/%x"
	s.Exec(t, "postgres", "DROP ROLE IF EXISTS canary; CREATE ROLE canary LOGIN PASSWORD 'another'")
	t.Cleanup(func() { s.Exec(t, "postgres", "DROP ROLE canary") })
	good := s.URLAs("canary", "another", "postgres")
	for name, c := range map[string]struct {
		v    schema.Values
		kind providers.Kind
	}{
		"wrong password":         {schema.Values{"url": s.URLAs("canary", secret, "postgres")}, providers.Auth},
		"wrong password, single": {schema.Values{"host": "127.0.0.1", "port": int64(s.Port), "database": "postgres", "user": "canary", "password": secret, "sslmode": "disable"}, providers.Auth},
		"no server":              {schema.Values{"host": "127.0.0.1", "port": int64(1), "database": "d", "user": "u", "password": secret}, providers.Unreachable},
		"no such host":           {schema.Values{"url": "postgres://u:" + url.QueryEscape(secret) + "@no-such-host.invalid/d"}, providers.Unreachable},
		"no such database":       {schema.Values{"url": strings.Replace(good, "/postgres?", "/absent?", 1), "password": "another"}, providers.NotFound},
		"broken url":             {schema.Values{"url": "postgres://u:" + secret + "@h/d"}, providers.Config},
		"broken url, words":      {schema.Values{"url": "host=h password='" + secret}, providers.Config},
		"no TLS":                 {schema.Values{"url": strings.Replace(good, "sslmode=disable", "sslmode=require", 1)}, providers.Unreachable},
		"missing certificate":    {schema.Values{"host": "h", "password": secret, "sslmode": "verify-full", "sslrootcert": "/absent"}, providers.Config},
		"both":                   {schema.Values{"url": good, "host": "h", "password": secret}, providers.Config},
		"unset":                  {schema.Values{"password": schema.Unset{Env: "ABSENT"}}, providers.Config},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := postgres.Driver().OpenSource(context.Background(), c.v, env())
			wantKind(t, "open", err, c.kind)
			var e *providers.Error
			if !errors.As(err, &e) || e.Fix == "" && e.Kind != providers.Config {
				t.Errorf("no fix: %v", err)
			}
			all := fmt.Sprintf("%v %+v %#v %s", err, err, err, e.Fix)
			for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
				if strings.Contains(all, form) {
					t.Errorf("the error holds the password: %s", all)
				}
			}
		})
	}
	if _, err := postgres.Driver().OpenSource(context.Background(), schema.Values{"url": good}, env()); err != nil {
		t.Errorf("right password: %v", err)
	}
}

func TestOtherEncodingsRefused(t *testing.T) {
	s := pgtest.Shared(t)
	s.Exec(t, "postgres", "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
	t.Cleanup(func() { s.Exec(t, "postgres", "DROP DATABASE ascii WITH (FORCE)") })
	_, err := postgres.Driver().OpenTarget(context.Background(), schema.Values{"url": s.URL("ascii")}, env())
	wantKind(t, "open", err, providers.Unsupported)
}

func TestOldServerVersionRefused(t *testing.T) {
	// Failure scenario: source or target unreachable, wrong password, no privilege, wrong version: a server that is too old is refused on either side, with what to do.
	s := pgtest.Shared(t)
	number := s.Query(t, "postgres", "SHOW server_version_num")
	old := rewriter{from: []byte(number), by: []byte("130014")}.listen(t, s.Address())
	v := schema.Values{"url": strings.Replace(s.URL("postgres"), s.Address(), old, 1)}
	_, source := postgres.Driver().OpenSource(context.Background(), v, env())
	_, target := postgres.Driver().OpenTarget(context.Background(), v, env())
	for side, err := range map[string]error{"source": source, "target": target} {
		wantKind(t, "open the "+side, err, providers.Unsupported)
		var e *providers.Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), "older than 14") || !strings.Contains(e.Fix, "14 or later") {
			t.Errorf("%s: %v", side, err)
		}
	}
}

func TestRejectedValueNamesColumnAndKey(t *testing.T) {
	// Failure scenario: a column that cannot be migrated; a value that does not fit: fails the package with table, column and key.
	f := newField(t)
	ctx := context.Background()
	s := lock(t, openTarget(t, f.dst), "one")
	for _, c := range []struct {
		alter string
		kind  providers.Kind
		key   string
	}{
		{"ALTER TABLE t ALTER v TYPE varchar(4)", providers.Value, "1000"},
		{"ALTER TABLE t ALTER v TYPE text, ADD CONSTRAINT few CHECK (id < 700)", providers.Constraint, "700"},
		{"ALTER TABLE t DROP CONSTRAINT few, ADD UNIQUE (id); INSERT INTO t VALUES (512)", providers.Constraint, "512"},
	} {
		f.server.Exec(t, f.dst, c.alter)
		_, err := (course{f.snapshot(t), s}).load(ctx, f.pair, whole, catalog.WholeTable())
		wantKind(t, c.alter, err, c.kind)
		var e *providers.Error
		if errors.As(err, &e) && (e.Key != c.key || e.Table.Name != "t") {
			t.Errorf("%s: table %s, column %q, key %q, want key %s: %v", c.alter, e.Table, e.Column, e.Key, c.key, err)
		}
	}
	f.server.Exec(t, f.dst, "TRUNCATE t")
	if _, err := (course{f.snapshot(t), s}).load(ctx, f.pair, whole, catalog.WholeTable()); err != nil {
		t.Errorf("after the errors: %v", err)
	}
	if got := f.rows(t); got != "1000|1000" {
		t.Errorf("rows: %s", got)
	}
}

func TestWideValuesMigrated(t *testing.T) {
	s := pgtest.Shared(t)
	src, dst := s.NewDatabase(t), s.NewDatabase(t)
	s.Exec(t, src, `CREATE TABLE w (id int PRIMARY KEY, b bytea, j jsonb, t text);
INSERT INTO w SELECT i, decode(repeat(md5(i::text), 1 << i), 'hex'), to_jsonb(repeat('é', 1 << i)), repeat('ü', 3 << i) FROM generate_series(0, 21) i`)
	move(t, src, dst, catalog.SplitSpec{By: "auto", Parts: 3})
	const q = "SELECT id, md5(b), md5(j::text), md5(t), length(b), length(t) FROM w ORDER BY id"
	if want, got := s.Query(t, src, q), s.Query(t, dst, q); want != got {
		t.Errorf("source\n%s\ntarget\n%s", want, got)
	}
}

func TestPreflightFindings(t *testing.T) {
	s := pgtest.Start(t)
	src := s.NewDatabase(t)
	s.Exec(t, "postgres", "CREATE ROLE poor LOGIN PASSWORD 'p'")
	s.Exec(t, src, `CREATE TABLE open (a int); CREATE TABLE closed (a serial); CREATE TABLE hidden (a int); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON open, hidden TO poor; SELECT lo_create(0); BEGIN; INSERT INTO open VALUES (1); PREPARE TRANSACTION 'later'`)
	db := openSource(t, strings.Replace(src, "postgres@", "poor:p@", 1))
	c, err := db.Catalog(context.Background(), providers.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := db.Preflight(context.Background(), c.Tables)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprint(found)
	for _, want := range []string{"SELECT on closed", "on hidden", "closed_a_seq", "large objects", "1 transactions are prepared"} {
		if !strings.Contains(all, want) {
			t.Errorf("preflight does not say %q: %s", want, all)
		}
	}
	target := openTarget(t, strings.Replace(src, "postgres@", "poor:p@", 1))
	if found, err = target.Preflight(context.Background(), c.Tables); err != nil || !strings.Contains(fmt.Sprint(found), "cannot create dmo, public") {
		t.Errorf("preflight of the target: %v, %v", found, err)
	}
	s.Exec(t, src, "ROLLBACK PREPARED 'later'; SELECT lo_unlink(oid) FROM pg_largeobject_metadata")
	if found, err = openSource(t, src).Preflight(context.Background(), c.Tables); err != nil || len(found) != 0 {
		t.Errorf("findings for an owner: %v, %v", found, err)
	}
}

func TestReferencedTableEmptied(t *testing.T) {
	// Invariant 5: a reload deletes the loaded rows and empties the table in one transaction, or does neither.
	f := newField(t)
	ctx := context.Background()
	s := lock(t, openTarget(t, f.dst), "one")
	if _, err := (course{f.snapshot(t), s}).load(ctx, f.pair, whole, catalog.WholeTable()); err != nil {
		t.Fatal(err)
	}
	f.server.Exec(t, f.dst, "ALTER TABLE t ADD PRIMARY KEY (id); CREATE TABLE child (id int REFERENCES t); INSERT INTO child VALUES (7)")
	reload := []providers.ReloadTable{{Source: f.pair.source.Name, Target: f.pair.target}}
	err := s.Reload(ctx, reload)
	wantKind(t, "reload of a table that rows refer to", err, providers.Constraint)
	if c, err := s.Read(ctx); err != nil || len(c.Loaded) != 1 || f.rows(t) != "1000|1000" {
		t.Errorf("a failed reload left %+v, %s rows, %v", c.Loaded, f.rows(t), err)
	}
	f.server.Exec(t, f.dst, "TRUNCATE child")
	if err := s.Record(ctx, ledger.Change{Tables: []ledger.Table{{Source: f.pair.source.Name, Target: f.pair.target.Name, State: ledger.Complete}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(ctx, reload); err != nil {
		t.Fatal(err)
	}
	c, err := s.Read(ctx)
	if err != nil || len(c.Loaded) != 0 || len(c.Tables) != 1 || c.Tables[0].State != ledger.Empty || f.rows(t) != "0|0" {
		t.Errorf("after the reload: %+v, %s rows, %v", c, f.rows(t), err)
	}
}

func TestColumnDroppedDuringCopy(t *testing.T) {
	// Done: settings: 42703 in mid-copy is a changed structure, on either side.
	f := newField(t)
	ctx := context.Background()
	s := lock(t, openTarget(t, f.dst), "one")
	for _, c := range []struct{ database, sql, undo string }{
		{f.src, "ALTER TABLE t RENAME v TO w", "ALTER TABLE t RENAME w TO v"},
		{f.dst, "ALTER TABLE t RENAME v TO w", "ALTER TABLE t RENAME w TO v"},
		{f.dst, "ALTER TABLE t RENAME TO gone", "ALTER TABLE gone RENAME TO t"},
		{f.src, "ALTER TABLE t RENAME TO gone", "ALTER TABLE gone RENAME TO t"},
	} {
		f.server.Exec(t, c.database, c.sql)
		_, err := (course{f.snapshot(t), s}).load(ctx, f.pair, whole, catalog.WholeTable())
		wantKind(t, c.sql, err, providers.Changed)
		var e *providers.Error
		if !errors.As(err, &e) || e.Table.Name != "t" {
			t.Errorf("%s: the table is not named: %v", c.sql, err)
		}
		f.server.Exec(t, c.database, c.undo)
	}
	if _, err := (course{f.snapshot(t), s}).load(ctx, f.pair, whole, catalog.WholeTable()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestProtocolViolationNotRetried(t *testing.T) {
	// Done: settings: 08P01 is not a lost connection: it fails the package at once.
	f := newField(t)
	s := lock(t, openTarget(t, f.dst), "one")
	f.server.Exec(t, f.dst, "ALTER TABLE t ALTER id TYPE bigint") // takes eight bytes and gets four
	_, err := (course{f.snapshot(t), s}).load(context.Background(), f.pair, whole, catalog.WholeTable())
	wantKind(t, "load", err, providers.Internal)
	var e *providers.Error
	if !errors.As(err, &e) || e.Code != "08P01" {
		t.Errorf("the server does not answer with 08P01: %v", err)
	}
}
