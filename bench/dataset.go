package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// dataset is one table of the source and how its rows are made.
type dataset struct {
	database string // without a key; the keyed copy's name ends in _keyed
	table    string
	columns  string // of CREATE TABLE
	key      string
	rows     int64
	row      func(g *generator, i int64)
}

func (d dataset) ddl() string { return "CREATE TABLE " + d.table + " (" + d.columns + ")" }
func (d dataset) addKey() string {
	return "ALTER TABLE " + d.table + " ADD PRIMARY KEY (" + d.key + ")"
}
func (d dataset) keyed() string { return d.database + "_keyed" }

// orders are narrow rows of many types: 154 bytes a row on disk.
func orders(name string, rows int64) dataset {
	return dataset{
		database: name, table: "order_line", rows: rows, key: "order_id, line_no",
		columns: `order_id bigint NOT NULL, part_id int NOT NULL, supplier_id int NOT NULL, line_no int NOT NULL,
			quantity numeric(15,2) NOT NULL, price numeric(15,2) NOT NULL, discount numeric(15,2) NOT NULL, tax numeric(15,2) NOT NULL,
			return_flag char(1) NOT NULL, status char(1) NOT NULL, ship_date date NOT NULL, commit_date date NOT NULL, receipt_date date NOT NULL,
			instruction char(25) NOT NULL, mode char(10) NOT NULL, note varchar(44) NOT NULL`,
		row: (*generator).orderLine,
	}
}

// docs are rows of one to two kilobytes of text.
func docs(rows int64) dataset {
	return dataset{
		database: "docs", table: "docs", rows: rows, key: "id",
		columns: "id bigint NOT NULL, title varchar(200) NOT NULL, body text NOT NULL",
		row: func(g *generator, i int64) {
			g.int(i + 1)
			g.prose(30, 150)
			g.prose(1000, 2000)
		},
	}
}

// wide are rows of 1 MiB that do not compress.
func wide(rows int64) dataset {
	return dataset{
		database: "wide", table: "wide", rows: rows, key: "id", columns: "id bigint NOT NULL, body bytea NOT NULL",
		row: func(g *generator, i int64) {
			g.int(i + 1)
			g.noise(1 << 20)
		},
	}
}

// generator makes rows in COPY's text format, the same ones every time. It is an io.Reader.
type generator struct {
	state      uint64
	row        func(g *generator, i int64)
	next, rows int64
	order      int64
	line, left int64
	days       []string
	buf        []byte
	rest       []byte
}

