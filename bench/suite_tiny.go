package main

import (
	"context"
	"fmt"
)

// Bars of many small tables.
const (
	barDump      = 2.5  // times pg_dump | psql
	barAuditTiny = 0.15 // share of the audit in a run of the smaller number
	barTenTiny   = 1.0  // cost of a table among ten times as many
)

func measureTiny(ctx context.Context, b *bench) error {
	few := b.rows(2000, 40)
	many := few * 10
	fewRuns, err := b.tiny(ctx, "tiny", few, b.reps)
	if err != nil {
		return err
	}
	manyRuns, err := b.tiny(ctx, "tiny_tenfold", many, b.reps)
	if err != nil || b.dmoctl == "" {
		return err
	}
	ours, dump := fewRuns["dmoctl pipe"].wall(), fewRuns["pg_dump | psql"].wall()
	b.sheet.ratio(fmt.Sprintf("%d tiny tables: dmoctl / pg_dump | psql", few), ours/dump, barDump, fmt.Sprintf("%.2f s, %.2f s", ours, dump))
	b.sheet.ratio(fmt.Sprintf("%d tiny tables: audit / the whole run", few), median(fewRuns["dmoctl pipe"].Audit), barAuditTiny, "median of each run's share")
	b.sheet.ratio(fmt.Sprintf("%d tiny tables: audit / the whole run", many), median(manyRuns["dmoctl pipe"].Audit), 0, "")
	each, eachOfMany := ours/float64(few)*1e3, manyRuns["dmoctl pipe"].wall()/float64(many)*1e3
	b.sheet.ratio(
		fmt.Sprintf("%d tiny tables: cost a table / at %d", many, few),
		eachOfMany/each,
		barTenTiny,
		fmt.Sprintf("%.2f ms, %.2f ms", eachOfMany, each),
	)
	manyDump := manyRuns["pg_dump | psql"].wall()
	b.sheet.ratio(
		fmt.Sprintf("%d tiny tables: dmoctl / pg_dump | psql", many),
		manyRuns["dmoctl pipe"].wall()/manyDump,
		0,
		fmt.Sprintf("pg_dump %.2f s", manyDump),
	)
	return nil
}

func (b *bench) tiny(ctx context.Context, database string, tables int64, reps int) (map[string]*result, error) {
	if err := b.tinyTables(ctx, database, tables); err != nil {
		return nil, err
	}
	target := database + "_copy"
	setup := func(ctx context.Context) error { return b.target.fresh(ctx, target) }
	check := func(ctx context.Context) error {
		n, err := b.target.number(ctx, target, "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
		if err == nil && n != tables {
			err = fmt.Errorf("the target has %d tables of %d", n, tables)
		}
		return err
	}
	contenders := []contender{{name: "pg_dump | psql", setup: setup, check: check, run: func(ctx context.Context) (outcome, error) {
		return measure(
			ctx,
			shell(fmt.Sprintf("%s/pg_dump --no-owner -d '%s' | %s >/dev/null", b.source.bin, b.source.url(database), b.target.psql(target))),
			false,
		)
	}}}
	if b.dmoctl != "" {
		m := migration{engine: "postgres", source: b.source.block(database), target: b.target.block(target), mode: "pipe", verify: "none"}
		contenders = append(contenders, b.dmoctlContender("dmoctl pipe", m, setup, check))
	}
	return b.contest(ctx, database, reps, contenders)
}
