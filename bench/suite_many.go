package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Bars of a hundred thousand tables.
const (
	barMany       = 1.2 // cost of a table, times that among the fewest
	barManyMemory = 512 // MiB, of each process
	barCatalog    = 1.5 // times pg_dump --schema-only
)

// manySuite begins the names of databases and suites.
const manySuite = "many_"

// manyStage is one process of a migration from the first plan to the last comparison.
type manyStage struct {
	name string
	args []string
}

func manyStages() []manyStage {
	return []manyStage{
		{"plan", []string{"plan", "--markdown", "--out", "bench.plan"}},
		{"apply", []string{"apply", "bench.plan"}}, // ends with the audit
		{"verify", []string{"verify"}},
		{"verify --structure", []string{"verify", "--structure"}},
		{"plan again", []string{"plan", "--markdown"}},
	}
}

// measureMany moves each number of SAP-like tables once, process by process, and reads the
// source's catalog beside pg_dump.
func measureMany(ctx context.Context, b *bench) error {
	if b.dmoctl == "" {
		return nil
	}
	counts, err := manyCounts()
	if err != nil {
		return err
	}
	first := make(map[string]outcome)
	for i, n := range counts {
		database := fmt.Sprint(manySuite, n)
		if err := b.manyTables(ctx, database, n); err != nil {
			return err
		}
		o, err := b.moveMany(ctx, database, n)
		if err != nil {
			return err
		}
		if err := b.measureCatalog(ctx, database, n); err != nil {
			return err
		}
		if i == 0 {
			first = o
			continue
		}
		for _, s := range manyStages() {
			b.perTable(s.name, move{counts[0], first[s.name]}, move{n, o[s.name]})
		}
		b.perTable("plan, apply and verify", move{counts[0], together(first)}, move{n, together(o)})
	}
	return nil
}

// manyCounts are the numbers of tables, from BENCH_TABLES.
func manyCounts() ([]int64, error) {
	text := os.Getenv("BENCH_TABLES")
	if text == "" {
		text = "10000,100000"
	}
	var out []int64
	for f := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("BENCH_TABLES is %q, want numbers of tables with commas between", text)
		}
		out = append(out, n)
	}
	return out, nil
}

// together sums what a move takes: the plan, its apply, and the comparison.
func together(o map[string]outcome) (sum outcome) {
	for _, name := range []string{"plan", "apply", "verify"} {
		sum.wall += o[name].wall
		sum.cpu += o[name].cpu
		sum.source += o[name].source
		sum.target += o[name].target
	}
	return sum
}

// move is one process, or several, at so many tables.
type move struct {
	tables int64
	outcome
}

// each is what a table takes of so many seconds, in milliseconds.
func (m move) each(seconds float64) float64 { return seconds / float64(m.tables) * 1e3 }

func (m move) work() float64 { return m.cpu + m.source + m.target }

// perTable compares what a table costs among many to what it costs among few.
func (b *bench) perTable(what string, few, many move) {
	name := fmt.Sprintf("%d tables: %s, a table / at %d", many.tables, what, few.tables)
	compare := func(of string, z, a float64) {
		b.sheet.ratio(name+of, z/a, barMany, fmt.Sprintf("%.3f ms, %.3f ms", z, a))
	}
	compare(", seconds", many.each(many.wall), few.each(few.wall))
	compare(", CPU of client and servers", many.each(many.work()), few.each(few.work()))
}

// moveMany plans, applies and verifies by a process each.
func (b *bench) moveMany(ctx context.Context, database string, tables int64) (map[string]outcome, error) {
	target := database + "_copy"
	if err := b.target.fresh(ctx, target); err != nil {
		return nil, err
	}
	m := migration{engine: "postgres", source: b.source.block(database), target: b.target.block(target), mode: "pipe", verify: "content"}
	dir := b.specDir(database)
	if err := m.write(dir); err != nil {
		return nil, err
	}
	all := make(map[string]outcome)
	for _, s := range manyStages() {
		results, err := b.contest(ctx, database, 1, []contender{{
			name: "dmoctl " + s.name, setup: func(context.Context) error { return nil },
			run: func(ctx context.Context) (outcome, error) {
				o, err := measure(ctx, exec.Command(b.dmoctl, append([]string{"--chdir", dir}, s.args...)...), true)
				if err == nil && s.name == "apply" {
					o.audit, err = auditSeconds(dir)
				}
				return o, err
			},
		}})
		if err != nil {
			return nil, err
		}
		r := results["dmoctl "+s.name]
		all[s.name] = outcome{wall: r.wall(), cpu: r.cpu(), source: median(r.Source), target: median(r.Target)}
		b.sheet.add(figure{What: fmt.Sprintf("%d tables: peak memory of %s", tables, s.name), Value: r.peak(), Unit: "MiB", Bar: barManyMemory})
		if len(r.Audit) > 0 {
			b.sheet.ratio(fmt.Sprintf("%d tables: audit / the whole apply", tables), median(r.Audit), 0, "")
		}
	}
	return all, nil
}

