package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// module is cut from package paths, so that they read like directories.
const module = "github.com/dmoctl/dmoctl/"

// testID is one test of one package; a package itself has no name.
type testID struct{ pkg, name string }

// results is what a run of "go test -json" said.
type results struct {
	result map[testID]string // "pass", "fail" or "skip"
	output map[testID]*strings.Builder
}

type testEvent struct {
	Action, Package, Test, Output string
	ImportPath                    string // of a build failure
}

func readResults(r io.Reader) (*results, error) {
	out := &results{result: map[testID]string{}, output: map[testID]*strings.Builder{}}
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		var e testEvent
		if len(line) > 0 && json.Unmarshal(line, &e) == nil {
			out.add(e)
		}
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read test results: %w", err)
		}
	}
}

func (r *results) add(e testEvent) {
	id := testID{strings.TrimPrefix(cmp.Or(e.Package, e.ImportPath), module), e.Test}
	switch e.Action {
	case "pass", "fail", "skip":
		r.result[id] = e.Action
	case "build-fail":
		r.result[id] = "fail"
	case "output", "build-output":
		b := r.output[id]
		if b == nil {
			b = &strings.Builder{}
			r.output[id] = b
		}
		b.WriteString(e.Output)
	}
}

// of returns the result of the test that makes a claim. A claim in a suite that
// providers share is proved by every test below which a case of that name ran.
func (r *results) of(c claim) string {
	if result, ok := r.result[testID{c.pkg, c.test}]; ok {
		return result
	}
	worst := ""
	for id, result := range r.result {
		if !strings.HasPrefix(c.test, "Test") && sameCase(lastPart(id.name), c.test) && (worst == "" || result == "fail") {
			worst = result
		}
	}
	return cmp.Or(worst, "not run")
}

func lastPart(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// sameCase compares a subtest's name with a suite's function: "ClaimTwice" is
// targetClaimTwice, and "claim_twice" is, too.
func sameCase(subtest, function string) bool {
	plain := strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(subtest))
	role, ok := strings.CutSuffix(strings.ToLower(function), plain)
	return ok && plain != "" && slices.Contains([]string{"", "test", "check", "source", "target", "staging"}, role)
}

func (r *results) ids() []testID {
	ids := make([]testID, 0, len(r.result))
	for id := range r.result {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b testID) int {
		return cmp.Or(strings.Compare(a.pkg, b.pkg), strings.Compare(a.name, b.name))
	})
	return ids
}

// printFailures prints the output of what failed.
func (r *results) printFailures(w io.Writer) {
	for _, id := range r.ids() {
		if r.result[id] == "fail" {
			fmt.Fprintf(w, "--- FAIL: %s %s\n", id.pkg, id.name)
			if b := r.output[id]; b != nil {
				fmt.Fprint(w, b.String())
			}
		}
	}
}

// printSummary counts results. It returns 1 where a test failed or was skipped.
func (r *results) printSummary(w io.Writer) int {
	counts := map[string]int{}
	code := 0
	for _, id := range r.ids() {
		if id.name == "" {
			continue
		}
		counts[r.result[id]]++
		if r.result[id] != "pass" {
			fmt.Fprintf(w, "%s: %s %s\n", r.result[id], id.pkg, id.name)
			code = 1
		}
	}
	r.printCounted(w)
	fmt.Fprintf(w, "%d passed, %d failed, %d skipped\n", counts["pass"], counts["fail"], counts["skip"])
	return code
}

// printCounted prints what tests say that they have counted.
func (r *results) printCounted(w io.Writer) {
	for _, id := range r.ids() {
		if b := r.output[id]; b != nil && id.name != "" {
			for line := range strings.Lines(b.String()) {
				if _, counted, ok := strings.Cut(line, ": counted: "); ok {
					fmt.Fprintf(w, "%s: %s", id.name, counted)
				}
			}
		}
	}
}
