package histories_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mutant is a fault put back: a change of few places of the code.
type mutant struct {
	name  string
	edits []edit
}

// edit is one place in the body of a function.
type edit struct {
	file string
	code string // stands there once
	back string // stands there instead
}

// mutants are faults that runs once had, each in the places that are right about it today.
func mutants() []mutant {
	return []mutant{
		{"a reload is not in the ledger before its packages are planned", []edit{{"executor/register.go",
			"t.Row.Edition, t.Row.State, t.Row.Serial = t.Plan.Edition, ledger.Emptying, r.led.Serial",
			"t.Row.Edition, t.Row.Serial = t.Plan.Edition, r.led.Serial"}}},
		{"sequences are raised for tables that are copied only", []edit{{"planner/references.go",
			"return (d.action != plan.Keep || g.k.unfinished() || d.behind) &&", "return d.action != plan.Keep &&"}}},
		{"foreign keys are made for tables that are copied only", []edit{{"planner/references.go",
			"return len(g.foreignKeysLeft(d)) > 0", "return false"}}},
		{"rows of a structure-only table stay", []edit{{"internal/left/left.go",
			"case !rows && len(t.Loaded) > 0:", "case false:"}}},
		{"the ledger does not follow a rename", []edit{{"executor/work/table.go",
			"after.Target, after.State, after.Created = t.Target.Name, ledger.Planned, false", "after.State, after.Created = ledger.Planned, false"}}},
		{"user's table taken for the created one", []edit{
			{"executor/make.go", "New: !t.Row.Created}", "New: false}"},
			{"executor/run.go", "err := r.opening.places(ctx)", "err := error(nil)"}}},
		{"missing index not noticed", []edit{{"planner/graph.go",
			"func(d *decision) bool { return len(g.indexesLeft(d)) > 0 })", "func(d *decision) bool { return d.action != plan.Keep && len(g.indexesLeft(d)) > 0 })"}}},
		{"a level that is raised is ignored", []edit{{"planner/graph.go",
			"return !left.Verified(level, d.excepted, d.Entry.State)", "return false"}}},
		{"a recreate that is interrupted drops nothing once its tables are in the ledger", []edit{
			{"executor/work/table.go", "return moves || t.Plan.Drop && (own || t.Nothing())", "return moves || t.Plan.Drop && own"},
			{"executor/make.go", "New: !t.Row.Created}", "New: false}"}}},
		{"saved plan ignores new source table", []edit{{"planner/outdated.go", "case !there:", "case !there && false:"}}},
		{"a saved plan keeps a table whose structure changed since", []edit{{"planner/outdated.go",
			"case planned.SourceStructure != t.source.StructureDigest():", "case false:"}}},
		{"a saved plan keeps a table that another run has begun again", []edit{{"executor/places.go",
			"if a != plan.Keep && a != plan.Resume {", "if a != plan.Keep && a != plan.Resume || !t.Voided() {"}}},
		{"table kept despite missing create-time part", []edit{{"planner/parts.go",
			"case missing >= 0 && d.Entry != nil && d.Entry.Created:", "case false && missing >= 0:"}}},
		{"table kept with foreign key to moved table's old name", []edit{{"planner/parts.go",
			"case len(d.misplaced) > 0:", "case false:"}}},
		{"unknown names accepted", []edit{{"planner/diff.go", "ds = append(ds, unmatchedFlags(o, opts)...)", "ds = append(ds, unmatchedFlags(o, opts)[:0]...)"}}},
		{"unfinished structure-only tables not reported", []edit{
			{"executor/close.go", "if t.Plan.Action == plan.Forget || t.Plan.Target == nil {", "if t.Plan.Action == plan.Forget || t.Plan.Target == nil || !t.Copied() {"},
			{"executor/close.go", "if !known || r.done[s.ID] {", "if !known || r.done[s.ID] || len(s.Packages) == 0 {"}}},
		{"foreign key no longer migrated is kept", []edit{{"planner/graph.go",
			"return d.action == plan.Keep && len(d.unwantedLeft()) == 0 && len(g.keysLeft(d)) == 0 &&", "return d.action == plan.Keep && len(g.keysLeft(d)) == 0 &&"}}},
		{"older generations count as loaded, where no request for another copy stands in the ledger", []edit{
			{"executor/register.go",
				"t.Row.Edition, t.Row.State, t.Row.Serial = t.Plan.Edition, ledger.Emptying, r.led.Serial",
				"t.Row.Edition, t.Row.Serial = t.Plan.Edition, r.led.Serial"},
			{"internal/left/left.go", "if g, ok := in[p.ID]; !ok || g != p.Generation {", "if _, ok := in[p.ID]; !ok {"},
			{"internal/left/left.go", "if g, ok := planned[l.ID]; !ok || g != l.Generation {", "if _, ok := planned[l.ID]; !ok {"},
			{"executor/work/table.go", "return ok && l.Generation == p.Generation", "return ok && l.ID == p.ID"},
			{"executor/work/table.go", "if planned[l.ID] != l.Generation {", "if planned[l.ID] == \"\" {"}}},
	}
}

