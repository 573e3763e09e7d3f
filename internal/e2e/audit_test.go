package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/pgtest"
)

// everything has one of every part of a structure, in forms that the server spells anew
// when it reads its own words.
const everything = `CREATE SCHEMA app; SET search_path = app;
CREATE TYPE mood AS ENUM ('sad','ok','happy'); CREATE DOMAIN positive AS int DEFAULT 1 NOT NULL CHECK (VALUE > 0) CHECK (VALUE <> 13);
CREATE DOMAIN code AS varchar(10) COLLATE "C" CHECK (VALUE IN ('a','b','c')); CREATE DOMAIN codes AS code[];
CREATE SEQUENCE free MINVALUE 5 MAXVALUE 500 START 7 CACHE 3; SELECT nextval('free'), nextval('free'); CREATE SEQUENCE down INCREMENT -2; SELECT nextval('down'); CREATE SEQUENCE idle CYCLE MAXVALUE 9;
CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY (START 10 INCREMENT 5) PRIMARY KEY, name varchar(40) NOT NULL DEFAULT 'x', kind code DEFAULT 'a',
  born date CHECK (born BETWEEN '1900-01-01' AND CURRENT_DATE AND name <> ''), state char(2) CHECK (state IN ('de','fr') OR state IS NULL),
  grade varchar(3) CHECK (grade IN ('A','B','C')), weight numeric(10,3) DEFAULT -1.50 CHECK (weight > -2 AND (weight < 9 AND weight <> 5)), note text COLLATE "C",
  CONSTRAINT customers_name UNIQUE (name, kind) DEFERRABLE INITIALLY DEFERRED, UNIQUE (born, id) INCLUDE (state));
INSERT INTO customers (name) SELECT 'c' || g FROM generate_series(1, 50) g;
CREATE TABLE orders (id serial PRIMARY KEY, customer bigint REFERENCES customers ON DELETE CASCADE ON UPDATE SET NULL DEFERRABLE, "Order" int DEFAULT nextval('free'), feeling mood DEFAULT 'ok',
  at timestamptz DEFAULT (now() AT TIME ZONE 'utc'), slot interval DEFAULT '1 day 02:00:00', tags text[] DEFAULT '{a,b}' CHECK (array_length(tags, 1) < 10), js jsonb DEFAULT '{"a": 1}'::jsonb,
  flags bit(3) DEFAULT B'101', p positive, cs codes, ratio double precision DEFAULT 1e-3, u uuid DEFAULT gen_random_uuid(), t time(3) DEFAULT '12:30',
  total numeric GENERATED ALWAYS AS (CASE WHEN ratio > 0 AND ("Order" > 1 AND p < 5) THEN ratio::numeric(10,2) ELSE '0'::numeric END) STORED, big smallint DEFAULT 7,
  CHECK (feeling = ANY ('{sad,ok}') OR at > '2020-01-01 00:00:00+00'), CHECK (NOT (p = 1 AND big = 2)), CHECK (extract(year from at) > 1900), CHECK (lower(tags[1]) LIKE 'a%' OR tags[1] ~ '^\w+$' OR coalesce(big, 0) <> 3),
  EXCLUDE USING btree ("Order" WITH =) WHERE (big > 100));
INSERT INTO orders (customer, p) SELECT 10, 2 FROM generate_series(1, 30);
CREATE INDEX orders_at ON orders (at DESC NULLS LAST, big) WHERE feeling IN ('sad','happy'); CREATE INDEX orders_lower ON orders (lower(tags[1]), (big + 1)); CREATE INDEX orders_js ON orders USING gin (js jsonb_path_ops);
CREATE INDEX orders_hash ON orders USING hash (u) WITH (fillfactor = 70); CREATE UNIQUE INDEX orders_once ON orders (customer, slot, id) INCLUDE (big) WHERE (customer BETWEEN 5 AND 9 AND big > 0);
CREATE INDEX customers_note ON customers (note COLLATE "POSIX" text_pattern_ops); CREATE INDEX orders_twice ON orders (big); CREATE INDEX orders_twice2 ON orders (big);
CREATE TABLE days (day date NOT NULL, id int, v text DEFAULT upper('x'), PRIMARY KEY (day, id)) PARTITION BY RANGE (day); CREATE INDEX days_v ON days (v);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2026-02-01'); CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM ('2026-02-01') TO (MAXVALUE) PARTITION BY HASH (id);
CREATE TABLE days_2a PARTITION OF days_2 FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE days_2b PARTITION OF days_2 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO days SELECT date '2026-01-01' + g, g FROM generate_series(1, 60) g;
CREATE TABLE moods (m mood, n int) PARTITION BY LIST (m); CREATE TABLE moods_1 PARTITION OF moods FOR VALUES IN ('sad', 'ok'); CREATE TABLE moods_2 PARTITION OF moods DEFAULT;
CREATE TABLE pairs (a int, b int, c text, d int, PRIMARY KEY (a, b), UNIQUE NULLS NOT DISTINCT (c)); CREATE TABLE halves (a int, b int, x int REFERENCES orders (id) ON DELETE SET DEFAULT, FOREIGN KEY (a, b) REFERENCES pairs MATCH FULL ON DELETE SET NULL (a));
CREATE TABLE selves (id int PRIMARY KEY, up int REFERENCES selves); CREATE TABLE bare (v text); CREATE UNIQUE INDEX bare_v ON bare (v);
`

