package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/sample"
	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/erp"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle"
)

const (
	hanaUser     = "SYSTEM"
	hanaPassword = "Manager1"
	pgSchema     = "sapsr3"
)

// route is a migration between two engines by a spec of examples/, with what it has to bring.
type route struct {
	dmoctl
	dir    string // spec directory
	spec   string // directory in examples/
	want   tallies
	source map[string]string
	target map[string]string
	got    func(t *testing.T) tallies
	fresh  func(t *testing.T) // an empty target
	busy   func(t *testing.T) bool
}

// settle writes the spec directory again, without history, for the target of the moment.
func (r *route) settle(t *testing.T) {
	t.Helper()
	r.dir = t.TempDir()
	if err := os.CopyFS(r.dir, os.DirFS(filepath.Join("..", "..", "..", "examples", r.spec))); err != nil {
		t.Fatal(err)
	}
	env := []string{"DMO_VAR_encrypted=false"}
	for _, side := range []map[string]string{r.source, r.target} {
		for k, v := range side {
			env = append(env, k+"="+v)
		}
	}
	r.dmoctl = binary(env...)
}

// erpSource starts an Oracle with the sample; want collects what has to arrive.
func erpSource(t *testing.T, o sample.Options, want *expected) (*oracle.Server, map[string]string) {
	t.Helper()
	srv, err := erp.Start(t.Context(), o, want.watch)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	host, port := hostPort(t, srv.Addr())
	return srv, map[string]string{"ORACLE_HOST": host, "ORACLE_PORT": port, "ORACLE_SERVICE": erp.Service, "ORACLE_USER": erp.Owner, "ORACLE_PASSWORD": erp.Password}
}

func hostPort(t *testing.T, address string) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// intoHANA makes the target of a route an empty HANA.
func (r *route) intoHANA(t *testing.T, schema string) {
	var srv *hana.Server
	r.fresh = func(t *testing.T) {
		t.Helper()
		if srv != nil {
			srv.Close()
		}
		var err error
		if srv, err = hana.Start(hana.Options{User: hanaUser, Password: hanaPassword}); err != nil {
			t.Fatal(err)
		}
		host, port := hostPort(t, srv.Addr())
		r.target = map[string]string{"HANA_HOST": host, "HANA_PORT": port, "HANA_USER": hanaUser, "HANA_PASSWORD": hanaPassword}
		r.settle(t)
	}
	t.Cleanup(func() {
		if srv != nil {
			srv.Close()
		}
	})
	r.got = func(t *testing.T) tallies { return inHANA(t, srv, schema) }
	r.busy = func(*testing.T) bool {
		for _, s := range srv.Sessions() {
			if s.InTransaction && strings.HasPrefix(s.Statement, "INSERT INTO \""+schema) {
				return true
			}
		}
		return false
	}
	r.fresh(t)
}

// intoPostgres makes the target of a route an empty database.
func (r *route) intoPostgres(t *testing.T, s *pgtest.Server) {
	var db string
	r.fresh = func(t *testing.T) {
		t.Helper()
		url := s.NewDatabase(t)
		db = database(t, url)
		r.target = postgresEnv(t, s, db)
		r.settle(t)
	}
	r.got = func(t *testing.T) tallies { return inPostgres(t, s, db, pgSchema) }
	r.busy = func(t *testing.T) bool {
		return strings.TrimSpace(s.Query(t, "postgres", `SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY %' AND state <> 'idle' AND datname = '`+db+`'`)) != "0"
	}
	r.fresh(t)
}

func postgresEnv(t *testing.T, s *pgtest.Server, db string) map[string]string {
	t.Helper()
	host, port := hostPort(t, s.Address())
	return map[string]string{"PGHOST": host, "PGPORT": port, "PGDATABASE": db, "PGUSER": "postgres", "PGPASSWORD": ""}
}