func TestMutants(t *testing.T) {
	// Done: histories: each fault that is put back is found by them.
	all := mutants()
	binary := buildMutants(t, all)
	for i, m := range all {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			run := exec.Command(binary, "-test.run", "^TestHistories$", "-rapid.seed", "1", "-rapid.shrinktime", "0s")
			run.Env = append(os.Environ(), "DMO_HISTORIES=2500", "DMO_MUTANT="+strconv.Itoa(i))
			out, err := run.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "after this history:") {
				t.Fatalf("no history finds it: %v\n%.2000s", err, out)
			}
			_, after, _ := strings.Cut(string(out), "failed after ")
			n, _, _ := strings.Cut(after, " ")
			t.Logf("found after %s histories", n)
		})
	}
}

// buildMutants builds the histories with all of the faults in one binary. The variable DMO_MUTANT
// chooses the one that is put back, by its number.
func buildMutants(t *testing.T, all []mutant) string {
	t.Helper()
	dir := t.TempDir()
	replace := make(map[string]string)
	put := func(path string, content []byte) {
		replace[path] = filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		write(t, replace[path], content)
	}
	var files []string
	for _, m := range all {
		for _, e := range m.edits {
			files = append(files, e.file)
		}
	}
	slices.Sort(files)
	for _, file := range slices.Compact(files) {
		path, err := filepath.Abs(filepath.Join("../../..", file))
		if err != nil {
			t.Fatal(err)
		}
		source, pkg := mutated(t, path, file, all)
		put(path, source)
		if chosen := filepath.Join(filepath.Dir(path), "mutant.go"); replace[chosen] == "" {
			put(chosen, fmt.Appendf(nil, "package %s\n\nimport \"os\"\n\nvar mutant = os.Getenv(\"DMO_MUTANT\")\n", pkg))
		}
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
	return binary
}

// mutated is a file in which each function that a fault is about begins with its body as it is
// with that fault, for the mutant that is chosen.
func mutated(t *testing.T, path, file string, all []mutant) (source []byte, pkg string) {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, path, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	faults := make(map[*ast.FuncDecl]string)
	for i, m := range all {
		bodies := make(map[*ast.FuncDecl]string)
		for _, e := range m.edits {
			if e.file != file {
				continue
			}
			at := bytes.Index(source, []byte(e.code))
			if n := bytes.Count(source, []byte(e.code)); n != 1 {
				t.Fatalf("%s has the place of %q %d times, want once: the mutant has to follow the code", file, m.name, n)
			}
			f := enclosing(set, parsed, at)
			if f == nil {
				t.Fatalf("%s: %q is in no function", file, e.code)
			}
			body, begun := bodies[f]
			if !begun {
				body = string(source[set.Position(f.Body.Lbrace).Offset+1 : set.Position(f.Body.Rbrace).Offset])
			}
			bodies[f] = strings.Replace(body, e.code, e.back, 1)
		}
		for f, body := range bodies {
			if f.Type.Results == nil {
				body += "\nreturn\n"
			}
			faults[f] += fmt.Sprintf("\nif mutant == \"%d\" {%s}\n", i, body)
		}
	}
	for _, d := range slices.Backward(parsed.Decls) {
		if f, ok := d.(*ast.FuncDecl); ok && faults[f] != "" {
			source = slices.Insert(source, set.Position(f.Body.Lbrace).Offset+1, []byte(faults[f])...)
		}
	}
	return source, parsed.Name.Name
}

// enclosing is the function whose body has an offset.
func enclosing(set *token.FileSet, parsed *ast.File, offset int) *ast.FuncDecl {
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil && set.Position(f.Body.Lbrace).Offset < offset && offset < set.Position(f.Body.Rbrace).Offset {
			return f
		}
	}
	return nil
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
