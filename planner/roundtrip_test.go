package planner

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/internal/structure"
	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/postgres"
	"github.com/dmoctl/dmoctl/providers/sqlite"
)

const sqliteTypes = `CREATE TABLE parent (id INTEGER PRIMARY KEY AUTOINCREMENT, code VARCHAR(10) NOT NULL UNIQUE);
	CREATE TABLE kinds (a INT, b BIGINT NOT NULL, c SMALLINT, d REAL, e DOUBLE PRECISION, f DECIMAL(15,2), g NUMERIC, h BOOLEAN,
		i DATE, j DATETIME, k TIMESTAMP, l TIME, m CHAR(3), n VARCHAR(40) DEFAULT 'x', o TEXT, p BLOB, q CLOB, r,
		parent INTEGER REFERENCES parent (id), PRIMARY KEY (a, b));
	CREATE TABLE "/BIC/AFOO" ("order" TEXT, "with ""quote" TEXT) ;
	CREATE TABLE worn (a TEXT NOT NULL, b INT NOT NULL, PRIMARY KEY (b, a)) WITHOUT ROWID;
	CREATE INDEX kinds_n ON kinds (n DESC, o)`

const postgresTypes = `CREATE TYPE mood AS ENUM ('sad', 'happy');
	CREATE DOMAIN code AS varchar(10) CHECK (VALUE <> '');
	CREATE SEQUENCE free;
	CREATE TABLE parent (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text NOT NULL UNIQUE);
	CREATE TABLE kinds (id serial PRIMARY KEY, a smallint, b bigint, c real, d double precision, e numeric(15,2), f numeric, g boolean,
		h date, i timestamp, j timestamptz(3), k time, l timetz, m char(3), n varchar(40) DEFAULT 'x', o text, p bytea, q uuid, r json, s jsonb,
		t int[], u int4range, v tsvector, w interval, x inet, y mood, z code, total numeric GENERATED ALWAYS AS (e * 2) STORED,
		parent bigint REFERENCES parent (id));
	CREATE TABLE days (day date NOT NULL, v int) PARTITION BY RANGE (day);
	CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
	CREATE TABLE "/BIC/AFOO" ("order" text, "with ""quote" text);
	CREATE INDEX kinds_n ON kinds (n DESC, o)`

// plainTypes are those that other engines take.
const plainTypes = `CREATE TABLE parent (id bigint PRIMARY KEY, code text NOT NULL UNIQUE);
	CREATE TABLE kinds (id int PRIMARY KEY, a smallint, b bigint, d double precision, e numeric(15,2), f numeric, g boolean,
		h date, i timestamp, k time, m char(3), n varchar(40) DEFAULT 'x', o text, p bytea, q uuid, r json, parent bigint REFERENCES parent (id))`

func sqliteSide(t *testing.T, sql string) schema.Values {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	c, err := zombiezen.OpenConn(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := sqlitex.ExecuteScript(c, sql, nil); err != nil {
		t.Fatal(err)
	}
	return schema.Values{"path": path}
}

func postgresSide(t *testing.T, sql string) schema.Values {
	t.Helper()
	s := pgtest.Shared(t)
	url := s.NewDatabase(t)
	s.Exec(t, filepath.Base(url[:len(url)-len("?sslmode=disable")]), sql)
	return schema.Values{"url": url, "schema": "public"}
}

func otherSchema(t *testing.T, sql string) schema.Values {
	v := postgresSide(t, sql)
	v["schema"] = "S4 new"
	return v
}

// TestSecondPlanFindsNoChanges: what a server says about the tables that were
// made on it is what was asked for, so that a second plan finds nothing to do.
func TestSecondPlanFindsNoChanges(t *testing.T) {
	lite, pg := sqlite.Driver(), postgres.Driver()
	cases := []struct {
		name           string
		source, target providers.Driver
		from           func(*testing.T, string) schema.Values
		to             func(*testing.T, string) schema.Values
		sql            string
	}{
		{"sqlite to sqlite", lite, lite, sqliteSide, sqliteSide, sqliteTypes},
		{"sqlite to postgres", lite, pg, sqliteSide, postgresSide, strings.Replace(sqliteTypes, "q CLOB, r,", "q CLOB,", 1)},
		{"postgres to postgres", pg, pg, postgresSide, postgresSide, postgresTypes},
		{"postgres to another schema", pg, pg, postgresSide, otherSchema, postgresTypes},
		{"postgres to sqlite", pg, lite, postgresSide, sqliteSide, plainTypes},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			spec := &desired.Spec{
				Migration: "m", Digest: "d", Policies: catalog.DefaultPolicies(), Transfer: desired.Transfer{Mode: "pipe"},
				Source: desired.Endpoint{Role: "source", Type: c.source.Type, Config: c.from(t, c.sql)},
				Target: desired.Endpoint{Role: "target", Type: c.target.Type, Config: c.to(t, "SELECT 1")},
			}
			sides := openSides(t, spec, c.source, c.target)
			o, ds, err := Observe(t.Context(), spec, sides, Options{})
			if err != nil || ds.HasErrors() {
				t.Fatal(err, text(ds))
			}
			p, ds := Diff(spec, o, nil, Options{Machine: Machine{Memory: 8 << 30, CPUs: 2}})
			if ds.HasErrors() {
				t.Fatal(text(ds))
			}
			build(t, sides.Target, p)
			found, err := sides.Target.Catalog(t.Context(), providers.Selector{})
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range p.Tables {
				how := structure.Options{Same: o.Source.Engine == o.Target.Engine, IgnoreCase: o.Limits.IgnoreCase}
				for _, d := range structure.Compare(x.Target, found.Find(x.Target.Name), how) {
					t.Errorf("%s: %s", x.Target.Name, d)
				}
			}
		})
	}
}

func openSides(t *testing.T, spec *desired.Spec, from, to providers.Driver) Sides {
	t.Helper()
	env := providers.Env{Log: hclog.NewNullLogger(), Readers: 2, Writers: 2}
	s, err := from.OpenSource(t.Context(), spec.Source.Config, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	d, err := to.OpenTarget(t.Context(), spec.Target.Config, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return Sides{TargetDriver: to, Source: s, Target: d}
}

// build makes what the plan says, without rows.
func build(t *testing.T, target providers.Target, p *plan.Plan) {
	t.Helper()
	session, err := target.Lock(t.Context(), ledger.Run{Migration: "m", Token: "t", Owner: ledger.Owner{ID: "o"}}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	var ddl []providers.DDL
	for _, s := range p.Schemas {
		ddl = append(ddl, providers.CreateSchema{Schema: s})
	}
	for _, x := range p.Types {
		ddl = append(ddl, providers.CreateType{Type: x})
	}
	for _, s := range p.Sequences {
		ddl = append(ddl, providers.CreateSequence{Sequence: s})
	}
	for _, x := range p.Tables {
		ddl = append(ddl, providers.CreateTable{Table: x.Target})
	}
	for _, x := range p.Tables {
		for _, k := range catalog.KeysOf(x.Target) {
			ddl = append(ddl, providers.AddKey{Table: x.Target, Key: k})
		}
		for _, i := range x.Target.Indexes {
			ddl = append(ddl, providers.CreateIndex{Table: x.Target, Index: i})
		}
	}
	for _, x := range p.Tables {
		for _, f := range x.Target.ForeignKeys {
			ddl = append(ddl, providers.AddForeignKey{Table: x.Target, ForeignKey: f})
		}
	}
	if err := session.Alter(t.Context(), ddl); err != nil {
		t.Fatal(err)
	}
}