func oracleToHANA(t *testing.T, mode string, o sample.Options) *route {
	t.Helper()
	want := newExpected(true)
	r := &route{spec: "oracle-hana/" + mode}
	_, r.source = erpSource(t, o, want)
	r.want = want.tables
	r.intoHANA(t, "SAPHANADB")
	return r
}

func oracleToPostgres(t *testing.T, o sample.Options) *route {
	t.Helper()
	want := newExpected(false)
	r := &route{spec: "oracle-postgres"}
	_, r.source = erpSource(t, o, want)
	r.want = want.tables
	delete(r.want, "STXL") // the spec leaves it out
	r.intoPostgres(t, pgtest.Start(t))
	return r
}

func postgresToHANA(t *testing.T, o sample.Options) *route {
	t.Helper()
	s := pgtest.Start(t)
	url := s.NewDatabase(t)
	o.Schema = pgSchema
	if err := sample.WritePostgres(t.Context(), url, o, nil); err != nil {
		t.Fatal(err)
	}
	prepare, err := os.ReadFile("../../../examples/postgres-hana/prepare.sql")
	if err != nil {
		t.Fatal(err)
	}
	s.Exec(t, database(t, url), string(prepare))
	r := &route{spec: "postgres-hana", want: inPostgres(t, s, database(t, url), pgSchema)}
	r.source = postgresEnv(t, s, database(t, url))
	r.intoHANA(t, "WAREHOUSE")
	return r
}

// sapRows is how many rows the big tables of the end-to-end runs have together.
func sapRows(t *testing.T, otherwise int64) int64 {
	t.Helper()
	s := os.Getenv("DMO_SAP_ROWS")
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 {
		t.Fatalf("DMO_SAP_ROWS is %q, want a number of rows", s)
	}
	return n
}

// moves runs the spec from validate to verify and compares the content without dmoctl.
func (r *route) moves(t *testing.T) {
	t.Helper()
	if tables := len(r.want); tables < 200 {
		t.Fatalf("the sample has %d tables, want 200 at least", tables)
	}
	r.ok(t, 0, r.dir, "validate")
	r.ok(t, 0, r.dir, "plan", "--out", "plan.json")
	r.ok(t, 0, r.dir, "apply", "plan.json")
	r.want.same(t, r.got(t))
	if out := r.ok(t, 0, r.dir, "plan", "--detailed-exitcode").stdout; !strings.Contains(out, "No changes") {
		t.Errorf("the second plan has changes:\n%s", tail(out))
	}
	if r.want.rows() < 500_000 { // apply has verified already; this is the command of its own
		r.ok(t, 0, r.dir, "verify", "--content")
	}
	t.Logf("%d rows in %d tables", r.want.rows(), len(r.want))
}

func sapSample(rows int64) sample.Options {
	return sample.Options{Rows: rows, Seed: 1, Small: 190, Empty: 20}
}

func TestOracleToHANAByPipe(t *testing.T) {
	// Must show 2: Oracle to SAP HANA by pipe: a million rows in more than 200 tables, content verified, the second plan says "No changes".
	oracleToHANA(t, "pipe", sapSample(sapRows(t, 1_000_000))).moves(t)
}

func TestOracleToHANAByFiles(t *testing.T) {
	// Must show 2: Oracle to SAP HANA by files over local staging: content verified, the second plan says "No changes".
	oracleToHANA(t, "file", sapSample(sapRows(t, 200_000))).moves(t)
}

func TestOracleToPostgres(t *testing.T) {
	// Must show 2: Oracle to PostgreSQL: content verified by psql, the second plan says "No changes".
	oracleToPostgres(t, sapSample(sapRows(t, 200_000))).moves(t)
}

func TestPostgresToHANA(t *testing.T) {
	// Must show 2: PostgreSQL to SAP HANA: content verified, the second plan says "No changes".
	postgresToHANA(t, sapSample(sapRows(t, 200_000))).moves(t)
}
