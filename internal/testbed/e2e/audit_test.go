package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

// everything has one of every part of a structure, in forms that the server respells
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
	Structure []struct {
		Table                           struct{ Schema, Name string }
		Part, Name, Kind, Wanted, Found string
	}
}

func (b *environment) structures(t *testing.T, exit int) string {
	t.Helper()
	return structuresOf(t, b.dmoctl, b.dir, exit)
}

// structuresOf prints a line for each difference that verify --structure finds.
func structuresOf(t *testing.T, d dmoctl, dir string, exit int) string {
	t.Helper()
	r := d.ok(t, exit, dir, "verify", "--structure", "--json")
	var out structureReport
	if err := json.Unmarshal([]byte(r.stdout), &out); err != nil {
		t.Fatalf("%v\n%s", err, r.stdout)
	}
	var all []string
	for _, d := range out.Structure {
		all = append(all, strings.TrimSpace(d.Table.Name+" "+d.Part+" "+d.Name+" "+d.Kind+": "+d.Found))
	}
	return strings.Join(all, "\n")
}

func TestPostgresTargetDriftReported(t *testing.T) {
	// Done: structure: one thing is changed on a PostgreSQL target by psql, verify --structure names exactly it, and no plan says "No changes".
	s := pgtest.Shared(t)
	b := newBed(t, s, s, specOptions{})
	b.source.Exec(t, b.sourceDB, everything)
	b.inSchemas(t, "app", "app")
	b.apply(t, 0)
	if got := b.structures(t, 0); got != "" {
		t.Fatalf("right after the run:\n%s", got)
	}
	for _, x := range postgresChanges() {
		b.target.Exec(t, b.targetDB, "SET search_path = app; "+x.change)
		if got := b.structures(t, 3); got != x.want {
			t.Errorf("%s\nwant %s\n got %s", x.change, x.want, got)
		}
		if r := b.run(t, b.dir, "plan", "--detailed-exitcode"); r.exit == 0 || strings.Contains(r.stdout, "No changes") {
			t.Errorf("%s: the plan exits %d and says\n%s", x.change, r.exit, r.stdout)
		}
		b.target.Exec(t, b.targetDB, "SET search_path = app; "+x.back)
	}
	if got := b.structures(t, 0); got != "" {
		t.Fatalf("all changed back: %s", got)
	}
}

// alteration is what somebody does to the target, how it is undone, and what is to be said of it.
type alteration struct{ change, back, want string }

