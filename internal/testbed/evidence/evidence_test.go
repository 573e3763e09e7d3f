package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const sampleTest = `package x

import "testing"

func TestOnce(t *testing.T) {
	// Invariant 1: four tables.
}

func TestTwo(t *testing.T) {
	// Failure scenario: two applies at once: the second stops.
}
`

func TestEvidenceReport(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("x/x_test.go", sampleTest)
	write("cmd/testdata/script/stop.txtar", "# Failure scenario: Ctrl-C once, twice: exit 130\n# more\nexec true\n")
	write("test.json", `{"Action":"pass","Package":"github.com/dmoctl/dmoctl/x","Test":"TestOnce"}
not json
{"Action":"skip","Package":"github.com/dmoctl/dmoctl/x","Test":"TestTwo"}
{"Action":"pass","Package":"github.com/dmoctl/dmoctl/cmd","Test":"TestScript/stop"}
`)
	var out, errs strings.Builder
	if code := run([]string{"-root", dir, filepath.Join(dir, "test.json")}, &out, &errs); code != 1 {
		t.Fatalf("exit %d, want 1: promises are open\n%s%s", code, out.String(), errs.String())
	}
	for _, want := range []string{
		"pass     x TestOnce", "skip     x TestTwo", "pass     cmd TestScript/stop",
		"Invariant 2: every run", "MISSING",
		// The two that a test above proves whole are not among them.
		fmt.Sprintf("%d promises without a test that passed", len(promises())-2),
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	out.Reset()
	if code := run([]string{"-summary", filepath.Join(dir, "test.json")}, &out, &errs); code != 1 || !strings.Contains(out.String(), "2 passed, 0 failed, 1 skipped") {
		t.Errorf("summary: exit %d\n%s", code, out.String())
	}
}

func TestClaimMatchesWholeNumber(t *testing.T) {
	if (claim{text: "Invariant 10: exits 0 only"}).proves(promise{name: "Invariant 1"}) {
		t.Error("a claim about line 10 counts for line 1")
	}
}

func TestPromisesCovered(t *testing.T) {
	claims, err := collect("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range promises() {
		var proofs []claim
		for _, c := range claims {
			// What this package's own tests hold up as an example proves nothing.
			if c.proves(p) && c.pkg != "internal/testbed/evidence" {
				proofs = append(proofs, c)
			}
		}
		if len(proofs) == 0 {
			t.Errorf("no test says that it proves %s: %s", p.title(), p.what)
		}
		for _, clause := range p.without(proofs) {
			t.Errorf("%s: no test names %q", p.title(), clause)
		}
	}
}

func TestSuiteCaseLookup(t *testing.T) {
	r, err := readResults(strings.NewReader(`{"Action":"pass","Package":"github.com/dmoctl/dmoctl/providers/x","Test":"TestTarget/ClaimTwice"}`))
	if err != nil {
		t.Fatal(err)
	}
	for function, want := range map[string]string{"targetClaimTwice": "pass", "targetTwice": "not run", "sourceOther": "not run"} {
		if got := r.of(claim{pkg: "providers/suite", test: function}); got != want {
			t.Errorf("%s: %s, want %s", function, got, want)
		}
	}
}
