package sample

import (
	"context"
	"database/sql"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	go_ora "github.com/sijms/go-ora/v2"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle"
)

// A server that refuses what Oracle refuses takes every statement and every row.
func TestOracleSimulatorLoadsSample(t *testing.T) {
	srv, err := oracle.Start(oracle.Options{User: "SAPSR3", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	host, port, err := net.SplitHostPort(srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("oracle", go_ora.BuildUrl(host, n, "ORCL", "SAPSR3", "secret", nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // the simulator's own end is checked
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	loaded := make(map[string]int64)
	sink := OracleSink{
		Exec: func(ctx context.Context, statement string) error {
			if strings.Contains(statement, `"ZR_REF`) {
				return nil // the simulator has no REF
			}
			_, err := conn.ExecContext(ctx, statement)
			return err
		},
		Insert: func(_ context.Context, into OracleTable, rows [][]any) error {
			n, err := srv.Load("SAPSR3", into.Name, slices.Values(rows))
			loaded[into.Name] += int64(n)
			return err
		},
	}
	opts := Options{Rows: 3000, Seed: 1, Small: 3, Empty: 1, Hostile: true, Schema: "SAPSR3", Oracle: OracleOptions{Types: true, JSON: true, Refused: true}}
	err = WriteOracle(t.Context(), opts, sink, func(table string, rows int64) {
		if loaded[table] != rows {
			t.Errorf("%s took %d of %d rows", table, loaded[table], rows)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
