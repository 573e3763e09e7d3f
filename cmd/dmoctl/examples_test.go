package main

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

// buildDmoctl builds the binary that example scripts run.
func buildDmoctl(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dmoctl")
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build dmoctl: %v\n%s", err, out)
	}
	return path
}

// runExample runs a script of examples/ and returns what it printed.
func runExample(t *testing.T, env []string, script string, args ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join("..", "..", "examples", script), args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// require skips a test whose programs are missing, or fails it where all are wanted.
func require(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("DMO_TEST_REQUIRE") == "all" {
				t.Fatalf("%s is not installed", p)
			}
			t.Skipf("%s is not installed", p)
		}
	}
}

func TestExampleDemo(t *testing.T) {
	out := runExample(t, nil, "demo/run.sh", buildDmoctl(t), "20000")
	for _, want := range []string{"No changes", "tables equal", "dmoctl verify --explain VBAK", "changed  (100, "} {
		if !strings.Contains(out, want) {
			t.Errorf("the demo does not say %q:\n%s", want, out)
		}
	}
}

func TestExampleExportFile(t *testing.T) {
	require(t, "sqlite3", "zstd", "node", "npm")
	cache, err := filepath.Abs(filepath.Join("..", "..", ".cache"))
	if err != nil {
		t.Fatal(err)
	}
	env := append(pgEnv(t, pgtest.Shared(t)), "DMO_CACHE="+cache)
	out := runExample(t, env, "export-file/run.sh", buildDmoctl(t))
	if !strings.Contains(out, "5003 rows of") {
		t.Errorf("not every row was read:\n%s", out)
	}
}

// TestExampleOracleAndHANA runs the scripts against simulators; the vendors' own clients compare.
func TestExampleOracleAndHANA(t *testing.T) {
	// Must show 2: the scripts in examples/ move Oracle to SAP HANA by pipe and by files, Oracle to PostgreSQL and PostgreSQL to SAP HANA.
	require(t, "node", "npm", "psql")
	cache, err := filepath.Abs(filepath.Join("..", "..", ".cache"))
	if err != nil {
		t.Fatal(err)
	}
	dmoctl := buildDmoctl(t)
	for name, same := range map[string]int{"oracle-hana": 2, "oracle-postgres": 1, "postgres-hana": 1} {
		t.Run(name, func(t *testing.T) {
			out := runExample(t, append(pgEnv(t, pgtest.Shared(t)), "DMO_CACHE="+cache), name+"/run.sh", dmoctl, "5000")
			for want, times := range map[string]int{"No changes": same, "tables are those of the source": same} {
				if n := strings.Count(out, want); n != times {
					t.Errorf("%q is said %d times, want %d:\n%s", want, n, times, out)
				}
			}
		})
	}
}

// TestExampleChinook runs on a small database of Chinook's shape, or on Chinook where
// DMO_TEST_CHINOOK names its directory.
func TestExampleChinook(t *testing.T) {
	require(t, "sqlite3", "psql", "setpriv")
	directory := os.Getenv("DMO_TEST_CHINOOK")
	if directory == "" {
		directory = t.TempDir()
		shape := filepath.Join("..", "..", "examples", "chinook", "testdata")
		if err := os.CopyFS(directory, os.DirFS(shape)); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("sqlite3", filepath.Join(directory, "chinook.sqlite"), ".read "+filepath.Join(directory, "sqlite.sql"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	out := runExample(t, nil, "chinook/run.sh", directory, buildDmoctl(t))
	if !strings.Contains(out, "three ways in two modes") {
		t.Errorf("the script did not come to its end:\n%s", out)
	}
}

// TestExampleSpecs applies the specs of examples/ that have a server, on sample data.
func TestExampleSpecs(t *testing.T) {
	server := pgtest.Shared(t)
	dmoctl := buildDmoctl(t)
	for _, name := range []string{"postgres", "file-mode"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "examples", name))); err != nil {
				t.Fatal(err)
			}
			source, target := pgEnv(t, server), pgEnv(t, server)
			env := append(os.Environ(), "PGUSER=postgres")
			for _, kv := range source {
				env = append(env, "SOURCE_"+kv)
			}
			for _, kv := range target {
				env = append(env, "TARGET_"+kv)
			}
			run := func(args ...string) string {
				t.Helper()
				cmd := exec.Command(dmoctl, append([]string{"--chdir", dir}, args...)...)
				cmd.Env = env
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("dmoctl %s: %v\n%s", strings.Join(args, " "), err, out)
				}
				return string(out)
			}
			run("sample", "--to", "postgres://postgres@"+server.Address()+"/"+strings.TrimPrefix(source[2], "PGDATABASE="), "--rows", "2000", "--schema", "sapsr3")
			run("validate")
			run("plan", "--out", "p.json")
			run("apply", "p.json")
			if out := run("plan"); !strings.Contains(out, "No changes") {
				t.Errorf("the second plan has changes:\n%s", out)
			}
			run("verify", "--content")
		})
	}
}

// pgEnv makes an empty database and returns the variables that name it.
func pgEnv(t *testing.T, server *pgtest.Server) []string {
	t.Helper()
	u, err := url.Parse(server.NewDatabase(t))
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(server.Address())
	if err != nil {
		t.Fatal(err)
	}
	return []string{"PGHOST=" + host, "PGPORT=" + port, "PGDATABASE=" + strings.TrimPrefix(u.Path, "/"), "PGUSER=postgres", "PGPASSWORD="}
}
