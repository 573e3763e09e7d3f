package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/providers"
)

func TestPlantedLedgerRefused(t *testing.T) {
	// Done: undo: a ledger that somebody else planted, or added something to, is refused before anything runs in it, on PostgreSQL
	s := pgtest.Shared(t)
	s.Exec(t, "postgres", "DO $$ BEGIN CREATE ROLE evil; EXCEPTION WHEN duplicate_object THEN END $$")
	const caught = "CREATE TABLE public.caught (who text); CREATE FUNCTION public.act() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.caught VALUES (current_user); RETURN NEW; END$$;" +
		"CREATE FUNCTION public.peek(text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.caught VALUES (current_user); RETURN true; END$$; "
	for name, c := range map[string]struct {
		sql  string
		kind providers.Kind
	}{
		"its tables are another role's":   {"ALTER TABLE dmo.loaded OWNER TO evil", providers.Permission},
		"its schema is another role's":    {"ALTER SCHEMA dmo OWNER TO evil", providers.Permission},
		"all is another role's, and acts": {"CREATE TRIGGER act BEFORE INSERT OR UPDATE ON dmo.run FOR EACH ROW EXECUTE FUNCTION public.act(); ALTER SCHEMA dmo OWNER TO evil; ALTER TABLE dmo.run OWNER TO evil", providers.Permission},
		"a trigger":                       {"CREATE TRIGGER act BEFORE INSERT OR UPDATE ON dmo.run FOR EACH ROW EXECUTE FUNCTION public.act()", providers.Exists},
		"a disabled trigger":              {"CREATE TRIGGER act BEFORE INSERT ON dmo.made FOR EACH ROW EXECUTE FUNCTION public.act(); ALTER TABLE dmo.made DISABLE TRIGGER act", providers.Exists},
		"a rule":                          {"CREATE RULE act AS ON INSERT TO dmo.tables DO ALSO INSERT INTO public.caught VALUES ('rule')", providers.Exists},
		"a policy":                        {"CREATE POLICY act ON dmo.run USING (public.peek(migration))", providers.Exists},
		"row security":                    {"ALTER TABLE dmo.run ENABLE ROW LEVEL SECURITY", providers.Exists},
		"a default":                       {"ALTER TABLE dmo.loaded ALTER rows SET DEFAULT 1", providers.Exists},
		"a check":                         {"ALTER TABLE dmo.run ADD CHECK (public.peek(migration)) NOT VALID", providers.Exists},
		"an index over an expression":     {"CREATE FUNCTION public.fixed(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1'; CREATE INDEX ON dmo.run (public.fixed(migration))", providers.Exists},
		"a reference":                     {"CREATE TABLE public.guest (m text REFERENCES dmo.run ON DELETE CASCADE)", providers.Exists},
		"another column":                  {"ALTER TABLE dmo.planned ADD more int", providers.Exists},
		"another type":                    {"ALTER TABLE dmo.planned ALTER range TYPE varchar(10)", providers.Exists},
		"no NOT NULL":                     {"ALTER TABLE dmo.planned ALTER range DROP NOT NULL", providers.Exists},
		"another key":                     {"ALTER TABLE dmo.made DROP CONSTRAINT made_pkey, ADD PRIMARY KEY (migration, name)", providers.Exists},
		"a child":                         {"CREATE TABLE public.child () INHERITS (dmo.loaded)", providers.Exists},
		"a view in its place":             {"ALTER TABLE dmo.run SET SCHEMA public; CREATE VIEW dmo.run AS SELECT * FROM public.run WHERE public.peek(migration); COMMENT ON VIEW dmo.run IS 'dmoctl ledger, format 2'", providers.Exists},
		"an unlogged table":               {"ALTER TABLE dmo.loaded SET UNLOGGED", providers.Exists},
		"another comment":                 {"COMMENT ON TABLE dmo.run IS 'mine'", providers.Exists},
		"an older format":                 {"COMMENT ON TABLE dmo.run IS 'dmoctl ledger, format 1'", providers.Unsupported},
		"a missing table":                 {"DROP TABLE dmo.made", providers.Exists},
		"an empty schema of another's":    {"DROP SCHEMA dmo CASCADE; CREATE SCHEMA dmo AUTHORIZATION evil", providers.Permission},
	} {
		t.Run(name, func(t *testing.T) {
			db := s.NewDatabase(t)
			target := openTarget(t, db)
			w, err := target.Lock(t.Context(), run("a"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := target.Ledger(t.Context(), "test"); err != nil {
				t.Fatal(err)
			}
			s.Exec(t, db, caught+c.sql)
			t.Cleanup(func() { s.Exec(t, db, "DROP SCHEMA dmo CASCADE") }) // nothing of evil's is left
			for what, try := range map[string]func() error{
				"Ledger": func() error { _, err := target.Ledger(t.Context(), "test"); return err },
				"Lock":   func() error { _, err := target.Lock(t.Context(), run("b"), nil); return err },
				"Unlock": func() error { return target.Unlock(t.Context(), "test", "b") },
			} {
				if strings.HasPrefix(name, "an empty schema") && what != "Lock" && what != "Ledger" {
					continue
				}
				if err := try(); providers.KindOf(err) != c.kind || !strings.Contains(fmt.Sprint(err), "dmo") {
					t.Errorf("%s: %q, %v", what, providers.KindOf(err), err)
				}
			}
			if got := s.Query(t, db, "SELECT count(*) FROM public.caught"); got != "0" {
				t.Errorf("code of others ran: %s", got)
			}
		})
	}
}

func TestLedgerOwnerRoles(t *testing.T) {
	// Done: undo: a role may use the ledger of a group that it is a member of, and no superuser the one of an ordinary role
	s := pgtest.Shared(t)
	db := s.NewDatabase(t)
	s.Exec(t, db, "CREATE ROLE movers; CREATE ROLE mover1 LOGIN PASSWORD 'x'; GRANT movers TO mover1; ALTER SCHEMA public OWNER TO movers; GRANT CREATE ON DATABASE "+strings.Split(strings.Split(db, "/")[3], "?")[0]+" TO movers")
	t.Cleanup(func() {
		s.Exec(t, db, "DROP OWNED BY movers, mover1 CASCADE; DROP ROLE mover1, movers")
	})
	name := s.Query(t, db, "SELECT current_database()")
	target := openTarget(t, s.URLAs("mover1", "x", name))
	w, err := target.Lock(t.Context(), run("a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s.Exec(t, db, "ALTER SCHEMA dmo OWNER TO movers; ALTER TABLE dmo.run OWNER TO movers")
	if _, err := target.Ledger(t.Context(), "test"); err != nil {
		t.Errorf("a member of the group: %v", err)
	}
	_, err = openTarget(t, db).Ledger(t.Context(), "test")
	if providers.KindOf(err) != providers.Permission {
		t.Errorf("a superuser: %v", err)
	}
}

func TestPreflightStopsOnTriggersAndRules(t *testing.T) {
	// Done: undo: enabled triggers, rules and row security on tables to be loaded stop the preflight, by name, on PostgreSQL
	s := pgtest.Shared(t)
	db := s.NewDatabase(t)
	s.Exec(t, db, `CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE FUNCTION ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE TABLE t (id int); CREATE TABLE quiet (id int); CREATE TABLE p (k int) PARTITION BY RANGE (k); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9); CREATE TABLE other (id int);
CREATE TRIGGER ins AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION act(); CREATE TRIGGER del BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION act();
CREATE TRIGGER trunc BEFORE TRUNCATE ON t FOR EACH STATEMENT EXECUTE FUNCTION act(); CREATE TRIGGER always AFTER INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION act(); ALTER TABLE t ENABLE ALWAYS TRIGGER always;
CREATE TRIGGER part AFTER INSERT ON p1 FOR EACH ROW EXECUTE FUNCTION act();
CREATE RULE nothing AS ON DELETE TO t DO INSTEAD NOTHING; CREATE RULE twice AS ON INSERT TO p1 DO ALSO INSERT INTO other VALUES (1);
ALTER TABLE p ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER off AFTER INSERT ON quiet FOR EACH ROW EXECUTE FUNCTION act(); ALTER TABLE quiet DISABLE TRIGGER off;
CREATE TRIGGER replica AFTER INSERT ON quiet FOR EACH ROW EXECUTE FUNCTION act(); ALTER TABLE quiet ENABLE REPLICA TRIGGER replica;
CREATE TRIGGER upd AFTER UPDATE ON quiet FOR EACH ROW EXECUTE FUNCTION act(); CREATE TRIGGER elsewhere AFTER INSERT ON other FOR EACH ROW EXECUTE FUNCTION act();
CREATE SCHEMA far; CREATE SEQUENCE far.gen; CREATE TABLE drawn (id int DEFAULT nextval('far.gen'), own serial);
CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION ddl()`)
	target := openTarget(t, db)
	c, err := target.Catalog(t.Context(), providers.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	said := func(stop bool, tables ...string) string {
		t.Helper()
		var of = c.Tables[:0:0]
		for _, tb := range c.Tables {
			for _, n := range tables {
				if tb.Name.Name == n {
					of = append(of, tb)
				}
			}
		}
		found, err := target.Preflight(t.Context(), of)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for _, f := range found {
			if f.Stop == stop {
				out.WriteString(f.Summary + ": " + f.Detail + "\n")
			}
		}
		return out.String()
	}
	all := said(true, "t", "p")
	for _, want := range []string{"trigger ins on t", "trigger del on t", "trigger trunc on t", "trigger always on t", "trigger part on p1", "rule nothing on t", "rule twice on p1", "row security on p"} {
		if !strings.Contains(strings.ReplaceAll(all, "public.", ""), want) {
			t.Errorf("%q is not named: %s", want, all)
		}
	}
	if got := said(true, "quiet", "drawn"); got != "" {
		t.Errorf("stopped for what does not act: %s", got)
	}
	noted := said(false, "drawn")
	for _, want := range []string{"watch (ddl_command_end)", "id of public.drawn from far.gen", "Role postgres can do anything"} {
		if !strings.Contains(noted, want) {
			t.Errorf("%q is not noted: %s", want, noted)
		}
	}
	if strings.Contains(noted, "own of") {
		t.Errorf("an owned sequence is noted: %s", noted)
	}
}
