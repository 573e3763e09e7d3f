package oracle_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/providertest"
)

// column is all values of a table's second column, by the order of its first.
func (b *environment) column(t *testing.T, table string) []string {
	t.Helper()
	db := b.source(t, nil)
	got := all(t, db, b.table(t, db, table))
	slices.SortFunc(got, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	out := make([]string, len(got))
	for i, r := range got {
		out[i] = r[1]
	}
	return out
}

func TestSpecialTypesOverWire(t *testing.T) {
	// Trap: LONG, XMLTYPE, JSON, UROWID, intervals, years before Christ: types that do not come with their rows, or that the server has to spell, arrive whole over the wire.
	b := newBed(t, nil)
	long := strings.Repeat("Grüße 😀, ", 700)
	for _, c := range []struct {
		name, declared string
		values, want   []string // literals; NULL follows by itself
	}{
		{"LONGS", "LONG", []string{"'short'", "'" + long[:strings.LastIndexByte(long[:3900], ' ')] + "'"},
			[]string{"short", long[:strings.LastIndexByte(long[:3900], ' ')]}},
		{"LONG_RAWS", "LONG RAW", []string{"HEXTORAW('00FF10')", "HEXTORAW('" + strings.Repeat("A5", 1500) + "')"},
			[]string{"\x00\xff\x10", strings.Repeat("\xa5", 1500)}},
		{"XMLS", "XMLTYPE", []string{"XMLTYPE('<a>ä</a>')"}, []string{"<a>ä</a>"}},
		{"JSONS", "JSON", []string{`'{"a":[1,null,"ü"]}'`}, []string{`{"a":[1,null,"ü"]}`}},
		{"UROWIDS", "UROWID", []string{"'AAAR3sAAEAAAACXAAA'"}, []string{"AAAR3sAAEAAAACXAAA"}},
		{"MONTHS", "INTERVAL YEAR(4) TO MONTH", []string{"INTERVAL '2-3' YEAR TO MONTH", "INTERVAL '-1-11' YEAR TO MONTH"}, []string{"P2Y3M", "-P1Y11M"}},
		{"SECONDS", "INTERVAL DAY(3) TO SECOND(9)", []string{"INTERVAL '-2 3:4:5.5' DAY TO SECOND", "INTERVAL '0 0:0:0.000000001' DAY TO SECOND(9)"},
			[]string{"-P2DT3H4M5.5S", "PT0.000000001S"}},
		{"OLD_DATES", "DATE", []string{"TO_DATE('-47120101000000', 'SYYYYMMDDHH24MISS')", "TO_DATE('-00010101000000', 'SYYYYMMDDHH24MISS')",
			"TO_DATE(' 15821004235959', 'SYYYYMMDDHH24MISS')", "DATE '1582-10-15'"},
			[]string{"-4711-01-01 00:00:00.000000", "0000-01-01 00:00:00.000000", "1582-10-04 23:59:59.000000", "1582-10-15 00:00:00.000000"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.exec(t, "CREATE TABLE "+c.name+" (ID CHAR(1 CHAR) NOT NULL PRIMARY KEY, V "+c.declared+")")
			for i, v := range append(slices.Clone(c.values), "NULL") {
				b.exec(t, "INSERT INTO "+c.name+" VALUES ('"+string(rune('a'+i))+"', "+v+")")
			}
			got := b.column(t, c.name)
			if len(got) != len(c.want)+1 {
				t.Fatalf("%d rows, want %d", len(got), len(c.want)+1)
			}
			for i, want := range c.want {
				if c.declared != "DATE" {
					want = fmt.Sprintf("%x", want) // as the suites print texts and bytes
				}
				if got[i] != want {
					t.Errorf("%.80s is %.200q, want %.200q", c.values[i], got[i], want)
				}
			}
			if last := got[len(c.want)]; last != providertest.Null {
				t.Errorf("NULL is %q", last)
			}
		})
	}
}

func TestSubpartitionReads(t *testing.T) {
	// Trap: subpartitions: each row is in one, and together they are the table.
	b := newBed(t, nil)
	b.exec(t, "CREATE TABLE SUB (ID NUMBER(10) NOT NULL, Y NUMBER(4) NOT NULL) PARTITION BY RANGE (Y) SUBPARTITION BY HASH (ID) SUBPARTITIONS 3 "+
		"(PARTITION P1 VALUES LESS THAN (2020), PARTITION P2 VALUES LESS THAN (MAXVALUE))")
	ids, years := make([]int64, 300), make([]int64, 300)
	for i := range ids {
		ids[i], years[i] = int64(i), int64(2015+i%10)
	}
	if _, err := b.db.Exec("INSERT INTO SUB VALUES (:1, :2)", ids, years); err != nil {
		t.Fatal(err)
	}
	db := b.source(t, nil)
	tb := b.table(t, db, "SUB")
	seen := make(map[string]bool)
	leaves := 0
	inView(t, db, providers.SnapshotOptions{Readers: 1}, []*catalog.Table{tb}, func(v providers.View) {
		for _, p := range tb.Partitions {
			if !p.Leaf() {
				continue
			}
			leaves++
			got, err := rows(t.Context(), v, tb, catalog.Range{By: "partition", Partition: &p.Name}, providers.ReadOptions{})
			if err != nil {
				t.Fatalf("%s: %v", p.Name, err)
			}
			if len(got) == 0 || len(got) == 300 {
				t.Errorf("%s has %d rows", p.Name, len(got))
			}
			for _, r := range got {
				if seen[r[0]] {
					t.Errorf("row %s is in two subpartitions", r[0])
				}
				seen[r[0]] = true
			}
		}
	})
	if leaves != 6 || len(seen) != 300 {
		t.Errorf("%d subpartitions of %d rows, want 6 of 300", leaves, len(seen))
	}
	if b.seen("SUBPARTITION (\"") != 6 {
		t.Errorf("%d statements read subpartitions, want 6", b.seen("SUBPARTITION (\""))
	}
}
