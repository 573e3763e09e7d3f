package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	hdb "github.com/SAP/go-hdb/driver"

	"github.com/dmoctl/dmoctl/internal/sample"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/erp"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
)

// barCeiling is a provider's CPU a row, times that of its driver alone: 0.8 of the driver's ceiling.
const barCeiling = 1 / 0.8

const (
	hanaUser     = "SYSTEM"
	hanaPassword = "Manager1"
)

// measureOracle compares reader and writer with their drivers against simulators that stream canned pages
// and swallow rows, each in a process of its own, and looks at the memory of a run between two that store.
func measureOracle(ctx context.Context, b *bench) error {
	rows := b.rows(2_000_000, 100_000)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	canned, err := b.serve(ctx, "canned", rows)
	if err != nil {
		return err
	}
	defer canned.stop()
	client := func(label, name string) contender {
		return contender{name: label, setup: func(context.Context) error { return nil }, run: func(ctx context.Context) (outcome, error) {
			cmd := exec.Command(self, "-client", name, strconv.FormatInt(rows, 10))
			cmd.Env = append(os.Environ(), canned.env...)
			return measure(ctx, cmd, true)
		}}
	}
	results, err := b.contest(ctx, "oracle_hana", b.reps, []contender{
		client("oracle, driver alone", "read-driver"), client("oracle, dmoctl's reader", "read-dmoctl"),
		client("hana, driver alone", "write-driver"), client("hana, dmoctl's writer", "write-dmoctl"),
	})
	if err != nil {
		return err
	}
	for _, pair := range [][3]string{{"Oracle: CPU of reader / driver " +
		"alone", "oracle, driver alone", "oracle, dmoctl's reader"}, {"HANA: CPU of writer / driver " +
		"alone", "hana, driver alone", "hana, dmoctl's writer"}} {
		alone, ours := results[pair[1]].cpu(), results[pair[2]].cpu()
		b.sheet.ratio(pair[0], ours/alone, barCeiling, fmt.Sprintf("%.2f, %.2f us a row; canned pages", ours/float64(rows)*1e6, alone/float64(rows)*1e6))
	}
	if b.dmoctl == "" {
		return nil
	}
	return b.oracleRun(ctx)
}

// oracleRun migrates the sample, verified.
func (b *bench) oracleRun(ctx context.Context) error {
	rows := b.rows(1_000_000, 10_000)
	var servers *served
	defer func() {
		if servers != nil {
			servers.stop()
		}
	}()
	dir := b.specDir("oracle-hana")
	run := contender{name: "dmoctl oracle to hana, verified",
		setup: func(ctx context.Context) (err error) {
			if servers != nil {
				servers.stop()
			}
			if servers, err = b.serve(ctx, "sample", rows); err != nil {
				return err
			}
			return servers.spec(dir)
		},
		run: func(ctx context.Context) (outcome, error) {
			cmd := exec.Command(b.dmoctl, "--chdir", dir, "apply", "--auto-approve")
			cmd.Env = append(os.Environ(), "ORACLE_PASSWORD="+erp.Password, "HANA_PASSWORD="+hanaPassword)
			return measure(ctx, cmd, true)
		}}
	results, err := b.contest(ctx, "oracle_hana", 1, []contender{run})
	if err != nil {
		return err
	}
	r := results[run.name]
	b.sheet.add(figure{What: "Oracle to HANA: peak memory of dmoctl", Value: r.peak(), Unit: "MiB", Bar: barMemory, Note: "the sample, 231 tables, verified"})
	b.sheet.add(
		figure{
			What:  "Oracle to HANA: CPU of dmoctl a row",
			Value: r.cpu() / float64(rows) * 1e6,
			Unit:  "us",
			Note:  "whole process, read back and digested on both sides",
		},
	)
	return nil
}

// served are the two simulators in a process of their own.
type served struct {
	cmd          *exec.Cmd
	env          []string
	oracle, hana string
}

func (b *bench) serve(ctx context.Context, what string, rows int64) (*served, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(b.dir, "oracle_hana."+what)
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	s := &served{cmd: exec.Command(self, "-serve", what, strconv.FormatInt(rows, 10), file)}
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for range 3000 {
		if text, err := os.ReadFile(file); err == nil {
			s.env = strings.Fields(string(text))
			s.oracle, s.hana = strings.TrimPrefix(s.env[0], "ORACLE_ADDR="), strings.TrimPrefix(s.env[1], "HANA_ADDR=")
			return s, nil
		}
		if ctx.Err() != nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.stop()
	return nil, fmt.Errorf("the simulators did not start")
}

func (s *served) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	_ = s.cmd.Wait()
}

