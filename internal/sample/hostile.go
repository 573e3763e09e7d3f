package sample

import "math"

// Names of the engines, as their drivers are called.
const (
	sqliteEngine   = "sqlite"
	postgresEngine = "postgres"
	oracleEngine   = "oracle"
)

// hostileTables hold, one table a kind, good rows and one row that must be refused.
func hostileTables() []*table {
	lite := func(name string, c column, bad func(*row)) *table { return hostileTable(name, sqliteEngine, c, bad) }
	pg := func(name string, c column, bad func(*row)) *table { return hostileTable(name, postgresEngine, c, bad) }
	ora := func(name string, c column, bad func(*row)) *table { return hostileTable(name, oracleEngine, c, bad) }
	put := func(s string) func(*row) { return func(r *row) { r.text(s) } }
	return []*table{
		lite("ZH_NUL", str("V", 20), put("a\x00b")),
		lite("ZH_UTF8", str("V", 20), put("a\xff\xfeb")),
		lite("ZH_SURROGATE", str("V", 20), put("a\xed\xa0\x80b")),
		lite("ZH_TEXT_IN_INTEGER", col("V", integer), put("twelve")),
		lite("ZH_BLOB_IN_TEXT", str("V", 20), func(r *row) { r.bytes([]byte{0, 255}) }),
		lite("ZH_TOO_LONG", str("V", 5), put("six characters")),
		lite("ZH_TOO_BIG", col("V", smallint), func(r *row) { r.int(40_000) }),
		lite("ZH_NO_SUCH_DAY", col("V", date), put("2004-13-24")),
		lite("ZH_YEAR_10000", col("V", timestamp), put("10000-01-01 00:00:00")),
		pg("ZH_NAN", dec("V", 15, 2), put("NaN")),
		pg("ZH_NUMBER_NAN", col("V", number), put("NaN")),
		pg("ZH_NUMBER_INFINITY", col("V", number), put("Infinity")),
		pg("ZH_DATE_INFINITY", col("V", date), put("infinity")),
		pg("ZH_BEFORE_CHRIST", col("V", date), put("0044-03-15 BC")),
		pg("ZH_YEAR_10000", column{name: "V", kind: timestamp, size: 6}, put("10000-01-01 00:00:00")),
		ora("ZH_NUMBER_38_DIGITS", col("V", number), put("12345678901234567890123456789012345678")),
		ora("ZH_NAN", col("V", double), func(r *row) { r.float(math.NaN()) }),
		ora("ZH_BEFORE_CHRIST", col("V", date), put("-0043-03-15")),
		ora("ZH_NINE_DIGITS", column{name: "V", kind: timestamp, size: 9}, put("2024-02-29 23:59:59.123456789")),
		pg("ZH_INSTANT_INFINITY", column{name: "V", kind: timestamptz, size: 6}, put("-infinity")),
	}
}

// hostileTable puts bad into row 500 of 1,000, so that a load is in progress when it comes.
func hostileTable(name, engine string, value column, bad func(*row)) *table {
	const rows, at = 1000, 500
	return &table{
		name: name, only: engine, rows: rows, key: []string{"ID"},
		columns: []column{col("ID", integer), value.null()},
		fill: func(r *row, i int64) {
			r.int(i + 1)
			if i+1 == at {
				bad(r)
			} else {
				good(r, value.kind)
			}
		},
	}
}

func good(r *row, k kind) {
	switch k {
	case varchar:
		r.text("good")
	case date:
		r.day(r.below(dayRange))
	case timestamp, timestamptz:
		r.clock(r.below(dayRange), r.below(86400))
	case double:
		r.float(0.5)
	case decimal, number:
		r.dec(r.below(1000), 2)
	default:
		r.int(r.below(1000))
	}
}
