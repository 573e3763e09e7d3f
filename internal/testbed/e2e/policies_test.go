package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

// policiesSpec is a mixedSpec with a types block, by pipe or by files.
func policiesSpec(t *testing.T, source, target side, mode, types string) string {
	t.Helper()
	dir := mixedSpec(t, source, target)
	path := filepath.Join(dir, "main.dmo.hcl")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	transfer, staging := "transfer \"pipe\" {}", ""
	if mode == "file" {
		transfer, staging = "transfer \"file\" {\n    via = staging.local.files\n  }", "staging \"local\" \"files\" {\n  path = \"export\"\n}\n"
	}
	spec := staging + strings.Replace(string(b), "transfer \"pipe\" {}", transfer+"\n  types {\n"+types+"  }", 1)
	if err := os.WriteFile(path, []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// abapTables are as ABAP leaves them: a blank in every character field that is empty.
const abapTables = `CREATE TABLE mara (matnr VARCHAR(18) DEFAULT ' ' NOT NULL, matkl VARCHAR(9) DEFAULT ' ' NOT NULL, note VARCHAR(40), free VARCHAR(9) DEFAULT 'x' NOT NULL, long TEXT, PRIMARY KEY (matnr));
INSERT INTO mara VALUES ('A', ' ', '', ' ', ''), ('B  ', 'X  ', ' ', 'x  ', 'long  '), (' ', '  y', NULL, 'z', NULL);`

const abapPolicies = "    blank = \"abap\"\n    empty_string = \"null\"\n"

const abapRows = `SELECT '<' || matnr || '>' || matkl || '>' || coalesce(note, 'NULL') || '>' || free || '>' || coalesce(long, 'NULL') FROM mara ORDER BY matkl, matnr`

// abapWant is what the rows become: trimmed where the default is a blank, elsewhere NULL
// where they are empty.
func abapWant() []string {
	return []string{"<A>>NULL> >NULL", "<B>X> >x  >long  ", "<>  y>NULL>z>NULL"}
}

func TestABAPBlanksAndEmptyStrings(t *testing.T) {
	// Must show 3: blank = "abap" and empty_string = "null" hold in the copy and in verification alike, by pipe and by files, between both engines.
	s := pgtest.Shared(t)
	for _, mode := range []string{"pipe", "file"} {
		t.Run("sqlite to postgres by "+mode, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "source.db")
			sqlite(t, file, abapTables)
			url := s.NewDatabase(t)
			db := database(t, url)
			dir := policiesSpec(t, sqliteSide(file), postgresSide(t, url), mode, abapPolicies)
			checkABAP(t, dir, func(sql string) string { return s.Query(t, db, sql) })
			s.Exec(t, db, "UPDATE public.mara SET matkl = ' ' WHERE matnr = 'A'")
			binary().ok(t, 3, dir, "verify", "--content")
		})
		t.Run("postgres to sqlite by "+mode, func(t *testing.T) {
			url := s.NewDatabase(t)
			s.Exec(t, database(t, url), abapTables)
			file := filepath.Join(t.TempDir(), "target.db")
			dir := policiesSpec(t, postgresSide(t, url), sqliteSide(file), mode, abapPolicies)
			checkABAP(t, dir, func(sql string) string { return sqlite(t, file, sql) })
			sqlite(t, file, "UPDATE mara SET matkl = ' ' WHERE matnr = 'A'")
			binary().ok(t, 3, dir, "verify", "--content")
		})
	}
}

// checkABAP applies, verifies and looks at the rows with the engine's own client.
func checkABAP(t *testing.T, dir string, query func(string) string) {
	t.Helper()
	plan := binary().ok(t, 0, dir, "plan").stdout
	for _, line := range []string{`blank = "abap": 2 columns of 1 table: mara.matnr, mara.matkl`, `empty_string = "null": 3 columns of 1 table: mara.note, mara.free, mara.long`} {
		if !strings.Contains(plan, line) {
			t.Errorf("the plan lacks %s:\n%s", line, plan)
		}
	}
	binary().ok(t, 0, dir, "apply", "--auto-approve")
	binary().ok(t, 0, dir, "verify", "--content")
	got := query(abapRows)
	for _, row := range abapWant() {
		if !strings.Contains(got, row) {
			t.Errorf("the target has no row %s:\n%s", row, got)
		}
	}
	query("INSERT INTO mara (matnr, free) VALUES ('new', 'x')")
	if got := strings.TrimSpace(query("SELECT '<' || matkl || '>' FROM mara WHERE matnr = 'new'")); got != "<>" {
		t.Errorf("a new row's default is %s, where blanks are trimmed", got)
	}
	query("DELETE FROM mara WHERE matnr = 'new'")
}

