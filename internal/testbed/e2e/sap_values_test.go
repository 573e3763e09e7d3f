package e2e

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/sample"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/erp"
)

func TestUnrepresentableRowRejectedByKey(t *testing.T) {
	// Must show 3: a text of 5 characters that are 6 UTF-16 units, and a number of 38 digits, fail by table, column and key; the others continue, and overflow = "null" takes them.
	srv, env := erpSource(t, sample.Options{}, newExpected(true))
	db, err := sql.Open("oracle", erp.URL(srv))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		`CREATE TABLE "ZUNITS" ("ID" NUMBER(10) NOT NULL, "C" CHAR(5 CHAR))`, `CREATE UNIQUE INDEX "ZUNITS~0" ON "ZUNITS" ("ID")`,
		`INSERT INTO "ZUNITS" VALUES (41, 'äöüßa')`, `INSERT INTO "ZUNITS" VALUES (42, 'ä𝒳')`,
		`CREATE TABLE "ZDIGITS" ("ID" NUMBER(10) NOT NULL, "N" NUMBER)`, `CREATE UNIQUE INDEX "ZDIGITS~0" ON "ZDIGITS" ("ID")`,
		`INSERT INTO "ZDIGITS" VALUES (43, -12345678901234567890123456789012345678)`, `INSERT INTO "ZDIGITS" VALUES (44, -0.000000000000000000000000000000000001)`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	r := &route{spec: "oracle-hana/pipe", source: env}
	r.intoHANA(t, "SAPHANADB")
	out := r.ok(t, 1, r.dir, "apply", "--auto-approve")
	for _, words := range [][]string{{"ZUNITS.C", "key (42)", "6 UTF-16 units"}, {"ZDIGITS.N", "key (43)", "38 significant digits"}} {
		for _, w := range words {
			if !strings.Contains(out.stderr, w) {
				t.Errorf("the failure does not name %q:\n%s", w, tail(out.stderr))
			}
		}
	}
	got := r.got(t)
	if got["ZUNITS"].rows != 0 || got["ZDIGITS"].rows != 0 || got["ZSTAFF"].rows == 0 {
		t.Errorf("ZUNITS has %d rows, ZDIGITS %d, ZSTAFF %d: the first two are refused whole, the others continue", got["ZUNITS"].rows, got["ZDIGITS"].rows, got["ZSTAFF"].rows)
	}
	path := filepath.Join(r.dir, "main.dmo.hcl")
	spec, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(spec), "time_zone = \"utc\"\n", "time_zone = \"utc\"\n    overflow  = \"null\"\n", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	r.ok(t, 0, r.dir, "apply", "--auto-approve")
	want := &tally{}
	want.add([]string{"41", "äöüßa"})
	want.add([]string{"42", null})
	if got := r.got(t)["ZUNITS"]; *got != *want {
		t.Errorf("ZUNITS has %d rows, and not those of the source with NULL for 42", got.rows)
	}
}

func TestOracleThroughSQLiteToHANA(t *testing.T) {
	// Must show 2: Oracle to SQLite and SQLite to SAP HANA: what has passed through both is what the sample handed to Oracle.
	want := newExpected(false)
	_, env := erpSource(t, sapSample(5000), want)
	file := filepath.Join(t.TempDir(), "erp.db")
	r := &route{spec: "oracle-hana/pipe", source: env}
	r.intoHANA(t, "SAPHANADB")
	lite := func(ends, block string) string {
		t.Helper()
		dir := t.TempDir()
		spec := block + "migration \"m\" {\n" + ends + "  transfer \"pipe\" {}\n}\n"
		if err := os.WriteFile(filepath.Join(dir, "main.dmo.hcl"), []byte(spec), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	first := lite("  source = source.oracle.erp\n  target = target.sqlite.file\n", `source "oracle" "erp" {
  host     = env("ORACLE_HOST")
  port     = env("ORACLE_PORT")
  service  = env("ORACLE_SERVICE")
  user     = env("ORACLE_USER")
  password = env("ORACLE_PASSWORD")
  tls      = "disable"
}
target "sqlite" "file" { path = "`+file+`" }
`)
	second := lite("  source = source.sqlite.file\n  target = target.hana.s4\n", `source "sqlite" "file" { path = "`+file+`" }
target "hana" "s4" {
  host     = env("HANA_HOST")
  port     = env("HANA_PORT")
  user     = env("HANA_USER")
  password = env("HANA_PASSWORD")
  schema   = "SAPHANADB"
  tls      = "disable"
}
`)
	for _, dir := range []string{first, second} {
		r.ok(t, 0, dir, "apply", "--auto-approve")
		if out := r.ok(t, 0, dir, "plan", "--detailed-exitcode").stdout; !strings.Contains(out, "No changes") {
			t.Errorf("the second plan has changes:\n%s", tail(out))
		}
	}
	want.tables.same(t, r.got(t))
}