func postgresChanges() []alteration {
	const ordersAt = "CREATE INDEX orders_at ON orders (at DESC NULLS LAST, big) WHERE feeling IN ('sad','happy')"
	return []alteration{
		{"DROP INDEX orders_at", ordersAt, "orders index orders_at missing:"},
		{"DROP INDEX orders_at; CREATE INDEX orders_at ON bare (v)", "DROP INDEX orders_at; " + ordersAt, "orders index orders_at_442b239e missing:"},
		{"DROP INDEX orders_at; CREATE INDEX orders_at ON orders (at DESC NULLS LAST, big) WHERE feeling IN ('sad')", "DROP INDEX orders_at; " + ordersAt,
			"orders index orders_at different: USING btree (at DESC NULLS LAST, big) WHERE (feeling = 'sad'::app.mood)"},
		{"DROP INDEX orders_at; CREATE INDEX orders_at ON orders (at, big) WHERE feeling IN ('sad','happy')", "DROP INDEX orders_at; " + ordersAt,
			"orders index orders_at different: USING btree (at, big) WHERE (feeling = ANY (ARRAY['sad'::app.mood, 'happy'::app.mood]))"},
		{"UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'orders_at'::regclass", "UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'orders_at'::regclass",
			"orders index orders_at_442b239e missing:"},
		{"DROP INDEX orders_twice2", "CREATE INDEX orders_twice2 ON orders (big)", "orders index orders_twice2 missing:"},
		{"DROP INDEX days_v", "CREATE INDEX days_v ON days (v)", "days index days_v missing:"},
		{"DROP INDEX bare_v; CREATE INDEX bare_v ON bare (v)", "DROP INDEX bare_v; CREATE UNIQUE INDEX bare_v ON bare (v)", "bare unique index bare_v missing:"},
		{"CREATE UNIQUE INDEX more ON orders (id, big)", "DROP INDEX more", "orders unique index more extra: USING btree (id, big)"},
		{"ALTER TABLE customers ADD CONSTRAINT more UNIQUE (id, note)", "ALTER TABLE customers DROP CONSTRAINT more", "customers unique key more extra: UNIQUE (id, note)"},
		{"ALTER TABLE customers DROP CONSTRAINT customers_name, ADD CONSTRAINT customers_name UNIQUE (name, kind)",
			"ALTER TABLE customers DROP CONSTRAINT customers_name, ADD CONSTRAINT customers_name UNIQUE (name, kind) DEFERRABLE INITIALLY DEFERRED",
			"customers unique key customers_name different: UNIQUE (name, kind)"},
		{"ALTER TABLE days DROP CONSTRAINT days_pkey", "ALTER TABLE days ADD PRIMARY KEY (day, id)", "days primary key days_pkey missing:"},
		{"ALTER TABLE orders ALTER feeling DROP DEFAULT", "ALTER TABLE orders ALTER feeling SET DEFAULT 'ok'", "orders default of column feeling missing:"},
		{"ALTER TABLE orders ALTER feeling SET DEFAULT 'sad'", "ALTER TABLE orders ALTER feeling SET DEFAULT 'ok'", "orders default of column feeling different: 'sad'::app.mood"},
		{"ALTER TABLE bare ALTER v SET DEFAULT 'x'", "ALTER TABLE bare ALTER v DROP DEFAULT", "bare default of column v extra: 'x'::text"},
		{"ALTER TABLE customers ALTER name DROP NOT NULL", "ALTER TABLE customers ALTER name SET NOT NULL", "customers nullability of column name different: NULL"},
		{"ALTER TABLE halves ALTER x SET NOT NULL", "ALTER TABLE halves ALTER x DROP NOT NULL", "halves nullability of column x different: NOT NULL"},
		{"ALTER TABLE halves ALTER x TYPE bigint", "ALTER TABLE halves ALTER x TYPE int", "halves type of column x different: bigint"},
		{"ALTER TABLE pairs ALTER c TYPE varchar", "ALTER TABLE pairs ALTER c TYPE text", "pairs type of column c different: character varying"},
		{"ALTER TABLE orders ALTER t TYPE time(2)", "ALTER TABLE orders ALTER t TYPE time(3)", "orders type of column t different: time(2) without time zone"},
		{"ALTER TABLE pairs ALTER c TYPE text COLLATE \"POSIX\"", "ALTER TABLE pairs ALTER c TYPE text", "pairs collation of column c different: pg_catalog.\"POSIX\""},
		{"ALTER TABLE orders ALTER total DROP EXPRESSION", "ALTER TABLE orders DROP total; ALTER TABLE orders ADD total numeric GENERATED ALWAYS AS (CASE WHEN ratio > 0 AND (\"Order\" > 1 AND p < 5) THEN ratio::numeric(10,2) ELSE '0'::numeric END) STORED",
			"orders expression of column total different:"},
		{"ALTER TABLE customers ALTER id SET GENERATED BY DEFAULT", "ALTER TABLE customers ALTER id SET GENERATED ALWAYS", "customers identity of column id different: default"},
		{"ALTER TABLE customers ALTER id SET INCREMENT 1", "ALTER TABLE customers ALTER id SET INCREMENT 5",
			"customers identity of column id different: bigint, start 10, increment 1, minimum 1, maximum 9223372036854775807"},
		{"ALTER TABLE customers ALTER id RESTART", "SELECT setval('customers_id_seq', 255)", "customers position of sequence id different: to continue with 10"},
		{"SELECT setval('orders_id_seq', 29)", "SELECT setval('orders_id_seq', 30)", "orders position of sequence id different: to continue with 30"},
		{"SELECT setval('free', 5)", "SELECT setval('free', 39)", "position of sequence app.free different: to continue with 6"},
		{"ALTER SEQUENCE down RESTART", "SELECT setval('down', -1, true)", "position of sequence app.down different: to continue with -1"},
		{"DROP SEQUENCE idle", "CREATE SEQUENCE idle CYCLE MAXVALUE 9", "sequence app.idle missing:"},
		{"ALTER SEQUENCE idle NO CYCLE", "ALTER SEQUENCE idle CYCLE", "sequence app.idle different: bigint, start 1, increment 1, minimum 1, maximum 9"},
		{"ALTER TABLE selves DROP CONSTRAINT selves_up_fkey", "ALTER TABLE selves ADD FOREIGN KEY (up) REFERENCES selves", "selves foreign key selves_up_fkey missing:"},
		{"ALTER TABLE selves DROP CONSTRAINT selves_up_fkey, ADD CONSTRAINT selves_up_fkey FOREIGN KEY (up) REFERENCES selves NOT VALID", "ALTER TABLE selves VALIDATE CONSTRAINT selves_up_fkey",
			"selves foreign key selves_up_fkey missing: NOT VALID"},
		{"ALTER TABLE selves DROP CONSTRAINT selves_up_fkey, ADD CONSTRAINT selves_up_fkey FOREIGN KEY (up) REFERENCES selves ON DELETE CASCADE",
			"ALTER TABLE selves DROP CONSTRAINT selves_up_fkey, ADD CONSTRAINT selves_up_fkey FOREIGN KEY (up) REFERENCES selves",
			"selves foreign key selves_up_fkey different: (up) REFERENCES app.selves (id) ON DELETE CASCADE"},
		{"ALTER TABLE orders ALTER CONSTRAINT orders_customer_fkey NOT DEFERRABLE", "ALTER TABLE orders ALTER CONSTRAINT orders_customer_fkey DEFERRABLE",
			"orders foreign key orders_customer_fkey different: (customer) REFERENCES app.customers (id) ON UPDATE SET NULL ON DELETE CASCADE"},
		{"ALTER TABLE selves DISABLE TRIGGER ALL", "ALTER TABLE selves ENABLE TRIGGER ALL", "selves foreign key selves_up_fkey different: disabled: rows are not checked"},
		{"ALTER TABLE selves ADD CONSTRAINT more FOREIGN KEY (id) REFERENCES orders", "ALTER TABLE selves DROP CONSTRAINT more", "selves foreign key more extra: (id) REFERENCES app.orders (id)"},
		{"ALTER TABLE customers DROP CONSTRAINT customers_grade_check", "ALTER TABLE customers ADD CHECK (grade IN ('A','B','C'))", "customers check customers_grade_check missing:"},
		{"ALTER TABLE customers DROP CONSTRAINT customers_grade_check, ADD CONSTRAINT customers_grade_check CHECK (grade IN ('A','B','C')) NOT VALID", "ALTER TABLE customers VALIDATE CONSTRAINT customers_grade_check",
			"customers check customers_grade_check missing: it is NOT VALID: rows may violate it"},
		{"ALTER TABLE customers DROP CONSTRAINT customers_grade_check, ADD CONSTRAINT customers_grade_check CHECK (grade IN ('A','C','B'))",
			"ALTER TABLE customers DROP CONSTRAINT customers_grade_check, ADD CONSTRAINT customers_grade_check CHECK (grade IN ('A','B','C'))",
			"customers check customers_grade_check different: ((grade)::text = ANY ((ARRAY['A'::character varying, 'C'::character varying, 'B'::character varying])::text[]))"},
		{"ALTER TABLE bare ADD CONSTRAINT more CHECK (v <> '')", "ALTER TABLE bare DROP CONSTRAINT more", "bare check more extra: (v <> ''::text)"},
		{"ALTER TABLE days_2 DETACH PARTITION days_2a", "ALTER TABLE days_2 ATTACH PARTITION days_2a FOR VALUES WITH (MODULUS 2, REMAINDER 0)", "days partition app.days_2a missing:"},
		{"ALTER TABLE moods DETACH PARTITION moods_1; ALTER TABLE moods ATTACH PARTITION moods_1 FOR VALUES IN ('sad')", "ALTER TABLE moods DETACH PARTITION moods_1; ALTER TABLE moods ATTACH PARTITION moods_1 FOR VALUES IN ('sad', 'ok')",
			"moods partition app.moods_1 different: of app.moods FOR VALUES IN ('sad')"},
		{"ALTER TYPE mood RENAME VALUE 'happy' TO 'glad'", "ALTER TYPE mood RENAME VALUE 'glad' TO 'happy'", "orders index orders_at different: USING btree (at DESC NULLS LAST, big) WHERE (feeling = ANY (ARRAY['sad'::app.mood, 'glad'::app.mood]))\ntype app.mood different: enum (sad, ok, glad)"},
		{"ALTER DOMAIN positive DROP CONSTRAINT positive_check1", "ALTER DOMAIN positive ADD CONSTRAINT positive_check1 CHECK (VALUE <> 13)",
			"type app.positive different: domain over integer DEFAULT 1 NOT NULL CONSTRAINT positive_check CHECK ((VALUE > 0))"},
		{"ALTER TABLE bare ADD w int", "ALTER TABLE bare DROP w", "bare column w extra: integer"},
		{"ALTER TABLE bare RENAME TO other", "ALTER TABLE other RENAME TO bare", "bare table  missing:"},
	}
}