// structureReport is what "verify --structure --json" says.
type structureReport struct {
	Exit      int
	Structure []struct {
		Table                           struct{ Schema, Name string }
		Part, Name, Kind, Wanted, Found string
	}
	Failures []struct{ Table, Kind, Message, Fix string }
}

func (b *bed) structures(t *testing.T, exit int) (out structureReport, lines string) {
	t.Helper()
	r := b.ok(t, exit, b.dir, "verify", "--structure", "--json")
	if err := json.Unmarshal([]byte(r.stdout), &out); err != nil {
		t.Fatalf("%v\n%s", err, r.stdout)
	}
	var all []string
	for _, d := range out.Structure {
		all = append(all, strings.TrimSpace(d.Table.Name+" "+d.Part+" "+d.Name+" "+d.Kind+": "+d.Found))
	}
	return out, strings.Join(all, "\n")
}

func TestEveryChangeOfTheTargetsStructureIsNamed(t *testing.T) {
	// Done: structure: one thing is changed on a PostgreSQL target by psql, and verify --structure names exactly it.
	s := pgtest.Shared(t)
	b := newBed(t, s, s, specOptions{})
	b.source.Exec(t, b.sourceDB, everything)
	b.inSchemas(t, "app", "app")
	b.apply(t, 0)
	if _, got := b.structures(t, 0); got != "" {
		t.Fatalf("right after the run:\n%s", got)
	}
	for _, x := range []struct{ change, back, want string }{
		{"DROP INDEX app.orders_at", `CREATE INDEX orders_at ON app.orders (at DESC NULLS LAST, big) WHERE feeling IN ('sad','happy')`, "orders index orders_at missing:"},
		{"ALTER TABLE app.orders ALTER feeling DROP DEFAULT", "ALTER TABLE app.orders ALTER feeling SET DEFAULT 'ok'", "orders default of column feeling missing:"},
		{"ALTER TABLE app.orders ALTER feeling SET DEFAULT 'sad'", "ALTER TABLE app.orders ALTER feeling SET DEFAULT 'ok'", "orders default of column feeling different: 'sad'::app.mood"},
	} {
		b.target.Exec(t, b.targetDB, x.change)
		if _, got := b.structures(t, 3); got != x.want {
			t.Errorf("%s\nwant %s\n got %s", x.change, x.want, got)
		}
		b.target.Exec(t, b.targetDB, x.back)
		if _, got := b.structures(t, 0); got != "" {
			t.Fatalf("%s and back: %s", x.change, got)
		}
	}
}
