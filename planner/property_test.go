package planner

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// drawWorld makes a source of some tables that reference each other.
func drawWorld(t *rapid.T) *world {
	w := newWorld()
	n := rapid.IntRange(1, 12).Draw(t, "tables")
	for i := range n {
		bytes := rapid.SampledFrom([]int64{-1, 0, 100, 5 << 20, 300 << 20, 3 << 30}).Draw(t, "bytes")
		x := table(fmt.Sprintf("T%02d", i), bytes)
		if rapid.Bool().Draw(t, "references") {
			x.ForeignKeys = []catalog.ForeignKey{{Name: fmt.Sprintf("FK%02d", i), Columns: []string{"ID"}, References: []string{"ID"},
				Table: erp(fmt.Sprintf("T%02d", rapid.IntRange(0, n-1).Draw(t, "to")))}}
		}
		if rapid.Bool().Draw(t, "identity") {
			x.Columns[0].Sequence = &catalog.Sequence{Name: erp("S")}
		}
		w.splits[x.Name] = rapid.IntRange(1, 5).Draw(t, "parts")
		w.add(x)
	}
	w.limits.InlineKeys = rapid.Bool().Draw(t, "inline")
	w.spec.Verify.Default = rapid.SampledFrom(plan.Levels()).Draw(t, "verify")
	if rapid.Bool().Draw(t, "quiet") {
		w.spec.Source.Config["consistency"] = "quiet"
	}
	if rapid.Bool().Draw(t, "exclude") {
		w.spec.Excludes = []desired.Exclude{{Name: "x", Content: rapid.SampledFrom(desired.Contents()).Draw(t, "content"),
			Tables: []desired.Pattern{{Text: "T?0", Name: "T?0"}, {Text: "T?3", Name: "T?3"}}}}
	}
	return w
}

// checkGraph holds what every plan promises to the executor.
func checkGraph(t *rapid.T, p *plan.Plan) {
	seen := make(map[string]bool)
	copied := make(map[string]int)
	verified := make(map[catalog.Name]int)
	for _, s := range p.Steps {
		if seen[s.ID] {
			t.Fatalf("two steps %s", s.ID)
		}
		for _, n := range s.Needs {
			if !seen[n] {
				t.Fatalf("step %s comes before %s, which it needs", s.ID, n)
			}
		}
		seen[s.ID] = true
		for _, id := range s.Packages {
			copied[id]++
		}
		if s.Kind == plan.StepVerify {
			for _, n := range s.Tables {
				verified[n]++
			}
		}
		if len(s.Tables) > bundleTables {
			t.Fatalf("step %s has %d tables", s.ID, len(s.Tables))
		}
	}
	for _, x := range p.Tables {
		for _, k := range x.Packages {
			if !k.In && x.Action != plan.Keep && copied[k.ID] != 1 || copied[k.ID] > 1 {
				t.Fatalf("package %s is in %d copy steps", k.ID, copied[k.ID])
			}
		}
		want := 0
		if x.Verify != plan.LevelNone && x.Action != plan.Keep && x.Action != plan.Forget {
			want = 1
		}
		if x.Action != plan.Keep && verified[x.Source.Name] != want {
			t.Fatalf("table %s (%s) is verified %d times", x.Source.Name, x.Action, verified[x.Source.Name])
		}
	}
	if p.Changes() && p.Steps[len(p.Steps)-1].Kind != plan.StepClose {
		t.Fatalf("the last step is %s", p.Steps[len(p.Steps)-1].ID)
	}
}

func TestPlanInvariants(t *testing.T) {
	// Invariant 7: after a crash anywhere, what is in is done and the rest is planned, once.
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		p := mustPlan(t, w)
		checkGraph(t, p)
		if !p.Changes() {
			return // every table is excluded
		}
		var all []string
		for _, x := range p.Tables {
			for _, k := range x.Packages {
				all = append(all, k.ID)
			}
		}
		stop := []string{"none"} // killed after the last package, before the close
		for _, id := range all {
			if rapid.Bool().Draw(t, "stop") {
				stop = append(stop, id)
			}
		}
		w.apply(p, stop...)
		again := mustPlan(t, w)
		checkGraph(t, again)
		if again.Continues != p.ID {
			t.Fatalf("continues %q, not %s", again.Continues, p.ID)
		}
		for _, x := range again.Tables {
			in := len(x.Packages)
			for _, k := range x.Packages {
				if slices.Contains(stop, k.ID) {
					in--
				}
			}
			if x.Action == plan.Keep && in != len(x.Packages) {
				t.Fatalf("%s is kept with %d of %d packages in", x.Source.Name, in, len(x.Packages))
			}
			if again.Quiet && x.Action == plan.Restart {
				t.Fatalf("%s starts again although its source is quiet", x.Source.Name)
			}
		}
		w.apply(again)
		if done := mustPlan(t, w); done.Changes() {
			t.Fatalf("changes after all is done: %+v", done.Steps[0])
		}
	})
}

func mustPlan(t *rapid.T, w *world) *plan.Plan {
	p, ds := Diff(w.spec, w.observe(), nil, w.opts)
	if ds.HasErrors() {
		t.Fatalf("refused: %s", text(ds))
	}
	return p
}

func TestPlanDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		o := w.observe()
		var first []byte
		for range 3 {
			p, _ := Diff(w.spec, o, nil, w.opts)
			var b bytes.Buffer
			if err := plan.Encode(&b, p); err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = b.Bytes()
			}
			if !bytes.Equal(first, b.Bytes()) {
				t.Fatal("two plans of one observation differ")
			}
			if back, err := plan.Decode(&b); err != nil || back.ID != p.ID {
				t.Fatalf("read back: %v", err)
			}
		}
	})
}

// BenchmarkPlan20000 is the time of a plan of 20,000 tables.
func BenchmarkPlan20000(b *testing.B) {
	w := newWorld()
	for i := range 20_000 {
		w.source.Tables = append(w.source.Tables, table(fmt.Sprintf("T%05d", i), 1000))
	}
	o := w.observe()
	b.ReportAllocs()
	for b.Loop() {
		if p, ds := Diff(w.spec, o, nil, w.opts); p == nil {
			b.Fatal(text(ds))
		}
	}
}
