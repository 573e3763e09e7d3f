package sample

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"
)

// oracleMatrixTable holds the extremes of the types that the sample's tables have. Oracle's own
// differ: NUMBER keeps 38 digits, of which 34 fit every target; the ten days after
// 1582-10-04 do not exist; and no target has to keep doubles with fewer bits.
func oracleMatrixTable() *table {
	t := matrixTable()
	at := make(map[string]int, len(t.columns))
	for i, c := range t.columns {
		at[c.name] = i
	}
	fill := t.fill
	t.fill = func(r *row, i int64) {
		fill(r, i)
		put := func(name string, add func()) {
			add()
			last := len(r.cells) - 1
			r.cells[at[name]], r.cells = r.cells[last], r.cells[:last]
		}
		switch r.cells[at["ID"]].num {
		case 2:
			put("C_NUMBER", func() { r.text("-" + strings.Repeat("9", 30) + ".0001") })
		case 3:
			put("C_NUMBER", func() { r.text("1" + strings.Repeat("0", 60)) })
		case 5:
			put("C_DATE", func() { r.text("1582-10-15") })
			put("C_DOUBLE", func() { r.float(0x1p-1022) })
		}
	}
	return t
}

// oracleFixture is a table that is written out: its columns, and its rows but for the ID that
// comes first.
type oracleFixture struct {
	name    string
	before  []string // statements that it needs first
	columns []OracleColumn
	virtual string // a column that no row has
	tail    string // what follows the columns
	rows    [][]any
}

// fixtures writes the tables of every type.
func (w *oracleWriter) fixtures(ctx context.Context, o OracleOptions) error {
	var all []oracleFixture
	if o.Types {
		all = append(all, oracleTypes()...)
	}
	if o.JSON {
		all = append(all, everyValue("ZTYPES_JSON", []typeValues{{"C_JSON", "JSON", "{}", `[` + strings.Repeat(`{"ä": "😀"},`, 2000) + `null]`, "0"}}))
	}
	if o.Refused {
		all = append(all, oracleRefused(w.dialect)...)
	}
	if o.Vector {
		all = append(all, refusedType("VECTOR", "VECTOR(3, FLOAT32)"))
	}
	for _, f := range all {
		if err := w.fixture(ctx, f); err != nil {
			return fmt.Errorf("table %s: %w", f.name, err)
		}
	}
	return nil
}

func (w *oracleWriter) fixture(ctx context.Context, f oracleFixture) error {
	into := OracleTable{Schema: w.dialect.schema, Name: f.name, Columns: append([]OracleColumn{{Name: "ID", Type: "NUMBER(10)"}}, f.columns...)}
	parts := []string{`"ID" NUMBER(10) NOT NULL`}
	for _, c := range f.columns {
		parts = append(parts, quote(c.Name)+" "+c.Type)
	}
	if f.virtual != "" {
		parts = append(parts, f.virtual)
	}
	if err := w.exec(ctx, f.before...); err != nil {
		return err
	}
	if err := w.exec(ctx, "CREATE TABLE "+into.Quoted()+" ("+strings.Join(parts, ", ")+")"+f.tail); err != nil {
		return err
	}
	rows := [][]any{make([]any, len(into.Columns))} // all NULL
	for _, r := range f.rows {
		rows = append(rows, append([]any{nil}, r...))
	}
	for i := range rows {
		rows[i][0] = int64(i + 1)
	}
	if f.rows == nil {
		rows = nil
	} else if err := w.sink.Insert(ctx, into, rows); err != nil {
		return fmt.Errorf("insert rows: %w", err)
	}
	w.progress.report(f.name, int64(len(rows)))
	return w.exec(ctx, "CREATE UNIQUE INDEX "+w.dialect.name(f.name+"~0")+" ON "+into.Quoted()+` ("ID")`)
}

// typeValues is a type with its least value, its greatest and a usual one.
type typeValues struct {
	name, spelling     string
	least, most, usual any
}

