// Package sample writes an SAP-like source to try, test and measure with.
//
// [WriteSQLite] makes a database file, [WritePostgres] fills a schema, [WriteOracle] hands
// out statements and rows. One description serves all: the same [Options] give the same rows, whatever the
// engine, the machine or the day. Every value moves without loss under dmoctl's
// default policies unless [Options.Hostile] asks for ones that must be refused.
package sample

import (
	"errors"
	"fmt"
)

// ErrExists says that the place to write to is taken; nothing was changed.
var ErrExists = errors.New("exists already")

// ErrOptions is wrapped where options make no sample.
var ErrOptions = errors.New("invalid options")

// Options say what a sample holds. The zero Options hold the fixed tables only.
type Options struct {
	Rows   int64  // rows of the big tables together, spread in realistic proportions
	Seed   uint64 // another seed, other rows; the structures stay
	Small  int    // tables ZT000001... of 1 to 50 rows
	Empty  int    // tables ZE000001... without a row
	Schema string // PostgreSQL: made where it is missing, empty is "public". Oracle: the owner, empty is the session's
	// Hostile adds tables ZH_..., each with values that must be refused by name.
	Hostile bool
	// Oracle is what only WriteOracle knows.
	Oracle OracleOptions
}

// Progress is told how many rows a table has so far, on the caller's goroutine,
// every 65,536 rows and once at a table's end. Nil is allowed.
type Progress func(table string, rows int64)

const progressEvery = 1 << 16

func (p Progress) report(table string, rows int64) {
	if p != nil {
		p(table, rows)
	}
}

func (o Options) validate() error {
	const most = 999_999 // six digits in a table's name
	switch {
	case o.Rows < 0 || o.Small < 0 || o.Empty < 0:
		return fmt.Errorf("%w: rows and table counts cannot be negative", ErrOptions)
	case o.Small > most || o.Empty > most:
		return fmt.Errorf("at most %d small tables and as many empty ones are possible", most)
	}
	return nil
}

// tables describes the sample for one engine, parents before the tables that refer to them.
func (o Options) tables(d dialect) []*table {
	out := bigTables(o.Rows)
	out = append(out, clientTable(), matrixTable(), wideTable(), staffTable())
	out = append(out, identifierTables()...)
	if o.Hostile {
		for _, t := range hostileTables() {
			if t.only == "" || t.only == d.engine() {
				out = append(out, t)
			}
		}
	}
	for i := 1; i <= o.Small; i++ {
		out = append(out, smallTable(fmt.Sprintf("ZT%06d", i), smallRows(o.Seed, i)))
	}
	for i := 1; i <= o.Empty; i++ {
		out = append(out, smallTable(fmt.Sprintf("ZE%06d", i), 0))
	}
	return out
}

// bigTables spreads rows over the big tables: one each while there are enough, the
// rest in proportion, so that the sum is exact and no child lacks a parent.
func bigTables(rows int64) []*table {
	shares := []struct {
		describe func(rows, parents int64) *table
		permille int64
		parent   int // index of the table it refers to; its own where it refers to none
	}{
		{materialTable, 25, 0}, {materialTextTable, 75, 0},
		{orderTable, 60, 2}, {orderItemTable, 180, 2},
		{accountingTable, 300, 4}, {changeHeaderTable, 60, 5}, {changeItemTable, 160, 5},
		{longTextTable, 15, 7}, {bwTable, 110, 8}, {documentTable, 15, 9},
	}
	n := int64(len(shares))
	counts := make([]int64, n)
	rest, used, sum := max(rows-n, 0), int64(0), int64(0)
	for i, s := range shares {
		if int64(i) < rows {
			counts[i] = 1
		}
		sum += s.permille
		upTo := share(rest, sum)
		counts[i] += upTo - used
		used = upTo
	}
	out := make([]*table, n)
	for i, s := range shares {
		out[i] = s.describe(counts[i], counts[s.parent])
	}
	return out
}

// share is permille thousandths of n, without overflow.
func share(n, permille int64) int64 { return n/1000*permille + n%1000*permille/1000 }
