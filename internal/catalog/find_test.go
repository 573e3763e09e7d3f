package catalog

import (
	"testing"

	"pgregory.net/rapid"
)

func TestFindIndexByDefinition(t *testing.T) {
	x := func(name string, columns ...string) Index {
		out := Index{Name: name}
		for _, c := range columns {
			out.Columns = append(out.Columns, IndexColumn{Name: c})
		}
		return out
	}
	want := &Table{Indexes: []Index{x("i", "a"), x("j", "a"), x("k", "b")}}
	have := &Table{Indexes: []Index{x("j", "a"), x("i", "b")}}
	for name, found := range map[string]string{"i": "", "j": "j", "k": "i"} {
		got := ""
		for _, w := range want.Indexes {
			if w.Name == name {
				if f := exact.FindIndex(want, have, w); f != nil {
					got = f.Name
				}
			}
		}
		if got != found {
			t.Errorf("%s is %q, not %q", name, got, found)
		}
	}
	if f := exact.FindIndex(&Table{}, have, x("new", "b")); f == nil || f.Name != "i" {
		t.Errorf("one that the table does not list: %+v", f)
	}
	unique := &Table{Key: &Key{Name: "u", Columns: []string{"a"}, Index: true}}
	if f := exact.FindIndex(unique, &Table{Indexes: []Index{{Name: "v", Unique: true, Columns: []IndexColumn{{Name: "a"}}}}}, KeyIndex(*unique.Key)); f == nil {
		t.Error("a unique index among the indexes is not found")
	}
}

func TestFindIndexPairsUniquely(t *testing.T) {
	draw := rapid.Custom(func(r *rapid.T) Index {
		return Index{Name: rapid.SampledFrom([]string{"i", "j", "k", "l"}).Draw(r, "name"),
			Columns: []IndexColumn{{Name: rapid.SampledFrom([]string{"a", "b"}).Draw(r, "column")}}}
	})
	list := rapid.SliceOfNDistinct(draw, 0, 4, func(x Index) string { return x.Name })
	rapid.Check(t, func(r *rapid.T) {
		want, have := &Table{Indexes: list.Draw(r, "want")}, &Table{Indexes: list.Draw(r, "have")}
		count := func(t *Table, column string) (n int) {
			for _, x := range t.Indexes {
				if x.Columns[0].Name == column {
					n++
				}
			}
			return n
		}
		used := make(map[string]int)
		pairs := make(map[string]int)
		for _, w := range want.Indexes {
			f := exact.FindIndex(want, have, w)
			if f == nil {
				continue
			}
			used[f.Name]++
			pairs[w.Columns[0].Name]++
			if f.Columns[0] != w.Columns[0] {
				r.Fatalf("%+v for %+v", f, w)
			}
		}
		for name, n := range used {
			if n > 1 {
				r.Fatalf("%s is taken for %d", name, n)
			}
		}
		for _, c := range []string{"a", "b"} {
			if n := min(count(want, c), count(have, c)); pairs[c] != n {
				r.Fatalf("%d of column %s are found, not %d", pairs[c], c, n)
			}
		}
	})
}