// spec writes a spec directory without history.
func (s *served) spec(dir string) error {
	from, fromPort, err := hostPort(s.oracle)
	if err != nil {
		return err
	}
	to, toPort, err := hostPort(s.hana)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	text := fmt.Sprintf(`source "oracle" "erp" {
  host     = %q
  port     = %d
  service  = %q
  user     = %q
  password = env("ORACLE_PASSWORD")
  tls      = "disable"
}

target "hana" "s4" {
  host     = %q
  port     = %d
  user     = %q
  password = env("HANA_PASSWORD")
  schema   = "SAPHANADB"
  tls      = "disable"
}

migration "bench" {
  source = source.oracle.erp
  target = target.hana.s4
  transfer "pipe" {}
  types { blank = "abap" }
  table_group "large" {
    tables = ["BSEG", "CDPOS", "VBAP"]
    split { parts = 4 }
  }
  table_group "rest" { tables = ["*"] }
  processes { downtime = 2 }
  verify { default = "content" }
}
`, from, fromPort, erp.Service, erp.Owner, to, toPort, hanaUser)
	return os.WriteFile(filepath.Join(dir, "bench.dmo.hcl"), []byte(text), 0o644)
}

// runServers starts the simulators, writes where they listen to a file, and waits for its end.
func runServers(ctx context.Context, what, count, file string) (err error) {
	rows, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		return err
	}
	o := sample.Options{Seed: 1}
	if what == "sample" {
		o = sample.Options{Seed: 1, Rows: rows, Small: 190, Empty: 20}
	}
	source, err := erp.Start(ctx, o, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	target, err := hana.Start(hana.Options{User: hanaUser, Password: hanaPassword})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	if what == "canned" {
		if err := cannedTables(ctx, erp.URL(source), target); err != nil {
			return err
		}
		source.Canned(erp.Owner+".VBAP", int(rows))
		target.Swallow("SAPHANADB", "VBAP")
	}
	if err := os.WriteFile(file+".new", fmt.Appendf(nil, "ORACLE_ADDR=%s\nHANA_ADDR=%s\n", source.Addr(), target.Addr()), 0o600); err != nil {
		return err
	}
	if err := os.Rename(file+".new", file); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// cannedTables makes a table of the usual types on both sides; the source's has rows for two pages.
func cannedTables(ctx context.Context, url string, target *hana.Server) error {
	from, err := sql.Open("oracle", url)
	if err != nil {
		return err
	}
	defer from.Close()
	to := sql.OpenDB(hdb.NewBasicAuthConnector(target.Addr(), hanaUser, hanaPassword))
	defer to.Close()
	numbers := make([]int64, 2*clientPage)
	for i := range numbers {
		numbers[i] = int64(i)
	}
	for _, s := range []struct {
		db   *sql.DB
		text string
		args []any
	}{
		{from, `DROP TABLE "VBAP"`, nil}, // the sample's
		{from, `CREATE TABLE "VBAP" ("MANDT" VARCHAR2(3) NOT NULL, "VBELN" VARCHAR2(10) NOT NULL,
 "POSNR" NUMBER(6) NOT NULL, "NETWR" NUMBER(15,2), "KURSK" NUMBER(9,5), "ERDAT" DATE, "WAERK" VARCHAR2(5), "GUID" RAW(16))`, nil},
		{from, `INSERT INTO "VBAP" VALUES ('100', '008000' || TO_CHAR(1000 + :1), :2, :3 / 7 - 100,
 1.23457 + :4 / 1000, DATE '2024-02-29' - :5 / 24, 'EUR',
 HEXTORAW('303132333435363738396162' || TO_CHAR(10000000 + :6)))`, []any{numbers, numbers, numbers, numbers, numbers, numbers}},
		{to, `CREATE SCHEMA "SAPHANADB"`, nil},
		{to, `CREATE COLUMN TABLE "SAPHANADB"."VBAP" ("MANDT" NVARCHAR(3) NOT NULL, "VBELN" NVARCHAR(10) NOT NULL,
 "POSNR" DECIMAL(6,0) NOT NULL, "NETWR" DECIMAL(15,2), "KURSK" DECIMAL(9,5), "ERDAT" SECONDDATE, "WAERK" NVARCHAR(5), "GUID" VARBINARY(16))`, nil},
	} {
		if _, err := s.db.ExecContext(ctx, s.text, s.args...); err != nil {
			return fmt.Errorf("%.60s: %w", s.text, err)
		}
	}
	return nil
}
