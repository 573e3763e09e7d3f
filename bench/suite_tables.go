package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Bars of the copy from PostgreSQL to PostgreSQL.
const (
	barPipe     = 1.5 // times the raw pipe
	barPgcopydb = 0.9 // times pgcopydb's best
	barCPU      = 0.8 // microseconds a row of orders
	barFile     = 1.6 // times pipe mode
	barTenfold  = 1.1 // memory, times that of a tenth of the rows

	barAuditOrders = 0.02 // share of the audit in a run
)

// parts cuts a big table into more packages than there are processes, so that both end together.
const parts = 4

func measureOrders(ctx context.Context, b *bench) error {
	d := orders("orders", b.rows(4_000_000, 10_000))
	results, err := b.measureTable(ctx, d)
	if err != nil || b.dmoctl == "" {
		return err
	}
	pipe := results["dmoctl pipe"]
	b.sheet.ratio("orders: audit / the whole run", median(pipe.Audit), barAuditOrders, "median of each run's share")
	b.sheet.add(
		figure{What: "orders: CPU of dmoctl a row", Value: pipe.cpu() / float64(d.rows) * 1e6, Unit: "us", Bar: barCPU, Note: "whole process, digest on"},
	)
	return b.measureGrowth(ctx)
}

// measureGrowth looks at memory where a table is ten times larger. The smaller one is large
// enough for a run to have come to its steady state.
func (b *bench) measureGrowth(ctx context.Context) error {
	peaks := map[string][]float64{}
	for _, d := range []dataset{orders("orders_small", b.rows(2_000_000, 10_000)), orders("orders_large", b.rows(20_000_000, 100_000))} {
		if err := b.prepare(ctx, d, false); err != nil {
			return err
		}
		results, err := b.contest(ctx, d.database, 1, b.dmoctlContenders(d, d.database))
		if err != nil {
			return err
		}
		for name, r := range results {
			peaks[name] = append(peaks[name], r.peak())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(peaks)) {
		p := peaks[name]
		b.sheet.ratio("orders: memory at ten times the rows, "+name, p[1]/p[0], barTenfold, fmt.Sprintf("%.0f to %.0f MiB", p[0], p[1]))
	}
	return nil
}

func measureDocs(ctx context.Context, b *bench) error {
	_, err := b.measureTable(ctx, docs(b.rows(800_000, 5_000)))
	return err
}

// measureWide only looks at dmoctl's memory where every row is 1 MiB.
func measureWide(ctx context.Context, b *bench) error {
	d := wide(b.rows(600, 60))
	if b.dmoctl == "" {
		return nil
	}
	if err := b.prepare(ctx, d, false); err != nil {
		return err
	}
	results, err := b.contest(ctx, d.database, 1, b.dmoctlContenders(d, d.database))
	if err != nil {
		return err
	}
	for _, r := range results {
		b.sheet.add(figure{What: "rows of 1 MiB: peak memory, " + r.Name, Value: r.peak(), Unit: "MiB", Bar: barMemory})
	}
	return nil
}

// measureTable compares one big table without keys to the raw pipe, with them to
// pgcopydb, and both modes with each other. It returns the runs without keys.
func (b *bench) measureTable(ctx context.Context, d dataset) (map[string]*result, error) {
	if err := b.prepare(ctx, d, true); err != nil {
		return nil, err
	}
	bare, err := b.contest(ctx, d.database, b.reps, append([]contender{b.rawPipe(d)}, b.dmoctlContenders(d, d.database)...))
	if err != nil {
		return nil, err
	}
	peers := []contender{b.pgcopydb(d, 1), b.pgcopydb(d, 2), b.pgcopydb(d, 4)}
	keyed, err := b.contest(ctx, d.keyed(), b.reps, append(peers, b.dmoctlContenders(d, d.keyed())...))
	if err != nil || b.dmoctl == "" {
		return bare, err
	}
	raw, pipe, file := bare["raw pipe, 2 streams"].wall(), bare["dmoctl pipe"].wall(), bare["dmoctl file"].wall()
	best, least := keyed[peers[0].name].wall(), keyed[peers[0].name].work()
	for _, p := range peers {
		best, least = min(best, keyed[p.name].wall()), min(least, keyed[p.name].work())
	}
	name := d.database
	b.sheet.ratio(name+": dmoctl / raw pipe, no keys", pipe/raw, barPipe, fmt.Sprintf("%.2f s, %.2f s", pipe, raw))
	b.sheet.ratio(name+": with content verified / raw pipe", bare["dmoctl pipe verified"].wall()/raw, 0, "reads the target again")
	b.sheet.ratio(
		name+": CPU of client and servers, dmoctl / raw pipe",
		bare["dmoctl pipe"].work()/bare["raw pipe, 2 streams"].work(),
		0,
		"hardly depends on other load",
	)
	withKeys := keyed["dmoctl pipe"].wall()
	b.sheet.ratio(name+": dmoctl / best pgcopydb, keys", withKeys/best, barPgcopydb, fmt.Sprintf("%.2f s, %.2f s", withKeys, best))
	b.sheet.ratio(name+": CPU of client and servers, dmoctl / least pgcopydb", keyed["dmoctl pipe"].work()/least, 0, "hardly depends on other load")
	b.sheet.ratio(name+": file mode / pipe mode", file/pipe, barFile, fmt.Sprintf("%.2f s, %.2f s", file, pipe))
	return bare, b.compression(ctx, name, file)
}

// rawPipe is what the two servers can do: two binary COPY streams, one a half of the
// table, that nobody looks into.
func (b *bench) rawPipe(d dataset) contender {
	target := d.database + "_copy"
	half := ""
	return contender{
		name: "raw pipe, 2 streams",
		setup: func(ctx context.Context) error {
			pages, err := b.source.number(ctx, d.database, "SELECT pg_relation_size('"+d.table+"') / 8192 / 2")
			half = fmt.Sprintf("'(%d,0)'", pages)
			if err != nil {
				return err
			}
			return b.target.fresh(ctx, target, d.ddl())
		},
		run: func(ctx context.Context) (outcome, error) {
			stream := func(predicate string) string {
				return fmt.Sprintf(`%s -c "COPY (SELECT * FROM %s WHERE ctid %s) TO STDOUT (FORMAT binary)" | %s -c "COPY %s FROM STDIN (FORMAT binary)"`,
					b.source.psql(d.database), d.table, predicate, b.target.psql(target), d.table)
			}
			return measure(ctx, shell(stream("< "+half)+" & first=$!; "+stream(">= "+half)+"; wait $first"), false)
		},
		check: b.sameRows(d, target),
	}
}

// pgcopydb clones structure, rows and keys with so many table jobs.
func (b *bench) pgcopydb(d dataset, jobs int) contender {
	target, dir := d.database+"_copy", filepath.Join(b.dir, "pgcopydb")
	return contender{
		name: fmt.Sprintf("pgcopydb, %d jobs", jobs),
		setup: func(ctx context.Context) error {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
			return b.target.fresh(ctx, target)
		},
		run: func(ctx context.Context) (outcome, error) {
			return measure(
				ctx,
				shell(fmt.Sprintf("PATH=%s:$PATH pgcopydb clone --source '%s' --target '%s' --table-jobs %d --index-jobs %d --no-owner --no-acl --dir '%s'",
					b.target.bin, b.source.url(d.keyed()), b.target.url(target), jobs, jobs, dir)),
				false,
			)
		},
		check: b.sameRows(d, target),
	}
}

// dmoctlContenders are pipe mode, pipe mode with its verification, and file mode; none where there is no dmoctl.
func (b *bench) dmoctlContenders(d dataset, source string) []contender {
	if b.dmoctl == "" {
		return nil
	}
	target := d.database + "_copy"
	m := migration{engine: "postgres", source: b.source.block(source), target: b.target.block(target), mode: "pipe", verify: "none", parts: parts}
	setup := func(ctx context.Context) error { return b.target.fresh(ctx, target) }
	verified, file := m, m
	verified.verify = "content"
	file.mode = "file"
	return []contender{
		b.dmoctlContender("dmoctl pipe", m, setup, b.sameRows(d, target)),
		b.dmoctlContender("dmoctl pipe verified", verified, setup, b.sameRows(d, target)),
		b.dmoctlContender("dmoctl file", file, setup, b.sameRows(d, target)),
	}
}

// sameRows checks that a contender has done its job.
func (b *bench) sameRows(d dataset, target string) func(context.Context) error {
	return func(ctx context.Context) error {
		n, err := b.target.number(ctx, target, "SELECT count(*) FROM "+d.table)
		if err == nil && n != d.rows {
			err = fmt.Errorf("the target has %d rows of %d", n, d.rows)
		}
		return err
	}
}
