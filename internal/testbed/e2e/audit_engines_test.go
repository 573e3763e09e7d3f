package e2e

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	hdb "github.com/SAP/go-hdb/driver"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
)

// sqliteFile runs SQL on a file by the sqlite3 shell.
func sqliteFile(t *testing.T, path, statements string) {
	t.Helper()
	cmd := exec.Command("sqlite3", "-bail", path)
	cmd.Stdin = strings.NewReader(statements)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sqlite3: %v\n%s\n%s", err, out, statements)
	}
}

// migrationFolder writes a spec of two blocks into a directory of its own.
func migrationFolder(t *testing.T, dir, source, target string) {
	t.Helper()
	spec := source + target + `migration "m" {
  source = source.` + blockName(source) + `
  target = target.` + blockName(target) + `
  transfer "pipe" {}
}
`
	if err := os.WriteFile(filepath.Join(dir, "main.dmo.hcl"), []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
}

func blockName(block string) string {
	words := strings.Split(block, `"`)
	return words[1] + "." + words[3]
}

// tryChanges makes each change on the target and wants it to be the only thing that is named.
func tryChanges(t *testing.T, d dmoctl, dir string, exec func(string), all []alteration) {
	t.Helper()
	d.ok(t, 0, dir, "apply", "--auto-approve")
	if got := structuresOf(t, d, dir, 0); got != "" {
		t.Fatalf("right after the run:\n%s", got)
	}
	for _, x := range all {
		exec(x.change)
		if got := structuresOf(t, d, dir, 3); got != x.want {
			t.Errorf("%s\nwant %s\n got %s", x.change, x.want, got)
		}
		exec(x.back)
	}
	if got := structuresOf(t, d, dir, 0); got != "" {
		t.Fatalf("all changed back:\n%s", got)
	}
}

const liteStructures = `CREATE TABLE parent (id INTEGER PRIMARY KEY AUTOINCREMENT, code VARCHAR(10) NOT NULL UNIQUE COLLATE NOCASE, note TEXT DEFAULT 'it''s', at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
INSERT INTO parent (code) VALUES ('a'), ('b');
CREATE TABLE "Kid's" ([key] INT, b BIGINT NOT NULL DEFAULT (1 + 2), c REAL CHECK (c > 0 OR c IS NULL), p INTEGER REFERENCES Parent (ID) ON DELETE CASCADE, g INT GENERATED ALWAYS AS (b * 2) STORED, v AS (b + 1),
  CONSTRAINT kid_key PRIMARY KEY (b, "key"), UNIQUE (c, p), FOREIGN KEY (p) REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
CREATE INDEX kid_c ON "Kid's" (c DESC, b) WHERE c > 1; CREATE UNIQUE INDEX kid_lower ON "Kid's" (abs(c), b); CREATE INDEX kid_p ON "Kid's" (p COLLATE NOCASE);
CREATE TABLE worn (a TEXT PRIMARY KEY, b BLOB DEFAULT X'00FF') WITHOUT ROWID; CREATE TABLE strict (a INTEGER, b ANY) STRICT;
`

// rewritten changes the text of a table, as no ALTER TABLE of SQLite can.
func rewritten(table, from, to string) string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	return "PRAGMA writable_schema = on; UPDATE sqlite_schema SET sql = replace(sql, " + quote(from) + ", " + quote(to) + ") WHERE name = " + quote(table) + " AND type = 'table'; PRAGMA writable_schema = reset;"
}

