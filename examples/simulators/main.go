// Command simulators starts the servers that the examples of Oracle and SAP HANA run against:
// a simulated Oracle that holds an SAP-like sample, and a simulated, empty HANA.
//
//	simulators -env FILE [-rows N] [-small N] [-empty N]
//
// It writes where they listen to FILE, as lines for "source" in a shell, once all is ready, and
// ends on SIGTERM or Ctrl-C. It stands in for real servers: an example's README says what to set instead.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/dmoctl/dmoctl/internal/sample"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/erp"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "simulators:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	flags := flag.NewFlagSet("simulators", flag.ContinueOnError)
	env := flags.String("env", "", "file to write addresses to")
	o := sample.Options{Seed: 1}
	flags.Int64Var(&o.Rows, "rows", 20_000, "rows of the big tables together")
	flags.IntVar(&o.Small, "small", 200, "tables of 1 to 50 rows")
	flags.IntVar(&o.Empty, "empty", 10, "empty tables")
	flags.BoolVar(&o.Oracle.Types, "types", false, "tables with a column of every Oracle type that travels")
	flags.BoolVar(&o.Oracle.Refused, "refused", false, "tables with a column of every Oracle type that does not")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *env == "" {
		return fmt.Errorf("-env names no file")
	}
	source, err := erp.Start(ctx, o, nil)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := hana.Start(hana.Options{User: "SYSTEM", Password: "Manager1"})
	if err != nil {
		return err
	}
	defer target.Close()
	if err := announce(*env, source.Addr(), target.Addr()); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// announce writes the file whole, so that nobody reads half of it.
func announce(path, source, target string) error {
	from, fromPort, err := net.SplitHostPort(source)
	if err != nil {
		return err
	}
	to, toPort, err := net.SplitHostPort(target)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("export ORACLE_HOST=%s ORACLE_PORT=%s ORACLE_SERVICE=%s ORACLE_USER=%s ORACLE_PASSWORD=%s\n"+
		"export HANA_HOST=%s HANA_PORT=%s HANA_USER=SYSTEM HANA_PASSWORD=Manager1\n", from, fromPort, erp.Service, erp.Owner, erp.Password, to, toPort)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
