package histories_test

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// baseSeed and nextSeed begin the histories of the test, which are the same in every run, so
// that a change is judged by what it changes. "make histories" draws others.
const (
	baseSeed = 20261130
	nextSeed = 902
)

// TestHistories draws DMO_HISTORIES histories and holds each to what dmoctl promises. A
// failing one is printed with the seed that draws it again: -rapid.seed=SEED.
func TestHistories(t *testing.T) {
	// Done: histories: no random history ends with exit 0 while anything is missing, and each can be brought to its end.
	n := 20_000
	if text := os.Getenv("DMO_HISTORIES"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // calls come in the same order each time
	seeds := []uint64{baseSeed, nextSeed}
	if given := flag.Lookup("rapid.seed").Value.String(); given != "0" {
		seed, err := strconv.ParseUint(given, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seeds = []uint64{seed}
	}
	held := 0
	for _, seed := range seeds {
		set(t, "rapid.seed", strconv.FormatUint(seed, 10))
		set(t, "rapid.checks", strconv.Itoa((n+len(seeds)-1)/len(seeds)))
		set(t, "rapid.nofailfile", "true")
		rapid.Check(t, func(r *rapid.T) {
			rapid.SyncTest(r, history)
			held++
		})
	}
	if held < n {
		t.Errorf("%d histories before the test's time was up, want %d", held, n)
	}
	t.Logf("counted: %d random histories, from the seeds %d", held, seeds)
}

func set(t *testing.T, name, value string) {
	t.Helper()
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
}

func history(t *rapid.T) {
	w := newWorld(t)
	for range rapid.IntRange(1, 7).Draw(t, "operations") {
		w.operate()
	}
	w.finish()
}