// everyValue is a table with a column a type and a row a value.
func everyValue(name string, values []typeValues) oracleFixture {
	f := oracleFixture{name: name, rows: make([][]any, 3)}
	for _, v := range values {
		f.columns = append(f.columns, OracleColumn{Name: v.name, Type: v.spelling})
		for i, value := range []any{v.least, v.most, v.usual} {
			f.rows[i] = append(f.rows[i], value)
		}
	}
	return f
}

func oracleTypes() []oracleFixture {
	return []oracleFixture{
		everyValue("ZTYPES_NUMBER", numberTypes()), everyValue("ZTYPES_TIME", timeTypes()), everyValue("ZTYPES_TEXT", textTypes()),
		everyValue("ZTYPES_ZONE", []typeValues{
			{
				"Z_TZ",
				"TIMESTAMP(6) WITH TIME ZONE",
				instantOf(1, 2, 2, 0).In(time.FixedZone("", 14*3600)),
				instantOf(9999, 12, 30, 0).In(time.FixedZone("", -12*3600)),
				instantOf(2024, 2, 29, 500_000).In(time.FixedZone("", 19800)),
			},
			{"Z_LTZ", "TIMESTAMP(6) WITH LOCAL TIME ZONE", instantOf(1, 2, 2, 0), instantOf(9999, 12, 30, 0), instantOf(2024, 2, 29, 1)},
		}),
		everyValue("ZTYPES_LONG", []typeValues{{"C_LONG", "LONG", "a", strings.Repeat("größer ", 10_000), " x "}}),
		everyValue("ZTYPES_LONGRAW", []typeValues{{"C_LONGRAW", "LONG RAW", []byte{0}, allBytes(300), []byte("x")}}),
		everyValue("ZTYPES_XML", []typeValues{{"C_XML", "XMLTYPE", "<a/>", "<a>" + strings.Repeat("<b>ä</b>", 2000) + "</a>", "<a x=\"1\">😀</a>"}}),
	}
}

func nines(n int) string { return strings.Repeat("9", n) }

func numberTypes() []typeValues {
	return []typeValues{
		{"N_15_2", "NUMBER(15,2)", "-" + nines(13) + ".99", nines(13) + ".99", "0.01"},
		{"N_38_10", "NUMBER(38,10)", "-" + nines(28) + "." + nines(10), nines(28) + "." + nines(10), "-0.0000000001"},
		{"N_38", "NUMBER(38)", "-" + nines(38), nines(38), "0"},
		{"N_3_5", "NUMBER(3,5)", "-0.00999", "0.00999", "0.00001"},
		{"N_5_M2", "NUMBER(5,-2)", "-9999900", "9999900", "100"},
		{"N_INTEGER", "INTEGER", "-" + nines(38), nines(38), "1"},
		{"N_STAR_0", "NUMBER(*,0)", "-1", nines(20), "0"},
		{"N_NUMBER", "NUMBER", "-" + nines(34), "1" + strings.Repeat("0", 100), "0.1"},
		{"N_FLOAT", "FLOAT(126)", "-0." + strings.Repeat("0", 60) + "1", "1" + strings.Repeat("0", 60), "0.5"},
		{"N_FLOAT53", "FLOAT(53)", "-1.5", "9007199254740992", "0"},
		{"B_FLOAT", "BINARY_FLOAT", -float64(math.MaxFloat32), float64(math.MaxFloat32), 0.5},
		{"B_DOUBLE", "BINARY_DOUBLE", -math.MaxFloat64, math.MaxFloat64, 0x1p-1022},
	}
}

func instantOf(year, month, day, microsecond int) time.Time {
	return time.Date(year, time.Month(month), day, 23, 59, 59, microsecond*1000, time.UTC)
}

