package planner

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// wideWorld has tables of nine columns, each of which is stored for itself, as a reader without
// a pool would.
func wideWorld(tables int) *world {
	w := newWorld()
	for i := range tables {
		t := table(fmt.Sprintf("T%06d", i), 1000*int64(i%2))
		for c := range 7 {
			t.Columns = append(t.Columns, catalog.Column{Name: fmt.Sprintf("COLUMN_%d", c), Declared: "character varying(10)",
				Default: "' '::character varying", Type: catalog.Type{Kind: catalog.String, Length: 10}})
		}
		w.source.Tables = append(w.source.Tables, t)
	}
	return w
}

// cost is what a plan of tables allocates in all, and what of it stays in use, a table.
func cost(t *testing.T, tables int) (allocated, objects, held float64) {
	t.Helper()
	w := wideWorld(tables)
	o := w.observe()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	p, ds := Diff(w.spec, o, nil, w.opts)
	if p == nil {
		t.Fatal(text(ds))
	}
	runtime.ReadMemStats(&after)
	allocated = float64(after.TotalAlloc-before.TotalAlloc) / float64(tables)
	objects = float64(after.Mallocs-before.Mallocs) / float64(tables)
	runtime.GC()
	runtime.ReadMemStats(&after)
	held = float64(after.HeapAlloc-before.HeapAlloc) / float64(tables)
	runtime.KeepAlive(o)
	runtime.KeepAlive(p)
	return allocated, objects, held
}

func TestPlanCostPerTableConstant(t *testing.T) {
	// Done: bounds: what a plan allocates and holds a table does not grow with the number of tables.
	const few, many, most = 2000, 20_000, 1200 // bytes held, beside the two catalogs
	fewAll, fewObjects, _ := cost(t, few)
	all, objects, held := cost(t, many)
	t.Logf("a table: %.0f bytes allocated in %.0f objects, %.0f held; among few %.0f in %.0f", all, objects, held, fewAll, fewObjects)
	if all > 1.2*fewAll || objects > 1.2*fewObjects {
		t.Errorf("a table costs %.0f bytes in %.0f objects among %d, %.0f in %.0f among %d", all, objects, many, fewAll, fewObjects, few)
	}
	if held > most {
		t.Errorf("a plan holds %.0f bytes a table, want at most %d", held, most)
	}
}

// A saved plan of many tables is read in the memory of a few: what is equal is held once.
func TestDecodedPlanSharesEqualParts(t *testing.T) {
	// Done: bounds: tables of a saved plan share equal columns.
	const tables, most = 5000, 2600
	w := wideWorld(tables)
	p, ds := Diff(w.spec, w.observe(), nil, w.opts)
	if p == nil {
		t.Fatal(text(ds))
	}
	var b bytes.Buffer
	if err := plan.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	back, err := plan.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	held := (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / tables
	t.Logf("a table of a plan that was read holds %.0f bytes", held)
	if held > most {
		t.Errorf("a table holds %.0f bytes, want at most %d", held, most)
	}
	first, last := back.Tables[0], back.Tables[tables-1]
	if &first.Source.Columns[0] != &last.Source.Columns[0] {
		t.Error("two tables hold equal columns twice")
	}
	runtime.KeepAlive(&b)
}