func TestSQLiteTargetDriftReported(t *testing.T) {
	// Done: structure: one thing is changed on a SQLite target by sqlite3, and verify --structure names exactly it.
	dir := t.TempDir()
	sqliteFile(t, filepath.Join(dir, "a.db"), liteStructures)
	migrationFolder(t, dir, "source \"sqlite\" \"a\" { path = \"a.db\" }\n", "target \"sqlite\" \"b\" { path = \"b.db\" }\n")
	exec := func(s string) { sqliteFile(t, filepath.Join(dir, "b.db"), s) }
	swap := func(table, from, to, want string) alteration {
		return alteration{rewritten(table, from, to), rewritten(table, to, from), want}
	}
	tryChanges(t, binary(), dir, exec, []alteration{
		{"DROP INDEX kid_c", `CREATE INDEX kid_c ON "Kid's" (c DESC, b) WHERE c > 1`, "Kid's index kid_c missing:"},
		{"DROP INDEX kid_c; CREATE INDEX kid_c ON parent (code)", `DROP INDEX kid_c; CREATE INDEX kid_c ON "Kid's" (c DESC, b) WHERE c > 1`, "Kid's index kid_c_4aa2c5d7 missing:"},
		{"DROP INDEX kid_lower; CREATE INDEX kid_lower ON \"Kid's\" (abs(c), b)", "DROP INDEX kid_lower; CREATE UNIQUE INDEX kid_lower ON \"Kid's\" (abs(c), b)", "Kid's unique index kid_lower missing:"},
		{"CREATE UNIQUE INDEX more ON parent (code, note)", "DROP INDEX more", "parent unique index more extra: CREATE UNIQUE INDEX more ON parent (code, note)"},
		{"UPDATE sqlite_sequence SET seq = 1", "UPDATE sqlite_sequence SET seq = 2", "parent position of sequence id different: to continue with 2"},
		{"ALTER TABLE worn ADD more INT", "ALTER TABLE worn DROP more", "worn column more extra: INT"},
		{"ALTER TABLE strict RENAME TO other", "ALTER TABLE other RENAME TO strict", "strict table  missing:"},
		swap("parent", "DEFAULT 'it''s'", "DEFAULT 'its'", "parent default of column note different: 'its'"),
		swap("parent", " DEFAULT CURRENT_TIMESTAMP", " /*1*/", "parent default of column at missing:"),
		swap("parent", "VARCHAR(10) NOT NULL", "VARCHAR(10) /*5*/", "parent nullability of column code different: NULL"),
		swap("parent", "VARCHAR(10)", "VARCHAR(11)", "parent type of column code different: VARCHAR(11)"),
		swap("parent", "COLLATE NOCASE", "COLLATE RTRIM", "parent collation of column code different: RTRIM"),
		swap("parent", "AUTOINCREMENT", "/*2*/", "parent identity of column id missing:"),
		swap("Kid's", "ON DELETE CASCADE", "/*3*/", "Kid's foreign key  different: (p) REFERENCES parent (ID)"),
		swap("Kid's", "c > 0 OR", "c >= 0 OR", "Kid's check  missing:\nKid's check  extra: c >= 0 OR c IS NULL"),
		swap("Kid's", "(b * 2)", "(b * 3)", "Kid's expression of column g different: b * 3"),
		swap("Kid's", "DEFERRABLE INITIALLY DEFERRED", "/*4*/", "Kid's foreign key  different: (p) REFERENCES parent (id)"),
	})
}

const plainStructures = `CREATE SCHEMA app; SET search_path = app;
CREATE TABLE parent (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, code varchar(10) NOT NULL UNIQUE, n numeric(10,2) DEFAULT 1.50, day date DEFAULT '2020-01-01', at timestamp DEFAULT CURRENT_TIMESTAMP,
  flag boolean NOT NULL DEFAULT true, small smallint DEFAULT -1, note varchar(20) DEFAULT 'it''s', ratio double precision DEFAULT 1e3, u varchar(5));
INSERT INTO parent (code) VALUES ('a'), ('b');
CREATE TABLE kid (a int, b int, p bigint REFERENCES parent ON DELETE CASCADE, q bigint, PRIMARY KEY (a, b), FOREIGN KEY (q) REFERENCES parent ON DELETE RESTRICT ON UPDATE NO ACTION);
CREATE INDEX kid_p ON kid (p DESC, b); CREATE UNIQUE INDEX kid_q ON kid (q, a); CREATE INDEX kid_twice ON kid (b); CREATE INDEX kid_twice2 ON kid (b);
CREATE TABLE bare (v varchar(10), w int); CREATE UNIQUE INDEX bare_w ON bare (w);
`