// measureCatalog reads the source's catalog by "inspect" and by pg_dump in turn.
func (b *bench) measureCatalog(ctx context.Context, database string, tables int64) error {
	dir := b.specDir(database + "_catalog")
	m := migration{engine: "postgres", source: b.source.block(database), target: b.target.block("postgres"), mode: "pipe", verify: "none"}
	if err := m.write(dir); err != nil {
		return err
	}
	nothing := func(context.Context) error { return nil }
	results, err := b.contest(ctx, database, b.reps, []contender{
		{name: "pg_dump --schema-only", setup: nothing, run: func(ctx context.Context) (outcome, error) {
			return measure(
				ctx,
				exec.Command(b.source.bin+"/pg_dump", "--schema-only", "-f", filepath.Join(dir, "dump.sql"), "-d", b.source.url(database)),
				false,
			)
		}},
		{name: "dmoctl inspect", setup: nothing, run: func(ctx context.Context) (outcome, error) {
			return measure(ctx, exec.Command(b.dmoctl, "--chdir", dir, "inspect", "--out", "catalog.json"), true)
		}},
	})
	if err != nil {
		return err
	}
	ours, dump := results["dmoctl inspect"], results["pg_dump --schema-only"]
	name := fmt.Sprintf("%d tables: source catalog / pg_dump --schema-only, ", tables)
	b.sheet.ratio(
		name+"seconds",
		medianRatio(ours.Wall, dump.Wall),
		barCatalog,
		fmt.Sprintf("median of %d pairs; %.2f s, %.2f s", b.reps, ours.wall(), dump.wall()),
	)
	b.sheet.ratio(
		name+"CPU of the server",
		medianRatio(ours.Source, dump.Source),
		barCatalog,
		fmt.Sprintf("%.2f s, %.2f s", median(ours.Source), median(dump.Source)),
	)
	b.sheet.ratio(name+"CPU of client and server", ours.work()/dump.work(), 0, fmt.Sprintf("%.2f s, %.2f s", ours.work(), dump.work()))
	return nil
}

// medianRatio is the median of the ratios pair by pair.
func medianRatio(a, b []float64) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	return median(ratios)
}

// manyTables makes tables as an SAP system has them: keys of two or three columns, seven
// defaults; every fourth with an index, every twentieth with a foreign key, every fiftieth with an
// identity; every other one empty, the rest with 1 to 51 rows.
func (b *bench) manyTables(ctx context.Context, name string, tables int64) error {
	return b.once(ctx, name, func(name string) error {
		return b.source.fresh(ctx, name, fmt.Sprintf(`DO $$ DECLARE t text; BEGIN
			FOR i IN 1..%d LOOP
				t := 't' || lpad(i::text, 6, '0');
				EXECUTE format($q$CREATE TABLE %%s (client varchar(3) DEFAULT '000' NOT NULL,
 object varchar(22) DEFAULT ' ' NOT NULL, item varchar(6) DEFAULT '000000' NOT NULL,
					author varchar(12) DEFAULT ' ' NOT NULL, amount numeric(15,2) DEFAULT 0 NOT NULL,
 currency varchar(5) DEFAULT ' ' NOT NULL, changed varchar(8) DEFAULT '00000000' NOT NULL,
					number int, note varchar(%%s)%%s, PRIMARY KEY (%%s)%%s)$q$, t, 20 + mod(i, 1000),
					CASE WHEN i %% 50 = 7 THEN ', line bigint GENERATED BY DEFAULT AS IDENTITY' END,
					CASE WHEN i %% 3 = 0 THEN 'client, object, item' ELSE 'client, object' END,
					CASE WHEN i %% 20 = 3 AND i %% 3 <> 2 THEN format(', FOREIGN KEY (client, object) REFERENCES t%%s', lpad((i - 2)::text, 6, '0')) END);
				IF i %% 4 = 1 THEN EXECUTE format('CREATE INDEX %%s_author ON %%s (author, changed)', t, t); END IF;
				IF i %% 2 = 1 THEN
					EXECUTE format($q$INSERT INTO %%s SELECT '100', lpad(n::text, 10, '0'), '000010',
 'user ' || mod(n, 7), n * 1.25, 'EUR', '20200101', n, 'note ' || n FROM generate_series(1, %%s) n$q$, t,
						CASE WHEN i %% 20 = 3 THEN 1 ELSE i * 7 %% 51 + 1 END);
				END IF;
				IF i %% 200 = 0 THEN COMMIT; END IF;
			END LOOP;
		END $$`, tables), "ANALYZE")
	})
}
