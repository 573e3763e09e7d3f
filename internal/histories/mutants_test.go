package histories_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutant is a fault put back: a change of few places of the code.
type mutant struct {
	name  string
	edits []edit
}

// edit is one place.
type edit struct {
	file string
	code string // stands there once
	back string // stands there instead
}

// mutants are faults that runs once had, each in the places that are right about it today.
func mutants() []mutant {
	return []mutant{
		{"a reload is not in the ledger before its packages are planned", []edit{{"executor/register.go",
			"t.row.Edition, t.row.State, t.row.Serial = t.plan.Edition, ledger.Emptying, r.led.Serial",
			"t.row.Edition, t.row.Serial = t.plan.Edition, r.led.Serial"}}},
		{"sequences are raised for tables that are copied only", []edit{{"planner/references.go",
			"return (d.action != plan.Keep || g.k.unfinished() || d.behind) &&", "return d.action != plan.Keep &&"}}},
		{"foreign keys are made for tables that are copied only", []edit{{"planner/references.go",
			"return len(g.foreignKeysLeft(d)) > 0", "return false"}}},
		{"rows of a structure-only table stay", []edit{{"internal/left/left.go",
			"case !rows && len(t.Loaded) > 0:", "case false:"}}},
		{"the ledger does not follow a rename", []edit{{"executor/make.go",
			"after.Target, after.State, after.Created = t.target.Name, ledger.Planned, false", "after.State, after.Created = ledger.Planned, false"}}},
		{"a table that somebody made is taken for the one to be made", []edit{
			{"executor/make.go", "New: !t.row.Created}", "New: false}"},
			{"executor/run.go", "err := r.places(ctx)", "err := error(nil)"}}},
		{"an index that is gone is not missed", []edit{{"planner/graph.go",
			"func(d *decision) bool { return len(g.indexesLeft(d)) > 0 })", "func(d *decision) bool { return d.action != plan.Keep && len(g.indexesLeft(d)) > 0 })"}}},
	}
}

func TestMutants(t *testing.T) {
	// Done: histories: each fault that is put back is found by them.
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) { m.found(t) })
	}
}

// found builds the histories with the fault, and wants one of them to fail.
func (m mutant) found(t *testing.T) {
	dir := t.TempDir()
	replace := make(map[string]string)
	for _, e := range m.edits {
		path, err := filepath.Abs(filepath.Join("../..", e.file))
		if err != nil {
			t.Fatal(err)
		}
		was, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(was), e.code); n != 1 {
			t.Fatalf("%s has the place %d times, want once: the mutant has to follow the code", e.file, n)
		}
		replace[path] = filepath.Join(dir, filepath.Base(e.file))
		write(t, replace[path], []byte(strings.Replace(string(was), e.code, e.back, 1)))
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	where, binary := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "histories.test")
	write(t, where, overlay)
	if out, err := exec.Command("go", "test", "-c", "-overlay", where, "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	run := exec.Command(binary, "-test.run", "^TestHistories$", "-rapid.seed", "1", "-rapid.shrinktime", "0s")
	run.Env = append(os.Environ(), "DMO_HISTORIES=2500")
	out, err := run.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "after this history:") {
		t.Errorf("no history finds it: %v\n%.2000s", err, out)
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
