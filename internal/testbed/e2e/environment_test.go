package e2e

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

// environment is one migration between two PostgreSQL databases.
type environment struct {
	dmoctl
	dir            string // spec directory
	source, target *pgtest.Server
	sourceDB       string
	targetDB       string
	sourceURL      string // what the spec names; a proxy's where there is one
	targetURL      string
	options        specOptions
}

// specOptions vary the spec of a environment.
type specOptions struct {
	consistency string // default "snapshot"
	mode        string // default "pipe"
	staging     string // directory; default below the spec directory
	parts       int    // default 4
	by          string // of the split; default "auto"
	processes   int    // default 2
	memory      string // of processes; default a quarter of the machine's
	verify      string // default "content"
	existing    string // default "require-empty"
	extra       string // more of the migration block
}

// newBed makes two empty databases on the servers and a spec between them.
func newBed(t *testing.T, source, target *pgtest.Server, o specOptions) *environment {
	t.Helper()
	b := &environment{dmoctl: binary(), dir: t.TempDir(), source: source, target: target, options: o}
	b.sourceURL, b.targetURL = source.NewDatabase(t), target.NewDatabase(t)
	b.sourceDB, b.targetDB = database(t, b.sourceURL), database(t, b.targetURL)
	b.writeSpec(t)
	return b
}

func database(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

// writeSpec writes the spec again, after a change of the environment's URLs or options.
func (b *environment) writeSpec(t *testing.T) {
	t.Helper()
	o := b.options
	transfer, staging := `transfer "pipe" {}`, ""
	if o.mode == "file" {
		transfer = "transfer \"file\" {\n    via = staging.local.files\n  }"
		staging = fmt.Sprintf("staging \"local\" \"files\" {\n  path = %q\n}\n", cmp.Or(o.staging, filepath.Join(b.dir, "staging")))
	}
	split := fmt.Sprintf("parts = %d", cmp.Or(o.parts, 4))
	if o.by != "" {
		split = fmt.Sprintf("by = %q", o.by)
	}
	memory := ""
	if o.memory != "" {
		memory = fmt.Sprintf("    memory = %q\n", o.memory)
	}
	spec := fmt.Sprintf(`source "postgres" "a" {
%s  consistency = %q
}
target "postgres" "b" {
%s  existing = %q
}
%smigration "test" {
  source = source.postgres.a
  target = target.postgres.b
  %s
  table_group "all" {
    tables = ["*"]
    split { %s }
  }
  processes {
    downtime = %d
%s  }
  verify { default = %q }
%s}
`, connection(t, b.sourceURL), cmp.Or(o.consistency, "snapshot"), connection(t, b.targetURL), cmp.Or(o.existing, "require-empty"),
		staging, transfer, split, cmp.Or(o.processes, 2), memory, cmp.Or(o.verify, "content"), o.extra)
	if err := os.WriteFile(filepath.Join(b.dir, "main.dmo.hcl"), []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
}

func connection(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("  host = %q\n  port = %s\n  database = %q\n  user = %q\n  sslmode = \"disable\"\n",
		host, port, strings.TrimPrefix(u.Path, "/"), u.User.Username())
}

// fill makes tables tables of rows rows in the source, every other one without a key.
func (b *environment) fill(t *testing.T, tables, rows int) {
	t.Helper()
	var sql strings.Builder
	for i := range tables {
		name, key := fmt.Sprintf("keyed%02d", i), ", PRIMARY KEY (id)"
		if i%2 == 1 {
			name, key = fmt.Sprintf("bare%02d", i), ""
		}
		fmt.Fprintf(&sql, `CREATE TABLE %s (id int NOT NULL, amount numeric(15,2), day date, note text%s);
INSERT INTO %[1]s SELECT g, g*1.25, date '2020-01-01' + g %% 1000, repeat(md5((g / 2)::text), 3) FROM generate_series(1, %[3]d) g;
`, name, key, rows)
	}
	b.source.Exec(t, b.sourceDB, sql.String()+"ANALYZE;")
}

// contents prints every table of a database with its row count and a hash of its
// sorted rows, by psql.
func contents(t *testing.T, s *pgtest.Server, db string) string {
	t.Helper()
	names := strings.Fields(s.Query(t, db, `SELECT quote_ident(relname) FROM pg_class WHERE relkind IN ('r','p') AND NOT relispartition AND relnamespace = 'public'::regnamespace ORDER BY 1`))
	var q []string
	for _, n := range names {
		q = append(q, fmt.Sprintf(`SELECT '%s', count(*), md5(coalesce(string_agg(md5(t::text), '' ORDER BY md5(t::text)), '')) FROM public.%s t`, n, n))
	}
	if len(q) == 0 {
		return ""
	}
	return s.Query(t, db, strings.Join(q, " UNION ALL ")+" ORDER BY 1")
}

// equal fails the test unless the target holds what want, a result of contents, says.
func (b *environment) equal(t *testing.T, want string) {
	t.Helper()
	if got := contents(t, b.target, b.targetDB); got != want {
		t.Fatalf("the target differs\nwant:\n%s\ngot:\n%s", want, got)
	}
}

// apply runs apply to its end and fails unless it exits with want.
func (b *environment) apply(t *testing.T, want int, args ...string) result {
	t.Helper()
	return b.ok(t, want, b.dir, append([]string{"apply", "--auto-approve", "--json"}, args...)...)
}

// startApply starts an apply whose events can be waited for.
func (b *environment) startApply(t *testing.T, args ...string) *process {
	t.Helper()
	return b.start(t, b.dir, append([]string{"apply", "--auto-approve", "--json"}, args...)...)
}

// events returns the names of packages or tables of the result's events of one kind.
func (r result) events(t *testing.T, name string) []string {
	t.Helper()
	var out []string
	for _, e := range parseEvents(r.stdout) {
		if e.Event == name {
			out = append(out, cmp.Or(e.Package, e.Table))
		}
	}
	return out
}

// other is the same migration from another directory, straight to the servers: a colleague's
// working copy.
func (b *environment) other(t *testing.T, target string) *environment {
	t.Helper()
	c := *b
	c.dir, c.targetURL = t.TempDir(), target
	c.writeSpec(t)
	return &c
}
