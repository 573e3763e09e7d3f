package digest

import (
	"math"
	"strings"
	"testing"
)

func TestTextForm(t *testing.T) {
	for _, s := range []Sum{{}, {Rows: 1, Hi: 1, Lo: 2}, {Rows: math.MaxInt64, Hi: math.MaxUint64, Lo: math.MaxUint64}} {
		got, err := Parse(s.String())
		if err != nil || got != s {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	zero := strings.Repeat("0", 32)
	for _, text := range []string{"", "1", "1:0", "1:0:", "1:0:" + zero[1:], "1:0:" + zero + "0", "1:-1:" + zero, "1:00:" + zero,
		"01:0:" + zero, "1:0:" + strings.Repeat("A", 32), "1:x:" + zero, "1:0:" + zero + " ", "+1:0:" + zero} {
		if s, err := Parse(text); err == nil {
			t.Errorf("%q is read as %v", text, s)
		}
	}
	if _, err := Parse("2:0:" + zero); err == nil || !strings.Contains(err.Error(), "version 2 is not known") {
		t.Errorf("another version: %v", err)
	}
}

func TestAddCarries(t *testing.T) {
	got := Sum{Rows: 1, Hi: 1, Lo: math.MaxUint64}.Add(Sum{Rows: 2, Hi: 2, Lo: 2})
	if got != (Sum{Rows: 3, Hi: 4, Lo: 1}) {
		t.Errorf("got %+v", got)
	}
}

// TestVersion1 pins digests that ledgers and manifests out there hold. If it fails,
// the digest has changed: give it a new Version instead of new values here.
func TestVersion1(t *testing.T) {
	cols, values := every()
	want := strings.Fields(version1)
	if len(want) != len(cols)+1 {
		t.Fatalf("%d digests for %d columns", len(want), len(cols))
	}
	var all [][]string
	for i := range cols {
		rows := make([][]string, len(values[i]))
		for j, v := range values[i] {
			rows[j] = []string{v}
		}
		if got := sum(t, cols[i:i+1], rows).String(); got != want[i] {
			t.Errorf("%s: %s, was %s", cols[i].Type, got, want[i])
		}
	}
	for j := range 9 {
		row := make([]string, len(cols))
		for i := range row {
			row[i] = values[i][j%len(values[i])]
		}
		all = append(all, row)
	}
	if got := sum(t, cols, all).String(); got != want[len(cols)] {
		t.Errorf("all columns: %s, was %s", got, want[len(cols)])
	}
}

// version1 has a digest for each column of every, then one for rows of all columns.
const version1 = `
1:3:b33e8631e205e307b47be38fa2862483
1:5:fe73246415643763a008422bfae2e36e
1:5:a1cd33f723daabec029cf992fc30cd0b
1:6:e9b5fc41fbce0a88cdf8c776b2b135e4
1:5:bc39d216cf39d42a577d9d2ca97e250a
1:6:bbfeb2fe81224d1b9aa202a8f9b70376
1:5:d33c03305f4689030771fb8b2e131ad4
1:5:24730f4c75d70126dedf924d69f07e34
1:4:9abcf692db443aaa5b44812e1efd7c37
1:6:028b5b575272dbb356585264110464d2
1:10:023d57adfe53c5ba2651cbcb18595797
1:6:3240ba264b8e45de49b1e2797520f17c
1:4:6428261eca39126754ca1a4f2c7dbf99
1:4:a8da441d55a2130b023a3322846e75cc
1:5:a8b10b7d882fcd14f09bcff5271edc83
1:3:5c096bef9266e10763cbe6b5afce44b8
1:3:0b970e3544097f64c4f7dc3c3da3f4e2
1:3:76f3e4733c52be5356f194d91c5b350a
1:3:6c9e2582445e0f5106eb31dd295fff5f
1:4:c6cd20a3aa84f6ecd484c94e4173f413
1:3:6d50de5d8cdabe8aed9e051a2718c3d4
1:3:0df47beef8f56feacb37d6bd810569bb
1:9:e6de286057315996652b454acceb62f4
`
