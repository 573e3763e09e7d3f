package main

import (
	"context"
	"errors"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/sample"
	"github.com/dmoctl/dmoctl/providers"
)

type sampleCmd struct {
	To      string `required:"" placeholder:"URL|FILE" help:"A file for SQLite, or postgres://user@host:port/database, with the password in PGPASSWORD."`
	Rows    int64  `default:"100000" help:"Total number of rows in the large tables."`
	Seed    uint64 `default:"1" help:"Seed of the generated rows."`
	Small   int    `default:"0" help:"How many tables of 1 to 50 rows to add."`
	Empty   int    `default:"0" help:"How many empty tables to add."`
	Hostile bool   `help:"Add tables with values that must be rejected."`
	Schema  string `placeholder:"NAME" help:"Schema to write to, PostgreSQL only."`
}

// Run writes the sample.
func (c *sampleCmd) Run(ctx context.Context, a *app) error {
	how := sample.Options{Rows: c.Rows, Seed: c.Seed, Small: c.Small, Empty: c.Empty, Hostile: c.Hostile, Schema: c.Schema}
	started := time.Now()
	var total int64
	seen := map[string]int64{}
	progress := func(table string, rows int64) {
		total += rows - seen[table]
		seen[table] = rows
		a.redraw(view.Rows(total) + " rows, " + table)
	}
	err := c.write(ctx, a, how, progress)
	a.redraw("")
	if errors.Is(err, sample.ErrExists) {
		return refuse(diag.Exists, "Already exists", view.Sentence(err.Error())+" Nothing was changed. Choose another destination, or remove it first.")
	}
	var unconnected *sample.ConnectError
	if errors.As(err, &unconnected) && ctx.Err() == nil {
		id, summary := ofKind(providers.Unreachable)
		if unconnected.Refused {
			summary = "The server refused the connection"
		}
		return refuse(id, summary, view.Sentence(err.Error())+" "+unconnected.Advice)
	}
	var known *diagnosed
	if errors.As(err, &known) {
		return err
	}
	if err != nil && ctx.Err() == nil {
		return refuse(diag.SampleFailed, "The sample could not be written", view.Sentence(err.Error()))
	}
	if err != nil {
		return err
	}
	a.printf("Wrote %s rows in %s, %s.\n", view.Number(total), view.Count(len(seen), "table"), view.Seconds(time.Since(started).Seconds()))
	return nil
}

func (c *sampleCmd) write(ctx context.Context, a *app, how sample.Options, progress sample.Progress) error {
	u, err := url.Parse(c.To)
	if err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql") {
		a.guard.learnURL(c.To)
		if password := os.Getenv("PGPASSWORD"); len(password) >= shortestSecret {
			a.guard.add(encodings(password))
		}
		return sample.WritePostgres(ctx, c.To, how, progress)
	}
	if scheme, rest, ok := strings.Cut(c.To, "://"); ok {
		if scheme != "sqlite" && scheme != "file" {
			return refuse(
				diag.UnknownScheme,
				"Unknown scheme",
				"A sample is written to a SQLite file or to postgres://user@host/database; \""+scheme+"\" is neither.",
			)
		}
		return sample.WriteSQLite(ctx, a.path(rest), how, progress)
	}
	return sample.WriteSQLite(ctx, a.path(c.To), how, progress)
}
