package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

// within writes a spec from one database into another of the same server, each with lines of its own.
func (b *environment) within(t *testing.T, source, target string) {
	t.Helper()
	spec := fmt.Sprintf("source \"postgres\" \"a\" {\n%s}\ntarget \"postgres\" \"b\" {\n%s  existing = \"recreate\"\n}\nmigration \"test\" {\n  source = source.postgres.a\n  target = target.postgres.b\n  transfer \"pipe\" {}\n}\n", source, target)
	if err := os.WriteFile(filepath.Join(b.dir, "main.dmo.hcl"), []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestIdenticalSourceAndTargetRefused(t *testing.T) {
	// Done: undo: a source that is the target is refused before anything: the same database by another address, or as an ordinary role
	server := pgtest.Shared(t)
	b := newBed(t, server, server, specOptions{})
	b.source.Exec(t, b.sourceDB, `CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2);
CREATE ROLE mover LOGIN PASSWORD 'secret'; ALTER TABLE t OWNER TO mover; GRANT ALL ON SCHEMA public TO mover; GRANT CREATE ON DATABASE `+b.sourceDB+` TO mover;
REVOKE EXECUTE ON FUNCTION pg_control_system(), pg_control_checkpoint() FROM PUBLIC`)
	t.Cleanup(func() {
		server.Exec(t, b.sourceDB, "GRANT EXECUTE ON FUNCTION pg_control_system(), pg_control_checkpoint() TO PUBLIC; REASSIGN OWNED BY mover TO postgres; DROP OWNED BY mover; DROP ROLE mover")
	})
	before := b.source.Query(t, b.sourceDB, objects)
	address := func(host, user string) string {
		return fmt.Sprintf("  host = %q\n  port = %d\n  database = %q\n  user = %q\n  sslmode = \"disable\"\n", host, server.Port, b.sourceDB, user)
	}
	socket := b.source.Query(t, b.sourceDB, "SELECT split_part(current_setting('unix_socket_directories'), ',', 1)")
	targets := map[string]string{"the same": address("127.0.0.1", "postgres"), "another name": address("localhost", "postgres"),
		"another role": address("127.0.0.1", "mover") + "  password = env(\"MOVER\")\n"}
	if socket != "" {
		targets["a socket"] = address(socket, "postgres")
	}
	b.env = append(b.env, "MOVER=secret")
	for name, target := range targets {
		b.within(t, address("127.0.0.1", "postgres"), target)
		for _, args := range [][]string{{"plan"}, {"apply", "--auto-approve", "--confirm-recreate", "target.postgres.b"}} {
			if r := b.ok(t, 1, b.dir, args...); !strings.Contains(words(r.stderr), "The source is the target") {
				t.Errorf("%s: %s says\n%s", name, args[0], r.stderr)
			}
		}
	}
	if after := b.source.Query(t, b.sourceDB, objects); after != before {
		t.Errorf("the source held\n%s\nand holds\n%s", before, after)
	}
	if got := b.source.Query(t, b.sourceDB, "SELECT count(*) FROM t"); got != "2" {
		t.Errorf("the source has %s rows", got)
	}
}

func TestSchemaToSchemaInOneDatabase(t *testing.T) {
	// Done: undo: within one database a migration may lead from one schema into another, and not back into what it reads
	server := pgtest.Shared(t)
	b := newBed(t, server, server, specOptions{})
	b.source.Exec(t, b.sourceDB, "CREATE DOMAIN d AS int; CREATE TABLE t (id serial PRIMARY KEY, x d); INSERT INTO t (x) VALUES (1), (2)")
	here := connection(t, b.sourceURL)
	b.within(t, here, here+"  schema = \"copy\"\n")
	b.ok(t, 0, b.dir, "apply", "--auto-approve")
	if got := b.source.Query(t, b.sourceDB, "SELECT (SELECT count(*) FROM t), (SELECT sum(x) FROM copy.t), (SELECT typnamespace::regnamespace FROM pg_type WHERE oid = (SELECT atttypid FROM pg_attribute WHERE attrelid = 'copy.t'::regclass AND attname = 'x'))"); got != "2|3|copy" {
		t.Errorf("source and copy hold %s", got)
	}
	b.ok(t, 0, b.dir, "plan", "--detailed-exitcode")
	b.ok(t, 0, b.dir, "rollback", "--empty-target", "--auto-approve")
	if got := b.source.Query(t, b.sourceDB, "SELECT (SELECT count(*) FROM t), to_regnamespace('copy'), to_regnamespace('dmo')"); got != "2|<NULL>|<NULL>" {
		t.Errorf("after the rollback there is %s", got)
	}
}
