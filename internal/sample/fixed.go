package sample

import (
	"fmt"
	"math"
	"strings"
)

// fixedRows fills a table of which every row is written out.
func fixedRows(rows ...func(r *row)) (n int64, fill func(*row, int64)) {
	return int64(len(rows)), func(r *row, i int64) { rows[i](r) }
}

// clientTable holds the clients, as SAP's T000 does.
func clientTable() *table {
	names := []string{"000", "100", "200", "800"}
	return &table{
		name: "T000", rows: int64(len(names)), key: []string{"MANDT"}, columns: []column{client("MANDT"), sapText("MTEXT", 25), str("ORT01", 25).null()},
		fill: func(r *row, i int64) {
			r.text(names[i])
			r.text("Client " + names[i])
			r.null()
		},
	}
}

const matrixName = "ZMATRIX"

// matrixTable holds the extremes of every type, one row an extreme.
func matrixTable() *table {
	t := &table{
		name: matrixName, key: []string{"ID"},
		columns: []column{
			col("ID", integer), str("WHAT", 40), str("C_VARCHAR", 30).null(), {name: "C_CHAR", kind: char, size: 5, nullable: true},
			col("C_TEXT", text).null(), col("C_BLOB", blob).null(), dec("C_DEC15", 15, 2).null(), dec("C_DEC38", 38, 10).null(),
			col("C_NUMBER", number).null(), col("C_SMALLINT", smallint).null(), col("C_INTEGER", integer).null(),
			col("C_BIGINT", bigint).null(), col("C_DOUBLE", double).null(), col("C_BOOLEAN", boolean).null(), col("C_DATE", date).null(),
			col("C_TIME", timeOfDay).null(), col("C_DATETIME", timestamp).null(), {name: "C_TIMESTAMP6", kind: timestamp, size: 6, nullable: true},
			{name: "C_INSTANT", kind: timestamptz, size: 6, nullable: true}, col("C_UUID", uuid).null(), col("C_JSON", json).null(),
		},
	}
	allNull := func(r *row) {
		r.int(1)
		r.text("null")
		for range len(t.columns) - 2 {
			r.null()
		}
	}
	t.rows, t.fill = fixedRows(allNull, matrixMin, matrixMax, matrixZero, matrixBlank, matrixUnicode)
	return t
}

func matrixMin(r *row) {
	r.int(2)
	for _, s := range []string{"min", "\u0001", "a", "\u0001"} {
		r.text(s)
	}
	r.bytes([]byte{0})
	r.dec(-999_999_999_999_999, 2)
	r.text("-" + strings.Repeat("9", 28) + "." + strings.Repeat("9", 10))
	r.text("-" + strings.Repeat("9", 60) + ".000000001")
	r.int(math.MinInt16)
	r.int(math.MinInt32)
	r.int(math.MinInt64)
	r.float(-math.MaxFloat64)
	r.bool(false)
	for _, s := range []string{"0001-01-01", "00:00:00", "0001-01-01 00:00:00", "0001-01-01 00:00:00.000001",
		"0001-01-01 00:00:00.000001+00:00", "00000000-0000-0000-0000-000000000000", "{}"} {
		r.text(s)
	}
}

func matrixMax(r *row) {
	r.int(3)
	for _, s := range []string{"max", strings.Repeat("\U0010FFFD", 30), "zzzzz", strings.Repeat("ÿ𝒳 ", 5000)} {
		r.text(s)
	}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	r.bytes([]byte(strings.Repeat(string(all), 400)))
	r.dec(999_999_999_999_999, 2)
	r.text(strings.Repeat("9", 28) + "." + strings.Repeat("9", 10))
	r.text("1" + strings.Repeat("0", 60) + ".000000001")
	r.int(math.MaxInt16)
	r.int(math.MaxInt32)
	r.int(math.MaxInt64)
	r.float(math.MaxFloat64)
	r.bool(true)
	for _, s := range []string{"9999-12-31", "23:59:59", "9999-12-31 23:59:59", "9999-12-31 23:59:59.999999",
		"9999-12-31 23:59:59.999999+00:00", "ffffffff-ffff-ffff-ffff-ffffffffffff", `[1, 12345678901234567890.5, "\u00e4"]`} {
		r.text(s)
	}
}

// matrixZero holds what careless code takes for NULL.
func matrixZero(r *row) {
	r.int(4)
	for _, s := range []string{"zero", "0", "0", "0"} {
		r.text(s)
	}
	r.bytes([]byte("0"))
	r.dec(0, 2)
	r.text("0.0000000000")
	r.text("0")
	r.int(0)
	r.int(0)
	r.int(0)
	r.float(0)
	r.bool(false)
	for _, s := range []string{"1970-01-01", "00:00:00", "1970-01-01 00:00:00", "1970-01-01 00:00:00.500000",
		"1970-01-01 00:00:00.000000+00:00", "00000000-0000-0000-0000-000000000001", "0"} {
		r.text(s)
	}
}

