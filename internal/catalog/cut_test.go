package catalog

import (
	"slices"
	"testing"
)

func TestCutCoversRange(t *testing.T) {
	leaf := Name{Schema: "S", Name: "P1"}
	all := Range{By: ByPartition, Partition: &leaf, Rows: 11, Bytes: -1}
	ranges := all.Cut(ByKey, []string{"A"}, [][]string{{"3"}, {"5"}, {"9"}})
	if err := Contiguous(ranges); err != nil {
		t.Fatal(err)
	}
	rows := int64(0)
	for _, r := range ranges {
		if r.By != ByKey || !slices.Equal(r.Columns, []string{"A"}) || *r.Partition != leaf || r.Bytes != -1 {
			t.Errorf("a part is %+v", r)
		}
		rows += r.Rows
	}
	if len(ranges) != 4 || rows != all.Rows {
		t.Errorf("%d parts of %d rows in all, want 4 of %d", len(ranges), rows, all.Rows)
	}
	if one := all.Cut(ByKey, []string{"A"}, nil); len(one) != 1 || one[0].ID() != all.ID() {
		t.Errorf("without a bound: %+v", one)
	}
}

func TestQuantiles(t *testing.T) {
	for _, c := range []struct {
		sample string
		parts  int
		want   string
	}{
		{"abcdefgh", 4, "ceg"},
		{"aaaaaaab", 4, "a"},
		{"ab", 9, "ab"},
		{"", 4, ""},
		{"abcd", 1, ""},
	} {
		var sample [][]string
		for _, r := range c.sample {
			sample = append(sample, []string{string(r)})
		}
		got := ""
		for _, b := range Quantiles(sample, c.parts) {
			got += b[0]
		}
		if got != c.want {
			t.Errorf("%q in %d parts is cut at %q, want %q", c.sample, c.parts, got, c.want)
		}
	}
}
