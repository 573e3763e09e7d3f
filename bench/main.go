// Bench measures dmoctl beside raw COPY, pgcopydb, pg_dump, zstd and sqlite3 in one
// run on one machine. Start it by run.sh, which says what can be set.
//
// It exits 0 whatever the figures are, and 1 where something could not be measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dmoctl := flag.String("dmoctl", "", "binary to measure; empty measures the others alone")
	ceiling := flag.Bool("ceiling", false, "copy a SQLite file's tables to another by the driver alone: -ceiling FROM TO")
	markdown := flag.String("markdown", "", "results.json to print for docs/benchmarks.md, instead of measuring")
	client := flag.String("client", "", "be a client of the suite oracle_hana: -client NAME ROWS")
	serve := flag.String("serve", "", "be the servers of the suite oracle_hana: -serve NAME ROWS FILE")
	flag.Parse()
	switch {
	case *client != "":
		return report(runClient(ctx, *client, flag.Arg(0)))
	case *serve != "":
		return report(runServers(ctx, *serve, flag.Arg(0), flag.Arg(1)))
	}
	if *ceiling {
		return report(copyByDriver(flag.Arg(0), flag.Arg(1)))
	}
	if *markdown != "" {
		return report(printMarkdown(os.Stdout, *markdown))
	}
	c, err := configure(*dmoctl)
	if err != nil {
		return report(err)
	}
	return report(measureAll(ctx, c))
}

func report(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

// config is what a run was asked for.
type config struct {
	dir     string // of this scale
	results string // file
	scale   float64
	reps    int
	only    []string
	dmoctl  string // "" measures the others alone
}

func configure(dmoctl string) (config, error) {
	c := config{scale: 1, reps: 3, dmoctl: dmoctl, only: []string{"orders", "docs", "wide", "tiny", "sqlite", "oracle_hana"}}
	var err error
	if s := os.Getenv("BENCH_SCALE"); s != "" {
		if c.scale, err = strconv.ParseFloat(s, 64); err != nil || c.scale <= 0 {
			return c, fmt.Errorf("BENCH_SCALE is %q, want a number above 0", s)
		}
	}
	if s := os.Getenv("BENCH_REPS"); s != "" {
		if c.reps, err = strconv.Atoi(s); err != nil || c.reps < 1 {
			return c, fmt.Errorf("BENCH_REPS is %q, want a number of at least 1", s)
		}
	}
	if s := os.Getenv("BENCH_ONLY"); s != "" {
		c.only = strings.Split(s, ",")
	}
	base := os.Getenv("BENCH_DIR")
	if base == "" {
		base = filepath.Join(os.TempDir(), "dmoctl-bench")
	}
	if base, err = filepath.Abs(base); err != nil {
		return c, err
	}
	c.results = filepath.Join(base, "results.json")
	c.dir = filepath.Join(base, "scale-"+strconv.FormatFloat(c.scale, 'g', -1, 64))
	return c, os.MkdirAll(c.dir, 0o755)
}

// rows scales a number of rows or tables, never below least.
func (c config) rows(n, least int64) int64 { return max(int64(float64(n)*c.scale), least) }

// A suite measures one kind of data and adds its figures to the run.
type suite struct {
	name    string
	measure func(ctx context.Context, b *bench) error
}

func suites() []suite {
	return []suite{
		{
			"orders",
			measureOrders,
		}, {"docs", measureDocs}, {"wide", measureWide}, {"tiny", measureTiny}, {"sqlite", measureSQLite}, {"oracle_hana", measureOracle},
		{"many", measureMany}, // only where it is asked for: it takes an hour and 10 GB
	}
}

// bench is one run. One goroutine.
type bench struct {
	config
	source, target *cluster
	sheet          *sheet
}

// measureAll runs every suite asked for, the later ones also where an earlier one fails.
func measureAll(ctx context.Context, c config) (err error) {
	for _, name := range c.only {
		known := false
		for _, s := range suites() {
			known = known || s.name == name
		}
		if !known {
			return fmt.Errorf("BENCH_ONLY names %q, which is not a suite", name)
		}
	}
	b := &bench{config: c, sheet: newSheet(c)}
	b.source, b.target = newCluster(c.dir, "source"), newCluster(c.dir, "target")
	defer func() { err = errors.Join(err, b.source.stop(), b.target.stop()) }()
	if err := errors.Join(b.source.start(ctx), b.target.start(ctx)); err != nil {
		return err
	}
	var failed error
	for _, s := range suites() {
		if !slices.Contains(c.only, s.name) {
			continue
		}
		if err := s.measure(ctx, b); err != nil {
			fmt.Fprintf(os.Stderr, "bench: suite %s: %v\n", s.name, err)
			failed = errors.Join(failed, fmt.Errorf("suite %s: %w", s.name, err))
		}
		failed = errors.Join(failed, b.sheet.save(c.results)) // what is measured is not lost where a later suite is stopped
	}
	b.sheet.memory()
	b.sheet.print(os.Stdout)
	fmt.Fprintf(os.Stderr, "results are in %s\n", c.results)
	return errors.Join(failed, b.sheet.save(c.results))
}