func newGenerator(rows int64, row func(*generator, int64)) *generator {
	g := &generator{state: 42, row: row, rows: rows, order: 1}
	for d := range 2700 {
		g.days = append(g.days, time.Date(1995, 1, 1+d, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
	}
	return g
}

func (g *generator) Read(p []byte) (int, error) {
	if len(g.rest) == 0 {
		g.buf = g.buf[:0]
		for g.next < g.rows && len(g.buf) < 1<<16 {
			g.row(g, g.next)
			g.buf[len(g.buf)-1] = '\n' // in place of the last tab
			g.next++
		}
		g.rest = g.buf
	}
	if len(g.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

// random is xorshift64*, below n.
func (g *generator) random(n int64) int64 {
	g.state ^= g.state >> 12
	g.state ^= g.state << 25
	g.state ^= g.state >> 27
	return int64((g.state * 2685821657736338717) >> 1 % uint64(n))
}

func (g *generator) int(v int64) { g.buf = append(strconv.AppendInt(g.buf, v, 10), '\t') }

func (g *generator) cents(v int64) {
	g.buf = strconv.AppendInt(g.buf, v/100, 10)
	g.buf = append(g.buf, '.', byte('0'+v/10%10), byte('0'+v%10), '\t')
}

func (g *generator) text(s string) { g.buf = append(append(g.buf, s...), '\t') }

func (g *generator) pick(choices ...string) { g.text(choices[g.random(int64(len(choices)))]) }

func (g *generator) prose(least, most int64) {
	const words = "account balance batch billing branch carrier clearing contract customer delivery document export façade forecast freight " +
		"invoice item ledger material measure naïve office order pallet partner payment period plant posting price quantity rate region " +
		"release route schedule shipment stock storage tax total transfer Übergabe unit vendor volume weight of for with and per on by to"
	start, goal := len(g.buf), int(least+g.random(most-least+1))
	for {
		at := int(g.random(int64(len(words))))
		from := strings.LastIndexByte(words[:at], ' ') + 1
		word, _, _ := strings.Cut(words[from:], " ")
		if len(g.buf)-start+len(word)+1 > goal {
			break
		}
		if len(g.buf) > start {
			g.buf = append(g.buf, ' ')
		}
		g.buf = append(g.buf, word...)
	}
	g.buf = append(g.buf, '\t')
}

func (g *generator) noise(n int) {
	const digits = "0123456789abcdef"
	g.buf = append(g.buf, `\\x`...)
	for range n / 4 {
		v := g.random(1 << 32)
		for range 8 {
			g.buf = append(g.buf, digits[v&15])
			v >>= 4
		}
	}
	g.buf = append(g.buf, '\t')
}

func (g *generator) orderLine(int64) {
	if g.left == 0 {
		g.order += 1 + g.random(3)
		g.line, g.left = 0, 1+g.random(7)
	}
	g.left--
	g.line++
	quantity := 1 + g.random(50)
	g.int(g.order)
	g.int(1 + g.random(800_000))
	g.int(1 + g.random(40_000))
	g.int(g.line)
	g.cents(quantity * 100)
	g.cents(quantity * (90_000 + g.random(110_000)))
	g.cents(g.random(11))
	g.cents(g.random(9))
	g.pick("R", "A", "N")
	g.pick("O", "F")
	day := g.random(2500)
	g.text(g.days[day])
	g.text(g.days[day+g.random(60)])
	g.text(g.days[day+1+g.random(30)])
	g.pick("hand over in person", "collect on delivery", "none", "take back on return")
	g.pick("air", "rail", "ship", "truck", "mail", "courier")
	g.prose(10, 44)
}

// prepare makes the dataset's two databases where they are missing.
func (b *bench) prepare(ctx context.Context, d dataset, keyed bool) error {
	err := b.once(ctx, d.database, func(name string) error {
		if err := b.source.fresh(ctx, name, d.ddl()); err != nil {
			return err
		}
		conn, err := pgx.Connect(ctx, b.source.url(name))
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		if _, err := conn.PgConn().CopyFrom(ctx, newGenerator(d.rows, d.row), "COPY "+d.table+" FROM STDIN"); err != nil {
			return err
		}
		return b.source.exec(ctx, name, "VACUUM (FREEZE, ANALYZE) "+d.table)
	})
	if err != nil || !keyed {
		return err
	}
	return b.once(ctx, d.keyed(), func(name string) error {
		err := b.source.exec(ctx, "postgres", "DROP DATABASE IF EXISTS "+name, "CREATE DATABASE "+name+" TEMPLATE "+d.database)
		if err != nil {
			return err
		}
		return b.source.exec(ctx, name, d.addKey(), "ANALYZE")
	})
}

// once makes a database of the source under another name, so that half of one is never
// taken for the whole.
func (b *bench) once(ctx context.Context, name string, build func(name string) error) error {
	there, err := b.source.number(ctx, "postgres", "SELECT count(*) FROM pg_database WHERE datname = '"+name+"'")
	if err != nil || there > 0 {
		return err
	}
	fmt.Fprintf(os.Stderr, "making %s\n", name)
	if err := build(name + "_new"); err != nil {
		return fmt.Errorf("make %s: %w", name, err)
	}
	return b.source.exec(ctx, "postgres", "ALTER DATABASE "+name+"_new RENAME TO "+name, "CHECKPOINT")
}

// tinyTables makes tables of five columns with a key, every other one empty.
func (b *bench) tinyTables(ctx context.Context, name string, tables int64) error {
	return b.once(ctx, name, func(name string) error {
		return b.source.fresh(ctx, name, fmt.Sprintf(`DO $$ BEGIN
			FOR i IN 1..%d LOOP
				EXECUTE format('CREATE TABLE t%%s (client char(3) NOT NULL, id int NOT NULL, name varchar(40), amount
 numeric(15,2), changed date, PRIMARY KEY (client, id))', lpad(i::text, 5, '0'));
				IF i %% 2 = 0 THEN
					EXECUTE format('INSERT INTO t%%s SELECT ''100'', n, ''name '' || n, n * 1.25, date ''2020-01-01''
 + n FROM generate_series(1, %%s) n', lpad(i::text, 5, '0'), i * 7 %% 51 + 1);
				END IF;
				IF i %% 200 = 0 THEN COMMIT; END IF;
			END LOOP;
		END $$`, tables), "ANALYZE")
	})
}