func TestHANATargetDriftReported(t *testing.T) {
	// Done: structure: one thing is changed on a simulated SAP HANA, and verify --structure names exactly it.
	s := pgtest.Shared(t)
	url := s.NewDatabase(t)
	s.Exec(t, database(t, url), plainStructures)
	srv, err := hana.Start(hana.Options{User: hanaUser, Password: hanaPassword})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	host, port := hostPort(t, srv.Addr())
	dir := t.TempDir()
	migrationFolder(t, dir, "source \"postgres\" \"a\" {\n  schema = \"app\"\n"+connection(t, url)+"}\n",
		"target \"hana\" \"b\" {\n  host = \""+host+"\"\n  port = "+port+"\n  user = env(\"HANA_USER\")\n  password = env(\"HANA_PASSWORD\")\n  schema = \"APP\"\n  tls = \"disable\"\n}\n")
	db := sql.OpenDB(hdb.NewBasicAuthConnector(srv.Addr(), hanaUser, hanaPassword))
	defer db.Close()
	exec := func(statements string) {
		for _, one := range strings.Split(statements, "; ") {
			if _, err := db.ExecContext(t.Context(), one); err != nil {
				t.Fatalf("%s: %v", one, err)
			}
		}
	}
	tryChanges(t, binary("HANA_USER="+hanaUser, "HANA_PASSWORD="+hanaPassword), dir, exec, []alteration{
		{`DROP INDEX "APP"."kid_p"`, `CREATE INDEX "APP"."kid_p" ON "APP"."kid" ("p" DESC, "b")`, "kid index kid_p missing:"},
		{`DROP INDEX "APP"."kid_p"; CREATE INDEX "APP"."kid_p" ON "APP"."kid" ("p", "b")`, `DROP INDEX "APP"."kid_p"; CREATE INDEX "APP"."kid_p" ON "APP"."kid" ("p" DESC, "b")`, "kid index kid_p different: (p, b)"},
		{`DROP INDEX "APP"."kid_p"; CREATE INDEX "APP"."kid_p" ON "APP"."bare" ("v")`, `DROP INDEX "APP"."kid_p"; CREATE INDEX "APP"."kid_p" ON "APP"."kid" ("p" DESC, "b")`, "kid index kid_p_2f11c533 missing:"},
		{`DROP INDEX "APP"."kid_q"`, `CREATE UNIQUE INDEX "APP"."kid_q" ON "APP"."kid" ("q", "a")`, "kid unique index kid_q missing:"},
		{`CREATE UNIQUE INDEX "APP"."more" ON "APP"."bare" ("v")`, `DROP INDEX "APP"."more"`, "bare unique index more extra: (v)"},
		{`DROP INDEX "APP"."kid_twice2"`, `CREATE INDEX "APP"."kid_twice2" ON "APP"."kid" ("b")`, "kid index kid_twice2 missing:"},
		{`ALTER TABLE "APP"."kid" DROP CONSTRAINT "kid_p_fkey"`, `ALTER TABLE "APP"."kid" ADD CONSTRAINT "kid_p_fkey" FOREIGN KEY ("p") REFERENCES "APP"."parent" ("id") ON DELETE CASCADE`, "kid foreign key kid_p_fkey missing:"},
		{`ALTER TABLE "APP"."kid" DROP CONSTRAINT "kid_p_fkey"; ALTER TABLE "APP"."kid" ADD CONSTRAINT "kid_p_fkey" FOREIGN KEY ("p") REFERENCES "APP"."parent" ("id")`,
			`ALTER TABLE "APP"."kid" DROP CONSTRAINT "kid_p_fkey"; ALTER TABLE "APP"."kid" ADD CONSTRAINT "kid_p_fkey" FOREIGN KEY ("p") REFERENCES "APP"."parent" ("id") ON DELETE CASCADE`,
			"kid foreign key kid_p_fkey different: (p) REFERENCES APP.parent (id)"},
		{`ALTER TABLE "APP"."kid" DROP PRIMARY KEY`, `ALTER TABLE "APP"."kid" ADD PRIMARY KEY ("a", "b")`, "kid primary key  missing:"},
		{`ALTER TABLE "APP"."parent" DROP CONSTRAINT "parent_code_key"`, `ALTER TABLE "APP"."parent" ADD CONSTRAINT "parent_code_key" UNIQUE ("code")`, "parent unique key parent_code_key missing:"},
	})
}