// matrixBlank holds empty values and dates around the change of calendars.
func matrixBlank(r *row) {
	r.int(5)
	for _, s := range []string{"blank", "", "", ""} {
		r.text(s)
	}
	r.bytes(nil)
	r.dec(-1, 2)
	r.text("-0.0000000001")
	r.text("-0.5")
	r.int(-1)
	r.int(-1)
	r.int(-1)
	r.float(5e-324)
	r.bool(true)
	for _, s := range []string{"1582-10-10", "12:00:00", "1582-10-04 23:59:59", "1582-10-15 00:00:00.000001",
		"1900-02-28 23:59:59.000001+00:00", "10000000-0000-4000-8000-000000000000", `""`} {
		r.text(s)
	}
}

// matrixUnicode holds trailing blanks, quotes, separators and text beyond the basic plane.
func matrixUnicode(r *row) {
	r.int(6)
	// C_CHAR keeps to the Basic Multilingual Plane: an engine pads it to 5 characters, and HANA counts UTF-16 units.
	for _, s := range []string{"unicode", " x  ", "ä€", "'\"\\\t\r\n;--\\N\\.👩‍👩‍👧 e\u0301 ـ\u202eabc"} {
		r.text(s)
	}
	r.bytes([]byte("\\x00\xff\xfe"))
	r.dec(10, 2)
	r.text("0.1000000000")
	r.text("0.1")
	r.int(1)
	r.int(1)
	r.int(1 << 53)
	r.float(0.1)
	r.bool(true)
	for _, s := range []string{"2000-02-29", "23:59:59", "2000-02-29 12:34:56", "1677-09-21 00:12:43.145224",
		"2262-04-11 23:47:16.854776+00:00", "123e4567-e89b-12d3-a456-426614174000", `{"𝒳": "\"\\"}`} {
		r.text(s)
	}
}

// wideTable has more columns than most code is tried with.
func wideTable() *table {
	const columns, rows = 200, 300
	t := &table{name: "ZWIDE", key: []string{"F001"}, rows: rows, columns: []column{col("F001", integer)}}
	for i := 2; i <= columns; i++ {
		t.columns = append(t.columns, str(fmt.Sprintf("F%03d", i), 20).null())
	}
	t.fill = func(r *row, i int64) {
		r.int(i)
		for range columns - 1 {
			if r.chance(50) {
				r.null()
			} else {
				r.prose(0, 20)
			}
		}
	}
	return t
}

// staffTable refers to itself: rows come before the rows that they refer to.
func staffTable() *table {
	const rows = 200
	return &table{
		name: "ZSTAFF", key: []string{"PERNR"}, rows: rows, custom: true,
		columns:    []column{col("PERNR", integer), str("NAME", 40), col("MANAGER", integer).null(), dec("SALARY", 11, 2)},
		references: []reference{{columns: []string{"MANAGER"}, table: "ZSTAFF", to: []string{"PERNR"}}},
		fill: func(r *row, i int64) {
			r.int(i + 1)
			r.prose(5, 40)
			if i == rows-1 {
				r.null()
			} else {
				r.int(i + 2 + r.below(rows-1-i))
			}
			r.dec(r.below(20_000_000), 2)
		},
	}
}

// identifierTables have names that break code which does not quote.
func identifierTables() []*table {
	names := []string{"select", `He said "hi"`, "mixedCase", "ẞtraße 😀", "semi;colon'--", "100%_[a]", "ZTAB~0"}
	out := make([]*table, 0, len(names))
	for n, name := range names {
		out = append(out, &table{
			name: name, key: []string{"order", `a"b`}, rows: 40,
			columns: []column{
				col("order", integer), str(`a"b`, 10), col("From", integer).null(), str("group", 20).null(), str("/BIC/ZF", 20).null(),
				str("größe 😀", 20).null(), str("it's; --", 20).null(), str("%s $1 ?1 :x", 20).null(), str(" ", 20).null(),
			},
			indexes: []index{{name: fmt.Sprintf(`ix "%d" $`, n), columns: []string{"group", `a"b`}}},
			fill: func(r *row, i int64) {
				r.int(i / 4)
				r.padded("k", i%4, 1)
				r.int(i)
				for range 6 {
					r.prose(0, 20)
				}
			},
		})
	}
	return out
}

// smallTable is a customizing table.
func smallTable(name string, rows int64) *table {
	return &table{
		name: name, rows: rows, key: []string{"MANDT", "ID"},
		columns: []column{client("MANDT"), col("ID", integer), str("NAME", 40).null(), dec("AMOUNT", 15, 2).null(), col("CHANGED", date).null()},
		fill: func(r *row, i int64) {
			r.text("100")
			r.int(i + 1)
			r.prose(4, 40)
			r.dec(r.below(1e9), 2)
			r.day(r.below(dayRange))
		},
	}
}

// smallRows is how many rows small table i has, 1 to 50.
func smallRows(seed uint64, i int) int64 {
	var r row
	r.seed(seed+uint64(i), "small")
	return 1 + r.below(50)
}
