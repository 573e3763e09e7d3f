package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/dmoctl/dmoctl/"

// floors says where each package stands. A package imports packages of lower
// floors; on floors 0 and 1, which hold plain data, also of its own.
func floors() map[string]int {
	table := []string{
		0: "internal/arch internal/batch internal/catalog internal/digest internal/testbed/evidence" +
			" internal/testbed/nodetest internal/testbed/pgtest internal/printable internal/sample internal/schema internal/testbed/sim/erp internal/testbed/sim/hana internal/testbed/sim/memdb internal/testbed/sim/oracle internal/testbed/sim/store internal/diag",
		1: "internal/desired internal/exportfile internal/ledger internal/left internal/plan" +
			" internal/report internal/state internal/structure",
		2: "internal/journal providers" +
			" providers/fenced providers/pool providers/readers",
		3: "executor executor/compare executor/control executor/reading executor/transfer executor/work lang planner providers/hana providers/local providers/memory providers/objects providers/oracle providers/postgres" +
			" providers/providertest providers/sqlite",
		4: "bench cmd/dmoctl examples/chinook examples/demo examples/export-file examples/simulators internal/testbed/e2e internal/testbed/histories providers/all",
	}
	out := make(map[string]int)
	for floor, names := range table {
		for _, name := range strings.Fields(names) {
			out[name] = floor
		}
	}
	return out
}

// engineFloor is the floor on which nobody imports a neighbour: engines and
// providers meet only as plain data, and in cmd/dmoctl.
const engineFloor = 3

// engine is the engine that a package is a part of: executor/transfer belongs to executor. A
// part may import other parts of its engine, and nobody but the engine and the command line
// may import a part.
func engine(table map[string]int, name string) string {
	if first, _, _ := strings.Cut(name, "/"); table[first] == engineFloor {
		return first
	}
	return name
}

type listed struct {
	Dir          string
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	GoFiles      []string
	TestGoFiles  []string
	XTestGoFiles []string
}

// packages lists every package of the module.
func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=Dir,ImportPath,Imports,TestImports,XTestImports,GoFiles,TestGoFiles,XTestGoFiles", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		all = append(all, p)
	}
}

// floorOf returns the floor of one of our packages; ok is false for others'. A
// package below a provider's or an engine's internal directory stands where that one does.
func floorOf(t *testing.T, table map[string]int, path string) (name string, floor int, ok bool) {
	t.Helper()
	name, ours := strings.CutPrefix(path, module)
	if !ours {
		return "", 0, false
	}
	known := name
	if i := strings.Index(name, "/internal/"); i > 0 {
		known = name[:i]
	}
	floor, ok = table[known]
	if !ok {
		t.Errorf("package %s is on no floor: add it to the table in internal/arch and in ARCHITECTURE.md", name)
	}
	return known, floor, ok
}

func TestImportDirection(t *testing.T) {
	table := floors()
	for _, p := range packages(t) {
		name, floor, ok := floorOf(t, table, p.ImportPath)
		if !ok {
			continue
		}
		for _, path := range p.Imports {
			other, below, ours := floorOf(t, table, path)
			if !ours || other == name {
				continue
			}
			switch {
			case below > floor:
				t.Errorf("%s (floor %d) imports %s (floor %d): imports go down", name, floor, other, below)
			case below == floor && floor == engineFloor && engine(table, name) != engine(table, other):
				t.Errorf("%s imports %s: engines and providers never import each other", name, other)
			case below == engineFloor && engine(table, other) != other && floor > engineFloor && name != "cmd/dmoctl":
				t.Errorf("%s imports %s: a part of an engine is that engine's and the command's", name, other)
			case below == floor && floor > engineFloor && other != "providers/all":
				t.Errorf("%s imports %s: nothing imports a command", name, other)
			}
		}
		// Tests may put real parts together, but not reach for the command above them.
		for _, path := range append(p.TestImports, p.XTestImports...) {
			other, above, ours := floorOf(t, table, path)
			if ours && other != name && above > floor && above > engineFloor && other != "providers/all" {
				t.Errorf("tests of %s import %s", name, other)
			}
		}
	}
}

// TestGuardedGoroutines: a panic's value may hold a row's, so that goroutines of the executor are control.Group's.
func TestGuardedGoroutines(t *testing.T) {
	for _, p := range packages(t) {
		if name := strings.TrimPrefix(p.ImportPath, module); strings.HasPrefix(name, "executor") && name != "executor/control" &&
			slices.Contains(p.Imports, "golang.org/x/sync/errgroup") {
			t.Errorf("%s imports errgroup: control.Group guards its goroutines", name)
		}
	}
}