func TestCrossEngineDriftReported(t *testing.T) {
	// Done: structure: no false alarm between engines, and one thing changed on the target is named.
	s := pgtest.Shared(t)
	dir := t.TempDir()
	lite := filepath.Join(dir, "a.db")
	sqliteFile(t, lite, strings.NewReplacer("INT GENERATED ALWAYS AS (b * 2) STORED", "INT", "v AS (b + 1)", "v INT", "a INTEGER, b ANY", "a INTEGER", "Parent (ID)", "parent (id)", ", FOREIGN KEY (p) REFERENCES parent DEFERRABLE INITIALLY DEFERRED", "").Replace(liteStructures))
	url := s.NewDatabase(t)
	migrationFolder(t, dir, "source \"sqlite\" \"a\" { path = \"a.db\" }\n", "target \"postgres\" \"b\" {\n"+connection(t, url)+"}\n")
	exec := func(sql string) { s.Exec(t, database(t, url), sql) }
	tryChanges(t, binary(), dir, exec, []alteration{
		{"ALTER TABLE parent ALTER note SET DEFAULT 'its'", "ALTER TABLE parent ALTER note SET DEFAULT 'it''s'", "parent default of column note different: 'its'::text"},
		{"ALTER TABLE parent ALTER at DROP DEFAULT", "ALTER TABLE parent ALTER at SET DEFAULT CURRENT_TIMESTAMP", "parent default of column at missing:"},
		{"SELECT setval(pg_get_serial_sequence('parent', 'id'), 1)", "SELECT setval(pg_get_serial_sequence('parent', 'id'), 2)", "parent position of sequence id different: to continue with 2"},
		{"ALTER TABLE parent ALTER code TYPE varchar(11)", "ALTER TABLE parent ALTER code TYPE varchar(10)", "parent type of column code different: character varying(11)"},
		{"ALTER TABLE \"Kid's\" ADD CHECK (b > 0)", "ALTER TABLE \"Kid's\" DROP CONSTRAINT \"Kid's_b_check\"", "Kid's check Kid's_b_check extra: (b > 0)"},
	})

	back := t.TempDir()
	pg := s.NewDatabase(t)
	s.Exec(t, database(t, pg), plainStructures)
	migrationFolder(t, back, "source \"postgres\" \"a\" {\n  schema = \"app\"\n"+connection(t, pg)+"}\n", "target \"sqlite\" \"b\" { path = \"b.db\" }\n")
	tryChanges(t, binary(), back, func(sql string) { sqliteFile(t, filepath.Join(back, "b.db"), sql) }, []alteration{
		{"DROP INDEX kid_p", "CREATE INDEX kid_p ON kid (p DESC, b)", "kid index kid_p missing:"},
		{rewritten("parent", "DEFAULT ('it''s')", "DEFAULT ('its')"), rewritten("parent", "DEFAULT ('its')", "DEFAULT ('it''s')"), "parent default of column note different: 'its'"},
		{rewritten("kid", "ON DELETE CASCADE", "/*1*/"), rewritten("kid", "/*1*/", "ON DELETE CASCADE"), "kid foreign key kid_p_fkey different: (p) REFERENCES parent (id)"},
	})
}
