package arch

import (
	"cmp"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestDocumentLinks holds that what a document links to is there.
func TestDocumentLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#: ]+)(#[^)]*)?\)`)
	root := "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".md") || strings.Contains(path, "testdata"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", path, m[1], err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestDependenciesDocumented holds that docs/dependencies.md names every module
// that a package of ours imports.
func TestDependenciesDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	imported := make(map[string]bool)
	for _, p := range packages(t) {
		for _, list := range [][]string{p.Imports, p.TestImports, p.XTestImports} {
			for _, path := range list {
				if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") && !strings.HasPrefix(path, module) {
					imported[path] = true
				}
			}
		}
	}
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Path}}", "all")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for m := range strings.Lines(string(out)) {
		m = strings.TrimSpace(m)
		used := false
		for path := range imported {
			used = used || path == m || strings.HasPrefix(path, m+"/")
		}
		if short := strings.TrimPrefix(m, "github.com/"); used && !strings.Contains(string(text), "| "+short+" ") && !strings.Contains(string(text), ", "+short+" ") {
			t.Errorf("docs/dependencies.md has no line for %s", m)
		}
	}
}

// TestArchitectureFloorTable holds that the table in ARCHITECTURE.md is the one
// that imports are checked against.
func TestArchitectureFloorTable(t *testing.T) {
	text, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	table := floors()
	shown := make(map[string]bool)
	row, name := regexp.MustCompile(`(?m)^\| (\d?) ?\| (\x60.*?) \|`), regexp.MustCompile("`([^`]+)`")
	floor := ""
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		floor = cmp.Or(m[1], floor)
		for _, n := range name.FindAllStringSubmatch(m[2], -1) {
			for pkg, want := range table {
				if ok, _ := path.Match(n[1], pkg); ok {
					shown[pkg] = true
					if strconv.Itoa(want) != floor {
						t.Errorf("ARCHITECTURE.md shows %s on floor %s, it is on %d", pkg, floor, want)
					}
				}
			}
		}
	}
	for pkg := range table {
		if !shown[pkg] {
			t.Errorf("ARCHITECTURE.md does not show %s", pkg)
		}
	}
}

// TestWalks: each walk in ARCHITECTURE.md names at most eight files, and they exist.
func TestWalks(t *testing.T) {
	text, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, walks, _ := strings.Cut(string(text), "\n## Four walks\n")
	walks, _, _ = strings.Cut(walks, "\n## ")
	parts := strings.Split(walks, "\n### ")[1:]
	if len(parts) != 4 {
		t.Fatalf("%d walks, want 4", len(parts))
	}
	file := regexp.MustCompile("`([a-z_/]+\\.go)`")
	for _, walk := range parts {
		name, _, _ := strings.Cut(walk, "\n")
		found := file.FindAllStringSubmatch(walk, -1)
		if len(found) < 5 || len(found) > 8 {
			t.Errorf("%s: names %d files, want 5 to 8", name, len(found))
		}
		for _, m := range found {
			if _, err := os.Stat(filepath.Join("../..", m[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