func TestKeysDifferingInBlanks(t *testing.T) {
	// Failure scenario: two keys differ in trailing blanks only, and blank = "abap" makes them one: the table fails by name and key, no row is dropped, the others continue.
	s := pgtest.Shared(t)
	const tables = `CREATE TABLE twice (k VARCHAR(9) DEFAULT ' ' NOT NULL PRIMARY KEY, v INTEGER);
INSERT INTO twice VALUES ('same', 1), ('same ', 2);
CREATE TABLE good (k VARCHAR(9) DEFAULT ' ' NOT NULL PRIMARY KEY); INSERT INTO good VALUES (' ');`
	file := filepath.Join(t.TempDir(), "source.db")
	sqlite(t, file, tables)
	url := s.NewDatabase(t)
	dir := policiesSpec(t, sqliteSide(file), postgresSide(t, url), "pipe", abapPolicies)
	r := binary().ok(t, 1, dir, "apply", "--auto-approve")
	for _, w := range []string{"twice", "same", `keys that differ only in trailing blanks of k`, `GROUP BY RTRIM("k")`} {
		if !strings.Contains(strings.Join(strings.Fields(r.stderr), " "), w) {
			t.Errorf("the failure does not name %q:\n%s", w, tail(r.stderr))
		}
	}
	if got := strings.TrimSpace(s.Query(t, database(t, url), "SELECT count(*) FROM public.good")); got != "1" {
		t.Errorf("good has %s rows, want 1", got)
	}
	target := filepath.Join(t.TempDir(), "target.db")
	url = s.NewDatabase(t)
	s.Exec(t, database(t, url), tables)
	dir = policiesSpec(t, postgresSide(t, url), sqliteSide(target), "pipe", abapPolicies)
	r = binary().ok(t, 1, dir, "apply", "--auto-approve")
	if !strings.Contains(r.stderr, "twice") || !strings.Contains(r.stderr, `GROUP BY RTRIM("k")`) {
		t.Errorf("the failure does not name the table and what to do:\n%s", tail(r.stderr))
	}
	if got := strings.TrimSpace(sqlite(t, target, "SELECT (SELECT count(*) FROM good) || ' ' || (SELECT count(*) FROM twice)")); got != "1 0" {
		t.Errorf("good and twice have %s rows, want 1 and none", got)
	}
}

func TestEmptyStringInNotNullColumn(t *testing.T) {
	// Failure scenario: empty_string = "null" meets a NOT NULL column: the row fails by column and key, with what to do about it.
	s := pgtest.Shared(t)
	file := filepath.Join(t.TempDir(), "source.db")
	sqlite(t, file, `CREATE TABLE must (id INTEGER PRIMARY KEY, name VARCHAR(9) NOT NULL); INSERT INTO must VALUES (41, 'x'), (42, '');`)
	dir := policiesSpec(t, sqliteSide(file), postgresSide(t, s.NewDatabase(t)), "pipe", "    empty_string = \"null\"\n")
	r := binary().ok(t, 1, dir, "apply", "--auto-approve")
	for _, w := range []string{"must", "name", "42", `empty_string = "keep"`} {
		if !strings.Contains(strings.Join(strings.Fields(r.stderr), " "), w) {
			t.Errorf("the failure does not name %q:\n%s", w, tail(r.stderr))
		}
	}
}

func TestNumberPolicies(t *testing.T) {
	// Failure scenario: a number does not fit the decimal that the spec asks for: it fails by column and key, and is never rounded; "double" is named as a loss.
	s := pgtest.Shared(t)
	url := s.NewDatabase(t)
	s.Exec(t, database(t, url), `CREATE TABLE fits (id int PRIMARY KEY, n numeric); INSERT INTO fits VALUES (1, 1.5), (2, -99999.25), (3, NULL);
CREATE TABLE fine (id int PRIMARY KEY, n numeric); INSERT INTO fine VALUES (41, 1.255);`)
	file := filepath.Join(t.TempDir(), "target.db")
	dir := policiesSpec(t, postgresSide(t, url), sqliteSide(file), "pipe", "    number = \"decimal(7,2)\"\n")
	r := binary().ok(t, 1, dir, "apply", "--auto-approve")
	for _, w := range []string{"fine", "41", "1.255"} {
		if !strings.Contains(r.stderr, w) {
			t.Errorf("the failure does not name %q:\n%s", w, tail(r.stderr))
		}
	}
	if got := strings.Fields(sqlite(t, file, "SELECT n FROM fits WHERE n IS NOT NULL ORDER BY id")); strings.Join(got, " ") != "1.50 -99999.25" {
		t.Errorf("the numbers became %v", got)
	}
	dir = policiesSpec(t, postgresSide(t, url), sqliteSide(filepath.Join(t.TempDir(), "double.db")), "pipe", "    number = \"double\"\n")
	if out := binary().ok(t, 0, dir, "plan").stdout; !strings.Contains(out, `number = "double": 2 columns of 2 tables`) || !strings.Contains(out, "64-bit floats") {
		t.Errorf("the plan does not name the loss:\n%s", out)
	}
	binary().ok(t, 0, dir, "apply", "--auto-approve")
}
