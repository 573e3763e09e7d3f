package main

import (
	"bytes"
	"context"
	"database/sql"
	"flag"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "github.com/sijms/go-ora/v2"

	"github.com/dmoctl/dmoctl/internal/sample"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/erp"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle"
)

var update = flag.Bool("update", false, "write the golden files again")

// oracleOfTypes starts an Oracle with a column of every type, those that travel and those that do not,
// and an empty HANA, and sets the variables by which the spec of testdata/oracle-types reaches them.
func oracleOfTypes(t *testing.T) {
	t.Helper()
	source, err := oracle.Start(oracle.Options{User: erp.Owner, Password: erp.Password, Service: erp.Service, Version: "23.4.0.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { source.Close() })
	target, err := hana.Start(hana.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { target.Close() })
	db, err := sql.Open("oracle", erp.URL(source))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	err = sample.WriteOracle(t.Context(), sample.Options{Oracle: sample.OracleOptions{Types: true, JSON: true, Refused: true, Vector: true}}, sample.OracleSink{
		Exec: func(ctx context.Context, statement string) error {
			if !strings.Contains(statement, "ZTYPES_") && !strings.Contains(statement, "ZR_") {
				return nil // the rest of the sample
			}
			_, err := db.ExecContext(ctx, statement)
			return err
		},
		Insert: func(_ context.Context, into sample.OracleTable, rows [][]any) error {
			if !strings.HasPrefix(into.Name, "ZTYPES_") {
				return nil
			}
			_, err := source.Load(erp.Owner, into.Name, slices.Values(rows))
			return err
		},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]string{"ORACLE": source.Addr(), "HANA": target.Addr()} {
		host, port, err := net.SplitHostPort(at)
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv(name+"_HOST", host)
		t.Setenv(name+"_PORT", port)
	}
	t.Setenv("ORACLE_PASSWORD", erp.Password)
	t.Setenv("HANA_PASSWORD", "Manager1")
}

func TestOracleTypesPlan(t *testing.T) {
	// Must show 4: the plan of a column of every Oracle type, column by column, and of every refusal, as a DBA reads it.
	oracleOfTypes(t)
	spec, err := os.ReadFile(filepath.Join("testdata", "oracle-types", "main.dmo.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "main.dmo.hcl"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const without = "  exclude \"refused\" { tables = [\"ZR_*\"] }\n"
	if !strings.Contains(string(spec), without) {
		t.Fatalf("the spec no longer holds %q", without)
	}
	write(strings.Replace(string(spec), without, "", 1))
	golden(t, "oracle-types-refused.txt", planned(t, 1, dir))
	write(strings.Replace(strings.Replace(string(spec), without, "", 1), "time_zone = \"utc\"", "time_zone = \"fail\"", 1))
	golden(t, "oracle-types-zones.txt", planned(t, 1, dir))
	write(string(spec))
	golden(t, "oracle-types.txt", planned(t, 0, dir, "--columns"))
	golden(t, "oracle-types.md", planned(t, 0, dir, "--columns", "--markdown"))
}

// planned runs plan and returns what it printed, on both streams.
func planned(t *testing.T, want int, dir string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if got := run(append([]string{"--chdir", dir, "plan"}, args...), strings.NewReader(""), &stdout, &stderr); got != want {
		t.Fatalf("plan %v: exit %d, want %d\n%s%s", args, got, want, stdout.String(), stderr.String())
	}
	return stdout.String() + stderr.String()
}

// golden compares with a file of testdata/golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), \"go test ./cmd/dmoctl -run OracleType -update\" writes it again:\n%s", path, diff)
	}
}
