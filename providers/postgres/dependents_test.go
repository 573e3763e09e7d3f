package postgres_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/providers"
)

func TestDependentsMatchCascade(t *testing.T) {
	// Failure scenario: existing = "recreate" must not take along what others have built on a table: DROP TABLE ... CASCADE itself says what that is
	s := pgtest.Shared(t)
	db := s.NewDatabase(t)
	s.Exec(t, db, `
CREATE SCHEMA app;
CREATE TABLE t (id serial PRIMARY KEY, a text, b int UNIQUE, up int REFERENCES t, CHECK (b > 0));
CREATE INDEX own_index ON t (lower(a));
CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER own_trigger BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION trg();
CREATE POLICY own_policy ON t USING (b > 1);
CREATE TABLE other (id int DEFAULT nextval('t_id_seq'), r t, CONSTRAINT other_t FOREIGN KEY (id) REFERENCES t);
CREATE TABLE app.far (b int CONSTRAINT far_t REFERENCES t (b));
CREATE TABLE heir (more int) INHERITS (t);
CREATE VIEW v AS SELECT a, b FROM t;
CREATE VIEW app.of_v AS SELECT a FROM v;
CREATE MATERIALIZED VIEW app.m AS SELECT count(*) FROM t;
CREATE TABLE log (n int);
CREATE RULE copy_log AS ON INSERT TO log DO ALSO INSERT INTO t (b) VALUES (NEW.n);
CREATE RULE own_rule AS ON DELETE TO t DO ALSO INSERT INTO log VALUES (1);
CREATE POLICY seen ON log USING (n IN (SELECT b FROM t));
CREATE FUNCTION app.counted() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM t; END;
CREATE FUNCTION app.taking(x t) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE p (k int, PRIMARY KEY (k)) PARTITION BY RANGE (k);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE VIEW of_p1 AS SELECT * FROM p1;
CREATE TABLE to_p (k int CONSTRAINT to_p_p REFERENCES p);`)
	target := openTarget(t, db)
	names := []catalog.Name{{Schema: "public", Name: "t"}, {Schema: "public", Name: "p"}, {Schema: "public", Name: "log"}}
	c, err := target.Catalog(t.Context(), providers.Selector{Tables: names, StructureOnly: true, Dependents: true})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"t": {
			"default id of public.heir", "default id of public.other", "foreign key far_t of app.far", "foreign key other_t of public.other", "function app.counted()",
			"function app.taking(public.t)", "materialized view app.m", "policy seen of public.log", "rule copy_log of public.log",
			"table public.heir", "table public.other", "view public.v",
		},
		"p":   {"foreign key to_p_p of public.to_p", "view public.of_p1"},
		"log": {"rule own_rule of public.t"},
	}
	for _, name := range names {
		var got []string
		for _, d := range c.Find(name).Dependents {
			got = append(got, d.String())
		}
		slices.Sort(got)
		if diff := cmp.Diff(want[name.Name], got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	// The server's own word: without these nothing keeps the tables from being dropped.
	s.Exec(t, db, `ALTER TABLE other ALTER id DROP DEFAULT, DROP r, DROP CONSTRAINT other_t; ALTER TABLE app.far DROP CONSTRAINT far_t;
DROP FUNCTION app.counted(), app.taking(t); DROP MATERIALIZED VIEW app.m; DROP POLICY seen ON log; DROP RULE copy_log ON log;
DROP TABLE heir; DROP VIEW app.of_v, v, of_p1; ALTER TABLE to_p DROP CONSTRAINT to_p_p; DROP TABLE t; DROP TABLE p; DROP TABLE log;`)
	plain, err := target.Catalog(t.Context(), providers.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(plain.Tables, func(x *catalog.Table) bool { return len(x.Dependents) > 0 || strings.HasPrefix(x.Name.Name, "p") }) {
		t.Errorf("dependents that nobody asked for: %+v", plain.Tables)
	}
}