func timeTypes() []typeValues {
	first := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	return []typeValues{
		{"T_DATE", "DATE", first, instantOf(9999, 12, 31, 0), time.Date(1582, 10, 15, 0, 0, 0, 0, time.UTC)},
		{"T_0", "TIMESTAMP(0)", first, instantOf(9999, 12, 31, 0), instantOf(1582, 10, 4, 0)},
		{"T_6", "TIMESTAMP(6)", first, instantOf(9999, 12, 31, 999_999), instantOf(2000, 2, 29, 1)},
		{"T_7", "TIMESTAMP(7)", first, instantOf(9999, 12, 31, 999_999).Add(900), instantOf(1900, 2, 28, 0).Add(100)},
		{
			"T_9",
			"TIMESTAMP(9)",
			first,
			instantOf(9999, 12, 31, 999_999),
			instantOf(1969, 12, 31, 123_456).Add(700),
		}, // seven digits: the most that every target keeps
		{"I_YM", "INTERVAL YEAR(4) TO MONTH", "-9999-11", "+9999-11", "+0001-00"},
		{"I_DS", "INTERVAL DAY(9) TO SECOND(6)", "-999999999 23:59:59.999999", "+999999999 23:59:59.999999", "+1 02:03:04.500000"},
	}
}

func textTypes() []typeValues {
	return []typeValues{
		{"C_CHAR", "CHAR(5 CHAR)", "a", "zzzzz", "ä €"},
		{"C_NCHAR", "NCHAR(5)", "a", "zzzzz", "é"},
		{"C_BYTES", "VARCHAR2(90)", " ", strings.Repeat("x", 90), "größe  "},
		{"C_CHARS", "VARCHAR2(30 CHAR)", " ", strings.Repeat("ß", 30), "日本語"},
		{"C_LONGEST", "VARCHAR2(4000)", "0", strings.Repeat("y", 4000), "\u0001\t\r\n"},
		{"C_NVARCHAR2", "NVARCHAR2(30)", "0", strings.Repeat("ÿ", 30), "x"},
		{"C_RAW16", "RAW(16)", []byte{0}, allBytes(16), []byte("0")},
		{"C_RAW2000", "RAW(2000)", []byte{0}, allBytes(2000), []byte{255}},
		{"C_CLOB", "CLOB", "", strings.Repeat("größer 😀 ", 4000), "x"},
		{"C_NCLOB", "NCLOB", "", strings.Repeat("納期 ", 4000), " "},
		{"C_BLOB", "BLOB", []byte{}, allBytes(100_000), []byte{0}},
		{"C_ROWID", "ROWID", nil, "AAAR3sAAEAAAACXAAA", "AAAR3sAAEAAAACXAAB"},
		{"C_UROWID", "UROWID(4000)", nil, "AAAR3sAAEAAAACXAAA", nil},
	}
}

func allBytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func refusedType(name, spelling string, before ...string) oracleFixture {
	return oracleFixture{name: "ZR_" + name, columns: []OracleColumn{{Name: "V", Type: spelling}}, before: before}
}

// oracleRefused has a table for each type, and for a computed column, that a plan refuses by name.
func oracleRefused(d oracleDialect) []oracleFixture {
	one := refusedType
	nested := one("NESTED", d.name("ZR_NUMBERS"), "CREATE TYPE "+d.name("ZR_NUMBERS")+" AS TABLE OF NUMBER")
	computed := one("VIRTUAL", "NUMBER(15,2)")
	computed.virtual = `"TWICE" GENERATED ALWAYS AS ("V" * 2) VIRTUAL`
	nested.tail = ` NESTED TABLE "V" STORE AS ` + quote("ZR_NESTED_V")
	return []oracleFixture{
		one("BFILE", "BFILE"), one("SDO_GEOMETRY", "MDSYS.SDO_GEOMETRY"), one("ANYDATA", "SYS.ANYDATA"),
		one("OBJECT", d.name("ZR_POINT"), "CREATE TYPE "+d.name("ZR_POINT")+" AS OBJECT (X NUMBER, Y NUMBER)"),
		one("REF", "REF "+d.name("ZR_POINT")),
		one("VARRAY", d.name("ZR_THREE"), "CREATE TYPE "+d.name("ZR_THREE")+" AS VARRAY(3) OF NUMBER"),
		nested, computed,
	}
}
