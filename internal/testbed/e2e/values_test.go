package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

// sqlite runs SQL in a database file by the sqlite3 program.
func sqlite(t *testing.T, file, sql string) string {
	t.Helper()
	cmd := exec.Command("sqlite3", "-batch", "-bail", file)
	cmd.Stdin = strings.NewReader(sql)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v\n%s", err, out)
	}
	return string(out)
}

// side is one end of a migration between two engines.
type side struct{ engine, arguments string }

func sqliteSide(file string) side { return side{"sqlite", fmt.Sprintf("  path = %q\n", file)} }

func postgresSide(t *testing.T, url string) side {
	t.Helper()
	return side{"postgres", connection(t, url)}
}

// mixedSpec writes a spec between two engines and returns its directory.
func mixedSpec(t *testing.T, source, target side) string {
	t.Helper()
	dir := t.TempDir()
	spec := fmt.Sprintf(`source %q "a" {
%s}
target %q "b" {
%s}
migration "test" {
  source = source.%[1]s.a
  target = target.%[3]s.b
  transfer "pipe" {}
}
`, source.engine, source.arguments, target.engine, target.arguments)
	if err := os.WriteFile(filepath.Join(dir, "main.dmo.hcl"), []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestSQLiteValuesRejected(t *testing.T) {
	// Failure scenario: a column that cannot be migrated; a value that does not fit, NUL in text, invalid UTF-8 and mixed storage classes in SQLite fail by table, column and key; the others continue.
	file := filepath.Join(t.TempDir(), "source.db")
	sqlite(t, file, `CREATE TABLE good (id INTEGER PRIMARY KEY, note VARCHAR(20));
INSERT INTO good VALUES (1, 'one'), (2, 'two');
CREATE TABLE nul (id INTEGER PRIMARY KEY, txt TEXT); INSERT INTO nul VALUES (41, 'fine'), (42, 'a' || char(0) || 'b');
CREATE TABLE utf8 (id INTEGER PRIMARY KEY, txt TEXT); INSERT INTO utf8 VALUES (43, CAST(x'C3' AS TEXT));
CREATE TABLE mixed (id INTEGER PRIMARY KEY, num INTEGER); INSERT INTO mixed VALUES (44, 'not a number');
CREATE TABLE long (id INTEGER PRIMARY KEY, txt VARCHAR(3)); INSERT INTO long VALUES (45, 'four');
CREATE TABLE late (id INTEGER PRIMARY KEY, day DATE); INSERT INTO late VALUES (46, '2004-13-24');
`)
	s := pgtest.Shared(t)
	url := s.NewDatabase(t)
	dir := mixedSpec(t, sqliteSide(file), postgresSide(t, url))
	r := binary().ok(t, 1, dir, "apply", "--auto-approve", "--json")
	for table, words := range map[string][]string{"nul": {"txt", "42"}, "utf8": {"txt", "43"}, "mixed": {"num", "44"}, "long": {"txt", "45"}, "late": {"day", "46"}} {
		for _, w := range append(words, table) {
			if !strings.Contains(r.stderr, w) {
				t.Errorf("the failure of %s does not name %q:\n%s", table, w, tail(r.stderr))
			}
		}
		if got := s.Query(t, database(t, url), "SELECT count(*) FROM public."+table); strings.TrimSpace(got) != "0" {
			t.Errorf("%s has %s rows, want none", table, got)
		}
	}
	if got := s.Query(t, database(t, url), "SELECT count(*) FROM public.good"); strings.TrimSpace(got) != "2" {
		t.Errorf("good has %s rows, want 2: the others continue", got)
	}
}

func TestPostgresValuesRejected(t *testing.T) {
	// Failure scenario: a column that cannot be migrated; a value that does not fit: numeric NaN, infinite dates, year 10000 fail by table, column and key; the others continue.
	s := pgtest.Shared(t)
	url := s.NewDatabase(t)
	db := database(t, url)
	s.Exec(t, db, `CREATE TABLE good (id int PRIMARY KEY, note text); INSERT INTO good VALUES (1, 'one');
CREATE TABLE nan (id int PRIMARY KEY, num numeric); INSERT INTO nan VALUES (41, 'NaN');
CREATE TABLE fnan (id int PRIMARY KEY, num float8); INSERT INTO fnan VALUES (42, 'NaN');
CREATE TABLE inf (id int PRIMARY KEY, day date); INSERT INTO inf VALUES (43, 'infinity');
CREATE TABLE late (id int PRIMARY KEY, at timestamp); INSERT INTO late VALUES (44, '10000-01-01');
CREATE TABLE early (id int PRIMARY KEY, day date); INSERT INTO early VALUES (45, '0044-03-15 BC');`)
	file := filepath.Join(t.TempDir(), "target.db")
	dir := mixedSpec(t, postgresSide(t, url), sqliteSide(file))
	r := binary().ok(t, 1, dir, "apply", "--auto-approve", "--json")
	for table, words := range map[string][]string{"nan": {"num", "41"}, "fnan": {"num", "42"}, "inf": {"day", "43"}, "late": {"at", "44"}, "early": {"day", "45"}} {
		for _, w := range append(words, table) {
			if !strings.Contains(r.stderr, w) {
				t.Errorf("the failure of %s does not name %q:\n%s", table, w, tail(r.stderr))
			}
		}
		if got := strings.TrimSpace(sqlite(t, file, "SELECT count(*) FROM "+table)); got != "0" {
			t.Errorf("%s has %s rows, want none", table, got)
		}
	}
	if got := strings.TrimSpace(sqlite(t, file, "SELECT count(*) FROM good")); got != "1" {
		t.Errorf("good has %s rows, want 1: the others continue", got)
	}
}

func TestUnsupportedColumnsRefused(t *testing.T) {
	// Failure scenario: a column that cannot be migrated: it is refused in plan by name, nothing is changed.
	s := pgtest.Shared(t)
	url := s.NewDatabase(t)
	s.Exec(t, database(t, url), `CREATE TABLE odd (id int PRIMARY KEY, tags text[], search tsvector, span int4range); CREATE TABLE fine (id int)`)
	file := filepath.Join(t.TempDir(), "target.db")
	dir := mixedSpec(t, postgresSide(t, url), sqliteSide(file))
	for _, args := range [][]string{{"plan"}, {"apply", "--auto-approve"}} {
		r := binary().ok(t, 1, dir, args...)
		for _, w := range []string{"odd", "tags", "search", "span"} {
			if !strings.Contains(r.stderr, w) {
				t.Errorf("%v does not name %q:\n%s", args, w, r.stderr)
			}
		}
	}
	if strings.Contains(sqlite(t, file, ".tables"), "fine") {
		t.Error("a refused plan changed the target")
	}
}
